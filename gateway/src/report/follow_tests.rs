//! Deeds say what events leave out, and what can't follow is refused.

use doorbuster_ledger::{
    Amount, ChannelId, Line as OrderLine, OrderNumber, PaymentId, Quantity, RequestId, SkuId, Terms,
    Timestamp, UserId,
};

use super::*;

const SEVERAL: u64 = (1 << 51) | 1;

fn at(ms: u64) -> Timestamp {
    Timestamp::new(1_000_000 + ms)
}

fn put(sku: u64, units: u64) -> Event {
    Event::SkuPut { sku: SkuId::new(sku), units, user_limit: 0, order_limit: 0, by: 0, reason: 0, at: at(0) }
}

/// An order of one line, or of several, for a second.
fn reserved(number: u64, sku: u64, units: u32, wait_ms: u32) -> Event {
    Event::Reserved(Reserved {
        number: OrderNumber::new(number),
        request: RequestId::new(u128::from(number)),
        user: UserId::new(1),
        sku: SkuId::new(sku),
        quantity: Quantity::new(units).unwrap(),
        amount: Amount::new(0),
        at: at(0),
        asked_hold_ms: 1_000,
        hold_ms: 1_000,
        channel: ChannelId::new(3),
        moves: 0,
        wait_ms,
        terms: Terms::default(),
        claim: None,
    })
}

fn leg(sku: u64, units: u32, gifts: u32) -> Event {
    Event::LegHeld(LegHeld {
        order: OrderNumber::new(SEVERAL),
        line: OrderLine { sku: SkuId::new(sku), units, gifts, location: 0, pool: 0 },
        user: UserId::new(1),
        channel: ChannelId::new(3),
        deadline: at(1_000),
        at: at(0),
    })
}

fn leg_end(sku: u64, units: u32) -> LegEnd {
    LegEnd {
        order: OrderNumber::new(SEVERAL),
        sku: SkuId::new(sku),
        user: UserId::new(1),
        units,
        channel: ChannelId::new(3),
        at: at(2_000),
    }
}

fn confirmed(number: u64, amount: u64) -> Event {
    let number = OrderNumber::new(number);
    Event::Confirmed { number, payment: PaymentId::new(1), amount: Amount::new(amount), at: at(500) }
}

fn expired(number: u64, ms: u64) -> Event {
    Event::Expired { number: OrderNumber::new(number), at: at(ms) }
}

/// Follows all of it; gives what the last event came to.
fn last(events: &[Event]) -> Result<Vec<What>, String> {
    let mut follower = Follower::new(None);
    let mut deeds = Vec::new();
    for event in events {
        deeds = follower.follow(event)?.iter().map(|deed| deed.what).collect();
    }
    Ok(deeds)
}

fn units(sku: u64, units: u64, went: Went) -> What {
    What::Units { sku, units, went }
}

#[test]
fn a_payment_is_told_with_its_sku_and_the_holds_age() {
    let deeds = last(&[put(7, 5), reserved(1, 7, 2, 0), confirmed(1, 99)]).unwrap();
    let payment = Payment { after_ms: 500, offered: false, discount: 0 };
    assert_eq!(deeds, [What::Order(Step::Paid(payment)), units(7, 2, Went::Sold { amount: 99 })]);
}

#[test]
fn the_amount_of_several_lines_is_dealt_out_to_the_last_cent() {
    let sold = |sku, units| Event::LegSold(leg_end(sku, units));
    // Three units to be paid for, of four: two of SKU 7, one of SKU 8 beside a gift, and nothing but a gift of SKU 9.
    let held = [
        put(7, 9),
        put(8, 9),
        put(9, 9),
        reserved(SEVERAL, 7, 5, 0),
        leg(7, 2, 0),
        leg(8, 2, 1),
        leg(9, 1, 1),
    ];
    let paid = [sold(7, 2), sold(8, 2), sold(9, 1), confirmed(SEVERAL, 100)];
    let deeds = last(&[&held[..], &paid].concat()).unwrap();
    let sold = |sku, count, amount| units(sku, count, Went::Sold { amount });
    // Two thirds rounded down, and the rest; a gift costs nothing.
    assert_eq!(deeds[1..], [sold(7, 2, 66), sold(8, 2, 34), sold(9, 1, 0)]);
}

#[test]
fn a_hold_that_runs_out_is_told_with_its_lag_and_who_waited() {
    let waits = reserved(2, 7, 3, 60_000);
    let deeds = last(&[put(7, 5), reserved(1, 7, 5, 0), waits, expired(1, 1_250)]).unwrap();
    let expired_step = Step::Expired { offered: false, lag_ms: 250 };
    assert_eq!(deeds, [What::Order(expired_step), units(7, 5, Went::Unpaid { wanted: true })]);
    // A restart gave it more time.
    let grace = Event::GraceGranted { until: at(1_240), at: at(900) };
    let deeds = last(&[put(7, 5), reserved(1, 7, 5, 0), grace, expired(1, 1_250)]).unwrap();
    assert_eq!(deeds[0], What::Order(Step::Expired { offered: false, lag_ms: 10 }));
    // One that was placed afterwards got none.
    let deeds = last(&[put(7, 5), grace, reserved(1, 7, 5, 0), expired(1, 1_250)]).unwrap();
    assert_eq!(deeds[0], What::Order(expired_step));
}

#[test]
fn a_wait_in_vain_says_whether_units_were_free() {
    let waits = reserved(2, 7, 3, 60_000);
    let deeds = last(&[put(7, 5), reserved(1, 7, 4, 0), waits, expired(2, 60_000)]).unwrap();
    assert_eq!(deeds, [What::Order(Step::Lapsed), units(7, 3, Went::Missed { free: false })]);
    let deeds = last(&[put(7, 5), waits, expired(2, 60_000)]).unwrap();
    assert_eq!(deeds[1], units(7, 3, Went::Missed { free: true }));
}

#[test]
fn a_payment_that_buys_nothing_says_why() {
    let refund = |number| Event::RefundRequired {
        number: OrderNumber::new(number),
        payment: PaymentId::new(2),
        amount: Amount::new(9),
        at: at(2_000),
    };
    let why = |events: &[Event]| match last(events).unwrap()[..] {
        [What::Order(Step::RefundDue { amount: 9, why })] => why,
        ref other => panic!("{other:?}"),
    };
    let (put, held) = (put(7, 5), reserved(1, 7, 2, 0));
    assert_eq!(why(&[put, held, expired(1, 1_000), refund(1)]), Why::Late);
    assert_eq!(why(&[put, held, confirmed(1, 9), refund(1)]), Why::Twice);
    assert_eq!(why(&[put, reserved(1, 7, 9, 1_000), refund(1)]), Why::Waited);
}

#[test]
fn a_campaigns_report_counts_its_skus_from_when_it_sold_them() {
    let bind = |sku, campaign| {
        let (sku, campaign) = (SkuId::new(sku), doorbuster_ledger::CampaignId::new(campaign));
        Event::Campaign(CampaignEvent::SkuBound { sku, campaign, by: 0, reason: 0, at: at(0) })
    };
    let mut follower = Follower::new(Some(11));
    let mut told = 0;
    let events = [
        put(7, 5),
        put(8, 5),
        reserved(1, 7, 1, 0),
        bind(7, 11),
        bind(8, 12),
        reserved(2, 7, 2, 0),
        reserved(3, 8, 1, 0),
        bind(7, 0),
        confirmed(2, 1),
    ];
    for event in &events {
        told += follower.follow(event).unwrap().len();
    }
    assert_eq!(told, 4, "order 2 held and paid, and its units twice");
    let levels = follower.shop.levels();
    assert_eq!((levels.skus, levels.available, levels.held, levels.sold), (1, 2, 1, 2));
}

#[test]
fn what_cannot_follow_is_said() {
    for (events, said) in [
        (vec![put(7, 5), put(7, 5)], "SKU 7 is set up already"),
        (vec![put(7, 5), reserved(1, 7, 6, 0)], "SKU 7 would have -1 available, 6 held, 0 sold"),
        (vec![reserved(1, 7, 6, 0)], "SKU 7 was never set up"),
        (vec![put(7, 5), confirmed(1, 1)], "order 1 was never placed, or is over"),
        (vec![put(7, 5), reserved(1, 7, 1, 0), reserved(1, 7, 1, 0)], "order 1 is placed already"),
        (
            vec![put(7, 5), reserved(SEVERAL, 7, 1, 0), leg(7, 1, 0), Event::LegSold(leg_end(8, 0))],
            "SKU 8 was never",
        ),
        (
            vec![put(7, 5), reserved(1, 7, 1, 0), confirmed(1, 1), expired(1, 1_000)],
            "order 1 was never placed, or is",
        ),
    ] {
        let fault = last(&events).unwrap_err();
        assert!(fault.starts_with(said), "{fault}");
    }
}
