//! What histories came to, and what they must come to now and then.

use std::collections::BTreeMap;

use doorbuster_ledger::*;

/// How often each kind of answer came up: a test of rules that never apply proves nothing.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) BTreeMap<String, u64>);

impl Seen {
    pub(crate) fn note(&mut self, outcome: &Outcome) {
        let text = format!("{outcome:?}");
        let inner = text.strip_prefix("Refused(").unwrap_or(&text);
        let name = inner.split([' ', ')']).next().unwrap();
        *self.0.entry(name.to_owned()).or_default() += 1;
        if let Outcome::Refused(Refusal::Budget(refusal)) = outcome {
            let text = format!("{refusal:?}");
            let name = text.split(' ').next().unwrap();
            *self.0.entry(format!("budget {name}")).or_default() += 1;
        }
    }

    pub(crate) fn count(&mut self, event: &Event) {
        let text = format!("{event:?}");
        let name = text.split(' ').next().unwrap();
        let name = if name.starts_with("After(") {
            name.split('(').take(2).collect::<Vec<_>>().join("(")
        } else {
            name.split('(').next().unwrap().to_owned()
        };
        *self.0.entry(format!("event {name}")).or_default() += 1;
        if let Event::Reserved(Reserved { claim: Some(_), .. }) = event {
            *self.0.entry("event Reserved with a claim".to_owned()).or_default() += 1;
        }
        if let Event::Budget(event) = event {
            let text = format!("{event:?}");
            let name = text.split([' ', '(']).next().unwrap();
            *self.0.entry(format!("budget event {name}")).or_default() += 1;
        }
    }
}

/// Every answer and event that a history must come to now and then.
pub(crate) const ANSWERS: [&str; 76] = [
    "CampaignSet",
    "NotStarted",
    "Ended",
    "Paused",
    "TierRequired",
    "ChannelClosed",
    "Frozen",
    "PriceChanged",
    "PriceOutOfBounds",
    "VersionExists",
    "NoSuchCampaign",
    "PlanIncomplete",
    "event Campaign",
    "BudgetSet",
    "budget Exhausted",
    "budget Unknown",
    "budget Exists",
    "budget Stopped",
    "budget InUse",
    "budget CouponInvalid",
    "budget CouponUsed",
    "budget CouponsExist",
    "budget CantWait",
    "budget event Opened",
    "budget event Stopped",
    "budget event Drained",
    "budget event Filled",
    "budget event Issued",
    "budget event CouponHeld",
    "budget event CouponReleased",
    "budget event CouponRedeemed",
    "ChannelSet",
    "ChannelExhausted",
    "OverAllotted",
    "TooLate",
    "Rebalanced",
    "CasMismatch",
    "Reserved",
    "Confirmed",
    "Reacquired",
    "RefundRequired",
    "Kept",
    "Waitlisted",
    "event Reserved with a claim",
    "event Offered",
    "event Cut",
    "event LegCut",
    "event LegSold",
    "event LegReleased",
    "event Superseded",
    "LineRefused",
    "ExceedsHeld",
    "AlreadyWaiting",
    "StillWaiting",
    "ExtendLimit",
    "PaymentUnderWay",
    "Cancelled",
    "Restocked",
    "Replayed",
    "SoldOut",
    "Insufficient",
    "UnknownSku",
    "SkuExists",
    "UserLimit",
    "GroupLimit",
    "OrderLimit",
    "IdempotencyConflict",
    "IdTooOld",
    "IdFromFuture",
    "Invalid",
    "NoSuchOrder",
    "OwnerMismatch",
    "HoldExpired",
    "AlreadyConfirmed",
    "AlreadyCancelled",
    "AmountMismatch",
];

/// The same, of histories in which most orders are paid.
pub(crate) const ANSWERS_AFTER: [&str; 18] = [
    "After(Advanced",
    "After(PaidBack",
    "After(Counted",
    "After(Inspected",
    "After(OrderState",
    "After(ShipExceeds",
    "After(CancelExceeds",
    "After(ReturnExceeds",
    "After(ReturnWindow",
    "After(RefundExceeds",
    "After(NoSuchPayment",
    "After(RefundDiffers",
    "After(Shortfall",
    "After(StaleWatermark",
    "event After(Shorted",
    "event After(Covered",
    "event After(WrittenOff",
    "event After(Closed",
];
