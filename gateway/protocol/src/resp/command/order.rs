//! Commands of a shopper's order, from its hold to its payment.

use super::{Spec, plain, put, unknown};
use crate::budget::{ReserveClaims, ReserveDiscounted};
use crate::kind::Kind;
use crate::request::{
    BeginPay, Cancel, CancelLines, Confirm, ConfirmLines, Extend, FailPay, Line, LineUnits, Reserve,
    ReserveOrder,
};
use crate::resp::arguments::{Arguments, Complaint, CouponName, YesNo, is};

pub(super) const COMMANDS: &[Spec] = &[
    Spec {
        name: "SALE.RESERVE",
        usage: "user sku quantity [sku quantity …] [ID request_id] [FIRST] [AMOUNT amount] [HOLD ms] [CHANNEL channel] \
                [CAMPAIGN campaign] [PRICES version] [TIER tier] [LOCATION location] [POOL pool] [GIFT sku quantity] \
                [WAIT ms] [SUPERSEDES order] [DISCOUNT budget amount] [COUPON coupon] [DEVICE hash] [ADDRESS hash] \
                [ACCOUNT hash] [WITHIN ms]",
        summary: "Holds units for a shopper, of all lines or of none.",
        read: reserve,
    },
    Spec {
        name: "SALE.CONFIRM",
        usage: "order user payment_id [AMOUNT amount] [LINES sku units …] [WITHIN ms]",
        summary: "Pays a hold, or the lines of it that are named; what is not named is given back.",
        read: confirm,
    },
    Spec {
        name: "SALE.CANCEL",
        usage: "order user [REASON reason] [AMOUNT amount] [LINES sku units …] [WITHIN ms]",
        summary: "Gives a hold back, or all but so many units of the lines that are named.",
        read: cancel,
    },
    Spec {
        name: "SALE.WAITLIST",
        usage: "user sku quantity wait_ms [options of SALE.RESERVE]",
        summary: "Holds units, or waits so long for some to come back.",
        read: waitlist,
    },
    Spec {
        name: "SALE.BEGINPAY",
        usage: "order user payment_id [SLOW YES|NO] [WITHIN ms]",
        summary: "Keeps a hold while its shopper pays.",
        read: begin_pay,
    },
];

pub(super) const PLAIN: &[Spec] = plain!(
    "SALE.FAILPAY", "Says that a payment that had begun came to nothing.", FailPay { order, user, payment_id } [];
    "SALE.EXTEND", "Keeps a hold until a later time, in milliseconds since 1970.", Extend { order, user, until } [];
);

fn reserve(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let user = arguments.value("user")?;
    let lines = vec![line(arguments)?];
    hold(
        arguments,
        Wish { order: ReserveOrder { user, lines, ..ReserveOrder::default() }, ..Wish::default() },
        body,
    )
}

fn waitlist(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let user = arguments.value("user")?;
    let lines = vec![line(arguments)?];
    let wait_ms = arguments.value("wait_ms")?;
    let order = ReserveOrder { user, wait_ms, lines, ..ReserveOrder::default() };
    hold(arguments, Wish { order, ..Wish::default() }, body)
}

fn line(arguments: &mut Arguments<'_>) -> Result<Line, Complaint> {
    let (sku, quantity) = (arguments.value("sku")?, arguments.value("quantity")?);
    Ok(Line { sku, quantity, ..Line::default() })
}

/// All that can be asked for with a hold.
#[derive(Default)]
struct Wish {
    order: ReserveOrder,
    discount: Option<(u32, u64)>,
    coupon: u64,
}

/// Reads the lines and options that are left, and appends the shortest record that can say so.
fn hold(arguments: &mut Arguments<'_>, mut wish: Wish, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (mut location, mut pool) = (0, 0);
    let Wish { order, discount, coupon } = &mut wish;
    while arguments.peek().is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit)) {
        order.lines.push(line(arguments)?);
    }
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "ID") => arguments.fill("ID", &mut order.request_id)?,
            () if is(option, "AMOUNT") => arguments.fill("AMOUNT", &mut order.amount)?,
            () if is(option, "HOLD") => arguments.fill("HOLD", &mut order.hold_ms)?,
            () if is(option, "CHANNEL") => arguments.fill("CHANNEL", &mut order.channel)?,
            () if is(option, "CAMPAIGN") => arguments.fill("CAMPAIGN", &mut order.campaign)?,
            () if is(option, "PRICES") => arguments.fill("PRICES", &mut order.price_version)?,
            () if is(option, "TIER") => arguments.fill("TIER", &mut order.tier)?,
            () if is(option, "LOCATION") => arguments.fill("LOCATION", &mut location)?,
            () if is(option, "POOL") => arguments.fill("POOL", &mut pool)?,
            () if is(option, "GIFT") => order.lines.push(Line { gift: 1, ..line(arguments)? }),
            () if is(option, "WAIT") => arguments.fill("WAIT", &mut order.wait_ms)?,
            () if is(option, "SUPERSEDES") => arguments.fill("SUPERSEDES", &mut order.supersedes)?,
            () if is(option, "DISCOUNT") => {
                *discount = Some((arguments.value("DISCOUNT")?, arguments.value("amount")?));
            }
            () if is(option, "COUPON") => *coupon = arguments.value::<CouponName>("COUPON")?.0,
            () if is(option, "DEVICE") => arguments.fill("DEVICE", &mut order.device)?,
            () if is(option, "ADDRESS") => arguments.fill("ADDRESS", &mut order.address)?,
            () if is(option, "ACCOUNT") => arguments.fill("ACCOUNT", &mut order.pay_account)?,
            () => return Err(unknown(option)),
        }
    }
    for line in &mut order.lines {
        (line.location, line.pool) = (location, pool);
    }
    // Without an id the server makes one: nobody can have sent that before.
    arguments.first |= order.request_id == [0; 16];
    wish.put(body)
}

impl Wish {
    fn put(self, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
        let Self { order, discount, coupon } = self;
        let reserve = plainly(&order);
        match (reserve, discount) {
            (Some(reserve), None) if coupon == 0 => put(&reserve, body),
            (Some(reserve), Some((budget, discount))) if coupon == 0 => {
                put(&ReserveDiscounted { reserve, discount, budget }, body)
            }
            (_, None) if coupon == 0 => put(&order, body),
            (_, discount) => {
                let (budget, discount) = discount.unwrap_or_default();
                put(&ReserveClaims { discount, coupon, budget, order }, body)
            }
        }
    }
}

/// A hold of one line and nothing that only a long record can say.
fn plainly(order: &ReserveOrder) -> Option<Reserve> {
    let &ReserveOrder { request_id, user, amount, hold_ms, campaign, price_version, channel, tier, .. } =
        order;
    let [Line { sku, quantity, location, pool, gift: 0 }] = order.lines[..] else { return None };
    let long = [order.device, order.address, order.pay_account, order.supersedes, u64::from(order.wait_ms)];
    long.iter().all(|value| *value == 0).then_some(Reserve {
        request_id,
        user,
        sku,
        amount,
        hold_ms,
        quantity,
        campaign,
        price_version,
        channel,
        tier,
        location,
        pool,
    })
}

fn confirm(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (order, user) = (arguments.value("order")?, arguments.value("user")?);
    let payment_id = arguments.value("payment_id")?;
    let (mut amount, mut lines) = (0, Vec::new());
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "AMOUNT") => arguments.fill("AMOUNT", &mut amount)?,
            () if is(option, "LINES") => units(arguments, &mut lines)?,
            () => return Err(unknown(option)),
        }
    }
    if lines.is_empty() {
        return put(&Confirm { order, user, payment_id, amount }, body);
    }
    put(&ConfirmLines { order, user, payment_id, amount, lines }, body)
}

fn cancel(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (order, user) = (arguments.value("order")?, arguments.value("user")?);
    let (mut amount, mut reason, mut lines) = (0, 0, Vec::new());
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "AMOUNT") => arguments.fill("AMOUNT", &mut amount)?,
            () if is(option, "REASON") => arguments.fill("REASON", &mut reason)?,
            () if is(option, "LINES") => units(arguments, &mut lines)?,
            () => return Err(unknown(option)),
        }
    }
    match lines.len() {
        0 if amount > 0 => Err(Complaint::Rule("AMOUNT goes with LINES: it is what is due for what is left")),
        0 => put(&Cancel { order, user, reason }, body),
        _ => put(&CancelLines { order, user, amount, reason, lines }, body),
    }
}

/// Lines by SKU and units, as many as follow.
pub(super) fn units(arguments: &mut Arguments<'_>, lines: &mut Vec<LineUnits>) -> Result<(), Complaint> {
    loop {
        lines.push(LineUnits { sku: arguments.value("sku")?, units: arguments.value("units")? });
        if !arguments.peek().is_some_and(|word| word.first().is_some_and(u8::is_ascii_digit)) {
            return Ok(());
        }
    }
}

fn begin_pay(arguments: &mut Arguments<'_>, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    let (order, user) = (arguments.value("order")?, arguments.value("user")?);
    let payment_id = arguments.value("payment_id")?;
    let mut slow = YesNo::default();
    while let Some(option) = arguments.option()? {
        match () {
            () if is(option, "SLOW") => arguments.fill("SLOW", &mut slow)?,
            () => return Err(unknown(option)),
        }
    }
    put(&BeginPay { order, user, payment_id, slow: slow.0 }, body)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{asked, record};
    use super::*;
    use crate::frame::FLAG_FIRST_ATTEMPT;
    use crate::request::MAX_LINES;

    #[test]
    fn a_hold_of_one_line_is_the_short_record() {
        let (reserve, kind, flags) = record::<Reserve>("SALE.RESERVE 42 7001 2");
        assert_eq!((kind, flags), (Kind::Reserve, FLAG_FIRST_ATTEMPT), "without an id it is new");
        assert_eq!(reserve, Reserve { user: 42, sku: 7001, quantity: 2, ..Reserve::default() });
        let (reserve, kind, flags) = record::<Reserve>(
            "sale.reserve 42 7001 2 ID 019abcde-0123-7456-89ab-0123456789ab amount 1998 hold 60000 channel 3 \
             campaign 4 prices 5 tier 6 location 8 pool 9",
        );
        assert_eq!((kind, flags), (Kind::Reserve, 0), "with an id it may be a repeat");
        assert_eq!(reserve.request_id[..2], [0x01, 0x9a]);
        let Reserve { amount, hold_ms, channel, campaign, price_version, tier, location, pool, .. } = reserve;
        assert_eq!((amount, hold_ms, channel, campaign), (1_998, 60_000, 3, 4));
        assert_eq!((price_version, tier, location, pool), (5, 6, 8, 9));
    }

    #[test]
    fn what_only_a_long_record_can_say_makes_one() {
        let (order, kind, _) = record::<ReserveOrder>("SALE.RESERVE 1 10 1 11 2 GIFT 12 1 POOL 3");
        assert_eq!(kind, Kind::ReserveOrder);
        let line = |sku, quantity, gift| Line { sku, quantity, gift, pool: 3, location: 0 };
        assert_eq!(order.lines, [line(10, 1, 0), line(11, 2, 0), line(12, 1, 1)]);
        let (order, ..) = record::<ReserveOrder>("SALE.WAITLIST 1 10 1 30000");
        assert_eq!((order.wait_ms, order.lines.len()), (30_000, 1));
        let (order, ..) =
            record::<ReserveOrder>("SALE.RESERVE 1 10 1 SUPERSEDES 9 DEVICE 1 ADDRESS 2 ACCOUNT 3");
        assert_eq!((order.supersedes, order.device, order.address, order.pay_account), (9, 1, 2, 3));
        let (claim, kind, _) = record::<ReserveDiscounted>("SALE.RESERVE 1 10 1 DISCOUNT 5 250");
        assert_eq!((kind, claim.budget, claim.discount), (Kind::ReserveDiscounted, 5, 250));
        let (claims, kind, _) = record::<ReserveClaims>("SALE.RESERVE 1 10 1 DISCOUNT 5 250 COUPON 6-7");
        assert_eq!((kind, claims.coupon, claims.budget), (Kind::ReserveClaims, (6 << 32) + 7, 5));
    }

    #[test]
    fn payments_and_ends_name_lines_or_all() {
        let (confirm, ..) = record::<Confirm>("SALE.CONFIRM 9 1 pay-1 AMOUNT 100");
        assert_eq!((confirm.order, confirm.user, confirm.amount), (9, 1, 100));
        let (confirm, ..) = record::<ConfirmLines>("SALE.CONFIRM 9 1 pay-1 LINES 10 1 11 2");
        assert_eq!(confirm.lines, [LineUnits { sku: 10, units: 1 }, LineUnits { sku: 11, units: 2 }]);
        let (cancel, ..) = record::<Cancel>("SALE.CANCEL 9 1 REASON 4");
        assert_eq!(cancel, Cancel { order: 9, user: 1, reason: 4 });
        let (cancel, ..) = record::<CancelLines>("SALE.CANCEL 9 1 LINES 10 0 AMOUNT 50");
        assert_eq!((cancel.lines.len(), cancel.amount), (1, 50));
        let (begin, ..) = record::<BeginPay>("SALE.BEGINPAY 9 1 pay-1 SLOW yes");
        assert_eq!(begin.slow, 1);
        assert_eq!(record::<FailPay>("SALE.FAILPAY 9 1 pay-1").1, Kind::FailPay);
        assert_eq!(record::<Extend>("SALE.EXTEND 9 1 1700000000000").0.until, 1_700_000_000_000);
    }

    #[test]
    fn what_can_not_be_is_said() {
        let complaint = |line: &str| asked(line).unwrap_err();
        assert_eq!(complaint("SALE.RESERVE 1 10"), "SALE.RESERVE: quantity is missing");
        assert_eq!(complaint("SALE.RESERVE 1 10 1 11"), "SALE.RESERVE: quantity is missing");
        assert!(complaint("SALE.RESERVE 1 10 1 COUPON 7").contains("such as 5-17"));
        assert!(complaint("SALE.CANCEL 9 1 AMOUNT 5").contains("goes with LINES"));
        let lines = " 7 1".repeat(MAX_LINES + 1);
        assert_eq!(
            complaint(&format!("SALE.RESERVE 1{lines}")),
            "SALE.RESERVE: an order has at most 32 lines"
        );
    }
}
