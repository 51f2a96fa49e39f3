//! Lists that are longer than one command can hand on: nobody overtakes, nobody starves, and nothing is kept from those
//! whom nobody stands before.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use doorbuster_ledger::*;

const NOW: u64 = 1_700_000_000_000;
const SKU: SkuId = SkuId::new(7);

struct World {
    ledger: Ledger,
    requests: u128,
}

impl World {
    /// A SKU without units.
    fn new(user_limit: u32) -> Self {
        let mut world = Self { ledger: Ledger::new(Rules::default(), 1), requests: 0 };
        world.run(Command::PutSku(PutSku {
            sku: SKU,
            units: 0,
            user_limit,
            order_limit: 0,
            ..PutSku::default()
        }));
        world
    }

    fn run(&mut self, command: Command) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let now = Timestamp::new(NOW);
        let outcome = self.ledger.execute(now, &command, |event| events.push(*event)).unwrap();
        self.ledger.check().unwrap();
        (outcome, events)
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::new((u128::from(NOW) << 80) | (7 << 76) | (2 << 62) | self.requests)
    }

    fn ask(&mut self, user: u64, quantity: u32, wait_ms: u32) -> Outcome {
        let reserve = Reserve {
            request: self.request(),
            user: UserId::new(user),
            sku: SKU,
            quantity: Quantity::new(quantity).unwrap(),
            amount: Amount::new(0),
            hold_ms: 60_000,
            channel: ChannelId::new(0),
            first_attempt: true,
            wait_ms,
            terms: Terms::default(),
            claim: None,
        };
        self.run(Command::Reserve(reserve)).0
    }

    fn wait(&mut self, user: u64, quantity: u32) -> OrderNumber {
        match self.ask(user, quantity, 600_000) {
            Outcome::Waitlisted { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    fn restock(&mut self, units: i64) -> Vec<OrderNumber> {
        let request = self.request();
        offers(&self.run(Command::Restock(Restock { request, sku: SKU, units, ..Restock::default() })).1)
    }

    fn pulse(&mut self, limit: u32) -> (Vec<OrderNumber>, bool) {
        let mut events = Vec::new();
        let pulse = self.ledger.pulse(Timestamp::new(NOW), limit, |event| events.push(*event)).unwrap();
        self.ledger.check().unwrap();
        (offers(&events), pulse.more)
    }
}

fn offers(events: &[Event]) -> Vec<OrderNumber> {
    let offered = |event: &Event| match event {
        Event::Offered { number, .. } => Some(*number),
        _ => None,
    };
    events.iter().filter_map(offered).collect()
}

#[test]
fn a_long_list_is_served_by_arrival_and_newcomers_get_what_is_left() {
    let mut world = World::new(0);
    let line: Vec<_> = (1..=10).map(|user| world.wait(user, 1)).collect();
    assert_eq!(world.restock(12), line[..2]);
    // Eight still wait, ten units are free: two are nobody's.
    assert_eq!(world.ask(20, 3, 0), Outcome::Refused(Refusal::Insufficient { available: 2 }));
    assert!(matches!(world.ask(21, 2, 0), Outcome::Reserved { .. }));
    assert!(matches!(
        world.ask(22, 1, 0),
        Outcome::Refused(Refusal::Insufficient { available: 0 } | Refusal::SoldOut { .. })
    ));
    // Every command goes on with the list, and so does every pulse, within its limit.
    let (next, more) = world.pulse(4);
    assert_eq!((next.as_slice(), more), (&line[4..8], true));
    let (rest, more) = world.pulse(8);
    assert_eq!((rest.as_slice(), more), (&line[8..], false));
    assert_eq!(world.ledger.stock(SKU).map(|stock| (stock.available, stock.waiting)), Some((0, 0)));
}

#[test]
fn those_who_do_not_fit_keep_nobody_from_his_unit() {
    let mut world = World::new(0);
    let mut line: Vec<_> = (1..=300).map(|user| world.wait(user, 5)).collect();
    let modest = world.wait(301, 1);
    assert_eq!(world.restock(1), [modest]);
    line.truncate(1);
    assert_eq!(world.restock(6), line);
    // One is left that fits nobody: a newcomer may have it.
    assert!(matches!(world.ask(400, 1, 0), Outcome::Reserved { .. }));
}

#[test]
fn who_is_at_his_limit_is_set_aside_until_his_own_units_go_back() {
    let mut world = World::new(2);
    let pair = world.wait(1, 2);
    assert_eq!(world.restock(1), []);
    // Too few for his pair, so he takes the one; with it, the pair would be over his limit.
    let Outcome::Reserved { order: single, .. } = world.ask(1, 1, 0) else { panic!("a unit is free") };
    assert_eq!(world.restock(2), []);
    // Nobody else waits for them.
    assert!(matches!(world.ask(2, 1, 0), Outcome::Reserved { .. }));
    let user = UserId::new(1);
    let (_, events) = world.run(Command::Cancel(Cancel { order: single, user, reason: 0 }));
    assert_eq!(offers(&events), [pair]);
}

#[test]
fn a_late_payment_takes_no_unit_that_somebody_waits_for() {
    let mut world = World::new(0);
    assert_eq!(world.restock(1), []);
    let Outcome::Reserved { order, .. } = world.ask(1, 1, 0) else { panic!("a unit is free") };
    let line: Vec<_> = (2..=6).map(|user| world.wait(user, 1)).collect();
    let user = UserId::new(1);
    let (_, events) = world.run(Command::Cancel(Cancel { order, user, reason: 0 }));
    assert_eq!(offers(&events), line[..1]);
    assert_eq!(world.restock(4), line[1..3]);
    let pay = |payment| Confirm { order, user, payment: PaymentId::new(payment), amount: Amount::new(0) };
    let (outcome, events) = world.run(Command::Confirm(pay(1)));
    assert!(matches!(outcome, Outcome::RefundRequired { .. }), "{outcome:?}");
    assert_eq!(offers(&events), line[3..]);
    assert_eq!(world.restock(1), []);
    let (outcome, _) = world.run(Command::Confirm(pay(2)));
    assert_eq!(outcome, Outcome::Reacquired { order });
}

#[test]
fn a_frozen_sku_offers_nobody_anything_and_then_serves_the_line_in_order() {
    let freeze = |frozen| Command::Sku(SkuCommand::Freeze { sku: SKU, frozen, by: 1, reason: 2 });
    let mut world = World::new(0);
    let line: Vec<_> = (1..=3).map(|user| world.wait(user, 1)).collect();
    assert_eq!(world.run(freeze(true)).0, Outcome::CampaignSet);
    assert!(matches!(world.run(freeze(true)).0, Outcome::Replayed { .. }));
    let request = world.request();
    let restock = Restock { request, sku: SKU, units: 4, ..Restock::default() };
    let (_, events) = world.run(Command::Restock(restock));
    assert!(!events.iter().any(|event| matches!(event, Event::Offered { .. })), "{events:?}");
    let refused = Outcome::Refused(Refusal::Frozen);
    assert_eq!((world.ask(4, 1, 0), world.ask(4, 1, 1_000)), (refused, refused));
    let stock = world.ledger.stock(SKU).unwrap();
    assert_eq!((stock.available, stock.waiting, stock.frozen), (4, 3, true));

    let (_, mut events) = world.run(freeze(false));
    let now = Timestamp::new(NOW);
    world.ledger.pulse(now, 100, |event| events.push(*event)).unwrap();
    world.ledger.check().unwrap();
    let offered = |event: &Event| match event {
        Event::Offered { number, .. } => Some(*number),
        _ => None,
    };
    assert_eq!(events.iter().filter_map(offered).collect::<Vec<_>>(), line);
    assert!(matches!(world.ask(4, 1, 0), Outcome::Reserved { .. }));
}

#[test]
fn an_open_hold_of_a_frozen_sku_is_paid_and_one_that_has_ended_is_paid_back() {
    let mut world = World::new(0);
    let request = world.request();
    world.run(Command::Restock(Restock { request, sku: SKU, units: 2, ..Restock::default() }));
    let orders = [1, 2].map(|user| match world.ask(user, 1, 0) {
        Outcome::Reserved { order, .. } => order,
        other => panic!("{other:?}"),
    });
    world.run(Command::Sku(SkuCommand::Freeze { sku: SKU, frozen: true, by: 1, reason: 2 }));
    let pay = |order, user| {
        let payment = PaymentId::new(u128::from(user));
        let amount = Amount::new(0);
        Command::Confirm(Confirm { order, user: UserId::new(user), payment, amount })
    };
    assert_eq!(world.run(pay(orders[0], 1)).0, Outcome::Confirmed { order: orders[0] });
    let later = Timestamp::new(NOW + 61_000);
    world.ledger.pulse(later, 100, |_| {}).unwrap();
    let paid = world.ledger.execute(later, &pay(orders[1], 2), |_| {}).unwrap();
    assert!(matches!(paid, Outcome::RefundRequired { .. }), "{paid:?}");
    world.ledger.check().unwrap();
}
