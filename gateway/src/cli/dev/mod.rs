//! `doorbuster dev`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Subcommand;

use super::{fail, say};
use crate::duration::Span;
use crate::http;

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
        /// The server's admin port.
        #[arg(long, env = "DOORBUSTER_ADMIN", default_value = "127.0.0.1:7701", value_name = "ADDRESS:PORT")]
        admin: SocketAddr,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &DevCommand) -> ExitCode {
    let DevCommand::Advance { by, admin, json } = command;
    let (status, body) = match http::post(*admin, "/dev/advance", &format!("{}ms", by.ms())) {
        Ok(answer) => answer,
        Err(error) => {
            return fail(
                7,
                &format_args!(
                    "can't reach the admin port {admin}: {error}; is `doorbuster serve --dev` running there?"
                ),
            );
        }
    };
    let report: Option<serde_json::Value> = serde_json::from_str(&body).ok();
    let Some(report) = report.filter(|_| status == 200) else {
        return fail(
            7,
            &format_args!("{admin} refused: {}", body.lines().next().unwrap_or("without a word")),
        );
    };
    if *json {
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
