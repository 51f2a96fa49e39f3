//! The bytes of records about paid orders and goods, computed by another program (Python's `struct`); and what is refused.

use std::fmt::Debug;

use doorbuster_protocol::{
    Advance, GoodsTo, GoodsView, Header, Inspect, Kind, LineUnits, MAX_LINES, ProgressView, ProtocolError,
    ReadGoods, ReadProgress, ReadShortfall, Record, Refund, SetOnHand, ShortOrder, ShortfallView, Step, body,
};

/// Bytes 0x10 to 0x1f.
const ID: [u8; 16] = u128::to_be_bytes(0x1011_1213_1415_1617_1819_1A1B_1C1D_1E1F);

/// Bytes 0xa0 to 0xaf.
const PAYMENT: [u8; 16] = u128::to_be_bytes(0xA0A1_A2A3_A4A5_A6A7_A8A9_AAAB_ACAD_AEAF);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect()
}

fn read<R: Record>(bytes: &[u8]) -> Result<R, ProtocolError> {
    body::read_one(&Header::new(R::KINDS[0], 0, 1), bytes)
}

/// The record has these bytes, reads back from them, and from no part of them.
fn check<R: Record + PartialEq + Debug>(record: &R, hex: &str) {
    let golden = bytes(hex);
    let mut out = Vec::new();
    body::put(record, &mut out);
    assert_eq!(out, golden, "bytes of {record:?}");
    assert_eq!(read::<R>(&golden).as_ref(), Ok(record));
    for cut in 0..golden.len() {
        assert!(
            matches!(read::<R>(&golden[..cut]), Err(ProtocolError::Body { .. })),
            "{record:?} cut to {cut}"
        );
    }
}

#[test]
fn requests_have_these_bytes() {
    let lines = vec![LineUnits { sku: 6, units: 7 }, LineUnits { sku: 8, units: 9 }];
    check(
        &Advance { order: 1, user: 2, by: 3, reason: 4, step: 5, to: 2, lines },
        "0100000000000000 0200000000000000 0300000000000000 0400000005020200 0000000000000600
         0000000000000700 0000080000000000 000009000000",
    );
    check(
        &Refund { order: 1, user: 2, payment_id: PAYMENT, refund_id: ID, amount: 3, by: 4, reason: 5 },
        "0100000000000000 0200000000000000 a0a1a2a3a4a5a6a7 a8a9aaabacadaeaf 1011121314151617
         18191a1b1c1d1e1f 0300000000000000 0400000000000000 05000000",
    );
    check(
        &SetOnHand { sku: 1, on_hand: 2, as_of: 3, expected: u64::MAX, by: 5, reason: 6 },
        "0100000000000000 0200000000000000 0300000000000000 ffffffffffffffff 0500000000000000
         06000000",
    );
    check(
        &Inspect { sku: 1, units: 2, expected: 3, by: 4, reason: 5, to: 3 },
        "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500000003",
    );
    check(&ReadProgress { order: 1, user: 2, nth: 3 }, "0100000000000000 0200000000000000 03");
    check(&ReadGoods { sku: 1 }, "0100000000000000");
    check(
        &ReadShortfall { sku: 1, paid_at: 2, order: 3 },
        "0100000000000000 0200000000000000 0300000000000000",
    );
}

#[test]
fn views_have_these_bytes() {
    check(
        &ProgressView {
            code: 1000,
            state: 12,
            nth: 1,
            units: 2,
            order: 3,
            sku: 4,
            paid_at: 5,
            delivered_at: 6,
            return_until: 7,
            paid: 8,
            refunded: 9,
            shipped: 10,
            cancelled: 11,
            returned: 12,
            short: 13,
        },
        "e8030c0102000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000
         0700000000000000 0800000000000000 0900000000000000 0a0000000b000000 0c0000000d000000",
    );
    check(
        &GoodsView {
            code: 1000,
            reserved: 0,
            sku: 1,
            on_hand: 2,
            allocated: 3,
            shipped: 4,
            quarantine: 5,
            scrapped: 6,
            counted: -7,
            short: 8,
            named: 9,
            watermark: 10,
        },
        "e803000001000000 0000000002000000 0000000003000000 0000000004000000 0000000005000000
         0000000006000000 00000000f9ffffff ffffffff08000000 0000000009000000 000000000a000000
         00000000",
    );
    let order =
        |paid_at| ShortOrder { paid_at, order: paid_at + 1, units: u32::try_from(paid_at).unwrap_or(0) + 2 };
    let none = ShortOrder::default();
    let orders = [order(4), order(7), none, none];
    check(
        &ShortfallView { code: 1000, count: 2, reserved: 0, sku: 1, short: 2, named: 3, orders },
        "e803020001000000 0000000002000000 0000000003000000 0000000004000000 0000000005000000
         0000000006000000 0700000000000000 0800000000000000 0900000000000000 0000000000000000
         0000000000000000 0000000000000000 0000000000000000 00000000",
    );
}

fn refused<R: Record>(record: &R) -> &'static str {
    let mut out = Vec::new();
    body::put(record, &mut out);
    match read::<R>(&out) {
        Err(ProtocolError::Body { reason, .. }) => reason,
        other => panic!("{:?}", other.map(|_| "read")),
    }
}

#[test]
fn what_the_layout_cannot_say_is_refused() {
    let ship = Advance { step: Step::Ship.byte(), ..Advance::default() };
    assert_eq!(refused(&Advance { step: 0, ..ship.clone() }), "step is 1 to 6");
    assert_eq!(refused(&Advance { step: 7, ..ship.clone() }), "step is 1 to 6");
    assert_eq!(refused(&Advance { to: 1, ..ship.clone() }), "to is 0 unless units come back");
    let back = Advance { step: Step::Return.byte(), ..ship.clone() };
    assert_eq!(refused(&back), "of units that come back, to is 1 to 3");
    let lines = vec![LineUnits::default(); MAX_LINES + 1];
    assert_eq!(refused(&Advance { lines, ..ship }), "an order has at most 32 lines");
    assert_eq!(refused(&Inspect::default()), "to is 1 to 3");
}

#[test]
fn numbers_name_their_steps_and_places() {
    for step in Step::ALL {
        assert_eq!(Step::from_byte(step.byte()), Some(*step));
    }
    for to in GoodsTo::ALL {
        assert_eq!(GoodsTo::from_byte(to.byte()), Some(*to));
    }
    assert_eq!((Step::from_byte(0), GoodsTo::from_byte(4)), (None, None));
    assert_eq!(Kind::Advance.answer(), Some(Kind::Advanced));
}
