//! The machine's clock: whether somebody sets it by hand or in steps, and whether anything keeps it right.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::finding::Finding;

/// A difference above this between two clocks over the checks is a step: slewing moves a clock by half a thousandth.
const STEP: Duration = Duration::from_millis(20);

/// What tells, under /run, that a service keeps the clock right: a file, and the service.
const KEEPERS: [(&str, &str); 4] = [
    ("systemd/timesync/synchronized", "systemd-timesyncd"),
    ("chrony/chronyd.pid", "chronyd"),
    ("chronyd.pid", "chronyd"),
    ("ntpd.pid", "ntpd"),
];

/// The wall clock and the one that is never set, at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    wall: SystemTime,
    steady: Instant,
}

impl Reading {
    pub(super) fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Instant::now() }
    }
}

/// Whether the clock was set between two readings.
pub(super) fn steps(began: Reading, ended: Reading) -> Finding {
    let passed = ended.steady.saturating_duration_since(began.steady);
    let off = match ended.wall.duration_since(began.wall) {
        Ok(wall) => wall.abs_diff(passed),
        Err(back) => back.duration() + passed,
    };
    let found = format!(
        "the clock moved by {:.1} ms against the steady one in {:.1} s",
        off.as_secs_f64() * 1e3,
        passed.as_secs_f64()
    );
    if off > STEP {
        let todo = "something sets it in steps: holds end early, or not until it has caught up; let one service slew it (chrony)";
        Finding::warn("clock steps", found, todo)
    } else {
        Finding::ok("clock steps", found)
    }
}

/// Whether a service keeps the clock right, as far as that can be seen.
pub(super) fn synchronised(run: &Path) -> Finding {
    match KEEPERS.iter().find(|(file, _)| run.join(file).exists()) {
        Some((_, service)) => Finding::ok("clock sync", format!("{service} keeps the clock right")),
        None => Finding::warn(
            "clock sync",
            "no service is seen that keeps the clock right".to_owned(),
            "a sale begins by this clock: look with `timedatectl` or `chronyc tracking`; in a container the host's counts",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn a_clock_that_was_set_is_noticed_both_ways() {
        let began = Reading::now();
        let later = |wall: Duration, steady: Duration| Reading {
            wall: began.wall + wall,
            steady: began.steady + steady,
        };
        let second = Duration::from_secs(1);
        let back = Reading { wall: began.wall - second, ..began };
        let found =
            [later(second, second), later(second + STEP * 2, second), later(Duration::ZERO, second), back];
        let verdicts = found.map(|ended| steps(began, ended).verdict);
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warn, Verdict::Warn, Verdict::Warn]);
    }

    #[test]
    fn a_service_is_known_by_its_file() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(synchronised(run.path()).verdict, Verdict::Warn);
        std::fs::write(run.path().join("ntpd.pid"), "1").unwrap();
        assert_eq!(
            synchronised(run.path()),
            Finding::ok("clock sync", "ntpd keeps the clock right".to_owned())
        );
    }
}
