//! `doorbuster budget`: what discounts are paid from.

use std::process::ExitCode;

use clap::Subcommand;
use doorbuster_client::{Applied, BudgetView, FundBudget, Funder, Outcome, SetBudget, StopBudget};

use super::connect::{ServerOptions, ask, refused};
use super::say;
use super::who::Who;

/// Set up, fund, stop and look at promotion budgets.
#[derive(Debug, Subcommand)]
pub(super) enum BudgetCommand {
    /// Set a budget up. The same again changes nothing.
    Set {
        /// The budget, from 1
        budget: u32,
        /// Money in it, minor units
        #[arg(long, value_name = "MINOR")]
        funded: u64,
        /// Who pays, and with which share: such as 1:40; once for each, up to 16
        #[arg(long = "funder", value_name = "ID:SHARE", required = true, value_parser = funder)]
        funders: Vec<Funder>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Put money in, or take out what is neither reserved nor spent.
    Fund {
        /// The budget
        budget: u32,
        /// All money that shall have been put in, minor units
        #[arg(long, value_name = "MINOR")]
        to: u64,
        /// What it must be now; what the server says unless given
        #[arg(long, value_name = "MINOR")]
        expected: Option<u64>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Pay no further discounts, for good.
    Stop {
        /// The budget
        budget: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Show what is left, reserved and spent, and what each funder pays.
    Show {
        /// The budget
        budget: u32,
        #[command(flatten)]
        server: ServerOptions,
    },
}

fn funder(text: &str) -> Result<Funder, String> {
    let parts = text.split_once(':').and_then(|(id, share)| Some((id.parse().ok()?, share.parse().ok()?)));
    match parts {
        Some((funder, share)) if share > 0 => Ok(Funder { funder, share }),
        _ => Err("write his number, a colon and his share, which is above 0, such as 1:40".to_owned()),
    }
}

pub(super) fn run(command: &BudgetCommand) -> ExitCode {
    let done = match command {
        BudgetCommand::Set { budget, funded, funders, who, server } => {
            let Who { by, reason } = *who;
            let set = SetBudget { budget: *budget, reason, funded: *funded, by, funders: funders.clone() };
            let outcome = ask(server, async |client| client.set_budget(&set).await);
            outcome.map(|outcome| applied(server, *budget, &outcome))
        }
        BudgetCommand::Fund { budget, to, expected, who, server } => {
            fund(server, *budget, *to, *expected, *who)
        }
        BudgetCommand::Stop { budget, who, server } => {
            let stop = StopBudget { budget: *budget, reason: who.reason, by: who.by };
            let outcome = ask(server, async |client| client.stop_budget(&stop).await);
            outcome.map(|outcome| applied(server, *budget, &outcome))
        }
        BudgetCommand::Show { budget, server } => {
            let outcome = ask(server, async |client| client.read_budget(*budget).await);
            outcome.map(|outcome| match outcome {
                Outcome::Done(view) => show(server, &view),
                Outcome::Refused(refusal) => refused(server, &refusal),
            })
        }
    };
    done.unwrap_or_else(|code| code)
}

fn fund(
    server: &ServerOptions,
    budget: u32,
    funded: u64,
    expected: Option<u64>,
    Who { by, reason }: Who,
) -> Result<ExitCode, ExitCode> {
    let outcome = ask(server, async |client| {
        let expected = match expected {
            Some(expected) => expected,
            None => match client.read_budget(budget).await? {
                Outcome::Done(view) => view.funded,
                Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            },
        };
        client.fund_budget(&FundBudget { budget, reason, funded, expected, by }).await
    })?;
    Ok(applied(server, budget, &outcome))
}

/// Says what became of a change.
fn applied(server: &ServerOptions, budget: u32, outcome: &Outcome<Applied>) -> ExitCode {
    match outcome {
        Outcome::Refused(refusal) => return refused(server, refusal),
        Outcome::Done(done) if server.json => say(&serde_json::json!({
            "schema_version": 1,
            "budget": budget,
            "left": (!done.replayed).then_some(done.units),
            "replayed": done.replayed,
        })),
        Outcome::Done(done) if done.replayed => say(&format_args!("budget {budget} was so before")),
        Outcome::Done(done) => say(&format_args!("budget {budget}: done, {} left", done.units)),
    }
    ExitCode::SUCCESS
}

fn show(server: &ServerOptions, view: &BudgetView) -> ExitCode {
    let funders = view.funders.iter().take(usize::from(view.count));
    if server.json {
        let funders: Vec<_> = funders
            .map(|funder| {
                serde_json::json!({ "funder": funder.funder, "share": funder.share, "posted": funder.posted })
            })
            .collect();
        say(&serde_json::json!({
            "schema_version": 1,
            "budget": view.budget,
            "funded": view.funded,
            "left": view.left,
            "reserved": view.reserved,
            "spent": view.spent,
            "stopped": view.stopped != 0,
            "funders": funders,
        }));
        return ExitCode::SUCCESS;
    }
    let stopped = if view.stopped == 0 { "" } else { "; stopped" };
    say(&format_args!(
        "budget {}: {} left, {} reserved, {} spent, of {} funded{stopped}",
        view.budget, view.left, view.reserved, view.spent, view.funded
    ));
    for funder in funders {
        say(&format_args!("funder {} (share {}) pays {}", funder.funder, funder.share, funder.posted));
    }
    ExitCode::SUCCESS
}
