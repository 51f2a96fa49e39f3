//! Commands of what follows a payment: the warehouse, refunds, and counts of what is there.

use super::operate::who;
use super::order::units;
use super::{Spec, plain, put};
use crate::after::{Advance, Inspect, ReadGoods, ReadProgress, ReadShortfall, Refund, SetOnHand};
use crate::kind::Kind;
use crate::resp::arguments::{Arguments, Complaint, GoodsName, StepName, is};

pub(super) const PLAIN: &[Spec] = plain!(
    "SALE.REFUND", "Notes that money of a payment went back.",
        Refund { order, user, payment_id, refund_id, amount } ["BY" by, "REASON" reason];
    "SALE.ONHAND", "Says how many units of a SKU were counted, and when.",
        SetOnHand { sku, on_hand, as_of, expected } ["BY" by, "REASON" reason];
    "SALE.PROGRESS", "Says how far a line of a paid order has come, counted from 0.", ReadProgress { order, user, nth } [];
    "SALE.GOODS", "Says where units of a SKU are.", ReadGoods { sku } [];
    "SALE.SHORTFALL", "Lists paid orders that miss units of a SKU, a page at a time.",
        ReadShortfall { sku } ["BEFORE" paid_at, "ORDER" order];
);

pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "SALE.ADVANCE",
        usage: "order user FULFIL|SHIP|DELIVER|CANCEL|RETURN|CLOSE [TO STOCK|QUARANTINE|SCRAP] [LINES sku units …] [BY person] \
                [REASON reason] [WITHIN ms]",
        summary: "Takes a paid order a step further.",
        read: advance,
    },
    Spec {
        name: "SALE.INSPECT",
        usage: "sku units expected STOCK|SCRAP [BY person] [REASON reason] [WITHIN ms]",
        summary: "Moves units out of quarantine, of which so many are expected to be there.",
        read: inspect,
    },
];

fn advance(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (order, user) = (arguments.value("order")?, arguments.value("user")?);
    let step = arguments.value::<StepName>("step")?.0;
    let mut advance = Advance { order, user, step, ..Advance::default() };
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "TO") => advance.to = arguments.value::<GoodsName>("TO")?.0,
            () if is(option, "LINES") => units(arguments, &mut advance.lines)?,
            () => who(arguments, option, &mut advance.by, &mut advance.reason)?,
        }
    }
    put(&advance, body)
}

fn inspect(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (sku, units) = (arguments.value("sku")?, arguments.value("units")?);
    let expected = arguments.value("expected")?;
    let to = arguments.value::<GoodsName>("to")?.0;
    let mut inspect = Inspect { sku, units, expected, to, ..Inspect::default() };
    while let Some(option) = arguments.option()? {
        who(arguments, option, &mut inspect.by, &mut inspect.reason)?;
    }
    put(&inspect, body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, record};
    use super::*;
    use crate::after::{GoodsTo, Step};

    #[test]
    fn steps_and_places_are_named() {
        let (advance, ..) =
            record::<Advance>("SALE.ADVANCE 9 1 return TO quarantine LINES 10 2 BY 7 REASON 3");
        assert_eq!((advance.step, advance.to), (Step::Return.byte(), GoodsTo::Quarantine.byte()));
        assert_eq!((advance.lines.len(), advance.by, advance.reason), (1, 7, 3));
        let (inspect, ..) = record::<Inspect>("SALE.INSPECT 10 2 5 SCRAP");
        assert_eq!((inspect.units, inspect.expected, inspect.to), (2, 5, GoodsTo::Scrap.byte()));
        let (refund, ..) = record::<Refund>("SALE.REFUND 9 1 pay-1 back-1 500 BY 7");
        assert_eq!((refund.amount, refund.by), (500, 7));
        let (count, ..) = record::<SetOnHand>("SALE.ONHAND 10 100 1700000000000 3");
        assert_eq!((count.on_hand, count.as_of, count.expected), (100, 1_700_000_000_000, 3));
        assert!(asked("SALE.ADVANCE 9 1 fly").unwrap_err().contains("FULFIL, SHIP"));
    }
}
