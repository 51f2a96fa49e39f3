//! `--rules`: the same load, of SKUs that a sale's rules are in force for.
//!
//! Each rule is one that a real sale has, and is set so that it never refuses anybody: what is measured is what looking at it
//! and keeping its accounts costs.

use clap::ValueEnum;
use doorbuster_protocol::{
    Answer, BindSku, Code, Funder, Kind, Phase, PutPhase, PutPrice, Record, SetBudget, SetCampaign,
    SetChannel, SetLimits,
};

use crate::exit::Failure;
use crate::net::{Control, LinkError, Peer};
use crate::scenario::Budget;

/// A limit for a shopper that none of them reaches, units.
const LIMIT: u32 = 1 << 30;

/// The cap of a channel, likewise.
const CAP: u64 = 1 << 32;

/// The channel that sells.
const CHANNEL: u16 = 1;

/// What a unit costs, minor units, where a rule looks at it.
const PRICE: u64 = 9_900;

/// The version of prices that counts.
const VERSION: u32 = 1;

/// The discount of an order, minor units.
pub const DISCOUNT: u64 = 1;

/// Money in the budget, minor units: more than any run can claim.
const FUNDED: u64 = 1 << 50;

/// How the funders share each discount.
const SHARES: [u32; 2] = [60, 40];

/// A rule that the SKUs of a load are under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// A limit for each shopper, of the SKU and, with a campaign, of its phase.
    UserLimit,
    /// A sales channel with a cap, which the requests name.
    Channel,
    /// A campaign whose live phase has begun, with prices by a version, which the requests name.
    Campaign,
    /// A discount of a cent that two funders pay; the requests claim it.
    Budget,
}

impl Rule {
    /// The name on the command line and in reports.
    fn name(self) -> &'static str {
        match self {
            Self::UserLimit => "user-limit",
            Self::Channel => "channel",
            Self::Campaign => "campaign",
            Self::Budget => "budget",
        }
    }
}

/// What the requests of a load say because of the rules; the default is a plain request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The amount to pay, minor units; 0: not said.
    pub amount: u64,
    /// The campaign; 0: none.
    pub campaign: u32,
    /// The version of prices; 0: none.
    pub price_version: u32,
    /// The sales channel; 0: none.
    pub channel: u16,
    /// The budget that [`DISCOUNT`] is claimed from; 0: none.
    pub budget: u32,
}

impl Terms {
    /// What requests say for SKUs from `first_sku` on, under these rules.
    pub(super) fn of(rules: &[Rule], first_sku: u64) -> Self {
        // Campaigns and budgets are numbered as a drill numbers its budget: after the SKUs, which no earlier run used.
        let number = Budget::number(first_sku);
        let mut terms = Self::default();
        for rule in rules {
            match rule {
                Rule::UserLimit => {}
                Rule::Channel => terms.channel = CHANNEL,
                Rule::Campaign => {
                    (terms.campaign, terms.price_version, terms.amount) = (number, VERSION, PRICE);
                }
                Rule::Budget => terms.budget = number,
            }
        }
        terms
    }
}

/// The rules in words, as on the command line.
pub(super) fn named(rules: &[Rule]) -> String {
    rules.iter().map(|rule| rule.name()).collect::<Vec<_>>().join(",")
}

/// Puts the rules in force for SKUs `base..base + count`, which are there. Gives what requests have to say, and a line for
/// people that names where to look.
///
/// # Errors
/// If the server can't be reached or refuses a part.
pub(super) fn put_in_force(
    rules: &[Rule],
    peer: &Peer,
    base: u64,
    count: u64,
) -> Result<(Terms, String), Failure> {
    let terms = Terms::of(rules, base);
    let failed = |error: &dyn std::fmt::Display| Failure::could_not("put the load's rules in force", error);
    let mut office = Office {
        control: Control::connect(peer, "doorbuster-drill").map_err(|e| failed(&e))?,
        skus: base..base + count,
        terms,
        limited: rules.contains(&Rule::UserLimit),
    };
    let mut told = format!("    rules: SKUs {base} to {}", office.skus.end - 1);
    for rule in rules {
        let words = match rule {
            Rule::UserLimit => office.limit(),
            Rule::Channel => office.open_channel(),
            Rule::Campaign => office.stage(),
            Rule::Budget => office.fund(),
        };
        told.push_str(&words.map_err(|e| failed(&e))?);
    }
    Ok((terms, told))
}

/// Who sets everything up.
struct Office {
    control: Control,
    skus: std::ops::Range<u64>,
    terms: Terms,
    limited: bool,
}

impl Office {
    fn limit(&mut self) -> Result<String, String> {
        let limits = self.each(|sku| SetLimits { sku, user_limit: LIMIT, ..SetLimits::default() });
        self.put(Kind::SetLimits, &limits)?;
        Ok(format!(", limit {LIMIT}"))
    }

    fn open_channel(&mut self) -> Result<String, String> {
        let channels = self.each(|sku| SetChannel {
            sku,
            guarantee: 0,
            cap: CAP,
            release_at: 0,
            channel: CHANNEL,
            ..SetChannel::default()
        });
        self.put(Kind::SetChannel, &channels)?;
        Ok(format!(", channel {CHANNEL}"))
    }

    fn stage(&mut self) -> Result<String, String> {
        let campaign = self.terms.campaign;
        let prices = self.each(|sku| PutPrice {
            sku,
            version: VERSION,
            price: PRICE,
            list: PRICE,
            floor: PRICE,
            ceiling: PRICE,
            ..PutPrice::default()
        });
        self.put(Kind::PutPrice, &prices)?;
        let start = self.control.status().map_err(|error: LinkError| error.to_string())?.now_ms;
        let user_limit = if self.limited { LIMIT - 1 } else { 0 };
        let phase = Phase { start, stage: 1, price_version: VERSION, user_limit, ..Phase::default() };
        self.put(Kind::PutPhase, &[PutPhase { campaign, plan: 1, nth: 0, phase, ..PutPhase::default() }])?;
        let follow = SetCampaign { campaign, action: 1, plan: 1, phases: 1, ..SetCampaign::default() };
        self.put(Kind::SetCampaign, &[follow])?;
        let binds = self.each(|sku| BindSku { sku, campaign, ..BindSku::default() });
        self.put(Kind::BindSku, &binds)?;
        Ok(format!(", campaign {campaign}"))
    }

    fn fund(&mut self) -> Result<String, String> {
        let budget = self.terms.budget;
        let funders = (1..).zip(SHARES).map(|(funder, share)| Funder { funder, share }).collect();
        let set = SetBudget { budget, funded: FUNDED, funders, ..SetBudget::default() };
        self.put(Kind::SetBudget, &[set])?;
        Ok(format!(", budget {budget}"))
    }

    fn each<R>(&self, of: impl Fn(u64) -> R) -> Vec<R> {
        self.skus.clone().map(of).collect()
    }

    /// Executes these, all of which must be OK.
    fn put<R: Record>(&mut self, kind: Kind, requests: &[R]) -> Result<(), String> {
        let answers: Vec<Answer> = self.control.execute(kind, requests).map_err(|error| error.to_string())?;
        match answers.iter().find(|answer| answer.code != Code::Ok.number()) {
            None => Ok(()),
            Some(answer) => {
                let code = answer.code().map_or_else(|_| answer.code.to_string(), |code| code.to_string());
                Err(format!("the server answered {} with {code}", kind.name()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_say_what_their_rules_need_and_no_more() {
        let base = 5 << 20;
        let number = Budget::number(base);
        assert_eq!(Terms::of(&[Rule::UserLimit], base), Terms::default());
        assert_eq!(Terms::of(&[Rule::Channel], base), Terms { channel: CHANNEL, ..Terms::default() });
        let all = Terms {
            amount: PRICE,
            campaign: number,
            price_version: VERSION,
            channel: CHANNEL,
            budget: number,
        };
        assert_eq!(Terms::of(Rule::value_variants(), base), all);
    }

    #[test]
    fn a_rule_has_one_name_on_the_command_line_and_in_reports() {
        for rule in Rule::value_variants() {
            let value = rule.to_possible_value().expect("none is hidden");
            assert_eq!(value.get_name(), rule.name());
        }
        assert_eq!(named(&[Rule::Channel, Rule::Budget]), "channel,budget");
    }
}
