//! `doorbuster campaign show`.

use std::process::ExitCode;

use doorbuster_client::{CampaignView, Outcome, PhaseView, ReadPhase};

use super::plan::terms;
use super::spec::STAGES;
use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::say;
use crate::utc::Utc;

/// The names of standings, by their number on the wire.
pub(super) const STANDINGS: [&str; 3] = ["running", "paused", "ended"];

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
        say(&as_json(&known, &phases));
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

fn as_json(known: &CampaignView, phases: &[PhaseView]) -> serde_json::Value {
    let phase = |view: &PhaseView| {
        let phase = &view.phase;
        serde_json::json!({
            "start_ms": phase.start,
            "stage": STAGES.get(usize::from(phase.stage)),
            "min_tier": phase.min_tier,
            "channels": phase.channels.get(..usize::from(phase.channel_count)),
            "user_limit": phase.user_limit,
            "order_limit": phase.order_limit,
            "group_limit": phase.group_limit,
            "price_version": phase.price_version,
        })
    };
    serde_json::json!({
        "schema_version": 1,
        "campaign": known.campaign,
        "standing": STANDINGS.get(usize::from(known.standing)),
        "stage": STAGES.get(usize::from(known.stage)),
        "plan": known.plan,
        "phase": (known.phase != u8::MAX).then_some(known.phase),
        "phases": phases.iter().map(phase).collect::<Vec<_>>(),
        "next_start_ms": known.next_start,
        "skus": known.skus,
        "price_version": known.price_version,
        "unpriced": known.unpriced,
    })
}
