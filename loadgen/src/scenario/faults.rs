//! Faults of the timeline: what is done to the server on purpose.

use serde::{Deserialize, Serialize};

use super::Scenario;
use super::check::Fault as Wrong;

/// Most faults of a drill.
const MAX_FAULTS: usize = 100;

/// Longest fault, seconds.
const MAX_FAULT_SECONDS: f64 = 600.0;

/// Something that goes wrong, on purpose, at a known time.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When, seconds from the start; not scaled.
    pub at_seconds: f64,
    /// How long it lasts, not scaled, seconds; 0 where it is over at once.
    #[serde(default)]
    pub seconds: f64,
    /// Of `slow-sync`: how much longer each sync of the log takes, milliseconds.
    pub sync_ms: Option<u32>,
    /// Of `breaker`: whose breakers are forced open: `reserve`, `settle` or `read`; all where it is left out.
    pub class: Option<String>,
    /// Of `disconnect`: the share of the connections.
    pub share: Option<f64>,
    /// The longest recovery that passes, seconds from the fault's end.
    pub recovery_seconds: Option<f64>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The server is killed (SIGKILL), and started again on its data when the time is over.
    Kill,
    /// The server stands still (SIGSTOP), and goes on.
    Pause,
    /// Each sync of the log takes longer.
    SlowSync,
    /// Circuit breakers are forced open, and released.
    Breaker,
    /// Shoppers' connections break, and are made again at once.
    Disconnect,
    /// The server is asked to stop (SIGTERM), and another program is started on its data and its port.
    Upgrade,
}

impl FaultKind {
    /// The name in scenarios and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::SlowSync => "slow-sync",
            Self::Breaker => "breaker",
            Self::Disconnect => "disconnect",
            Self::Upgrade => "upgrade",
        }
    }

    /// Whether the server does nothing while it lasts.
    pub const fn stops_the_server(self) -> bool {
        matches!(self, Self::Kill | Self::Pause | Self::Upgrade)
    }

    /// Whether another process serves afterwards, which counts everything from nothing.
    pub const fn changes_the_process(self) -> bool {
        matches!(self, Self::Kill | Self::Upgrade)
    }

    /// Whether it takes as long as it takes, and no time is given for it.
    const fn has_no_length(self) -> bool {
        matches!(self, Self::Disconnect | Self::Upgrade)
    }
}

/// The first value that is out of its range.
pub(super) fn first_wrong(scenario: &Scenario) -> Option<Wrong> {
    if scenario.faults.len() > MAX_FAULTS {
        let rule = "must have at most 100 [[faults]] tables";
        return Some(Wrong { table: "", nth: 0, name: "faults", rule });
    }
    let length = scenario.phases_seconds();
    let ends = |fault: &Fault| fault.at_seconds + fault.seconds;
    scenario.faults.iter().enumerate().find_map(|(nth, fault)| {
        let at =
            move |name, sound: bool, rule| (!sound).then_some(Wrong { table: "faults", nth, name, rule });
        let needs = |kind: FaultKind, there: bool| there == (fault.kind == kind);
        let lasts = fault.kind.has_no_length() || fault.seconds > 0.0;
        let forced = fault.kind == FaultKind::Upgrade && fault.seconds > 0.0;
        let alone = scenario.faults.iter().enumerate().all(|(other, before)| {
            other == nth || ends(before) <= fault.at_seconds || ends(fault) <= before.at_seconds
        });
        let class = fault.class.as_deref();
        [
            at("at_seconds", (0.0..=length).contains(&fault.at_seconds), "must be within the phases"),
            at("seconds", (0.0..=MAX_FAULT_SECONDS).contains(&fault.seconds), "must be 0 to 600"),
            at("seconds", lasts, "must be above 0"),
            at("seconds", !forced, "goes not with upgrade, which takes as long as it takes"),
            at("seconds", ends(fault) <= length, "must be over before the phases are"),
            at("at_seconds", alone, "must not begin while another fault lasts"),
            at(
                "sync_ms",
                needs(FaultKind::SlowSync, fault.sync_ms.is_some()),
                "goes with slow-sync, which needs it",
            ),
            at("sync_ms", fault.sync_ms.is_none_or(|ms| (1..=10_000).contains(&ms)), "must be 1 to 10,000"),
            at("class", class.is_none() || fault.kind == FaultKind::Breaker, "goes with breaker only"),
            at(
                "class",
                class.is_none_or(|class| ["reserve", "settle", "read"].contains(&class)),
                "must be reserve, settle or read",
            ),
            at(
                "share",
                needs(FaultKind::Disconnect, fault.share.is_some()),
                "goes with disconnect, which needs it",
            ),
            at("share", fault.share.is_none_or(|share| (0.0..=1.0).contains(&share)), "must be 0 to 1"),
            at(
                "recovery_seconds",
                fault.recovery_seconds.is_none_or(|seconds| seconds > 0.0),
                "must be above 0",
            ),
        ]
        .into_iter()
        .flatten()
        .next()
    })
}
