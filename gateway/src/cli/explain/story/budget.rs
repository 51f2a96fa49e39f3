//! What happens to budgets and coupons, in sentences.

use doorbuster_client::{EventKind, FeedEvent};

use super::stock::who;
use crate::cli::explain::words::count;
use crate::utc::Utc;

/// `amount` is the event's, in words. `None` for what moves money within a budget alone.
pub(super) fn told(event: &FeedEvent, kind: EventKind, amount: &str) -> Option<String> {
    let (named, why) = (event.to, who(event));
    Some(match kind {
        EventKind::BudgetOpened => format!("Promotion budget {named} was set up{why}."),
        EventKind::FunderAdded => {
            format!("Funder {} pays for budget {named}, with a share of {}.", event.reason, event.units)
        }
        EventKind::BudgetFunded => format!("From then on {amount} had been put into budget {named}{why}."),
        EventKind::BudgetStopped => format!("Budget {named} was stopped{why}: it pays no further discounts."),
        EventKind::CouponsIssued => {
            let coupons = count(usize::try_from(event.units).unwrap_or(usize::MAX), "coupon");
            let uses = count(usize::try_from(event.user_limit).unwrap_or(usize::MAX), "use");
            let until = Utc(event.until);
            format!("Batch {named} of {coupons} was issued, each good for {uses} until {until}{why}.")
        }
        EventKind::CouponHeld => format!("Coupon {} was used for the order.", coupon(named)),
        EventKind::CouponReleased => format!("The use of coupon {} went back.", coupon(named)),
        EventKind::CouponRedeemed => format!("Coupon {} was redeemed.", coupon(named)),
        _ => return None,
    })
}

/// What is said of an order that claims a discount of this amount, in words.
pub(super) fn discount(budget: u64, amount: &str) -> String {
    format!("A discount of {amount} was reserved for the order; budget {budget} pays it.")
}

/// A coupon as people write it: batch, then serial number.
fn coupon(number: u64) -> String {
    format!("{}-{}", number >> 32, number & u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_to_a_coupon_is_told() {
        let event = FeedEvent::default();
        let tell = |kind, event: &FeedEvent| told(event, kind, "3.00");
        let used = FeedEvent { to: (5 << 32) | 9, ..event };
        assert_eq!(tell(EventKind::CouponHeld, &used).as_deref(), Some("Coupon 5-9 was used for the order."));
        assert_eq!(
            tell(EventKind::CouponReleased, &used).as_deref(),
            Some("The use of coupon 5-9 went back.")
        );
        assert_eq!(tell(EventKind::BudgetFilled, &event), None);
    }
}
