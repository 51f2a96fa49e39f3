//! The audit of a data folder.

use std::path::Path;
use std::process::ExitCode;

use doorbuster_auditor::log::LogError;
use doorbuster_auditor::{Certified, certify};

use super::{AuditOptions, words};
use crate::cli::progress::Progress;
use crate::cli::{fail, say};

pub(super) fn run(folder: &Path, options: &AuditOptions) -> ExitCode {
    let mut progress = Progress::start();
    let found = certify(folder, &mut |read, of| {
        progress.say(format_args!("audited {read} of {of} segments"));
    });
    drop(progress);
    match found {
        Ok(Certified::Sound(certificate)) => {
            if options.json {
                say(&serde_json::json!({ "sound": true, "certificate": certificate }));
            } else {
                say(&words::Words { folder, certificate: &certificate, top: options.top });
            }
            ExitCode::SUCCESS
        }
        Ok(Certified::Contradicted(contradiction)) => {
            if options.json {
                say(&serde_json::json!({ "sound": false, "contradiction": contradiction }));
            }
            let more = match contradiction.count {
                0 | 1 => String::new(),
                count => format!(" ({} more behind it, which may follow from it)", count - 1),
            };
            fail(
                5,
                &format_args!(
                    "the log contradicts itself: {contradiction}{more}; keep the folder, and report it"
                ),
            )
        }
        Err(LogError::Damaged { file, offset, lsn, what }) => {
            if options.json {
                let damage =
                    serde_json::json!({ "file": file, "offset": offset, "position": lsn, "what": what });
                say(&serde_json::json!({ "sound": false, "damage": damage }));
            }
            fail(
                5,
                &format_args!(
                    "the log is damaged: {file} at offset {offset}, behind position {lsn}: {what}; restore the file from a \
                     backup"
                ),
            )
        }
        Err(error) => fail(4, &format_args!("can't {error}")),
    }
}
