//! Several ledgers that serve the partitions together, as shards do.

use doorbuster_ledger::*;

pub(crate) struct Shop {
    pub(crate) ledgers: Vec<Ledger>,
    /// All events, in the order in which a log would hold them.
    pub(crate) log: Vec<Event>,
}

impl Shop {
    pub(crate) fn new(ledgers: u16, rules: Rules, seed: u64) -> Self {
        let share = |number| Share::new(number, ledgers).expect("in range");
        let ledgers = (0..ledgers).map(|number| Ledger::of(share(number), rules, seed)).collect();
        Self { ledgers, log: Vec::new() }
    }

    /// The ledger that serves a partition.
    pub(crate) fn of(&mut self, partition: PartitionId) -> &mut Ledger {
        let mut ledgers = self.ledgers.iter_mut();
        ledgers.find(|ledger| ledger.share().serves(partition)).expect("every partition is served")
    }

    pub(crate) fn home(command: &Command) -> PartitionId {
        match command {
            Command::Reserve(reserve) => PartitionId::of(reserve.sku),
            Command::PutSku(put) => PartitionId::of(put.sku),
            Command::Restock(restock) => PartitionId::of(restock.sku),
            Command::SetChannel(set) => PartitionId::of(set.sku),
            Command::Rebalance(rebalance) => PartitionId::of(rebalance.sku),
            Command::Sku(command) => PartitionId::of(command.sku()),
            Command::Confirm(confirm) => confirm.order.partition(),
            Command::Cancel(cancel) => cancel.order.partition(),
            Command::BeginPay(begin) => begin.order.partition(),
            Command::FailPay(failed) => failed.order.partition(),
            Command::Extend(extend) => extend.order.partition(),
        }
    }

    /// Executes a command in its ledger. Returns the events, too.
    pub(crate) fn execute(&mut self, now: u64, command: &Command, place: Place) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let ledger = self.of(Self::home(command));
        let outcome =
            ledger.execute_at(Timestamp::new(now), command, place, |event| events.push(*event)).unwrap();
        if outcome == Outcome::Refused(Refusal::Budget(BudgetRefusal::SliceShort)) {
            assert_eq!(events, [], "nothing is decided here");
            return self.ask_all(now, command);
        }
        self.log.extend(&events);
        (outcome, events)
    }

    /// Executes a command over all ledgers.
    /// What a shard does with a command whose discount its own ledger can't decide about.
    fn ask_all(&mut self, now: u64, command: &Command) -> (Outcome, Vec<Event>) {
        match *command {
            Command::Reserve(reserve) => {
                let line = Line { sku: reserve.sku, units: reserve.quantity.units(), ..Line::default() };
                self.compose(now, &Composite::Reserve { reserve, supersedes: None }, &[line])
            }
            Command::Confirm(confirm) => self.compose(now, &Composite::Confirm(confirm), &[]),
            _ => panic!("{command:?} claims nothing"),
        }
    }

    /// Executes a command about budgets or coupons over all ledgers.
    pub(crate) fn budget(
        &mut self,
        now: u64,
        command: &BudgetCommand,
        funders: &[Funder],
    ) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let mut ledgers: Vec<_> = self.ledgers.iter_mut().collect();
        let mut span = Span::new(&mut ledgers);
        let outcome = span.budget(Timestamp::new(now), command, funders, &mut events).unwrap();
        self.log.extend(&events);
        (outcome, events)
    }

    pub(crate) fn read_budget(&mut self, budget: BudgetId) -> Option<BudgetSnapshot> {
        let mut ledgers: Vec<_> = self.ledgers.iter_mut().collect();
        Span::new(&mut ledgers).read_budget(budget).unwrap()
    }

    pub(crate) fn compose(&mut self, now: u64, command: &Composite, lines: &[Line]) -> (Outcome, Vec<Event>) {
        self.compose_with(now, command, (lines, None))
    }

    pub(crate) fn compose_with(
        &mut self,
        now: u64,
        command: &Composite,
        with: (&[Line], Option<CouponId>),
    ) -> (Outcome, Vec<Event>) {
        let mut events = Vec::new();
        let mut ledgers: Vec<_> = self.ledgers.iter_mut().collect();
        let mut span = Span::new(&mut ledgers);
        let now = Timestamp::new(now);
        let known = span.recall(now, command, with, &mut events).unwrap();
        assert!(events.is_empty(), "looking up came to events: {events:?}");
        let outcome = span.execute_with(now, command, with, &mut events).unwrap();
        match (known, command) {
            (Some(known), _) => assert_eq!((known, events.len()), (outcome, 0), "{command:?} was looked up"),
            (None, Composite::Reserve { .. }) => {
                assert!(!matches!(outcome, Outcome::Replayed { .. }), "{command:?} was not known");
            }
            (None, Composite::Confirm(_) | Composite::Cancel { .. }) => {
                assert!(!events.is_empty(), "{command:?} needs no change: {outcome:?}");
            }
            (None, _) => {}
        }
        self.log.extend(&events);
        (outcome, events)
    }

    /// Carries out a bounded part of what is due. Returns its events, and whether there is more.
    pub(crate) fn pulse(&mut self, now: u64, limit: u32) -> (Vec<Event>, bool) {
        let (mut events, mut more) = (Vec::new(), false);
        for ledger in &mut self.ledgers {
            let before = events.len();
            let pulse = ledger.pulse(Timestamp::new(now), limit, |event| events.push(*event)).unwrap();
            // With each, units may be written off.
            assert!(events.len() - before <= 2 * limit as usize);
            more |= pulse.more;
        }
        self.log.extend(&events);
        let errands: Vec<_> = self.ledgers.iter().flat_map(Ledger::errands).collect();
        for errand in errands {
            events.extend(self.compose(now, &errand, &[]).1);
        }
        while self.ledgers[0].next_phase_entry().is_some_and(|start| start.raw() <= now) {
            events.extend(self.compose(now, &Composite::Campaign(CampaignCommand::Enter), &[]).1);
        }
        (events, more)
    }

    /// Names the orders that shortfalls hit. Returns the events.
    pub(crate) fn name(&mut self, now: u64) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let names = self.ledgers.iter().flat_map(Ledger::errands);
            let Some(name) = names.into_iter().find(|errand| matches!(errand, Composite::After(_))) else {
                return events;
            };
            events.extend(self.compose(now, &name, &[]).1);
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.ledgers.iter().fold(Digest::default(), |sum, ledger| sum.and(ledger.digest()))
    }

    pub(crate) fn check(&mut self) {
        let mut ledgers: Vec<_> = self.ledgers.iter_mut().collect();
        Span::new(&mut ledgers).check().unwrap();
    }

    pub(crate) fn sum(&self, of: impl Fn(Totals) -> u64) -> u64 {
        self.ledgers.iter().map(|ledger| of(ledger.totals())).sum()
    }

    /// Replays a log, few events at a time, and lets things fall due.
    pub(crate) fn replay(&mut self, log: &[Event], now: u64) {
        self.apply(log);
        self.ledgers.iter_mut().for_each(|ledger| ledger.resume(Timestamp::new(now)));
    }

    /// Takes the image of a shop with one ledger.
    pub(crate) fn load(&mut self, whole: &Self) {
        let mut entries = Vec::new();
        let told = whole.ledgers[0].image(|entry| {
            entries.push(*entry);
            Ok::<_, Violation>(())
        });
        told.unwrap();
        for ledger in &mut self.ledgers {
            let share = ledger.share();
            let its = entries.iter().filter(|entry| match entry.partitions() {
                Partitions::One(partition) => share.serves(partition),
                Partitions::Two(..) => panic!("an entry belongs to one partition or to all"),
                Partitions::All => true,
            });
            ledger.load(&its.copied().collect::<Vec<_>>()).unwrap();
        }
    }

    /// Applies a part of a log.
    pub(crate) fn apply(&mut self, log: &[Event]) {
        for ledger in &mut self.ledgers {
            let share = ledger.share();
            let its: Vec<_> = log.iter().filter(|event| event.concerns(share)).collect();
            for events in its.chunks(7) {
                let places = ledger.touch_events(events.iter().copied());
                for (event, place) in events.iter().zip(places) {
                    ledger.apply(event, place).unwrap();
                }
            }
        }
    }
}
