//! `doorbuster verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorbuster_engine::backup::{Verified, verify};

use super::{failed, look_at, reading};
use crate::cli::progress::Progress;
use crate::cli::{fail, say, warn};
use crate::utc::Utc;

/// Read a data folder or a backup whole, with the server's own code, and compare every digest in it.
///
/// Every block's checksum and hash, every event applied in order, every digest that was written into the log, and every snapshot
/// with what the log comes to at its position. It changes nothing, takes the state's memory twice, and is best done on a
/// backup. `doorbuster audit FOLDER` asks the same of code that shares nothing with the server.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct VerifyOptions {
    /// The folder.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &VerifyOptions) -> ExitCode {
    let folder = match look_at(&options.folder) {
        Ok(folder) => folder,
        Err(code) => return code,
    };
    if folder.is_served() {
        warn(&"a server runs on this folder: what it writes meanwhile may look like damage; verify a backup");
    }
    let mut progress = Progress::start();
    progress.say(format_args!("reading"));
    let found = verify(&folder, &reading());
    drop(progress);
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed("verify", &options.folder, &error),
    };
    report(options, &found);
    match found.snapshots.iter().find(|snapshot| snapshot.matches_log == Some(false)) {
        Some(wrong) => fail(
            5,
            &format_args!(
                "the snapshot of position {} is not what the log comes to there; remove it, and report it",
                wrong.position
            ),
        ),
        None => ExitCode::SUCCESS,
    }
}

fn report(options: &VerifyOptions, found: &Verified) {
    let compared = found.snapshots.iter().filter(|snapshot| snapshot.matches_log == Some(true)).count();
    if options.json {
        let snapshot = |snapshot: &doorbuster_engine::backup::VerifiedSnapshot| {
            serde_json::json!({
                "position": snapshot.position.get(),
                "digest": snapshot.digest.to_string(),
                "matches_log": snapshot.matches_log,
            })
        };
        say(&serde_json::json!({
            "schema_version": 1,
            "log": found.log_id.to_string(),
            "from": found.from.get(),
            "end": found.end.get(),
            "blocks": found.blocks.get(),
            "bytes": found.bytes,
            "time_ms": found.time_ms,
            "digest": found.digest.to_string(),
            "head": found.head.to_string(),
            "checkpoints": found.checkpoints,
            "snapshots": found.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
            "torn_bytes": found.torn.map(|torn| torn.bytes),
            "open_holds": found.totals.holds,
        }));
        return;
    }
    say(&format_args!(
        "{} is sound: log {} from position {} to {}, {}, {} blocks of {} bytes, last hash {}",
        options.folder.display(),
        found.log_id,
        found.from,
        found.end,
        Utc(found.time_ms),
        found.blocks,
        found.bytes,
        found.head
    ));
    say(&format_args!(
        "digest {}: {} SKUs, {} orders, {} open holds; {} digests in the log and {compared} of {} snapshots compared with it",
        found.digest,
        found.totals.skus,
        found.totals.orders,
        found.totals.holds,
        found.checkpoints,
        found.snapshots.len()
    ));
    if let Some(torn) = found.torn {
        say(&format_args!(
            "behind its end stand {} bytes of a write that a crash cut short; they were never acknowledged",
            torn.bytes
        ));
    }
}
