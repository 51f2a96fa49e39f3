//! Promotion budgets: what the log says of them, against the server and against who was refused.

use doorbuster_auditor::{Account, Replay};
use doorbuster_protocol::{BudgetView, Code};

use super::Check;
use crate::journal::{Exhausted, Journal};

/// What the budgets paid is what was put in and no more, by the log; the server's accounts are the log's; and nobody was refused
/// a discount while there was one. None where nothing claims.
pub(super) fn check(journal: &Journal, view: Option<&BudgetView>, replay: &Replay) -> Option<Check> {
    let view = view?;
    let rule = "every cent of a budget is in one place and paid by its funders, and nobody was refused one that was left";
    let mut check = Check::new("budgets", rule);
    let budgets = &replay.budgets;
    check.examined = budgets.claimed;
    check.faults = budgets.faults.clone();
    let none = Account::default();
    let account = budgets.accounts.get(&view.budget).unwrap_or(&none);
    let posted: Vec<u64> =
        view.funders.iter().take(usize::from(view.count)).map(|funder| funder.posted).collect();
    let server = (view.funded, view.left, view.reserved, view.spent, &posted);
    let logged = (account.funded, account.left(), account.reserved, account.spent, &account.posted);
    if view.code != Code::Ok.number() || server != logged {
        let budget = view.budget;
        check.faults.note(|| {
            format!(
                "budget {budget}: funded, left, reserved, spent and posted are {server:?} at the server and {logged:?} in \
                 the log"
            )
        });
    }
    for (number, account) in &budgets.accounts {
        let whole = account.left() + account.reserved + account.spent;
        let paid = account.posted.iter().sum::<u64>();
        if whole != account.funded || paid != account.reserved + account.spent {
            check.faults.note(|| format!("log: the accounts of budget {number} don't add up: {account:?}"));
        }
    }
    for &Exhausted { after, until } in journal.exhausted.iter().filter(|refusal| refusal.until > 0) {
        check.examined += 1;
        if budgets.left.throughout((u64::from(view.budget), None), after, until) {
            check.faults.note(|| {
                format!("BUDGET_EXHAUSTED between positions {after} and {until} of the log, and a discount was left")
            });
        }
    }
    Some(check)
}

#[cfg(test)]
#[path = "budgets_tests.rs"]
mod tests;
