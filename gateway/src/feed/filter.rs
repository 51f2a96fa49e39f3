//! Which events a consumer wants.
//!
//! Most events after an order's first name the order alone. So who asks for a shopper or a SKU is asked after the orders
//! that fit: a [`Followed`] set holds them, built from the log's start once and kept for the next request. An order with
//! several lines fits a SKU from the event on that holds its line of it; the events of its other lines don't.

use std::collections::HashSet;

use doorbuster_ledger::{BudgetId, CouponBatch, OrderNumber, PartitionId, SkuId};
use doorbuster_protocol::feed::{by, has_lines};
use doorbuster_protocol::{EventKind, FeedEvent, Fetch};

/// Most orders that one filter may follow: 20 MiB of memory. A filter that more orders fit is refused; who wants them all
/// reads the feed without it.
pub(crate) const MAX_FOLLOWED: usize = 1 << 20;

/// A shopper, a SKU, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    sku: Option<u64>,
    user: Option<u64>,
}

impl Subject {
    /// Whose orders a request follows, if it names anybody's.
    pub(super) fn of(ask: &Fetch) -> Option<Self> {
        let sku = (ask.by & by::SKU != 0).then_some(ask.sku);
        let user = (ask.by & by::USER != 0).then_some(ask.user);
        (sku.is_some() || user.is_some()).then_some(Self { sku, user })
    }

    /// Whether an event that names an order's shopper and SKU names these.
    fn fits(self, event: &FeedEvent) -> bool {
        self.user.is_none_or(|user| event.user == user)
            && self.sku.is_none_or(|sku| names_sku(event) && event.sku == sku)
    }
}

/// The orders of a [`Subject`] among the events before a position.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) subject: Subject,
    /// Orders placed before this position are in the set. It may hold later ones: no event of theirs is earlier.
    pub(super) built_to: u64,
    orders: HashSet<u64>,
}

impl Followed {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, built_to: 0, orders: HashSet::new() }
    }

    /// Takes an event in. False where there are more orders than may be.
    pub(super) fn note(&mut self, event: &FeedEvent) -> bool {
        if names_user(event) && self.subject.fits(event) {
            self.orders.insert(event.order);
        }
        self.orders.len() <= MAX_FOLLOWED
    }

    fn covers(&self, event: &FeedEvent) -> bool {
        let Subject { sku, user } = self.subject;
        if bank(event).is_some() {
            return false;
        }
        if event.order == 0 || event.kind() == Some(EventKind::Restocked) {
            return user.is_none() && sku == Some(event.sku);
        }
        if is_short(event) {
            return sku.is_none_or(|sku| sku == event.sku)
                && (user.is_none() || self.orders.contains(&event.order));
        }
        if names_user(event) {
            // Not by the set: it may know more of the order than was there by then.
            return self.subject.fits(event);
        }
        self.orders.contains(&event.order)
    }
}

/// Whether an event is what a request asks for; `followed` belongs to the request's [`Subject`] and has noted the event.
pub(super) fn wanted(ask: &Fetch, followed: Option<&Followed>, event: &FeedEvent) -> bool {
    let Some(kind) = event.kind() else { return false };
    if ask.kinds != 0 && ask.kinds & kind.bit() == 0 {
        return false;
    }
    match kind {
        // Concerns every open hold, whosever it is.
        EventKind::GraceGranted => return true,
        // Concern no SKU or order.
        EventKind::Checkpoint
        | EventKind::PhasePut
        | EventKind::PlanActivated
        | EventKind::CampaignStood
        | EventKind::PhaseEntered => return ask.by == 0,
        _ => {}
    }
    (ask.by & by::ORDER == 0 || event.order == ask.order || took_over(event, ask.order))
        && (ask.by & by::PARTITION == 0 || partition(event).raw() == ask.partition)
        && followed.is_none_or(|followed| followed.covers(event))
}

/// Whether it says whose order it is.
fn names_user(event: &FeedEvent) -> bool {
    (is_line(event) && !is_short(event))
        || matches!(event.kind(), Some(EventKind::Reserved | EventKind::Waitlisted))
}

/// Whether it says which SKU its units are of.
fn names_sku(event: &FeedEvent) -> bool {
    !has_lines(event.order) || is_line(event)
}

fn is_line(event: &FeedEvent) -> bool {
    use EventKind::{
        LineCancelled, LineCut, LineDropped, LineHeld, LineReleased, LineReturned, LineShipped, LineSold,
    };
    let after = matches!(event.kind(), Some(LineShipped | LineCancelled | LineReturned));
    after
        || is_short(event)
        || matches!(event.kind(), Some(LineHeld | LineReleased | LineSold | LineCut | LineDropped))
}

/// Whether it says that units of an order are missing, or no longer. It doesn't name the shopper.
fn is_short(event: &FeedEvent) -> bool {
    matches!(event.kind(), Some(EventKind::Shorted | EventKind::Covered))
}

/// Whether it ends a hold for this order.
fn took_over(event: &FeedEvent, order: u64) -> bool {
    event.kind() == Some(EventKind::Superseded) && event.to == order
}

/// Of an event about a budget or a batch of coupons, where its bank or its coupons are.
fn bank(event: &FeedEvent) -> Option<PartitionId> {
    use EventKind::{
        BudgetDrained, BudgetFilled, BudgetFunded, BudgetOpened, BudgetStopped, CouponsIssued, FunderAdded,
    };
    let named = u32::try_from(event.to).unwrap_or(0);
    match event.kind()? {
        BudgetOpened | FunderAdded | BudgetFunded | BudgetStopped | BudgetDrained | BudgetFilled => {
            BudgetId::new(named).map(BudgetId::partition)
        }
        CouponsIssued => CouponBatch::new(named).map(CouponBatch::partition),
        _ => None,
    }
}

/// Where its units are counted: that of the SKU, which is an order's own, too, where it has one line. So each event is of
/// one partition, and who reads all of them gets it once.
fn partition(event: &FeedEvent) -> PartitionId {
    if let Some(bank) = bank(event) {
        return bank;
    }
    if event.order == 0 || is_line(event) {
        PartitionId::of(SkuId::new(event.sku))
    } else {
        OrderNumber::new(event.order).partition()
    }
}
