//! Fixtures for the benches: fixed seeds, so that two runs measure the same work.

use doorbuster_ledger::{
    Amount, ChannelId, Command, Confirm, Ledger, Outcome, PartitionId, PaymentId, PutSku, Quantity,
    RequestId, Reserve, Rules, Share, SkuId, TOUCHED, Terms, Timestamp, UserId,
};

/// The allocator of the server, so that the benches measure what it serves with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where the clock of every fixture starts.
pub const START: u64 = 1_700_000_000_000;

/// A stream of distinct numbers that look random: `SplitMix64` over a counter.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The stream with this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Reserves of random users and SKUs, each with an id of its own.
#[derive(Clone, Debug)]
pub struct Crowd {
    numbers: Numbers,
    users: u64,
    skus: u64,
    hold_ms: u32,
}

impl Crowd {
    /// Shoppers out of `users`, SKUs out of `skus`, holds of `hold_ms` milliseconds.
    pub const fn new(seed: u64, users: u64, skus: u64, hold_ms: u32) -> Self {
        Self { numbers: Numbers::new(seed), users, skus, hold_ms }
    }

    /// The next shopper's reserve, made at `now`.
    ///
    /// # Panics
    /// Never: one unit is a quantity.
    pub fn reserve(&mut self, now: Timestamp) -> Reserve {
        let random = u128::from(self.numbers.draw());
        let draw = self.numbers.draw();
        Reserve {
            request: RequestId::new((u128::from(now.raw()) << 80) | (7 << 76) | (2 << 62) | (random >> 2)),
            user: UserId::new(draw % self.users),
            sku: SkuId::new(1 + (draw >> 32) % self.skus),
            quantity: Quantity::new(1).expect("one is not zero"),
            amount: Amount::new(0),
            hold_ms: self.hold_ms,
            channel: ChannelId::new(1),
            first_attempt: true,
            wait_ms: 0,
            terms: Terms::default(),
            claim: None,
        }
    }

    /// The next `count` reserves.
    pub fn reserves(&mut self, now: Timestamp, count: usize) -> Vec<Command> {
        (0..count).map(|_| Command::Reserve(self.reserve(now))).collect()
    }
}

/// A ledger with `skus` SKUs of `units` units each and no limit for a shopper but the largest.
///
/// # Panics
/// If `units` is more than a SKU can have.
pub fn ledger(skus: u64, units: u64) -> Ledger {
    stocked(Rules::default(), skus, units)
}

/// A ledger of one SKU that keeps nothing for long: orders leave memory two seconds after their end.
pub fn short_lived() -> Ledger {
    let rules = Rules { idempotency_window_ms: 2_000, order_retention_ms: 2_000, ..Rules::default() };
    stocked(rules, 1, 1 << 39)
}

fn stocked(rules: Rules, skus: u64, units: u64) -> Ledger {
    stocked_of(1, rules, skus, units).remove(0)
}

/// Ledgers that share `skus` SKUs of `units` units each, as shards do.
///
/// # Panics
/// If `units` is more than a SKU can have.
pub fn stocked_of(shards: u16, rules: Rules, skus: u64, units: u64) -> Vec<Ledger> {
    let ledger = |share| Ledger::of(share, rules, 0xD00B);
    let mut ledgers: Vec<_> =
        (0..shards).filter_map(|number| Share::new(number, shards)).map(ledger).collect();
    for sku in (1..=skus).map(SkuId::new) {
        let put =
            Command::PutSku(PutSku { sku, units, user_limit: u32::MAX, order_limit: 0, ..PutSku::default() });
        let of = |ledger: &&mut Ledger| ledger.share().serves(PartitionId::of(sku));
        let ledger = ledgers.iter_mut().find(of).expect("every partition is served");
        assert_eq!(ledger.execute(Timestamp::new(START), &put, |_| {}), Ok(Outcome::SkuPut));
    }
    ledgers
}

/// Fills `ledger` with `orders` open holds and returns confirms for them.
pub fn fill(ledger: &mut Ledger, crowd: &mut Crowd, orders: usize) -> Vec<Command> {
    let now = Timestamp::new(START);
    let mut confirms = Vec::with_capacity(orders);
    while confirms.len() < orders {
        let reserves = crowd.reserves(now, TOUCHED);
        let places = ledger.touch(reserves.iter());
        for (command, place) in reserves.iter().zip(places) {
            let (Ok(Outcome::Reserved { order, .. }), Command::Reserve(reserve)) =
                (ledger.execute_at(now, command, place, |_| {}), command)
            else {
                continue;
            };
            let confirm =
                Confirm { order, user: reserve.user, payment: PaymentId::new(1), amount: Amount::new(0) };
            confirms.push(Command::Confirm(confirm));
        }
    }
    confirms
}
