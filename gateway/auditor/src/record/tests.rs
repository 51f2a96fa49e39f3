//! Every kind, field by field.

use super::*;
use crate::forge::{opened, record, several};

fn read(bytes: &[u8]) -> Entry {
    let (entry, used) = entry(bytes[0], &bytes[1..]).expect("whole");
    assert_eq!(used, bytes.len() - 1, "every byte of the record");
    assert_eq!(super::entry(bytes[0], &bytes[1..bytes.len() - 1]), None, "one byte less");
    entry
}

#[test]
fn an_order_that_was_opened_is_read_field_by_field() {
    let Entry::Reserved { placed } = read(&opened(several(7), 3, 9, 4)) else { panic!("a hold") };
    assert_eq!((placed.order, placed.user, placed.sku, placed.quantity), (several(7), 3, 9, 4));
    assert_eq!((placed.request_id[0], placed.request_id[15]), (0x55, 3));
    assert!(has_legs(placed.order) && !has_legs(7));
}

#[test]
fn an_order_by_prices_at_fixed_widths_is_read_field_by_field() {
    let fields = [
        (1, 8),
        (0, 8),
        (0, 8),
        (2, 8),
        (3, 8),
        (4, 8),
        (5, 8),
        (6, 4),
        (0, 4),
        (16, 4),
        (7, 2),
        (8, 4),
        (9, 4),
        (10, 2),
    ];
    let Entry::Reserved { placed } = read(&record(47, &fields)) else { panic!("a hold") };
    let expected = Placed {
        order: 1,
        request_id: [0; 16],
        user: 2,
        sku: 3,
        quantity: 6,
        at: 4,
        hold_ms: 16,
        channel: 7,
        amount: 5,
        price_version: 9,
        claim: None,
    };
    assert_eq!(placed, expected);
    let claimed = [&fields[..], &[(11, 4), (12, 8)]].concat();
    let Entry::Reserved { placed } = read(&record(48, &claimed)) else { panic!("a hold") };
    let claim = Some(Claim { budget: 11, cents: 12 });
    assert_eq!(placed, Placed { claim, ..expected });
}

#[test]
fn an_order_by_prices_is_read_field_by_field() {
    let ids = [(1, 8), (0, 8), (0, 8), (2, 8), (3, 8), (4, 8)];
    let numbers = [(5 << 40, 8), (250, 1), (0, 1), (900_000, 4), (7, 1), (8, 1), (256, 2), (10, 1)];
    let sale = |widths: u64, numbers: &[(u64, usize)]| [&[(widths, 3)], &ids[..], numbers].concat();
    // The first number's width is the lowest.
    let widths = 0b00_01_00_00_10_00_00_11;
    let fields = sale(widths, &numbers);
    let Entry::Reserved { placed } = read(&record(77, &fields)) else { panic!("a hold") };
    let expected = Placed {
        order: 1,
        request_id: [0; 16],
        user: 2,
        sku: 3,
        quantity: 250,
        at: 4,
        hold_ms: 900_000,
        channel: 7,
        amount: 5 << 40,
        price_version: 256,
        claim: None,
    };
    assert_eq!(placed, expected);
    let claimed = [&numbers[..], &[(11, 1), (300, 2)]].concat();
    let Entry::Reserved { placed } = read(&record(78, &sale(widths | 1 << 18, &claimed))) else {
        panic!("a hold")
    };
    let claim = Some(Claim { budget: 11, cents: 300 });
    assert_eq!(placed, Placed { claim, ..expected });

    // A channel has 16 bits, and an order of kind 77 has eight numbers.
    let channel = [&numbers[..4], &[(65_536, 4)], &numbers[5..]].concat();
    assert_eq!(entry(77, &record(77, &sale(widths | 0b10 << 8, &channel))[1..]), None);
    assert_eq!(entry(77, &record(77, &sale(widths | 1 << 16, &numbers))[1..]), None);
}

#[test]
fn an_order_that_was_opened_with_a_discount_is_read_field_by_field() {
    let mut bytes = opened(several(7), 3, 9, 4);
    bytes[0] = 49;
    bytes.extend(record(0, &[(11, 4), (12, 8)]).split_off(1));
    let Entry::Reserved { placed } = read(&bytes) else { panic!("a hold") };
    assert_eq!((placed.order, placed.sku, placed.quantity), (several(7), 9, 4));
    assert_eq!(placed.claim, Some(Claim { budget: 11, cents: 12 }));
}

#[test]
fn lines_are_read_field_by_field() {
    let held = record(23, &[(1, 8), (2, 8), (3, 8), (4, 4), (5, 4), (6, 2), (7, 2), (8, 2), (9, 8), (10, 8)]);
    assert_eq!(held.len(), 55);
    let leg = Leg { order: 1, sku: 2, user: 3, units: 4, gifts: 5, channel: 8, at: 10 };
    assert_eq!(read(&held), Entry::Leg { change: LegChange::Held, leg });
    let leg = Leg { gifts: 0, ..leg };
    let ends = [(24, LegChange::Back), (25, LegChange::Paid), (26, LegChange::Cut), (29, LegChange::Dropped)];
    for (kind, change) in ends {
        let ended = record(kind, &[(1, 8), (2, 8), (3, 8), (4, 4), (8, 2), (10, 8)]);
        assert_eq!((ended.len(), read(&ended)), (39, Entry::Leg { change, leg }));
    }
}

#[test]
fn cuts_and_replaced_holds_are_read_field_by_field() {
    assert_eq!(read(&record(21, &[(1, 8), (2, 8), (3, 8)])), Entry::Superseded { order: 1, at: 3 });
    let cut = record(22, &[(1, 8), (2, 4), (3, 8), (4, 8)]);
    assert_eq!(read(&cut), Entry::Cut { order: 1, units: 2, amount: 3, at: 4 });
}

#[test]
fn rules_of_channels_are_read_field_by_field() {
    let set = record(27, &[(1, 8), (2, 2), (3, 8), (4, 8), (5, 8), (7, 8), (8, 4), (6, 8)]);
    let rules = Rules { guarantee: 3, cap: 4, release_at: 5 };
    assert_eq!(read(&set), Entry::Channel { sku: 1, channel: 2, rules, at: 6 });
    let moved = record(28, &[(1, 8), (2, 2), (3, 2), (4, 8), (7, 8), (5, 4), (6, 8)]);
    assert_eq!(read(&moved), Entry::Rebalanced { sku: 1, from: 2, to: 3, units: 4, at: 6 });
}

#[test]
fn what_campaigns_say_is_read_field_by_field() {
    let phase = [
        (1, 4),
        (2, 4),
        (3, 1),
        (4, 8),
        (1, 1),
        (6, 2),
        (7, 4),
        (8, 4),
        (15, 4),
        (9, 4),
        (10, 2),
        (11, 2),
        (2, 8),
        (12, 2),
        (13, 2),
        (15, 8),
        (16, 4),
        (14, 8),
    ];
    let change = CampaignChange::Phase {
        campaign: 1,
        plan: 2,
        nth: 3,
        start: 4,
        stage: 1,
        user_limit: 7,
        order_limit: 8,
        group_limit: 15,
        price_version: 9,
    };
    assert_eq!(read(&record(40, &phase)), Entry::Campaign(change));
    let plan = [(1, 4), (2, 4), (3, 1), (1, 1), (5, 4), (6, 8), (7, 4), (8, 8)];
    let change = CampaignChange::Plan { campaign: 1, plan: 2, phases: 3, policy: 1, at: 8 };
    assert_eq!(read(&record(41, &plan)), Entry::Campaign(change));
    let standing = record(42, &[(1, 4), (2, 1), (3, 8), (4, 4), (5, 8)]);
    assert_eq!(read(&standing), Entry::Campaign(CampaignChange::Standing { campaign: 1, standing: 2 }));
    assert_eq!(read(&record(43, &[(1, 4), (2, 4), (3, 1), (4, 8)])), Entry::Other);
    let bound = record(44, &[(1, 8), (2, 4), (3, 8), (4, 4), (5, 8)]);
    assert_eq!(read(&bound), Entry::Campaign(CampaignChange::Bound { sku: 1, campaign: 2 }));
    let price = record(45, &[(1, 8), (2, 4), (3, 8), (4, 8), (5, 8), (6, 8), (8, 8), (9, 4), (7, 8)]);
    let change = CampaignChange::Price { sku: 1, version: 2, floor: 5, ceiling: 6 };
    assert_eq!(read(&price), Entry::Campaign(change));
}

#[test]
fn kinds_that_there_are_not_are_not_read() {
    assert_eq!([0, 17, 30].map(|kind| entry(kind, &[0; 300])), [None; 3]);
}

#[test]
fn any_bytes_at_all_are_read_without_a_panic() {
    for length in 0..200 {
        for kind in 0..80 {
            entry(kind, &vec![0xFF; length]);
        }
    }
}

#[test]
fn what_becomes_of_paid_orders_and_goods_is_read_field_by_field() {
    let line =
        |kind, to| record(kind, &[(7, 8), (5, 8), (1, 8), (3, 4), (9, 2), (to, 1), (4, 4), (6, 8), (2, 8)]);
    let line_of = |way| After::Line { way, order: 7, sku: 5, user: 1, units: 3, channel: 9, at: 2 };
    let step = |kind| record(kind, &[(7, 8), (4, 4), (6, 8), (2, 8)]);
    let short = |kind| record(kind, &[(7, 8), (5, 8), (3, 4), (1, 8), (2, 8)]);
    let short_of = |more| After::Short { order: 7, sku: 5, units: 3, more, at: 2 };
    let mut payment_id = [0; 16];
    payment_id[15] = 8;
    let cases = [
        (step(50), After::Step { order: 7, closes: false, at: 2 }),
        (step(52), After::Step { order: 7, closes: true, at: 2 }),
        (line(53, 0), line_of(Way::Shipped)),
        (line(54, 0), line_of(Way::Cancelled)),
        (line(55, 2), line_of(Way::Returned(2))),
        (
            record(56, &[(7, 8), (8, 8), (0, 8), (9, 8), (0, 8), (300, 8), (4, 4), (6, 8), (2, 8)]),
            After::PaidBack { order: 7, payment_id, amount: 300, at: 2 },
        ),
        (
            record(57, &[(5, 8), (4, 8), (u64::MAX, 8), (1, 8), (3, 8), (4, 4), (6, 8), (2, 8)]),
            After::Counted { sku: 5, on_hand: 4, change: -1, short: 1, as_of: 3, at: 2 },
        ),
        (short(58), short_of(true)),
        (short(59), short_of(false)),
        (record(60, &[(5, 8), (3, 8), (2, 8)]), After::WrittenOff { sku: 5, units: 3, at: 2 }),
        (
            record(61, &[(5, 8), (3, 8), (1, 1), (4, 4), (6, 8), (2, 8)]),
            After::Inspected { sku: 5, units: 3, to: 1, at: 2 },
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(read(&bytes), Entry::After(expected));
    }
}

#[test]
fn budgets_and_coupons_are_read_field_by_field() {
    let filled = record(70, &[(3, 4), (7, 2), (9, 8), (1, 8)]);
    assert_eq!(read(&filled), Entry::Budget(Money::Filled { budget: 3, partition: 7, cents: 9 }));
    let funder = record(66, &[(1, 4), (2, 4), (3, 4), (4, 8)]);
    assert_eq!(read(&funder), Entry::Budget(Money::Funder { budget: 1, share: 3 }));
    let issued = record(72, &[(1, 4), (2, 4), (3, 4), (4, 8), (5, 8), (6, 8), (7, 4), (8, 8)]);
    assert_eq!(read(&issued), Entry::Budget(Money::Issued { batch: 1, serials: 2, uses: 3 }));
    let coupon = record(74, &[(1, 8), (2, 8), (3, 8)]);
    assert_eq!(read(&coupon), Entry::Budget(Money::Coupon { kind: 74, coupon: 1, order: 2 }));
}

#[test]
fn stock_limits_and_deadlines_are_read_field_by_field() {
    let put = record(1, &[(1, 8), (2, 8), (3, 4), (4, 4), (0, 8), (0, 4), (5, 8)]);
    assert_eq!(read(&put), Entry::Put { sku: 1, units: 2, user_limit: 3, order_limit: 4, at: 5 });
    let restocked = record(2, &[(1, 8), (2, 8), (0, 8), (3, 8), (u64::MAX, 8), (0, 8), (0, 4), (5, 8)]);
    assert_eq!(read(&restocked), Entry::Restocked { number: 1, sku: 3, units: -1, at: 5 });
    let limits = record(46, &[(1, 8), (2, 4), (3, 4), (4, 8), (5, 4), (6, 8)]);
    assert_eq!(read(&limits), Entry::Limits { sku: 1, user_limit: 2, order_limit: 3 });
    let frozen = record(76, &[(1, 8), (1, 1), (4, 8), (5, 4), (6, 8)]);
    assert_eq!(read(&frozen), Entry::Frozen { sku: 1, frozen: true });
    assert_eq!(read(&record(9, &[(1, 8), (2, 8)])), Entry::Grace { until: 1, at: 2 });
    assert_eq!(read(&record(10, &[(1, 8), (2, 8)])), Entry::Checkpoint { digest: 1, at: 2 });
    let moved = Entry::Moved { order: 1, deadline: 4, at: 5 };
    assert_eq!(read(&record(11, &[(1, 8), (2, 8), (0, 8), (4, 8), (5, 8)])), moved);
    for kind in [12, 13] {
        assert_eq!(read(&record(kind, &[(1, 8), (4, 8), (5, 8)])), moved);
    }
    assert_eq!(read(&record(19, &[(1, 8), (4, 8), (5, 8)])), Entry::Offered { order: 1, deadline: 4, at: 5 });
    let paid = Paid { order: 1, payment_id: 2_u128.to_be_bytes(), amount: 3 };
    let fields = [(1, 8), (2, 8), (0, 8), (3, 8), (4, 8)];
    for (kind, entry) in [
        (5, Entry::Confirmed { paid, at: 4 }),
        (14, Entry::Reacquired { paid, at: 4 }),
        (15, Entry::RefundRequired { paid, at: 4 }),
        (16, Entry::Mismatched { paid, at: 4 }),
    ] {
        assert_eq!(read(&record(kind, &fields)), entry);
    }
}
