//! `doorbuster-drill saturate`: how much the server does when it always has work.
//!
//! A closed loop: each connection keeps a fixed number of frames in flight, and an answer sends the next one.
//! That finds the capacity and says little about latency under real traffic (a slow server slows the loop down
//! with itself); `--rate` switches to an open loop, where requests come whether the server is ready or not, and
//! latency counts from the moment when a request was due.
//!
//! `--rules` loads SKUs that a shopper's limit, a sales channel, a campaign and a budget are in force for, beside the same load
//! without any.
//!
//! `--op echo` measures a bare echo server in this process with the same frames, and `--with-echo` interleaves it
//! with the real measurement, so that the two share whatever the machine was busy with.

mod closed;
mod echo;
mod measured;
mod open;
mod options;
mod report;
mod rules;
mod source;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

pub use closed::{Closed, Load};
pub use measured::{Measured, Tally, histogram, nanos};
pub use options::{Operation, Options};
pub use rules::{DISCOUNT, Rule, Terms};

use crate::exit::{Exit, Failure};
use crate::health::CpuMeter;
use crate::ids::{IdMaker, mix};
use crate::net::{Control, Peer};
use crate::target::{Setup, Target};
use doorbuster_protocol::{Answer, Code, Kind, PutSku};

/// What the started server is told. It refuses nothing: a closed loop waits for its answers, and what is measured is how much the
/// server can do, not how much it lets wait.
const CONFIG: &str = "[overload]\nbacklog_us = 0\n";

/// Units of each SKU that a load sells from: more than any run can sell.
const PLENTY: u64 = 1 << 32;

/// Hold time of a load's reserves: longer than any run, so that expiry doesn't mix in.
const HOLD_MS: u32 = 600_000;

/// Runs the command.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    match measure(options, out) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

fn measure(options: &Options, out: &mut dyn Write) -> Result<Exit, Failure> {
    sensible(options)?;
    let target = match options.op {
        Operation::Echo => None,
        Operation::Reserve | Operation::TwoLines | Operation::SoldOut | Operation::Confirm => {
            let (durability, config) = (options.durability.clone(), CONFIG.to_owned());
            let setup = Setup { durability, config, ..Setup::default() };
            Some(Target::reach(options.target.as_deref(), &options.trust, setup)?)
        }
    };
    let echo = echo::Echo::start().map_err(|error| Failure::could_not("start the echo server", &error))?;
    report::head(options, target.as_ref(), out);
    let mut runs = Vec::new();
    let mut echoes = Vec::new();
    let mut plain = Vec::new();
    let shards = target.as_ref().map_or(Ok(0), |target| apart(options, target))?;
    for repeat in 0..options.repeat {
        if options.with_echo || options.op == Operation::Echo {
            let load = load(options, Operation::Echo, 0, 0);
            let run = one(&load, options, &echo.address().into(), None)?;
            report::line(repeat, Operation::Echo.name(), &run, out);
            echoes.push(run);
        }
        let Some(target) = &target else { continue };
        for side in sides(options, repeat) {
            let run = side.measure(options, target, shards, repeat, out);
            let run = run.map_err(|failure| failure.told_by(target))?;
            match side {
                Side::Plain => plain.push(run),
                Side::Asked => runs.push(run),
            }
        }
    }
    report::summary(options, &runs, &echoes, &plain, out);
    let refused: u64 = runs.iter().map(|run| run.measured.tally.unexpected(options.op)).sum();
    Ok(if refused > 0 { Exit::Missed } else { Exit::Pass })
}

/// What a repeat measures.
#[derive(Clone, Copy)]
enum Side {
    /// Orders with one line and without rules.
    Plain,
    /// What the options ask for.
    Asked,
}

/// What a repeat measures, in order. Every second one turns it round: a server that has more orders in memory is slower, and
/// what always came last would pay for it.
fn sides(options: &Options, repeat: u32) -> impl Iterator<Item = Side> {
    let compared = options.op == Operation::TwoLines || !options.rules.is_empty();
    let (first, second) =
        if repeat.is_multiple_of(2) { (Side::Plain, Side::Asked) } else { (Side::Asked, Side::Plain) };
    [first, second].into_iter().filter(move |side| compared || matches!(side, Side::Asked))
}

impl Side {
    fn measure(
        self,
        options: &Options,
        target: &Target,
        shards: u32,
        repeat: u32,
        out: &mut dyn Write,
    ) -> Result<Run, Failure> {
        let op = match (self, options.op) {
            (Self::Plain, Operation::TwoLines) => Operation::Reserve,
            (_, op) => op,
        };
        let base = put_skus(target.peer(), options)?;
        let mut load = load(options, op, base, shards);
        let mut name = op.name();
        if matches!(self, Self::Asked) && !options.rules.is_empty() {
            let (terms, told) = rules::put_in_force(&options.rules, target.peer(), base, options.skus)?;
            report::told(&told, out);
            load.terms = terms;
            name = "by rules";
        }
        let run = one(&load, options, target.peer(), target.server_pid())?;
        report::line(repeat, name, &run, out);
        Ok(run)
    }
}

/// Refuses rules where they mean nothing.
fn sensible(options: &Options) -> Result<(), Failure> {
    let Options { op, ref rules, .. } = *options;
    if !rules.is_empty() && !matches!(op, Operation::Reserve | Operation::Confirm) {
        return Err(Failure::usage(format!(
            "--rules goes with --op reserve and --op confirm, not with --op {}: leave one of them out",
            op.name()
        )));
    }
    Ok(())
}

/// The server's shards, where the load must know them.
fn apart(options: &Options, target: &Target) -> Result<u32, Failure> {
    if options.op != Operation::TwoLines {
        return Ok(0);
    }
    if options.rate.is_some() || options.skus < 2 {
        return Err(Failure::usage(
            "--op two-lines is a closed loop over 2 SKUs at least: leave --rate out".to_owned(),
        ));
    }
    let failed = |error: crate::net::LinkError| Failure::could_not("ask for the server's shards", &error);
    let mut control = Control::connect(target.peer(), "doorbuster-drill").map_err(failed)?;
    match control.status().map_err(failed)?.shards {
        0 | 1 => Err(Failure::usage(
            "--op two-lines needs a server with 2 shards at least; this one has 1: start it with more reactors".to_owned(),
        )),
        shards => Ok(shards),
    }
}

/// One repeat's figures.
#[derive(Debug)]
struct Run {
    op: Operation,
    measured: Measured,
    cpu: crate::health::CpuUse,
    /// The server's own figure for its log's write and sync, 99th percentile, microseconds; 0: none.
    sync_p99_us: u64,
}

fn load(options: &Options, op: Operation, first_sku: u64, shards: u32) -> Load {
    Load {
        op,
        connections: options.connections,
        in_flight: options.in_flight,
        batch: options.batch,
        users: options.users,
        first_sku,
        skus: options.skus,
        shards,
        seconds: Duration::from_secs_f64(options.seconds),
        hold_ms: HOLD_MS,
        terms: Terms::default(),
        drill: false,
    }
}

fn one(load: &Load, options: &Options, peer: &Peer, server: Option<u32>) -> Result<Run, Failure> {
    let failed = |error: crate::net::LinkError| Failure::could_not("load the server", &error);
    let (measured, cpu) = if let (Some(rate), true) = (options.rate, load.op != Operation::Echo) {
        let meter = CpuMeter::start(server);
        (open::drive(load, rate, options.seed, peer).map_err(failed)?, meter.stop())
    } else {
        let mut closed = Closed::connect(load, peer).map_err(failed)?;
        if load.op == Operation::Confirm {
            closed.prepare_orders().map_err(failed)?;
        }
        let meter = CpuMeter::start(server);
        (closed.drive().map_err(failed)?, meter.stop())
    };
    let sync_p99_us = if load.op == Operation::Echo {
        0
    } else {
        Control::connect(peer, "doorbuster-drill")
            .and_then(|mut control| control.status())
            .map_err(failed)?
            .sync_p99_us
    };
    Ok(Run { op: load.op, measured, cpu, sync_p99_us })
}

/// Sets up the SKUs of one repeat, under numbers that no earlier run used, and says the first.
fn put_skus(peer: &Peer, options: &Options) -> Result<u64, Failure> {
    let base = mix(IdMaker::fresh_nonce()) >> 24 << 20;
    set_up(peer, base, options.skus, if options.op == Operation::SoldOut { 0 } else { PLENTY })?;
    Ok(base)
}

/// Sets up SKUs `base..base + count` with `units` each and no limits.
pub(crate) fn set_up(peer: &Peer, base: u64, count: u64, units: u64) -> Result<(), Failure> {
    let failed = |error| Failure::could_not(&format!("set up stock on the server at {peer}"), &error);
    let mut control = Control::connect(peer, "doorbuster-drill").map_err(failed)?;
    let requests: Vec<PutSku> =
        (0..count).map(|index| PutSku { sku: base + index, units, ..PutSku::default() }).collect();
    let answers: Vec<Answer> = control.execute(Kind::PutSku, &requests).map_err(failed)?;
    match answers.iter().find(|answer| answer.code != Code::Ok.number()) {
        None => Ok(()),
        Some(answer) => {
            let code = answer.code().map_or_else(|_| answer.code.to_string(), |code| code.to_string());
            Err(Failure::could_not("set up stock", &format!("the server answered {code}")))
        }
    }
}
