//! One number that tells two states apart.

use super::Ledger;
use crate::campaign::{self, PricePolicy, Stage, Standing};
use crate::hash::Mix;
use crate::ids::{PARTITIONS, PartitionId, PaymentId, Timestamp};
use crate::offers::GROUP;
use crate::order::{Order, Phase};
use crate::outcome::OrderState;
use crate::payment::{Payment, PaymentKind};
use crate::stock::{Marks, Sku};

/// A digest of a ledger's state: the sum, modulo 2^64, of a fixed mix of each entry. As a sum it doesn't depend on the
/// order of entries, and the digest of a server is the sum of its shards' digests, however many those are. It guards
/// against mistakes and rot, not against a forger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(u64);

impl Digest {
    /// The number.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The digest with this number.
    pub const fn new(raw: u64) -> Self {
        Self(raw)
    }

    /// The digest of two states side by side.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    pub(super) fn entry(&mut self, mix: Mix) {
        self.0 = self.0.wrapping_add(mix.finish());
    }
}

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Ledger {
    /// The digest of all that the log determines: accounts, orders, tallies and sequences, but not the hash seed,
    /// slots, the calendar or advice like the earliest deadline. Walks everything: some 100 ns an order.
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        for (_, sku) in self.stock.iter() {
            digest.entry(mix_sku(sku));
            if sku.marks.has(Marks::FROZEN) {
                digest.entry(Mix::new(15).word(sku.id.raw()));
            }
        }
        for (_, order) in self.orders.rows.iter() {
            if let Phase::Live(state) = order.phase {
                let sku = self.stock.get(order.sku).map_or(0, |sku| sku.id.raw());
                let taken = self.orders.taken(order);
                digest.entry(mix_order(
                    (order, self.orders.fingerprint(order)),
                    state,
                    sku,
                    taken.map_or_else(PaymentId::default, Payment::id),
                ));
                self.digest_rarities(order, &mut digest);
            }
        }
        self.digest_campaigns(&mut digest);
        for (slot, sku) in self.stock.iter() {
            for (channel, allotment) in self.channels.of(self.stock.offer(slot), slot) {
                let mix =
                    Mix::new(9).word(sku.id.raw()).word(u64::from(channel.raw())).word(allotment.guarantee);
                let mix = mix.word(allotment.cap.map_or(0, |cap| cap.wrapping_add(1))).word(allotment.taken);
                digest.entry(mix.word(allotment.release_at.map_or(0, Timestamp::raw)));
            }
        }
        self.digest_budgets(&mut digest);
        for units in self.tally.iter() {
            if units.sku & GROUP != 0 {
                // A sum of others.
                continue;
            }
            let sku = self.stock.get(units.sku).map_or(0, |sku| sku.id.raw());
            digest.entry(Mix::new(3).word(units.user.raw()).word(sku).word(u64::from(units.units)));
        }
        for partition in (0..PARTITIONS).filter_map(PartitionId::new) {
            let last = self.orders.last_sequence(partition);
            if last != 0 {
                digest.entry(Mix::new(4).word(u64::from(partition.raw())).word(last));
            }
        }
        self.digest_after(&mut digest);
        digest
    }
}

impl Ledger {
    /// What is known of campaigns: of the campaigns themselves once for all ledgers, and of this one's SKUs.
    fn digest_campaigns(&self, digest: &mut Digest) {
        for (slot, sku) in self.stock.iter() {
            if let Some(campaign) = self.campaign_id(slot) {
                digest.entry(Mix::new(10).word(sku.id.raw()).word(u64::from(campaign.raw())));
            }
            for (version, price) in self.offers.versions(slot) {
                let mix = Mix::new(11).word(sku.id.raw()).word(u64::from(version));
                let mix = mix.word(price.price.raw()).word(price.list.raw());
                digest.entry(mix.word(price.floor.raw()).word(price.ceiling.raw()));
            }
        }
        if !self.share().serves(PartitionId::default()) {
            return;
        }
        for (id, campaign) in self.campaigns.iter() {
            let (policy, ms) = match campaign.policy {
                PricePolicy::Strict => (0, 0),
                PricePolicy::Grace { ms } => (1, ms),
                PricePolicy::HonourLower => (2, 0),
            };
            let standing = match campaign.standing {
                Standing::Running => 0,
                Standing::Paused => 1,
                Standing::Aborted => 2,
            };
            let mix = Mix::new(12).word(u64::from(id.raw())).word(u64::from(campaign.plan));
            let mix = mix.word(policy).word(u64::from(ms)).word(standing);
            let phases = u64::try_from(campaign.phases.len()).unwrap_or(u64::MAX);
            digest.entry(mix.word(phases).word(u64::from(campaign.entered)).word(campaign.since.raw()));
            for (from, version) in &campaign.counted {
                let mix = Mix::new(14).word(u64::from(id.raw())).word(from.raw());
                digest.entry(mix.word(u64::from(*version)));
            }
            for (plan, phases) in &campaign.plans {
                for (nth, phase) in phases {
                    let mix = Mix::new(13).word(u64::from(id.raw())).word(u64::from(*plan));
                    digest.entry(mix_phase(mix.word(u64::from(*nth)), phase));
                }
            }
        }
    }

    /// What most orders don't have: an entry of its own each.
    fn digest_rarities(&self, order: &Order, digest: &mut Digest) {
        for payment in self.orders.payments(order) {
            let kind = match payment.kind() {
                PaymentKind::Taken if payment.amount() == order.amount => continue,
                PaymentKind::Taken => 1,
                PaymentKind::Begun => 2,
                PaymentKind::Refund => 3,
                PaymentKind::Failed => 4,
                PaymentKind::Claim | PaymentKind::Coupon => continue,
            };
            let mix = Mix::new(5).word(order.number.raw()).wide(payment.id().raw());
            digest.entry(mix.word(kind).word(payment.value()));
        }
        for leg in self.orders.legs(order) {
            let mix = Mix::new(7).word(order.number.raw()).word(leg.sku.raw());
            let mix = mix.word(u64::from(leg.ordered)).word(u64::from(leg.units)).word(u64::from(leg.gifts));
            digest
                .entry(mix.word(u64::from(leg.location)).word(u64::from(leg.pool)).word(u64::from(leg.held)));
        }
        let asked = self.orders.asked(order);
        if (asked.quantity, asked.amount) != (order.quantity, order.amount) {
            let mix = Mix::new(8).word(order.number.raw()).word(u64::from(asked.quantity));
            digest.entry(mix.word(asked.amount.raw()));
        }
        self.digest_claim(order, digest);
        if order.moves != 0 {
            digest.entry(Mix::new(6).word(order.number.raw()).word(u64::from(order.moves)));
        }
    }
}

fn mix_phase(mix: Mix, phase: &campaign::Phase) -> Mix {
    let stage = match phase.stage {
        Stage::Warmup => 0,
        Stage::Live => 1,
        Stage::Sustain => 2,
        Stage::Wrapup => 3,
        Stage::Closed => 4,
    };
    let mix = mix.word(phase.start.raw()).word(stage).word(u64::from(phase.min_tier));
    let mix = mix.word(u64::from(phase.user_limit)).word(u64::from(phase.order_limit));
    let mix = mix.word(u64::from(phase.group_limit)).word(u64::from(phase.price_version));
    let mix = mix.word(u64::from(phase.admission_plan)).word(u64::from(phase.breaker_plan));
    let channels = phase.channels.as_slice().iter();
    channels.fold(mix, |mix, channel| mix.word(u64::from(channel.raw())))
}

fn mix_sku(sku: &Sku) -> Mix {
    Mix::new(1)
        .word(sku.id.raw())
        .word(sku.available)
        .word(sku.held)
        .word(sku.sold)
        .word(sku.stocked)
        .word(u64::from(sku.holds))
        .word(u64::from(sku.user_limit))
        .word(u64::from(sku.order_limit))
}

fn mix_order((order, fingerprint): (&Order, u32), state: OrderState, sku: u64, payment: PaymentId) -> Mix {
    let state = match state {
        OrderState::Held => 1,
        OrderState::Confirmed | OrderState::After(_) => 2,
        OrderState::Cancelled => 3,
        OrderState::Expired => 4,
        OrderState::Restocked => 5,
        OrderState::Paying => 6,
        OrderState::Superseded => 7,
        OrderState::Waiting => 8,
        OrderState::Lapsed => 9,
    };
    Mix::new(2)
        .word(order.number.raw())
        .wide(order.request().raw())
        .wide(payment.raw())
        .word(order.user.raw())
        .word(order.amount.raw())
        .word(order.placed_at.raw())
        .word(u64::from(fingerprint))
        .word(sku)
        .word(u64::from(order.quantity))
        .word(u64::from(order.asked_hold_ms))
        .word(u64::from(order.hold_ms))
        .word(u64::from(order.ended_ms))
        .word(u64::from(order.channel.raw()))
        .word(state)
}
