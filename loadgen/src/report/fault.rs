//! What was done to the server on purpose, and what was lost.

use serde::Serialize;

use crate::program::Program;

/// A fault of the timeline, and how long the server needed to get over it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FaultRow {
    /// What was done, as the scenario names it.
    pub kind: String,
    /// Seconds since the start.
    pub at_s: f64,
    /// When it was over: a paused server goes on, a killed one listens again.
    pub until_s: f64,
    /// Of the requests that were due in the seconds before, the share that was decided in time.
    pub before_share: f64,
    /// The least of such a share, of a second in which it lasted or of one after it.
    pub lowest_share: f64,
    /// From its end until a second began in which the share was 97 % of what it was before; none: until the end it was not.
    pub recovery_s: Option<f64>,
    /// The longest that this may take by the scenario; none: it doesn't say.
    pub limit_s: Option<f64>,
    /// What took the server's place; none where nothing did.
    pub upgrade: Option<UpgradeRow>,
}

/// Another program took the server's place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UpgradeRow {
    /// What ran before.
    pub from: Program,
    /// What ran afterwards.
    pub to: Program,
    /// The longest time in which nobody's request was decided, on no connection, from the last answer to the next; none if it can't
    /// be known.
    pub longest_gap_s: Option<f64>,
    /// When that began, seconds since the start.
    pub gap_at_s: Option<f64>,
    /// How long new connections were refused; 0: never.
    pub refused_s: f64,
    /// When that began, seconds since the start.
    pub refused_at_s: Option<f64>,
    /// From the request to stop until the first process was gone.
    pub stop_s: f64,
    /// From the start of the second one until it listened and had recovered.
    pub start_s: f64,
    /// Requests that were refused or broken off by it, and sent again.
    pub sent_again: u64,
}

/// An emergency plan that the server carried out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanRow {
    /// Its name.
    pub plan: String,
    /// Why, in the server's words.
    pub cause: String,
    /// Seconds since the start.
    pub at_s: f64,
    /// How it stood at the end.
    pub state: String,
    /// Its actions in order, each with what came of it.
    pub steps: Vec<String>,
}

/// One of the four kinds of loss, against the budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LossRow {
    /// `L1` to `L4`.
    pub name: &'static str,
    /// What is lost, in words.
    pub what: &'static str,
    /// How much was, 0 to 1; none if it can't be known.
    pub share: Option<f64>,
    /// How much may be.
    pub budget: f64,
    /// Whether the drill fails above it; else it is only said.
    pub gated: bool,
}
