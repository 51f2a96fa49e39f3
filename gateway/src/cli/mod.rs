//! The command line.

mod admin_port;
mod archive;
mod audit;
mod breaker;
mod budget;
mod campaign;
mod completions;
mod config;
mod connect;
mod coupon;
mod dev;
mod doctor;
mod examples;
mod explain;
mod feed;
mod figures;
mod id;
mod key;
mod keys;
mod layers;
mod order;
mod plan;
mod progress;
mod report;
mod serve;
mod source;
mod status;
mod stock;
mod top;
mod trust;
mod who;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

#[doc(hidden)]
pub use campaign::read_campaign;
pub use serve::ServeOptions;
pub use trust::Trust;

const EXIT_CODES: &str = "Exit codes:
  0  done; serve: stopped in good order
  1  a fault in doorbuster itself; doctor: a check failed
  2  wrong usage, configuration or input file
  3  an address or another resource of the machine can't be had
  4  the data folder can't be used: in use, foreign, of another version, or the disk refused
  5  the log is damaged or contradicts itself; nothing was changed
  6  the log failed while serving; nothing was acknowledged afterwards
  7  the server could not be reached, or refused
  8  what was asked for is not there";

/// Flash-sale inventory and orders: reserve, pay and cancel over TCP, without ever selling a unit twice.
#[derive(Debug, Parser)]
#[command(name = "doorbuster", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(ServeOptions),
    Status(status::StatusOptions),
    Top(top::TopOptions),
    Doctor(doctor::DoctorOptions),
    /// Check a configuration, and show what holds and why.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Plan, start, watch and stop campaigns.
    #[command(subcommand)]
    Campaign(campaign::CampaignCommand),
    /// Move the time of a server that was started with --dev.
    #[command(subcommand)]
    Dev(dev::DevCommand),
    /// Reserve, pay, give back and look at single orders.
    #[command(subcommand)]
    Order(order::OrderCommand),
    Audit(audit::AuditOptions),
    Backup(archive::BackupOptions),
    Restore(archive::RestoreOptions),
    Verify(archive::VerifyOptions),
    /// Tell the whole story of an order or of a shopper, in words that can be read out.
    Explain(explain::ExplainOptions),
    /// Print what happened: events of the log, in order and without a gap.
    Feed(feed::FeedOptions),
    /// Report on a sale, from its log alone: in intervals, or as a whole.
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Make, list, rotate and revoke API keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look at the server's circuit breakers, and set them.
    #[command(subcommand)]
    Breaker(breaker::BreakerCommand),
    /// Look at emergency plans, carry one out, and revert what it did.
    #[command(subcommand)]
    Plan(plan::PlanCommand),
    /// Set up, fund, stop and look at promotion budgets.
    #[command(subcommand)]
    Budget(budget::BudgetCommand),
    /// Issue and look at coupons.
    #[command(subcommand)]
    Coupon(coupon::CouponCommand),
    /// Set up and look at SKUs.
    #[command(subcommand)]
    Stock(stock::StockCommand),
    Completions(completions::CompletionsOptions),
}

/// Runs the command line that the arguments make up, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed =
        command().try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let chosen = match parsed {
        Ok(Cli { command }) => command,
        Err(error) => return usage(&error),
    };
    match chosen {
        Command::Serve(options) => serve::run(&options),
        Command::Config(command) => config::run(&command),
        Command::Breaker(command) => breaker::run(&command),
        Command::Keys(command) => keys::run(&command),
        Command::Plan(command) => plan::run(&command),
        Command::Campaign(command) => campaign::run(&command),
        Command::Dev(command) => dev::run(&command),
        Command::Order(command) => order::run(&command),
        Command::Audit(options) => audit::run(&options),
        Command::Backup(options) => archive::back_up(&options),
        Command::Restore(options) => archive::restore(&options),
        Command::Verify(options) => archive::verify(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Feed(options) => feed::run(&options),
        Command::Report(command) => report::run(&command),
        Command::Budget(command) => budget::run(&command),
        Command::Coupon(command) => coupon::run(&command),
        Command::Stock(command) => stock::run(&command),
        Command::Status(options) => status::run(&options),
        Command::Top(options) => top::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Completions(options) => completions::run(&options, command()),
    }
}

/// The command line, with the examples in its help.
fn command() -> clap::Command {
    examples::add(Cli::command())
}

/// Runs `serve` with this process's arguments behind the first: for programs that host a server in a child process of
/// their own, as the drill does.
pub fn serve_embedded() -> ExitCode {
    /// Options of `serve`.
    #[derive(Debug, Parser)]
    struct Embedded {
        #[command(flatten)]
        options: ServeOptions,
    }
    match Embedded::try_parse_from(std::env::args_os().skip(1)) {
        Ok(embedded) => serve::run(&embedded.options),
        Err(error) => usage(&error),
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Nowhere to report a terminal that can't be written to.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

/// Reports an error in one line and gives the exit code.
fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    drop(writeln!(std::io::stderr(), "doorbuster: {error}"));
    ExitCode::from(code)
}

/// Reports every fault of a configuration, a line each, and gives the exit code.
fn faulty(code: u8, faults: &crate::config::Faults) -> ExitCode {
    for line in faults.to_string().lines() {
        drop(writeln!(std::io::stderr(), "doorbuster: {line}"));
    }
    ExitCode::from(code)
}

/// Says on standard error what should be known but is no failure.
fn warn(line: &dyn std::fmt::Display) {
    drop(writeln!(std::io::stderr(), "doorbuster: {line}"));
}

/// Prints a line for people.
fn say(line: &dyn std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
