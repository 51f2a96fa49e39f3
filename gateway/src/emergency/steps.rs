//! The steps of a run: what is there is read and written down, then the action is carried out, then what came of it is written down.

use std::num::NonZeroU32;
use std::time::Instant;

use super::hands::Change;
use super::run::{Limits, Run, Step, StepOutcome, Undo};
use super::{Action, Layer, PlanError, Room};
use crate::overload::breaker::{Gate, Mode};
use crate::overload::{Moment, Scope};
use crate::server::Shared;
use crate::sku::Sku;

impl Room {
    /// Carries an action out. Returns whether it failed.
    pub(super) fn step(&mut self, shared: &Shared, run: &mut Run, action: Action) -> Result<bool, PlanError> {
        let prepared = self.prepare(shared, &action, run.sku);
        let (outcome, undo) = match prepared {
            Ok(Some(undo)) => (StepOutcome::Begun, Some(undo)),
            Ok(None) => (StepOutcome::Unchanged, None),
            Err(why) => (StepOutcome::Failed(why), None),
        };
        let begun = outcome == StepOutcome::Begun;
        run.steps.push(Step { action, outcome, undo: undo.clone(), undone: None });
        if begun {
            self.keep(run)?;
        }
        let done = undo.filter(|_| begun).map(|undo| self.carry_out(shared, &undo, run.number));
        let Some(step) = run.steps.last_mut() else { return Ok(false) };
        match done {
            Some(Ok(Change::Made)) => step.outcome = StepOutcome::Done,
            Some(Ok(Change::None)) => step.outcome = StepOutcome::Unchanged,
            Some(Err(why)) => step.outcome = StepOutcome::Failed(why),
            None => {}
        }
        let (name, outcome) = (step.action.name(), step.outcome.clone());
        *self.actions.entry((name, outcome.name())).or_default() += 1;
        let (number, action) = (run.number, step.action.to_string());
        self.keep(run)?;
        if let StepOutcome::Failed(why) = &outcome {
            tracing::warn!(
                run = number,
                action,
                why,
                "an action of an emergency plan failed, and the plan stops here"
            );
            return Ok(true);
        }
        tracing::warn!(run = number, action, outcome = outcome.name(), "an action of an emergency plan");
        Ok(false)
    }

    /// What an action will put where, and what is there now; `None` if there is nothing to be done.
    fn prepare(&mut self, shared: &Shared, action: &Action, of: Option<u64>) -> Result<Option<Undo>, String> {
        let engine = &shared.engine;
        let named = |sku: &Option<u64>| sku.or(of).ok_or_else(|| "it names no SKU".to_owned());
        Ok(match action {
            Action::ShopperLimit { per_second, burst } => {
                let layer = Layer::ShopperLimit { per_second: *per_second, burst: *burst };
                Some(Undo::Layer { layer })
            }
            Action::Queue { sku, all, per_second, burst } => {
                let sku = if *all { None } else { sku.or(of) };
                Some(Undo::Layer { layer: Layer::Queue { sku, per_second: *per_second, burst: *burst } })
            }
            Action::Limit { sku, per_user, per_order } => {
                let sku = named(sku)?;
                let stock = self.hands.stock(engine, sku)?;
                let before: Limits = (stock.user_limit, stock.order_limit);
                let lower = |is: u32, wanted: Option<NonZeroU32>| match wanted {
                    Some(wanted) if is == 0 => wanted.get(),
                    Some(wanted) => is.min(wanted.get()),
                    None => is,
                };
                let set = (lower(before.0, *per_user), lower(before.1, *per_order));
                Some(Undo::Limits { sku, before, set })
            }
            Action::Breaker { class, scope } => {
                let now = shared.moment(Instant::now());
                let fits = |scope_of: &Scope, class_of: &str| {
                    scope.as_ref().is_none_or(|wanted| *wanted == scope_of.to_string())
                        && class.as_deref().is_none_or(|wanted| wanted == class_of)
                };
                let all = shared.breakers.each().filter(|(at, of, _)| fits(at, of.name()));
                let mode = |gate: &Gate| gate.report(now).mode.name().to_owned();
                let before: Vec<_> =
                    all.map(|(at, of, gate)| (at.to_string(), of.name().to_owned(), mode(gate))).collect();
                if before.is_empty() {
                    return Err("this server has no such breaker".to_owned());
                }
                Some(Undo::Breakers { before })
            }
            Action::Freeze { sku } => {
                let sku = named(sku)?;
                Some(Undo::Freeze { sku, before: self.hands.stock(engine, sku)?.frozen })
            }
            Action::Release { sku, channel } => {
                let sku = named(sku)?;
                let before = self.hands.channel(engine, sku, *channel)?;
                let now = engine.now().raw();
                let (guarantee, cap, release_at) = before;
                let kept = guarantee > 0 && release_at.is_none_or(|at| at > now);
                let set = (guarantee, cap, Some(now));
                kept.then_some(Undo::Channel { sku, channel: *channel, before, set })
            }
        })
    }

    fn carry_out(&mut self, shared: &Shared, undo: &Undo, run: u32) -> Result<Change, String> {
        let engine = &shared.engine;
        match *undo {
            Undo::Limits { sku, set, .. } => self.hands.set_limits(engine, sku, set, run),
            Undo::Freeze { sku, .. } => self.hands.freeze(engine, sku, true, run),
            Undo::Channel { sku, channel, set, .. } => {
                self.hands.set_channel(engine, (sku, channel), set, run)
            }
            Undo::Breakers { ref before } => {
                let now = shared.moment(Instant::now());
                let forced =
                    before.iter().filter(|(scope, class, _)| force_open(shared, now, (scope, class)));
                Ok(if forced.count() > 0 { Change::Made } else { Change::None })
            }
            Undo::Layer { .. } => {
                self.layer(shared);
                Ok(Change::Made)
            }
        }
    }

    /// Tells the reactors what all runs want of them.
    pub(super) fn layer(&self, shared: &Shared) {
        let layers: Vec<Layer> = self.runs.values().flat_map(Run::layers).collect();
        shared.emergency.regime.set(&layers);
    }
}

/// Forces a breaker open. Returns whether it wasn't before.
pub(super) fn force_open(shared: &Shared, now: Moment, (scope, class): (&str, &str)) -> bool {
    let named = shared.breakers.each().find(|(at, of, _)| at.to_string() == scope && of.name() == class);
    named.is_some_and(|(.., gate)| {
        let closed = gate.report(now).mode != Mode::ForcedOpen;
        if closed {
            gate.set_mode(now, Mode::ForcedOpen);
        }
        closed
    })
}

/// A SKU in words.
pub(super) fn of_sku(sku: u64) -> String {
    format!("SKU {}", Sku(sku))
}
