//! Emergency plans: what is to be done when something is out of the ordinary, in order, logged, and undone in one word.
//!
//! ```text
//! reactors ─counts─► anomaly::Detector ─found─►┐
//!                                              ├─► Room: a Run of the plan, step by step
//! doorbuster plan run ──► POST /plans ────────►┘     │ 1. how it is undone, into the Journal, synced
//!                                                    │ 2. the action: ledger (Hands), breakers, or Regime
//!                                                    │ 3. what came of it, into the Journal
//!                                                    └ the first that fails stops the plan
//! ```
//!
//! * Plans are carried out by the thread that watches, or the one that an operator's wish came in on, one at a time, never by a
//!   reactor. Reactors are told by [`Regime`], which costs them one load a pass.
//! * A run is undone in reverse order, to what was before, unless somebody else has changed it since: that stays, and is said.
//!   Where a later run has changed the same, it takes over what was before.
//! * A restart forgets no run: those that are active are put in force again before the first connection is taken.

mod action;
mod error;
mod hands;
mod journal;
mod plan;
mod regime;
mod room;
mod run;
mod steps;
mod undo;
mod watcher;

pub use action::Action;
pub(crate) use error::PlanError;
pub(crate) use hands::Hands;
pub(crate) use journal::FILE;
pub use plan::EmergencyPlan;
pub(crate) use plan::{Fault, check};
pub(crate) use regime::{Bounds, Layer, Regime, Standing};
pub(crate) use room::{Figures, Room};
pub(crate) use run::Run;
pub(crate) use watcher::Watcher;

use std::sync::Arc;

use parking_lot::Mutex;

use crate::overload::Moment;
use crate::overload::anomaly::{AnomalyRule, Counts};
use crate::server::Shared;

/// What a server has for emergencies.
#[derive(Debug)]
pub(crate) struct Emergency {
    /// What reactors are told.
    pub(crate) regime: Regime,
    /// What each reactor counts; none without rules.
    counts: Vec<Option<Arc<Counts>>>,
    room: Mutex<Room>,
    /// A copy, for whoever mustn't wait while a plan is carried out.
    figures: Mutex<Figures>,
}

impl Emergency {
    /// For so many reactors.
    pub(crate) fn new(
        rules: Vec<AnomalyRule>,
        plans: Vec<EmergencyPlan>,
        (reactors, seed): (usize, u64),
        configured: Bounds,
    ) -> Self {
        let counts = (0..reactors).map(|_| Counts::new(&rules, seed).map(Arc::new)).collect();
        // Behind the ports of the reactors and of the feed.
        let room = Room::new(rules, plans, reactors + 1);
        let figures = Mutex::new(room.figures());
        Self { regime: Regime::new(configured), counts, room: Mutex::new(room), figures }
    }

    /// What a reactor counts.
    pub(crate) fn counts(&self, reactor: usize) -> Option<Arc<Counts>> {
        self.counts.get(reactor).and_then(Clone::clone)
    }

    /// Whether there is anything to watch.
    pub(crate) fn watches(&self) -> bool {
        self.counts.iter().any(Option::is_some) || self.room.lock().has_plans()
    }

    /// Looks once: carries out plans of what is out of the ordinary, and reverts those whose time is up.
    pub(crate) fn look(&self, shared: &Shared, now: Moment) {
        let counts: Vec<&Counts> = self.counts.iter().filter_map(Option::as_deref).collect();
        self.enter(|room| room.look(shared, now, &counts));
    }

    /// Does something in the room, alone, and lets everybody see its figures then.
    pub(crate) fn enter<T>(&self, work: impl FnOnce(&mut Room) -> T) -> T {
        let mut room = self.room.lock();
        let done = work(&mut room);
        let figures = room.figures();
        drop(room);
        *self.figures.lock() = figures;
        done
    }

    /// The figures, of the latest look.
    pub(crate) fn figures(&self) -> Figures {
        self.figures.lock().clone()
    }
}
