//! A campaign as its file says it, after all checks that need no server.

use std::collections::BTreeMap;

use doorbuster_client::{Phase, PutPrice};

use super::allot::Allotment;
use super::budget::Budget;

/// See the module's doc.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) campaign: u32,
    pub(super) name: String,
    /// As on the wire: 0 strict, 1 grace, 2 honour lower.
    pub(super) policy: u8,
    pub(super) grace_ms: u32,
    /// With their names, by start.
    pub(super) phases: Vec<(String, Phase)>,
    /// The SKUs that it sells, and their limits where the file names any.
    pub(super) skus: BTreeMap<u64, Limits>,
    /// By SKU and version.
    pub(super) prices: BTreeMap<(u64, u32), PutPrice>,
    pub(super) allotments: Vec<Allotment>,
    pub(super) targets: Vec<Target>,
    /// By number.
    pub(super) budgets: BTreeMap<u32, Budget>,
}

/// A SKU's limits; none: as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) user_limit: Option<u32>,
    pub(super) order_limit: Option<u32>,
}

/// Which part of the sales is to come through a channel or from a category, for reports. It is no quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) of: String,
    pub(super) percent: u32,
}

impl Spec {
    /// The versions of prices that its phases name.
    pub(super) fn versions(&self) -> Vec<u32> {
        let mut versions: Vec<u32> = self.phases.iter().map(|(_, phase)| phase.price_version).collect();
        versions.sort_unstable();
        versions.dedup();
        versions.retain(|version| *version != 0);
        versions
    }
}
