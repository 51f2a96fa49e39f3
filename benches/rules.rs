//! What the rules of a sale cost the order with one line: the same reserve without any, and with a shopper's limit, a channel with
//! a guarantee and a cap, a campaign with a tier and prices, and a discount from a budget's slice. Decide, apply, and the events
//! encoded into a buffer, in batches of 64.
//!
//! The variants are measured in turns, sample by sample, in one process: a machine that slows down slows all of them. The ratio to
//! the plain order is printed. `DOORBUSTER_BENCH_FULL=1` takes more shoppers and SKUs.
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorbuster_benches::{Crowd, START, stocked_of};
use doorbuster_engine::Keeper;
use doorbuster_engine::log::record;
use doorbuster_ledger::{
    Activate, Amount, BudgetCommand, BudgetEvent, BudgetId, CampaignCommand, CampaignId, ChannelId, Claim,
    Command, Composite, Event, Funder, FunderId, Ledger, Outcome, PARTITIONS, PartitionId, Phase, Place,
    Price, PricePolicy, Reserve, Rules, SetChannel, SkuCommand, SkuId, Span, Stage, Terms, Timestamp,
};

/// Commands that a shard decides together.
const BATCH: usize = 64;

/// Commands of one sample.
const SAMPLE: usize = 16_384;

/// Samples of each variant, after as many batches to warm up as there are variants.
const SAMPLES: usize = 60;

const CAMPAIGN: CampaignId = CampaignId::new(11);

fn full() -> bool {
    std::env::var_os("DOORBUSTER_BENCH_FULL").is_some()
}

/// A ledger, the shoppers who come to it, and what it took them.
struct Variant {
    name: &'static str,
    ledger: Ledger,
    crowd: Crowd,
    keeper: Arc<Keeper>,
    dress: fn(Reserve) -> Reserve,
    bytes: Vec<u8>,
    /// Nanoseconds an order, one for each sample.
    took: Vec<f64>,
}

impl Variant {
    fn new(
        name: &'static str,
        skus: u64,
        set_up: impl Fn(&mut Ledger, SkuId),
        dress: fn(Reserve) -> Reserve,
    ) -> Self {
        let users = if full() { 10_000_000 } else { 1_000_000 };
        let mut ledger = stocked_of(1, Rules::default(), skus, 1 << 30).remove(0);
        stage(&mut ledger);
        fund(&mut ledger);
        (1..=skus).for_each(|sku| set_up(&mut ledger, SkuId::new(sku)));
        let keeper = Arc::new(Keeper::new(1));
        keeper.start().expect("the system gives a thread");
        let crowd = Crowd::new(7, users, skus, 0);
        Self { name, ledger, crowd, keeper, dress, bytes: Vec::new(), took: Vec::new() }
    }

    fn sample(&mut self) {
        let Self { ledger, crowd, keeper, dress, bytes, .. } = self;
        let now = Timestamp::new(START + 1);
        let asked: Vec<Command> =
            (0..SAMPLE).map(|_| Command::Reserve(dress(crowd.reserve(Timestamp::new(START))))).collect();
        let mut took = Duration::ZERO;
        for batch in asked.chunks(BATCH) {
            keeper.serve(0, ledger);
            bytes.clear();
            let started = Instant::now();
            let places = ledger.touch(batch.iter());
            for (command, place) in batch.iter().zip(places) {
                let outcome =
                    ledger.execute_at(now, command, place, |event| record::encode_event(event, bytes));
                let held = matches!(outcome, Ok(Outcome::Reserved { .. }));
                assert!(black_box(held), "{}: {outcome:?}", self.name);
            }
            took += started.elapsed();
        }
        self.took.push(took.as_secs_f64() * 1e9 / f64::from(u32::try_from(SAMPLE).unwrap_or(u32::MAX)));
    }

    /// The median and the quartiles.
    fn quartiles(&self) -> [f64; 3] {
        let mut sorted = self.took.clone();
        sorted.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| sorted[sorted.len() * quarter / 4])
    }
}

/// A campaign that sells from now on, with a shopper's limit.
fn stage(ledger: &mut Ledger) {
    let phase = Phase {
        start: Timestamp::new(START),
        stage: Stage::Live,
        min_tier: 1,
        user_limit: 1_000,
        price_version: 2,
        ..Phase::default()
    };
    let activate = Activate {
        campaign: CAMPAIGN,
        plan: 1,
        phases: 1,
        policy: PricePolicy::Strict,
        expected: 0,
        by: 0,
        reason: 0,
    };
    let put = CampaignCommand::PutPhase { campaign: CAMPAIGN, plan: 1, nth: 0, phase, by: 0, reason: 0 };
    for command in [put, CampaignCommand::Activate(activate)] {
        let mut ledgers = [&mut *ledger];
        let mut events = Vec::new();
        let outcome = Span::new(&mut ledgers).execute(
            Timestamp::new(START),
            &Composite::Campaign(command),
            &[],
            &mut events,
        );
        assert_eq!(outcome, Ok(Outcome::CampaignSet));
    }
}

fn run(ledger: &mut Ledger, command: Command) {
    let outcome = ledger.execute(Timestamp::new(START), &command, |_| {});
    assert!(matches!(outcome, Ok(Outcome::ChannelSet | Outcome::CampaignSet)), "{command:?}: {outcome:?}");
}

fn channels(ledger: &mut Ledger, sku: SkuId) {
    for channel in 1..=3 {
        let (channel, cap) = (ChannelId::new(channel), Some(1 << 29));
        let rules = SetChannel { sku, channel, guarantee: 1 << 20, cap, ..SetChannel::default() };
        run(ledger, Command::SetChannel(rules));
    }
}

fn campaign(ledger: &mut Ledger, sku: SkuId) {
    for version in [1, 2] {
        let price = Price {
            price: Amount::new(100),
            list: Amount::new(120),
            floor: Amount::new(90),
            ceiling: Amount::new(110),
        };
        run(ledger, Command::Sku(SkuCommand::Price { sku, version, price, by: 0, reason: 0 }));
    }
    run(ledger, Command::Sku(SkuCommand::Bind { sku, campaign: CAMPAIGN, by: 0, reason: 0 }));
}

/// An order that names its prices. The log keeps them, in a longer record than the plain order's.
fn by_prices(reserve: Reserve) -> Reserve {
    let terms = Terms { campaign: CAMPAIGN.raw(), price_version: 2, tier: 1, ..Terms::default() };
    Reserve { amount: Amount::new(100), terms, ..reserve }
}

/// A budget with a slice of plenty in each partition, as replay would fill them.
fn fund(ledger: &mut Ledger) {
    let at = Timestamp::new(START);
    let shares = [(1, 60), (2, 40)];
    let funders = shares.map(|(funder, share)| Funder { id: FunderId::new(funder), share });
    let (budget, funded) = (budget(), 1 << 60);
    let set = BudgetCommand::Set { budget, funded, by: 0, reason: 0 };
    let outcome = Span::new(&mut [&mut *ledger]).budget(at, &set, &funders, &mut Vec::new());
    assert_eq!(outcome, Ok(Outcome::BudgetSet { left: funded }));
    for partition in (0..PARTITIONS).filter_map(PartitionId::new) {
        let filled = Event::Budget(BudgetEvent::Filled { budget, partition, cents: 1 << 40, at });
        ledger.apply(&filled, Place::default()).expect("the bank has as much for each");
    }
}

fn budget() -> BudgetId {
    BudgetId::new(5).expect("it isn't 0")
}

/// The same order with a discount of a cent.
fn by_claim(reserve: Reserve) -> Reserve {
    Reserve { claim: Some(Claim { budget: budget(), amount: Amount::new(1) }), ..reserve }
}

fn measure(of: &str, skus: u64) {
    let plain = |reserve| reserve;
    let mut variants = [
        Variant::new("plain", skus, |_, _| {}, plain),
        Variant::new("with terms", skus, |_, _| {}, by_prices),
        Variant::new("channel", skus, channels, plain),
        Variant::new("campaign", skus, campaign, by_prices),
        Variant::new(
            "channel and campaign",
            skus,
            |ledger, sku| {
                channels(ledger, sku);
                campaign(ledger, sku);
            },
            by_prices,
        ),
        Variant::new("budget slice", skus, |_, _| {}, by_claim),
        Variant::new(
            "all and a budget slice",
            skus,
            |ledger, sku| {
                channels(ledger, sku);
                campaign(ledger, sku);
            },
            |reserve| by_claim(by_prices(reserve)),
        ),
    ];
    for _ in 0..=SAMPLES {
        variants.iter_mut().for_each(Variant::sample);
    }
    let base = {
        variants[0].took.remove(0);
        variants[0].quartiles()[1]
    };
    let mut out = std::io::stdout().lock();
    for (nth, variant) in variants.iter_mut().enumerate() {
        if nth > 0 {
            variant.took.remove(0);
        }
        let [low, median, high] = variant.quartiles();
        let line = format!(
            "rules/{of}/{:<22} {median:6.0} ns ({low:.0} to {high:.0})   {:.2} of plain",
            variant.name,
            base / median
        );
        drop(writeln!(out, "{line}"));
        variant.keeper.close();
    }
}

fn main() {
    // `cargo test --benches` only wants to see that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    measure("hot_sku", 1);
    measure("many_skus", if full() { 100_000 } else { 10_000 });
}
