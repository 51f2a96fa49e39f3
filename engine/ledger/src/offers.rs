//! What campaigns say about SKUs: which one sells it, its prices by version, and with which others it shares a limit. Beside the
//! stock, by the SKU's slot.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::campaign::Price;
use crate::ids::{CampaignId, GroupId};
use crate::table::{NONE, Row, Rows, Slot};

/// Most versions of a SKU's price, 40 bytes each: a sale has a handful, and a SKU is in one after the other.
pub(crate) const MAX_VERSIONS: u32 = 64;

/// One SKU's. There is one for each row of the stock, in the same place, so that it is found without a search. An order looks at
/// the campaign and, but for the minutes before the prices change, at the latest price: one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Offer {
    /// Where its campaign stands in the list; [`NONE`]: it has none.
    campaign: Slot,
    /// What its placement group is counted by; [`NONE`]: it is in none.
    group: Slot,
    /// Its latest price; of version 0: it has none.
    latest: Version,
}

const _: () = assert!(size_of::<Offer>() == 64);

/// What a group is counted by is the slot of its first SKU, with this bit: no SKU has such a slot, as its row takes 64 bytes.
pub(crate) const GROUP: Slot = 1 << 31;

impl Default for Offer {
    fn default() -> Self {
        Self { campaign: NONE, group: NONE, latest: Version::default() }
    }
}

impl Row for Offer {
    fn link(&self) -> Slot {
        NONE
    }

    fn set_link(&mut self, _link: Slot) {}
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

/// The offers of all SKUs.
#[derive(Debug)]
pub(crate) struct Offers {
    offers: Rows<Offer>,
    /// Those before the latest.
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
            offers: Rows::new(),
            prices: Rows::new(),
            skus: BTreeMap::new(),
            priced: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }

    /// Makes room for the SKU that was set up in this slot, the next one.
    pub(crate) fn put(&mut self, sku: Slot, group: Option<GroupId>) -> Option<()> {
        let group = group.map_or(NONE, |group| *self.groups.entry(group).or_insert(sku | GROUP));
        (self.offers.insert(Offer { group, ..Offer::default() })? == sku && sku < GROUP).then_some(())
    }

    /// What the units of the SKU's group are counted by; [`NONE`]: it is in none.
    #[inline]
    pub(crate) fn group(&self, sku: Slot) -> Slot {
        self.offers.get(sku).map_or(NONE, |offer| offer.group)
    }

    /// Where the SKU's campaign stands in the list; [`NONE`]: it has none.
    #[inline]
    pub(crate) fn campaign(&self, sku: Slot) -> Slot {
        self.offers.get(sku).map_or(NONE, |offer| offer.campaign)
    }

    /// Reads the place where its campaign and its latest price stand.
    #[inline]
    pub(crate) fn touch(&self, sku: Slot) -> u32 {
        self.offers.get(sku).map_or(NONE, |offer| offer.campaign)
    }

    /// What the SKU costs by this version.
    #[inline]
    pub(crate) fn price(&self, sku: Slot, version: u32) -> Option<Price> {
        self.versions(sku).find(|(known, _)| *known == version).map(|(_, price)| price)
    }

    /// The SKU's prices, the latest first.
    pub(crate) fn versions(&self, sku: Slot) -> impl Iterator<Item = (u32, Price)> {
        let latest = self.offers.get(sku).map(|offer| &offer.latest).filter(|latest| latest.version != 0);
        let rows = core::iter::successors(latest, |row| self.prices.get(row.next));
        rows.map(|row| (row.version, row.price))
    }

    /// Notes a price. `None` if there is no such SKU, no room, or the version is 0, which none is.
    pub(crate) fn set_price(
        &mut self,
        sku: Slot,
        campaign: Option<CampaignId>,
        version: u32,
        price: Price,
    ) -> Option<()> {
        let before = self.offers.get(sku).filter(|_| version != 0)?.latest;
        let next = if before.version == 0 { NONE } else { self.prices.insert(before)? };
        self.offers.get_mut(sku)?.latest = Version { price, version, next };
        if let Some(campaign) = campaign {
            let priced = self.priced.entry((campaign, version)).or_default();
            *priced = priced.saturating_add(1);
        }
        Some(())
    }

    /// Lets another campaign sell the SKU, or none, which stands at `nth` of the list. `None` if there is no such SKU.
    pub(crate) fn bind(
        &mut self,
        sku: Slot,
        from: Option<CampaignId>,
        to: Option<(CampaignId, u32)>,
    ) -> Option<()> {
        self.offers.get_mut(sku)?.campaign = to.map_or(NONE, |(_, nth)| nth);
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
        self.offers.bytes().saturating_add(self.prices.bytes())
    }
}
