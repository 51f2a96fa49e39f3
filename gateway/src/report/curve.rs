//! How stock and sales ran over time, in a bounded number of points.

use std::collections::HashMap;

use serde::Serialize;

use super::deed::{Deed, Step, Went, What};
use super::shop::Levels;
use super::window::Window;

/// Points of the curve of all stock: as many as a page shows apart.
const POINTS: u64 = 96;

/// Points of a SKU's own curve.
const SKU_POINTS: usize = 32;

/// SKUs that get a curve, in the order of their first sale: 8 MiB of memory at most. Of those that sell more, the list has the
/// numbers alone.
const MAX_SKU_CURVES: usize = 65_536;

/// What was there at a moment, and what happened since the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Point {
    /// The moment.
    pub(super) at: u64,
    /// Free units.
    pub(super) available: i64,
    /// Units in open holds.
    pub(super) held: i64,
    /// Paid units.
    pub(super) sold: i64,
    /// Units that somebody waits for.
    pub(super) waiting: i64,
    /// Orders placed since the point before.
    pub(super) placed: u64,
    /// Orders paid since then.
    pub(super) paid: u64,
}

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Course {
    window: Window,
    step_ms: u64,
    points: Vec<Point>,
    placed: u64,
    paid: u64,
    /// Units sold in each part of the window.
    skus: HashMap<u64, [u32; SKU_POINTS]>,
}

impl Course {
    pub(super) fn new(window: Window) -> Self {
        let step_ms = window.length().div_ceil(POINTS).max(1);
        Self { window, step_ms, points: Vec::new(), placed: 0, paid: 0, skus: HashMap::new() }
    }

    /// Time goes on to `at`, and this is what is there before anything happens then.
    pub(super) fn reach(&mut self, at: u64, levels: Levels) {
        while let Some(next) = self.next().filter(|next| *next <= at) {
            let Levels { available, held, sold, waiting, .. } = levels;
            let (placed, paid) = (self.placed, self.paid);
            self.points.push(Point { at: next, available, held, sold, waiting, placed, paid });
            (self.placed, self.paid) = (0, 0);
        }
    }

    /// When the next point is due; none behind the window.
    fn next(&self) -> Option<u64> {
        let nth = self.points.len() as u64;
        (nth <= POINTS).then(|| self.window.from.saturating_add(nth * self.step_ms).min(self.window.to))
    }

    pub(super) fn note(&mut self, deed: &Deed) {
        match deed.what {
            What::Order(Step::Held { .. } | Step::Waited) => self.placed += 1,
            What::Order(Step::Paid(_) | Step::Reacquired(_)) => self.paid += 1,
            What::Units { sku, units, went: Went::Sold { .. } } => self.note_sold(sku, units, deed.at),
            What::Order(_) | What::Units { .. } => {}
        }
    }

    fn note_sold(&mut self, sku: u64, units: u64, at: u64) {
        if self.skus.len() >= MAX_SKU_CURVES && !self.skus.contains_key(&sku) {
            return;
        }
        let curve = self.skus.entry(sku).or_default();
        let part = u128::from(at.saturating_sub(self.window.from)) * SKU_POINTS as u128;
        let nth = usize::try_from(part / u128::from(self.window.length().max(1))).unwrap_or(SKU_POINTS);
        if let Some(place) = curve.get_mut(nth.min(SKU_POINTS - 1)) {
            *place = place.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
        }
    }

    /// The points, the last one at the window's end.
    pub(super) fn finish(&mut self, levels: Levels) -> Vec<Point> {
        self.reach(u64::MAX, levels);
        let mut points = std::mem::take(&mut self.points);
        points.dedup_by(|later, earlier| {
            let same = later.at == earlier.at;
            if same {
                earlier.placed += later.placed;
                earlier.paid += later.paid;
            }
            same
        });
        points
    }

    /// What a SKU sold in each part of the window; none if nothing, or if too many sold.
    pub(super) fn of_sku(&self, sku: u64) -> Option<[u32; SKU_POINTS]> {
        self.skus.get(&sku).copied()
    }
}
