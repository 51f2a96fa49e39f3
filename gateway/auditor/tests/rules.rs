//! Logs of which every byte is in order, and one event can't have happened: each rule convicts its own, at its place.

use doorbuster_auditor::forge::{
    Forger, Hold, leg_ended, leg_held, opened, paid, put, put_with, record, reserved, several,
};
use doorbuster_auditor::{Certificate, Certified, Contradiction, certify};

const SKU: u64 = 5;

fn audit(records: &[Vec<u8>]) -> Certified {
    let folder = tempfile::tempdir().expect("a folder");
    let mut forger = Forger::new();
    // The last event has a block of its own, in a segment of its own.
    if let Some((last, before)) = records.split_last() {
        forger.records(before);
        forger.begin_segment();
        forger.block(std::slice::from_ref(last));
    }
    forger.write(folder.path()).expect("written");
    certify(folder.path(), &mut |_, _| {}).expect("the bytes are whole")
}

fn sound(records: &[Vec<u8>]) -> Certificate {
    match audit(records) {
        Certified::Sound(certificate) => certificate,
        Certified::Contradicted(contradiction) => panic!("{contradiction}"),
    }
}

/// The log is sound without its last event, and convicted at that event with it.
fn convicts(records: &[Vec<u8>], what: &str) -> Contradiction {
    let [before @ .., _] = records else { panic!("an event is forged") };
    sound(before);
    let Certified::Contradicted(found) = audit(records) else { panic!("nobody saw: {what}") };
    assert_eq!(found.position, records.len() as u64 - 1, "{found}");
    assert_eq!((found.file.as_str(), found.offset), ("segment-0000000002.log", 4_096), "{found}");
    assert!(found.to_string().contains(what), "{what}: {found}");
    found
}

fn cancelled(order: u64, at: u64) -> Vec<u8> {
    record(6, &[(order, 8), (0, 4), (at, 8)])
}

fn expired(order: u64, at: u64) -> Vec<u8> {
    record(7, &[(order, 8), (at, 8)])
}

fn held(order: u64, user: u64) -> Hold {
    Hold { hold_ms: 1_000, ..Hold::new(order, user, SKU) }
}

/// A hold by a request of its own.
fn another(order: u64, user: u64) -> Hold {
    Hold { request: Some([0x77; 16]), ..held(order, user) }
}

#[test]
fn a_story_that_happened_is_certified_with_its_sums() {
    let certificate = sound(&[
        put(SKU, 10),
        held(1, 2).record(),
        paid(5, 1, 9, 300, 20),
        Hold { units: 2, channel: 7, ..held(2, 3) }.record(),
        cancelled(2, 30),
        Hold { units: 3, channel: 7, ..held(3, 4) }.record(),
        record(2, &[(90, 8), (1, 8), (1, 8), (SKU, 8), (5, 8), (0, 8), (0, 4), (40, 8)]),
        paid(15, 1, 8, 300, 50),
    ]);
    let sku = certificate.skus[0];
    assert_eq!((sku.sku, sku.brought, sku.available, sku.held, sku.sold), (SKU, 15, 11, 3, 1));
    let channels: Vec<_> = certificate.channels.iter().map(|row| (row.channel, row.held, row.sold)).collect();
    assert_eq!(channels, [(0, 0, 1), (7, 3, 0)]);
    let orders = certificate.orders;
    assert_eq!((orders.placed, orders.held, orders.confirmed, orders.cancelled), (3, 1, 1, 1));
    let money = certificate.money;
    assert_eq!((money.bought, money.bought_minor, money.refunds, money.refunds_minor), (1, 300, 1, 300));
    assert_eq!((certificate.records, certificate.segments, certificate.oversold), (8, 2, 0));
}

#[test]
fn the_state_is_one_for_the_same_story_and_another_for_another() {
    let story = |units: u64| [put(SKU, units), held(1, 2).record(), paid(5, 1, 9, 0, 20)];
    assert_eq!(sound(&story(10)).state, sound(&story(10)).state);
    assert_ne!(sound(&story(10)).state, sound(&story(11)).state);
    assert_ne!(sound(&story(10)).state, sound(&story(10)[..2]).state);
}

#[test]
fn a_unit_that_is_not_there_is_sold() {
    let found = convicts(
        &[put(SKU, 1), held(1, 2).record(), held(2, 3).record()],
        "order 2 takes a unit of SKU 5 that isn't there: its account falls to -1",
    );
    assert_eq!(found.count, 1);
}

#[test]
fn units_that_are_promised_are_withdrawn() {
    let minus = 1_u64.wrapping_neg();
    convicts(
        &[
            put(SKU, 1),
            held(1, 2).record(),
            record(2, &[(90, 8), (1, 8), (1, 8), (SKU, 8), (minus, 8), (0, 8), (0, 4), (40, 8)]),
        ],
        "-1 units of SKU 5 are withdrawn, and its account falls to -1",
    );
    convicts(&[put(SKU, 1), put(SKU, 1)], "SKU 5 is set up twice");
}

#[test]
fn a_limit_for_a_shopper_or_an_order_is_passed() {
    convicts(
        &[put_with(SKU, 9, 1, 0), held(1, 2).record(), another(2, 2).record()],
        "order 2 takes user 2 over his limit of SKU 5",
    );
    let limits =
        |user: u64, order: u64| record(46, &[(SKU, 8), (user, 4), (order, 4), (0, 8), (0, 4), (0, 8)]);
    convicts(
        &[put(SKU, 9), held(1, 2).record(), limits(1, 0), another(2, 2).record()],
        "order 2 takes user 2 over his limit of SKU 5",
    );
    convicts(
        &[put_with(SKU, 9, 0, 1), Hold { units: 2, ..held(1, 2) }.record()],
        "order 1 has 2 units of SKU 5, and an order may have 1",
    );
    // What was given back counts no longer.
    sound(&[put_with(SKU, 9, 1, 0), held(1, 2).record(), cancelled(1, 5), another(2, 2).record()]);
}

/// A campaign that sells from 100 on, and lets a shopper have two units of a group of SKUs.
fn campaign(skus: &[u64]) -> Vec<Vec<u8>> {
    let phase = record(
        40,
        &[
            (1, 4),
            (1, 4),
            (0, 1),
            (100, 8),
            (1, 1),
            (0, 2),
            (0, 4),
            (0, 4),
            (2, 4),
            (0, 4),
            (0, 2),
            (0, 2),
            (0, 8),
            (0, 8),
            (0, 4),
            (1, 8),
        ],
    );
    let plan = record(41, &[(1, 4), (1, 4), (1, 1), (0, 1), (0, 4), (0, 8), (0, 4), (1, 8)]);
    let mut records: Vec<Vec<u8>> = skus.iter().map(|sku| put(*sku, 9)).collect();
    records.extend([phase, plan]);
    records.extend(skus.iter().map(|sku| record(44, &[(*sku, 8), (1, 4), (0, 8), (0, 4), (1, 8)])));
    records
}

#[test]
fn a_limit_of_a_campaigns_group_is_passed_over_several_skus() {
    let skus = [1_u64, 2].map(|number| 1 << 63 | 7 << 32 | number);
    let hold = |order, sku, units| Hold { sku, units, at: 100, ..another(order, 2) }.record();
    let mut records = campaign(&skus);
    records.push(hold(1, skus[0], 1));
    sound(&[&records[..], &[hold(2, skus[1], 1)]].concat());
    records.push(hold(2, skus[1], 2));
    convicts(&records, "order 2 takes user 2 over his limit of SKU");
}

#[test]
fn an_order_is_placed_while_its_campaign_sells_nothing() {
    let mut records = campaign(&[SKU]);
    records.push(Hold { at: 99, ..held(1, 2) }.record());
    convicts(&records, "order 1 for SKU 5 at 99, when its campaign sold nothing");
}

#[test]
fn units_of_a_frozen_sku_are_taken() {
    let frozen = |on: u64| record(76, &[(SKU, 8), (on, 1), (0, 8), (0, 4), (1, 8)]);
    convicts(&[put(SKU, 9), frozen(1), held(1, 2).record()], "order 1 takes units of SKU 5, which is frozen");
    sound(&[put(SKU, 9), frozen(1), frozen(0), held(1, 2).record()]);
}

#[test]
fn a_sold_unit_goes_back_twice() {
    let bought = [put(SKU, 9), held(1, 2).record(), paid(5, 1, 9, 0, 20)];
    let convict = |event: Vec<u8>, what: &str| convicts(&[&bought[..], &[event]].concat(), what);
    convict(cancelled(1, 30), "order 1 was Confirmed and becomes Cancelled");
    convict(expired(1, 2_000), "order 1 was Confirmed and becomes Expired");
    let back =
        |kind| record(kind, &[(1, 8), (SKU, 8), (2, 8), (1, 4), (0, 2), (0, 1), (0, 4), (0, 8), (40, 8)]);
    let twice = [&bought[..], &[back(54), back(54)]].concat();
    convicts(&twice, "1 units of SKU 5 of order 1 are Cancelled; it has 0");
    convict(back(55), "are Returned");
    convicts(
        &[put(SKU, 9), held(1, 2).record(), cancelled(1, 30), cancelled(1, 31)],
        "order 1 was Cancelled and becomes Cancelled",
    );
}

#[test]
fn a_line_goes_back_twice_or_without_its_order() {
    let order = several(1);
    let hold = [
        put(SKU, 4),
        put(6, 4),
        opened(order, 2, SKU, 2),
        leg_held(order, 2, SKU, 1),
        leg_held(order, 2, 6, 1),
    ];
    let mut forger = Forger::new();
    forger.block(&hold);
    let gone = leg_ended(24, order, 2, SKU, 1);
    forger.block(&[gone.clone(), leg_ended(24, order, 2, 6, 1), cancelled(order, 9)]);
    forger.block(&[gone]);
    let folder = tempfile::tempdir().expect("a folder");
    forger.write(folder.path()).expect("written");
    let Ok(Certified::Contradicted(found)) = certify(folder.path(), &mut |_, _| {}) else {
        panic!("a line went back")
    };
    assert_eq!((found.position, found.block), (8, 2), "{found}");
    assert!(found.what[0].contains("was Back with 1 units, and then Back with 1 units"), "{found}");
}

#[test]
fn a_hold_is_paid_after_its_time_as_if_it_were_held() {
    let held = || [put(SKU, 9), reserved(1, 2, SKU)];
    sound(&[&held()[..], &[paid(5, 1, 9, 0, 49)]].concat());
    let late = [&held()[..], &[paid(5, 1, 9, 0, 50)]].concat();
    convicts(&late, "order 1 is paid at 50 as if it were held, and its hold ended at 50");
    sound(&[&held()[..], &[paid(14, 1, 9, 0, 50)]].concat());
    let moved = |kind: u8| record(kind, &[(1, 8), (80, 8), (40, 8)]);
    let begun = record(11, &[(1, 8), (9, 8), (0, 8), (80, 8), (40, 8)]);
    let grace = record(9, &[(80, 8), (40, 8)]);
    for prolonged in [moved(12), moved(13), begun, grace] {
        sound(&[&held()[..], &[prolonged.clone(), paid(5, 1, 9, 0, 79)]].concat());
        let late = [&held()[..], &[prolonged, paid(5, 1, 9, 0, 80)]].concat();
        convicts(&late, "its hold ended at 80");
    }
    let too_late = [&held()[..], &[record(13, &[(1, 8), (90, 8), (50, 8)])]].concat();
    convicts(&too_late, "the time of order 1 is moved at 50, and it held nothing then");
}

#[test]
fn a_hold_runs_out_before_its_time() {
    convicts(
        &[put(SKU, 9), reserved(1, 2, SKU), expired(1, 49)],
        "order 1 runs out at 49, and its time ends at 50",
    );
    sound(&[put(SKU, 9), reserved(1, 2, SKU), expired(1, 50)]);
}

#[test]
fn an_order_is_bought_by_two_payments_or_for_another_amount() {
    let hold = Hold { amount: 300, ..held(1, 2) }.record();
    let bought = [put(SKU, 9), hold.clone(), paid(5, 1, 9, 300, 20)];
    let twice = [&bought[..], &[paid(5, 1, 8, 300, 21)]].concat();
    convicts(&twice, "order 1 was Confirmed and becomes Confirmed");
    let again = [&bought[..], &[paid(14, 1, 8, 300, 21)]].concat();
    convicts(&again, "order 1 was Confirmed and is paid late");
    let both = [&bought[..], &[paid(15, 1, 9, 300, 21)]].concat();
    convicts(&both, "one payment bought order 1 1 times and is to be refunded 1 times");
    sound(&[&bought[..], &[paid(15, 1, 8, 300, 21)]].concat());
    for kind in [5, 14] {
        convicts(
            &[put(SKU, 9), hold.clone(), paid(kind, 1, 9, 299, 20)],
            "order 1 is bought for 299, and 300 were due",
        );
    }
}

#[test]
fn one_request_places_two_orders() {
    convicts(
        &[put(SKU, 9), held(1, 2).record(), held(2, 2).record()],
        "one request placed order 1 and order 2",
    );
    // Once the first has left memory, its request is forgotten.
    let evicted = record(8, &[(1, 8), (90, 8)]);
    sound(&[put(SKU, 9), held(1, 2).record(), cancelled(1, 5), evicted.clone(), held(2, 2).record()]);
    convicts(
        &[put(SKU, 9), held(1, 2).record(), evicted],
        "order 1 was Held, ended at 0, and left memory at 90",
    );
}

#[test]
fn units_go_to_who_did_not_wait() {
    let offered = record(19, &[(1, 8), (500, 8), (40, 8)]);
    convicts(&[put(SKU, 9), held(1, 2).record(), offered], "order 1 gets units and didn't wait");
}

#[test]
fn a_channel_takes_more_than_its_cap_or_what_is_kept_for_another() {
    let rules = |channel: u64, guarantee: u64, cap: u64| {
        record(27, &[(SKU, 8), (channel, 2), (guarantee, 8), (cap, 8), (u64::MAX, 8), (0, 8), (0, 4), (1, 8)])
    };
    let through = |channel, units| Hold { channel, units, ..held(1, 2) }.record();
    convicts(&[put(SKU, 9), rules(7, 0, 1), through(7, 2)], "channel 7 took 2 units, and 1 of 9 free ones");
    convicts(&[put(SKU, 9), rules(7, 8, 9), through(3, 2)], "channel 3 took 2 units, and 1 of 9 free ones");
}

/// A budget of 100, of which so much is in partition 0's slice.
fn budget(filled: u64) -> Vec<Vec<u8>> {
    vec![
        put(SKU, 9),
        record(65, &[(3, 4), (0, 8), (0, 4), (1, 8)]),
        record(66, &[(3, 4), (1, 4), (1, 4), (1, 8)]),
        record(67, &[(3, 4), (100, 8), (0, 8), (0, 4), (1, 8)]),
        record(70, &[(3, 4), (0, 2), (filled, 8), (1, 8)]),
    ]
}

/// A hold that claims so much.
fn claiming(cents: u64) -> Vec<u8> {
    let mut bytes = held(1, 2).record();
    bytes[0] = 48;
    bytes.extend(&record(0, &[(0, 4), (0, 4), (0, 2), (3, 4), (cents, 8)])[1..]);
    bytes
}

#[test]
fn a_budget_pays_more_than_it_has() {
    let with = |filled, event: Vec<u8>| [budget(filled), vec![event]].concat();
    convicts(&with(5, claiming(6)), "order 1 takes 6 of 5 that are left in budget 3");
    let stopped = record(68, &[(3, 4), (0, 8), (0, 4), (1, 8)]);
    convicts(&[budget(5), vec![stopped, claiming(5)]].concat(), "order 1 can't claim 5 from budget 3");
    let more = record(70, &[(3, 4), (0, 2), (96, 8), (1, 8)]);
    convicts(&with(5, more), "96 leave a bank of 95");
    let less = record(67, &[(3, 4), (4, 8), (0, 8), (0, 4), (1, 8)]);
    convicts(&with(5, less), "4 in budget 3 is less than slices and orders have");
    let certificate = sound(&[with(5, claiming(5)), vec![paid(5, 1, 9, 0, 20)]].concat());
    let row = &certificate.budgets[0];
    assert_eq!((row.funded, row.left, row.reserved, row.spent, &row.posted), (100, 95, 0, 5, &vec![5]));
}

#[test]
fn a_coupon_is_used_twice() {
    let issued = record(72, &[(4, 4), (2, 4), (1, 4), (0, 8), (9, 8), (0, 8), (0, 4), (1, 8)]);
    let coupon = |kind: u8, order: u64| record(kind, &[(4 << 32 | 1, 8), (order, 8), (1, 8)]);
    let held = [issued.clone(), coupon(73, 1)];
    let with = |events: &[Vec<u8>]| [&held[..], events].concat();
    convicts(&with(&[coupon(73, 2)]), "coupon 4-1, order 2: it is used once more than it may be");
    convicts(&with(&[coupon(75, 1), coupon(73, 2)]), "is used once more than it may be");
    convicts(&with(&[coupon(75, 1), coupon(75, 1)]), "order 1: it is redeemed and isn't held for it");
    convicts(&with(&[coupon(74, 2)]), "order 2: it is given back and isn't held for it");
    assert_eq!(sound(&with(&[coupon(74, 1), coupon(73, 2), coupon(75, 2)])).coupons_redeemed, 1);
}

#[test]
fn more_goes_back_of_a_payment_than_was_paid() {
    let back =
        |amount| record(56, &[(1, 8), (9, 8), (0, 8), (7, 8), (0, 8), (amount, 8), (0, 4), (0, 8), (40, 8)]);
    let bought = [put(SKU, 9), held(1, 2).record(), paid(5, 1, 9, 300, 20)];
    assert_eq!(sound(&[&bought[..], &[back(300)]].concat()).money.paid_back_minor, 300);
    convicts(&[&bought[..], &[back(301)]].concat(), "301 of a payment of 300 for order 1 went back");
}

#[test]
fn what_follows_from_a_contradiction_is_counted_and_the_first_is_named() {
    let Certified::Contradicted(found) = audit(&[
        put(SKU, 1),
        held(1, 2).record(),
        held(2, 3).record(),
        held(3, 4).record(),
        held(4, 6).record(),
    ]) else {
        panic!("three units are missing")
    };
    assert_eq!((found.position, found.count), (2, 3), "{found}");
    assert_eq!((found.file.as_str(), found.block), ("segment-0000000001.log", 0), "{found}");
}
