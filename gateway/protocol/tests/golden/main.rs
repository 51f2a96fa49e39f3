//! Every record's bytes, computed by another program (Python's `struct` and a CRC-32C by table). The layout is a promise
//! to clients in other languages: a change here is a new version of the protocol.

use std::fmt::Debug;

mod campaigns;
mod frames;

use doorbuster_protocol::{
    Access, Answer, Auth, BeginPay, Cancel, CancelLines, ChannelView, ChannelsView, Confirm, ConfirmLines,
    Credit, Extend, FailPay, Fault, FeedEvent, Fetch, Fetched, Header, Hello, Kind, Line, LineUnits,
    LineView, MAGIC, MAX_BODY, MAX_FETCH, OrderView, ProtocolError, Push, PutSku, ReadChannel, ReadChannels,
    ReadLine, ReadOrder, ReadStock, Rebalance, Record, Refused, Reserve, ReserveOrder, Restock, Role, Secret,
    SetChannel, StatusView, StockView, Watch, Welcome, body,
};

/// Bytes 0x10 to 0x1f.
const ID: [u8; 16] = u128::to_be_bytes(0x1011_1213_1415_1617_1819_1A1B_1C1D_1E1F);

/// Bytes 0xa0 to 0xaf.
const PAYMENT: [u8; 16] = u128::to_be_bytes(0xA0A1_A2A3_A4A5_A6A7_A8A9_AAAB_ACAD_AEAF);

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| {
        u8::from_str_radix(std::str::from_utf8(pair).expect("digits are ASCII"), 16).expect("hex digits")
    };
    digits.chunks(2).map(pair).collect()
}

fn encoded<R: Record>(record: &R) -> Vec<u8> {
    let mut out = Vec::new();
    body::put(record, &mut out);
    out
}

fn read_all<R: Record>(kind: Kind, count: u32, bytes: &[u8]) -> Result<Vec<R>, ProtocolError> {
    let mut found = Vec::new();
    body::read(&Header::new(kind, 0, count), bytes, |record| found.push(record))?;
    Ok(found)
}

/// The record has these bytes, reads back from them, and from no part of them.
fn check<R: Record + PartialEq + Debug>(record: &R, hex: &str) {
    let golden = bytes(hex);
    assert_eq!(encoded(record), golden, "bytes of {record:?}");
    for &kind in R::KINDS {
        let found = read_all::<R>(kind, 1, &golden);
        assert_eq!(found.as_deref(), Ok(std::slice::from_ref(record)));
        let mut twice = golden.clone();
        twice.extend_from_slice(&golden);
        assert_eq!(read_all::<R>(kind, 2, &twice).map(|all| all.len()), Ok(2));
        for cut in 0..golden.len() {
            let cut_short = read_all::<R>(kind, 1, &golden[..cut]);
            assert!(
                matches!(cut_short, Err(ProtocolError::Body { index: 0, .. })),
                "{record:?} cut to {cut}"
            );
            let second_cut = read_all::<R>(kind, 2, &twice[..golden.len() + cut]);
            assert!(matches!(second_cut, Err(ProtocolError::Body { index: 1, .. })), "{record:?} twice, cut");
        }
        twice.truncate(golden.len() + 1);
        let left_over = read_all::<R>(kind, 1, &twice);
        assert!(matches!(left_over, Err(ProtocolError::Body { index: 1, .. })), "{record:?} and a byte more");
        let empty = read_all::<R>(kind, 0, &[]);
        assert!(matches!(empty, Err(ProtocolError::BatchSize { count: 0, .. })), "{record:?} none");
    }
    let mut place = vec![0xEE; golden.len()];
    body::put_at(record, &mut place);
    assert_eq!(place, golden, "{record:?} put over a place");
}

fn sample_reserve() -> Reserve {
    Reserve {
        request_id: ID,
        user: 1,
        sku: 2,
        amount: 3,
        hold_ms: 4,
        quantity: 5,
        campaign: 6,
        price_version: 7,
        channel: 8,
        tier: 9,
        location: 10,
        pool: 11,
    }
}

fn sample_order() -> ReserveOrder {
    ReserveOrder {
        request_id: ID,
        user: 1,
        amount: 2,
        hold_ms: 3,
        campaign: 4,
        price_version: 5,
        channel: 6,
        tier: 7,
        device: 8,
        address: 9,
        pay_account: 10,
        supersedes: 19,
        wait_ms: 20,
        lines: vec![
            Line { sku: 11, quantity: 12, location: 13, pool: 14, gift: 0 },
            Line { sku: 15, quantity: 16, location: 17, pool: 18, gift: 1 },
        ],
    }
}

const RESERVE_HEX: &str =
    "101112131415161718191a1b1c1d1e1f 0100000000000000 0200000000000000 0300000000000000
    04000000 05000000 06000000 07000000 0800 0900 0a00 0b00";

#[test]
fn the_greeting_has_these_bytes() {
    check(
        &Hello { magic: MAGIC, oldest: 1, newest: 2, features: 3, client: "shop".to_owned() },
        "444f4f5242535452 01 02 0300000000000000 0400000000000000 73686f70",
    );
    check(
        &Welcome {
            version: 1,
            durability: 2,
            features: 3,
            now_ms: 0x0102_0304_0506_0708,
            log_id: ID,
            max_batch: 5,
            max_body: 6,
            max_in_flight: 7,
            idempotency_window_ms: 8,
            default_hold_ms: 9,
            max_hold_ms: 10,
            server: "db".to_owned(),
        },
        "01 02 0300000000000000 0807060504030201 101112131415161718191a1b1c1d1e1f 05000000 06000000 07000000
         0800000000000000 09000000 0a000000 0200000000000000 6462",
    );
    check(
        &Fault { code: 1104, retry_after_ms: 5, message: "no".to_owned() },
        "5004 05000000 0200000000000000 6e6f",
    );
}

#[test]
fn requests_have_these_bytes() {
    check(&sample_reserve(), RESERVE_HEX);
    check(
        &sample_order(),
        "101112131415161718191a1b1c1d1e1f 0100000000000000 0200000000000000 03000000 04000000 05000000 0600 0700
         0800000000000000 0900000000000000 0a00000000000000 1300000000000000 14000000 0200000000000000
         0b00000000000000 0c000000 0d00 0e00 00 0f00000000000000 10000000 1100 1200 01",
    );
    check(
        &Confirm { order: 1, user: 2, payment_id: PAYMENT, amount: 3 },
        "0100000000000000 0200000000000000 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 0300000000000000",
    );
    check(&Cancel { order: 1, user: 2, reason: 3 }, "0100000000000000 0200000000000000 03000000");
    check(
        &BeginPay { order: 1, user: 2, payment_id: PAYMENT, slow: 1 },
        "0100000000000000 0200000000000000 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 01",
    );
    check(
        &FailPay { order: 1, user: 2, payment_id: PAYMENT },
        "0100000000000000 0200000000000000 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
    );
    check(
        &SetChannel { sku: 1, guarantee: 2, cap: 3, release_at: 4, channel: 5, by: 6, reason: 7 },
        "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500
         0600000000000000 07000000",
    );
    check(
        &Rebalance { sku: 1, units: 2, keep: 3, expected: 4, from: 5, to: 6, reason: 7, by: 8 },
        "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500 0600 07000000
         0800000000000000",
    );
    check(&ReadChannel { sku: 1, channel: 2 }, "0100000000000000 0200");
    check(&ReadChannels { sku: 1, first: 2 }, "0100000000000000 0200");
    check(&Watch { order: 1, user: 2 }, "0100000000000000 0200000000000000");
    let push = Push { order: 1, user: 2, sku: 3, expires_at: 4, at: 5, quantity: 6, state: 1 };
    check(
        &push,
        "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500000000000000 06000000 01",
    );
    check(
        &Refused { first: 1, frames: 2, operations: 3, retry_after_ms: 4, code: 5, reserved: 0 },
        "0100000000000000 02000000 03000000 04000000 0500 0000",
    );
    check(&Credit { operations: 1, load: 2, reserved: [0; 3] }, "01000000 02 000000");
    let lines = vec![LineUnits { sku: 4, units: 5 }, LineUnits { sku: 6, units: 7 }];
    check(
        &ConfirmLines { order: 1, user: 2, payment_id: PAYMENT, amount: 3, lines: lines.clone() },
        "0100000000000000 0200000000000000 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 0300000000000000 0200000000000000
         0400000000000000 05000000 0600000000000000 07000000",
    );
    check(
        &CancelLines { order: 1, user: 2, amount: 3, reason: 8, lines },
        "0100000000000000 0200000000000000 0300000000000000 08000000 0200000000000000
         0400000000000000 05000000 0600000000000000 07000000",
    );
    check(&ReadLine { order: 1, user: 2, nth: 3 }, "0100000000000000 0200000000000000 03");
    check(&Extend { order: 1, user: 2, until: 3 }, "0100000000000000 0200000000000000 0300000000000000");
    check(&ReadOrder { order: 1, user: 2 }, "0100000000000000 0200000000000000");
    check(&ReadStock { sku: 0x0807_0605_0403_0201 }, "0102030405060708");
    check(
        &PutSku { sku: 1, units: 2, user_limit: 3, order_limit: 4, by: 5, reason: 6 },
        "0100000000000000 0200000000000000 03000000 04000000 0500000000000000 06000000",
    );
    check(
        &Restock { request_id: ID, sku: 1, units: -2, reason: 3, by: 4 },
        "101112131415161718191a1b1c1d1e1f 0100000000000000 feffffffffffffff 03000000 0400000000000000",
    );
}

#[test]
fn the_feed_has_these_bytes() {
    check(
        &Fetch {
            from: 1,
            kinds: 2,
            order: 3,
            sku: 4,
            user: 5,
            max_events: 6,
            wait_ms: 7,
            partition: 8,
            by: 15,
            reserved: 0,
        },
        "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500000000000000 06000000 07000000
         0800 0f 00",
    );
    let event = FeedEvent {
        position: 1,
        at: 2,
        kind: 3,
        goods_to: 0,
        channel: 4,
        reason: 5,
        order: 6,
        user: 7,
        sku: 8,
        units: -9,
        amount: 10,
        until: 11,
        request_id: ID,
        payment_id: PAYMENT,
        to: 12,
        user_limit: 13,
        order_limit: 14,
        cap: 15,
        gifts: 16,
        location: 17,
        pool: 18,
    };
    check(
        &Fetched {
            code: 1000,
            reserved: 0,
            retry_after_ms: 1,
            next: 2,
            durable: 3,
            log_id: ID,
            events: vec![event],
        },
        "e803 0000 01000000 0200000000000000 0300000000000000 101112131415161718191a1b1c1d1e1f 0100000000000000
         0100000000000000 0200000000000000 03 00 0400 05000000 0600000000000000 0700000000000000 0800000000000000
         f7ffffffffffffff 0a00000000000000 0b00000000000000 101112131415161718191a1b1c1d1e1f
         a0a1a2a3a4a5a6a7a8a9aaabacadaeaf 0c00000000000000 0d000000 0e000000 0f00000000000000 10000000 1100 1200",
    );
}

#[test]
fn as_many_events_as_an_answer_may_have_can_be_read() {
    let full = Fetched { events: vec![FeedEvent::default(); MAX_FETCH as usize], ..Fetched::default() };
    let bytes = encoded(&full);
    assert!(bytes.len() <= MAX_BODY as usize);
    assert_eq!(read_all::<Fetched>(Kind::Fetched, 1, &bytes), Ok(vec![full]));
}

#[test]
fn a_skus_accounts_have_these_bytes() {
    check(
        &StockView {
            code: 1000,
            frozen: 1,
            reserved: 0,
            user_limit: 1,
            order_limit: 2,
            holds: 3,
            sku: 4,
            available: 5,
            held: 6,
            sold: 7,
            stocked: 8,
            next_expiry: 9,
            waiting: 10,
        },
        "e803 0100 01000000 02000000 03000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000
         0800000000000000 0900000000000000 0a000000",
    );
}

#[test]
fn answers_have_these_bytes() {
    check(
        &Answer { code: 1200, state: 1, field: 2, retry_after_ms: 3, order: 4, at: 5, units: 6 },
        "b004 01 02 03000000 0400000000000000 0500000000000000 0600000000000000",
    );
    check(
        &OrderView {
            code: 1000,
            state: 2,
            refunds: 13,
            quantity: 3,
            order: 4,
            user: 5,
            sku: 6,
            placed_at: 7,
            expires_at: 8,
            ended_at: 9,
            amount: 10,
            request_id: ID,
            payment_id: PAYMENT,
            channel: 11,
            tier: 12,
            lines: 14,
        },
        "e803 02 0d 03000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000 0800000000000000
         0900000000000000 0a00000000000000 101112131415161718191a1b1c1d1e1f a0a1a2a3a4a5a6a7a8a9aaabacadaeaf
         0b00 0c00 0e00",
    );
    let mut two = [0; 32];
    two[..2].copy_from_slice(&[4, 5]);
    check(
        &ChannelsView { code: 1000, count: 2, more: 1, sku: 3, channels: two },
        &format!("e803 02 01 0300000000000000 0400 0500 {}", "0000 ".repeat(30)),
    );
    check(
        &ChannelView {
            code: 1000,
            channel: 1,
            reserved: 0,
            sku: 2,
            guarantee: 3,
            cap: 4,
            release_at: 5,
            taken: 6,
            available: 7,
        },
        "e803 0100 0000 0200000000000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000
         0700000000000000",
    );
    check(
        &LineView {
            code: 1000,
            nth: 1,
            reserved: 0,
            ordered: 2,
            order: 3,
            sku: 4,
            units: 5,
            gifts: 6,
            location: 7,
            pool: 8,
        },
        "e803 01 00 02000000 0300000000000000 0400000000000000 05000000 06000000 0700 0800",
    );
    check(
        &StatusView {
            code: 1000,
            durability: 1,
            throwaway: 1,
            shards: 2,
            now_ms: 3,
            skus: 4,
            orders: 5,
            available: 6,
            held: 7,
            sold: 8,
            decided: 9,
            durable: 10,
            sync_p99_us: 11,
        },
        "e803 01 01 02000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000
         0800000000000000 0900000000000000 0a00000000000000 0b00000000000000",
    );
}

/// The least length that the crate states is the length of the smallest value: the server sizes answers by it.
fn smallest<R: Record>(record: &R) {
    assert_eq!(encoded(record).len(), R::MIN_LEN, "{:?}", R::KINDS);
}

#[test]
fn the_least_length_of_each_record_is_its_smallest_length() {
    smallest(&Hello { magic: MAGIC, oldest: 0, newest: 0, features: 0, client: String::new() });
    smallest(&Welcome {
        version: 0,
        durability: 0,
        features: 0,
        now_ms: 0,
        log_id: [0; 16],
        max_batch: 0,
        max_body: 0,
        max_in_flight: 0,
        idempotency_window_ms: 0,
        default_hold_ms: 0,
        max_hold_ms: 0,
        server: String::new(),
    });
    smallest(&Fault { code: 0, retry_after_ms: 0, message: String::new() });
    smallest(&ReserveOrder::default());
    // The others have one length, whatever is in them.
    smallest(&Reserve::default());
    smallest(&sample_reserve());
    smallest(&Confirm::default());
    smallest(&Confirm { order: u64::MAX, user: u64::MAX, payment_id: [0xFF; 16], amount: u64::MAX });
    smallest(&Cancel::default());
    smallest(&Cancel { order: u64::MAX, user: u64::MAX, reason: u32::MAX });
    smallest(&BeginPay::default());
    smallest(&FailPay::default());
    smallest(&Extend::default());
    smallest(&ConfirmLines::default());
    smallest(&CancelLines::default());
    smallest(&ReadLine::default());
    smallest(&ReadLine { order: u64::MAX, user: u64::MAX, nth: u8::MAX });
    smallest(&SetChannel::default());
    smallest(&SetChannel { cap: u64::MAX, channel: u16::MAX, ..SetChannel::default() });
    smallest(&Rebalance::default());
    smallest(&ReadChannel::default());
    smallest(&ReadChannels::default());
    smallest(&ChannelsView::default());
    smallest(&ChannelView::default());
    smallest(&ReadOrder::default());
    smallest(&ReadOrder { order: u64::MAX, user: u64::MAX });
    smallest(&Watch::default());
    smallest(&Watch { order: u64::MAX, user: u64::MAX });
    smallest(&Push::default());
    smallest(&Push { order: u64::MAX, quantity: u32::MAX, state: u8::MAX, ..Push::default() });
    smallest(&Refused::default());
    smallest(&Refused { first: u64::MAX, frames: u32::MAX, code: u16::MAX, ..Refused::default() });
    smallest(&Credit { operations: 1, ..Credit::default() });
    smallest(&ReadStock::default());
    smallest(&ReadStock { sku: u64::MAX });
    smallest(&PutSku::default());
    smallest(&PutSku {
        sku: u64::MAX,
        units: u64::MAX,
        user_limit: u32::MAX,
        by: u64::MAX,
        ..PutSku::default()
    });
    smallest(&Restock::default());
    smallest(&Restock {
        request_id: [0xFF; 16],
        sku: u64::MAX,
        units: i64::MIN,
        reason: u32::MAX,
        by: u64::MAX,
    });
    smallest(&Answer::default());
    smallest(&Answer {
        code: u16::MAX,
        state: 255,
        field: 255,
        retry_after_ms: u32::MAX,
        ..Answer::default()
    });
    smallest(&OrderView::default());
    smallest(&OrderView { quantity: u32::MAX, amount: u64::MAX, tier: u16::MAX, ..OrderView::default() });
    smallest(&LineView::default());
    smallest(&LineView { order: u64::MAX, gifts: u32::MAX, pool: u16::MAX, ..LineView::default() });
    smallest(&StockView::default());
    smallest(&StockView { holds: u32::MAX, next_expiry: u64::MAX, ..StockView::default() });
    smallest(&StatusView::default());
    smallest(&StatusView { shards: u32::MAX, sync_p99_us: u64::MAX, ..StatusView::default() });
}

#[test]
fn a_proof_and_what_is_granted_for_it_have_these_bytes() {
    let secret = Secret::new(std::array::from_fn(|nth| 0x40 + u8::try_from(nth).expect("32 bytes")));
    let golden: Vec<u8> = (0x40..0x60).collect();
    assert_eq!(encoded(&Auth { secret }), golden);
    let read = read_all::<Auth>(Kind::Auth, 1, &golden).expect("32 bytes are a proof");
    assert_eq!((read.len(), &read[0].secret.bytes()[..]), (1, &golden[..]));
    assert!(read_all::<Auth>(Kind::Auth, 1, &golden[..31]).is_err());
    let access = Access { ends_at: 0x0102_0304_0506_0708, role: Role::Observer.byte(), ..Access::default() };
    check(&access, "0807060504030201 04 00000000000000");
}

#[test]
fn roles_keep_their_bytes_and_names() {
    let known = Role::ALL.iter().map(|role| (role.byte(), role.name()));
    let expected = [(1, "storefront"), (2, "feed"), (3, "operator"), (4, "observer")];
    assert_eq!(known.collect::<Vec<_>>(), expected);
    for (byte, name) in expected {
        assert_eq!(Role::from_byte(byte), Role::from_name(name));
    }
    assert_eq!((Role::from_byte(0), Role::from_name("Operator")), (None, None));
}
