//! `doorbuster restore`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorbuster_engine::backup::{self, RestoreTo, verify};
use doorbuster_engine::log::Lsn;
use doorbuster_engine::storage::FileStorage;
use doorbuster_ledger::Timestamp;

use super::{failed, look_at, reading, unusable};
use crate::cli::progress::Progress;
use crate::cli::{fail, say};
use crate::pseudonyms;
use crate::utc::Utc;

/// Copy a backup into a new data folder, whole or as it was at a position or a time.
///
/// The new folder is read whole before this says that it is done, with every digest in it compared. A consumer of the feed that
/// has read further than what is restored must begin anew.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct RestoreOptions {
    /// The backup, or a data folder that no server runs on.
    #[arg(long, value_name = "FOLDER")]
    from: PathBuf,
    /// The new data folder; it must not exist, or be empty.
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Only the events before this log position.
    #[arg(long, value_name = "POSITION", conflicts_with = "to_time")]
    to_position: Option<u64>,
    /// Only the events up to this time, for example 2026-11-11T00:05:00+08:00.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to_time: Option<u64>,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// Milliseconds since the Unix epoch.
fn time(text: &str) -> Result<u64, String> {
    let known = text.parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
    u64::try_from(known.as_millisecond()).map_err(|_| "it is before 1970".to_owned())
}

pub(super) fn run(options: &RestoreOptions) -> ExitCode {
    let from = match look_at(&options.from) {
        Ok(from) => from,
        Err(code) => return code,
    };
    let into = match FileStorage::open_copy(&options.data) {
        Ok(into) => into,
        Err(error) => return unusable(&error),
    };
    let until = match (options.to_position, options.to_time) {
        (Some(position), _) => RestoreTo::Position(Lsn::new(position)),
        (None, Some(time)) => RestoreTo::Time(Timestamp::new(time)),
        (None, None) => RestoreTo::End,
    };
    let mut progress = Progress::start();
    let mut bytes = 0;
    let done = backup::restore(&from, &into, until, |more| {
        bytes += more;
        progress.say(format_args!("copied {} MiB", bytes >> 20));
    });
    let done = match done {
        Ok(done) => done,
        Err(error) => return failed("restore", &options.from, &error),
    };
    if let Err(error) = pseudonyms::carry(&options.from, &options.data) {
        return fail(4, &error);
    }
    progress.say(format_args!("copied {} MiB, reading them", bytes >> 20));
    let verified = verify(&into, &reading());
    drop(progress);
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => return failed("verify", &options.data, &error),
    };
    if options.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "log": done.log_id.to_string(),
            "end": done.end.get(),
            "time_ms": verified.time_ms,
            "digest": verified.digest.to_string(),
            "segments": done.segments,
            "copied_bytes": done.bytes,
        }));
        return ExitCode::SUCCESS;
    }
    say(&format_args!(
        "{} holds log {} up to position {}, {}: digest {}, {} SKUs, {} orders, {} open holds",
        options.data.display(),
        done.log_id,
        done.end,
        Utc(verified.time_ms),
        verified.digest,
        verified.totals.skus,
        verified.totals.orders,
        verified.totals.holds
    ));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zone() {
        assert_eq!(time("2026-11-11T00:05:00+08:00"), Ok(1_794_326_700_000));
        assert_eq!(time("2026-11-10T16:05:00Z"), Ok(1_794_326_700_000));
        assert!(time("2026-11-11").is_err() && time("1960-01-01T00:00:00Z").is_err());
    }
}
