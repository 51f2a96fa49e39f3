//! `doorbuster dev`.

use std::process::ExitCode;

use clap::Subcommand;

use super::admin_port::At;
use super::say;
use crate::duration::Span;

/// Move the time of a server that was started with --dev.
#[derive(Debug, Subcommand)]
pub(super) enum DevCommand {
    /// Put its clock forward: holds end, waits end, offers are made, as if so much time had passed.
    ///
    /// When the command ends, all of that has happened and is in the log. Clients that were connected before know the
    /// old time; let them connect again.
    Advance {
        /// How far, such as 90s, 15m, 2h or 3d
        by: Span,
        #[command(flatten)]
        at: At,
    },
}

pub(super) fn run(command: &DevCommand) -> ExitCode {
    let DevCommand::Advance { by, at } = command;
    let report = match at.tell("/dev/advance", &format!("{}ms", by.ms())) {
        Ok(report) => report,
        Err(code) => return code,
    };
    if at.json {
        say(&report);
        return ExitCode::SUCCESS;
    }
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    say(&format_args!(
        "time moved on by {} s; holds expired: {}, offers made: {}, waits in vain: {}, old orders closed: {}",
        by.duration().as_secs_f64(),
        count("expired"),
        count("offered"),
        count("lapsed"),
        count("evicted")
    ));
    if report["more_due"] == true {
        say(&"more is due than one call carries out; the server goes on by itself");
    }
    ExitCode::SUCCESS
}
