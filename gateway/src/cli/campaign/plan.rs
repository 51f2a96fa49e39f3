//! What a campaign's file would change at a server, and what stands against it.

use std::collections::BTreeMap;
use std::fmt;

use doorbuster_client::{
    BindSku, CampaignView, Client, Code, Error, Outcome, PutPhase, PutPrice, ReadPhase, ReadPrice, ReadStock,
    SetCampaign, SetChannel, SetLimits, StockView,
};

use super::allot::deal;
use super::budget::{self, Change};
use super::spec::Spec;
use crate::campaign::STAGES;
use crate::cli::connect::ServerOptions;
use crate::cli::say;
use crate::sku::Sku;
use crate::utc::Utc;

/// SKUs in one question.
const CHUNK: usize = 4_096;

/// Plans behind the one that counts that are looked at for a free number: as many as a campaign may have.
const MAX_PLANS: u32 = 64;

/// Changes of one kind that are listed one by one.
const LISTED: usize = 12;

/// The difference between a file and a server.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) budgets: Vec<Change>,
    pub(super) prices: Vec<PutPrice>,
    pub(super) phases: Vec<PutPhase>,
    pub(super) follow: Option<SetCampaign>,
    pub(super) limits: Vec<SetLimits>,
    pub(super) channels: Vec<SetChannel>,
    pub(super) binds: Vec<BindSku>,
    /// What makes it impossible.
    pub(super) faults: Vec<String>,
    /// What may be meant, but should be looked at.
    pub(super) doubts: Vec<String>,
}

impl Plan {
    /// Nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.budgets.is_empty()
            && self.prices.is_empty()
            && self.phases.is_empty()
            && self.follow.is_none()
            && self.limits.is_empty()
            && self.channels.is_empty()
            && self.binds.is_empty()
    }
}

/// Compares a campaign with what the server has. Asks and changes nothing. `take_back`: budgets that have more than the file
/// says shall have less.
pub(super) async fn make(client: &Client, spec: &Spec, take_back: bool) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    let known = match client.read_campaign(spec.campaign).await? {
        Outcome::Done(known) => Some(known),
        Outcome::Refused(_) => None,
    };
    if known.is_some_and(|known| known.standing == 2) {
        plan.faults
            .push(format!("campaign {} was ended for good; give the file another number", spec.campaign));
    }
    if let Some(known) = known.filter(|known| known.skus > spec.skus.len() as u64) {
        plan.doubts.push(format!(
            "the campaign sells {} SKUs, and the file lists {}: those that aren't listed stay with it",
            known.skus,
            spec.skus.len()
        ));
    }
    let now = client.status().await?.now_ms;
    follow(client, spec, known, &mut plan).await?;
    let stocks = stocks(client, spec, &mut plan).await?;
    prices(client, spec, &stocks, &mut plan).await?;
    limits(spec, &stocks, &mut plan);
    channels(client, spec, &stocks, &mut plan).await?;
    budget::compare(client, &spec.budgets, take_back, &mut plan).await?;
    doubt(spec, now, &mut plan);
    Ok(plan)
}

/// Which of the campaign's plans is the file's: the one that it follows, one that was written before and not followed, or a
/// new one.
async fn follow(
    client: &Client,
    spec: &Spec,
    known: Option<CampaignView>,
    plan: &mut Plan,
) -> Result<(), Error> {
    let active = known.map_or(0, |known| known.plan);
    let same_terms = known.is_some_and(|known| {
        (known.policy, known.grace_ms, usize::from(known.phases))
            == (spec.policy, spec.grace_ms, spec.phases.len())
    });
    let later = (1..=MAX_PLANS).filter_map(|more| active.checked_add(more));
    let candidates = std::iter::once(active).filter(|active| *active != 0 && same_terms).chain(later);
    for number in candidates {
        let Some(missing) = missing(client, spec, number).await? else { continue };
        if number == active {
            if missing.is_empty() {
                return Ok(());
            }
            continue;
        }
        plan.phases = missing;
        plan.follow = Some(SetCampaign {
            campaign: spec.campaign,
            action: 1,
            plan: number,
            phases: u8::try_from(spec.phases.len()).unwrap_or(u8::MAX),
            policy: spec.policy,
            grace_ms: spec.grace_ms,
            expected: active,
            ..SetCampaign::default()
        });
        return Ok(());
    }
    plan.faults.push(format!(
        "campaign {}: no number is free for another plan behind {active}; give the file another campaign's number",
        spec.campaign
    ));
    Ok(())
}

/// The phases that this plan lacks to be the file's; `None` if it has others.
async fn missing(client: &Client, spec: &Spec, number: u32) -> Result<Option<Vec<PutPhase>>, Error> {
    let mut missing = Vec::new();
    for (nth, (_, phase)) in (0..).zip(&spec.phases) {
        let read = client.read_phase(&ReadPhase { campaign: spec.campaign, plan: number, nth }).await?;
        match read {
            Outcome::Done(view) if view.phase == *phase => {}
            Outcome::Done(_) => return Ok(None),
            Outcome::Refused(_) => {
                let (campaign, phase) = (spec.campaign, *phase);
                missing.push(PutPhase { campaign, plan: number, nth, phase, ..PutPhase::default() });
            }
        }
    }
    Ok(Some(missing))
}

/// The accounts of the campaign's SKUs; those that the server doesn't know are faults.
async fn stocks(client: &Client, spec: &Spec, plan: &mut Plan) -> Result<BTreeMap<u64, StockView>, Error> {
    let mut stocks = BTreeMap::new();
    let asked: Vec<_> = spec.skus.keys().map(|sku| ReadStock { sku: *sku }).collect();
    for asked in asked.chunks(CHUNK) {
        for (read, asked) in client.read_stock_batch(asked).await.into_iter().zip(asked) {
            match read? {
                Outcome::Done(stock) => {
                    stocks.insert(asked.sku, stock);
                }
                Outcome::Refused(_) => plan.faults.push(format!(
                    "SKU {} is not set up at the server; import it with `doorbuster stock import`",
                    Sku(asked.sku)
                )),
            }
        }
    }
    Ok(stocks)
}

/// Prices to be written, and SKUs to be bound.
async fn prices(
    client: &Client,
    spec: &Spec,
    stocks: &BTreeMap<u64, StockView>,
    plan: &mut Plan,
) -> Result<(), Error> {
    let mut asked: Vec<ReadPrice> =
        spec.prices.keys().map(|(sku, version)| ReadPrice { sku: *sku, version: *version }).collect();
    for version in spec.versions() {
        let unnamed = spec.skus.keys().filter(|sku| !spec.prices.contains_key(&(**sku, version)));
        asked.extend(unnamed.map(|sku| ReadPrice { sku: *sku, version }));
    }
    // Each SKU's campaign.
    asked.extend(spec.skus.keys().map(|sku| ReadPrice { sku: *sku, version: 0 }));
    asked.retain(|asked| stocks.contains_key(&asked.sku));
    for asked in asked.chunks(CHUNK) {
        for (read, asked) in client.read_prices(asked).await.into_iter().zip(asked) {
            let Outcome::Done(view) = read? else { continue };
            let ReadPrice { sku, version } = *asked;
            if version == 0 {
                bind(spec, sku, view.campaign, plan);
                continue;
            }
            let Some(wanted) = spec.prices.get(&(sku, version)) else {
                if view.known == 0 {
                    plan.faults.push(format!(
                        "SKU {} has no price by version {version}, which a phase names; add one to the file",
                        Sku(sku)
                    ));
                } else {
                    plan.doubts.push(format!(
                        "SKU {}: version {version} is not in the file; it was written before, and says {}",
                        Sku(sku),
                        view.price
                    ));
                }
                continue;
            };
            let found = (view.price, view.list, view.floor, view.ceiling);
            if view.known == 0 {
                plan.prices.push(*wanted);
            } else if found != (wanted.price, wanted.list, wanted.floor, wanted.ceiling) {
                plan.faults.push(format!(
                    "SKU {} has another price by version {version} already ({}); versions never change: use a new one",
                    Sku(sku), view.price
                ));
            }
        }
    }
    Ok(())
}

fn bind(spec: &Spec, sku: u64, campaign: u32, plan: &mut Plan) {
    if campaign == spec.campaign {
        return;
    }
    if campaign != 0 {
        plan.doubts.push(format!("SKU {} is sold by campaign {campaign} so far, which loses it", Sku(sku)));
    }
    plan.binds.push(BindSku { sku, campaign: spec.campaign, ..BindSku::default() });
}

fn limits(spec: &Spec, stocks: &BTreeMap<u64, StockView>, plan: &mut Plan) {
    for (sku, limits) in &spec.skus {
        let Some(stock) = stocks.get(sku) else { continue };
        let user_limit = limits.user_limit.unwrap_or(stock.user_limit);
        let order_limit = limits.order_limit.unwrap_or(stock.order_limit);
        if (user_limit, order_limit) != (stock.user_limit, stock.order_limit) {
            plan.limits.push(SetLimits { sku: *sku, user_limit, order_limit, ..SetLimits::default() });
        }
    }
}

/// What channels are to have.
async fn channels(
    client: &Client,
    spec: &Spec,
    stocks: &BTreeMap<u64, StockView>,
    plan: &mut Plan,
) -> Result<(), Error> {
    // What each SKU's channels are to have, so far.
    let mut kept: BTreeMap<u64, u64> = BTreeMap::new();
    let mut cuts = Vec::new();
    for allotment in &spec.allotments {
        let all = allotment.skus.is_empty();
        for stock in stocks.values().filter(|stock| all || allotment.skus.contains(&stock.sku)) {
            let whole = allotment.whole.of(stock.stocked);
            let sum = kept.entry(stock.sku).or_default();
            *sum = sum.saturating_add(whole);
            let whole_sum = *sum;
            if whole_sum > stock.stocked {
                plan.faults.push(format!(
                    "SKU {}: {whole_sum} units would be kept for channels, but it has {} in all",
                    Sku(stock.sku),
                    stock.stocked
                ));
                continue;
            }
            let weights: Vec<_> = allotment.channels.iter().map(|part| part.weight).collect();
            for (part, guarantee) in allotment.channels.iter().zip(deal(whole, &weights)) {
                let wanted = SetChannel {
                    sku: stock.sku,
                    guarantee,
                    cap: part.cap.unwrap_or(u64::MAX),
                    release_at: allotment.release_at,
                    channel: part.channel,
                    ..SetChannel::default()
                };
                if wanted.cap < guarantee {
                    plan.faults.push(format!(
                        "SKU {}: channel {} is guaranteed {guarantee} units, above its cap of {}",
                        Sku(stock.sku),
                        part.channel,
                        wanted.cap
                    ));
                    continue;
                }
                let read = client.read_channel(stock.sku, part.channel).await?;
                let found = read.done().map(|view| (view.guarantee, view.cap, view.release_at));
                if found == Some((guarantee, wanted.cap, wanted.release_at)) {
                    continue;
                }
                // What is given up must be free before another can have it.
                let less = found.is_some_and(|(before, ..)| guarantee < before);
                if less { &mut cuts } else { &mut plan.channels }.push(wanted);
            }
        }
    }
    cuts.append(&mut plan.channels);
    plan.channels = cuts;
    Ok(())
}

/// What may be a mistake.
fn doubt(spec: &Spec, now: u64, plan: &mut Plan) {
    if let Some((name, phase)) = spec.phases.iter().find(|(_, phase)| phase.start < now)
        && plan.follow.is_some()
    {
        plan.doubts.push(format!("phase {name} starts in the past, {}: it counts at once", Utc(phase.start)));
    }
    if spec.phases.last().is_some_and(|(_, phase)| phase.stage != 4) {
        plan.doubts.push("no phase closes the campaign: it goes on until it is ended by hand".to_owned());
    }
}

/// Prints a plan.
pub(super) fn tell(spec: &Spec, plan: &Plan, server: &ServerOptions) {
    if server.json {
        return say(&as_json(spec, plan));
    }
    say(&format_args!("campaign {} ({})", spec.campaign, spec.name));
    list("~ budget", &plan.budgets, Change::to_string);
    list("+ price", &plan.prices, |put| {
        format!(
            "SKU {}, version {}: {} (list {}, {} to {})",
            Sku(put.sku),
            put.version,
            put.price,
            put.list,
            put.floor,
            put.ceiling
        )
    });
    list("+ phase", &plan.phases, |put| {
        let (name, phase) = &spec.phases[usize::from(put.nth)];
        let stage = STAGES[usize::from(phase.stage)];
        format!(
            "{} of plan {}: {name}, {stage}, from {}{}",
            put.nth + 1,
            put.plan,
            Utc(phase.start),
            terms(phase)
        )
    });
    if let Some(follow) = &plan.follow {
        let instead =
            if follow.expected == 0 { String::new() } else { format!(" instead of {}", follow.expected) };
        say(&format_args!("  ~ follow plan {}{instead}", follow.plan));
    }
    list("~ limits", &plan.limits, |set| {
        format!(
            "SKU {}: {} for a shopper, {} in an order",
            Sku(set.sku),
            most(set.user_limit),
            most(set.order_limit)
        )
    });
    list("~ channel", &plan.channels, |set| {
        let cap = if set.cap == u64::MAX { String::new() } else { format!(", at most {}", set.cap) };
        let until =
            if set.release_at == 0 { String::new() } else { format!(" until {}", Utc(set.release_at)) };
        format!("SKU {}, channel {}: {} kept{until}{cap}", Sku(set.sku), set.channel, set.guarantee)
    });
    list("~ sell", &plan.binds, |bind| format!("SKU {} by this campaign", Sku(bind.sku)));
    for target in &spec.targets {
        say(&format_args!("    target {}: {} % of sales, for reports", target.of, target.percent));
    }
    for doubt in &plan.doubts {
        say(&format_args!("  ? {doubt}"));
    }
    for fault in &plan.faults {
        say(&format_args!("  ! {fault}"));
    }
    say(&Ending(plan));
}

/// The line that says what to do now.
struct Ending<'a>(&'a Plan);

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.faults.len() {
            0 if self.0.is_empty() => f.write_str("the server has it all; nothing to change"),
            0 => f.write_str("no fault; `doorbuster campaign apply` carries it out"),
            1 => f.write_str("1 fault; nothing can be carried out before it is mended"),
            faults => write!(f, "{faults} faults; nothing can be carried out before they are mended"),
        }
    }
}

fn list<T>(what: &str, changes: &[T], line: impl Fn(&T) -> String) {
    for change in changes.iter().take(LISTED) {
        say(&format_args!("  {what} {}", line(change)));
    }
    if changes.len() > LISTED {
        say(&format_args!("  {what} … and {} more", changes.len() - LISTED));
    }
}

fn most(limit: u32) -> String {
    if limit == 0 { "any number".to_owned() } else { limit.to_string() }
}

/// What a phase says beside stage and start.
pub(super) fn terms(phase: &doorbuster_client::Phase) -> String {
    let mut terms = String::new();
    let mut add = |there: bool, term: String| {
        if there {
            terms = format!("{terms}, {term}");
        }
    };
    add(phase.min_tier != 0, format!("tier {} and higher", phase.min_tier));
    let channels = phase.channels.get(..usize::from(phase.channel_count)).unwrap_or_default();
    let listed: Vec<_> = channels.iter().map(u16::to_string).collect();
    add(!listed.is_empty(), format!("channels {}", listed.join(" ")));
    add(phase.user_limit != 0, format!("{} for a shopper", phase.user_limit));
    add(phase.order_limit != 0, format!("{} in an order", phase.order_limit));
    add(phase.group_limit != 0, format!("{} of a group for a shopper", phase.group_limit));
    add(phase.price_version != 0, format!("prices {}", phase.price_version));
    terms
}

fn as_json(spec: &Spec, plan: &Plan) -> serde_json::Value {
    serde_json::json!({
        "schema_version": 1,
        "campaign": spec.campaign,
        "name": spec.name,
        "budgets": plan.budgets.len(),
        "prices": plan.prices.len(),
        "phases": plan.phases.len(),
        "plan": plan.follow.map(|follow| follow.plan),
        "limits": plan.limits.len(),
        "channels": plan.channels.len(),
        "skus": plan.binds.len(),
        "doubts": plan.doubts,
        "faults": plan.faults,
    })
}

/// What a refusal means to whoever applied a file.
pub(super) fn why(refusal: &doorbuster_client::Refusal) -> String {
    match refusal.code {
        Code::TooLate => "it has been sold without rules for channels before".to_owned(),
        Code::OverAllotted => format!("only {} more units can be kept for channels", refusal.units),
        Code::CasMismatch => format!("somebody else has changed it since: plan {} counts", refusal.units),
        code => code.to_string(),
    }
}
