//! A plan that was carried out: what it did, and what is needed to undo it.

use serde::{Deserialize, Serialize};

use super::{Action, Layer};

/// One time that a plan was carried out. What stands here is written to the journal and read again after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Its number, from 1; the reason of what it has changed in the ledger.
    pub(crate) number: u32,
    /// The plan.
    pub(crate) plan: String,
    /// The SKU that it was carried out for.
    pub(crate) sku: Option<u64>,
    /// Why.
    pub(crate) cause: String,
    /// The rule that found it, and nobody's by hand.
    pub(crate) rule: Option<String>,
    /// When it began, server milliseconds.
    pub(crate) at_ms: u64,
    /// When it reverts itself, server milliseconds.
    pub(crate) revert_at_ms: Option<u64>,
    /// Where it stands.
    pub(crate) state: RunState,
    /// What it did, in order, as far as it got.
    pub(crate) steps: Vec<Step>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunState {
    /// Its actions are carried out.
    Running,
    /// All of them are done.
    Active,
    /// One of them failed: those before it are done.
    Stopped,
    /// They are undone, as far as that could be.
    Reverted,
}

impl RunState {
    /// As people read it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Active => "active",
            Self::Stopped => "stopped",
            Self::Reverted => "reverted",
        }
    }
}

/// One action of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What was to be done.
    pub(crate) action: Action,
    /// What came of it.
    pub(crate) outcome: StepOutcome,
    /// How it is undone.
    pub(crate) undo: Option<Undo>,
    /// What came of that.
    pub(crate) undone: Option<String>,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "why")]
pub(crate) enum StepOutcome {
    /// It is written down, and may be done or not.
    Begun,
    /// It is done.
    Done,
    /// It was so already.
    Unchanged,
    /// It isn't done.
    Failed(String),
}

impl StepOutcome {
    /// As figures have it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it isn't done.
    pub(crate) fn why(&self) -> Option<&str> {
        if let Self::Failed(why) = self { Some(why) } else { None }
    }
}

/// A SKU's limits, for a shopper and for an order; 0: none.
pub(crate) type Limits = (u32, u32);

/// What a channel may have of a SKU: guarantee, cap, and when the guarantee ends.
pub(crate) type Allotment = (u64, Option<u64>, Option<u64>);

/// How a step is undone: what was before, and what it has put there. If something else stands there by then, somebody has changed
/// it since, and it stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub(crate) enum Undo {
    /// A SKU's limits.
    Limits {
        /// The SKU.
        sku: u64,
        /// Before.
        before: Limits,
        /// Since.
        set: Limits,
    },
    /// Whether a SKU is frozen.
    Freeze {
        /// The SKU.
        sku: u64,
        /// Before. It is since.
        before: bool,
    },
    /// What a channel may have.
    Channel {
        /// The SKU.
        sku: u64,
        /// The channel.
        channel: u16,
        /// Before.
        before: Allotment,
        /// Since.
        set: Allotment,
    },
    /// Circuit breakers: scope, class and mode of each before. They are forced open since.
    Breakers {
        /// Each of them.
        before: Vec<(String, String, String)>,
    },
    /// What reactors are told.
    Layer {
        /// That.
        layer: Layer,
    },
}

impl Run {
    /// Whether what it did is in force.
    pub(crate) fn is_in_force(&self) -> bool {
        self.state != RunState::Reverted
    }

    /// What it wants of reactors.
    pub(crate) fn layers(&self) -> impl Iterator<Item = Layer> {
        let active = self.is_in_force();
        self.steps
            .iter()
            .filter(move |step| active && step.is_in_force())
            .filter_map(|step| if let Some(Undo::Layer { layer }) = step.undo { Some(layer) } else { None })
    }
}

impl Step {
    /// Whether it may have been done, and is not undone.
    pub(crate) fn is_in_force(&self) -> bool {
        let failed = matches!(self.outcome, StepOutcome::Failed(_));
        self.undone.is_none() && (self.undo.is_some() || !failed)
    }
}

impl Undo {
    /// Takes over what was before from a step that is undone first, where both are about the same. Returns whether they are.
    pub(crate) fn inherit(&mut self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Limits { sku, before, .. }, Self::Limits { sku: of, before: was, .. }) if sku == of => {
                *before = *was;
                true
            }
            (Self::Freeze { sku, before }, Self::Freeze { sku: of, before: was }) if sku == of => {
                *before = *was;
                true
            }
            (
                Self::Channel { sku, channel, before, .. },
                Self::Channel { sku: of, channel: through, before: was, .. },
            ) if (*sku, *channel) == (*of, *through) => {
                *before = *was;
                true
            }
            (
                Self::Limits { .. }
                | Self::Freeze { .. }
                | Self::Channel { .. }
                | Self::Breakers { .. }
                | Self::Layer { .. },
                _,
            ) => false,
        }
    }
}
