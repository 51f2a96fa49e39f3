//! Prints the one table of codes into `docs/codes.md`, and fails where the file says something else.

use std::fmt::Write;
use std::path::PathBuf;

use doorbuster_protocol::{Class, Code, Field, OrderState};

const HEAD: &str = "\
# Answer codes

This file is printed from the code table in `gateway/protocol/src/code.rs`. After a change there, run
`UPDATE_DOCS=1 cargo test -p doorbuster-protocol --test codes`.

Every operation of a batch has its own code. The protocol, the clients, metrics, logs and drills use these names and
no others. A number never changes once it is released, and is at least 1000, so that nobody takes it for an HTTP
status. A client that meets a number which it does not know treats it as FINAL.

## Classes

| class | what happened | what the caller may do |
|---|---|---|
| DONE | The request took effect, now or when it came first. | Nothing is left to do. |
| FINAL | The answer stands. | Do not repeat the request: the answer will be the same. |
| LATER | Not now. Nothing was executed. | Ask again after the time in `at`, not before. 0: not unless somebody restocks. |
| RETRY | Nothing was executed. | Send the same request with the same id again, after `retry_after_ms`. |

A client library repeats RETRY by itself, a few times and with growing pauses; nothing else. Repeating a refusal of
another class by machine turns a crowd that was told \"sold out\" into a storm.

## Codes

`units`, `at`, `order`, `state`, `field` and `retry_after_ms` are the fields of an answer
([protocol.md](protocol.md#answer)). A field that the last column does not name is 0. READ_ORDER and READ_STOCK answer
with records of their own, in which everything but the code is 0 unless the code is OK. So do READ_LINE,
READ_BUDGET and READ_COUPON.

Where an order of several lines is refused because of one of them, `field` is `lines` and `order` is that line's SKU; the
other fields are those of the code.

| number | name | class | meaning | fields that are set |
|---:|---|---|---|---|
";

/// Which fields of an answer mean something beside this code. No wildcard: a new code must be described.
fn fields(code: Code) -> &'static str {
    match code {
        Code::Ok => {
            "RESERVE, RESERVE_ORDER, RESERVE_CLAIMS, RESERVE_DISCOUNTED: `order`, `state` (HELD), `at` (the hold's \
             deadline). CONFIRM, CANCEL: `order`, `state`. RESTOCK: `order` (the change's own number), `state` (RESTOCKED), `units` (available now). \
             REBALANCE: `units` (that were moved). \
             BEGIN_PAY, FAIL_PAY, EXTEND, CANCEL_LINES: `order`, `state`, `at` (the hold's deadline now). \
             CONFIRM_LINES: `order`, `state`. ADVANCE: `order`, `state`, `units` (that took the step). REFUND: `order`, \
             `state`, `units` (left of the payment). SET_ON_HAND: `units` (missing). INSPECT: `units` (left in \
             quarantine). SET_BUDGET, FUND_BUDGET, STOP_BUDGET: `units` (left, minor units). \
             ISSUE_COUPONS: `units` (coupons). \
             PUT_SKU, SET_CHANNEL, PUT_PHASE, SET_CAMPAIGN, BIND_SKU, PUT_PRICE, SET_LIMITS, FREEZE_SKU: none"
        }
        Code::Replayed => {
            "`order`, `state` (now, so a repeated RESERVE may find its order CONFIRMED or EXPIRED), `at` (the hold's \
             deadline; no meaning for RESTOCK). PUT_SKU, SET_CHANNEL, PUT_PHASE, SET_CAMPAIGN, BIND_SKU, PUT_PRICE, SET_LIMITS, FREEZE_SKU, \
             SET_ON_HAND, and for budgets and coupons: none"
        }
        Code::NoSuchPosition => "FETCH only: `durable`",
        Code::BadRequest => "In an answer: `field`. In an error frame: the message",
        Code::SkuExists | Code::BudgetExists | Code::CouponsExist => "`field`",
        Code::IdempotencyConflict => "`field`, `order` (the order that was made with the id)",
        Code::IdTooOld => "`units` (the idempotency window, milliseconds)",
        Code::ChannelExhausted => "`units` (the channel may still take)",
        Code::OverAllotted => "`units` (that may be kept)",
        Code::NotStarted => "`at` (when it does; 0: not known yet), `units` (milliseconds until then)",
        Code::TierRequired => {
            "`units` (the lowest tier that may buy), `at` (when the shopper's own may; 0: never)"
        }
        Code::PriceChanged => "`units` (the version that counts)",
        Code::PriceOutOfBounds => "`units` (the least or the most that may be paid, minor units)",
        Code::VersionExists => "`field` (`plan` or `price`)",
        Code::PlanIncomplete => "`units` (which phase, from 0)",
        Code::OrderState => "`state`",
        Code::ShipExceeds | Code::CancelExceeds | Code::ReturnExceeds => {
            "`units` (most that may be named); of several lines also `field` (lines) and `order` (the SKU)"
        }
        Code::ReturnWindow => "`at` (when it ended)",
        Code::RefundExceeds => "`units` (left of the payment, minor units)",
        Code::Shortfall => "`units` (that are missing)",
        Code::StaleWatermark => "`at` (of the latest count)",
        Code::BudgetExhausted => "`units` (what the budget has left, minor units)",
        Code::BudgetInUse => "`units` (what is reserved and spent, minor units)",
        Code::CouponInvalid => "`at` (when it will be, or ceased to be, valid; 0: there is none)",
        Code::CasMismatch => "`units` (what it is now)",
        Code::ExceedsHeld => "`units` (that the order has of it)",
        Code::SoldOut => "`units` (open holds), `at` (when to ask again; 0: no hold is open)",
        Code::Insufficient => "`units` (available)",
        Code::UserLimit => "`units` (the shopper may still take)",
        Code::OrderLimit => "`units` (most in one order)",
        Code::GroupLimit => "`units` (of the group that the shopper may still take)",
        Code::HoldExpired => "`at` (the deadline that has passed)",
        Code::Waitlisted => {
            "`order`, `state` (WAITING), `at` (when it gives up), `units` (orders that came earlier)"
        }
        Code::AlreadyWaiting => "`order` (with which the shopper waits)",
        Code::StillWaiting => "`at` (when it gives up)",
        Code::Reacquired | Code::RefundRequired => "`order`, `state`",
        Code::ExtendLimit => "`at` (the latest deadline that may be asked for)",
        Code::PaymentUnderWay => "`at` (the hold's deadline)",
        Code::AmountMismatch => "`units` (amount due, minor units)",
        Code::Busy => {
            "`retry_after_ms`. RESERVE_CLAIMS, RESERVE_DISCOUNTED and CONFIRM, of orders with a discount, and FETCH"
        }
        Code::BreakerOpen | Code::RateLimited | Code::BusySku => "`retry_after_ms`",
        Code::Shed => "`retry_after_ms`. In an answer, an error frame or REFUSED",
        Code::Recovering => "`retry_after_ms`. Reserved: this version does not send it",
        Code::DeadlineExceeded => "`retry_after_ms` (0: at once, with a new deadline)",
        Code::ShuttingDown => "Error frame only: `retry_after_ms` (0: as soon as a connection can be made)",
        Code::UnknownOperation
        | Code::VersionMismatch
        | Code::TooLarge
        | Code::HelloRequired
        | Code::Unauthenticated => "Error frame only: the message",
        Code::Forbidden => "`field` (channel), or in an error frame the message",
        Code::InvariantViolation => {
            "Reserved: a server in this state closes its connections without an answer"
        }
        Code::Ended
        | Code::Paused
        | Code::SkuFrozen
        | Code::ChannelClosed
        | Code::NoSuchCampaign
        | Code::IdFromFuture
        | Code::UnknownSku
        | Code::SeveralSkus
        | Code::NoSuchLine
        | Code::NoSuchPayment
        | Code::RefundDiffers
        | Code::TooLate
        | Code::CapacityExceeded
        | Code::WaitlistFull
        | Code::NoSuchOrder
        | Code::AlreadyConfirmed
        | Code::AlreadyCancelled
        | Code::UnknownBudget
        | Code::BudgetStopped
        | Code::CouponUsed
        | Code::ClaimCantWait
        | Code::OwnerMismatch => "none",
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for &code in Code::ALL {
        writeln!(
            page,
            "| {} | `{}` | {} | {} | {} |",
            code.number(),
            code.name(),
            code.class().name(),
            code.meaning(),
            fields(code)
        )
        .expect("a string takes every line");
    }
    page.push_str("\n## States of an order\n\n| byte | name |\n|---:|---|\n");
    for state in OrderState::ALL {
        writeln!(page, "| {} | `{}` |", state.byte(), state.name()).expect("a string takes every line");
    }
    page.push_str("\n## Fields that an answer names\n\n| byte | name |\n|---:|---|\n");
    for field in Field::ALL {
        writeln!(page, "| {} | `{}` |", field.byte(), field.name()).expect("a string takes every line");
    }
    page.push_str(
        "\n`attributes` stands for campaign, `price_version`, tier, location, pool and the risk hashes together.\n",
    );
    page
}

#[test]
fn the_page_of_codes_says_what_the_code_says() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/codes.md"));
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/codes.md is out of date; run with UPDATE_DOCS=1");
}

#[test]
fn a_class_is_final_unless_the_page_says_otherwise() {
    let of = |class| {
        Code::ALL.iter().filter(|code| code.class() == class).map(|code| code.name()).collect::<Vec<_>>()
    };
    assert_eq!(of(Class::Done), ["OK", "REPLAYED", "REACQUIRED", "WAITLISTED"]);
    assert_eq!(
        of(Class::Later),
        ["SOLD_OUT", "SKU_FROZEN", "NOT_STARTED", "PAUSED", "TIER_REQUIRED", "PAYMENT_UNDER_WAY"]
    );
    assert_eq!(
        of(Class::Retry),
        [
            "BUSY",
            "BREAKER_OPEN",
            "DEADLINE_EXCEEDED",
            "RECOVERING",
            "SHUTTING_DOWN",
            "RATE_LIMITED",
            "SHED",
            "BUSY_SKU"
        ]
    );
}

#[test]
fn the_python_example_knows_every_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/client.py");
    let script = std::fs::read_to_string(path).unwrap();
    for code in Code::ALL {
        let entry = format!("{}: \"{}\"", code.number(), code.name());
        assert!(script.contains(&entry), "client.py lacks {entry}");
    }
}
