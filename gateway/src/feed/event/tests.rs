//! Each record of the log, with what the feed says of it and the bytes that say it.

use std::collections::BTreeSet;

use doorbuster_ledger::{
    Amount, BudgetId, ChannelId, Claim, LegEnd, LegHeld, Line, Quantity, Reserved, SetChannel, SkuId, Terms,
    UserId,
};
use doorbuster_protocol::{Fetched, Header, Kind, body};

use super::*;

#[path = "after_tests.rs"]
mod after_cases;
#[path = "budget_tests.rs"]
mod budget_cases;
#[path = "campaign_tests.rs"]
mod campaign_cases;

/// An order with one line, and one with several.
const PLAIN: u64 = 0x0010_0000_0000_0005;
const SEVERAL: u64 = 0x0018_0000_0000_0006;

const AT: Timestamp = Timestamp::new(0x0A);
const UNTIL: Timestamp = Timestamp::new(0x0B);
const REQUEST: [u8; 16] = [0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const PAYMENT: [u8; 16] = [0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

const REQUEST_HEX: &str = "1001020304050607 08090a0b0c0d0e0f";
const PAYMENT_HEX: &str = "a001020304050607 08090a0b0c0d0e0f";

fn plain() -> OrderNumber {
    OrderNumber::new(PLAIN)
}

fn several() -> OrderNumber {
    OrderNumber::new(SEVERAL)
}

fn request() -> RequestId {
    RequestId::new(u128::from_be_bytes(REQUEST))
}

fn payment() -> PaymentId {
    PaymentId::new(u128::from_be_bytes(PAYMENT))
}

fn reserved(number: OrderNumber, wait_ms: u32) -> Event {
    Event::Reserved(Reserved {
        number,
        request: request(),
        user: UserId::new(0x21),
        sku: SkuId::new(0x22),
        quantity: Quantity::new(3).unwrap(),
        amount: Amount::new(0x24),
        at: AT,
        asked_hold_ms: 0,
        hold_ms: 1,
        channel: ChannelId::new(0x25),
        moves: 0,
        wait_ms,
        terms: Terms { location: 0x26, pool: 0x27, ..Terms::default() },
        claim: None,
    })
}

/// The same order with a discount.
fn claiming(number: OrderNumber) -> Event {
    let Event::Reserved(reserved) = reserved(number, 0) else { unreachable!("it is placed") };
    let claim = Claim { budget: BudgetId::new(0x2A).unwrap(), amount: Amount::new(0x2B) };
    Event::Reserved(Reserved { claim: Some(claim), ..reserved })
}

fn end() -> LegEnd {
    LegEnd {
        order: several(),
        sku: SkuId::new(0x22),
        user: UserId::new(0x21),
        units: 3,
        channel: ChannelId::new(0x25),
        at: AT,
    }
}

fn order(kind: EventKind, order: u64) -> FeedEvent {
    FeedEvent { position: 7, at: 0x0A, kind: kind.byte(), order, ..FeedEvent::default() }
}

fn money(kind: EventKind) -> FeedEvent {
    FeedEvent { payment_id: PAYMENT, amount: 0x24, ..order(kind, PLAIN) }
}

fn placed(kind: EventKind, number: u64) -> FeedEvent {
    FeedEvent {
        channel: 0x25,
        user: 0x21,
        units: 3,
        amount: 0x24,
        until: 0x0B,
        request_id: REQUEST,
        ..order(kind, number)
    }
}

/// What happened, what the feed says of it, and where its bytes are not 0 behind position, time and kind: offset and hex.
type Case = (Event, FeedEvent, Vec<(usize, &'static str)>);

const PLAIN_AT: (usize, &str) = (24, "05000000 00001000");
const SEVERAL_AT: (usize, &str) = (24, "06000000 00001800");
const AMOUNT_AT: (usize, &str) = (56, "24");
const UNTIL_AT: (usize, &str) = (64, "0b");
const PAYMENT_AT: (usize, &str) = (88, PAYMENT_HEX);
const SKU_AT: (usize, &str) = (40, "22");
const UNITS_AT: (usize, &str) = (48, "03");
const BY_AT: (usize, &str) = (32, "28");
const REASON_AT: (usize, &str) = (20, "09");

/// What an operator did to the three units of SKU 0x22, without what he said of them.
fn operated(kind: EventKind) -> FeedEvent {
    FeedEvent { sku: 0x22, units: 3, user: 0x28, reason: 9, ..order(kind, 0) }
}

fn stock() -> Vec<Case> {
    let sku = SkuId::new(0x22);
    vec![
        (
            Event::SkuPut { sku, units: 3, user_limit: 4, order_limit: 5, by: 0x28, reason: 9, at: AT },
            FeedEvent { user_limit: 4, order_limit: 5, ..operated(EventKind::SkuPut) },
            vec![SKU_AT, UNITS_AT, BY_AT, REASON_AT, (112, "04"), (116, "05")],
        ),
        (
            Event::Restocked {
                number: plain(),
                request: request(),
                sku,
                units: -2,
                by: 0x28,
                reason: 9,
                at: AT,
            },
            FeedEvent { units: -2, order: PLAIN, request_id: REQUEST, ..operated(EventKind::Restocked) },
            vec![REASON_AT, BY_AT, PLAIN_AT, SKU_AT, (48, "feffffff ffffffff"), (72, REQUEST_HEX)],
        ),
        (
            Event::ChannelSet {
                rules: SetChannel {
                    sku,
                    channel: ChannelId::new(0x25),
                    guarantee: 3,
                    cap: Some(0x0102),
                    release_at: Some(UNTIL),
                    by: 0x28,
                    reason: 9,
                },
                at: AT,
            },
            FeedEvent { channel: 0x25, cap: 0x0102, until: 0x0B, ..operated(EventKind::ChannelSet) },
            vec![(18, "25"), BY_AT, REASON_AT, SKU_AT, UNITS_AT, UNTIL_AT, (120, "0201")],
        ),
        (
            Event::ChannelSet {
                rules: SetChannel {
                    sku,
                    channel: ChannelId::new(0x25),
                    guarantee: 3,
                    cap: None,
                    release_at: None,
                    by: 0x28,
                    reason: 9,
                },
                at: AT,
            },
            FeedEvent { channel: 0x25, cap: u64::MAX, ..operated(EventKind::ChannelSet) },
            vec![(18, "25"), BY_AT, REASON_AT, SKU_AT, UNITS_AT, (120, "ffffffff ffffffff")],
        ),
        (
            Event::Rebalanced {
                sku,
                from: ChannelId::new(0x25),
                to: ChannelId::new(0x29),
                units: 3,
                by: 0x28,
                reason: 9,
                at: AT,
            },
            FeedEvent { channel: 0x25, to: 0x29, ..operated(EventKind::Rebalanced) },
            vec![(18, "25"), BY_AT, REASON_AT, SKU_AT, UNITS_AT, (104, "29")],
        ),
    ]
}

fn holds() -> Vec<Case> {
    let whole = [(18, "25"), (32, "21"), UNITS_AT, AMOUNT_AT, UNTIL_AT, (72, REQUEST_HEX)];
    let discount = [(104, "2a"), (120, "2b")];
    let one = [PLAIN_AT, SKU_AT, (132, "26"), (134, "27")];
    let with_line = |kind| FeedEvent { sku: 0x22, location: 0x26, pool: 0x27, ..placed(kind, PLAIN) };
    vec![
        (reserved(plain(), 0), with_line(EventKind::Reserved), [&whole[..], &one].concat()),
        (reserved(plain(), 1), with_line(EventKind::Waitlisted), [&whole[..], &one].concat()),
        (reserved(several(), 0), placed(EventKind::Reserved, SEVERAL), [&whole[..], &[SEVERAL_AT]].concat()),
        (
            claiming(plain()),
            FeedEvent { to: 0x2A, cap: 0x2B, ..with_line(EventKind::Reserved) },
            [&whole[..], &one, &discount].concat(),
        ),
        (
            claiming(several()),
            FeedEvent { to: 0x2A, cap: 0x2B, ..placed(EventKind::Reserved, SEVERAL) },
            [&whole[..], &[SEVERAL_AT], &discount].concat(),
        ),
        (
            Event::Extended { number: plain(), deadline: UNTIL, at: AT },
            FeedEvent { until: 0x0B, ..order(EventKind::Extended, PLAIN) },
            vec![PLAIN_AT, UNTIL_AT],
        ),
        (
            Event::Offered { number: plain(), deadline: UNTIL, at: AT },
            FeedEvent { until: 0x0B, ..order(EventKind::Offered, PLAIN) },
            vec![PLAIN_AT, UNTIL_AT],
        ),
        (
            Event::Cancelled { number: plain(), reason: 9, at: AT },
            FeedEvent { reason: 9, ..order(EventKind::Cancelled, PLAIN) },
            vec![(20, "09"), PLAIN_AT],
        ),
        (Event::Expired { number: plain(), at: AT }, order(EventKind::Expired, PLAIN), vec![PLAIN_AT]),
        (Event::Evicted { number: plain(), at: AT }, order(EventKind::Evicted, PLAIN), vec![PLAIN_AT]),
        (
            Event::GraceGranted { until: UNTIL, at: AT },
            FeedEvent { until: 0x0B, ..order(EventKind::GraceGranted, 0) },
            vec![UNTIL_AT],
        ),
        (
            Event::Superseded { number: plain(), by: several(), at: AT },
            FeedEvent { to: SEVERAL, ..order(EventKind::Superseded, PLAIN) },
            vec![PLAIN_AT, (104, "06000000 00001800")],
        ),
        (
            Event::Cut { number: plain(), units: 3, amount: Amount::new(0x24), at: AT },
            FeedEvent { units: 3, amount: 0x24, ..order(EventKind::Cut, PLAIN) },
            vec![PLAIN_AT, UNITS_AT, AMOUNT_AT],
        ),
    ]
}

fn lines() -> Vec<Case> {
    let line = Line { sku: SkuId::new(0x22), units: 3, gifts: 2, location: 0x26, pool: 0x27 };
    let ended = |kind| FeedEvent { channel: 0x25, user: 0x21, sku: 0x22, units: 3, ..order(kind, SEVERAL) };
    let bytes = vec![(18, "25"), SEVERAL_AT, (32, "21"), SKU_AT, UNITS_AT];
    vec![
        (
            Event::LegHeld(LegHeld {
                order: several(),
                line,
                user: UserId::new(0x21),
                channel: ChannelId::new(0x25),
                deadline: UNTIL,
                at: AT,
            }),
            FeedEvent { until: 0x0B, gifts: 2, location: 0x26, pool: 0x27, ..ended(EventKind::LineHeld) },
            [&bytes[..], &[UNTIL_AT, (128, "02"), (132, "26"), (134, "27")]].concat(),
        ),
        (Event::LegReleased(end()), ended(EventKind::LineReleased), bytes.clone()),
        (Event::LegSold(end()), ended(EventKind::LineSold), bytes.clone()),
        (Event::LegCut(end()), ended(EventKind::LineCut), bytes.clone()),
        (Event::LegDropped(end()), ended(EventKind::LineDropped), bytes),
    ]
}

fn payments() -> Vec<Case> {
    let (number, payment, amount, at) = (plain(), payment(), Amount::new(0x24), AT);
    let bytes = || vec![PLAIN_AT, AMOUNT_AT, PAYMENT_AT];
    vec![
        (Event::Confirmed { number, payment, amount, at }, money(EventKind::Confirmed), bytes()),
        (Event::Reacquired { number, payment, amount, at }, money(EventKind::Reacquired), bytes()),
        (Event::RefundRequired { number, payment, amount, at }, money(EventKind::RefundRequired), bytes()),
        (
            Event::AmountMismatched { number, payment, amount, at },
            money(EventKind::AmountMismatched),
            bytes(),
        ),
        (
            Event::PayBegun { number, payment, deadline: UNTIL, at },
            FeedEvent { amount: 0, until: 0x0B, ..money(EventKind::PayBegun) },
            vec![PLAIN_AT, UNTIL_AT, PAYMENT_AT],
        ),
        (
            Event::PayFailed { number, deadline: UNTIL, at },
            FeedEvent { until: 0x0B, ..order(EventKind::PayFailed, PLAIN) },
            vec![PLAIN_AT, UNTIL_AT],
        ),
    ]
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// The bytes of one event: what a FETCHED with it has behind its own fields.
fn bytes(event: FeedEvent) -> Vec<u8> {
    let mut bytes = Vec::new();
    body::put(&Fetched { events: vec![event], ..Fetched::default() }, &mut bytes);
    bytes.split_off(48)
}

fn check(record: &Record, expected: FeedEvent, spans: &[(usize, &str)]) {
    let said = event(7, record);
    assert_eq!(said, expected, "{record:?}");
    let mut golden = vec![0; 136];
    golden[0] = 7;
    golden[8] = 0x0A;
    golden[16] = said.kind;
    for (offset, hex) in spans {
        let part = unhex(hex);
        golden[*offset..offset + part.len()].copy_from_slice(&part);
    }
    assert_eq!(bytes(said), golden, "{record:?}");
    // And back: whoever has these bytes has the event.
    let mut answer = Vec::new();
    body::put(&Fetched { events: vec![FeedEvent::default()], ..Fetched::default() }, &mut answer);
    answer[48..].copy_from_slice(&golden);
    let read: Fetched = body::read_one(&Header::new(Kind::Fetched, 1, 1), &answer).unwrap();
    assert_eq!(read.events, [said]);
}

#[test]
fn each_record_of_the_log_has_its_event_and_its_bytes() {
    let mut kinds = BTreeSet::from([EventKind::Checkpoint]);
    let others = [after_cases::cases(), budget_cases::cases(), campaign_cases::cases()].concat();
    for (happened, expected, spans) in [stock(), holds(), lines(), payments(), others].concat() {
        kinds.insert(expected.kind().unwrap());
        check(&Record::Event(happened), expected, &spans);
    }
    assert!(kinds.iter().eq(EventKind::ALL), "{kinds:?}");
}

#[test]
fn a_checkpoint_says_no_more_than_its_time() {
    let digest = doorbuster_ledger::Digest::default();
    check(&Record::Checkpoint { digest, at: AT }, order(EventKind::Checkpoint, 0), &[]);
}
