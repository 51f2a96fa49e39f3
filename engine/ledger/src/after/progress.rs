//! What is known of orders after their payment.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::ids::{Amount, OrderNumber, PaymentId, RefundId, SkuId, Timestamp};

/// Refunds of one order that are remembered, so that a repeat of one changes nothing. One for each of an order's lines is
/// much.
pub(crate) const MAX_PAYBACKS: usize = 32;

/// What became of a line's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineProgress {
    pub(crate) sku: SkuId,
    pub(crate) shipped: u32,
    pub(crate) cancelled: u32,
    pub(crate) returned: u32,
    /// Units that aren't there, of those in the house.
    pub(crate) short: u32,
}

/// Money that went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payback {
    pub(crate) refund: RefundId,
    pub(crate) payment: PaymentId,
    pub(crate) amount: Amount,
}

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Lines of which there is something to say, by SKU.
    pub(crate) lines: Vec<LineProgress>,
    /// At most [`MAX_PAYBACKS`].
    pub(crate) paybacks: Vec<Payback>,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) closed_at: Option<Timestamp>,
    /// When it was last heard of.
    pub(crate) touched_at: Timestamp,
    /// Whether the warehouse has begun to work on it.
    pub(crate) fulfilling: bool,
    /// Whether its goods were spoken of, so that it must not be forgotten on the way.
    pub(crate) under_way: bool,
}

impl Progress {
    /// A line, if there is something to say of it.
    pub(crate) fn line(&self, sku: SkuId) -> LineProgress {
        let known = self.lines.iter().find(|line| line.sku == sku);
        known.copied().unwrap_or(LineProgress { sku, ..LineProgress::default() })
    }

    /// A line, to be changed.
    pub(crate) fn line_mut(&mut self, sku: SkuId) -> Option<&mut LineProgress> {
        let at = match self.lines.binary_search_by_key(&sku, |line| line.sku) {
            Ok(at) => at,
            Err(at) => {
                self.lines.insert(at, LineProgress { sku, ..LineProgress::default() });
                at
            }
        };
        self.lines.get_mut(at)
    }

    /// Sums over all lines.
    pub(crate) fn sum(&self, of: impl Fn(&LineProgress) -> u32) -> u32 {
        self.lines.iter().fold(0_u32, |sum, line| sum.saturating_add(of(line)))
    }

    /// What of a payment went back.
    pub(crate) fn paid_back(&self, payment: PaymentId) -> Amount {
        let of = self.paybacks.iter().filter(|payback| payback.payment == payment);
        Amount::new(of.fold(0_u64, |sum, payback| sum.saturating_add(payback.amount.raw())))
    }
}

/// Of all orders that were heard of after their payment.
#[derive(Debug, Default)]
pub(crate) struct AllProgress(BTreeMap<OrderNumber, Progress>);

impl AllProgress {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, number: OrderNumber) -> Option<&Progress> {
        self.0.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: OrderNumber) -> Option<&mut Progress> {
        self.0.get_mut(&number)
    }

    /// An order's, which is begun where there is none.
    pub(crate) fn of(&mut self, number: OrderNumber, at: Timestamp) -> &mut Progress {
        let progress = self.0.entry(number).or_default();
        progress.touched_at = at;
        progress
    }

    pub(crate) fn forget(&mut self, number: OrderNumber) {
        if !self.0.is_empty() {
            self.0.remove(&number);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (OrderNumber, &Progress)> {
        self.0.iter().map(|(number, progress)| (*number, progress))
    }

    /// About what it takes, bytes: entries of a tree are three quarters full, and a list begins with room for four lines.
    pub(crate) fn bytes(&self) -> usize {
        const ENTRY: usize = size_of::<(OrderNumber, Progress)>() * 4 / 3 + 4 * size_of::<LineProgress>();
        self.0.len().saturating_mul(ENTRY)
    }
}
