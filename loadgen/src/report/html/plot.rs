//! A picture of lines over the drill's time.
//!
//! ```text
//!            ┌ phases ─┬───────────────┬───────┐   a strip with their names
//!            │         F1 kill                 │   a strip for faults, if there are any
//!      2,000 ┤- - - - -▒▒░░- - - - - - - - - - │
//!      1,000 ┤   ┌─────▒▒░░─┐                  │   tints go through the plot: phases by turns, faults, recoveries
//!          0 └───┴──────────┴──▲───────────────┘   restocks and rebalances stand on the axis
//!            0         10         20        30 s
//! ```

use std::fmt::Write;

use super::axis::{Scale, round_up};
use super::course::{Course, Mark, Stretch};
use super::markup::Html;
use crate::report::figures::seconds;

/// Width of a letter, about; for what has room.
const LETTER: f64 = 6.6;

/// Height of the phases' strip, and of that for faults.
const STRIP: f64 = 20.0;

/// Height of the line below the plot.
const BELOW: f64 = 24.0;

/// A line, or steps.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// In the legend.
    pub(super) name: &'static str,
    /// In the style sheet.
    pub(super) class: &'static str,
    /// From, until, value; where there is no value, the line has a gap.
    pub(super) steps: Vec<(f64, f64, Option<f64>)>,
    /// Whether what is below it is tinted.
    pub(super) filled: bool,
}

/// A picture's content.
#[derive(Debug)]
pub(super) struct Plot<'a> {
    /// For those who don't see it.
    pub(super) label: &'a str,
    pub(super) scale: Scale,
    /// How a tick is written.
    pub(super) tick: fn(f64) -> String,
    pub(super) lines: &'a [Line],
    /// A limit, and what it is called.
    pub(super) limit: Option<(f64, String)>,
    /// What a pointer over a stretch of time shows: from, until, text.
    pub(super) tips: &'a [(f64, f64, String)],
}

/// For which screens it is.
#[derive(Clone, Copy, Debug)]
struct Size {
    class: &'static str,
    width: f64,
    height: f64,
    /// Room for the ticks' numbers.
    left: f64,
    right: f64,
    /// Steps of the time axis, at most.
    steps: f64,
    /// Whether there is a pointer to show tips at.
    pointer: bool,
}

const SIZES: [Size; 2] = [
    Size { class: "wide", width: 960.0, height: 300.0, left: 60.0, right: 20.0, steps: 15.0, pointer: true },
    Size {
        class: "narrow",
        width: 380.0,
        height: 250.0,
        left: 50.0,
        right: 20.0,
        steps: 6.0,
        pointer: false,
    },
];

impl Plot<'_> {
    /// Draws it for each size of screen; the style sheet shows one of them.
    pub(super) fn draw(&self, course: &Course, html: &mut Html) {
        for size in SIZES {
            let above = if course.faults.is_empty() { STRIP } else { 2.0 * STRIP };
            let frame = Frame { size, above, ends_s: course.ends_s };
            let view = format!("0 0 {} {}", size.width, size.height);
            let class = format!("plot {}", size.class);
            let attributes =
                [("class", class.as_str()), ("viewBox", &view), ("role", "img"), ("aria-label", self.label)];
            html.node("svg", &attributes, |svg| {
                frame.phases(course, svg);
                frame.faults(course, svg);
                self.ticks(frame, svg);
                frame.marks(&course.deliveries, "delivery", svg);
                frame.marks(&course.moves, "move", svg);
                self.limit(frame, svg);
                for line in self.lines {
                    self.line(frame, line, svg);
                }
                if size.pointer {
                    self.tips(frame, svg);
                }
            });
        }
    }

    fn y(&self, frame: Frame, value: f64) -> f64 {
        frame.bottom() - self.scale.share(value) * (frame.bottom() - frame.above)
    }

    fn ticks(&self, frame: Frame, svg: &mut Html) {
        for value in self.scale.ticks() {
            let y = self.y(frame, value);
            rule("grid", (frame.size.left, y), (frame.size.width - frame.size.right, y), svg);
            words("tick-y", frame.size.left - 6.0, y + 4.0, &(self.tick)(value), svg);
        }
        let step = round_up(frame.ends_s / frame.size.steps);
        let times = std::iter::successors(Some(0.0_f64), |count| Some(count + 1.0))
            .map(|count| count * step)
            .take_while(|at| *at <= frame.ends_s);
        let times: Vec<f64> = times.collect();
        for (nth, at) in times.iter().enumerate() {
            let unit = if nth + 1 == times.len() { " s" } else { "" };
            words("tick-x", frame.x(*at), frame.bottom() + 16.0, &(seconds(*at) + unit), svg);
        }
    }

    fn limit(&self, frame: Frame, svg: &mut Html) {
        let Some((value, name)) = &self.limit else { return };
        let y = self.y(frame, *value);
        rule("limit", (frame.size.left, y), (frame.size.width - frame.size.right, y), svg);
        words("limit-name", frame.size.width - frame.size.right - 4.0, y - 4.0, name, svg);
    }

    fn line(&self, frame: Frame, line: &Line, svg: &mut Html) {
        let steps: Vec<(f64, f64, Option<f64>)> = line
            .steps
            .iter()
            .map(|(from, until, value)| {
                (frame.x(*from), frame.x(*until), value.map(|value| self.y(frame, value)))
            })
            .collect();
        if line.filled {
            let area = area(&steps, frame.bottom());
            svg.leaf("path", &[("class", &format!("area {}", line.class)), ("d", &area)]);
        }
        svg.leaf("path", &[("class", &format!("line {}", line.class)), ("d", &path(&steps))]);
    }

    fn tips(&self, frame: Frame, svg: &mut Html) {
        for (from, until, text) in self.tips {
            let (from, until) = (frame.x(*from), frame.x(*until));
            let area = (from, frame.above, until - from, frame.bottom() - frame.above);
            block("tip", area, text, svg);
        }
    }
}

/// A picture's size, and where its plot is.
#[derive(Clone, Copy, Debug)]
struct Frame {
    size: Size,
    /// Where the plot begins.
    above: f64,
    ends_s: f64,
}

impl Frame {
    fn bottom(self) -> f64 {
        self.size.height - BELOW
    }

    fn x(self, at_s: f64) -> f64 {
        let share = (at_s / self.ends_s).clamp(0.0, 1.0);
        self.size.left + share * (self.size.width - self.size.left - self.size.right)
    }

    fn phases(self, course: &Course, svg: &mut Html) {
        for (nth, phase) in course.phases.iter().enumerate() {
            let (from, until) = (self.x(phase.from_s), self.x(phase.until_s));
            let class = if nth % 2 == 0 { "phase even" } else { "phase odd" };
            block(class, (from, 0.0, until - from, self.bottom()), &phase.tip, svg);
            if let Some(name) = fitting(phase, until - from) {
                words("phase-name", f64::midpoint(from, until), 14.0, name, svg);
            }
        }
    }

    fn faults(self, course: &Course, svg: &mut Html) {
        let mut free_from = 0.0;
        for fault in &course.faults {
            let Stretch { from_s, until_s, name, short, tip } = &fault.during;
            // A fault of a moment must still be seen.
            let (from, until) = (self.x(*from_s), self.x(*until_s).max(self.x(*from_s) + 2.0));
            let recovered = self.x(fault.recovered_s.unwrap_or(self.ends_s)).max(until);
            let height = self.bottom() - self.above;
            block("recovery", (until, self.above, recovered - until, height), tip, svg);
            block("fault", (from, STRIP, until - from, height + STRIP), tip, svg);
            let at = from.max(free_from);
            let next =
                course.faults.iter().map(|other| self.x(other.during.from_s)).find(|next| *next > from);
            let room = next.unwrap_or(self.size.width) - at;
            let shown = [name, short].into_iter().find(|text| width(text) <= room);
            if let Some(text) = shown {
                words("fault-name", at + 3.0, STRIP + 14.0, text, svg);
                free_from = at + width(text);
            }
        }
    }

    fn marks(self, marks: &[Mark], class: &'static str, svg: &mut Html) {
        for mark in marks {
            let x = self.x(mark.at_s);
            rule("mark", (x, self.above), (x, self.bottom()), svg);
            let (top, low) = (self.bottom() - 10.0, self.bottom());
            let (left, right) = (x - 5.5, x + 5.5);
            let shape = if class == "delivery" {
                format!("M{x:.1} {top:.1}L{right:.1} {low:.1}H{left:.1}Z")
            } else {
                let middle = f64::midpoint(top, low);
                format!("M{x:.1} {top:.1}L{right:.1} {middle:.1}L{x:.1} {low:.1}L{left:.1} {middle:.1}Z")
            };
            svg.node("path", &[("class", class), ("d", &shape)], |path| path.say("title", "", &mark.tip));
        }
    }
}

/// Steps as a path: to the right at each height, and up or down between them; where one has no height, a gap.
fn path(steps: &[(f64, f64, Option<f64>)]) -> String {
    let mut out = String::new();
    let mut before = None;
    for &(from, until, height) in steps {
        match (before, height) {
            (_, None) => Ok(()),
            (None, Some(y)) => write!(out, "M{from:.1} {y:.1}H{until:.1}"),
            (Some(_), Some(y)) => write!(out, "V{y:.1}H{until:.1}"),
        }
        .unwrap_or_default();
        before = height;
    }
    out
}

/// What is below the steps.
fn area(steps: &[(f64, f64, Option<f64>)], bottom: f64) -> String {
    let mut out = String::new();
    for &(from, until, height) in steps {
        if let Some(y) = height {
            write!(out, "M{from:.1} {bottom:.1}V{y:.1}H{until:.1}V{bottom:.1}Z").unwrap_or_default();
        }
    }
    out
}

/// The name that fits, or the short one, or none.
fn fitting(stretch: &Stretch, room: f64) -> Option<&str> {
    [stretch.name.as_str(), &stretch.short].into_iter().find(|text| width(text) <= room)
}

/// About how wide a text is.
fn width(text: &str) -> f64 {
    text.chars().map(|_| LETTER).sum::<f64>() + 6.0
}

/// A rectangle with a tip.
fn block(class: &str, (x, y, width, height): (f64, f64, f64, f64), tip: &str, svg: &mut Html) {
    let [x, y, width, height] = [x, y, width, height].map(|number| format!("{number:.1}"));
    let attributes = [("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)];
    svg.node("rect", &attributes, |rect| rect.say("title", "", tip));
}

fn rule(class: &str, from: (f64, f64), to: (f64, f64), svg: &mut Html) {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|number| format!("{number:.1}"));
    svg.leaf("line", &[("class", class), ("x1", &x1), ("y1", &y1), ("x2", &x2), ("y2", &y2)]);
}

fn words(class: &str, x: f64, y: f64, text: &str, svg: &mut Html) {
    let (x, y) = (format!("{x:.1}"), format!("{y:.1}"));
    svg.node("text", &[("class", class), ("x", &x), ("y", &y)], |node| node.text(text));
}
