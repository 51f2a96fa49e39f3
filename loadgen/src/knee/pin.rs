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

/// Starts something on the first core and stays on the second. With a single core nothing is pinned.
pub(super) fn apart<T>(start: impl FnOnce() -> T) -> (T, Option<(usize, usize)>) {
    let [first, second, ..] = cores()[..] else { return (start(), None) };
    let pinned = keep_to(first);
    let started = start();
    (started, (pinned && keep_to(second)).then_some((first, second)))
}
