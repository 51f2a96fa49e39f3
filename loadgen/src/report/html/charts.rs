//! The curves over the drill's time.

use super::axis::Scale;
use super::course::Course;
use super::markup::Html;
use super::plot::{Line, Plot};
use super::samples::{Column, columns};
use crate::report::figures::{milliseconds, rate, rounded, seconds};
use crate::report::model::Report;

/// Names and classes of the percentiles, as [`Column::latency_ms`] has them.
const PERCENTILES: [(&str, &str); 3] = [("p50", "low"), ("p99", "middle"), ("p99.9", "high")];

/// A count of [`Column`], in the legend and in the style sheet.
type Count = (&'static str, &'static str, fn(&Column) -> f64);

const COUNTS: [Count; 4] = [
    ("offered", "offered", |column| column.offered),
    ("goodput (in time)", "in-time", |column| column.in_time),
    ("refused", "refused", |column| column.refused),
    ("\"try again\"", "shed", |column| column.shed),
];

/// All of them.
pub(super) fn section(report: &Report, html: &mut Html) {
    html.node("section", &[("id", "time")], |html| {
        html.say("h2", "", "Over time");
        let (columns, width) = columns(&report.seconds);
        let Some(last) = columns.last() else {
            html.say("p", "none", "No second was measured.");
            return;
        };
        let course = Course::of(report, last.until_s);
        if width > 1 {
            let each =
                format!("Each step is {width} s: means of the counts, the worst second's percentiles.");
            html.say("p", "", &each);
        }
        counts(&columns, &course, html);
        latencies(report, &columns, &course, html);
        memory(report, &course, html);
    });
}

fn counts(columns: &[Column], course: &Course, html: &mut Html) {
    let lines = COUNTS.map(|(name, class, of)| Line {
        name,
        class,
        steps: columns.iter().map(|column| (column.from_s, column.until_s, Some(of(column)))).collect(),
        filled: class == "in-time",
    });
    let highest = |of: fn(&Column) -> f64| rounded(columns.iter().map(of).fold(0.0, f64::max));
    let label = format!(
        "Curves of requests and answers per second: at most {} offered, {} answered in time, {} refused, {} told to try again",
        highest(|column| column.offered),
        highest(|column| column.in_time),
        highest(|column| column.refused),
        highest(|column| column.shed)
    );
    let tips = tips(columns, |column| {
        COUNTS.map(|(name, _, of)| format!("{name} {}/s", rate(of(column)))).join(", ")
    });
    let plot = Plot {
        label: &label,
        scale: Scale::linear(columns.iter().flat_map(|column| COUNTS.map(|(_, _, of)| of(column))), 5.0),
        tick: |value| if value.fract() == 0.0 { rounded(value) } else { format!("{value:.1}") },
        lines: &lines,
        limit: None,
        tips: &tips,
    };
    let note = "Requests by the second in which they were due, looks included; answers by the second in which they came. \
                Goodput is what took effect within its objective.";
    figure("Requests and answers, per second", note, &plot, course, html);
}

fn latencies(report: &Report, columns: &[Column], course: &Course, html: &mut Html) {
    let of = |which: usize| columns.iter().filter_map(move |column| column.latency_ms[which]);
    if of(1).next().is_none() {
        return;
    }
    let lines = [0, 1, 2].map(|which| Line {
        name: PERCENTILES[which].0,
        class: PERCENTILES[which].1,
        steps: columns
            .iter()
            .map(|column| (column.from_s, column.until_s, column.latency_ms[which]))
            .collect(),
        filled: false,
    });
    let shown = |ms: f64| milliseconds(ms * 1_000.0);
    let worst = |which: usize| shown(of(which).fold(0.0, f64::max));
    let label = format!(
        "Curves of response times of reserves that got units: in the worst second p50 {} ms, p99 {} ms, p99.9 {} ms",
        worst(0),
        worst(1),
        worst(2)
    );
    let tips = tips(columns, |column| {
        let cells = PERCENTILES.iter().zip(column.latency_ms);
        let cells = cells.filter_map(|((name, _), ms)| Some(format!("{name} {} ms", shown(ms?))));
        let cells: Vec<String> = cells.collect();
        if cells.is_empty() { "no reserve got units".to_owned() } else { cells.join(", ") }
    });
    let limit_ms = report.settings.scenario.objectives.reserve_p99_ms;
    let values = columns.iter().flat_map(|column| column.latency_ms).flatten().chain([limit_ms]);
    let plot = Plot {
        label: &label,
        scale: Scale::log(values),
        tick: |value| if value < 1.0 { value.to_string() } else { rounded(value) },
        lines: &lines,
        limit: Some((limit_ms, format!("objective for p99: {limit_ms} ms"))),
        tips: &tips,
    };
    let note = "Of reserves that got units, from when they were due, by the second in which the answer came. Logarithmic.";
    figure("Response times, ms", note, &plot, course, html);
}

fn memory(report: &Report, course: &Course, html: &mut Html) {
    let rows = &report.memory;
    let Some(most) = rows.iter().map(|row| row.resident_mib).reduce(f64::max) else { return };
    let nexts = rows.iter().skip(1).map(|row| row.at_s).chain([course.ends_s]);
    let steps: Vec<(f64, f64, Option<f64>)> =
        rows.iter().zip(nexts).map(|(row, next)| (row.at_s, next, Some(row.resident_mib))).collect();
    let tips: Vec<(f64, f64, String)> = steps
        .iter()
        .map(|(from, until, mib)| (*from, *until, format!("{from:.1} s: {:.1} MiB", mib.unwrap_or_default())))
        .collect();
    let line = Line { name: "resident memory", class: "middle", steps, filled: true };
    let plot = Plot {
        label: &format!("Curve of the server's resident memory: at most {most:.1} MiB"),
        scale: Scale::linear([most].into_iter(), 5.0),
        tick: |value| if value.fract() == 0.0 { rounded(value) } else { format!("{value:.1}") },
        lines: &[line],
        limit: None,
        tips: &tips,
    };
    figure("The server's resident memory, MiB", "", &plot, course, html);
}

/// What a pointer over each column shows.
fn tips(columns: &[Column], text: impl Fn(&Column) -> String) -> Vec<(f64, f64, String)> {
    let tip = |column: &Column| {
        (column.from_s, column.until_s, format!("{} s: {}", seconds(column.from_s), text(column)))
    };
    columns.iter().map(tip).collect()
}

fn figure(title: &str, note: &str, plot: &Plot<'_>, course: &Course, html: &mut Html) {
    html.node("figure", &[], |html| {
        html.node("figcaption", &[], |html| {
            html.say("h3", "", title);
            html.node("ul", &[("class", "legend")], |html| {
                for line in plot.lines {
                    entry(line.name, &format!("line {}", line.class), "M1 6H25", html);
                }
                if !course.faults.is_empty() {
                    entry("fault", "fault", "M1 1H25V11H1Z", html);
                    entry("until recovered", "recovery", "M1 1H25V11H1Z", html);
                }
                if !course.deliveries.is_empty() {
                    entry("restock", "delivery", "M13 1L18 11H8Z", html);
                }
                if !course.moves.is_empty() {
                    entry("rebalance", "move", "M13 1L18 6L13 11L8 6Z", html);
                }
            });
        });
        plot.draw(course, html);
        if !note.is_empty() {
            html.say("p", "note", note);
        }
    });
}

/// A line of the legend.
fn entry(name: &str, class: &str, shape: &str, html: &mut Html) {
    html.node("li", &[], |html| {
        let attributes = [("class", "key"), ("viewBox", "0 0 26 12"), ("aria-hidden", "true")];
        html.node("svg", &attributes, |svg| svg.leaf("path", &[("class", class), ("d", shape)]));
        html.say("span", "", name);
    });
}
