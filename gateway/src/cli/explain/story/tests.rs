//! Every kind of event has its sentence, and the words fit where the order stands.

use super::*;

/// 2026-11-11 00:00:00.000 UTC.
const START: u64 = 1_794_355_200_000;

const PAYMENT: [u8; 16] = [0xAB; 16];

const P: &str = "abababababababababababababababab";

fn event(kind: EventKind, order: u64) -> FeedEvent {
    FeedEvent { kind: kind.byte(), order, at: START + 1_203, payment_id: PAYMENT, ..FeedEvent::default() }
}

/// Order 5: two units of SKU 7 for shopper 12, for five minutes, 199.00 due.
fn placed(kind: EventKind) -> FeedEvent {
    FeedEvent { user: 12, amount: 19_900, until: START + 300_000, sku: 7, units: 2, ..event(kind, 5) }
}

fn until(kind: EventKind, minutes: u64) -> FeedEvent {
    FeedEvent { until: START + minutes * 60_000, ..event(kind, 5) }
}

fn paid(kind: EventKind, amount: u64) -> FeedEvent {
    FeedEvent { amount, ..event(kind, 5) }
}

/// The last event's sentence, and how order 5 stands afterwards.
fn told(events: &[FeedEvent]) -> (String, String) {
    let mut story = Story::new(Some(5), 2);
    let last = events.iter().filter_map(|event| story.tell(event)).last().unwrap();
    (last.sentence, story.orders().map(|(_, now)| now).collect())
}

const HELD: &str = "2 units of SKU 7 were not paid yet; the hold lasts until 2026-11-11 00:05:00.000 UTC.";
const GONE: &str = "it was not paid in time.";

#[test]
fn a_hold_is_told_with_its_end_and_amount() {
    let (sentence, now) = told(&[placed(EventKind::Reserved)]);
    assert_eq!(
        sentence,
        "2 units of SKU 7 were held for shopper 12 until 2026-11-11 00:05:00.000 UTC. 199.00 was due."
    );
    assert_eq!(now, HELD);
}

#[test]
fn a_hold_is_told_with_its_discount() {
    let (sentence, now) =
        told(&[FeedEvent { to: 7, cap: 300, user: 1, amount: 0, ..placed(EventKind::Reserved) }]);
    assert_eq!(
        sentence,
        "2 units of SKU 7 were held for shopper 1 until 2026-11-11 00:05:00.000 UTC. A discount of 3.00 was reserved for the \
         order; budget 7 pays it."
    );
    assert_eq!(now, HELD);
}

#[test]
fn an_order_that_took_anothers_place_tells_of_it() {
    let mut story = Story::new(Some(5), 2);
    let ended = FeedEvent { to: 5, ..event(EventKind::Superseded, 4) };
    let told = story.tell(&ended).unwrap();
    assert_eq!(told.sentence, "The hold of order 4 ended: its shopper put order 5 in its place.");
    assert_eq!(story.orders().count(), 0, "nothing is known of the other one");
}

/// Order 5, with several lines, as 2^51 + 5.
const SEVERAL: u64 = (1 << 51) + 5;

fn of_line(kind: EventKind, sku: u64, units: i64) -> FeedEvent {
    FeedEvent { sku, units, ..event(kind, SEVERAL) }
}

fn of_all(event: FeedEvent) -> FeedEvent {
    FeedEvent { order: SEVERAL, sku: 0, ..event }
}

/// Every sentence of an order with two lines that are held, and what it comes to.
fn told_of_lines(later: &[FeedEvent]) -> (Vec<String>, String) {
    use EventKind as K;
    let held = [
        of_all(FeedEvent { units: 3, ..placed(K::Reserved) }),
        of_line(K::LineHeld, 7, 2),
        FeedEvent { gifts: 1, ..of_line(K::LineHeld, 8, 1) },
    ];
    let mut story = Story::new(Some(SEVERAL), 2);
    let told = held.iter().chain(later).map(|event| story.tell(event).unwrap().sentence).collect();
    (told, story.orders().map(|(_, now)| now).collect())
}

#[test]
fn an_order_with_several_lines_is_told_line_by_line() {
    use EventKind as K;
    let (told, now) = told_of_lines(&[]);
    assert_eq!(
        told,
        [
            "3 units in all were held for shopper 12 until 2026-11-11 00:05:00.000 UTC. 199.00 was due.",
            "2 units of SKU 7 were held as a line of the order.",
            "1 unit of SKU 8 was held as a line of the order, 1 of them for nothing.",
        ]
    );
    assert_eq!(
        now,
        "2 units of SKU 7 and 1 unit of SKU 8 were not paid yet; the hold lasts until 2026-11-11 00:05:00.000 UTC."
    );

    let (told, now) = told_of_lines(&[
        of_line(K::LineCut, 7, 1),
        of_line(K::LineDropped, 8, 1),
        of_all(FeedEvent { units: 2, amount: 9_900, ..event(K::Cut, 5) }),
        of_line(K::LineSold, 7, 1),
        of_all(paid(K::Confirmed, 9_900)),
    ]);
    assert_eq!(
        told[3..],
        [
            "1 unit of SKU 7 was given back for good and went back on sale.".to_owned(),
            "1 unit of SKU 8 was given back for good and went back on sale.".to_owned(),
            "A part of the order was given back for good, 2 units in all. From then on 99.00 was due."
                .to_owned(),
            "1 unit of SKU 7 was paid.".to_owned(),
            format!("The payment {P} of 99.00 arrived in time. The order was paid."),
        ]
    );
    assert_eq!(now, "1 unit of SKU 7 was paid.");

    let (told, now) = told_of_lines(&[
        of_line(K::LineReleased, 7, 2),
        of_line(K::LineReleased, 8, 1),
        of_all(event(K::Expired, 5)),
        of_line(K::LineHeld, 7, 2),
        of_line(K::LineHeld, 8, 1),
        of_line(K::LineSold, 7, 2),
        of_line(K::LineSold, 8, 1),
        of_all(paid(K::Reacquired, 19_900)),
    ]);
    assert_eq!(
        told[3..],
        [
            "2 units of SKU 7 went back on sale.".to_owned(),
            "1 unit of SKU 8 went back on sale.".to_owned(),
            "The hold's time was over and it was not paid.".to_owned(),
            "2 units of SKU 7 were still free and were taken again.".to_owned(),
            "1 unit of SKU 8 was still free and was taken again.".to_owned(),
            "2 units of SKU 7 were paid.".to_owned(),
            "1 unit of SKU 8 was paid.".to_owned(),
            format!("The payment {P} of 199.00 arrived after the hold had ended. The order was paid."),
        ]
    );
    assert_eq!(now, "2 units of SKU 7 and 1 unit of SKU 8 were paid.");

    let (told, now) = told_of_lines(&[
        of_line(K::LineReleased, 7, 2),
        of_line(K::LineReleased, 8, 1),
        of_all(FeedEvent { to: 6, ..event(K::Superseded, 5) }),
    ]);
    assert_eq!(told[5], "The shopper put order 6 in the place of this one: the hold ended.");
    assert_eq!(now, "order 6 took its place.");
}

#[test]
fn each_later_event_of_a_hold_has_its_sentence() {
    use EventKind as K;
    let cases = [
        (
            vec![until(K::PayBegun, 7)],
            format!("The payment {P} began. Meanwhile the hold was kept until 2026-11-11 00:07:00.000 UTC."),
            "2 units of SKU 7 were not paid yet; a payment is under way, and the hold lasts until 2026-11-11 \
             00:07:00.000 UTC.",
        ),
        (
            vec![until(K::PayBegun, 7), until(K::PayFailed, 5)],
            "The payment came to nothing. The hold was kept until 2026-11-11 00:05:00.000 UTC, so that the shopper \
             could try again."
                .to_owned(),
            HELD,
        ),
        (
            vec![until(K::Extended, 9)],
            "The hold was prolonged until 2026-11-11 00:09:00.000 UTC.".to_owned(),
            "2 units of SKU 7 were not paid yet; the hold lasts until 2026-11-11 00:09:00.000 UTC.",
        ),
        (
            vec![paid(K::Confirmed, 19_900)],
            format!("The payment {P} of 199.00 arrived in time. The order was paid."),
            "2 units of SKU 7 were paid.",
        ),
        (
            vec![paid(K::AmountMismatched, 1_990)],
            format!("The payment {P} of 19.90 was refused, because 199.00 was due. Nothing changed by it."),
            HELD,
        ),
        (
            vec![event(K::Expired, 5)],
            "The hold's time was over and it was not paid. 2 units of SKU 7 went back on sale.".to_owned(),
            GONE,
        ),
        (
            vec![FeedEvent { reason: 3, ..event(K::Cancelled, 5) }],
            "The shopper gave the hold back (reason 3). 2 units of SKU 7 went back on sale.".to_owned(),
            "it was cancelled.",
        ),
        (
            vec![event(K::Expired, 5), paid(K::Reacquired, 19_900)],
            format!(
                "The payment {P} of 199.00 arrived after the hold had ended. 2 units of SKU 7 were still free and \
                 were taken again. The order was paid."
            ),
            "2 units of SKU 7 were paid.",
        ),
        (
            vec![event(K::Expired, 5), event(K::Evicted, 5)],
            "The order was closed. It is kept in the log alone.".to_owned(),
            GONE,
        ),
        (
            vec![until(K::GraceGranted, 20)],
            "The service had been interrupted. This order was kept until 2026-11-11 00:20:00.000 UTC at least.".to_owned(),
            "2 units of SKU 7 were not paid yet; the hold lasts until 2026-11-11 00:20:00.000 UTC.",
        ),
        (
            vec![FeedEvent { to: 6, ..event(K::Superseded, 5) }],
            "The shopper put order 6 in the place of this one: the hold ended. 2 units of SKU 7 went back on sale."
                .to_owned(),
            "order 6 took its place.",
        ),
        (
            vec![FeedEvent { units: 1, ..paid(K::Cut, 9_900) }],
            "A part of the order was given back for good, 1 unit in all. From then on 99.00 was due.".to_owned(),
            "1 unit of SKU 7 was not paid yet; the hold lasts until 2026-11-11 00:05:00.000 UTC.",
        ),
        (
            vec![FeedEvent { units: 1, ..paid(K::Cut, 19_900) }],
            "A part of the order was given back for good, 1 unit in all.".to_owned(),
            "1 unit of SKU 7 was not paid yet; the hold lasts until 2026-11-11 00:05:00.000 UTC.",
        ),
    ];
    for (later, sentence, now) in cases {
        let events = [vec![placed(K::Reserved)], later].concat();
        assert_eq!(told(&events), (sentence, now.to_owned()));
    }
}

#[test]
fn a_wait_has_words_of_its_own() {
    use EventKind as K;
    let cases = [
        (
            vec![],
            "Shopper 12 wanted 2 units of SKU 7. There were too few, so the order joined the waiting line until \
             2026-11-11 00:05:00.000 UTC.",
            "it waits for 2 units of SKU 7, at the longest until 2026-11-11 00:05:00.000 UTC.",
        ),
        (
            vec![until(K::Offered, 9)],
            "2 units of SKU 7 came free and were held for the shopper, who had waited, until 2026-11-11 00:09:00.000 UTC.",
            "2 units of SKU 7 were not paid yet; the hold lasts until 2026-11-11 00:09:00.000 UTC.",
        ),
        (
            vec![event(K::Expired, 5)],
            "Too few units came free in time. The wait ended in vain.",
            "it waited in vain.",
        ),
        (
            vec![event(K::Cancelled, 5)],
            "The shopper left the waiting line.",
            "the shopper left the waiting line.",
        ),
    ];
    for (later, sentence, now) in cases {
        let events = [vec![placed(K::Waitlisted)], later].concat();
        assert_eq!(told(&events), (sentence.to_owned(), now.to_owned()));
    }
}

#[test]
fn money_that_bought_nothing_is_told_with_its_cause_and_summed() {
    use EventKind as K;
    let refund = || paid(K::RefundRequired, 19_900);
    let replaced = FeedEvent { to: 6, ..event(K::Superseded, 5) };
    let cases = [
        (K::Reserved, vec![event(K::Expired, 5)], "after the hold had ended. The units were gone"),
        (K::Reserved, vec![event(K::Cancelled, 5)], "after the hold had ended. The units were gone"),
        (K::Reserved, vec![paid(K::Confirmed, 19_900)], "although the order was paid already"),
        (K::Reserved, vec![replaced], "after another order had taken the place of this one"),
        (K::Waitlisted, vec![], "while the order only waited and held nothing"),
        (K::Waitlisted, vec![event(K::Expired, 5)], "for an order that had only waited, and in vain"),
    ];
    for (kind, between, why) in cases {
        let events = [vec![placed(kind)], between, vec![refund()]].concat();
        let (sentence, now) = told(&events);
        assert!(sentence.starts_with(&format!("The payment {P} of 199.00 arrived {why}")), "{sentence}");
        assert!(sentence.ends_with(". It bought nothing: 199.00 must be paid back."), "{sentence}");
        assert!(now.ends_with(" In all 199.00 must be paid back."), "{now}");
    }
    let twice = [placed(K::Reserved), event(K::Expired, 5), refund(), refund()];
    assert!(told(&twice).1.ends_with("In all 398.00 must be paid back."));
}

#[test]
fn stock_and_the_service_have_sentences_too() {
    use EventKind as K;
    let put = FeedEvent { sku: 7, units: 10, user_limit: 2, order_limit: 1, ..event(K::SkuPut, 0) };
    let restock = |units| FeedEvent { sku: 7, units, reason: 9, ..event(K::Restocked, 5) };
    let channel = FeedEvent { sku: 7, units: 5, channel: 3, cap: u64::MAX, ..event(K::ChannelSet, 0) };
    let moved = FeedEvent { sku: 7, units: 1, channel: 3, to: 4, reason: 9, ..event(K::Rebalanced, 0) };
    for (event, sentence) in [
        (channel, "5 units of SKU 7 were kept for channel 3."),
        (
            FeedEvent { units: 1, cap: 8, until: START, ..channel },
            "1 unit of SKU 7 was kept for channel 3 until 2026-11-11 00:00:00.000 UTC, and at most 8 may be taken by it.",
        ),
        (
            moved,
            "1 unit of SKU 7, kept for channel 3 before, was kept for channel 4 from then on (reason 9).",
        ),
        (put, "SKU 7 was set up with 10 units, at most 2 for one shopper, at most 1 for one order."),
        (restock(5), "5 units of SKU 7 were added (reason 9)."),
        (restock(-1), "1 unit of SKU 7 was withdrawn from sale (reason 9)."),
        (
            FeedEvent { user: 6, ..put },
            "SKU 7 was set up with 10 units, at most 2 for one shopper, at most 1 for one order, as 6 wanted it.",
        ),
        (FeedEvent { user: 6, ..restock(5) }, "5 units of SKU 7 were added, as 6 wanted it (reason 9)."),
        (
            FeedEvent { user: 6, reason: 9, ..channel },
            "5 units of SKU 7 were kept for channel 3, as 6 wanted it (reason 9).",
        ),
        (
            FeedEvent { user: 6, ..moved },
            "1 unit of SKU 7, kept for channel 3 before, was kept for channel 4 from then on, as 6 wanted it (reason 9).",
        ),
        (
            FeedEvent { user: 6, to: 3, amount: 1_250, ..event(K::BudgetFunded, 0) },
            "From then on 12.50 had been put into budget 3, as 6 wanted it.",
        ),
        (
            FeedEvent { user: 6, sku: 7, amount: 1_250, units: 2, ..event(K::PriceSet, 0) },
            "SKU 7 costs 12.50 by version 2 of the prices, as 6 wanted it.",
        ),
        (
            FeedEvent { user: 6, to: 3, units: 2, until: START, reason: 9, ..event(K::PhasePut, 0) },
            "Phase 1 of plan 2 of campaign 3 was written: it starts 2026-11-11 00:00:00.000 UTC, as 6 wanted it (reason 9).",
        ),
        (event(K::Checkpoint, 0), "The service noted the state of all orders and stopped in good order."),
    ] {
        assert_eq!(Story::new(Some(5), 2).tell(&event).unwrap().sentence, sentence);
    }
}

#[test]
fn an_interruption_is_told_of_only_where_it_kept_something() {
    let mut story = Story::new(None, 2);
    assert_eq!(story.tell(&until(EventKind::GraceGranted, 20)), None);
    story.tell(&placed(EventKind::Reserved)).unwrap();
    assert_eq!(story.tell(&until(EventKind::GraceGranted, 4)), None, "the hold lasts longer anyway");
    let told = story.tell(&until(EventKind::GraceGranted, 20)).unwrap();
    assert!(
        told.sentence.contains("Open orders were kept until 2026-11-11 00:20:00.000 UTC"),
        "{}",
        told.sentence
    );
}

#[test]
fn an_event_of_an_order_that_was_never_placed_is_left_out() {
    assert_eq!(Story::new(Some(5), 2).tell(&event(EventKind::Expired, 5)), None);
}
