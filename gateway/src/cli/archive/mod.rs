//! Backups: `doorbuster backup`, `doorbuster restore`, `doorbuster verify`.

mod backup;
mod restore;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use doorbuster_engine::EngineError;
use doorbuster_engine::Options;
use doorbuster_engine::backup::BackupError;
use doorbuster_engine::clock::{Clock, SystemClock};
use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::{LogError, LogOptions, Owner};
use doorbuster_engine::snapshot::{CompactionOptions, SnapshotError};
use doorbuster_engine::storage::{ReadOnlyFolder, StorageError};
use doorbuster_ledger::Rules;

use super::fail;

pub(super) use backup::BackupOptions;
pub(super) use restore::RestoreOptions;
pub(super) use verify::VerifyOptions;

pub(super) fn back_up(options: &BackupOptions) -> ExitCode {
    backup::run(options)
}

pub(super) fn restore(options: &RestoreOptions) -> ExitCode {
    restore::run(options)
}

pub(super) fn verify(options: &VerifyOptions) -> ExitCode {
    verify::run(options)
}

/// Opens a folder for looking at; what went wrong is said, and its exit code given.
fn look_at(folder: &Path) -> Result<ReadOnlyFolder, ExitCode> {
    ReadOnlyFolder::open(folder).map_err(|error| unusable(&error))
}

fn unusable(error: &StorageError) -> ExitCode {
    fail(4, &format_args!("can't {error}"))
}

/// Says what went wrong, and gives its exit code: 5 for damage, 4 for a folder or a disk that can't be used.
fn failed(what: &str, folder: &Path, error: &BackupError) -> ExitCode {
    let code = match error {
        BackupError::Engine(
            EngineError::Log(LogError::Storage(_) | LogError::NewerVersion { .. } | LogError::NoManifest)
            | EngineError::Snapshot(SnapshotError::Storage(_) | SnapshotError::NewerVersion { .. })
            | EngineError::Thread(_),
        ) => 4,
        BackupError::Engine(_) => 5,
        BackupError::NotReached { .. } | BackupError::TooEarly { .. } => 8,
        _ => 4,
    };
    fail(code, &format_args!("can't {what} {}: {error}", folder.display()))
}

/// How a folder is read: the rules of selling don't matter to what has happened already.
fn reading() -> Options {
    Options {
        shards: std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(doorbuster_engine::MAX_SHARDS),
        rules: Rules::default(),
        durability: Durability::None,
        recovery_grace_ms: 0,
        log: LogOptions::new(Owner::new(0)),
        compaction: CompactionOptions::NEVER,
        seed: SystemClock.now().raw(),
        added_cost: std::time::Duration::ZERO,
    }
}
