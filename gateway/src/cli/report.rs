//! `doorbuster report`: what a sale came to, from its log alone.

use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::progress::Progress;
use super::{fail, warn};
use crate::duration::Span;
use crate::report::{Page, Report, ReportError, Text, Wish, intervals, sale};
use crate::targets::Targets;

/// Where a server keeps its data unless it was told otherwise.
const DEFAULT_FOLDER: &str = "doorbuster-data";

/// As `serve` reads it.
const FOLDER_VARIABLE: &str = "DOORBUSTER_LOG__FOLDER";

/// Rows of lists of SKUs where nobody asks for more.
const TOP: u16 = 20;

/// Most rows of lists of SKUs: more is for a program that reads the feed.
const MAX_TOP: u16 = 10_000;

/// The reports.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ReportCommand {
    Interval(IntervalOptions),
    Sale(SaleOptions),
}

/// What happened in every two hours: orders, payments, refunds, by channel and SKU, and how the goals stand.
#[derive(Clone, Debug, Args)]
pub(super) struct IntervalOptions {
    /// How long an interval is. Boundaries fall on --from, else on T0, else on whole multiples in UTC.
    #[arg(long, default_value = "2h", value_name = "TIME")]
    every: Span,
    #[command(flatten)]
    common: CommonOptions,
}

/// The whole sale since T0: goals, execution, effect, problems, and what the numbers suggest for the next one.
#[derive(Clone, Debug, Args)]
pub(super) struct SaleOptions {
    #[command(flatten)]
    common: CommonOptions,
}

#[derive(Clone, Debug, Args)]
struct CommonOptions {
    /// The data folder, or a backup of one; `$DOORBUSTER_LOG__FOLDER` or doorbuster-data unless it is named. A server may run on
    /// it meanwhile; its newest events may then be missing.
    #[arg(value_name = "FOLDER", conflicts_with = "data")]
    folder: Option<PathBuf>,
    /// The same, as other commands have it.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Only SKUs that this campaign has sold, from when it got them.
    #[arg(long, value_name = "N")]
    campaign: Option<u32>,
    /// Begin at this moment, such as 2026-11-11T00:00:00+08:00.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<u64>,
    /// End before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<u64>,
    /// A file of goals to hold the sales against.
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write it to this file, not to the terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows of lists of SKUs, those that sold most first.
    #[arg(long, default_value_t = TOP, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(0..=i64::from(MAX_TOP)))]
    top: u16,
    /// Decimals of the currency: 19900 minor units are 199.00 with 2.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=4))]
    decimals: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// One page that stands alone, for a browser, a phone or a printer.
    Html,
    /// For programs.
    Json,
}

/// Reads a moment with its offset.
fn moment(text: &str) -> Result<u64, String> {
    let what = "write a date, a time and an offset, such as 2026-11-11T00:00:00+08:00";
    let known = text.trim().parse::<jiff::Timestamp>().map_err(|error| format!("{error}; {what}"))?;
    u64::try_from(known.as_millisecond()).map_err(|_| format!("{text} is before 1970; {what}"))
}

pub(super) fn run(command: &ReportCommand) -> ExitCode {
    match command {
        ReportCommand::Interval(options) if options.every.ms() == 0 => {
            fail(2, &"--every 0: an interval lasts at least 1ms; 2h is usual")
        }
        ReportCommand::Interval(options) => report(&options.common, |folder, wish, targets, far| {
            intervals(folder, wish, options.every.ms(), targets, far)
        }),
        ReportCommand::Sale(options) => report(&options.common, sale),
    }
}

/// Makes a report and writes it.
fn report<R: Report + Serialize>(
    options: &CommonOptions,
    make: impl FnOnce(&Path, &Wish, Option<&Targets>, &mut dyn FnMut(u64, u64)) -> Result<R, ReportError>,
) -> ExitCode
where
    for<'a> Text<'a, R>: Display,
    for<'a> Page<'a, R>: Display,
{
    let targets = match options.targets.as_deref().map(Targets::read).transpose() {
        Ok(targets) => targets,
        Err(error) => {
            error.to_string().lines().for_each(|line| warn(&line));
            return ExitCode::from(2);
        }
    };
    let wish = Wish {
        from: options.from,
        to: options.to,
        campaign: options.campaign,
        decimals: options.decimals,
        top: usize::from(options.top),
    };
    let mut progress = Progress::start();
    let result = make(&folder(options), &wish, targets.as_ref(), &mut |read, of| {
        progress.say(format_args!("read {read} of {of} events"));
    });
    drop(progress);
    let text = match result {
        Ok(report) => {
            report.behind().iter().for_each(|behind| warn(behind));
            match written(&report, options.format) {
                Ok(text) => text,
                Err(error) => return fail(1, &format_args!("can't write the report: {error}")),
            }
        }
        Err(error) => return fail(error.code(), &error),
    };
    if let Some(file) = &options.out {
        return match std::fs::write(file, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(3, &format_args!("can't write {}: {error}", file.display())),
        };
    }
    // Whoever read the lines may have gone, as `head` does: there is nobody left to tell.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
    ExitCode::SUCCESS
}

fn folder(options: &CommonOptions) -> PathBuf {
    let named = options.folder.as_ref().or(options.data.as_ref()).cloned();
    let set = || std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    named.or_else(set).unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER))
}

fn written<R: Serialize>(report: &R, format: Format) -> Result<String, serde_json::Error>
where
    for<'a> Text<'a, R>: Display,
    for<'a> Page<'a, R>: Display,
{
    Ok(match format {
        Format::Text => Text(report).to_string(),
        Format::Html => Page(report).to_string(),
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
    })
}
