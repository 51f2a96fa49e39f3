//! Before the load: the target is looked at, everything that the scenario leaves to the machine is fixed, and the stock
//! is set up.

use std::time::{Duration, Instant};

use doorbuster_protocol::{
    Answer, BindSku, Code, Funder, Kind, Phase, PutPhase, PutPrice, PutSku, SetBudget, SetCampaign,
    SetChannel, StatusView,
};

use super::{Request, unix_ms};
use crate::audit::Sale;
use crate::calibrate::calibrate;
use crate::exit::Failure;
use crate::machine::Machine;
use crate::net::{Control, LinkError};
use crate::progress;
use crate::report::Settings;
use crate::scenario::{Auto, Budget, Campaign, Scenario, highest_phase};
use crate::schedule::Schedule;
use crate::target::Target;

/// Most memory that the account of a drill may need, as purchases: 64 bytes each, 6.4 GB.
const MOST_PURCHASES: f64 = 100_000_000.0;

/// From putting a campaign's phases up until the load starts.
const STAGING: Duration = Duration::from_secs(2);

/// Work that waits during the calibration at most, microseconds: less than the server's default lets wait.
const BEARABLE_US: u32 = 3_000;

/// Longest wait for the calibration's holds, which last a second.
const CALIBRATION_PATIENCE: Duration = Duration::from_secs(10);

/// Reads what the target holds, and refuses to drill somebody else's stock.
pub(super) fn refuse_live(target: &Target, allow_live: bool) -> Result<StatusView, Failure> {
    let failed =
        |error: LinkError| Failure::could_not(&format!("drill the server at {}", target.peer()), &error);
    let status =
        Control::connect(target.peer(), "doorbuster-drill").and_then(|mut c| c.status()).map_err(failed)?;
    if status.skus > 0 && !allow_live && !target.is_embedded() {
        return Err(Failure::usage(format!(
            "the server at {} holds {} SKUs that this drill didn't set up; drill another one, or say --allow-live",
            target.peer(),
            status.skus
        )));
    }
    Ok(status)
}

/// Refuses what can only be done to a server of the drill's own.
pub(super) fn refuse_elsewhere(target: &Target, scenario: &Scenario) -> Result<(), Failure> {
    let backup = scenario.server.as_ref().is_some_and(|server| server.backup);
    if target.is_embedded() || (scenario.faults.is_empty() && !backup) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "the scenario {} does things to its server that another's is spared: run it without --target",
        scenario.name
    )))
}

/// Fixes everything that the scenario leaves to the machine.
pub(super) fn settle(request: &Request, target: &Target, before: &StatusView) -> Result<Settings, Failure> {
    let scenario = &request.scenario;
    let (calibrated_per_second, peak_per_second) = match scenario.load.peak_per_second {
        Auto::Given(rate) => (None, rate),
        Auto::Auto => {
            progress::step("calibrating for 2 s");
            let capacity = calibrate(target, scenario.load.connections.min(bearable(scenario)))?;
            await_no_holds(target)?;
            (Some(capacity), (capacity * scenario.load.utilisation).max(1.0))
        }
    };
    let reserves =
        Schedule::expected(&scenario.phases, peak_per_second) * (1.0 - scenario.shoppers.read_share);
    if reserves > MOST_PURCHASES {
        return Err(Failure::usage(format!(
            "the scenario expects {reserves:.0} purchases; the account has room for {MOST_PURCHASES:.0}: \
             shorten the phases or lower the rate"
        )));
    }
    let units = match scenario.stock.units {
        Auto::Given(units) => units,
        Auto::Auto => reserves / scenario.stock.demand_per_unit,
    };
    let phases_seconds = scenario.phases_seconds();
    Ok(Settings {
        scenario: scenario.clone(),
        target: target.describe(),
        durability: durability(before.durability).to_owned(),
        embedded: target.is_embedded(),
        started_at_unix_ms: unix_ms(Instant::now()),
        calibrated_per_second,
        peak_per_second,
        units_each: whole((units / f64::from(scenario.stock.skus)).round()).max(1),
        hold_ms: u32::try_from(whole(scenario.shoppers.hold_seconds * scenario.time_scale * 1_000.0))
            .unwrap_or(u32::MAX)
            .max(1),
        phases_seconds,
        tail_seconds: scenario.tail_seconds(),
        t0_seconds: t0(scenario),
        shards: before.shards,
        machine: Machine::here(),
    })
}

/// How many single requests at a time a server of our own lets wait: who was refused would ask again at once, and take the
/// time that is to be measured.
fn bearable(scenario: &Scenario) -> u32 {
    let server = scenario.server.as_ref();
    let added_us = server.and_then(|server| server.added_cost_us).filter(|us| *us > 0);
    added_us.map_or(u32::MAX, |us| (BEARABLE_US / us).max(1))
}

/// Waits until the calibration's holds are gone: their ends are none of the drill's.
fn await_no_holds(target: &Target) -> Result<(), Failure> {
    let failed = |error: LinkError| Failure::could_not("wait for the calibration's holds to end", &error);
    let mut control = Control::connect(target.peer(), "doorbuster-drill").map_err(failed)?;
    let until = Instant::now() + CALIBRATION_PATIENCE;
    while target.is_embedded() && control.status().map_err(failed)?.held > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// How long an ended order must stay readable, milliseconds: as the scenario sets its own server up, else a day.
pub(super) fn retention_ms(scenario: &Scenario) -> u64 {
    const DAY_MS: f64 = 86_400_000.0;
    let seconds = scenario.server.as_ref().and_then(|server| server.order_retention_seconds);
    whole(seconds.map_or(DAY_MS, |seconds| (seconds * scenario.time_scale * 1_000.0).round().max(1_000.0)))
}

/// The start of the phase that begins with the highest rate.
fn t0(scenario: &Scenario) -> f64 {
    Schedule::spans(&scenario.phases).get(highest_phase(scenario)).map_or(0.0, |(begins, _)| *begins)
}

fn durability(byte: u8) -> &'static str {
    match byte {
        0 => "always",
        1 => "interval",
        2 => "none",
        _ => "unknown",
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by the scenario's checks"
)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

/// Sets the drill's SKUs up, and what sales channels may have of them.
pub(super) fn put_stock(target: &Target, scenario: &Scenario, sale: &Sale) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("set up the drill's stock", error);
    let requests: Vec<PutSku> = (0..u64::from(scenario.stock.skus))
        .map(|index| PutSku {
            sku: sale.skus.start + index,
            units: sale.units_each,
            user_limit: sale.user_limit,
            order_limit: 0,
            ..PutSku::default()
        })
        .collect();
    let mut control = Control::connect(target.peer(), "doorbuster-drill").map_err(|e| failed(&e))?;
    let answers: Vec<Answer> = control.execute(Kind::PutSku, &requests).map_err(|e| failed(&e))?;
    refused(&answers).map_or(Ok(()), |code| Err(failed(&code)))?;
    if let Some(budget) = &scenario.budget {
        let funder = |(funder, share): (u32, &u32)| Funder { funder, share: *share };
        let set = SetBudget {
            budget: Budget::number(sale.skus.start),
            reason: 0,
            funded: budget.funded(),
            by: 0,
            funders: (1..).zip(&budget.shares).map(funder).collect(),
        };
        let answers: Vec<Answer> = control.execute(Kind::SetBudget, &[set]).map_err(|e| failed(&e))?;
        refused(&answers).map_or(Ok(()), |code| Err(failed(&format_args!("SET_BUDGET: {code}"))))?;
    }
    let Some(channels) = &scenario.channels else { return Ok(()) };
    // The guarantees end by the server's clock; the load begins a moment after this.
    let now_ms = control.status().map_err(|e| failed(&e))?.now_ms;
    let release_at = now_ms + whole(channels.release_seconds * 1_000.0);
    let rules = |sku: u64| {
        channels.of.iter().map(move |channel| {
            let (guarantee, cap) = channels.allotment(channel, sale.units_each);
            let cap = cap.unwrap_or(u64::MAX);
            SetChannel { sku, guarantee, cap, release_at, channel: channel.number, ..SetChannel::default() }
        })
    };
    let requests: Vec<SetChannel> = sale.skus.clone().flat_map(rules).collect();
    let answers: Vec<Answer> = control.execute(Kind::SetChannel, &requests).map_err(|e| failed(&e))?;
    refused(&answers).map_or(Ok(()), |code| Err(failed(&format_args!("SET_CHANNEL: {code}"))))
}

/// Puts the campaign up that sells the drill's SKUs. Gives the start of the load: its times count from there.
pub(super) fn stage(target: &Target, campaign: &Campaign, sale: &Sale) -> Result<Instant, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("put the drill's campaign up", error);
    let mut control = Control::connect(target.peer(), "doorbuster-drill").map_err(|e| failed(&e))?;
    let number = u32::try_from(sale.skus.start >> 20 & 0x7FFF_FFFF).unwrap_or(1).max(1);
    let versions = (1..).zip(std::iter::once(&campaign.opens_seconds).chain(&campaign.cutover_seconds));
    let price = |sku: u64, version: u32| {
        let price = Campaign::price(u8::try_from(version).unwrap_or(u8::MAX));
        PutPrice { sku, version, price, list: price, floor: price, ceiling: price, ..PutPrice::default() }
    };
    let prices: Vec<PutPrice> = versions
        .clone()
        .flat_map(|(version, _)| sale.skus.clone().map(move |sku| price(sku, version)))
        .collect();
    all_ok(control.execute(Kind::PutPrice, &prices), "PUT_PRICE").map_err(|e| failed(&e))?;
    let (now_ms, now) = (control.status().map_err(|e| failed(&e))?.now_ms, Instant::now());
    let start = now + STAGING;
    let at = |seconds: f64| now_ms + whole((STAGING.as_secs_f64() + seconds) * 1_000.0);
    let phases: Vec<PutPhase> = versions
        .map(|(version, &seconds)| PutPhase {
            campaign: number,
            plan: 1,
            nth: u8::try_from(version - 1).unwrap_or(u8::MAX),
            phase: Phase { start: at(seconds), stage: 1, price_version: version, ..Phase::default() },
            ..PutPhase::default()
        })
        .collect();
    all_ok(control.execute(Kind::PutPhase, &phases), "PUT_PHASE").map_err(|e| failed(&e))?;
    let count = u8::try_from(phases.len()).unwrap_or(u8::MAX);
    let follow =
        SetCampaign { campaign: number, action: 1, plan: 1, phases: count, ..SetCampaign::default() };
    all_ok(control.execute(Kind::SetCampaign, &[follow]), "SET_CAMPAIGN").map_err(|e| failed(&e))?;
    let binds: Vec<BindSku> =
        sale.skus.clone().map(|sku| BindSku { sku, campaign: number, ..BindSku::default() }).collect();
    all_ok(control.execute(Kind::BindSku, &binds), "BIND_SKU").map_err(|e| failed(&e))?;
    if Instant::now() > start {
        return Err(failed(&"it took longer than 2 s; take fewer SKUs"));
    }
    Ok(start)
}

/// Whether every answer is OK.
fn all_ok(answers: Result<Vec<Answer>, LinkError>, operation: &str) -> Result<(), String> {
    let answers = answers.map_err(|error| error.to_string())?;
    refused(&answers).map_or(Ok(()), |code| Err(format!("{operation}: {code}")))
}

/// The first answer that isn't OK.
fn refused(answers: &[Answer]) -> Option<&'static str> {
    let answer = answers.iter().find(|answer| answer.code != Code::Ok.number())?;
    Some(Code::from_number(answer.code).map_or("an unknown code", Code::name))
}
