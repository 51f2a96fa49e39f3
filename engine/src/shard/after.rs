//! What can be read of paid orders and of goods.

use doorbuster_ledger::{
    GoodsSnapshot, Ledger, OrderNumber, ProgressSnapshot, Refusal, ShortPage, SkuId, Timestamp, UserId,
};

/// See [`Request::ReadAfter`](super::Request::ReadAfter).
#[derive(Clone, Copy, Debug)]
pub enum ReadAfter {
    /// What became of a line of a paid order.
    Progress {
        /// The order.
        order: OrderNumber,
        /// Whose it must be.
        user: UserId,
        /// Which line, from 0.
        nth: u8,
    },
    /// Where the goods of a SKU are.
    Goods {
        /// The SKU.
        sku: SkuId,
    },
    /// The orders that a SKU's shortfall hits.
    Shortfall {
        /// The SKU.
        sku: SkuId,
        /// When the last order of the page before was paid, and which it was; zeros: from the first on.
        after: (Timestamp, OrderNumber),
    },
}

/// See [`Answer::After`](super::Answer::After).
#[derive(Clone, Copy, Debug)]
pub enum AfterAnswer {
    /// The line and its order, or why not.
    Progress(Result<ProgressSnapshot, Refusal>),
    /// The goods, if the SKU exists.
    Goods(Option<GoodsSnapshot>),
    /// The SKU, and a page of the list, if the SKU exists.
    Shortfall(SkuId, Option<ShortPage>),
}

impl ReadAfter {
    /// Looks it up.
    pub(super) fn answer(self, ledger: &Ledger) -> AfterAnswer {
        match self {
            Self::Progress { order, user, nth } => AfterAnswer::Progress(ledger.progress(order, user, nth)),
            Self::Goods { sku } => AfterAnswer::Goods(ledger.goods(sku)),
            Self::Shortfall { sku, after } => AfterAnswer::Shortfall(sku, ledger.shortfall(sku, after)),
        }
    }
}
