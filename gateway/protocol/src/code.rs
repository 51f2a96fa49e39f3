//! The one table of answer codes.
//!
//! Every layer speaks of outcomes with these names: the wire, the client, metrics, logs and drills. A code's
//! number never changes once it is released, and is at least 1000, so that nobody takes it for an HTTP status.
//!
//! A code's [`Class`] is a promise to the caller. Only [`Class::Retry`] may be sent again by itself; everything
//! else is final for this request, however often it is asked. That rule is what keeps a sold-out crowd from
//! turning into a retry storm.

/// What a caller may do after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The request took effect (or had done so before). Nothing is left to do.
    Done,
    /// The answer stands: the same request will not succeed by being repeated.
    Final,
    /// Not now; asking again makes sense after the time that the answer's `at` names, and not before.
    Later,
    /// Nothing was executed. The same request, with the same id, may be sent again after `retry_after_ms`.
    Retry,
}

impl Class {
    /// The name that documents and reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "DONE",
            Self::Final => "FINAL",
            Self::Later => "LATER",
            Self::Retry => "RETRY",
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $class:ident;)+) => {
        /// The outcome of one operation, or of one frame.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl Code {
            /// Every code, in ascending order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number on the wire.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)+ }
            }

            /// The name in documents, metrics and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What a caller may do next.
            pub const fn class(self) -> Class {
                match self { $(Self::$variant => Class::$class,)+ }
            }

            /// One paragraph for `docs/codes.md`.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// The code with this number, if there is one.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! {
    /// The operation took effect and is durable at the server's durability level.
    Ok = 1000, "OK", Done;
    /// This request took effect earlier; the answer describes that effect and the order's state now.
    Replayed = 1001, "REPLAYED", Done;
    /// The hold had ended, its units were there and were taken again for this payment: the order is paid.
    Reacquired = 1002, "REACQUIRED", Done;
    /// There are too few units, and the order waits for them until `at`; `units` orders came earlier. When units come back
    /// for it, it becomes HELD, with a deadline: read it.
    Waitlisted = 1003, "WAITLISTED", Done;

    /// The frame or a field in it is malformed or out of range; `field` names it.
    BadRequest = 1100, "BAD_REQUEST", Final;
    /// The frame's kind is not one that this server knows.
    UnknownOperation = 1101, "UNKNOWN_OPERATION", Final;
    /// Client and server share no protocol version.
    VersionMismatch = 1102, "VERSION_MISMATCH", Final;
    /// The request id was used before with other content; `field` names the first field that differs.
    IdempotencyConflict = 1103, "IDEMPOTENCY_CONFLICT", Final;
    /// The frame's body or its batch is over its bound.
    TooLarge = 1104, "TOO_LARGE", Final;
    /// The request id was made longer ago than the idempotency window, so that a repeat could not be recognised.
    IdTooOld = 1105, "ID_TOO_OLD", Final;
    /// The request id claims to have been made too far in the future; check the client's clock.
    IdFromFuture = 1106, "ID_FROM_FUTURE", Final;
    /// The first frame on a connection must be HELLO.
    HelloRequired = 1107, "HELLO_REQUIRED", Final;
    /// The server has keys, and the connection has proved none that counts: send AUTH with one, then the request again.
    Unauthenticated = 1108, "UNAUTHENTICATED", Final;
    /// The connection's key is not for this: its role doesn't do it, or, where `field` is `channel`, it is bound to other sales
    /// channels.
    Forbidden = 1109, "FORBIDDEN", Final;

    /// No unit is free. `units` holds are outstanding; asking again makes sense at `at`, which is at least a second from
    /// now and not long before the next hold can end (0: none is open, so the answer is for good until somebody
    /// restocks).
    SoldOut = 1200, "SOLD_OUT", Later;
    /// Some units are available, but fewer than were asked for; `units` says how many.
    Insufficient = 1201, "INSUFFICIENT", Final;
    /// No such SKU has been set up.
    UnknownSku = 1202, "UNKNOWN_SKU", Final;
    /// The SKU exists already with other settings; `field` names the first that differs.
    SkuExists = 1203, "SKU_EXISTS", Final;
    /// The order has several lines, or gifts, and this goes with one plain line only: waiting does.
    SeveralSkus = 1204, "SEVERAL_SKUS", Final;
    /// A partition, table or counter is full, or too many orders are watched; nothing was taken.
    CapacityExceeded = 1205, "CAPACITY_EXCEEDED", Final;

    /// As many orders wait for the SKU as may.
    WaitlistFull = 1206, "WAITLIST_FULL", Final;

    /// The sales channel may not have as many: the rest is kept for others, or it is at its cap; it may still take `units`.
    ChannelExhausted = 1207, "CHANNEL_EXHAUSTED", Final;
    /// More units would be kept for channels than there are; `units` may be kept for this one.
    OverAllotted = 1208, "OVER_ALLOTTED", Final;
    /// The SKU has been sold without rules for channels; they must be there before its first hold.
    TooLate = 1209, "TOO_LATE", Final;
    /// Nobody gets units of the SKU for now: its shop has frozen it. Open holds go on; nobody knows for how long.
    SkuFrozen = 1210, "SKU_FROZEN", Later;

    /// The shopper's limit for this SKU would be exceeded, open holds included; `units` are left to him.
    UserLimit = 1300, "USER_LIMIT", Final;
    /// More units in one order than the SKU allows; `units` is the most.
    OrderLimit = 1301, "ORDER_LIMIT", Final;
    /// The hold can't be kept as long as that; `at` is the latest time that it can be kept to.
    ExtendLimit = 1302, "EXTEND_LIMIT", Final;
    /// The shopper waits for this SKU already, with the order `order`.
    AlreadyWaiting = 1303, "ALREADY_WAITING", Final;
    /// The SKU's campaign sells nothing yet; it does from `at`, which is `units` milliseconds from now (0: not known yet).
    NotStarted = 1304, "NOT_STARTED", Later;
    /// The SKU's campaign is over.
    Ended = 1305, "ENDED", Final;
    /// The SKU's campaign is paused; nobody knows for how long.
    Paused = 1306, "PAUSED", Later;
    /// The SKU's campaign sells only to members of tier `units` and higher now; to the shopper's own from `at` (0: never).
    TierRequired = 1307, "TIER_REQUIRED", Later;
    /// The SKU's campaign doesn't sell through this sales channel now.
    ChannelClosed = 1308, "CHANNEL_CLOSED", Final;
    /// The prices have changed: version `units` counts now. Show it to the shopper, and ask again with a new id.
    PriceChanged = 1309, "PRICE_CHANGED", Final;
    /// The amount is less than may be paid for these units, or more; `units` is the least, or the most, in minor units.
    PriceOutOfBounds = 1310, "PRICE_OUT_OF_BOUNDS", Final;
    /// The phase, or the price by this version, is written already and otherwise; they never change. Write another plan or
    /// version. `field` says which of both.
    VersionExists = 1311, "VERSION_EXISTS", Final;
    /// No phase of any plan has been written for this campaign, or none by this number.
    NoSuchCampaign = 1312, "NO_SUCH_CAMPAIGN", Final;
    /// The plan can't be followed: its phase `units`, counted from 0, is not written or doesn't start after the one before.
    PlanIncomplete = 1313, "PLAN_INCOMPLETE", Final;
    /// The shopper would have more of the SKU's placement group than its campaign allows, open holds included; `units` of the
    /// group are left to him.
    GroupLimit = 1314, "GROUP_LIMIT", Final;

    /// The promotion budget has too little left for the discount; `units` is what it has left, minor units.
    BudgetExhausted = 1320, "BUDGET_EXHAUSTED", Final;
    /// No such promotion budget has been set up.
    UnknownBudget = 1321, "UNKNOWN_BUDGET", Final;
    /// The budget exists already with other settings; `field` names the first that differs.
    BudgetExists = 1322, "BUDGET_EXISTS", Final;
    /// The budget was stopped: it pays no further discounts and takes no more money.
    BudgetStopped = 1323, "BUDGET_STOPPED", Final;
    /// Less money would be in the budget than is reserved and spent; `units` is what is, minor units.
    BudgetInUse = 1324, "BUDGET_IN_USE", Final;
    /// No such coupon was issued, or it is not valid now: not before `at`, or not from `at` on. With `at` 0 there is none.
    CouponInvalid = 1325, "COUPON_INVALID", Final;
    /// The coupon was used as often as it may be; a use that an open hold has may come back.
    CouponUsed = 1326, "COUPON_USED", Final;
    /// The batch of coupons exists already with other settings; `field` names the first that differs.
    CouponsExist = 1327, "COUPONS_EXIST", Final;
    /// An order that claims a discount or uses a coupon can't wait for units; ask for either.
    ClaimCantWait = 1328, "CLAIM_CANT_WAIT", Final;

    /// No order has this number (or it ended longer ago than the retention).
    NoSuchOrder = 1400, "NO_SUCH_ORDER", Final;
    /// The hold's deadline (`at`) has passed and its units went back.
    HoldExpired = 1401, "HOLD_EXPIRED", Final;
    /// The order is paid.
    AlreadyConfirmed = 1402, "ALREADY_CONFIRMED", Final;
    /// The order was cancelled and its units went back.
    AlreadyCancelled = 1403, "ALREADY_CANCELLED", Final;
    /// The order belongs to another user.
    OwnerMismatch = 1404, "OWNER_MISMATCH", Final;
    /// The amount paid is not the amount that the order was placed with; `units` is the amount due, in minor units.
    AmountMismatch = 1405, "AMOUNT_MISMATCH", Final;
    /// The payment buys nothing and must be paid back: it came after the hold's end, when the units were gone or over the
    /// shopper's limit, it is a second payment for a paid order, or it is for an order that waits or was replaced. It is
    /// written down; `state` is where the order stands.
    RefundRequired = 1406, "REFUND_REQUIRED", Final;
    /// The hold can't be replaced, nor cut, while a payment for it is under way; it ends at `at`.
    PaymentUnderWay = 1407, "PAYMENT_UNDER_WAY", Later;
    /// The order waits for units and holds none; it gives up at `at`. Read it: an offer makes it HELD.
    StillWaiting = 1408, "STILL_WAITING", Final;

    /// More units are to be paid, or to be left, than the order has of the SKU; `units` is what it has.
    ExceedsHeld = 1409, "EXCEEDS_HELD", Final;
    /// The order has fewer lines.
    NoSuchLine = 1410, "NO_SUCH_LINE", Final;
    /// Somebody else has changed what is to be changed; it is `units` now.
    CasMismatch = 1411, "CAS_MISMATCH", Final;

    /// The order is not where it could take the step; `state` is where it stands.
    OrderState = 1412, "ORDER_STATE", Final;
    /// More units are said to be shipped than the order has; `units` is the most that may be named.
    ShipExceeds = 1413, "SHIP_EXCEEDS", Final;
    /// More units are to be cancelled than have not left the house; `units` is the most that may be named.
    CancelExceeds = 1414, "CANCEL_EXCEEDS", Final;
    /// More units are said to have come back than were shipped; `units` is the most that may be named.
    ReturnExceeds = 1415, "RETURN_EXCEEDS", Final;
    /// The time for returns is over; it ended at `at`.
    ReturnWindow = 1416, "RETURN_WINDOW", Final;
    /// More money would go back than was paid; `units` is what is left of the payment, in minor units.
    RefundExceeds = 1417, "REFUND_EXCEEDS", Final;
    /// The order has no payment of this id that money could go back of.
    NoSuchPayment = 1418, "NO_SUCH_PAYMENT", Final;
    /// The refund id was used for another payment, or another amount, of this order.
    RefundDiffers = 1419, "REFUND_DIFFERS", Final;
    /// Units of the order are missing, and nothing of it can be shipped; `units` is how many. New goods, a count that finds
    /// them or a cancel end it.
    Shortfall = 1420, "SHORTFALL", Final;
    /// A later count of the SKU was heard of already, or another one of the same time; it was at `at`.
    StaleWatermark = 1421, "STALE_WATERMARK", Final;

    /// The server is at a bound; nothing was executed.
    Busy = 1500, "BUSY", Retry;
    /// Too much of this kind failed or was slow just now, so that none is tried for a while; nothing was executed.
    BreakerOpen = 1501, "BREAKER_OPEN", Retry;
    /// The request's deadline had passed before it was decided; nothing was executed.
    DeadlineExceeded = 1502, "DEADLINE_EXCEEDED", Retry;
    /// The server is reading its log after a start.
    Recovering = 1503, "RECOVERING", Retry;
    /// The server is shutting down and takes no new work.
    ShuttingDown = 1507, "SHUTTING_DOWN", Retry;
    /// The shopper asks more often than anybody may; nothing was executed.
    RateLimited = 1508, "RATE_LIMITED", Retry;
    /// More waits than the server can do in time; nothing was executed.
    Shed = 1509, "SHED", Retry;
    /// New holds of the SKU, or of all SKUs, are let in one after the other for now, and this one's turn has not come; nothing was
    /// executed. Ask again when the time to wait is over: that is about its turn.
    BusySku = 1510, "BUSY_SKU", Retry;

    /// The log ends before the position that was asked for; `durable` says where. The position is of another log, or the log
    /// lost its end in a crash at a durability other than `always`: what was built from the feed must be built anew. Or what
    /// stood there was removed, as a snapshot covers it; then `next` is the oldest position that is kept.
    NoSuchPosition = 1600, "NO_SUCH_POSITION", Final;

    /// The server found its own state broken and stopped.
    InvariantViolation = 1900, "INVARIANT_VIOLATION", Final;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_are_never_http_statuses() {
        assert!(Code::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        assert!(Code::ALL.iter().all(|code| code.number() >= 1000));
    }

    #[test]
    fn a_number_names_its_code_again() {
        for &code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
        assert_eq!(Code::from_number(200), None);
    }
}
