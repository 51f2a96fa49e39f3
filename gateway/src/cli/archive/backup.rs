//! `doorbuster backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorbuster_engine::backup::back_up;
use doorbuster_engine::storage::FileStorage;

use super::{failed, look_at, unusable};
use crate::cli::progress::Progress;
use crate::cli::{fail, say};
use crate::pseudonyms;
use crate::utc::Utc;

/// Copy a data folder's log and newest snapshot into another folder, while the server goes on.
///
/// It holds every order that was acknowledged when it began. Taken again into the same folder, only what is new is copied, and
/// what the server has removed since is kept. What was copied is read back. The folder can be audited, verified, explained and
/// restored, and is never served from.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct BackupOptions {
    /// The data folder.
    #[arg(long, env = "DOORBUSTER_LOG__FOLDER", default_value = "doorbuster-data", value_name = "FOLDER")]
    data: PathBuf,
    /// The folder of the backup; it is made if it doesn't exist. Another disk, or another machine's.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &BackupOptions) -> ExitCode {
    let from = match look_at(&options.data) {
        Ok(from) => from,
        Err(code) => return code,
    };
    if let (Ok(data), Ok(to)) = (options.data.canonicalize(), options.to.canonicalize())
        && data == to
    {
        return fail(
            2,
            &format_args!("{} is the data folder itself; choose another folder for --to", to.display()),
        );
    }
    let to = match FileStorage::open_copy(&options.to) {
        Ok(to) => to,
        Err(error) => return unusable(&error),
    };
    let mut progress = Progress::start();
    let mut bytes = 0;
    let done = back_up(&from, &to, |more| {
        bytes += more;
        progress.say(format_args!("copied {} MiB", bytes >> 20));
    });
    drop(progress);
    let done = match done {
        Ok(done) => done,
        Err(error) => return failed("back up", &options.data, &error),
    };
    if let Err(error) = pseudonyms::carry(&options.data, &options.to) {
        return fail(4, &error);
    }
    if options.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "log": done.log_id.to_string(),
            "oldest": done.oldest.get(),
            "end": done.end.get(),
            "time_ms": done.time_ms,
            "segments": done.segments,
            "copied_bytes": done.copied_bytes,
            "snapshot": done.snapshot.map(doorbuster_engine::log::Lsn::get),
        }));
        return ExitCode::SUCCESS;
    }
    let snapshot = done.snapshot.map_or_else(String::new, |at| format!(", a snapshot of position {at}"));
    say(&format_args!(
        "{} holds log {} from position {} to {}, {}: {} segments{snapshot}; copied {} bytes and read them back",
        options.to.display(),
        done.log_id,
        done.oldest,
        done.end,
        Utc(done.time_ms),
        done.segments,
        done.copied_bytes
    ));
    ExitCode::SUCCESS
}
