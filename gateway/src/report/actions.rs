//! What people did to the sale while it ran, as the log has it.

use doorbuster_ledger::{AfterEvent, BudgetEvent, CampaignEvent, Event, Standing};
use serde::Serialize;

use super::numbers::Many;
use crate::sku::Sku;

/// Actions that a report lists; one that is repeated at once is listed once, with how often.
const MAX_ACTIONS: usize = 50;

/// Something that somebody did, once or several times in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Action {
    /// When, the first time.
    pub(super) at: u64,
    /// When, the last time.
    pub(super) until: u64,
    /// How often.
    pub(super) times: u64,
    /// What, in words; of several the first.
    pub(super) what: String,
    /// Who, as the shop numbers its people; 0: nobody in particular.
    pub(super) by: u64,
    /// Why, as the shop numbers its reasons.
    pub(super) reason: u32,
    #[serde(skip)]
    kind: &'static str,
}

/// All actions of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Actions {
    /// The first ones.
    pub(super) listed: Vec<Action>,
    /// Further ones.
    pub(super) more: u64,
}

impl Actions {
    /// Notes an event, if somebody did something by it.
    pub(super) fn note(&mut self, event: &Event) {
        let Some((kind, what, by, reason)) = done(event) else { return };
        let at = event.at().raw();
        if let Some(last) = self.listed.last_mut()
            && self.more == 0
            && (last.kind, last.by, last.reason) == (kind, by, reason)
        {
            (last.until, last.times) = (at, last.times + 1);
            return;
        }
        if self.listed.len() < MAX_ACTIONS {
            self.listed.push(Action { at, until: at, times: 1, what, by, reason, kind });
        } else {
            self.more += 1;
        }
    }
}

/// The kind of action, the action in words, who and why.
fn done(event: &Event) -> Option<(&'static str, String, u64, u32)> {
    let of = |kind: &'static str, sku: u64, what: String, by: u64, reason: u32| {
        Some((kind, format!("{kind}: SKU {}{what}", Sku(sku)), by, reason))
    };
    match *event {
        Event::SkuPut { sku, units, by, reason, .. } => {
            of("SKU set up", sku.raw(), format!(" with {}", Many(units, "unit")), by, reason)
        }
        Event::Restocked { sku, units, by, reason, .. } if units < 0 => {
            of("units withdrawn", sku.raw(), format!(", {units}"), by, reason)
        }
        Event::Restocked { sku, units, by, reason, .. } => {
            of("units brought in", sku.raw(), format!(", +{units}"), by, reason)
        }
        Event::ChannelSet { rules, .. } => {
            let what =
                format!(", channel {}, {} guaranteed", rules.channel.raw(), Many(rules.guarantee, "unit"));
            of("channel rule set", rules.sku.raw(), what, rules.by, rules.reason)
        }
        Event::Rebalanced { sku, from, to, units, by, reason, .. } => {
            let what = format!(", {} from channel {} to {}", Many(units, "unit"), from.raw(), to.raw());
            of("guarantee moved", sku.raw(), what, by, reason)
        }
        Event::Campaign(ref event) => of_campaign(event),
        Event::After(AfterEvent::Counted { sku, on_hand, change, reason, by, .. }) => {
            of("goods counted", sku.raw(), format!(", {on_hand} on hand, {change:+} free"), by.raw(), reason)
        }
        Event::After(AfterEvent::Inspected { sku, units, reason, by, .. }) => {
            of("goods inspected", sku.raw(), format!(", {}", Many(units, "unit")), by.raw(), reason)
        }
        Event::Budget(ref event) => of_budget(event),
        Event::After(_)
        | Event::Reserved(_)
        | Event::Confirmed { .. }
        | Event::PayBegun { .. }
        | Event::PayFailed { .. }
        | Event::Extended { .. }
        | Event::Reacquired { .. }
        | Event::RefundRequired { .. }
        | Event::AmountMismatched { .. }
        | Event::Superseded { .. }
        | Event::Cut { .. }
        | Event::LegHeld(_)
        | Event::LegReleased(_)
        | Event::LegSold(_)
        | Event::LegCut(_)
        | Event::LegDropped(_)
        | Event::Cancelled { .. }
        | Event::Offered { .. }
        | Event::Expired { .. }
        | Event::Evicted { .. }
        | Event::GraceGranted { .. } => None,
    }
}

fn of_campaign(event: &CampaignEvent) -> Option<(&'static str, String, u64, u32)> {
    let of = |kind: &'static str, what: String, by: u64, reason: u32| Some((kind, what, by, reason));
    match *event {
        CampaignEvent::PlanActivated { campaign, plan, by, reason, .. } => {
            of("plan", format!("campaign {} follows plan {plan}", campaign.raw()), by, reason)
        }
        CampaignEvent::StandingSet { set, .. } => {
            let how = match set.standing {
                Standing::Running => "resumed",
                Standing::Paused => "paused",
                Standing::Aborted => "ended",
            };
            of(how, format!("campaign {} {how}", set.campaign.raw()), set.by, set.reason)
        }
        CampaignEvent::SkuBound { sku, campaign, by, reason, .. } => {
            of("bound", format!("SKU {} sold by campaign {}", Sku(sku.raw()), campaign.raw()), by, reason)
        }
        CampaignEvent::PriceSet { sku, version, by, reason, .. } => {
            of("price", format!("price of SKU {} set, version {version}", Sku(sku.raw())), by, reason)
        }
        CampaignEvent::LimitsSet { sku, user_limit, order_limit, by, reason, .. } => {
            let limits = format!("{user_limit} for a shopper, {order_limit} in an order; 0: any");
            of("limits", format!("limits of SKU {} set: {limits}", Sku(sku.raw())), by, reason)
        }
        CampaignEvent::FreezeSet { sku, frozen, by, reason, .. } => {
            let how = if frozen { "frozen" } else { "sold again" };
            of(how, format!("SKU {} {how}", Sku(sku.raw())), by, reason)
        }
        // Phases are listed by themselves.
        CampaignEvent::PhasePut { .. } | CampaignEvent::PhaseEntered { .. } => None,
    }
}

fn of_budget(event: &BudgetEvent) -> Option<(&'static str, String, u64, u32)> {
    match *event {
        BudgetEvent::Opened { budget, by, reason, .. } => {
            Some(("budget opened", format!("budget {} opened", budget.raw()), by, reason))
        }
        BudgetEvent::Funded { budget, funded, by, reason, .. } => Some((
            "budget funded",
            format!("budget {} funded to {funded} minor units", budget.raw()),
            by,
            reason,
        )),
        BudgetEvent::Stopped { budget, by, reason, .. } => {
            Some(("budget stopped", format!("budget {} stopped", budget.raw()), by, reason))
        }
        BudgetEvent::Issued { batch, coupons, by, reason, .. } => Some((
            "coupons",
            format!("{} coupons of batch {} issued", coupons.serials, batch.raw()),
            by,
            reason,
        )),
        BudgetEvent::FunderAdded { .. }
        | BudgetEvent::Drained { .. }
        | BudgetEvent::Filled { .. }
        | BudgetEvent::CouponHeld(_)
        | BudgetEvent::CouponReleased(_)
        | BudgetEvent::CouponRedeemed(_) => None,
    }
}
