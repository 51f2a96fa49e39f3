//! What becomes of paid orders and of goods, in sentences.

use doorbuster_client::{EventKind, FeedEvent, GoodsTo};

use super::stock::reason;
use crate::cli::explain::words::{Line, amount, payment, pieces, units, were};
use crate::sku::Sku;
use crate::utc::Utc;

/// What became of an order after its payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct After {
    /// The payment that bought it.
    pub(super) bought_by: [u8; 16],
    fulfilling: bool,
    delivered: bool,
    closed: bool,
    shipped: i64,
    cancelled: i64,
    returned: i64,
    short: i64,
    paid_back: u64,
}

/// That units were counted, or left quarantine, or took the place of missing ones.
pub(super) fn goods(event: &FeedEvent) -> String {
    let one = [Line { sku: event.sku, units: event.units }];
    let (what, be) = (units(&one), were(&one));
    match event.kind() {
        Some(EventKind::Counted) => {
            let change = match event.units {
                0 => "as expected".to_owned(),
                more if more > 0 => format!("{} more are for sale", pieces(more)),
                less => format!("{} fewer are for sale", pieces(less)),
            };
            let missing = match event.amount {
                0 => String::new(),
                1 => " 1 unit that was held or paid is missing.".to_owned(),
                some => format!(" {some} units that were held or paid are missing."),
            };
            format!(
                "{} of SKU {} were on hand when they were counted at {}: {change}{}.{missing}",
                event.cap,
                Sku(event.sku),
                Utc(event.until),
                reason(event)
            )
        }
        Some(EventKind::WrittenOff) => format!("{what} that came free took the place of missing ones."),
        _ => {
            let place = match GoodsTo::from_byte(event.goods_to) {
                Some(GoodsTo::Scrap) => "scrapped",
                _ => "put on sale again",
            };
            format!("{what} {be} taken out of quarantine and {place}{}.", reason(event))
        }
    }
}

/// What happens to an order that is paid. `to_pay_back` is what must be paid back of payments that bought nothing.
pub(super) fn tell(
    after: &mut After,
    to_pay_back: &mut u64,
    lines: &mut [Line],
    decimals: u8,
    event: &FeedEvent,
) -> Option<String> {
    let moved = [Line { sku: event.sku, units: event.units }];
    let (what, be, why) = (units(&moved), were(&moved), reason(event));
    let mut take = |gone: i64| {
        if let Some(line) = lines.iter_mut().find(|line| line.sku == event.sku) {
            line.units = line.units.saturating_sub(gone);
        }
    };
    Some(match event.kind()? {
        EventKind::Fulfilling => {
            after.fulfilling = true;
            format!("The warehouse began to work on the order{why}.")
        }
        EventKind::LineShipped => {
            (after.fulfilling, after.shipped) = (true, after.shipped.saturating_add(event.units));
            format!("{what} left the house{why}.")
        }
        EventKind::Delivered => {
            after.delivered = true;
            format!("The order arrived{why}.")
        }
        EventKind::LineCancelled => {
            take(event.units);
            after.cancelled = after.cancelled.saturating_add(event.units);
            format!("{what} {be} cancelled after the payment and went back on sale{why}.")
        }
        EventKind::LineReturned => {
            take(event.units);
            after.returned = after.returned.saturating_add(event.units);
            let place = match GoodsTo::from_byte(event.goods_to) {
                Some(GoodsTo::Quarantine) => "put aside to be inspected",
                Some(GoodsTo::Scrap) => "scrapped",
                _ => "put on sale again",
            };
            format!("{what} came back from the shopper and {be} {place}{why}.")
        }
        EventKind::PaidBack => {
            let money = amount(event.amount, decimals);
            if event.payment_id == after.bought_by {
                after.paid_back = after.paid_back.saturating_add(event.amount);
            } else {
                *to_pay_back = to_pay_back.saturating_sub(event.amount);
            }
            let id = payment(event.payment_id);
            format!("{money} of the payment {id} was paid back{why}.")
        }
        EventKind::Shorted => {
            after.short = after.short.saturating_add(event.units);
            format!("A count had shown that {what} {be} not there: the order can't be shipped for now.")
        }
        EventKind::Covered => {
            after.short = after.short.saturating_sub(event.units);
            format!("{what} that had been missing {be} missing no longer.")
        }
        EventKind::Closed => {
            after.closed = true;
            format!("Nothing more was to come of the order: it was closed{why}.")
        }
        _ => return None,
    })
}

/// How a paid order stands now.
pub(super) fn now(after: &After, lines: &[Line], decimals: u8) -> String {
    let (what, be) = (units(lines), were(lines));
    let left: i64 = lines.iter().map(|line| line.units).sum();
    let out = after.shipped.saturating_sub(after.returned);
    let mut now = if after.closed {
        "it is closed.".to_owned()
    } else if left == 0 {
        "it has no units any more.".to_owned()
    } else if after.short > 0 {
        format!("{what} {be} paid, and {} missing: it can't be shipped for now.", {
            let short = pieces(after.short);
            if after.short == 1 { format!("{short} is") } else { format!("{short} are") }
        })
    } else if after.delivered {
        format!("{what} arrived.")
    } else if out == left {
        format!("{what} {be} shipped.")
    } else if out > 0 {
        format!("{what} {be} paid, and {} left the house.", pieces(out))
    } else if after.fulfilling {
        format!("{what} {be} paid, and the warehouse works on it.")
    } else {
        format!("{what} {be} paid.")
    };
    if after.paid_back > 0 {
        now = format!("{now} {} was paid back.", amount(after.paid_back, decimals));
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, units: i64) -> FeedEvent {
        FeedEvent { kind: kind.byte(), sku: 7, units, ..FeedEvent::default() }
    }

    #[test]
    fn the_way_of_a_paid_order_reads_as_a_story() {
        let (mut after, mut owed, mut lines) = (After::default(), 500, [Line { sku: 7, units: 3 }]);
        let back = FeedEvent { goods_to: 2, ..event(EventKind::LineReturned, 1) };
        let stray = FeedEvent { payment_id: [1; 16], amount: 500, ..event(EventKind::PaidBack, 0) };
        let money = FeedEvent { amount: 150, reason: 4, ..event(EventKind::PaidBack, 0) };
        let steps = [
            (
                event(EventKind::Fulfilling, 0),
                "The warehouse began to work on the order.",
                "3 units of SKU 7 were paid, and the warehouse works on it.",
            ),
            (
                event(EventKind::Shorted, 1),
                "A count had shown that 1 unit of SKU 7 was not there: the order can't be shipped for now.",
                "3 units of SKU 7 were paid, and 1 unit is missing: it can't be shipped for now.",
            ),
            (
                event(EventKind::Covered, 1),
                "1 unit of SKU 7 that had been missing was missing no longer.",
                "3 units of SKU 7 were paid, and the warehouse works on it.",
            ),
            (
                event(EventKind::LineShipped, 1),
                "1 unit of SKU 7 left the house.",
                "3 units of SKU 7 were paid, and 1 unit left the house.",
            ),
            (
                event(EventKind::LineCancelled, 1),
                "1 unit of SKU 7 was cancelled after the payment and went back on sale.",
                "2 units of SKU 7 were paid, and 1 unit left the house.",
            ),
            (
                event(EventKind::LineShipped, 1),
                "1 unit of SKU 7 left the house.",
                "2 units of SKU 7 were shipped.",
            ),
            (event(EventKind::Delivered, 0), "The order arrived.", "2 units of SKU 7 arrived."),
            (
                back,
                "1 unit of SKU 7 came back from the shopper and was put aside to be inspected.",
                "1 unit of SKU 7 arrived.",
            ),
            (
                stray,
                "5.00 of the payment 01010101010101010101010101010101 was paid back.",
                "1 unit of SKU 7 arrived.",
            ),
            (
                money,
                "1.50 of the payment 00000000000000000000000000000000 was paid back (reason 4).",
                "1 unit of SKU 7 arrived. 1.50 was paid back.",
            ),
            (
                event(EventKind::Closed, 0),
                "Nothing more was to come of the order: it was closed.",
                "it is closed. 1.50 was paid back.",
            ),
        ];
        for (event, said, stands) in steps {
            let sentence = tell(&mut after, &mut owed, &mut lines, 2, &event);
            assert_eq!((sentence.as_deref(), now(&after, &lines, 2).as_str()), (Some(said), stands));
        }
        assert_eq!(owed, 0);
    }

    #[test]
    fn a_count_says_what_it_changed() {
        let counted = FeedEvent { cap: 4, amount: 2, reason: 3, ..event(EventKind::Counted, -5) };
        assert_eq!(
            goods(&counted),
            "4 of SKU 7 were on hand when they were counted at 1970-01-01 00:00:00.000 UTC: 5 units fewer are for sale \
             (reason 3). 2 units that were held or paid are missing."
        );
        let out = FeedEvent { goods_to: 3, ..event(EventKind::Inspected, 1) };
        assert_eq!(goods(&out), "1 unit of SKU 7 was taken out of quarantine and scrapped.");
    }
}
