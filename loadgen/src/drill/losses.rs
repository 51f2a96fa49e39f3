//! The four kinds of loss, each against the budget. They are never added up: see `docs/overload.md`.

use crate::audit::StockTotals;
use crate::health::lossy;
use crate::recorder::{Fate, Operation, Recorder};
use crate::report::{LossRow, Settings};
use crate::scenario::highest_phase;
use crate::schedule::Schedule;

/// All four, where the scenario has a budget. `stock` and the units that nobody got although people wanted them are the
/// audit's.
pub(super) fn rows(settings: &Settings, recorder: &Recorder, stock: Option<&StockTotals>) -> Vec<LossRow> {
    let Some(budget) = settings.scenario.objectives.loss_budget else { return Vec::new() };
    let row = |name, what, share, gated| LossRow { name, what, share, budget, gated };
    let units = stock.map(|stock| lossy(stock.unsold_wanted_units) / lossy(stock.stocked_units.max(1)));
    let all = recorder.fate(|_| true);
    let settled = recorder.fate(Operation::settles);
    vec![
        row(
            "L1",
            "goodput below the own peak, in the highest phase",
            goodput_lost(settings, recorder),
            false,
        ),
        row("L2", "units that nobody got although people wanted them", units, true),
        row(
            "L3",
            "requests that were let in, and failed or came late",
            share(all.late, all.in_time + all.late),
            false,
        ),
        row(
            "L4",
            "payments and cancels refused or late",
            share(settled.late + settled.refused, total(settled)),
            false,
        ),
    ]
}

/// How much of what could have been done in the highest phase was not: what was asked for, or the most that was done in any
/// phase, whichever is less.
fn goodput_lost(settings: &Settings, recorder: &Recorder) -> Option<f64> {
    let phases = &settings.scenario.phases;
    let spans = Schedule::spans(phases);
    let done = |(from, until): &(f64, f64)| recorder.ticks.in_time_per_second(*from, *until);
    let span = spans.get(highest_phase(&settings.scenario))?;
    let peak = spans.iter().map(done).fold(0.0, f64::max);
    let could = peak.min(recorder.ticks.due_per_second(span.0, span.1));
    (could > 0.0).then(|| (1.0 - done(span) / could).max(0.0))
}

fn total(fate: Fate) -> u64 {
    fate.in_time + fate.late + fate.refused
}

fn share(lost: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| lossy(lost) / lossy(of))
}
