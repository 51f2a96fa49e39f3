//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use doorbuster_gateway::cli::Trust;

use crate::all;
use crate::compare;
use crate::drill::{self, Request};
use crate::exit::{Exit, Failure};
use crate::knee;
use crate::saturate;
use crate::scenario::{self, Auto, BUILT_IN, Scenario};

const EXIT_CODES: &str = "\
Exit codes:
    0  pass
    2  usage: the command line or the scenario is wrong
    3  an objective was missed, or compare found something worse
    4  correctness is broken: something was oversold, lost or invented
    5  invalid run: the generator was the bottleneck
    6  could not run, or the target was lost
  130  interrupted; the report is partial";

/// Rehearse a flash sale against a Doorbuster server, then audit what it did.
///
/// Without a command and a file it starts a server of its own and runs the built-in scenario `doors-open`.
#[derive(Debug, Parser)]
#[command(name = "doorbuster-drill", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario (the default).
    #[command(after_help = EXIT_CODES)]
    Run(Box<Run>),
    /// Run the six rehearsals that a sale is planned with, and say how each went.
    #[command(after_help = EXIT_CODES)]
    All(all::Options),
    /// List the built-in scenarios: what each shows, and how long it takes.
    List,
    /// Load the server as hard as it goes, or at a fixed rate, and say what it did.
    Saturate(saturate::Options),
    /// Find the server's peak, ask for multiples of it, and say how much is answered in time.
    #[command(after_help = EXIT_CODES)]
    Knee(knee::Options),
    /// Say what is better or worse in one run, or a set of repeats, than in another.
    ///
    /// A and B are each a report.json of a drill or a curve.json of `knee`, a folder with one in it or with one in each of its
    /// direct subfolders, or several of these with commas between. Several are repeats of the same: medians are compared, and
    /// a difference counts where it is beyond what the repeats differ by.
    Compare(compare::Options),
}

#[derive(Debug, Args)]
struct Run {
    /// Built-in scenario (see `list`) or scenario file; without it doors-open.
    #[arg(value_name = "NAME|FILE")]
    file: Option<PathBuf>,
    /// Drill this running server instead of one of our own.
    #[arg(long, value_name = "HOST:PORT")]
    target: Option<String>,
    #[command(flatten)]
    trust: Trust,
    /// What a server of our own runs: a doorbuster executable, instead of this one.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "target")]
    server: Option<PathBuf>,
    /// What an upgrade puts in the place of our own server: a doorbuster executable. [default: a copy of this one]
    #[arg(long, value_name = "PROGRAM", conflicts_with = "target")]
    next_server: Option<PathBuf>,
    /// Drill a server that holds stock which this drill didn't set up.
    #[arg(long)]
    allow_live: bool,
    /// Folder for the report's files. [default: target/drill/NAME-TIME]
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    changes: Changes,
    /// Units over all SKUs instead of the scenario's.
    #[arg(long, value_name = "UNITS")]
    stock: Option<f64>,
}

/// What is changed about scenarios.
#[derive(Clone, Debug, Args)]
pub(crate) struct Changes {
    /// Seed instead of the scenario's.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Factor on hold and payment times instead of the scenario's, above 0 up to 1.
    #[arg(long, value_name = "FACTOR")]
    pub(crate) time_scale: Option<f64>,
    /// Arrivals a second in the highest phase instead of the scenario's; skips the calibration.
    #[arg(long, value_name = "PER_SECOND")]
    pub(crate) peak: Option<f64>,
    /// Length of all phases together, in seconds; stretches or shortens each alike.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) duration: Option<f64>,
    /// Durability of our own server.
    #[arg(long, value_name = "LEVEL", default_value = "always", value_parser = ["always", "interval", "none"])]
    pub(crate) durability: String,
}

/// Runs the command line and gives the exit code.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut out = std::io::stdout();
    match parse(arguments) {
        Ok(Cli { command: Some(Command::Saturate(options)), .. }) => saturate::run(&options, &mut out),
        Ok(Cli { command: Some(Command::Knee(options)), .. }) => knee::run(&options, &mut out),
        Ok(Cli { command: Some(Command::All(options)), .. }) => all::run(&options, &mut out),
        Ok(Cli { command: Some(Command::Compare(options)), .. }) => compare::run(&options, &mut out),
        Ok(Cli { command: Some(Command::List), .. }) => list(&mut out),
        Ok(Cli { command: Some(Command::Run(run)), .. }) => start(*run),
        Ok(Cli { command: None, run }) => start(run),
        Err(error) => {
            drop(error.print());
            drop(out.flush());
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage.code()))
        }
    }
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(arguments)?;
    if let Some(flag) = astray(&matches) {
        let line = format!(
            "{flag} is about connections to --target, and none is named: a server of our own encrypts nothing and has no keys"
        );
        return Err(command.error(clap::error::ErrorKind::MissingRequiredArgument, line));
    }
    Cli::from_arg_matches(&matches)
}

/// The flag that says how to speak with another's server where there is none. From the environment, it may be meant for others.
fn astray(matches: &ArgMatches) -> Option<String> {
    let of = matches.subcommand().map_or(matches, |(_, of)| of);
    let source = |id| of.try_contains_id(id).ok().and_then(|_| of.value_source(id));
    let trust = Trust::augment_args(clap::Command::new("trust"));
    let mut flags = trust.get_arguments().filter(|_| source("target").is_none());
    let flag = flags.find(|flag| source(flag.get_id().as_str()) == Some(ValueSource::CommandLine))?;
    Some(format!("--{}", flag.get_long()?))
}

/// Prints the built-in scenarios.
fn list(out: &mut dyn Write) -> ExitCode {
    let mut lines = Vec::new();
    for built_in in BUILT_IN {
        match scenario::parse(built_in.name, built_in.text) {
            Ok(scenario) => {
                let Scenario { name, summary, .. } = &scenario;
                lines.push(format!("{name:<14} {:>9}  {summary}\n", length(&scenario)));
            }
            Err(failure) => return failure.print(),
        }
    }
    // A reader that went away has seen enough.
    drop(out.write_all(lines.concat().as_bytes()).and_then(|()| out.flush()));
    Exit::Pass.into()
}

/// About how long a scenario takes: its phases, and what may come after them.
fn length(scenario: &Scenario) -> String {
    let (phases, tail) = (scenario.phases_seconds(), scenario.tail_seconds());
    format!("{:.0}-{:.0} s", phases, phases + tail)
}

fn start(run: Run) -> ExitCode {
    match changed(&run) {
        Ok(scenario) => {
            let Run { target, trust, server, next_server, allow_live, report, json, changes, .. } = run;
            let durability = changes.durability;
            let request = Request {
                scenario,
                target,
                trust,
                server,
                next_server,
                allow_live,
                durability,
                report,
                json,
            };
            drill::run(&request, &mut std::io::stdout())
        }
        Err(failure) => failure.print(),
    }
}

/// The scenario with what the command line changes in it.
fn changed(run: &Run) -> Result<Scenario, Failure> {
    let mut scenario = scenario::load(run.file.as_deref())?;
    if let Some(seed) = run.changes.seed {
        scenario.seed = seed;
    }
    if let Some(time_scale) = run.changes.time_scale {
        scenario.time_scale = time_scale;
    }
    if let Some(peak) = run.changes.peak {
        scenario.load.peak_per_second = Auto::Given(peak);
    }
    if let Some(units) = run.stock {
        scenario.stock.units = Auto::Given(units);
    }
    if let Some(duration) = run.changes.duration {
        let factor = duration / scenario.phases_seconds();
        scenario.phases.iter_mut().for_each(|phase| phase.seconds *= factor);
        scenario.restocks.iter_mut().for_each(|restock| restock.at_seconds *= factor);
        scenario.rebalances.iter_mut().for_each(|rebalance| rebalance.at_seconds *= factor);
        if let Some(channels) = &mut scenario.channels {
            channels.release_seconds *= factor;
        }
        if let Some(campaign) = &mut scenario.campaign {
            campaign.opens_seconds *= factor;
            campaign.cutover_seconds.iter_mut().for_each(|at_seconds| *at_seconds *= factor);
        }
        for fault in &mut scenario.faults {
            fault.at_seconds *= factor;
            fault.seconds *= factor;
        }
        if let Some(attack) = &mut scenario.attack {
            attack.at_seconds *= factor;
            attack.seconds *= factor;
        }
    }
    match scenario::fault(&scenario) {
        None => Ok(scenario),
        Some(fault) => Err(Failure::usage(format!("command line: {fault}; see --help"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_its_help_has_every_exit_code() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for exit in Exit::ALL {
            assert!(help.contains(&format!("{:>5}  ", exit.code())), "{exit:?} is missing in:\n{help}");
        }
    }

    fn parsed(arguments: &[&str]) -> Run {
        let all = std::iter::once("doorbuster-drill").chain(arguments.iter().copied());
        match Cli::try_parse_from(all).expect("valid") {
            Cli { command: Some(Command::Run(run)), .. } => *run,
            Cli { command: None, run } => run,
            Cli { command: Some(_), .. } => {
                panic!("another command")
            }
        }
    }

    #[test]
    fn how_a_target_is_spoken_to_goes_with_a_target() {
        let read = |arguments: &[&str]| {
            parse(std::iter::once("doorbuster-drill").chain(arguments.iter().copied()).map(OsString::from))
        };
        for command in [&[][..], &["run"], &["saturate"]] {
            let alone =
                read(&[command, &["--tls-ca", "ca.pem"]].concat()).expect_err("no target").to_string();
            assert!(
                alone.contains("--tls-ca is about connections to --target, and none is named"),
                "{alone}"
            );
            assert!(read(&[command, &["--tls-ca", "ca.pem", "--target", "a:1"]].concat()).is_ok());
        }
        assert!(read(&["list"]).is_ok() && read(&["knee", "--tls-ca", "ca.pem"]).is_err());
    }

    #[test]
    fn run_is_the_default_command() {
        assert_eq!(parsed(&["--seed", "5"]).changes.seed, Some(5));
        assert_eq!(parsed(&["run", "--seed", "5"]).changes.seed, Some(5));
        assert_eq!(parsed(&["run", "a.toml"]).file, Some(PathBuf::from("a.toml")));
    }

    #[test]
    fn options_change_the_scenario_and_its_rules_still_hold() {
        let scenario =
            changed(&parsed(&["--peak", "1000", "--duration", "7", "--stock", "5000"])).expect("sound");
        assert_eq!(scenario.load.peak_per_second, Auto::Given(1_000.0));
        assert_eq!(scenario.stock.units, Auto::Given(5_000.0));
        let length: f64 = scenario.phases.iter().map(|phase| phase.seconds).sum();
        assert!((length - 7.0).abs() < 1e-9);
        for wrong in [["--time-scale", "7"], ["--peak", "0"], ["--stock", "NaN"], ["--duration", "-3"]] {
            let failure =
                changed(&parsed(&[&format!("{}={}", wrong[0], wrong[1])])).expect_err("out of range");
            assert_eq!(failure.exit, Exit::Usage, "{failure:?}");
        }
    }
}
