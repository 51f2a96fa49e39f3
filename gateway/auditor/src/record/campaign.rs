//! Records about campaigns and prices.

use super::Entry;
use super::fields::Fields;

/// Most channels that a phase may name.
const MAX_CHANNELS: u64 = 8;

/// A change of what campaigns say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are what the variants' docs say, by the names of docs/durability.md"
)]
pub enum CampaignChange {
    /// A phase was written.
    Phase {
        campaign: u32,
        plan: u32,
        nth: u8,
        start: u64,
        stage: u8,
        user_limit: u32,
        order_limit: u32,
        group_limit: u32,
        price_version: u32,
    },
    /// A plan is followed. Policy 0: other versions than the one that counts are refused.
    Plan { campaign: u32, plan: u32, phases: u8, policy: u8, at: u64 },
    /// 0 running, 1 paused, 2 ended.
    Standing { campaign: u32, standing: u8 },
    /// A campaign sells a SKU; 0: none does.
    Bound { sku: u64, campaign: u32 },
    /// A SKU has a price.
    Price { sku: u64, version: u32, floor: u64, ceiling: u64 },
}

/// Reads a record about a campaign.
pub(super) fn entry(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int, byte) = (|at| fields.long(at), |at| fields.int(at), |at| fields.byte(at));
    let whole = |length, entry| fields.whole(length, entry);
    match kind {
        // Lists its channels behind the other fields.
        40 => {
            let change = CampaignChange::Phase {
                campaign: int(0)?,
                plan: int(4)?,
                nth: byte(8)?,
                start: long(9)?,
                stage: byte(17)?,
                user_limit: int(20)?,
                order_limit: int(24)?,
                group_limit: int(28)?,
                price_version: int(32)?,
            };
            let channels = long(40).filter(|count| *count <= MAX_CHANNELS)?;
            let channels = usize::try_from(channels).ok()?;
            whole(40 + 8 + 2 * channels + 20, Entry::Campaign(change))
        }
        41 => {
            let (campaign, plan, phases, policy) = (int(0)?, int(4)?, byte(8)?, byte(9)?);
            let change = CampaignChange::Plan { campaign, plan, phases, policy, at: long(26)? };
            whole(34, Entry::Campaign(change))
        }
        42 => whole(25, Entry::Campaign(CampaignChange::Standing { campaign: int(0)?, standing: byte(4)? })),
        43 => whole(17, Entry::Other),
        44 => whole(32, Entry::Campaign(CampaignChange::Bound { sku: long(0)?, campaign: int(8)? })),
        45 => {
            let (sku, version, floor, ceiling) = (long(0)?, int(8)?, long(28)?, long(36)?);
            whole(64, Entry::Campaign(CampaignChange::Price { sku, version, floor, ceiling }))
        }
        _ => None,
    }
}
