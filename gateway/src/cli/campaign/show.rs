//! `doorbuster campaign show`.

use std::process::ExitCode;

use doorbuster_client::{CampaignView, Outcome, PhaseView, ReadPhase};

use super::plan::terms;
use crate::campaign::{STAGES, document};
use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::say;
use crate::utc::Utc;

pub(super) fn run(campaign: u32, server: &ServerOptions) -> Result<ExitCode, ExitCode> {
    let read = ask(server, async |client| {
        let outcome = client.read_campaign(campaign).await?;
        let mut phases = Vec::new();
        for nth in 0..outcome.done().map_or(0, |known| known.phases) {
            let phase = client.read_phase(&ReadPhase { campaign, plan: 0, nth }).await?;
            phases.extend(phase.done());
        }
        Ok((outcome, phases))
    })?;
    let (known, phases) = match read {
        (Outcome::Done(known), phases) => (known, phases),
        (Outcome::Refused(refusal), _) => return Ok(refused(server, &refusal)),
    };
    if server.json {
        say(&document(&known, &phases));
    } else {
        tell(&known, &phases);
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(known: &CampaignView, phases: &[PhaseView]) {
    let standing = match known.standing {
        1 => "paused",
        2 => "ended for good",
        _ if known.plan == 0 => "without a plan",
        _ => STAGES.get(usize::from(known.stage)).copied().unwrap_or("of an unknown stage"),
    };
    let then = match known.next_start {
        0 => String::new(),
        start => format!("; the next phase starts {}", Utc(start)),
    };
    say(&format_args!("campaign {} is {standing}{then}", known.campaign));
    for (nth, view) in (0_u8..).zip(phases) {
        let mark = if known.phase == nth { ">" } else { " " };
        let stage = STAGES.get(usize::from(view.phase.stage)).copied().unwrap_or("?");
        say(&format_args!(
            "{mark} {} {stage:<8} from {}{}",
            nth + 1,
            Utc(view.phase.start),
            terms(&view.phase)
        ));
    }
    let policy = match known.policy {
        1 => format!("the version before is good for {} s", known.grace_ms / 1_000),
        2 => "an earlier lower price is good".to_owned(),
        _ => "no other version is good".to_owned(),
    };
    let prices = match (known.price_version, known.unpriced) {
        (0, _) => String::new(),
        (version, 0) => format!("; prices by version {version}, {policy}"),
        (version, unpriced) => {
            format!("; prices by version {version}, {policy}; {unpriced} SKUs HAVE NO PRICE by it")
        }
    };
    say(&format_args!("plan {}, {} SKUs{prices}", known.plan, known.skus));
}
