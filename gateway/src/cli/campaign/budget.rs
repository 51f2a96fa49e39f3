//! A campaign's promotion budgets: what its file says, and what of it a server lacks.
//!
//! A file says how much shall have been put into a budget in all, so that the same file again changes nothing. Money that was
//! put in by hand since then is more than the file says. It is not taken back unless that is asked for: a file that is
//! applied again for another change must not end a sale's discounts.

use std::collections::BTreeMap;
use std::fmt;

use doorbuster_client::{
    Applied, BudgetView, Client, Code, Error, FundBudget, Funder, Outcome, Refusal, SetBudget,
};
use doorbuster_ledger::{MAX_FUNDED, MAX_FUNDERS};
use serde::Deserialize;

use super::plan::Plan;
use crate::cli::who::Who;

/// Most budgets of a file: as many as a server keeps.
const MAX_BUDGETS: usize = 1_024;

/// A budget as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    budget: u32,
    funded: u64,
    funders: Vec<RawFunder>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunder {
    funder: u32,
    share: u32,
}

/// What a budget shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// All money that shall have been put in, minor units.
    pub(super) funded: u64,
    pub(super) funders: Vec<Funder>,
}

/// What a server lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set(SetBudget),
    Fund(FundBudget),
}

/// The budgets of a file, by number. What is wrong goes to `fault`.
pub(super) fn checked(raw: &[RawBudget], mut fault: impl FnMut(String)) -> BTreeMap<u32, Budget> {
    let mut budgets = BTreeMap::new();
    if raw.len() > MAX_BUDGETS {
        fault(format!("{} budgets; a server keeps up to {MAX_BUDGETS}", raw.len()));
    }
    for RawBudget { budget, funded, funders } in raw {
        let at = format!("budget {budget}");
        if *budget == 0 {
            fault(format!("{at}: number budgets from 1"));
        }
        if *funded > MAX_FUNDED {
            fault(format!("{at}: funded is {funded}, over the limit of {MAX_FUNDED}"));
        }
        if funders.is_empty() || funders.len() > MAX_FUNDERS {
            fault(format!("{at}: {} funders; a budget has 1 to {MAX_FUNDERS}", funders.len()));
        }
        for (before, RawFunder { funder, share }) in funders.iter().enumerate() {
            if *share == 0 {
                fault(format!("{at}: the share of funder {funder} is 0; leave him out, or let him pay"));
            }
            if funders.iter().take(before).any(|other| other.funder == *funder) {
                fault(format!("{at}: funder {funder} stands in it twice"));
            }
        }
        let funders = funders.iter().map(|raw| Funder { funder: raw.funder, share: raw.share }).collect();
        if budgets.insert(*budget, Budget { funded: *funded, funders }).is_some() {
            fault(format!("{at} is listed twice"));
        }
    }
    budgets
}

/// Asks a server for the budgets, and notes in the plan what it lacks. `take_back`: also what it has too much.
pub(super) async fn compare(
    client: &Client,
    wanted: &BTreeMap<u32, Budget>,
    take_back: bool,
    plan: &mut Plan,
) -> Result<(), Error> {
    for (&budget, wanted) in wanted {
        match client.read_budget(budget).await? {
            Outcome::Done(known) => differ(&known, wanted, take_back, plan),
            Outcome::Refused(refusal) if refusal.code == Code::UnknownBudget => {
                let (funded, funders) = (wanted.funded, wanted.funders.clone());
                let set = SetBudget { budget, funded, funders, ..SetBudget::default() };
                plan.budgets.push(Change::Set(set));
            }
            Outcome::Refused(refusal) => plan.faults.push(format!("budget {budget}: {}", refusal.code)),
        }
    }
    Ok(())
}

fn differ(known: &BudgetView, wanted: &Budget, take_back: bool, plan: &mut Plan) {
    let BudgetView { budget, funded, left, .. } = *known;
    let before = known.funders.iter().take(usize::from(known.count));
    let before: Vec<Funder> = before.map(|of| Funder { funder: of.funder, share: of.share }).collect();
    if before != wanted.funders {
        plan.faults.push(format!(
            "budget {budget} is paid by funders {} already; who pays can't be changed: give the file another budget",
            Paid(&before)
        ));
        return;
    }
    if known.stopped != 0 {
        plan.doubts.push(format!("budget {budget} was stopped for good: it pays no further discounts"));
    }
    let used = funded.saturating_sub(left);
    if wanted.funded < funded && !take_back {
        let back = if wanted.funded < used {
            format!("{used} of it is reserved and spent")
        } else {
            format!("--take-back takes {} out", funded - wanted.funded)
        };
        plan.doubts.push(format!(
            "budget {budget}: {funded} was put in, more than the {} of the file, and stays there; {back}",
            wanted.funded
        ));
    } else if wanted.funded < used {
        plan.faults.push(format!(
            "budget {budget}: {used} is reserved and spent already, more than the {} of the file",
            wanted.funded
        ));
    } else if wanted.funded != funded {
        let expected = funded;
        let fund = FundBudget { budget, funded: wanted.funded, expected, ..FundBudget::default() };
        plan.budgets.push(Change::Fund(fund));
    }
}

impl Change {
    fn budget(&self) -> u32 {
        match self {
            Self::Set(set) => set.budget,
            Self::Fund(fund) => fund.budget,
        }
    }

    /// Whether money is taken out.
    pub(super) fn takes_back(&self) -> bool {
        matches!(self, Self::Fund(fund) if fund.funded < fund.expected)
    }

    /// Carries it out.
    pub(super) async fn carry_out(&self, client: &Client, who: Who) -> Result<Outcome<Applied>, Error> {
        let Who { by, reason } = who;
        match self {
            Self::Set(set) => client.set_budget(&SetBudget { by, reason, ..set.clone() }).await,
            Self::Fund(fund) => client.fund_budget(&FundBudget { by, reason, ..*fund }).await,
        }
    }

    /// What a refusal means to whoever applied the file.
    pub(super) fn refused(&self, refusal: &Refusal) -> String {
        let budget = self.budget();
        match refusal.code {
            Code::CasMismatch => {
                format!(
                    "budget {budget}: somebody else has funded it since: {} is put in; plan again",
                    refusal.units
                )
            }
            Code::BudgetExists => {
                format!("budget {budget}: somebody else has set it up since; plan again")
            }
            Code::BudgetInUse => {
                format!("budget {budget}: {} is reserved and spent by now", refusal.units)
            }
            code => format!("budget {budget}: {code}"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(set) => {
                write!(f, "{}: {} by funders {}", set.budget, set.funded, Paid(&set.funders))
            }
            Self::Fund(FundBudget { budget, funded, expected, .. }) => {
                write!(f, "{budget}: {funded} instead of {expected}")?;
                match expected.checked_sub(*funded) {
                    None | Some(0) => Ok(()),
                    Some(back) => write!(f, ", {back} is taken back"),
                }
            }
        }
    }
}

/// Funders as `doorbuster budget set` takes them.
struct Paid<'a>(&'a [Funder]);

impl fmt::Display for Paid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(|of| format!("{}:{}", of.funder, of.share)).collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_budgets_than_a_server_keeps_are_a_fault() {
        let one = |budget| RawBudget { budget, funded: 1, funders: vec![RawFunder { funder: 1, share: 1 }] };
        let mut faults = Vec::new();
        let many: Vec<_> = (1..=1_025).map(one).collect();
        assert_eq!(checked(&many[..1_024], |fault| faults.push(fault)).len(), 1_024);
        assert_eq!(faults, [""; 0]);
        checked(&many, |fault| faults.push(fault));
        assert_eq!(faults, ["1025 budgets; a server keeps up to 1024"]);
    }

    #[test]
    fn what_somebody_else_did_meanwhile_is_said() {
        let fund = Change::Fund(FundBudget { budget: 3, funded: 7, expected: 5, ..FundBudget::default() });
        let why = |code, units| {
            let (field, state, order, retry_after_ms, at) = (None, None, 0, 0, 0);
            fund.refused(&Refusal { code, field, state, order, retry_after_ms, at, units })
        };
        assert_eq!(
            why(Code::CasMismatch, 6),
            "budget 3: somebody else has funded it since: 6 is put in; plan again"
        );
        assert_eq!(why(Code::BudgetExists, 0), "budget 3: somebody else has set it up since; plan again");
        assert_eq!(why(Code::BudgetInUse, 8), "budget 3: 8 is reserved and spent by now");
        assert_eq!(why(Code::CapacityExceeded, 0), "budget 3: CAPACITY_EXCEEDED");
    }
}
