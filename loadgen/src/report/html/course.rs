//! What all pictures of a drill have in common: its phases, its faults, and what operators did on the way.

use crate::report::figures::{grouped, seconds};
use crate::report::model::Report;

/// A stretch of time with a name.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// Where the name has no room.
    pub(super) short: String,
    pub(super) name: String,
    /// Seconds since the start.
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    /// What a pointer over it shows.
    pub(super) tip: String,
}

/// A fault, and the time that the server needed to get over it.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) during: Stretch,
    /// When it was as before, seconds since the start; none if it never was.
    pub(super) recovered_s: Option<f64>,
}

/// A moment at which somebody did something.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Seconds since the start.
    pub(super) at_s: f64,
    pub(super) tip: String,
}

/// See the module's doc.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// Where the pictures end, seconds since the start.
    pub(super) ends_s: f64,
    pub(super) phases: Vec<Stretch>,
    pub(super) faults: Vec<Fault>,
    pub(super) deliveries: Vec<Mark>,
    pub(super) moves: Vec<Mark>,
}

impl Course {
    /// That of a drill whose last measured second ends then.
    pub(super) fn of(report: &Report, measured_s: f64) -> Self {
        let ends_s = measured_s.max(report.settings.phases_seconds).max(1.0);
        let phases = (1_usize..).zip(&report.phases).filter(|(_, phase)| phase.begins_s < ends_s).map(
            |(nth, phase)| Stretch {
                short: nth.to_string(),
                name: phase.name.clone(),
                from_s: phase.begins_s,
                // What is due after all phases may go on until nothing is due any more.
                until_s: if nth == report.phases.len() { ends_s } else { phase.ends_s.min(ends_s) },
                tip: format!(
                    "{}: {} to {} s, {} sent",
                    phase.name,
                    seconds(phase.begins_s),
                    seconds(phase.ends_s),
                    grouped(phase.requests)
                ),
            },
        );
        let faults = (1_usize..).zip(&report.faults).map(|(nth, fault)| {
            let recovery = fault
                .recovery_s
                .map_or_else(|| "not recovered".to_owned(), |s| format!("recovered after {} s", seconds(s)));
            let (from_s, until_s) = (fault.at_s, fault.until_s.max(fault.at_s));

            let short = short_of_fault(nth);
            let name = format!("{short} {}", fault.kind);
            let tip = format!("{name}: {} to {} s, {recovery}", seconds(from_s), seconds(until_s));
            let recovered_s = fault.recovery_s.map(|s| until_s + s);
            Fault { during: Stretch { short, name, from_s, until_s, tip }, recovered_s }
        });
        let deliveries = report.deliveries.iter().map(|delivery| Mark {
            at_s: delivery.at_s,
            tip: format!("restock: {} units at {:.1} s", grouped(delivery.units), delivery.at_s),
        });
        let moves = report.moves.iter().map(|moved| Mark {
            at_s: moved.at_s,
            tip: format!(
                "rebalance: {} units from channel {} to {} at {:.1} s",
                grouped(moved.units),
                moved.from,
                moved.to,
                moved.at_s
            ),
        });
        Self {
            ends_s,
            phases: phases.collect(),
            faults: faults.collect(),
            deliveries: deliveries.collect(),
            moves: moves.collect(),
        }
    }
}

/// What a fault is called in pictures and in its table.
pub(super) fn short_of_fault(nth: usize) -> String {
    format!("F{nth}")
}
