//! Commands of those who set a sale up.

use super::{Spec, plain, put, unknown};
use crate::budget::{FundBudget, Funder, IssueCoupons, SetBudget, StopBudget};
use crate::campaign::{BindSku, FreezeSku, MAX_PHASE_CHANNELS, PutPhase, PutPrice, SetCampaign, SetLimits};
use crate::kind::Kind;
use crate::request::{PutSku, Rebalance, Restock, SetChannel};
use crate::resp::arguments::{ActionName, Arguments, Complaint, PolicyName, StageName, Value, YesNo, is};

pub(super) const PLAIN: &[Spec] = plain!(
    "SALE.PUTSKU", "Sets a SKU up with its first units.",
        PutSku { sku, units } ["USERLIMIT" user_limit, "ORDERLIMIT" order_limit, "BY" by, "REASON" reason];
    "SALE.RESTOCK", "Adds units to a SKU, or withdraws available ones.",
        Restock { sku, units } ["ID" request_id, "BY" by, "REASON" reason];
    "SALE.LIMITS", "Changes how many units of a SKU a shopper and an order may have; 0: any.",
        SetLimits { sku, user_limit, order_limit } ["BY" by, "REASON" reason];
    "SALE.REBALANCE", "Moves a part of one sales channel's guarantee to another.",
        Rebalance { sku, from, to, units } ["KEEP" keep, "EXPECTED" expected, "BY" by, "REASON" reason];
    "SALE.BIND", "Lets a campaign sell a SKU; campaign 0: it is sold at any time.",
        BindSku { sku, campaign } ["BY" by, "REASON" reason];
    "SALE.PUTPRICE", "Writes a SKU's price by a version, with the least and the most that may be paid.",
        PutPrice { sku, version, price, floor, ceiling } ["LIST" list, "BY" by, "REASON" reason];
    "SALE.FUNDBUDGET", "Says how much money is in a promotion budget, where so much is expected to be in it.",
        FundBudget { budget, funded, expected } ["BY" by, "REASON" reason];
    "SALE.STOPBUDGET", "Pays no further discounts out of a promotion budget.",
        StopBudget { budget } ["BY" by, "REASON" reason];
);

pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "SALE.FREEZE",
        usage: "sku YES|NO [BY person] [REASON reason] [WITHIN ms]",
        summary: "Freezes a SKU, so that nobody gets units of it, or lets it be sold again.",
        read: freeze,
    },
    Spec {
        name: "SALE.SETCHANNEL",
        usage: "sku channel [GUARANTEE units] [CAP units] [RELEASE ms] [BY person] [REASON reason] [WITHIN ms]",
        summary: "Says what a sales channel may have of a SKU, and until when units are kept for it.",
        read: set_channel,
    },
    Spec {
        name: "SALE.PUTPHASE",
        usage: "campaign plan nth start WARM_UP|LIVE|SUSTAIN|WRAP_UP|CLOSED [USERLIMIT units] [ORDERLIMIT units] \
                [GROUPLIMIT units] [PRICES version] [MINTIER tier] [ADMISSION plan] [BREAKERS plan] [CHANNEL channel …] \
                [BY person] [REASON reason] [WITHIN ms]",
        summary: "Writes a phase of a campaign's plan, counted from 0.",
        read: put_phase,
    },
    Spec {
        name: "SALE.SETCAMPAIGN",
        usage: "campaign FOLLOW|PAUSE|RESUME|END [PLAN plan] [PHASES count] [POLICY STRICT|GRACE|HONOUR_LOWER] [GRACE ms] \
                [EXPECTED plan] [BY person] [REASON reason] [WITHIN ms]",
        summary: "Lets a campaign follow a plan, pauses it, lets it go on, or ends it for good.",
        read: set_campaign,
    },
    Spec {
        name: "SALE.SETBUDGET",
        usage: "budget funded funder share [funder share …] [BY person] [REASON reason] [WITHIN ms]",
        summary: "Sets a promotion budget up, with those who pay it and their shares.",
        read: set_budget,
    },
    Spec {
        name: "SALE.ISSUECOUPONS",
        usage: "batch serials [USES times] [FROM ms] [UNTIL ms] [BY person] [REASON reason] [WITHIN ms]",
        summary: "Sets a batch of coupons up.",
        read: issue,
    },
];

/// Takes BY and REASON, and complains of anything else.
pub(super) fn who(
    arguments: &mut Arguments<'_>,
    option: &[u8],
    by: &mut u64,
    reason: &mut u32,
) -> Result<(), Complaint> {
    match () {
        () if is(option, "BY") => arguments.fill("BY", by),
        () if is(option, "REASON") => arguments.fill("REASON", reason),
        () => Err(unknown(option)),
    }
}

fn freeze(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (sku, frozen) = (arguments.value("sku")?, arguments.value::<YesNo>("frozen")?.0);
    let mut freeze = FreezeSku { sku, frozen, ..FreezeSku::default() };
    while let Some(option) = arguments.option()? {
        who(arguments, option, &mut freeze.by, &mut freeze.reason)?;
    }
    put(&freeze, body)
}

fn set_channel(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (sku, channel) = (arguments.value("sku")?, arguments.value("channel")?);
    let mut set = SetChannel { sku, channel, cap: u64::MAX, ..SetChannel::default() };
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "GUARANTEE") => arguments.fill("GUARANTEE", &mut set.guarantee)?,
            () if is(option, "CAP") => arguments.fill("CAP", &mut set.cap)?,
            () if is(option, "RELEASE") => arguments.fill("RELEASE", &mut set.release_at)?,
            () => who(arguments, option, &mut set.by, &mut set.reason)?,
        }
    }
    put(&set, body)
}

fn put_phase(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let mut phase = PutPhase { campaign: arguments.value("campaign")?, ..PutPhase::default() };
    arguments.fill("plan", &mut phase.plan)?;
    arguments.fill("nth", &mut phase.nth)?;
    let rules = &mut phase.phase;
    arguments.fill("start", &mut rules.start)?;
    rules.stage = arguments.value::<StageName>("stage")?.0;
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "USERLIMIT") => arguments.fill("USERLIMIT", &mut rules.user_limit)?,
            () if is(option, "ORDERLIMIT") => arguments.fill("ORDERLIMIT", &mut rules.order_limit)?,
            () if is(option, "GROUPLIMIT") => arguments.fill("GROUPLIMIT", &mut rules.group_limit)?,
            () if is(option, "PRICES") => arguments.fill("PRICES", &mut rules.price_version)?,
            () if is(option, "MINTIER") => arguments.fill("MINTIER", &mut rules.min_tier)?,
            () if is(option, "ADMISSION") => arguments.fill("ADMISSION", &mut rules.admission_plan)?,
            () if is(option, "BREAKERS") => arguments.fill("BREAKERS", &mut rules.breaker_plan)?,
            () if is(option, "CHANNEL") => loop {
                let channel = arguments.value("CHANNEL")?;
                let place = rules.channels.get_mut(usize::from(rules.channel_count));
                *place.ok_or(Complaint::Rule(TOO_MANY_CHANNELS))? = channel;
                rules.channel_count = rules.channel_count.saturating_add(1);
                if arguments.peek().is_none_or(|word| u16::read(word).is_none()) {
                    break;
                }
            },
            () => who(arguments, option, &mut phase.by, &mut phase.reason)?,
        }
    }
    put(&phase, body)
}

const TOO_MANY_CHANNELS: &str = "a phase names at most 8 channels";

const _: () = assert!(MAX_PHASE_CHANNELS == 8);

fn set_campaign(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (campaign, action) = (arguments.value("campaign")?, arguments.value::<ActionName>("action")?.0);
    let mut set = SetCampaign { campaign, action, ..SetCampaign::default() };
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "PLAN") => arguments.fill("PLAN", &mut set.plan)?,
            () if is(option, "PHASES") => arguments.fill("PHASES", &mut set.phases)?,
            () if is(option, "POLICY") => set.policy = arguments.value::<PolicyName>("POLICY")?.0,
            () if is(option, "GRACE") => arguments.fill("GRACE", &mut set.grace_ms)?,
            () if is(option, "EXPECTED") => arguments.fill("EXPECTED", &mut set.expected)?,
            () => who(arguments, option, &mut set.by, &mut set.reason)?,
        }
    }
    put(&set, body)
}

fn set_budget(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (budget, funded) = (arguments.value("budget")?, arguments.value("funded")?);
    let mut set = SetBudget { budget, funded, ..SetBudget::default() };
    loop {
        set.funders.push(Funder { funder: arguments.value("funder")?, share: arguments.value("share")? });
        if arguments.peek().is_none_or(|word| u32::read(word).is_none()) {
            break;
        }
    }
    while let Some(option) = arguments.option()? {
        who(arguments, option, &mut set.by, &mut set.reason)?;
    }
    put(&set, body)
}

fn issue(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (batch, serials) = (arguments.value("batch")?, arguments.value("serials")?);
    let mut issue = IssueCoupons { batch, serials, uses: 1, until: u64::MAX, ..IssueCoupons::default() };
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "USES") => arguments.fill("USES", &mut issue.uses)?,
            () if is(option, "FROM") => arguments.fill("FROM", &mut issue.from)?,
            () if is(option, "UNTIL") => arguments.fill("UNTIL", &mut issue.until)?,
            () => who(arguments, option, &mut issue.by, &mut issue.reason)?,
        }
    }
    put(&issue, body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, record};
    use super::*;

    #[test]
    fn stock_and_channels_are_set_up() {
        let (put, ..) = record::<PutSku>("SALE.PUTSKU 7 100 USERLIMIT 2 ORDERLIMIT 3 BY 4 REASON 5");
        assert_eq!(put, PutSku { sku: 7, units: 100, user_limit: 2, order_limit: 3, by: 4, reason: 5 });
        let (restock, ..) = record::<Restock>("SALE.RESTOCK 7 -5");
        assert_eq!((restock.units, restock.request_id), (-5, [0; 16]));
        assert_eq!(record::<FreezeSku>("SALE.FREEZE 7 yes").0.frozen, 1);
        let (channel, ..) = record::<SetChannel>("SALE.SETCHANNEL 7 3 GUARANTEE 50");
        assert_eq!((channel.guarantee, channel.cap, channel.release_at), (50, u64::MAX, 0));
        let (moved, ..) = record::<Rebalance>("SALE.REBALANCE 7 3 4 10 KEEP 5 EXPECTED 50");
        assert_eq!((moved.from, moved.to, moved.units, moved.keep, moved.expected), (3, 4, 10, 5, 50));
    }

    #[test]
    fn campaigns_prices_budgets_and_coupons_are_set_up() {
        let (phase, ..) =
            record::<PutPhase>("SALE.PUTPHASE 1 2 0 1700000000000 live PRICES 3 CHANNEL 4 5 MINTIER 6");
        let rules = phase.phase;
        assert_eq!((phase.plan, rules.stage, rules.price_version, rules.min_tier), (2, 1, 3, 6));
        assert_eq!((rules.channel_count, &rules.channels[..3]), (2, &[4, 5, 0][..]));
        let (set, ..) =
            record::<SetCampaign>("SALE.SETCAMPAIGN 1 follow PLAN 2 PHASES 3 POLICY grace GRACE 1000");
        assert_eq!((set.action, set.plan, set.phases, set.policy, set.grace_ms), (1, 2, 3, 1, 1_000));
        let (price, ..) = record::<PutPrice>("SALE.PUTPRICE 7 3 999 900 999 LIST 1999");
        assert_eq!((price.price, price.floor, price.ceiling, price.list), (999, 900, 999, 1_999));
        let (budget, ..) = record::<SetBudget>("SALE.SETBUDGET 1 50000 10 6000 11 4000 BY 7");
        assert_eq!((budget.funders.len(), budget.by), (2, 7));
        let (coupons, ..) = record::<IssueCoupons>("SALE.ISSUECOUPONS 5 100 USES 2");
        assert_eq!((coupons.serials, coupons.uses, coupons.until), (100, 2, u64::MAX));
        let many = "SALE.PUTPHASE 1 2 0 1 live CHANNEL 1 2 3 4 5 6 7 8 9";
        assert_eq!(asked(many).unwrap_err(), "SALE.PUTPHASE: a phase names at most 8 channels");
    }
}
