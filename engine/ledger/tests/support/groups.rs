//! What a shopper has of SKUs that share a limit.

use doorbuster_ledger::*;

use super::Model;

/// The SKU that histories call by this number: 2 and 3 are in one placement group.
pub(crate) fn sku_of(number: u64) -> SkuId {
    match number {
        2 | 3 => SkuId::new(0x8000_0007_0000_0000 | number),
        _ => SkuId::new(number),
    }
}

/// The upper half of the SKU's number says which group it is in; alone in its own where that has no highest bit.
fn are_together(one: SkuId, other: SkuId) -> bool {
    one == other || (one.raw() >> 63 == 1 && one.raw() >> 32 == other.raw() >> 32)
}

/// Units of these lines that count towards the limit of the SKU's group.
pub(super) fn units_with<'a>(sku: SkuId, lines: impl IntoIterator<Item = &'a Line>) -> u32 {
    let together = lines.into_iter().filter(|line| are_together(sku, line.sku));
    together.map(|line| line.units).sum()
}

impl Model {
    /// Units that the shopper has of the SKU and all that are in its group.
    pub(super) fn has_with(&self, user: UserId, sku: SkuId) -> u32 {
        let together = self.skus.iter().map(|known| known.put.sku).filter(|other| are_together(sku, *other));
        together.map(|sku| self.has(user, sku)).sum()
    }

    /// Whether limits let a shopper have so many units more of the SKU, and of its group, now.
    pub(super) fn may_have_more(
        &self,
        now: u64,
        (sku, channel): (SkuId, ChannelId),
        user: UserId,
        (units, of_group): (u32, u32),
    ) -> bool {
        let Some((limit, group_limit)) = self.sold_now(now, sku, channel) else { return false };
        (limit == 0 || self.has(user, sku) + units <= limit)
            && (group_limit == 0 || self.has_with(user, sku) + of_group <= group_limit)
    }
}
