//! Campaigns, by the log alone: whether each order was placed in a phase that sells, by the prices that counted then.

use doorbuster_auditor::Replay;

use super::Check;

/// None where no campaign sold anything.
pub(super) fn check(replay: &Replay) -> Option<Check> {
    let rule = "every order for a campaign's SKU was placed while it sold, by the prices that counted at that instant";
    let prices = &replay.prices;
    let check =
        Check { examined: prices.examined, faults: prices.faults.clone(), ..Check::new("prices", rule) };
    (check.examined > 0 || check.faults.count > 0).then_some(check)
}
