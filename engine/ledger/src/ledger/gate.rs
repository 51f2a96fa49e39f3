//! Whether a SKU and its campaign let a shopper in, and what they let him have.

use super::Ledger;
use crate::campaign::Phase;
use crate::campaigns::Campaign;
use crate::command::{Line, Reserve};
use crate::ids::{Amount, ChannelId, Timestamp};
use crate::offers::UnitBounds;
use crate::outcome::Refusal;
use crate::stock::{Marks, Sku};
use crate::table::Slot;

/// Most units of a SKU, as its settings and the phase say together.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// For a shopper.
    pub(super) user: u32,
    /// In one order.
    pub(super) order: u32,
    /// For a shopper, of all SKUs of the placement group; of one in no group, that is `user`'s.
    pub(super) group: u32,
}

impl Limits {
    #[inline]
    fn of(sku: &Sku) -> Self {
        Self { user: or_none(sku.user_limit), order: or_none(sku.order_limit), group: u32::MAX }
    }

    #[inline]
    fn in_phase(sku: &Sku, phase: &Phase) -> Self {
        let Self { user, order, .. } = Self::of(sku);
        let (user, order) = (user.min(or_none(phase.user_limit)), order.min(or_none(phase.order_limit)));
        let group = or_none(phase.group_limit);
        if sku.marks.has(Marks::GROUPED) {
            Self { user, order, group }
        } else {
            Self { user: user.min(group), order, group: u32::MAX }
        }
    }
}

/// 0 stands for no limit.
#[inline]
fn or_none(limit: u32) -> u32 {
    if limit == 0 { u32::MAX } else { limit }
}

/// What must be paid at least, and at most, for lines of an order.
#[derive(Clone, Copy, Default)]
pub(super) struct Bounds {
    least: u64,
    most: u64,
}

impl Bounds {
    pub(super) fn and(self, other: Self) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }

    fn of(unit: Option<UnitBounds>, paid_units: u32) -> Self {
        let of = |unit: Amount| unit.raw().saturating_mul(u64::from(paid_units));
        unit.map_or(Self { least: 0, most: u64::MAX }, |unit| Self {
            least: of(unit.floor),
            most: of(unit.ceiling),
        })
    }

    /// Whether the amount is within them.
    pub(super) fn check(self, amount: Amount) -> Result<(), Refusal> {
        match amount.raw() {
            amount if amount < self.least => {
                Err(Refusal::PriceOutOfBounds { bound: Amount::new(self.least) })
            }
            amount if amount > self.most => Err(Refusal::PriceOutOfBounds { bound: Amount::new(self.most) }),
            _ => Ok(()),
        }
    }
}

impl Ledger {
    /// Whether the order of a plain line may be held at `now`, as far as the SKU itself and its campaign have a say.
    #[inline]
    pub(super) fn admit(
        &self,
        now: Timestamp,
        slot: Slot,
        sku: &Sku,
        reserve: &Reserve,
    ) -> Result<Limits, Refusal> {
        if !sku.marks.has(Marks::CAMPAIGN_OR_FROZEN) {
            return Ok(Limits::of(sku));
        }
        let (limits, bounds) = self.admit_line(now, slot, sku, reserve, reserve.quantity.units())?;
        bounds.check(reserve.amount)?;
        Ok(limits)
    }

    /// As [`admit`](Self::admit), of one line of several, of which so many units are to be paid.
    #[inline]
    pub(super) fn admit_line(
        &self,
        now: Timestamp,
        slot: Slot,
        sku: &Sku,
        reserve: &Reserve,
        paid_units: u32,
    ) -> Result<(Limits, Bounds), Refusal> {
        if sku.marks.has(Marks::FROZEN) {
            return Err(Refusal::Frozen);
        }
        let Some(campaign) = self.campaign_of(slot, sku) else {
            return Ok((Limits::of(sku), Bounds::of(None, paid_units)));
        };
        let phase = campaign.admit(now, reserve.channel, reserve.terms.tier)?;
        let price = self.price_for(now, slot, campaign, phase, reserve.terms.price_version)?;
        Ok((Limits::in_phase(sku, phase), Bounds::of(price, paid_units)))
    }

    /// What an order may have that has passed the door before: one that waits, or is paid late. `None`: the SKU is frozen, or
    /// its campaign sells nothing through this channel now.
    pub(super) fn limits_now(&self, slot: Slot, sku: &Sku, channel: ChannelId) -> Option<Limits> {
        match self.campaign_of(slot, sku) {
            _ if sku.marks.has(Marks::FROZEN) => None,
            None => Some(Limits::of(sku)),
            Some(campaign) => Some(Limits::in_phase(sku, campaign.open(self.now, channel).ok()?)),
        }
    }

    /// The campaign that sells the SKU.
    #[inline]
    pub(super) fn campaign_of(&self, slot: Slot, sku: &Sku) -> Option<&Campaign> {
        if sku.marks.has(Marks::CAMPAIGN) {
            self.campaigns.get(self.stock.offer(slot).campaign)
        } else {
            None
        }
    }

    /// What an order by this version of prices pays for a unit; `None`: nothing is known of it.
    #[inline]
    fn price_for(
        &self,
        now: Timestamp,
        slot: Slot,
        campaign: &Campaign,
        phase: &Phase,
        version: u32,
    ) -> Result<Option<UnitBounds>, Refusal> {
        let counts = phase.price_version;
        if counts == 0 {
            return Ok(None);
        }
        let price = |version| self.offers.price(slot, version).map(|price| price.price.raw());
        if version != counts && !campaign.honours(now, version, price) {
            return Err(Refusal::PriceChanged { version: counts });
        }
        Ok(self.offers.bounds(self.stock.offer(slot), slot, version))
    }

    /// Units of a line that are paid for.
    pub(super) fn paid_units(line: &Line) -> u32 {
        line.units.saturating_sub(line.gifts)
    }
}
