//! Where plans are carried out: one at a time, step by step, each of them written down first.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Instant;

use super::hands::Hands;
use super::journal::Journal;
use super::run::{Run, RunState, Undo};
use super::steps::force_open;
use super::{EmergencyPlan, PlanError};
use crate::overload::Moment;
use crate::overload::anomaly::{AnomalyRule, Counts, Detector, Found, Subject};
use crate::server::Shared;

/// Most runs that may be in force. A crowd that moves from SKU to SKU must not fill the memory.
pub(super) const MOST_IN_FORCE: usize = 64;

/// Reverted runs that are remembered. The journal knows all.
const MOST_REVERTED: usize = 256;

/// Where it begins, and for whom.
pub(super) struct Wish<'a> {
    pub(super) plan: &'a str,
    pub(super) sku: Option<u64>,
    pub(super) cause: String,
    pub(super) rule: Option<String>,
}

/// What is counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Of each rule: how often it found something, and the highest ratio of the latest look.
    pub(crate) rules: Vec<(String, u64, f64)>,
    /// Of each plan, runs that are in force.
    pub(crate) plans: Vec<(String, u64)>,
    /// Actions by name and what came of them.
    pub(crate) actions: BTreeMap<(&'static str, &'static str), u64>,
}

/// Time until a run is reverted again whose time was up and that could not be, milliseconds.
const TRY_AGAIN_MS: u64 = 1_000;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Room {
    plans: Vec<EmergencyPlan>,
    detector: Detector,
    pub(super) hands: Hands,
    pub(super) runs: BTreeMap<u32, Run>,
    /// Which rule found what a run is for, and where.
    pub(super) found: BTreeMap<u32, (usize, usize)>,
    journal: Option<Journal>,
    fired: Vec<u64>,
    pub(super) actions: BTreeMap<(&'static str, &'static str), u64>,
}

impl Room {
    pub(super) fn new(rules: Vec<AnomalyRule>, plans: Vec<EmergencyPlan>, port: usize) -> Self {
        Self {
            plans,
            fired: vec![0; rules.len()],
            detector: Detector::new(rules),
            hands: Hands::new(port),
            runs: BTreeMap::new(),
            found: BTreeMap::new(),
            journal: None,
            actions: BTreeMap::new(),
        }
    }

    pub(super) fn has_plans(&self) -> bool {
        !self.plans.is_empty() || self.runs.values().any(Run::is_in_force)
    }

    /// The plans of the configuration.
    pub(crate) fn plans(&self) -> &[EmergencyPlan] {
        &self.plans
    }

    /// The runs, by their number.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// The rules with the highest ratio of the latest look.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&AnomalyRule, u64, f64)> {
        self.detector.ratios().zip(&self.fired).map(|((rule, ratio), fired)| (rule, *fired, ratio))
    }

    pub(super) fn figures(&self) -> Figures {
        let in_force = |plan: &EmergencyPlan| {
            let runs = self.runs.values().filter(|run| run.plan == plan.name && run.is_in_force());
            (plan.name.clone(), runs.count() as u64)
        };
        Figures {
            rules: self.rules().map(|(rule, fired, ratio)| (rule.name.clone(), fired, ratio)).collect(),
            plans: self.plans.iter().map(in_force).collect(),
            actions: self.actions.clone(),
        }
    }

    /// Reads what former runs did, and puts in force again what a restart has ended: limits of shoppers, queues and breakers. To
    /// be called before the first connection is taken. Without a path nothing is kept.
    ///
    /// # Errors
    /// The journal can't be read.
    pub(crate) fn resume(&mut self, shared: &Shared, path: Option<&Path>) -> io::Result<()> {
        let Some(path) = path else { return Ok(()) };
        let (journal, runs) = Journal::open(path)?;
        self.journal = Some(journal);
        self.runs = runs;
        let cut_off: Vec<u32> =
            self.runs.values().filter(|run| run.state == RunState::Running).map(|run| run.number).collect();
        for number in cut_off {
            if let Some(mut run) = self.runs.get(&number).cloned() {
                run.state = RunState::Stopped;
                self.keep(&run)?;
            }
        }
        self.layer(shared);
        let now = shared.moment(Instant::now());
        for run in self.runs.values().filter(|run| run.is_in_force()) {
            for step in run.steps.iter().filter(|step| step.is_in_force()) {
                if let Some(Undo::Breakers { before }) = &step.undo {
                    for (scope, class, _) in before {
                        force_open(shared, now, (scope, class));
                    }
                }
            }
            tracing::warn!(run = run.number, plan = run.plan, "an emergency plan is in force still");
        }
        self.forget_old();
        Ok(())
    }

    /// Looks at what was counted: carries plans out, and reverts those whose time is up.
    pub(super) fn look(&mut self, shared: &Shared, now: Moment, counts: &[&Counts]) {
        let wall = shared.engine.now().raw();
        let due = |run: &&Run| run.is_in_force() && run.revert_at_ms.is_some_and(|at| at <= wall);
        let due: Vec<u32> = self.runs.values().filter(due).map(|run| run.number).collect();
        for number in due {
            let reverted = self.revert(shared, number);
            match (reverted, self.found.remove(&number)) {
                (Ok(()), Some((rule, place))) => self.detector.forget(rule, place),
                (Ok(()), None) => {}
                (Err(error), found) => {
                    tracing::error!(run = number, %error, "a plan whose time is up stays in force");
                    self.found.extend(found.map(|found| (number, found)));
                    if let Some(run) = self.runs.get_mut(&number) {
                        run.revert_at_ms = Some(wall.saturating_add(TRY_AGAIN_MS));
                    }
                }
            }
        }
        for found in self.detector.look(now, counts) {
            self.answer(shared, found);
        }
    }

    fn answer(&mut self, shared: &Shared, found: Found) {
        let Found { rule: number, subject, place, rate, usual } = found;
        let Some(rule) = self.detector.rule(number).cloned() else { return };
        if let Some(fired) = self.fired.get_mut(number) {
            *fired += 1;
        }
        let cause =
            format!("rule {}: {subject} at {rate:.0} orders a second, and {usual:.0} are usual", rule.name);
        tracing::warn!(rule = rule.name, %subject, rate, usual, plan = rule.plan, "the order rate is out of the ordinary");
        let sku = if let Subject::Sku(sku) = subject { Some(sku) } else { None };
        let wish = Wish { plan: &rule.plan, sku, cause, rule: Some(rule.name.clone()) };
        match self.begin(shared, wish) {
            Ok(run) => {
                self.found.insert(run, (number, place));
            }
            Err(error) => tracing::warn!(rule = rule.name, %error, "no emergency plan was carried out"),
        }
    }

    /// Carries a plan out because somebody wants it so; gives the run's number.
    ///
    /// # Errors
    /// See [`PlanError`]. An action that fails is none: the run says so.
    pub(crate) fn run(&mut self, shared: &Shared, plan: &str, sku: Option<u64>) -> Result<u32, PlanError> {
        self.begin(shared, Wish { plan, sku, cause: "by hand".to_owned(), rule: None })
    }

    /// Reverts a run because somebody wants it so: what it was for is taken to be usual from now on.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub(crate) fn call_off(&mut self, shared: &Shared, number: u32) -> Result<(), PlanError> {
        self.revert(shared, number)?;
        if let Some((rule, place)) = self.found.remove(&number) {
            self.detector.learn_anew(rule, place);
        }
        Ok(())
    }

    fn begin(&mut self, shared: &Shared, wish: Wish<'_>) -> Result<u32, PlanError> {
        let Wish { plan: name, sku, cause, rule } = wish;
        let Some(plan) = self.plans.iter().find(|plan| plan.name == name).cloned() else {
            let known: Vec<&str> = self.plans.iter().map(|plan| plan.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(PlanError::NoSuchPlan { name: name.to_owned(), known });
        };
        if let (None, Some(action)) = (sku, plan.needs_sku()) {
            return Err(PlanError::NeedsSku { name: name.to_owned(), action: action.name() });
        }
        let mut in_force = self.runs.values().filter(|run| run.is_in_force());
        if let Some(run) = in_force.clone().find(|run| (run.plan == plan.name) && run.sku == sku) {
            return Err(PlanError::InForce { run: run.number });
        }
        if in_force.nth(MOST_IN_FORCE - 1).is_some() {
            return Err(PlanError::TooMany);
        }
        let number = self.runs.last_key_value().map_or(1, |(number, _)| number.saturating_add(1));
        let at_ms = shared.engine.now().raw();
        let after = plan.revert_after_s.saturating_mul(1_000);
        let mut run = Run {
            number,
            plan: plan.name,
            sku,
            cause,
            rule,
            at_ms,
            revert_at_ms: (after > 0).then(|| at_ms.saturating_add(after)),
            state: RunState::Running,
            steps: Vec::new(),
        };
        self.keep(&run)?;
        tracing::warn!(run = number, plan = run.plan, cause = run.cause, "an emergency plan is carried out");
        for action in plan.actions {
            let failed = self.step(shared, &mut run, action)?;
            if failed {
                run.state = RunState::Stopped;
                break;
            }
        }
        if run.state == RunState::Running {
            run.state = RunState::Active;
        }
        self.keep(&run)?;
        tracing::warn!(
            run = number,
            plan = run.plan,
            state = run.state.name(),
            "an emergency plan was carried out"
        );
        self.forget_old();
        Ok(number)
    }

    /// Writes a run down as it is now.
    pub(super) fn keep(&mut self, run: &Run) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.write(run)?;
        }
        self.runs.insert(run.number, run.clone());
        Ok(())
    }

    fn forget_old(&mut self) {
        let reverted: Vec<u32> =
            self.runs.values().filter(|run| !run.is_in_force()).map(|run| run.number).collect();
        let most = reverted.len().saturating_sub(MOST_REVERTED);
        for number in reverted.iter().take(most) {
            self.runs.remove(number);
        }
    }
}
