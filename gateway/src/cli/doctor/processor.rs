//! What the system lets a process have: file descriptors and processors.

use super::finding::Finding;
use crate::server::RESERVED_DESCRIPTORS;

/// Looks at the limit of open files.
pub(super) fn descriptors(max_connections: usize) -> Finding {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::Nofile);
    judge_descriptors(limit.current, limit.maximum, max_connections as u64)
}

/// `None`: without a limit.
fn judge_descriptors(current: Option<u64>, maximum: Option<u64>, connections: u64) -> Finding {
    let need = connections.saturating_add(RESERVED_DESCRIPTORS);
    let said = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    let found = format!(
        "{} open files (ulimit -n), at most {}; server.max_connections {connections} needs {need}",
        said(current),
        said(maximum)
    );
    if maximum.is_none_or(|maximum| maximum >= need) {
        return Finding::ok("open files", found);
    }
    let todo = format!(
        "raise it: LimitNOFILE={need} in a systemd unit, or `ulimit -Hn {need}` as root; else the server takes fewer connections"
    );
    Finding::warn("open files", found, todo)
}

/// Looks at the processors that this process may use.
pub(super) fn cores(reactors: usize) -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    judge_cores(cores, reactors)
}

fn judge_cores(cores: usize, reactors: usize) -> Finding {
    let threads = if reactors == 0 { cores } else { reactors };
    let found = format!("{cores} processors for {threads} reactors and the log");
    if threads > cores {
        let todo = "more threads than processors make everybody slower: leave server.reactors at 0";
        Finding::warn("processors", found, todo)
    } else if cores < 2 {
        Finding::warn(
            "processors",
            found,
            "the log's thread wants a part of one, too: two are the least for a sale",
        )
    } else {
        Finding::ok("processors", found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn the_limit_that_can_be_reached_counts() {
        let of = |maximum| judge_descriptors(Some(1_024), maximum, 4_096);
        assert_eq!(
            [of(None).verdict, of(Some(4_160)).verdict, of(Some(4_159)).verdict],
            [Verdict::Ok, Verdict::Ok, Verdict::Warn]
        );
        assert!(of(Some(1_024)).todo.is_some_and(|todo| todo.contains("LimitNOFILE=4160")));
    }

    #[test]
    fn a_reactor_without_a_processor_is_one_too_many() {
        let of = |cores, reactors| judge_cores(cores, reactors).verdict;
        assert_eq!(
            [of(2, 0), of(2, 2), of(2, 3), of(1, 0)],
            [Verdict::Ok, Verdict::Ok, Verdict::Warn, Verdict::Warn]
        );
    }
}
