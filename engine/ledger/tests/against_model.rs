//! The ledger against a naive model: same answers, same accounts, invariants after every step, and a replay of the
//! events with the same digest. Histories mix retries, conflicts, stale and forged ids, limits, restocks, expiry and
//! eviction over a few SKUs and shoppers, so that they meet all the time.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod support;

use std::cell::RefCell;

use doorbuster_ledger::*;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner, contextualize_config};
use support::ask::{Step, funders, paid_step, step};
use support::asked::{Asked, Made, command};
use support::groups::sku_of;
use support::operators::{phase_of, price_of};
use support::seen::{ANSWERS, ANSWERS_AFTER, Seen};
use support::{Model, Shop};

const START: u64 = 1_700_000_000_000;

/// The advice in a sold-out answer is checked for what it promises, then left out of the comparison.
fn without_advice(outcome: Outcome, model: &Model, asked: &Asked, now: u64) -> Outcome {
    let (sku, refusal) = match (outcome, asked) {
        (Outcome::Refused(refusal), Asked::One(Command::Reserve(reserve))) => (reserve.sku, refusal),
        (Outcome::Refused(refusal), Asked::Several(_, lines) | Asked::WithCoupon(_, lines, _))
            if !lines.is_empty() =>
        {
            (lines[0].sku, refusal)
        }
        (Outcome::LineRefused { sku, refusal }, _) => (sku, refusal),
        _ => return outcome,
    };
    let Refusal::SoldOut { holds, next_expiry } = refusal else { return outcome };
    let open = model.orders.iter().filter(|order| order.state.is_open() && order.units(sku) > 0);
    match (open.map(|order| order.deadline).min(), next_expiry) {
        (None, None) => {}
        (Some(first), Some(advice)) => {
            assert!(advice.raw() <= first.max(now + 1_000), "a hold ends well before the advised time");
            assert!(advice.raw() >= now + 1_000, "the crowd is advised to ask at once");
        }
        (real, advice) => panic!("holds end at {real:?}, advised {advice:?}"),
    }
    let refusal = Refusal::SoldOut { holds, next_expiry: None };
    match outcome {
        Outcome::LineRefused { sku, .. } => Outcome::LineRefused { sku, refusal },
        _ => Outcome::Refused(refusal),
    }
}

/// SKUs that are there from the start: units, limit for a shopper, limit for an order. The fourth may come later.
const SKUS: [(u64, u64, u32, u32); 3] = [(1, 4, 0, 0), (2, 5, 3, 0), (3, 9, 5, 2)];

/// What channels may have of these, in half of the histories: SKU, channel, guarantee, cap.
const CHANNELS: [(u64, u16, u64, Option<u64>); 3] = [(1, 1, 2, None), (1, 2, 0, Some(1)), (3, 0, 4, Some(6))];

/// What there is to claim from the start: two budgets, coupons that may be used once, and some that may be twice.
fn budgets() -> [BudgetCommand; 4] {
    let set = |budget, funded| {
        let budget = BudgetId::new(budget).unwrap();
        BudgetCommand::Set { budget, funded, by: 1, reason: 2 }
    };
    let issue = |batch, uses| {
        let (from, until) = (Timestamp::new(START), Timestamp::new(START + 20_000));
        let coupons = Coupons { serials: 2, uses, from, until };
        BudgetCommand::Issue { batch: CouponBatch::new(batch).unwrap(), coupons, by: 1, reason: 2 }
    };
    [set(1, 10), set(2, 4), issue(1, 1), issue(2, 2)]
}

fn rules() -> Rules {
    Rules {
        default_hold_ms: 3_000,
        max_hold_ms: 5_000,
        idempotency_window_ms: 10_000,
        order_retention_ms: 4_000,
        paid_retention_ms: 6_000,
        return_window_ms: 400,
        future_tolerance_ms: 1_000,
        pay_pin_ms: 1_500,
        slow_pay_ms: 9_000,
        pay_grace_ms: 300,
        max_extensions: 2,
        offer_ms: 700,
        max_wait_ms: 60_000,
        max_waiting: 4,
    }
}

/// Lets time come to `now` and carries out all that is due.
fn pass(shop: &mut Shop, model: &mut Model, now: u64) {
    loop {
        let (events, more) = shop.pulse(now, 3);
        for event in &events {
            model.pulse_event(now, event);
        }
        if !more {
            break;
        }
    }
    model.settled(now);
    for order in &model.orders {
        let overdue = order.state.has_deadline() && order.deadline + 8 <= now;
        assert!(!overdue, "a hold outlives its deadline and a full pulse: {order:?}");
    }
}

/// Does one thing, in the ledgers and in the model.
fn act(
    shop: &mut Shop,
    model: &mut Model,
    (asked, place): (&Asked, Place),
    now: u64,
    seen: &mut Seen,
) -> Outcome {
    let before = shop.digest();
    let (outcome, events, expected) = match asked {
        Asked::One(command) => {
            let ledger = shop.of(Shop::home(command));
            let decided = ledger.decide(Timestamp::new(now), command, Place::default());
            assert_eq!(shop.digest(), before, "deciding changed the state");
            let (outcome, events) = shop.execute(now, command, place);
            if decided.outcome != Outcome::Refused(Refusal::Budget(BudgetRefusal::SliceShort)) {
                assert_eq!(outcome, decided.outcome, "touching changed the answer");
            }
            (outcome, events, model.execute(now, command))
        }
        Asked::Several(command, lines) => {
            let before = model.clone();
            let (outcome, events) = shop.compose(now, command, lines);
            let expected = model.compose(now, command, (lines, None));
            let advised = without_advice(outcome, &before, asked, now);
            assert_eq!(advised, expected, "{asked:?} at {now}");
            (outcome, events, expected)
        }
        Asked::WithCoupon(command, lines, coupon) => {
            let before = model.clone();
            let (outcome, events) = shop.compose_with(now, command, (lines, Some(*coupon)));
            let expected = model.compose(now, command, (lines, Some(*coupon)));
            assert_eq!(without_advice(outcome, &before, asked, now), expected, "{asked:?} at {now}");
            (outcome, events, expected)
        }
        Asked::Budget(command, funders) => {
            let (outcome, events) = shop.budget(now, command, funders);
            let expected = model.budget(command, funders);
            assert_eq!(outcome, expected, "{asked:?} at {now}");
            (outcome, events, expected)
        }
    };
    let paid = match outcome {
        Outcome::Confirmed { order } | Outcome::Reacquired { order } => Some(order),
        _ => None,
    };
    model.settle_short(paid);
    seen.note(&outcome);
    if matches!(outcome, Outcome::Refused(_) | Outcome::Replayed { .. } | Outcome::LineRefused { .. }) {
        assert_eq!(shop.digest(), before, "a refusal left a trace");
    }
    if let Asked::One(_) = asked {
        assert_eq!(without_advice(outcome, model, asked, now), expected, "{asked:?} at {now}");
    }
    for event in events {
        if matches!(event, Event::Offered { .. }) {
            model.offered(now, &event);
        }
        seen.count(&event);
    }
    outcome
}

fn run(steps: &[Step], seen: &mut Seen) {
    let shards = 1 + u16::try_from(steps.len() % 3).unwrap();
    let mut shop = Shop::new(shards, rules(), 11);
    let mut model = Model::new(rules());
    let mut reserved: Vec<Made> = Vec::new();
    let mut now = START;
    for (sku, units, user_limit, order_limit) in SKUS {
        let sku = sku_of(sku);
        let put = Command::PutSku(PutSku { sku, units, user_limit, order_limit, by: 1, reason: 2 });
        let (outcome, _) = shop.execute(now, &put, Place::default());
        assert_eq!(outcome, model.execute(now, &put));
    }
    if steps.len().is_multiple_of(2) {
        // Rules must come before the first hold.
        for (sku, channel, guarantee, cap) in CHANNELS {
            let (sku, channel) = (sku_of(sku), ChannelId::new(channel));
            let release_at = Some(Timestamp::new(START + 3_000));
            let rules = SetChannel { sku, channel, guarantee, cap, release_at, by: 1, reason: 2 };
            let (outcome, _) = shop.execute(now, &Command::SetChannel(rules), Place::default());
            assert_eq!(outcome, model.execute(now, &Command::SetChannel(rules)));
        }
    }
    if steps.len().is_multiple_of(3) {
        stage(&mut shop, &mut model, now);
    }
    for command in budgets() {
        let funders = funders(usize::from(matches!(command, BudgetCommand::Set { funded: 4, .. })));
        let (outcome, _) = shop.budget(now, &command, &funders);
        assert_eq!(outcome, model.budget(&command, &funders));
    }
    let mut rest = steps;
    while let Some((first, others)) = rest.split_first() {
        if let Step::Pass(ms) = first {
            rest = others;
            now += ms;
            pass(&mut shop, &mut model, now);
            shop.check();
            continue;
        }
        // Batches of one to four commands, as a shard takes them: all are touched before the first is executed.
        let asked = rest.iter().take_while(|step| matches!(step, Step::Do(_))).count();
        let (batch, others) = rest.split_at(asked.min(1 + rest.len() % 4));
        rest = others;
        let asks = batch.iter().filter_map(|step| match step {
            Step::Do(ask) => command(ask, now, &reserved),
            Step::Pass(_) => None,
        });
        let asked: Vec<_> = asks.collect();
        let places: Vec<_> = asked
            .iter()
            .map(|asked| match asked {
                Asked::One(command) => shop.of(Shop::home(command)).touch(std::iter::once(command))[0],
                Asked::Several(..) | Asked::WithCoupon(..) | Asked::Budget(..) => Place::default(),
            })
            .collect();
        for (asked, place) in asked.iter().zip(places) {
            let outcome = act(&mut shop, &mut model, (asked, place), now, seen);
            if let (
                Outcome::Reserved { order, .. } | Outcome::Waitlisted { order, .. },
                Asked::One(Command::Reserve(reserve))
                | Asked::Several(Composite::Reserve { reserve, .. }, _)
                | Asked::WithCoupon(Composite::Reserve { reserve, .. }, ..),
            ) = (outcome, asked)
            {
                let made = model.orders.iter().find(|made| made.number == order).expect("just made");
                reserved.push((order, reserve.user, made.lines.clone()));
            }
            shop.check();
            shop.name(now).iter().for_each(|event| seen.count(event));
            shop.check();
            if shop.sum(|totals| totals.waiting) > 0 {
                // The model knows nothing of a list that is half gone through.
                pass(&mut shop, &mut model, now);
                shop.check();
            }
        }
    }
    reads_like(&mut shop, &model, now);
    // Replay over another number of ledgers and under another seed: nothing may depend on these.
    let mut replayed = Shop::new(1 + shards % 3, rules(), 12);
    replayed.replay(&shop.log, now);
    replayed.check();
    assert_eq!(replayed.digest(), shop.digest(), "replay gives another state");
    let sums = |shop: &Shop| {
        (shop.sum(|totals| totals.holds), shop.sum(|totals| totals.orders), shop.sum(|totals| totals.held))
    };
    assert_eq!(sums(&replayed), sums(&shop));
    // An image from anywhere in the log, read by yet other ledgers, and the rest of the log.
    let mut loaded = Shop::new(1 + (shards + 1) % 3, rules(), 13);
    load_at(&mut loaded, &shop.log, steps.len() % (shop.log.len() + 1), now);
    assert_eq!(loaded.digest(), shop.digest(), "an image gives another state");
    assert_eq!(sums(&loaded), sums(&shop));
    // A replayed ledger goes on like the live one.
    for shop in [&mut shop, &mut replayed, &mut loaded] {
        close_all(shop, &reserved, now);
        // Once for open holds to expire, once for all that ended to leave.
        for later in [now + 60_000, now + 120_000] {
            while shop.pulse(later, 100).1 {}
            shop.check();
        }
        assert_eq!((shop.sum(|totals| totals.holds), shop.sum(|totals| totals.orders)), (0, 0));
    }
}

/// Takes the image of what the first events of a log come to, and the rest of the log.
fn load_at(shop: &mut Shop, log: &[Event], events: usize, now: u64) {
    let (before, after) = log.split_at(events);
    let mut whole = Shop::new(1, rules(), 14);
    whole.apply(before);
    shop.load(&whole);
    assert_eq!(shop.digest(), whole.digest(), "an image of {events} events gives another state");
    let totals = |shop: &Shop| shop.ledgers.iter().map(|ledger| ledger.totals().available).sum::<u64>();
    assert_eq!(totals(shop), totals(&whole));
    shop.replay(after, now);
    shop.check();
}

/// A campaign that sells two SKUs soon: those of a tier first, then all, by another version of prices.
fn stage(shop: &mut Shop, model: &mut Model, now: u64) {
    let campaign = CampaignId::new(1);
    let phases = [phase_of(START + 40, 24), phase_of(START + 400, 13), phase_of(START + 2_500, 14)];
    let put = |(nth, phase): (u8, Phase)| CampaignCommand::PutPhase {
        campaign,
        plan: 1,
        nth,
        phase,
        by: 1,
        reason: 2,
    };
    let activate = Activate {
        campaign,
        plan: 1,
        phases: 3,
        policy: PricePolicy::default(),
        expected: 0,
        by: 1,
        reason: 2,
    };
    let whole = (0..).zip(phases).map(put).chain([CampaignCommand::Activate(activate)]);
    for command in whole {
        let command = Composite::Campaign(command);
        let (outcome, _) = shop.compose(now, &command, &[]);
        assert_eq!(
            (outcome, model.compose(now, &command, (&[], None))),
            (Outcome::CampaignSet, Outcome::CampaignSet)
        );
    }
    for sku in [sku_of(2), sku_of(3)] {
        let price =
            |version, price| SkuCommand::Price { sku, version, price: price_of(price, 2), by: 1, reason: 2 };
        let bind = SkuCommand::Bind { sku, campaign, by: 1, reason: 2 };
        for command in [price(1, 1), price(2, 2), bind] {
            let (outcome, _) = shop.execute(now, &Command::Sku(command), Place::default());
            assert_eq!(outcome, model.execute(now, &Command::Sku(command)));
        }
    }
}

/// Ends all orders that are under way, as far as they are paid.
fn close_all(shop: &mut Shop, reserved: &[Made], now: u64) {
    for (order, user, _) in reserved {
        for step in [doorbuster_ledger::Step::Cancel, doorbuster_ledger::Step::Close] {
            let by = OperatorId::new(0);
            let advance = Advance { order: *order, user: *user, step, reason: 0, by };
            shop.compose(now, &Composite::After(AfterCommand::Advance(advance)), &[]);
            shop.name(now);
        }
    }
}

/// Every SKU and every order reads as the model has it.
fn reads_like(shop: &mut Shop, model: &Model, now: u64) {
    for sku in &model.skus {
        let id = sku.put.sku;
        let stock = shop.of(PartitionId::of(id)).stock(id).unwrap();
        assert_eq!(
            (stock.available, stock.held, stock.sold),
            (model.available(id), model.held(id), model.sold(id))
        );
        assert_eq!(stock.frozen, sku.frozen);
        let (read, goods) = (shop.of(PartitionId::of(id)).goods(id).unwrap(), sku.goods);
        assert_eq!(
            (read.on_hand, read.shipped, read.quarantine, read.scrapped, read.short),
            (model.on_hand(id), goods.shipped, goods.quarantine, goods.scrapped, goods.short)
        );
    }
    for (sku, channel) in model.skus.iter().flat_map(|sku| sku.channels.keys().map(|id| (sku.put.sku, *id))) {
        let read = shop.of(PartitionId::of(sku)).channel(sku, channel).unwrap();
        let rules = model.channel(sku, channel);
        assert_eq!(
            (read.guarantee, read.cap, read.release_at.map(Timestamp::raw), read.taken),
            (rules.guarantee, rules.cap, rules.release_at, model.taken(sku, channel, None))
        );
    }
    for known in &model.budgets {
        assert_eq!(shop.read_budget(known.id), Some(model.read_budget(known)));
    }
    for order in &model.orders {
        let support::Content::Sale(sale, asked) = &order.content else { continue };
        let ledger = shop.of(order.number.partition());
        let read = ledger.order(order.number, sale.user).unwrap();
        assert_eq!(
            (read.state, read.deadline.raw(), read.payment, usize::from(read.refunds), read.amount),
            (
                order.stands(now, model.rules.return_window_ms),
                order.deadline,
                order.payment.map(|(id, _)| id),
                order.refunds_left(),
                order.due
            )
        );
        for (nth, (line, asked)) in (0..).zip(order.lines.iter().zip(asked)) {
            let read = ledger.line(order.number, sale.user, nth).unwrap();
            assert_eq!(
                (read.sku, read.units, read.ordered, read.gifts),
                (line.sku, line.units, asked.units, asked.gifts)
            );
            if order.state == OrderState::Confirmed {
                let read = ledger.progress(order.number, sale.user, nth).unwrap();
                let line = order.after.lines.get(usize::from(nth)).copied().unwrap_or_default();
                assert_eq!(
                    (read.shipped, read.cancelled, read.returned, read.short),
                    (line.shipped, line.cancelled, line.returned, line.short)
                );
            }
        }
        let beyond = u8::try_from(asked.len()).unwrap();
        assert_eq!(ledger.line(order.number, sale.user, beyond), Err(Refusal::NoSuchLine));
    }
}

/// Runs 10,000 histories from a fixed seed, so that every run checks the same ones. `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` take others.
fn histories(seed: u64, step: impl Strategy<Value = Step>, (wanted, rare): (&[&str], u32)) {
    let answers = RefCell::new(Seen::default());
    let config = contextualize_config(ProptestConfig {
        cases: 10_000,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let least = u64::from(config.cases / rare);
    let outcome = TestRunner::new(config).run(&prop::collection::vec(step, 1..80), |steps| {
        run(&steps, &mut answers.borrow_mut());
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("seed {seed}: {error}");
    }
    let answers = answers.into_inner();
    for answer in wanted {
        let times = answers.0.get(*answer).copied().unwrap_or(0);
        assert!(times >= least, "{answer} came up {times} times, not {least}: {answers:?}");
    }
}

macro_rules! histories {
    ($($name:ident = $seed:literal, $step:expr, $wanted:expr;)+) => {
        $(#[test]
        fn $name() {
            histories($seed, $step, $wanted);
        })+
    };
}

// Seventy thousand in all, in parts that run side by side.
histories! {
    answers_as_the_naive_model_and_replays_to_the_same_digest_1 = 20_251_111, step(), (&ANSWERS, 200);
    answers_as_the_naive_model_and_replays_to_the_same_digest_2 = 20_251_112, step(), (&ANSWERS, 200);
    answers_as_the_naive_model_and_replays_to_the_same_digest_3 = 20_251_113, step(), (&ANSWERS, 200);
    answers_as_the_naive_model_and_replays_to_the_same_digest_4 = 20_251_114, step(), (&ANSWERS, 200);
    answers_as_the_naive_model_and_replays_to_the_same_digest_5 = 20_251_115, step(), (&ANSWERS, 200);
    paid_orders_go_on_as_in_the_naive_model_1 = 20_251_116, paid_step(), (&ANSWERS_AFTER, 1_000);
    paid_orders_go_on_as_in_the_naive_model_2 = 20_251_117, paid_step(), (&ANSWERS_AFTER, 1_000);
}
