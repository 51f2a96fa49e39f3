//! The command's options.

use clap::{Args, ValueEnum};
use doorbuster_gateway::cli::Trust;

use super::Rule;

/// What the load asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// Reserves that succeed.
    Reserve,
    /// Reserves with two lines, whose SKUs are in two shards; each repeat measures `reserve` before.
    TwoLines,
    /// Reserves of SKUs that have nothing left.
    SoldOut,
    /// Confirms of orders that were reserved beforehand.
    Confirm,
    /// The same frames against a bare echo server in this process.
    Echo,
}

impl Operation {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::TwoLines => "two-lines",
            Self::SoldOut => "sold-out",
            Self::Confirm => "confirm",
            Self::Echo => "echo",
        }
    }
}

/// Load the server as hard as it goes, or at a fixed rate, and say what it did.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What to ask for.
    #[arg(long, value_enum, default_value = "reserve")]
    pub op: Operation,
    /// Ask for SKUs that a sale's rules are in force for: all of them, or those that are named. Each repeat measures the
    /// same without rules, too, by turns before and after.
    #[arg(
        long,
        value_name = "RULE,…",
        value_enum,
        value_delimiter = ',',
        num_args = 0..=1,
        default_missing_value = "user-limit,channel,campaign,budget"
    )]
    pub rules: Vec<Rule>,
    /// Connections.
    #[arg(long, value_name = "N", default_value = "16", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Frames in flight on each connection.
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub in_flight: u32,
    /// Operations in a frame.
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub batch: u32,
    /// Measured time of each repeat, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub seconds: f64,
    /// Shoppers.
    #[arg(long, value_name = "N", default_value = "10000000", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    pub users: u64,
    /// SKUs, drawn uniformly.
    #[arg(long, value_name = "N", default_value = "10000", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub skus: u64,
    /// Repeats; the median and the spread are reported.
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub repeat: u32,
    /// Open loop: this many requests a second, one by one, whether or not the server keeps up.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub rate: Option<u32>,
    /// Measure the bare echo before each repeat and print the ratio.
    #[arg(long)]
    pub with_echo: bool,
    /// A running server; without it one is started in a child process with a temporary data folder.
    #[arg(long, value_name = "HOST:PORT")]
    pub target: Option<String>,
    /// How to encrypt, and what to prove oneself with, on connections to the target.
    #[command(flatten)]
    pub trust: Trust,
    /// Durability of the started server: always, interval or none.
    #[arg(long, value_name = "LEVEL", default_value = "always", value_parser = ["always", "interval", "none"])]
    pub durability: String,
    /// Seed of the open loop's arrivals.
    #[arg(long, value_name = "SEED", default_value = "1")]
    pub seed: u64,
}

/// Longest run of one repeat: an hour.
const MAX_SECONDS: f64 = 3_600.0;

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= MAX_SECONDS => Ok(seconds),
        _ => Err(format!("must be a number above 0 and at most {MAX_SECONDS}")),
    }
}
