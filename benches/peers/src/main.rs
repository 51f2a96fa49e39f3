//! The same reservations against Doorbuster, Redis and PostgreSQL, by turns.
//!
//! One loop in this process asks Doorbuster and Redis in the same way and over the same protocol; PostgreSQL is asked by its own
//! pgbench. Each server is started for its turn, on a folder of its own, and stopped after it, so that the others find the machine as
//! it was. A round measures every server once; ratios are taken within a round, as what the machine gives changes from minute to
//! minute.

mod error;
mod load;
mod replies;
mod report;
mod servers;
mod speech;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use doorbuster_loadgen::health::CpuMeter;

use error::PeerError;
use load::Shape;
use report::{Row, Rows};
use servers::postgres::Postgres;
use servers::{Durability, doorbuster, postgres, redis};
use speech::SKUS;

/// Measure reservations against Doorbuster, Redis and PostgreSQL, each started and stopped here.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Needs redis-server 7 and PostgreSQL 13 or later, for those that are asked for:\n  \
    apt-get install redis-server postgresql postgresql-contrib\nand the server: cargo build --release --bin doorbuster"
)]
struct Options {
    /// Who is measured beside Doorbuster
    #[arg(long, value_enum, value_delimiter = ',', default_value = "redis,postgres")]
    peers: Vec<Peer>,
    /// Measured time of each turn, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Rounds; the median and the range are printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The server's program [default: the one beside this]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peer {
    Redis,
    Postgres,
}

/// How Doorbuster and Redis are asked.
const CASES: [(Durability, Shape); 7] = [
    (Durability::Always, Shape { connections: 1, pipeline: 1 }),
    (Durability::Always, Shape { connections: 200, pipeline: 1 }),
    (Durability::Always, Shape { connections: 50, pipeline: 16 }),
    (Durability::Always, Shape { connections: 50, pipeline: 64 }),
    (Durability::Second, Shape { connections: 1, pipeline: 1 }),
    (Durability::Second, Shape { connections: 200, pipeline: 1 }),
    (Durability::Second, Shape { connections: 50, pipeline: 64 }),
];

/// How PostgreSQL is asked: clients with one reservation in flight each, and SKUs.
const PG_CASES: [(usize, u64); 4] = [(1, SKUS), (8, SKUS), (32, SKUS), (32, 1)];

fn main() -> ExitCode {
    let options = Options::parse();
    match measure(&options) {
        Ok(rows) => {
            let text = if options.json { rows.json().to_string() } else { rows.text() };
            // Nobody reads it any more: nothing is lost.
            drop(writeln!(std::io::stdout().lock(), "{text}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn measure(options: &Options) -> Result<Rows, PeerError> {
    let beside = std::env::current_exe().unwrap_or_default().with_file_name("doorbuster");
    let program = options.server.clone().unwrap_or(beside);
    let seconds = f64::from(options.seconds);
    let mut rows = Rows::default();
    let postgres = options.peers.contains(&Peer::Postgres).then(|| Postgres::start(SKUS)).transpose()?;
    for round in 0..options.rounds {
        for (nth, &(durability, shape)) in CASES.iter().enumerate() {
            let seed = u64::from(round) * 100 + nth as u64;
            progress(
                options,
                round,
                &format!("{}, {} x {}", durability.name(), shape.connections, shape.pipeline),
            );
            let Shape { connections, pipeline } = shape;
            let case = format!("{}, {connections} connections, {pipeline} in flight each", durability.name());
            let (process, target) = doorbuster::start(&program, durability)?;
            rows.add(Row::of(&case, target.name, load::run(&target, shape, seconds, seed)?));
            drop(process);
            if options.peers.contains(&Peer::Redis) {
                let (process, target) = redis::start(durability)?;
                rows.add(Row::of(&case, target.name, load::run(&target, shape, seconds, seed)?));
                drop(process);
            }
        }
        for (clients, skus) in PG_CASES.iter().copied().filter(|_| postgres.is_some()) {
            progress(options, round, &format!("PostgreSQL, {clients} clients"));
            let case = format!("{}, {clients} clients, SKUs {skus}", Durability::Always.name());
            let meter = CpuMeter::start(None);
            if let Some(seen) =
                postgres.as_ref().map(|server| server.load(clients, skus, options.seconds.into()))
            {
                rows.add(Row::seen(&case, postgres::NAME, seen?, meter.stop()));
            }
        }
    }
    Ok(rows)
}

/// Says on a terminal what is being done.
fn progress(options: &Options, round: u32, doing: &str) {
    use std::io::IsTerminal;
    let mut err = std::io::stderr().lock();
    if err.is_terminal() {
        drop(write!(err, "\r\x1b[Kround {} of {}: {doing} … ", round + 1, options.rounds));
        drop(err.flush());
    }
}
