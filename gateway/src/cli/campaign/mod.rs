//! `doorbuster campaign`: what a sale sells, when, to whom and at which prices.
//!
//! A campaign is written down in a file, the file is compared with what the server has, and the difference is carried out:
//! the same file again changes nothing. `plan` shows the difference and every fault, `apply` carries it out.

mod allot;
mod apply;
mod budget;
mod file;
mod plan;
mod release;
mod show;
mod spec;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorbuster_client::{Outcome, SetCampaign};

use self::plan::Plan;
use self::spec::Spec;
use super::connect::{ServerOptions, ask, refused};
use super::who::Who;
use super::{fail, say};

const EXAMPLES: &str = "Examples:
  doorbuster campaign plan config/campaigns/double-11.toml
  doorbuster campaign apply config/campaigns/double-11.toml --by 7
  doorbuster campaign show 11
  doorbuster campaign pause 11 --by 7 --reason 3";

/// Reads a campaign's file from text, without the lists that it names.
///
/// # Errors
/// Every fault that is found in it.
#[doc(hidden)]
pub fn read_campaign(text: &str) -> Result<(), String> {
    file::read_alone(Path::new("campaign.toml"), text).map(drop).map_err(|error| error.to_string())
}

/// Plan, start, watch and stop campaigns.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum CampaignCommand {
    /// Show what a campaign's file would change, and every fault in it. Changes nothing.
    Plan {
        #[command(flatten)]
        file: FileOptions,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Carry out what a campaign's file says. The same file again changes nothing.
    Apply {
        #[command(flatten)]
        file: FileOptions,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Show how a campaign stands.
    Show {
        /// The campaign
        campaign: u32,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Sell nothing until it is resumed. Holds can still be paid.
    Pause {
        /// The campaign
        campaign: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Go on after a pause, in the phase that the plan says.
    Resume {
        /// The campaign
        campaign: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Take SKUs out of the campaigns that sell them: they are sold at any time, by no campaign's terms.
    Release {
        /// The SKUs
        #[arg(value_name = "SKU", required = true, value_parser = crate::sku::number)]
        skus: Vec<u64>,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// End a campaign for good. Holds can still be paid.
    End {
        /// The campaign
        campaign: u32,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// A campaign's file, and how it is meant.
#[derive(Debug, Args)]
pub(super) struct FileOptions {
    /// FILE.toml
    file: PathBuf,
    /// Take money out of budgets that have more than the file says; it stays there unless given
    #[arg(long)]
    take_back: bool,
}

pub(super) fn run(command: &CampaignCommand) -> ExitCode {
    let done = match command {
        CampaignCommand::Plan { file, server } => made(file, server).map(|(spec, plan)| {
            plan::tell(&spec, &plan, server);
            ExitCode::from(if plan.faults.is_empty() { 0 } else { 2 })
        }),
        CampaignCommand::Apply { file, who, server } => {
            made(file, server).and_then(|(spec, plan)| apply::run(&spec, &plan, *who, server))
        }
        CampaignCommand::Show { campaign, server } => show::run(*campaign, server),
        CampaignCommand::Pause { campaign, who, server } => stand(*campaign, 2, *who, server),
        CampaignCommand::Resume { campaign, who, server } => stand(*campaign, 3, *who, server),
        CampaignCommand::Release { skus, who, server } => release::run(skus, *who, server),
        CampaignCommand::End { campaign, who, server } => stand(*campaign, 4, *who, server),
    };
    done.unwrap_or_else(|code| code)
}

/// Reads a file and compares it with the server.
fn made(of: &FileOptions, server: &ServerOptions) -> Result<(Spec, Plan), ExitCode> {
    let spec = file::read(&of.file).map_err(|error| fail(2, &error))?;
    let plan = ask(server, async |client| plan::make(&client, &spec, of.take_back).await)?;
    Ok((spec, plan))
}

fn stand(campaign: u32, action: u8, who: Who, server: &ServerOptions) -> Result<ExitCode, ExitCode> {
    let set = SetCampaign { campaign, action, by: who.by, reason: who.reason, ..SetCampaign::default() };
    let (standing, what) = match action {
        2 => ("paused", "is paused: nothing is sold, holds can be paid"),
        3 => ("running", "goes on by its plan"),
        _ => ("ended", "is over: nothing is sold any more, holds can be paid"),
    };
    Ok(match ask(server, async |client| client.set_campaign(&set).await)? {
        Outcome::Refused(refusal) => refused(server, &refusal),
        Outcome::Done(applied) if server.json => {
            say(&serde_json::json!({
                "schema_version": 1,
                "campaign": campaign,
                "standing": standing,
                "replayed": applied.replayed,
            }));
            ExitCode::SUCCESS
        }
        Outcome::Done(applied) => {
            let how = if applied.replayed { ", as before" } else { "" };
            say(&format_args!("campaign {campaign} {what}{how}"));
            ExitCode::SUCCESS
        }
    })
}
