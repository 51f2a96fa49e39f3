//! Small charts for pages: SVG that takes its colours from the page, so that it is right in the dark and on paper.

use std::fmt::Write as _;

use super::curve::Point;
use super::numbers::{Grouped, Lapse};
use super::sale::Times;

/// Units of a chart's own space; the page stretches it.
const WIDTH: u64 = 960;
const HEIGHT: u64 = 240;

/// Room for what stands below a chart, also where letters are large against it, as on a phone.
const BELOW: u64 = 32;

/// A place from 0 to `of`, where `value` is on a scale up to `most`.
fn scaled(value: u64, most: u64, of: u64) -> u64 {
    let at = u128::from(value.min(most)) * u128::from(of);
    u64::try_from(at.checked_div(u128::from(most)).unwrap_or(0)).unwrap_or(of)
}

fn units(units: i64) -> u64 {
    u64::try_from(units).unwrap_or(0)
}

/// The frame of a chart: its size, what it shows to who can't see it, and a scale of three numbers, which stand on it.
fn frame(title: &str, most: u64, inside: &str) -> String {
    let height = HEIGHT + BELOW;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>{inside}"
    );
    for (part, value) in [(0, most), (1, most / 2), (2, 0)] {
        let y = HEIGHT * part / 2;
        let _infallible = write!(svg, "<line class=\"rule\" x1=\"0\" y1=\"{y}\" x2=\"{WIDTH}\" y2=\"{y}\"/>");
        if value > 0 {
            let _infallible = write!(
                svg,
                "<text class=\"scale\" x=\"4\" y=\"{y}\" dy=\"1em\">{value}</text>",
                value = Grouped(value)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

/// How long after the start a chart's ends and middle are.
fn axis(length_ms: u64) -> String {
    let mut axis = String::new();
    for (part, anchor) in [(0, "start"), (1, "middle"), (2, "end")] {
        let _infallible = write!(
            axis,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">+{at}</text>",
            x = WIDTH * part / 2,
            y = HEIGHT + BELOW - 8,
            at = Lapse(length_ms * part / 2)
        );
    }
    axis
}

/// All stock over time: sold below, then held, then free.
pub(super) fn stock(points: &[Point]) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    let length = last.at - first.at;
    let all = |point: &Point| units(point.sold) + units(point.held) + units(point.available);
    let most = points.iter().map(all).max().filter(|most| *most > 0 && length > 0)?;
    let place = |point: &Point, value: u64| {
        (scaled(point.at - first.at, length, WIDTH), HEIGHT - scaled(value, most, HEIGHT))
    };
    let mut inside = String::new();
    let below = |point: &Point, layer: usize| match layer {
        0 => 0,
        1 => units(point.sold),
        _ => units(point.sold) + units(point.held),
    };
    let above = |point: &Point, layer: usize| match layer {
        0 => units(point.sold),
        1 => units(point.sold) + units(point.held),
        _ => all(point),
    };
    for (layer, class) in ["sold", "held", "free"].into_iter().enumerate() {
        let mut outline = String::new();
        let upper = points.iter().map(|point| place(point, above(point, layer)));
        let lower = points.iter().rev().map(|point| place(point, below(point, layer)));
        for (x, y) in upper.chain(lower) {
            let _infallible = write!(outline, "{x},{y} ");
        }
        let _infallible = write!(inside, "<polygon class=\"{class}\" points=\"{}\"/>", outline.trim_end());
    }
    inside.push_str(&axis(length));
    Some(frame("Units sold, held and free over time", most, &inside))
}

/// Orders that were placed and paid in each part of the time.
pub(super) fn orders(points: &[Point]) -> Option<String> {
    let length = points.last()?.at - points.first()?.at;
    let most = points.iter().map(|point| point.placed.max(point.paid)).max().filter(|most| *most > 0)?;
    let bars: Vec<(u64, u64)> = points.iter().skip(1).map(|point| (point.placed, point.paid)).collect();
    let inside = columns(&bars, most) + &axis(length);
    Some(frame("Orders placed and paid over time", most, &inside))
}

/// Sold units of each section.
pub(super) fn sections(sold: &[(u64, u64)]) -> Option<String> {
    let most = sold.iter().map(|(placed, paid)| *placed.max(paid)).max().filter(|most| *most > 0)?;
    Some(frame("Orders placed and paid in each interval", most, &columns(sold, most)))
}

/// Pairs of columns side by side.
fn columns(bars: &[(u64, u64)], most: u64) -> String {
    let mut inside = String::new();
    let count = bars.len().max(1) as u64;
    for (nth, (placed, paid)) in (0..).zip(bars) {
        let (from, to) = (scaled(nth, count, WIDTH), scaled(nth + 1, count, WIDTH));
        let width = ((to - from) / 2).clamp(1, 40);
        for (value, class, at) in [(placed, "placed", from), (paid, "paid", from + width)] {
            let height = scaled(*value, most, HEIGHT);
            if height > 0 {
                let (x, y) = (at, HEIGHT - height);
                let _infallible = write!(
                    inside,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{}</title></rect>",
                    Grouped(*value)
                );
            }
        }
    }
    inside
}

/// From hold to payment, up to the longest time that anybody took.
pub(super) fn times(times: &Times) -> Option<String> {
    let most = times.bars.iter().map(|bar| bar.orders).max().filter(|most| *most > 0)?;
    let mut inside = String::new();
    let count = times.bars.iter().rposition(|bar| bar.orders > 0).map_or(0, |last| last as u64 + 1);
    for (nth, bar) in (0..count).zip(&times.bars) {
        let (from, to) = (scaled(nth, count, WIDTH), scaled(nth + 1, count, WIDTH));
        let (x, width, height) = (from + 4, to - from - 8, scaled(bar.orders, most, HEIGHT));
        let label = bar.within_ms.map_or_else(|| "more".to_owned(), short);
        let _infallible = write!(
            inside,
            "<rect class=\"paid\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{orders}</title></rect>\
             <text{odd} x=\"{middle}\" y=\"{under}\" text-anchor=\"middle\">{label}</text>",
            y = HEIGHT - height,
            orders = Grouped(bar.orders),
            odd = if nth % 2 == 1 { " class=\"odd\"" } else { "" },
            middle = x + width / 2,
            under = HEIGHT + BELOW - 8
        );
    }
    Some(frame("Orders by how long their payment took", most, &inside))
}

/// A length of time in its one unit.
fn short(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h", ms / 3_600_000),
    }
}

/// A small curve within a line.
pub(super) fn spark(values: &[u32]) -> String {
    let most = values.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let mut points = String::new();
    let count = (values.len() as u64).saturating_sub(1);
    for (nth, value) in (0..).zip(values) {
        let (x, y) = (scaled(nth, count, 96), 20 - scaled(u64::from(*value), u64::from(most), 19));
        let _infallible = write!(points, "{x},{y} ");
    }
    format!(
        "<svg class=\"spark\" viewBox=\"0 0 96 20\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><polyline points=\"{}\"/></svg>",
        points.trim_end()
    )
}
