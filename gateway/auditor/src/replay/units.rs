//! A SKU's units as the log's records add up.

/// A SKU's units as the log's records add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Brought in when the SKU was set up, and later, less what was withdrawn.
    pub brought: i128,
    /// What counts found more, or less where negative; units that were written off are among them.
    pub corrected: i128,
    /// Out of stock for good: sold units that came back to quarantine or as scrap, less what left quarantine for the stock.
    pub removed: i128,
    /// In open holds.
    pub held: i128,
    /// Paid, shipped ones among them.
    pub sold: i128,
    /// Paid units that left the house and didn't come back.
    pub shipped: i128,
    /// Limits for a shopper and an order; 0: none.
    pub(super) limits: (u32, u32),
    /// Nobody gets units.
    pub(super) frozen: bool,
    pub(super) is_put: bool,
}

/// Where units are that go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In an open hold.
    Held,
    /// Paid.
    Sold,
}

impl Units {
    /// All units that are the shop's or a shopper's.
    pub fn stocked(&self) -> i128 {
        self.brought + self.corrected - self.removed
    }

    /// Units that are neither held nor sold; below 0 if more were promised than are there.
    pub fn available(&self) -> i128 {
        self.stocked() - self.held - self.sold
    }

    /// The same, never below 0.
    pub(super) fn free(&self) -> u64 {
        u64::try_from(self.available().max(0)).unwrap_or(u64::MAX)
    }

    /// The account that units leave.
    pub(super) fn account(&mut self, source: Source) -> &mut i128 {
        match source {
            Source::Held => &mut self.held,
            Source::Sold => &mut self.sold,
        }
    }
}
