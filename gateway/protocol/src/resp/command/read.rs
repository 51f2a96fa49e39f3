//! Commands that change nothing.

use super::{Form, Spec, plain, put, unknown};
use crate::budget::{ReadBudget, ReadCoupon};
use crate::campaign::{ReadCampaign, ReadPhase, ReadPrice};
use crate::feed::{EventKind, Fetch, by};
use crate::kind::Kind;
use crate::request::{ReadChannel, ReadChannels, ReadLine, ReadOrder, ReadStock};
use crate::resp::arguments::{Arguments, Complaint, CouponName, Value, is};
use crate::watch::Watch;

pub(super) const PLAIN: &[Spec] = plain!(
    "SALE.STOCK", "Says how many units of a SKU are available, held and sold.", ReadStock { sku } [];
    "SALE.ORDER", "Says how an order stands.", ReadOrder { order, user } [];
    "SALE.LINE", "Says how a line of an order stands, counted from 0.", ReadLine { order, user, nth } [];
    "SALE.WATCH", "Says how an order that waits stands, and tells by a push when units are held for it. RESP3 only.",
        Watch { order, user } [];
    "SALE.PRICE", "Says the price of a SKU by a version; without, by the one that counts.", ReadPrice { sku } ["VERSION" version];
    "SALE.CHANNEL", "Says what a sales channel may have of a SKU, and has.", ReadChannel { sku, channel } [];
    "SALE.CHANNELS", "Lists a SKU's sales channels, a page at a time.", ReadChannels { sku } ["FROM" first];
    "SALE.CAMPAIGN", "Says how a campaign stands.", ReadCampaign { campaign } [];
    "SALE.PHASE", "Says what a phase of a campaign's plan is, counted from 0.", ReadPhase { campaign, plan, nth } [];
    "SALE.BUDGET", "Says what a promotion budget has left, and what its funders pay.", ReadBudget { budget } [];
);

pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "SALE.COUPON",
        usage: "batch-serial [WITHIN ms]",
        summary: "Says how often a coupon was used.",
        read: |arguments, body| {
            let coupon = arguments.value::<CouponName>("batch-serial")?.0;
            if let Some(option) = arguments.option()? {
                return Err(unknown(option));
            }
            put(&ReadCoupon { coupon }, body)
        },
    },
    Spec {
        name: "SALE.FETCH",
        usage: "from [MAX events] [WAIT ms] [KINDS kind …] [ORDER order] [SKU sku] [USER user] [PARTITION partition]",
        summary: "Reads events of the log from a position on, and waits for the next if there are none.",
        read: fetch,
    },
    Spec {
        name: "SALE.FOLLOW",
        usage: "from [KINDS kind …] [ORDER order] [SKU sku] [USER user] [PARTITION partition]",
        summary: "Tells every event of the log from a position on by a push, as it happens. RESP3 only; RESET ends it.",
        read: |arguments, body| {
            arguments.form = Form::Pushes;
            fetch(arguments, body)
        },
    },
    Spec { name: "SALE.STATUS", usage: "", summary: "Says the server's totals.", read: status },
];

/// A status is asked for with a frame that carries nothing.
fn status(arguments: &mut Arguments<'_>, _body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    arguments.option()?.map_or(Ok(Kind::ReadStatus), |option| Err(unknown(option)))
}

/// A kind of event by its name, as its bit.
struct KindName(u64);

impl Value for KindName {
    const NEED: &'static str = "a kind of event, as docs/protocol.md names them";

    fn read(text: &[u8]) -> Option<Self> {
        EventKind::ALL.iter().find(|kind| is(text, kind.name())).map(|kind| Self(kind.bit()))
    }
}

/// What a page of events has at most, unless another number is asked for.
const PAGE: u32 = 100;

fn fetch(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let mut fetch = Fetch { from: arguments.value("from")?, max_events: PAGE, ..Fetch::default() };
    while let Some(option) = arguments.option()? {
        fetch.by |= match () {
            () if is(option, "MAX") => arguments.fill("MAX", &mut fetch.max_events).map(|()| 0)?,
            () if is(option, "WAIT") => arguments.fill("WAIT", &mut fetch.wait_ms).map(|()| 0)?,
            () if is(option, "KINDS") => {
                fetch.kinds |= arguments.value::<KindName>("KINDS")?.0;
                while let Some(kind) = arguments.peek().and_then(KindName::read) {
                    fetch.kinds |= kind.0;
                    arguments.word();
                }
                0
            }
            () if is(option, "ORDER") => arguments.fill("ORDER", &mut fetch.order).map(|()| by::ORDER)?,
            () if is(option, "SKU") => arguments.fill("SKU", &mut fetch.sku).map(|()| by::SKU)?,
            () if is(option, "USER") => arguments.fill("USER", &mut fetch.user).map(|()| by::USER)?,
            () if is(option, "PARTITION") => {
                arguments.fill("PARTITION", &mut fetch.partition).map(|()| by::PARTITION)?
            }
            () => return Err(unknown(option)),
        };
    }
    put(&fetch, body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, record};
    use super::*;

    #[test]
    fn reads_name_what_they_read() {
        assert_eq!(record::<ReadStock>("SALE.STOCK 7").0, ReadStock { sku: 7 });
        assert_eq!(record::<ReadOrder>("SALE.ORDER 9 1").0, ReadOrder { order: 9, user: 1 });
        assert_eq!(record::<ReadLine>("SALE.LINE 9 1 2").0.nth, 2);
        assert_eq!(record::<ReadPrice>("SALE.PRICE 7 VERSION 3").0, ReadPrice { sku: 7, version: 3 });
        assert_eq!(record::<ReadChannels>("SALE.CHANNELS 7 FROM 4").0, ReadChannels { sku: 7, first: 4 });
        assert_eq!(record::<ReadCoupon>("SALE.COUPON 5-17").0.coupon, (5 << 32) + 17);
        assert_eq!(
            asked("SALE.STATUS").map(|(kind, .., body)| (kind, body)),
            Ok((Kind::ReadStatus, Vec::new()))
        );
        assert_eq!(asked("SALE.BUDGET 0").unwrap_err(), "SALE.BUDGET: a budget is not 0");
    }

    #[test]
    fn events_are_asked_for_by_kind_and_by_whom_they_concern() {
        let (fetch, ..) =
            record::<Fetch>("SALE.FETCH 100 MAX 5 WAIT 1000 KINDS confirmed cancelled SKU 7 USER 0");
        assert_eq!((fetch.from, fetch.max_events, fetch.wait_ms), (100, 5, 1_000));
        assert_eq!(fetch.kinds, EventKind::Confirmed.bit() | EventKind::Cancelled.bit());
        assert_eq!((fetch.by, fetch.sku, fetch.user), (by::SKU | by::USER, 7, 0));
        assert_eq!(record::<Fetch>("SALE.FETCH 0").0.max_events, PAGE);
        assert!(asked("SALE.FETCH 0 KINDS nonsense").unwrap_err().contains("a kind of event"));
        assert_eq!(asked("SALE.FETCH 0 MAX 9999").unwrap_err(), "SALE.FETCH: max_events is at most 7000");
    }
}
