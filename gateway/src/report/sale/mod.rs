//! The report of a whole sale: goals, execution, effect, problems, improvements.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::path::Path;

use serde::Serialize;

use super::actions::Actions;
use super::counts::Counts;
use super::curve::{Course, Point};
use super::deed::{Step, What};
use super::follow::Follower;
use super::goals::{GoalTally, Goals};
use super::hints::{Hint, hints};
use super::interval::Facts;
use super::log::Log;
use super::numbers::{Ratio, name};
use super::outline::{CampaignOutline, Outline};
use super::problems::{Problem, problems};
use super::shop::{Account, Levels};
use super::tally::{ChannelRow, Lag, Peak, SkuSales, Tally};
use super::window::{Window, Wish};
use super::{ReportError, SCHEMA_VERSION, UNKNOWN};
use crate::targets::Targets;

mod times;

pub(super) use times::Times;
use times::TimesTally;

/// The report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sale {
    pub(super) schema_version: u32,
    pub(super) report: &'static str,
    pub(super) log: Facts,
    /// Its start: T0, unless another one was asked for.
    pub(super) from: u64,
    /// Its end.
    pub(super) to: u64,
    /// How the goals stand; none without a file of them.
    pub(super) goals: Option<Goals>,
    pub(super) execution: Execution,
    pub(super) effect: Effect,
    /// What went wrong, or didn't.
    pub(super) problems: Vec<Problem>,
    /// What the numbers suggest.
    pub(super) improvements: Vec<Hint>,
    /// What the log can't say.
    pub(super) unknown: [&'static str; 3],
}

impl super::Report for Sale {
    fn behind(&self) -> Option<&str> {
        self.log.behind.as_deref()
    }
}

/// How it ran.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Execution {
    /// The campaign with its phases as they really were; none if the log has none, or several and none was named.
    pub(super) campaign: Option<CampaignOutline>,
    /// What people did meanwhile.
    pub(super) actions: Actions,
    /// The busiest second.
    pub(super) peak: Peak,
    /// Restarts after which open holds were given more time.
    pub(super) restarts: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Effect {
    pub(super) counts: Counts,
    /// What is there at the end.
    pub(super) stock: Levels,
    /// Paid units that stayed, of all units that there were.
    pub(super) sell_through: Option<Ratio>,
    /// Paid orders, of those that held units and whose hold has ended; swapped ones left out.
    pub(super) conversion: Option<Ratio>,
    /// The hold whose units went back latest past its deadline.
    pub(super) longest_lag: Lag,
    /// From hold to payment.
    pub(super) times: Times,
    /// SKUs of which a shopper took the last free unit at some time.
    pub(super) sold_out_skus: u64,
    pub(super) channels: Vec<ChannelRow>,
    /// The SKUs that sold most.
    pub(super) skus: Vec<SkuLine>,
    /// SKUs that are not listed.
    pub(super) more_skus: usize,
    /// Stock and sales over time.
    pub(super) course: Vec<Point>,
}

/// A SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SkuLine {
    /// The SKU.
    #[serde(serialize_with = "name")]
    pub(super) sku: u64,
    #[serde(flatten)]
    pub(super) sales: SkuSales,
    /// Free units at the end.
    pub(super) available: i64,
    /// Units in open holds at the end.
    pub(super) held: i64,
    /// Paid units that stayed.
    pub(super) sold: i64,
    /// Of all its units.
    pub(super) sell_through: Option<Ratio>,
    /// When the last free unit was taken for the first time, milliseconds since the report's start; none: never, or before.
    pub(super) sold_out_after_ms: Option<u64>,
    /// How long no unit was free, milliseconds.
    pub(super) out_ms: u64,
    /// Units that somebody waited for in vain, or still waits for, and that were free at the end.
    pub(super) unserved_units: u64,
    /// Units sold in each thirty-second part of the time; none if there were too many SKUs.
    pub(super) sold_by_part: Option<[u32; 32]>,
}

/// What problems and hints are derived from, beside the report itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    /// Units that nobody got although somebody who waited wanted them.
    pub(super) unserved_units: u64,
    /// SKUs that it was so with.
    pub(super) unserved_skus: u64,
    /// SKUs that sold out within the first tenth of the time.
    pub(super) early_out: u64,
    /// SKUs of which less than half was sold.
    pub(super) slow: u64,
    /// Units of those that nobody bought.
    pub(super) slow_units: u64,
    /// Orders placed in the first minute, if there were ten at least.
    pub(super) first_minute: u64,
}

/// Makes the report. `far` hears how far it is.
pub(crate) fn sale(
    folder: &Path,
    wish: &Wish,
    targets: Option<&Targets>,
    far: &mut dyn FnMut(u64, u64),
) -> Result<Sale, ReportError> {
    let mut log = Log::open(folder)?;
    let outline = Outline::read(&mut log, far)?;
    let campaign = outline.campaign(wish.campaign)?;
    let t0 = campaign.as_ref().and_then(|campaign| campaign.t0);
    let t0 = t0.or_else(|| targets.and_then(|targets| targets.t0));
    let begin = t0.or(outline.first_order).unwrap_or(outline.first);
    let window = Window::of(wish, begin, &outline)?;
    let mut replay = Replay::new(wish, window, &outline, targets);
    let mut fault = None;
    log.each(far, |position, event| {
        if event.at().raw() >= window.to {
            return ControlFlow::Break(());
        }
        match replay.event(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                fault = Some(ReportError::Contradiction { position, why });
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    Ok(replay.finish(Facts::of(&log, &outline, wish), campaign, t0))
}

/// The second reading.
struct Replay<'a> {
    wish: Wish,
    window: Window,
    follower: Follower,
    tally: Tally,
    times: TimesTally,
    course: Course,
    goals: Option<GoalTally<'a>>,
    actions: Actions,
    restarts: u64,
    first_minute: u64,
}

impl<'a> Replay<'a> {
    fn new(wish: &Wish, window: Window, outline: &Outline, targets: Option<&'a Targets>) -> Self {
        // What comes long after the last order, as parcels that are returned, would press the curve together.
        let shown =
            Window { to: window.to.min(outline.last_order.max(window.from).saturating_add(1)), ..window };
        Self {
            wish: *wish,
            window,
            follower: Follower::new(wish.campaign),
            tally: Tally::default(),
            times: TimesTally::default(),
            course: Course::new(shown),
            goals: targets.map(GoalTally::new),
            actions: Actions::default(),
            restarts: 0,
            first_minute: 0,
        }
    }

    fn event(&mut self, event: &doorbuster_ledger::Event) -> Result<(), String> {
        let at = event.at().raw();
        let counts = self.window.holds(at);
        if counts {
            self.course.reach(at, self.follower.shop.levels());
            self.actions.note(event);
            self.restarts += u64::from(matches!(event, doorbuster_ledger::Event::GraceGranted { .. }));
        }
        for deed in self.follower.follow(event)? {
            if !counts {
                continue;
            }
            self.tally.note(deed);
            self.times.note(deed);
            self.course.note(deed);
            if let Some(goals) = &mut self.goals {
                goals.note(deed);
            }
            let placed = matches!(deed.what, What::Order(Step::Held { .. } | Step::Waited));
            self.first_minute += u64::from(placed && at < self.window.from.saturating_add(60_000));
        }
        Ok(())
    }

    fn finish(mut self, log: Facts, campaign: Option<CampaignOutline>, t0: Option<u64>) -> Sale {
        let levels = self.follower.shop.levels();
        let (skus, more_skus, sums, sold_out_skus) = self.skus();
        let counts = self.tally.counts;
        let goals =
            self.goals.as_ref().map(|goals| goals.stand(t0.map(|t0| self.window.to.saturating_sub(t0))));
        let effect = Effect {
            counts,
            stock: levels,
            sell_through: sell_through(levels.available, levels.held, levels.sold),
            conversion: Ratio::of(counts.paid(), counts.paid_in_time + counts.unpaid()),
            longest_lag: self.tally.lag,
            times: self.times.finish(),
            sold_out_skus,
            channels: self.tally.channels(),
            skus,
            more_skus,
            course: self.course.finish(levels),
        };
        let execution =
            Execution { campaign, actions: self.actions, peak: self.tally.peak, restarts: self.restarts };
        let Window { from, to } = self.window;
        let problems = problems(&log, &execution, &effect, sums);
        let improvements = hints(goals.as_ref(), &execution, &effect, sums);
        Sale {
            schema_version: SCHEMA_VERSION,
            report: "sale",
            log,
            from,
            to,
            goals,
            execution,
            effect,
            problems,
            improvements,
            unknown: UNKNOWN,
        }
    }

    /// The SKUs that sold most, how many more there are, what all come to, and how many sold out.
    fn skus(&self) -> (Vec<SkuLine>, usize, Sums, u64) {
        let mut all = self.follower.shop.counted();
        let first_minute = if self.window.length() >= 600_000 { self.first_minute } else { 0 };
        let mut sums = Sums { first_minute, ..Sums::default() };
        let mut sold_out = 0;
        for (sku, account) in &all {
            let line = self.line(*sku, account);
            sums.unserved_units += line.unserved_units;
            sums.unserved_skus += u64::from(line.unserved_units > 0);
            sold_out += u64::from(line.sold_out_after_ms.is_some());
            sums.early_out +=
                u64::from(line.sold_out_after_ms.is_some_and(|ms| ms < self.window.length() / 10));
            if line.sell_through.is_some_and(|ratio| ratio.ten_thousandths() < 5_000) {
                sums.slow += 1;
                sums.slow_units += u64::try_from(account.available).unwrap_or(0);
            }
        }
        all.sort_by_key(|(sku, _)| (Reverse(self.tally.sku(*sku).sold_units), *sku));
        let more = all.len().saturating_sub(self.wish.top);
        let listed = all.iter().take(self.wish.top).map(|(sku, account)| self.line(*sku, account));
        (listed.collect(), more, sums, sold_out)
    }

    fn line(&self, sku: u64, account: &Account) -> SkuLine {
        let Account { available, held, sold, waiting, first_out, out_since, out_ms, .. } = *account;
        let sales = self.tally.sku(sku);
        let missed = sales.missed_units.saturating_add(u64::try_from(waiting).unwrap_or(0));
        SkuLine {
            sku,
            sales,
            available,
            held,
            sold,
            sell_through: sell_through(available, held, sold),
            sold_out_after_ms: first_out.and_then(|at| at.checked_sub(self.window.from)),
            out_ms: out_ms + out_since.map_or(0, |since| self.window.to.saturating_sub(since)),
            unserved_units: missed.min(u64::try_from(available).unwrap_or(0)),
            sold_by_part: self.course.of_sku(sku),
        }
    }
}

/// What part of all units was sold.
fn sell_through(available: i64, held: i64, sold: i64) -> Option<Ratio> {
    let all = available.saturating_add(held).saturating_add(sold);
    Ratio::of(u64::try_from(sold).ok()?, u64::try_from(all).ok()?)
}
