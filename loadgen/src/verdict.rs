//! From what was measured to how the command ends: a pure function, so that its rules can be tested.

use crate::exit::Exit;

/// One objective and what was reached.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Objective {
    /// Its key in the scenario.
    pub name: String,
    /// The limit.
    pub limit: f64,
    /// What was measured; none if nothing of the kind happened.
    pub measured: Option<f64>,
    /// Whether it is met.
    pub met: bool,
}

impl Objective {
    /// An upper limit. Nothing measured is nothing missed: a drill without payments has no payment latency.
    pub fn at_most(name: &str, limit: f64, measured: Option<f64>) -> Self {
        let met = measured.is_none_or(|measured| measured <= limit);
        Self { name: name.to_owned(), limit, measured, met }
    }

    /// A lower limit.
    pub fn at_least(name: &str, limit: f64, measured: Option<f64>) -> Self {
        let met = measured.is_none_or(|measured| measured >= limit);
        Self { name: name.to_owned(), limit, measured, met }
    }
}

/// The generator's own state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Generator {
    /// 99th percentile of how late requests were sent, milliseconds.
    pub lag_p99_ms: f64,
    /// Lag beyond which the latencies would be the generator's own, milliseconds.
    pub lag_limit_ms: f64,
    /// Share of what was due that was sent.
    pub achieved_share: f64,
}

/// Least share of the schedule that must have been sent.
pub const LEAST_ACHIEVED: f64 = 0.99;

impl Generator {
    /// The largest lag that doesn't spoil an objective of this many milliseconds: a twentieth, but a millisecond
    /// at least, as no scheduler promises less.
    pub fn lag_limit_ms(objective_ms: f64) -> f64 {
        (objective_ms / 20.0).max(1.0)
    }

    /// Whether latencies and rates say something about the server.
    pub fn is_sound(&self) -> bool {
        self.lag_p99_ms <= self.lag_limit_ms && self.achieved_share >= LEAST_ACHIEVED
    }
}

/// Everything that the verdict depends on.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Breaks of correctness, from the account and the audit.
    pub faults: u64,
    /// Somebody pressed Ctrl-C.
    pub interrupted: bool,
    /// The target was lost, or couldn't be audited.
    pub lost: bool,
    /// The generator.
    pub generator: Generator,
    /// The objectives.
    pub objectives: Vec<Objective>,
}

/// How the drill ends. Broken correctness comes first: it stands whatever else happened.
pub fn decide(facts: &Facts) -> Exit {
    if facts.faults > 0 {
        Exit::Broken
    } else if facts.interrupted {
        Exit::Interrupted
    } else if facts.lost {
        Exit::CouldNotRun
    } else if !facts.generator.is_sound() {
        Exit::Invalid
    } else if facts.objectives.iter().any(|objective| !objective.met) {
        Exit::Missed
    } else {
        Exit::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Facts {
        Facts {
            faults: 0,
            interrupted: false,
            lost: false,
            generator: Generator { lag_p99_ms: 0.4, lag_limit_ms: 1.0, achieved_share: 1.0 },
            objectives: vec![Objective::at_most("p99", 10.0, Some(9.0))],
        }
    }

    #[test]
    fn every_exit_code_has_its_reason() {
        assert_eq!(decide(&sound()), Exit::Pass);
        let missed = Facts { objectives: vec![Objective::at_most("p99", 10.0, Some(11.0))], ..sound() };
        assert_eq!(decide(&missed), Exit::Missed);
        let late = Generator { lag_p99_ms: 1.1, ..sound().generator };
        assert_eq!(decide(&Facts { generator: late, ..missed.clone() }), Exit::Invalid);
        let short = Generator { achieved_share: 0.98, ..sound().generator };
        assert_eq!(decide(&Facts { generator: short, ..sound() }), Exit::Invalid);
        assert_eq!(decide(&Facts { lost: true, ..missed.clone() }), Exit::CouldNotRun);
        assert_eq!(decide(&Facts { lost: true, interrupted: true, ..missed.clone() }), Exit::Interrupted);
        assert_eq!(decide(&Facts { faults: 1, lost: true, interrupted: true, ..missed }), Exit::Broken);
    }

    #[test]
    fn what_never_happened_misses_no_objective() {
        assert!(Objective::at_most("p99", 1.0, None).met);
        assert!(!Objective::at_least("share", 0.97, Some(0.96)).met);
    }

    #[test]
    fn the_lag_limit_follows_the_objective_and_never_falls_below_a_millisecond() {
        assert!((Generator::lag_limit_ms(2.0) - 1.0).abs() < 1e-9);
        assert!((Generator::lag_limit_ms(100.0) - 5.0).abs() < 1e-9);
    }
}
