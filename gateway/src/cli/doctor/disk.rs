//! The data folder's disk: how long a sync takes, and how much room there is.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::finding::Finding;

/// Syncs that are timed: enough for a 99th percentile that two slow ones don't make.
const SYNCS: usize = 200;

/// Bytes before each: a block of the log.
const BLOCK: [u8; 4096] = [0x5A; 4096];

/// A 99th percentile above this is felt in every answer; a network disk or a worn one.
const SLOW: Duration = Duration::from_millis(5);

/// Above this no sale should run.
const TOO_SLOW: Duration = Duration::from_millis(100);

/// No disk syncs faster than this; memory does.
const TOO_FAST: Duration = Duration::from_micros(5);

/// Free space that a large sale takes, bytes: a hundred million orders at 71 bytes, twice, with snapshots.
const AMPLE: u64 = 20 << 30;

/// Segments that must fit: the one that is written to and those that are prepared, with some to go on.
const SEGMENTS: u64 = 8;

/// Times syncs of a file without a name in the folder.
pub(super) fn syncs(folder: &Path) -> Finding {
    match timed(folder) {
        Ok(times) => judge_syncs(folder, times),
        Err(error) => Finding::fail(
            "disk sync",
            format!("can't write and sync in {}: {error}", folder.display()),
            "run this as the server's user; give that user the folder (chown), or choose another with --data",
        ),
    }
}

fn timed(folder: &Path) -> io::Result<Vec<Duration>> {
    let mut file = tempfile::tempfile_in(folder)?;
    // Written once, so that what is timed writes over blocks that the file has, as the log does.
    for _ in 0..SYNCS {
        file.write_all(&BLOCK)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&BLOCK)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn judge_syncs(folder: &Path, mut times: Vec<Duration>) -> Finding {
    times.sort();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let (p50, p99) = (at(50), at(99));
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (count, folder) = (times.len(), folder.display());
    let found = format!("{count} syncs of 4 KiB in {folder}: p50 {:.2} ms, p99 {:.2} ms", ms(p50), ms(p99));
    if p50 < TOO_FAST {
        Finding::warn(
            "disk sync",
            found,
            "no disk is that fast: this is memory (tmpfs), and a loss of power loses the log; choose a disk with --data",
        )
    } else if p99 > TOO_SLOW {
        Finding::fail(
            "disk sync",
            found,
            "each answer waits for a sync: give the data a local SSD of its own, and look for what else uses this one (iostat -x 1)",
        )
    } else if p99 > SLOW {
        Finding::warn(
            "disk sync",
            found,
            "every answer waits for a sync: a local NVMe disk of its own takes 0.1 ms; look for what else uses this one (iostat -x 1)",
        )
    } else {
        Finding::ok("disk sync", found)
    }
}

/// Looks how much room there is.
pub(super) fn space(folder: &Path, segment_bytes: u64) -> Finding {
    match rustix::fs::statvfs(folder) {
        Ok(space) => judge_space(folder, space.f_bavail.saturating_mul(space.f_frsize), segment_bytes),
        Err(error) => Finding::warn(
            "disk space",
            format!("can't tell for {}: {error}", folder.display()),
            "look yourself: df -h",
        ),
    }
}

fn judge_space(folder: &Path, free: u64, segment_bytes: u64) -> Finding {
    let least = segment_bytes.saturating_mul(SEGMENTS);
    let found = format!("{} MiB free in {}", free >> 20, folder.display());
    if free < least {
        let todo = format!(
            "{SEGMENTS} segments need {} MiB: make room, or choose another disk with --data",
            least >> 20
        );
        Finding::fail("disk space", found, todo)
    } else if free < AMPLE {
        let orders = free / 2 / 71 / 1_000_000;
        Finding::warn(
            "disk space",
            found,
            format!(
                "enough for some {orders} million orders at 71 bytes, with snapshots; a full disk stops the server"
            ),
        )
    } else {
        Finding::ok("disk space", found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn syncs_are_judged_by_their_99th_percentile() {
        let of = |usual: u64, worst: u64| {
            let times =
                (0..200).map(|nth| Duration::from_micros(if nth < 197 { usual } else { worst })).collect();
            judge_syncs(Path::new("/data"), times)
        };
        assert_eq!(
            of(80, 300),
            Finding::ok("disk sync", "200 syncs of 4 KiB in /data: p50 0.08 ms, p99 0.30 ms".to_owned())
        );
        let verdicts = [(80, 5_001), (80, 100_001), (1, 2)].map(|(usual, worst)| of(usual, worst).verdict);
        assert_eq!(verdicts, [Verdict::Warn, Verdict::Fail, Verdict::Warn]);
        assert!(of(1, 2).todo.is_some_and(|todo| todo.contains("tmpfs")));
    }

    #[test]
    fn room_is_judged_by_segments_and_by_a_large_sale() {
        let of = |free| judge_space(Path::new("/data"), free, 64 << 20).verdict;
        assert_eq!(
            [of((512 << 20) - 1), of(512 << 20), of(20 << 30)],
            [Verdict::Fail, Verdict::Warn, Verdict::Ok]
        );
    }
}
