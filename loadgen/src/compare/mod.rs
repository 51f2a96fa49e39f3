//! `doorbuster-drill compare`: what became better or worse between two runs, or between two sets of repeats.
//!
//! Two runs of the same program never give the same figures. So a difference counts only where it is beyond what repeats
//! differ by anyway, the **band**:
//!
//! ```text
//!              least   median           most
//!      A         ├───────┼───────────────┤              half of A's range
//!      B                   ├──────┼────────────┤      + half of B's range  = band
//!                        └─ change ─┘                   within it: SAME
//! ```
//!
//! The range of few repeats says little, and of one nothing. With fewer than three on a side the band is no narrower than a
//! default one of the metric's kind, with more no narrower than a fifth of it: see `kind`.
//!
//! * Figures of different scenarios, settings or machines say nothing about each other and are refused.
//! * A run of which the generator was the bottleneck, or that didn't come to its end, is left out.
//! * A run that broke correctness is worse than anything: no figure makes up for it.
//! * A percentile is compared where ten requests or more were slower. Else it is the luck of a few.
//!
//! Deciding is pure (`verdict`). Files are found (`files`), read (`drill`, `curve`) and held to be alike (`alike`) before it.

mod alike;
mod curve;
mod drill;
mod files;
mod kind;
mod text;
mod verdict;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use self::files::{Run, Standing};
use self::verdict::{Comparison, LeftOut, Side};
use crate::exit::{Exit, Failure};

const EXIT_CODES: &str = "\
Exit codes:
    0  nothing is worse
    2  usage: the two can't be compared
    3  something is worse, or a run broke correctness
    6  a file can't be read, or a side has no valid run";

/// What is compared, and how.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Options {
    /// The baseline.
    #[arg(value_name = "A")]
    a: String,
    /// What is held against it.
    #[arg(value_name = "B")]
    b: String,
    /// Compare what was set up differently, or ran on different machines; the differences are printed.
    #[arg(long)]
    force: bool,
    /// Print the comparison as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command and gives the exit code.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    match compare(options, out) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

fn compare(options: &Options, out: &mut dyn Write) -> Result<Exit, Failure> {
    let (a, b) = (files::read(&options.a)?, files::read(&options.b)?);
    let notes = alike::check(&a, &b, options.force)?;
    let comparison = Comparison::of([side(&options.a, a), side(&options.b, b)], notes);
    for (name, side) in ["A", "B"].into_iter().zip(&comparison.sides) {
        if side.files.is_empty() && !comparison.is_broken() {
            let why: Vec<String> =
                side.left_out.iter().map(|run| format!("{}: {}", run.file, run.why)).collect();
            return Err(Failure::could_not(
                "compare",
                &format_args!("{name} has no valid run: {}", why.join("; ")),
            ));
        }
    }
    let text = if options.json {
        let json = serde_json::to_string_pretty(&comparison);
        json.map_err(|error| Failure::could_not("print the comparison", &error))? + "\n"
    } else {
        text::render(&comparison)
    };
    // A reader that went away has seen enough.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Ok(if comparison.worse { Exit::Missed } else { Exit::Pass })
}

/// Runs as a side of the comparison, without those that say nothing.
fn side(name: &str, runs: Vec<Run>) -> Side {
    let mut side = Side { name: name.to_owned(), ..Side::default() };
    for run in runs {
        let file = run.path.display().to_string();
        match run.standing {
            Standing::LeftOut(why) => {
                side.left_out.push(LeftOut { file, why });
                continue;
            }
            Standing::Broken => side.broken.push(file.clone()),
            Standing::Sound => {}
        }
        if run.without > 0 {
            let why = format!("{} invalid points", run.without);
            side.left_out.push(LeftOut { file: file.clone(), why });
        }
        side.files.push(file);
        side.figures.extend(run.figures);
    }
    side
}
