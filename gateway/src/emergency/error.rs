//! Why there is no plan, or no end of one.

use std::io;

use super::room::MOST_IN_FORCE;

/// Why a plan is not carried out, or not reverted. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The configuration has no such plan.
    #[error("no such plan: {name}; there are {known}")]
    NoSuchPlan {
        /// The plan.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// It can be carried out for a SKU alone.
    #[error("plan {name} has an action \"{action}\" that needs a SKU: name one")]
    NeedsSku {
        /// The plan.
        name: String,
        /// The action.
        action: &'static str,
    },
    /// It is in force already, for the same SKU.
    #[error("run {run} of this plan is in force already; revert it first")]
    InForce {
        /// The run.
        run: u32,
    },
    /// More must not be in force.
    #[error("{MOST_IN_FORCE} runs are in force, and more may not be; revert some")]
    TooMany,
    /// There is no such run.
    #[error("no such run: {run}")]
    NoSuchRun {
        /// The run.
        run: u32,
    },
    /// The run is reverted.
    #[error("run {run} is reverted already")]
    Reverted {
        /// The run.
        run: u32,
    },
    /// It can't be written down, so that nothing more was done.
    #[error("it can't be written to the journal of plans, so nothing more was done: {0}")]
    Journal(#[from] io::Error),
    /// A step can't be undone now. Those before it are; the others are in force.
    #[error("the action \"{action}\" can't be undone now: {why}; ask again")]
    Undo {
        /// The action.
        action: &'static str,
        /// Why not.
        why: String,
    },
}
