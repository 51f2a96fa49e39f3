//! How a run is undone: its steps in reverse order, each to what was before, unless somebody has changed it since.

use std::time::Instant;

use super::run::{Run, RunState, Step, StepOutcome, Undo};
use super::steps::of_sku;
use super::{PlanError, Room};
use crate::overload::breaker::Mode;
use crate::server::Shared;

/// What is said of a step that is undone.
const RESTORED: &str = "as before";

impl Room {
    /// Undoes a run. What of it can't be undone now stays in force, with all steps before it.
    pub(super) fn revert(&mut self, shared: &Shared, number: u32) -> Result<(), PlanError> {
        let Some(mut run) = self.runs.get(&number).cloned() else {
            return Err(PlanError::NoSuchRun { run: number });
        };
        if !run.is_in_force() {
            return Err(PlanError::Reverted { run: number });
        }
        tracing::warn!(run = number, plan = run.plan, "an emergency plan is reverted");
        for nth in (0..run.steps.len()).rev() {
            let Some(step) = run.steps.get(nth).filter(|step| step.is_in_force()).cloned() else { continue };
            let undone = self
                .undo(shared, number, &step)
                .map_err(|why| PlanError::Undo { action: step.action.name(), why })?;
            tracing::warn!(run = number, action = %step.action, undone, "an action of an emergency plan was undone");
            if let Some(step) = run.steps.get_mut(nth) {
                step.undone = Some(undone);
            }
            self.keep(&run)?;
            self.layer(shared);
        }
        run.state = RunState::Reverted;
        self.keep(&run)?;
        self.layer(shared);
        Ok(())
    }

    /// Undoes a step; says what came of it.
    fn undo(&mut self, shared: &Shared, number: u32, step: &Step) -> Result<String, String> {
        let Some(undo) = &step.undo else { return Ok("it had changed nothing".to_owned()) };
        let mut undo = undo.clone();
        let engine = &shared.engine;
        let stands = match &undo {
            Undo::Limits { sku, set, .. } => {
                let stock = self.hands.stock(engine, *sku)?;
                (stock.user_limit, stock.order_limit) == *set
            }
            Undo::Channel { sku, channel, set, .. } => self.hands.channel(engine, *sku, *channel)? == *set,
            Undo::Layer { .. } | Undo::Freeze { .. } | Undo::Breakers { .. } => false,
        };
        if let Some(heir) = self.hand_over(number, &mut undo, stands).map_err(|error| error.to_string())? {
            return Ok(format!("run {heir} has it now"));
        }
        match undo {
            Undo::Layer { .. } => Ok(RESTORED.to_owned()),
            Undo::Limits { sku, before, set } => {
                let stock = self.hands.stock(engine, sku)?;
                let now = (stock.user_limit, stock.order_limit);
                if now == before {
                    return Ok(RESTORED.to_owned());
                }
                if now != set {
                    return Ok(format!(
                        "somebody else has changed the limits of {} since, and they stay",
                        of_sku(sku)
                    ));
                }
                self.hands.set_limits(engine, sku, before, number)?;
                Ok(RESTORED.to_owned())
            }
            Undo::Freeze { before: true, .. } => Ok("it was frozen before, and stays so".to_owned()),
            Undo::Freeze { sku, before: false } => {
                if !self.hands.stock(engine, sku)?.frozen {
                    return Ok(format!("{} is sold already", of_sku(sku)));
                }
                self.hands.freeze(engine, sku, false, number)?;
                Ok(RESTORED.to_owned())
            }
            Undo::Channel { sku, channel, before, set } => {
                let now = self.hands.channel(engine, sku, channel)?;
                if now == before {
                    return Ok(RESTORED.to_owned());
                }
                if now != set {
                    return Ok(format!("somebody else has changed channel {channel} since, and it stays"));
                }
                match self.hands.set_channel(engine, (sku, channel), before, number) {
                    Ok(_) => Ok(RESTORED.to_owned()),
                    // What was released may be sold by now.
                    Err(why) => Ok(format!("channel {channel} stays as it is: {why}")),
                }
            }
            Undo::Breakers { before } => Ok(release(shared, &before)),
        }
    }

    /// Lets a later run that has changed the same take over what was before; gives its number. Of breakers, those that none takes
    /// over stay in `undo`. Where what this step set `stands`, a step that was begun and not done has changed nothing, whatever it
    /// meant to, and takes nothing over.
    fn hand_over(&mut self, number: u32, undo: &mut Undo, stands: bool) -> std::io::Result<Option<u32>> {
        let later: Vec<Run> =
            self.runs.range(number.saturating_add(1)..).map(|(_, run)| run.clone()).collect();
        for mut run in later.into_iter().filter(Run::is_in_force) {
            let mut all = false;
            let mut some = false;
            let took_effect =
                |step: &Step| !stands || matches!(step.outcome, StepOutcome::Done | StepOutcome::Unchanged);
            for step in run.steps.iter_mut().filter(|step| step.is_in_force() && took_effect(step)) {
                let Some(theirs) = &mut step.undo else { continue };
                match (&mut *theirs, &mut *undo) {
                    (Undo::Breakers { before: theirs }, Undo::Breakers { before: ours }) => {
                        let kept = ours.len();
                        ours.retain(|(scope, class, mode)| {
                            let heir = theirs.iter_mut().find(|(at, of, _)| *at == *scope && *of == *class);
                            let Some((.., was)) = heir else { return true };
                            was.clone_from(mode);
                            false
                        });
                        some |= ours.len() < kept;
                        all |= ours.is_empty();
                    }
                    (theirs, ours) => all |= theirs.inherit(ours),
                }
            }
            if all || some {
                self.keep(&run)?;
            }
            if all {
                return Ok(Some(run.number));
            }
        }
        Ok(None)
    }
}

/// Lets breakers work as before, but for those that somebody has set since.
fn release(shared: &Shared, before: &[(String, String, String)]) -> String {
    let now = shared.moment(Instant::now());
    let mut others = 0;
    for (scope, class, mode) in before {
        let named = shared.breakers.each().find(|(at, of, _)| at.to_string() == *scope && of.name() == class);
        let mode = Mode::ALL.into_iter().find(|known| known.name() == mode);
        let (Some((.., gate)), Some(mode)) = (named, mode) else { continue };
        if gate.report(now).mode == Mode::ForcedOpen {
            gate.set_mode(now, mode);
        } else {
            others += 1;
        }
    }
    match others {
        0 => RESTORED.to_owned(),
        others => format!(
            "somebody else has set {others} of the breakers since, and these stay; the others are as before"
        ),
    }
}
