//! What was reached of what the scenario wants.

use super::judge::Judged;
use super::timeline::Happened;
use super::{Suffered, Swap, emergency};
use crate::health::lossy;
use crate::recorder::{Fate, Operation, Recorder};
use crate::report::{self, FaultRow, LossRow, Settings, UpgradeRow};
use crate::resident::ResidentReport;
use crate::scenario::{Objectives, highest_phase};
use crate::schedule::Schedule;
use crate::verdict::Objective;
use crate::worker::Harvest;

/// Name of the row of an overload among the faults.
const BURST: &str = "burst";

/// How long after an upgrade what happens is still taken to be its doing, seconds.
const AFTERWARDS_S: f64 = 1.0;

/// Everything that objectives are about.
pub(super) struct Reached<'a> {
    pub(super) settings: &'a Settings,
    pub(super) harvest: &'a Harvest,
    pub(super) judged: &'a Judged,
    pub(super) resident: Option<ResidentReport>,
    pub(super) losses: &'a [LossRow],
    pub(super) faults: &'a [FaultRow],
}

impl Reached<'_> {
    /// All objectives of the scenario, in the order in which reports have them.
    pub(super) fn objectives(&self) -> Vec<Objective> {
        let Self { settings, judged, .. } = self;
        let recorder = &self.harvest.recorder;
        let wanted = &settings.scenario.objectives;
        let audit = judged.audit.as_ref();
        let of_stock = |units: u64| audit.map(|audit| lossy(units) / lossy(audit.stock.stocked_units.max(1)));
        let at_most =
            |name, most: Option<f64>, measured| most.map(|most| Objective::at_most(name, most, measured));
        let at_least = |name, least: Option<f64>, measured| {
            least.map(|least| Objective::at_least(name, least, measured))
        };
        let p99_ms = |operation| report::p99_ms(recorder, operation);
        let optional = [
            at_least("settled_share", wanted.settled_share, settled_share(recorder)),
            at_least("goodput_kept", wanted.goodput_kept, self.goodput_kept()),
            at_most("amplification", wanted.amplification, self.amplification()),
            at_least(
                "sell_through",
                wanted.sell_through,
                audit.and_then(|audit| of_stock(audit.stock.sold_units)),
            ),
            at_most(
                "leftover_share",
                wanted.leftover_share,
                audit.and_then(|audit| of_stock(audit.stock.available_units)),
            ),
            at_least("budget_spent", wanted.budget_spent, audit.and_then(|audit| audit.budget_spent)),
            at_most(
                "release_lag_p99_ms",
                wanted.release_lag_p99_ms,
                judged.release_lag.map(|lag| lag.p99_ms),
            ),
            at_most(
                "resident_growth_mib",
                wanted.resident_growth_mib,
                self.resident.map(|resident| resident.growth_mib),
            ),
        ];
        let emergencies = wanted
            .emergency_seconds
            .map(|limit_s| emergency::objectives(&judged.plans, settings.t0_seconds, limit_s));
        let gated = self.losses.iter().filter(|loss| loss.gated);
        vec![
            Objective::at_most("reserve_p99_ms", wanted.reserve_p99_ms, p99_ms(Operation::Reserve)),
            Objective::at_most("confirm_p99_ms", wanted.confirm_p99_ms, p99_ms(Operation::Confirm)),
            Objective::at_least("answered_share", wanted.answered_share, self.answered_share()),
        ]
        .into_iter()
        .chain(optional.into_iter().flatten())
        .chain(gated.map(|loss| Objective::at_most(&format!("loss_{}", loss.name), loss.budget, loss.share)))
        .chain(self.faults.iter().filter_map(|fault| recovery(fault, settings.phases_seconds)))
        .chain(emergencies.into_iter().flatten())
        .collect()
    }

    fn answered_share(&self) -> Option<f64> {
        let recorder = &self.harvest.recorder;
        let shed: u64 = recorder.seconds.iter().map(|second| second.shed).sum();
        let requests = recorder.requests();
        (requests > 0).then(|| lossy(recorder.answers() - shed) / lossy(requests))
    }

    /// Goodput in the highest phase, as a share of that in the phase before it.
    fn goodput_kept(&self) -> Option<f64> {
        let scenario = &self.settings.scenario;
        let spans = Schedule::spans(&scenario.phases);
        let highest = highest_phase(scenario);
        let goodput = |nth: usize| {
            let (from, until) = spans.get(nth)?;
            Some(self.harvest.recorder.ticks.in_time_per_second(*from, *until))
        };
        let before = goodput(highest.checked_sub(1)?).filter(|before| *before > 0.0)?;
        Some(goodput(highest)? / before)
    }

    /// Requests that were sent for each one that shoppers meant.
    fn amplification(&self) -> Option<f64> {
        let requests = self.harvest.recorder.requests();
        let meant = requests.saturating_sub(self.harvest.retries);
        (meant > 0).then(|| lossy(requests) / lossy(meant))
    }
}

/// Of all payments, cancels and what belongs to them, the share that was decided in time.
fn settled_share(recorder: &Recorder) -> Option<f64> {
    let Fate { in_time, late, refused } = recorder.fate(Operation::settles);
    let all = in_time + late + refused;
    (all > 0).then(|| lossy(in_time) / lossy(all))
}

/// The objective of a fault that has a limit. One that was never got over misses it, by what was left of the phases at least.
fn recovery(fault: &FaultRow, phases_seconds: f64) -> Option<Objective> {
    let limit = fault.limit_s?;
    let name = format!("{}_recovery_s", fault.kind.replace('-', "_"));
    Some(match fault.recovery_s {
        Some(seconds) => Objective::at_most(&name, limit, Some(seconds)),
        None => Objective { name, limit, measured: Some(phases_seconds - fault.until_s), met: false },
    })
}

/// What the drill did to the server, in order, and how it got over it.
pub(super) fn fault_rows(settings: &Settings, recorder: &Recorder, happened: &Happened) -> Vec<FaultRow> {
    let scenario = &settings.scenario;
    let row = |kind: &str, at_s: f64, until_s: f64, limit_s: Option<f64>| {
        let course = recorder.ticks.course(at_s, until_s, settings.phases_seconds);
        FaultRow {
            kind: kind.to_owned(),
            at_s,
            until_s,
            before_share: course.before,
            lowest_share: course.lowest,
            recovery_s: course.recovery_s,
            limit_s,
            upgrade: None,
        }
    };
    let Objectives { burst_recovery_seconds, .. } = scenario.objectives;
    let span = Schedule::spans(&scenario.phases).get(highest_phase(scenario)).copied();
    let burst =
        burst_recovery_seconds.zip(span).map(|(limit, (at, until))| row(BURST, at, until, Some(limit)));
    let suffered = happened.faults.iter().map(|suffered| {
        let (kind, limit) = (suffered.fault.kind.name(), suffered.fault.recovery_seconds);
        let upgrade = suffered.swap.as_ref().map(|swap| upgrade_row(swap, suffered, recorder));
        FaultRow { upgrade, ..row(kind, suffered.at_s, suffered.until_s, limit) }
    });
    let mut rows: Vec<FaultRow> = burst.into_iter().chain(suffered).collect();
    rows.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    rows
}

/// What an upgrade looked like to shoppers.
fn upgrade_row(swap: &Swap, suffered: &Suffered, recorder: &Recorder) -> UpgradeRow {
    let until_s = suffered.until_s + AFTERWARDS_S;
    let gap = recorder.pulse.longest_gap(suffered.at_s, until_s);
    UpgradeRow {
        from: swap.from.clone(),
        to: swap.to.clone(),
        longest_gap_s: gap.map(|gap| gap.seconds),
        gap_at_s: gap.map(|gap| gap.at_s),
        refused_s: swap.refused_s.map_or(0.0, |(from, until)| until - from),
        refused_at_s: swap.refused_s.map(|(from, _)| from),
        stop_s: swap.stop_s,
        start_s: swap.start_s,
        sent_again: recorder.ticks.again_between(suffered.at_s, until_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(recovery_s: Option<f64>) -> FaultRow {
        let (kind, before_share, lowest_share) = ("slow-sync".to_owned(), 1.0, 0.2);
        let (at_s, until_s, limit_s, upgrade) = (5.0, 7.0, Some(2.0), None);
        FaultRow { kind, at_s, until_s, before_share, lowest_share, recovery_s, limit_s, upgrade }
    }

    #[test]
    fn a_fault_with_a_limit_is_an_objective() {
        let of = |recovery_s| recovery(&fault(recovery_s), 20.0).expect("it has a limit");
        assert!(of(Some(1.5)).met && !of(Some(2.5)).met);
        let never = of(None);
        assert_eq!(
            (never.met, never.measured, never.name.as_str()),
            (false, Some(13.0), "slow_sync_recovery_s")
        );
        assert_eq!(recovery(&FaultRow { limit_s: None, ..fault(None) }, 20.0), None);
    }
}
