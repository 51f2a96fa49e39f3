//! The command's options.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What the server does about what it can't do in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// As configured by default: it refuses at once what would wait for too long.
    Shed,
    /// It lets twenty times as much wait: a queue with a bound that was chosen without measuring.
    LongQueue,
    /// It refuses nothing.
    None,
}

impl Policy {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shed => "shed",
            Self::LongQueue => "long-queue",
            Self::None => "none",
        }
    }

    /// The server's configuration.
    pub(super) fn config(self, added_cost_us: u64, backlog_us: Option<u64>) -> String {
        let backlog_us = backlog_us.unwrap_or(match self {
            Self::Shed => 5_000,
            Self::LongQueue => 100_000,
            Self::None => 0,
        });
        format!(
            "[server]\nreactors = 1\nshards = 1\n[overload]\nbacklog_us = {backlog_us}\nadded_cost_us = {added_cost_us}\n"
        )
    }
}

/// Find the largest rate that the server answers in time, then ask for multiples of it and draw what it still does.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What the server does about what it can't do in time; several are measured by turns.
    #[arg(long, value_name = "POLICY,…", value_enum, value_delimiter = ',', default_value = "shed")]
    pub policy: Vec<Policy>,
    /// Multiples of the peak.
    #[arg(long, value_name = "TIMES,…", value_delimiter = ',', default_value = "0.5,0.8,1,1.5,2,3,5,10", value_parser = times)]
    pub times: Vec<f64>,
    /// The peak, operations a second, instead of searching for it.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    pub peak: Option<u32>,
    /// An answer counts if it comes within so many milliseconds of the time when its request was due.
    #[arg(long, value_name = "MS", default_value = "50", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub slo_ms: u64,
    /// Work that the server adds to each command, microseconds: where the generator can't ask for ten times what the server can do.
    #[arg(long, value_name = "US", default_value = "0", value_parser = clap::value_parser!(u64).range(0..=100_000))]
    pub added_cost_us: u64,
    /// How much work the server lets wait, microseconds, instead of what the policy says.
    #[arg(long, value_name = "US", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub backlog_us: Option<u64>,
    /// Measured time of each point, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Measured points of each kind.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub repeat: u32,
    /// Connections.
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=4_000))]
    pub connections: u32,
    /// Reserves in a frame.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub batch: u32,
    /// Of a hundred holds, so many are paid, a moment later.
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = clap::value_parser!(u64).range(0..=100))]
    pub paid: u64,
    /// Refusals may be said in bulk.
    #[arg(long, value_name = "BOOL", default_value = "true", action = clap::ArgAction::Set)]
    pub bulk: bool,
    /// Clients keep to the credits that the server gives: what exceeds them is asked for and not sent.
    #[arg(long)]
    pub credits: bool,
    /// Durability of the server.
    #[arg(long, value_name = "LEVEL", default_value = "always", value_parser = ["always", "interval", "none"])]
    pub durability: String,
    /// Seed of the arrivals.
    #[arg(long, value_name = "SEED", default_value = "1")]
    pub seed: u64,
    /// Folder for the curve as JSON and as a picture; made if it isn't there.
    #[arg(long, value_name = "FOLDER")]
    pub report: Option<PathBuf>,
}

fn times(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if times > 0.0 && times <= 100.0 => Ok(times),
        _ => Err("must be a number above 0 and at most 100".to_owned()),
    }
}
