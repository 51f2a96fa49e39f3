//! What is shown while a drill runs: a bar on a terminal, a plain line every few seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::worker::Progress;

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Time between two looks at the workers.
const TICK: Duration = Duration::from_millis(100);

/// Shows progress until `finished` says that the workers are.
pub fn watch(progress: &Progress, start: Instant, length: Duration, finished: impl Fn() -> bool) {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(seconds(length)) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos:>3}/{len} s  {msg}") {
        bar.set_style(style);
    }
    let mut last = Snapshot::default();
    let mut last_line = Instant::now();
    let mut last_second = Instant::now();
    while !finished() {
        std::thread::sleep(TICK);
        let every = if terminal { Duration::from_secs(1) } else { LINE_EVERY };
        if last_second.elapsed() >= every {
            let now = Snapshot::of(progress);
            let line = now.since(&last, last_second.elapsed());
            last = now;
            last_second = Instant::now();
            bar.set_message(line.clone());
            if !terminal && last_line.elapsed() >= LINE_EVERY {
                last_line = Instant::now();
                // Nobody reads it: then nothing is lost.
                drop(writeln!(std::io::stderr(), "{:>4} s  {line}", seconds(start.elapsed())));
            }
        }
        bar.set_position(seconds(start.elapsed().min(length)));
    }
    bar.finish_and_clear();
}

/// Says what happens next, on standard error.
pub fn step(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

#[derive(Clone, Copy, Debug, Default)]
struct Snapshot {
    sent: u64,
    done: u64,
    refused: u64,
}

impl Snapshot {
    fn of(progress: &Progress) -> Self {
        Self {
            sent: progress.sent.load(Ordering::Relaxed),
            done: progress.done.load(Ordering::Relaxed),
            refused: progress.refused.load(Ordering::Relaxed),
        }
    }

    fn since(&self, before: &Self, elapsed: Duration) -> String {
        let rate =
            |now: u64, before: u64| crate::health::lossy(now - before) / elapsed.as_secs_f64().max(1e-3);
        format!(
            "sent {:.0}/s, done {:.0}/s, refused {:.0}/s, in flight {}",
            rate(self.sent, before.sent),
            rate(self.done, before.done),
            rate(self.refused, before.refused),
            self.sent.saturating_sub(self.done + self.refused)
        )
    }
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}
