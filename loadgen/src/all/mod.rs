//! `doorbuster-drill all`: the six rehearsals that a sale is planned with, one after another, and what each showed.
//!
//! A plan for a large sale asks for six: the normal day, the burst, the loss of a single part, an attack, the backup, and
//! the emergency plan. Each is a built-in scenario and passes or fails by itself. They run in processes of their own, so
//! that none finds the machine otherwise than it would alone.

mod outcome;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::Args;

use self::outcome::Outcome;
use crate::cli::Changes;
use crate::drill;
use crate::exit::{Exit, Failure};
use crate::progress;
use crate::report;

/// The rehearsals by name, and the scenario that is each.
pub const PLANS: [(&str, &str); 6] = [
    ("normal", "baseline"),
    ("burst", "t0-spike"),
    ("single point of failure", "spof"),
    ("security", "security"),
    ("backup", "backup"),
    ("emergency", "emergency"),
];

/// Run the six rehearsals that a sale is planned with, and say how each went.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Folder for the reports: one folder for each, and all.json. [default: target/drill/all-TIME]
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Print what came of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    changes: Changes,
}

/// Runs the command and gives the exit code: that of the worst.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    match rehearse(options, out) {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(),
    }
}

fn rehearse(options: &Options, out: &mut dyn Write) -> Result<Exit, Failure> {
    let folder = options
        .report
        .clone()
        .unwrap_or_else(|| report::default_folder("all", drill::unix_ms(Instant::now())));
    let mut outcomes = Vec::new();
    for (nth, (plan, scenario)) in (1..).zip(PLANS) {
        progress::step(&format!("{nth} of {}: {plan} ({scenario})", PLANS.len()));
        let outcome = one(options, plan, scenario, &folder.join(scenario))?;
        let interrupted = outcome.exit == Exit::Interrupted;
        outcomes.push(outcome);
        if interrupted {
            break;
        }
    }
    let failed =
        |error: std::io::Error| Failure::could_not(&format!("write into {}", folder.display()), &error);
    let all = outcome::json(&outcomes);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    std::fs::write(folder.join("all.json"), format!("{all:#}\n")).map_err(failed)?;
    let text = if options.json { format!("{all:#}\n") } else { outcome::table(&outcomes, &folder) };
    // A reader that went away has seen enough.
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    Ok(outcome::worst(&outcomes))
}

/// Runs one in a process of its own.
fn one(
    options: &Options,
    plan: &'static str,
    scenario: &'static str,
    folder: &Path,
) -> Result<Outcome, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::could_not(&format!("run the drill {scenario}"), error);
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    let Changes { seed, time_scale, peak, duration, durability } = &options.changes;
    command.args(["run", scenario, "--json", "--durability", durability, "--report"]).arg(folder);
    let numbers = [("--peak", peak), ("--duration", duration), ("--time-scale", time_scale)];
    for (name, value) in numbers {
        command.args(value.map(|value| format!("{name}={value}")));
    }
    command.args(seed.map(|seed| format!("--seed={seed}")));
    let ended =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|error| failed(&error))?;
    let exit = ended.status.code().and_then(|code| Exit::from_code(u8::try_from(code).ok()?));
    Ok(Outcome {
        plan,
        scenario,
        exit: exit.unwrap_or(Exit::CouldNotRun),
        report: serde_json::from_slice(&ended.stdout).unwrap_or_default(),
    })
}
