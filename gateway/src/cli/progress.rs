//! How far a long import or audit is: on standard error, and only where it takes long enough for somebody to wonder.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// What is over sooner than this says nothing before its report.
const QUIET: Duration = Duration::from_secs(2);

/// Time between two states of the line on a terminal.
const REDRAWN: Duration = Duration::from_millis(200);

/// Time between two lines elsewhere, for example in a job's log.
const REPEATED: Duration = Duration::from_secs(5);

/// One line that is drawn again and again on a terminal, and now and then a plain line elsewhere.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), shown: None, terminal: std::io::stderr().is_terminal() }
    }

    /// Says how far it is, if it is time to say something.
    pub(super) fn say(&mut self, state: fmt::Arguments<'_>) {
        let now = Instant::now();
        let shown = self.shown.map(|shown| now.duration_since(shown));
        if !is_due(now.duration_since(self.started), shown, self.terminal) {
            return;
        }
        self.shown = Some(now);
        // Nobody reads it: then nothing is lost.
        if self.terminal {
            // "\x1b[K" clears what an earlier, longer state left on the line.
            drop(write!(std::io::stderr(), "\r{state}\x1b[K"));
        } else {
            drop(writeln!(std::io::stderr(), "{state}"));
        }
    }
}

impl Drop for Progress {
    /// Leaves a terminal's line empty for what comes next.
    fn drop(&mut self) {
        if self.terminal && self.shown.is_some() {
            drop(write!(std::io::stderr(), "\r\x1b[K"));
        }
    }
}

/// Whether to say something, this long after the start and after the last time.
fn is_due(elapsed: Duration, shown: Option<Duration>, terminal: bool) -> bool {
    let every = if terminal { REDRAWN } else { REPEATED };
    match shown {
        None => elapsed >= QUIET,
        Some(shown) => shown >= every,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_one_says_nothing_and_a_long_one_speaks_in_steps() {
        let ms = Duration::from_millis;
        for terminal in [true, false] {
            assert!(!is_due(ms(1_999), None, terminal));
            assert!(is_due(ms(2_000), None, terminal));
        }
        assert!(!is_due(ms(2_100), Some(ms(199)), true) && is_due(ms(2_200), Some(ms(200)), true));
        assert!(!is_due(ms(6_900), Some(ms(4_999)), false) && is_due(ms(7_000), Some(ms(5_000)), false));
    }
}
