//! Logs that were made up, held against accounts that were made up.

use doorbuster_auditor::forge::{Forger, put, reserved};

use super::*;
use crate::journal::Refusal;

fn attempt(user: u32, order: u64) -> Attempt {
    let mut request_id = [u8::try_from(user).expect("small"); 16];
    request_id[0] = 0x55;
    Attempt { request_id, order, user, sku: 0, reserved: Code::Ok.number(), ..Attempt::default() }
}

/// A log of these records, as it adds up; one SKU, 5, whose ended orders stay for 100 ms.
fn replay(records: &[Vec<u8>]) -> (Sale, Replay) {
    let folder = tempfile::tempdir().expect("a folder");
    Forger::of(&[records.to_vec()]).write(folder.path()).expect("written");
    let sale = Sale { skus: 5..6, units_each: 1, restocked_each: 0, user_limit: 0, retention_ms: 100 };
    let replay = Replay::read(folder.path(), sale.expected());
    (sale, replay)
}

fn audit(records: &[Vec<u8>], journal: &Journal) -> Audit {
    let (sale, replay) = replay(records);
    let mut audit = Audit::default();
    check(&sale, journal, &replay, &mut audit);
    audit
}

fn of(attempts: &[Attempt]) -> Journal {
    Journal { attempts: attempts.to_vec(), ..Journal::default() }
}

/// A record of this kind: an order's number, these bytes, and when.
fn record(kind: u8, order: u64, between: &[u8], at: u64) -> Vec<u8> {
    [&[kind], &order.to_le_bytes()[..], between, &at.to_le_bytes()].concat()
}

fn waitlisted(order: u64, user: u64, wait_ms: u32) -> Vec<u8> {
    let mut id = [u8::try_from(user).expect("small"); 16];
    id[0] = 0x55;
    id.reverse();
    let mut bytes = vec![18];
    bytes.extend(wait_ms.to_le_bytes());
    bytes.extend(order.to_le_bytes());
    bytes.extend(id);
    bytes.extend(user.to_le_bytes());
    bytes.extend([0; 60]);
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(5_u64.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

fn faults(audit: &Audit, name: &str) -> Vec<String> {
    let check = audit.checks.iter().find(|check| check.name == name).expect("that rule");
    check.faults.examples.clone()
}

#[test]
fn a_log_that_says_what_was_acknowledged_is_sound() {
    let audit = audit(&[put(5, 1), reserved(1, 2, 5)], &of(&[attempt(2, 1)]));
    assert_eq!((audit.faults(), audit.lost_effects, audit.checks[0].examined), (0, 0, 2), "{audit:?}");
}

#[test]
fn an_acknowledged_order_that_the_log_lacks_is_lost() {
    let audit = audit(&[put(5, 1)], &of(&[attempt(2, 1)]));
    assert_eq!((audit.faults(), audit.lost_effects), (1, 1));
}

#[test]
fn an_order_that_nobody_asked_for_is_found() {
    let audit = audit(&[put(5, 1), reserved(1, 2, 5)], &of(&[]));
    assert_eq!(audit.lost_effects, 0);
    assert!(faults(&audit, "log")[0].contains("never asked for"), "{audit:?}");
}

#[test]
fn a_log_that_sells_more_than_it_has_is_found() {
    let records = [put(5, 1), reserved(1, 2, 5), reserved(2, 3, 5)];
    let audit = audit(&records, &of(&[attempt(2, 1), attempt(3, 2)]));
    assert_eq!(audit.faults(), 1, "{audit:?}");
    assert!(faults(&audit, "log")[0].contains("isn't there"));
}

#[test]
fn a_payment_and_an_expiry_of_one_order_contradict_each_other() {
    let records = [put(5, 1), reserved(1, 2, 5), record(5, 1, &[0; 24], 0), record(7, 1, &[], 0)];
    let audit = audit(&records, &of(&[attempt(2, 1)]));
    let found = faults(&audit, "log");
    assert!(found.iter().any(|line| line.contains("Confirmed and becomes Expired")), "{found:?}");
}

#[test]
fn an_order_that_leaves_memory_before_its_retention_is_over_is_found() {
    for (at, faults_expected) in [(149, 1), (150, 0)] {
        let records = [put(5, 1), reserved(1, 2, 5), record(7, 1, &[], 50), record(8, 1, &[], at)];
        let audit = audit(&records, &of(&[attempt(2, 1)]));
        assert_eq!(audit.faults(), faults_expected, "{audit:?}");
    }
    let (_, replay) = replay(&[put(5, 1), reserved(1, 2, 5), record(7, 1, &[], 50), record(8, 1, &[], 150)]);
    let view = crate::audit::evicted::view(&replay, 1).expect("it left");
    assert_eq!((view.user, view.state), (2, doorbuster_protocol::OrderState::Expired.byte()));
}

#[test]
fn whoever_waits_gets_what_comes_back_and_the_wish_must_have_been_sent() {
    let offered = |order: u64| record(19, order, &[0; 8], 60);
    let records = [
        put(5, 1),
        reserved(1, 2, 5),
        waitlisted(2, 3, 500),
        waitlisted(3, 4, 500),
        record(7, 1, &[], 50),
        offered(2),
    ];
    let waits = |user, order| Attempt {
        waits: true,
        waitlisted: Code::Waitlisted.number(),
        reserved: Code::SoldOut.number(),
        ..attempt(user, order)
    };
    let journal = of(&[attempt(2, 1), waits(3, 2), waits(4, 3)]);
    let sound = audit(&records, &journal);
    assert_eq!((sound.faults(), sound.lost_effects), (0, 0), "{sound:?}");

    let mut overtaken = records.clone();
    overtaken[5] = offered(3);
    assert!(faults(&audit(&overtaken, &journal), "waitlist")[0].contains("order 2 came before"));
    assert!(faults(&audit(&records[..5], &journal), "waitlist")[0].contains("lie idle"));

    let mut unasked = journal.clone();
    unasked.attempts[1].waits = false;
    assert!(faults(&audit(&records, &unasked), "log")[0].contains("nobody asked for that"));
}

#[test]
fn sold_out_while_the_log_has_units_left_is_found() {
    let records = [put(5, 1), reserved(1, 2, 5), record(7, 1, &[], 50)];
    let told = |after, until| {
        let refusals = vec![Refusal { sku: 0, channel: None, after, until }];
        audit(&records, &Journal { refusals, ..of(&[attempt(2, 1)]) }).faults()
    };
    assert_eq!((told(1, 2), told(2, 2), told(2, 3)), (0, 0, 0));
    assert_eq!((told(1, 1), told(3, 3)), (1, 1));
}
