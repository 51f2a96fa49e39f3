//! Rolling reports: a section for each two hours, or how long it was asked for.

use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::counts::Counts;
use super::follow::Follower;
use super::goals::{GoalTally, Goals};
use super::log::Log;
use super::outline::Outline;
use super::shop::Levels;
use super::tally::{ChannelRow, Lag, Peak, SkuRow, Tally};
use super::window::{Window, Wish};
use super::{ReportError, SCHEMA_VERSION, UNKNOWN};
use crate::targets::Targets;

/// Most sections: two months of two hours each.
const MAX_SECTIONS: u64 = 1_000;

/// A report in sections.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Intervals {
    pub(super) schema_version: u32,
    pub(super) report: &'static str,
    pub(super) log: Facts,
    /// Length of a section, milliseconds.
    pub(super) every_ms: u64,
    /// When the campaign's first phase that sells began.
    pub(super) t0: Option<u64>,
    /// All sections together.
    pub(super) total: Section,
    /// In their order.
    pub(super) sections: Vec<Section>,
    /// What the log can't say.
    pub(super) unknown: [&'static str; 3],
}

/// What log a report is of.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Facts {
    /// Its identity.
    pub(super) id: String,
    /// Its events.
    pub(super) events: u64,
    /// The first event's time.
    pub(super) first: u64,
    /// The last event's.
    pub(super) last: u64,
    /// What stands behind its last whole block, if anything: then the report is not of all that was written.
    pub(super) behind: Option<String>,
    /// The campaign whose SKUs alone count; none: all SKUs do.
    pub(super) campaign: Option<u32>,
    /// Decimals of the currency: money is in minor units.
    pub(super) decimals: u8,
}

/// A time, and what happened in it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    /// Its start.
    pub(super) from: u64,
    /// Its end.
    pub(super) to: u64,
    /// What happened.
    pub(super) counts: Counts,
    /// Its busiest second.
    pub(super) peak: Peak,
    /// The hold whose units went back latest past its deadline.
    pub(super) longest_lag: Lag,
    /// What is there at its end.
    pub(super) stock: Levels,
    /// By channel.
    pub(super) channels: Vec<ChannelRow>,
    /// The SKUs that sold most.
    pub(super) skus: Vec<SkuRow>,
    /// SKUs that are not listed.
    pub(super) more_skus: usize,
    /// How the goals stand at its end.
    pub(super) goals: Option<Goals>,
}

impl super::Report for Intervals {
    fn behind(&self) -> Option<&str> {
        self.log.behind.as_deref()
    }
}

impl Facts {
    pub(super) fn of(log: &Log, outline: &Outline, wish: &Wish) -> Self {
        Self {
            id: log.id(),
            events: log.events(),
            first: outline.first,
            last: outline.last,
            behind: log.behind().map(str::to_owned),
            campaign: wish.campaign,
            decimals: wish.decimals,
        }
    }
}

impl Section {
    fn of(window: Window, tally: &Tally, stock: Levels, goals: Option<Goals>, top: usize) -> Self {
        let (skus, more_skus) = tally.top(top);
        Self {
            from: window.from,
            to: window.to,
            counts: tally.counts,
            peak: tally.peak,
            longest_lag: tally.lag,
            stock,
            channels: tally.channels(),
            skus,
            more_skus,
            goals,
        }
    }

    /// Whether nothing happened.
    pub(super) fn is_quiet(&self) -> bool {
        self.counts == Counts::default()
    }
}

/// Makes the report. `far` hears how far it is.
pub(crate) fn intervals(
    folder: &Path,
    wish: &Wish,
    every_ms: u64,
    targets: Option<&Targets>,
    far: &mut dyn FnMut(u64, u64),
) -> Result<Intervals, ReportError> {
    let mut log = Log::open(folder)?;
    let outline = Outline::read(&mut log, far)?;
    let t0 = outline.campaign(wish.campaign)?.and_then(|campaign| campaign.t0);
    let t0 = t0.or_else(|| targets.and_then(|targets| targets.t0));
    let whole = Window::of(wish, outline.first, &outline)?;
    // A boundary falls on what was asked for, on T0, or on whole hours.
    let windows = cut(whole, wish.from.or(t0).unwrap_or(0), every_ms)?;
    let goals_from = t0.unwrap_or(whole.from);
    let mut goals = targets.map(GoalTally::new);
    let mut follower = Follower::new(wish.campaign);
    let (mut total, mut current) = (Tally::default(), Tally::default());
    let mut sections = Vec::with_capacity(windows.len());
    let mut open = windows.iter().copied().peekable();
    let mut fault = None;
    let stand = |goals: &Option<GoalTally<'_>>, at: u64| {
        goals.as_ref().map(|goals| goals.stand(t0.map(|t0| at.saturating_sub(t0))))
    };
    log.each(far, |position, event| {
        let at = event.at().raw();
        if at >= whole.to {
            return ControlFlow::Break(());
        }
        while let Some(window) = open.next_if(|window| window.to <= at) {
            let ended = std::mem::take(&mut current);
            sections.push(Section::of(
                window,
                &ended,
                follower.shop.levels(),
                stand(&goals, window.to),
                wish.top,
            ));
        }
        match follower.follow(event) {
            Ok(deeds) => {
                for deed in deeds {
                    if let Some(goals) = goals.as_mut().filter(|_| at >= goals_from) {
                        goals.note(deed);
                    }
                    if whole.holds(at) {
                        current.note(deed);
                        total.note(deed);
                    }
                }
                ControlFlow::Continue(())
            }
            Err(why) => {
                fault = Some(ReportError::Contradiction { position, why });
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let levels = follower.shop.levels();
    for window in open {
        let ended = std::mem::take(&mut current);
        sections.push(Section::of(window, &ended, levels, stand(&goals, window.to), wish.top));
    }
    Ok(Intervals {
        schema_version: SCHEMA_VERSION,
        report: "interval",
        log: Facts::of(&log, &outline, wish),
        every_ms,
        t0,
        total: Section::of(whole, &total, levels, stand(&goals, whole.to), wish.top),
        sections,
        unknown: UNKNOWN,
    })
}

/// The parts of a window, cut at whole multiples of a length since `anchor`.
fn cut(whole: Window, anchor: u64, every_ms: u64) -> Result<Vec<Window>, ReportError> {
    let every = every_ms.max(1);
    // The first boundary that is not before the window's start.
    let offset = anchor % every;
    let first =
        (whole.from.saturating_sub(offset)).div_ceil(every).saturating_mul(every).saturating_add(offset);
    let first = if first == whole.from { first.saturating_add(every) } else { first };
    let sections = 1 + whole.to.saturating_sub(first).div_ceil(every);
    if sections > MAX_SECTIONS {
        return Err(ReportError::TooMany { sections, most: MAX_SECTIONS });
    }
    let mut windows = Vec::new();
    let (mut from, mut to) = (whole.from, first);
    while from < whole.to {
        windows.push(Window { from, to: to.min(whole.to) });
        (from, to) = (to, to.saturating_add(every));
    }
    Ok(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_at_multiples_since_the_anchor() {
        let parts = |from, to, anchor| {
            let windows = cut(Window { from, to }, anchor, 10).unwrap();
            windows.iter().map(|window| (window.from, window.to)).collect::<Vec<_>>()
        };
        assert_eq!(parts(5, 31, 0), [(5, 10), (10, 20), (20, 30), (30, 31)]);
        assert_eq!(parts(5, 31, 103), [(5, 13), (13, 23), (23, 31)]);
        assert_eq!(parts(5, 15, 5), [(5, 15)]);
        assert_eq!(parts(3, 4, 7), [(3, 4)]);
        assert_eq!(parts(0, 20, 20), [(0, 10), (10, 20)]);
    }

    #[test]
    fn too_many_parts_are_refused_with_what_to_do() {
        assert_eq!(cut(Window { from: 0, to: 10_000 }, 0, 10).map(|windows| windows.len()).ok(), Some(1_000));
        let said = cut(Window { from: 0, to: 10_001 }, 0, 10).unwrap_err().to_string();
        assert_eq!(
            said,
            "1001 intervals are too many, 1000 at most; name a longer one with --every, or a part with --from and --to"
        );
    }
}
