//! What campaigns say about SKUs: which one sells it, its prices by version, and with which others it shares a limit. What an
//! order looks at stands in the SKU's own row, the rest beside the stock, by the SKU's slot.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::campaign::Price;
use crate::channels::Quota;
use crate::ids::{Amount, CampaignId, ChannelId, GroupId};
use crate::stock::Stock;
use crate::table::{NONE, Row, Rows, Slot};

/// Most versions of a SKU's price, 40 bytes each: a sale has a handful, and a SKU is in one after the other.
pub(crate) const MAX_VERSIONS: u32 = 64;

/// What an order for a SKU is held to, beside its accounts: one cache line, next to theirs.
///
/// An order looks at the campaign and, but for the minutes before the prices change, at the latest price; and at the first sales
/// channel with rules, which for many a SKU is the only one.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Offer {
    /// Where its campaign stands in the list; [`NONE`]: it has none.
    pub(crate) campaign: Slot,
    /// What its placement group is counted by; [`NONE`]: it is in none.
    pub(crate) group: Slot,
    /// The version of its latest price; 0: it has none.
    version: u32,
    /// The first channel with rules, if there is one.
    pub(crate) channel: ChannelId,
    pub(crate) has_channel: bool,
    /// Other channels have rules too.
    pub(crate) has_more: bool,
    /// Of the latest price.
    bounds: UnitBounds,
    /// The first channel's.
    pub(crate) quota: Quota,
}

const _: () = assert!(size_of::<Offer>() == 64);

/// What must be paid for a unit at least, and at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnitBounds {
    pub(crate) floor: Amount,
    pub(crate) ceiling: Amount,
}

impl From<Price> for UnitBounds {
    fn from(Price { floor, ceiling, .. }: Price) -> Self {
        Self { floor, ceiling }
    }
}

/// What a group is counted by is the slot of its first SKU, with this bit: no SKU has such a slot, as its row takes 128 bytes.
pub(crate) const GROUP: Slot = 1 << 31;

impl Offer {
    /// Of a SKU that is in no campaign and has no rules.
    pub(crate) const NOTHING: Self = Self {
        campaign: NONE,
        group: NONE,
        version: 0,
        channel: ChannelId::new(0),
        has_channel: false,
        has_more: false,
        bounds: UnitBounds { floor: Amount::new(0), ceiling: Amount::new(0) },
        quota: Quota::NOTHING,
    };
}

impl Default for Offer {
    fn default() -> Self {
        Self::NOTHING
    }
}

/// A price by one version, and the one before.
#[derive(Clone, Copy, Debug)]
struct Version {
    price: Price,
    version: u32,
    next: Slot,
}

impl Default for Version {
    fn default() -> Self {
        Self { price: Price::default(), version: 0, next: NONE }
    }
}

impl Row for Version {
    fn link(&self) -> Slot {
        self.next
    }

    fn set_link(&mut self, link: Slot) {
        self.next = link;
    }
}

/// Where the list of a SKU's prices begins; [`NONE`]: it has none.
#[derive(Clone, Copy, Debug)]
struct Latest(Slot);

impl Default for Latest {
    fn default() -> Self {
        Self(NONE)
    }
}

impl Row for Latest {
    fn link(&self) -> Slot {
        self.0
    }

    fn set_link(&mut self, link: Slot) {
        self.0 = link;
    }
}

/// What of all SKUs' offers an order rarely looks at.
#[derive(Debug)]
pub(crate) struct Offers {
    /// By the SKU's slot.
    latest: Rows<Latest>,
    prices: Rows<Version>,
    /// SKUs of each campaign.
    skus: BTreeMap<CampaignId, u64>,
    /// Those of them that have a price by a version.
    priced: BTreeMap<(CampaignId, u32), u64>,
    /// What each group is counted by.
    groups: BTreeMap<GroupId, Slot>,
}

impl Offers {
    pub(crate) const fn new() -> Self {
        Self {
            latest: Rows::new(),
            prices: Rows::new(),
            skus: BTreeMap::new(),
            priced: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Makes room for the SKU that was set up in this slot, the next one.
    pub(crate) fn put(&mut self, stock: &mut Stock, sku: Slot, group: Option<GroupId>) -> Option<()> {
        stock.offer_mut(sku)?.group =
            group.map_or(NONE, |group| *self.groups.entry(group).or_insert(sku | GROUP));
        (self.latest.insert(Latest::default())? == sku && sku < GROUP).then_some(())
    }

    /// What the SKU costs by this version.
    pub(crate) fn price(&self, sku: Slot, version: u32) -> Option<Price> {
        self.versions(sku).find(|(known, _)| *known == version).map(|(_, price)| price)
    }

    /// What must be paid for the SKU by this version.
    #[inline]
    pub(crate) fn bounds(&self, offer: &Offer, sku: Slot, version: u32) -> Option<UnitBounds> {
        if offer.version == version && version != 0 {
            return Some(offer.bounds);
        }
        self.price(sku, version).map(UnitBounds::from)
    }

    /// Whether the SKU's own row says what its latest price does.
    pub(crate) fn is_latest(&self, offer: &Offer, sku: Slot) -> bool {
        let latest = self.versions(sku).next().map(|(version, price)| (version, UnitBounds::from(price)));
        (offer.version, offer.bounds) == latest.unwrap_or_default()
    }

    /// The SKU's prices, the latest first.
    pub(crate) fn versions(&self, sku: Slot) -> impl Iterator<Item = (u32, Price)> {
        let latest = self.latest.get(sku).and_then(|latest| self.prices.get(latest.0));
        let rows = core::iter::successors(latest, |row| self.prices.get(row.next));
        rows.map(|row| (row.version, row.price))
    }

    /// Notes a price. `None` if there is no such SKU, no room, or the version is 0, which none is.
    pub(crate) fn set_price(
        &mut self,
        stock: &mut Stock,
        sku: Slot,
        campaign: Option<CampaignId>,
        version: u32,
        price: Price,
    ) -> Option<()> {
        let offer = stock.offer_mut(sku).filter(|_| version != 0)?;
        let latest = self.latest.get_mut(sku)?;
        latest.0 = self.prices.insert(Version { price, version, next: latest.0 })?;
        (offer.version, offer.bounds) = (version, price.into());
        if let Some(campaign) = campaign {
            let priced = self.priced.entry((campaign, version)).or_default();
            *priced = priced.saturating_add(1);
        }
        Some(())
    }

    /// Lets another campaign sell the SKU, or none, which stands at `nth` of the list. `None` if there is no such SKU.
    pub(crate) fn bind(
        &mut self,
        stock: &mut Stock,
        sku: Slot,
        from: Option<CampaignId>,
        to: Option<(CampaignId, u32)>,
    ) -> Option<()> {
        stock.offer_mut(sku)?.campaign = to.map_or(NONE, |(_, nth)| nth);
        if let Some(from) = from {
            self.count(sku, from, |known| known.saturating_sub(1));
        }
        if let Some((to, _)) = to {
            self.count(sku, to, |known| known.saturating_add(1));
        }
        Some(())
    }

    /// SKUs that a campaign sells, and those of them that have a price by this version.
    pub(crate) fn counts(&self, campaign: CampaignId, version: u32) -> (u64, u64) {
        let skus = self.skus.get(&campaign).copied().unwrap_or(0);
        (skus, self.priced.get(&(campaign, version)).copied().unwrap_or(0))
    }

    fn count(&mut self, sku: Slot, campaign: CampaignId, change: impl Fn(u64) -> u64) {
        let known = self.skus.entry(campaign).or_default();
        *known = change(*known);
        let versions: Vec<u32> = self.versions(sku).map(|(version, _)| version).collect();
        for version in versions {
            let known = self.priced.entry((campaign, version)).or_default();
            *known = change(*known);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.latest.bytes().saturating_add(self.prices.bytes())
    }
}
