//! `doorbuster-drill knee`: how much the server answers in time, at its peak and far beyond it.
//!
//! A server that is asked for more than it can do may still do all that it can, or work as hard as ever on answers that nobody
//! waits for any more. Throughput doesn't tell the two apart; **goodput** does: the answers that come within the objective, counted
//! from when their requests were due.
//!
//! 1. **The peak** is the largest rate of new holds of which 99 % are answered in time: found by doubling, then by halving the
//!    interval, and confirmed for as long as a point takes, in the same run as everything else.
//! 2. **The curve**: the same load at multiples of the peak, some points several times over, by turns with other policies.
//! 3. **The generator is measured, too.** Requests leave when they are due, whatever the server does (an open loop, Poisson
//!    arrivals). Where they left late, or some had no room, the point says nothing about the server and is INVALID.
//!
//! Server and generator have a core each, as far as the machine has two: each would otherwise slow down what it measures. Payments
//! follow holds, so they don't grow with what is asked for: nobody pays for what he didn't get.

mod curve;
mod drive;
mod options;
mod picture;
mod point;
mod report;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

pub use options::{Options, Policy};
pub(crate) use report::SCHEMA_VERSION as CURVE_SCHEMA_VERSION;

use self::curve::{Curve, Measured};
use self::drive::Asked;
use self::point::Point;
use crate::exit::{Exit, Failure};
use crate::ids::{IdMaker, mix};
use crate::net::LinkError;
use crate::pin::Cores;
use crate::saturate::set_up;
use crate::target::{Setup, Target};

/// SKUs, drawn evenly.
const SKUS: u64 = 1_000;

/// Units of each: more than any run can sell.
const PLENTY: u64 = 1 << 32;

/// Where the search for the peak begins, operations a second.
const FIRST_RATE: f64 = 2_000.0;

/// Most that is tried.
const MOST_RATE: f64 = 8_000_000.0;

/// How often the interval is halved: the peak is known to 3 %.
const HALVINGS: u32 = 5;

/// How often a rate is tried at most: where the generator was late, something else may have kept it busy.
const TRIES: u32 = 4;

/// How often a rate must be missed to be too high: once may have been a disk that stalled for a moment.
const MISSES: u32 = 2;

/// How much less is asked for where the peak that was found doesn't hold for long.
const STEP_DOWN: f64 = 0.97;

/// Measured time of a try.
const TRY: Duration = Duration::from_secs(2);

/// Runs the command and gives the exit code.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    match measure(options, out) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

/// A server with stock.
struct Stage {
    target: Target,
    first_sku: u64,
}

impl Stage {
    fn set(options: &Options, policy: Policy, cores: Cores) -> Result<Self, Failure> {
        let config = policy.config(options.added_cost_us, options.backlog_us);
        let durability = options.durability.clone();
        let target = Target::start(Setup { durability, config, cores, program: None })?;
        let first_sku = mix(IdMaker::fresh_nonce()) >> 24 << 20;
        set_up(target.peer(), first_sku, SKUS, PLENTY)?;
        Ok(Self { target, first_sku })
    }

    fn point(&self, options: &Options, rate: f64, seconds: Duration, seed: u64) -> Result<Point, Failure> {
        let asked = Asked {
            rate,
            batch: options.batch,
            connections: options.connections,
            seconds,
            slo: Duration::from_millis(options.slo_ms),
            bulk: options.bulk,
            credits: options.credits,
            paid: options.paid,
            first_sku: self.first_sku,
            skus: SKUS,
            seed,
        };
        let driven = drive::drive(asked, self.target.peer(), self.target.server_pid());
        driven.map_err(|error: LinkError| Failure::could_not("load the server", &error).told_by(&self.target))
    }
}

fn measure(options: &Options, out: &mut dyn Write) -> Result<Exit, Failure> {
    let first = *options.policy.first().ok_or_else(|| Failure::usage("--policy names none"))?;
    let cores = Cores::take();
    report::head(options, cores.pinned(), out);
    let peak = match options.peak {
        Some(peak) => f64::from(peak),
        None => search(&Stage::set(options, first, cores)?, options, out)?,
    };
    report::peak(peak, options, out);
    let mut curves: Vec<Curve> = options.policy.iter().map(|policy| Curve::new(*policy, peak)).collect();
    for repeat in 0..options.repeat {
        for curve in &mut curves {
            // One server at a time: one that was overrun works on what nobody waits for any more.
            let stage = Stage::set(options, curve.policy, cores)?;
            for &times in &options.times {
                let seed = options.seed.wrapping_add(u64::from(repeat));
                let point = stage.point(options, peak * times, Duration::from_secs(options.seconds), seed)?;
                let measured = Measured { times, point };
                report::line(curve.policy, repeat, &measured, peak, out);
                curve.measured.push(measured);
            }
        }
    }
    report::tables(&curves, peak, options, out);
    if let Some(folder) = &options.report {
        report::files(&curves, peak, options, folder)?;
    }
    let invalid =
        curves.iter().flat_map(|curve| &curve.measured).any(|measured| measured.point.invalid().is_some());
    Ok(if invalid { Exit::Invalid } else { Exit::Pass })
}

/// Finds the peak.
fn search(stage: &Stage, options: &Options, out: &mut dyn Write) -> Result<f64, Failure> {
    let mut attempt = |rate: f64, length: Duration| -> Result<bool, Failure> {
        let mut missed = 0;
        for _ in 0..TRIES {
            let point = stage.point(options, rate, length, options.seed)?;
            let valid = point.invalid().is_none();
            let holds = point.holds() && valid;
            report::attempt(rate, &point, holds, out);
            missed += u32::from(valid && !holds);
            if holds || missed == MISSES {
                return Ok(holds);
            }
        }
        Ok(false)
    };
    let (mut holds, mut fails) = (0.0, FIRST_RATE);
    while fails < MOST_RATE && attempt(fails, TRY)? {
        holds = fails;
        fails *= 2.0;
    }
    if holds == 0.0 {
        return Err(Failure::could_not(
            "find the peak",
            &format!("not even {FIRST_RATE} a second are answered within {} ms", options.slo_ms),
        ));
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(holds, fails);
        if attempt(middle, TRY)? {
            holds = middle;
        } else {
            fails = middle;
        }
    }
    // What holds for two seconds need not hold for as long as a point takes.
    for _ in 0..HALVINGS {
        if attempt(holds, Duration::from_secs(options.seconds))? {
            break;
        }
        holds *= STEP_DOWN;
    }
    Ok(holds)
}
