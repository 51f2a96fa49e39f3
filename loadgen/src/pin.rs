//! The server on one core and the generator on another, so that neither takes what the other is measured by.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Cores that this process may use, in ascending order.
fn cores() -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect()
}

/// Keeps this thread, and what it starts, to one core.
fn keep_to(core: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).is_ok()
}

/// The cores for server and generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cores(Option<(usize, usize)>);

impl Cores {
    /// Takes the first core for the server and the second for the generator: this thread and what it starts. With a single
    /// core nothing is pinned.
    pub fn take() -> Self {
        match cores()[..] {
            [first, second, ..] => Self((keep_to(first) && keep_to(second)).then_some((first, second))),
            _ => Self(None),
        }
    }

    /// The server's, and the generator's.
    pub fn pinned(&self) -> Option<(usize, usize)> {
        self.0
    }

    /// Starts something on the server's core, and goes back to the generator's.
    pub fn apart<T>(&self, start: impl FnOnce() -> T) -> T {
        let Some((server, own)) = self.0 else { return start() };
        keep_to(server);
        let started = start();
        keep_to(own);
        started
    }
}
