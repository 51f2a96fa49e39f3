//! Carrying a plan out.
//!
//! In an order in which nothing is ever sold by half a change: budgets, prices and phases are there before anything counts them, a
//! SKU is handed to the campaign when all of it is, and money is taken back last. Where the server refuses a part, what comes
//! behind it is left undone.

use std::process::ExitCode;

use doorbuster_client::{
    Applied, BindSku, Client, Error, Outcome, PutPhase, PutPrice, SetCampaign, SetChannel, SetLimits,
};

use super::budget::Change;
use super::plan::{Plan, tell, why};
use super::say;
use super::spec::Spec;
use crate::cli::connect::{ServerOptions, ask};
use crate::cli::who::Who;
use crate::sku::Sku;

/// Changes in one frame.
const CHUNK: usize = 4_096;

/// Refusals that are listed.
const LISTED: usize = 20;

#[derive(Debug, Default)]
struct Report {
    done: usize,
    unchanged: usize,
    refused: Vec<String>,
}

type Answers = Vec<Result<Outcome<Applied>, Error>>;

pub(super) fn run(spec: &Spec, plan: &Plan, who: Who, server: &ServerOptions) -> Result<ExitCode, ExitCode> {
    if !plan.faults.is_empty() {
        tell(spec, plan, server);
        return Ok(ExitCode::from(2));
    }
    let mut report = Report::default();
    ask(server, async |client| carry_out(&client, plan, who, &mut report).await)?;
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "campaign": spec.campaign,
            "changed": report.done,
            "unchanged": report.unchanged,
            "refused": report.refused,
        }));
    } else {
        for doubt in &plan.doubts {
            say(&format_args!("  ? {doubt}"));
        }
        for refusal in report.refused.iter().take(LISTED) {
            say(&format_args!("  ! {refusal}"));
        }
        say(&format_args!(
            "campaign {} ({}): {} changes, {} refused",
            spec.campaign,
            spec.name,
            report.done,
            report.refused.len()
        ));
    }
    Ok(ExitCode::from(if report.refused.is_empty() { 0 } else { 7 }))
}

async fn carry_out(client: &Client, plan: &Plan, who: Who, report: &mut Report) -> Result<(), Error> {
    budgets(client, plan.budgets.iter().filter(|change| !change.takes_back()), who, report).await?;
    if !report.refused.is_empty() {
        // Prices and phases never change once they are written: not without the money that they count on.
        return Ok(());
    }
    let Who { by, reason } = who;
    let prices: Vec<_> = plan.prices.iter().map(|put| PutPrice { by, reason, ..*put }).collect();
    for prices in prices.chunks(CHUNK) {
        let name =
            |nth: usize| format!("price of SKU {}, version {}", Sku(prices[nth].sku), prices[nth].version);
        report.note(client.put_prices(prices).await, name)?;
    }
    let phases: Vec<_> = plan.phases.iter().map(|put| PutPhase { by, reason, ..*put }).collect();
    let name = |nth: usize| format!("phase {}", phases[nth].nth + 1);
    report.note(client.put_phases(&phases).await, name)?;
    if !report.refused.is_empty() {
        // A plan must not count that lacks prices or money, or whose phases somebody else has written.
        return Ok(());
    }
    if let Some(follow) = plan.follow {
        let follow = SetCampaign { by, reason, ..follow };
        let answer = vec![client.set_campaign(&follow).await];
        report.note(answer, |_| format!("plan {}", follow.plan))?;
    }
    if !report.refused.is_empty() {
        // A SKU must not be handed to a campaign that has no such plan.
        return Ok(());
    }
    let limits: Vec<_> = plan.limits.iter().map(|set| SetLimits { by, reason, ..*set }).collect();
    for limits in limits.chunks(CHUNK) {
        report
            .note(client.set_limits(limits).await, |nth| format!("limits of SKU {}", Sku(limits[nth].sku)))?;
    }
    for set in &plan.channels {
        let answer = vec![client.set_channel(&SetChannel { by, reason, ..*set }).await];
        report.note(answer, |_| format!("channel {} of SKU {}", set.channel, Sku(set.sku)))?;
    }
    if !report.refused.is_empty() {
        // Nor one without what is kept for its channels.
        return Ok(());
    }
    let binds: Vec<_> = plan.binds.iter().map(|bind| BindSku { by, reason, ..*bind }).collect();
    for binds in binds.chunks(CHUNK) {
        report.note(client.bind_skus(binds).await, |nth| format!("SKU {}", Sku(binds[nth].sku)))?;
    }
    if !report.refused.is_empty() {
        return Ok(());
    }
    budgets(client, plan.budgets.iter().filter(|change| change.takes_back()), who, report).await
}

/// Sets budgets up, or puts money in or takes it out. The first refusal ends it.
async fn budgets(
    client: &Client,
    changes: impl Iterator<Item = &Change>,
    who: Who,
    report: &mut Report,
) -> Result<(), Error> {
    for change in changes {
        match change.carry_out(client, who).await? {
            Outcome::Done(applied) => report.count(&applied),
            Outcome::Refused(refusal) => {
                report.refused.push(change.refused(&refusal));
                break;
            }
        }
    }
    Ok(())
}

impl Report {
    fn count(&mut self, applied: &Applied) {
        if applied.replayed {
            self.unchanged += 1;
        } else {
            self.done += 1;
        }
    }

    fn note(&mut self, answers: Answers, name: impl Fn(usize) -> String) -> Result<(), Error> {
        for (nth, answer) in answers.into_iter().enumerate() {
            match answer? {
                Outcome::Done(applied) => self.count(&applied),
                Outcome::Refused(refusal) => self.refused.push(format!("{}: {}", name(nth), why(&refusal))),
            }
        }
        Ok(())
    }
}
