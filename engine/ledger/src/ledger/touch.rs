//! Fetching a batch's memory before it is needed.
//!
//! With ten million shoppers each command needs four or five cache lines that nobody has looked at for a while. A
//! dependent read from memory takes 150 ns, an independent one a tenth of that, because the processor keeps a dozen on
//! their way. So a batch is walked in passes, each of which reads, for all commands, what the pass before has found
//! the way to: first index entries, then the rows that they name, then what depends on the rows. Deciding (or, in
//! replay, applying) afterwards finds everything in the cache.
//!
//! How many reads are on their way at once depends on how many instructions stand between them, as the processor looks
//! some 500 ahead. So hashes are worked out in passes of their own, and the passes that miss the cache do nothing but
//! read. The hashes and slots are handed on as [`Place`]s and not worked out again.
//!
//! Nothing is decided here; leaving it out changes no answer.

use super::{Ledger, Place};
use crate::budget::BudgetId;
use crate::command::{Cancel, Command, Composite, Confirm, Line, Reserve};
use crate::event::{Event, Subject};
use crate::ids::{OrderNumber, PartitionId, RequestId, SkuId, UserId};
use crate::stock::{Marks, Sku};
use crate::table::{Home, NONE, Slot};

/// Commands or events that one call deals with; more would push the first ones' lines out of the cache again.
pub const TOUCHED: usize = 64;

/// What a command or an event will look at.
#[derive(Clone, Copy)]
enum Target {
    Sale {
        request: RequestId,
        user: UserId,
        sku: SkuId,
        /// A SKU without units is all that will be looked at.
        first_attempt: bool,
        /// What pays a discount.
        budget: Option<BudgetId>,
    },
    Order(OrderNumber),
    Sku(SkuId),
    Nothing,
}

/// An order that more will be looked at for than its SKU's row; what the row says about where.
#[derive(Clone, Copy)]
struct Sale {
    /// [`NONE`]: it is none.
    sku: Slot,
    partition: PartitionId,
    marks: Marks,
    budget: Option<BudgetId>,
}

impl Default for Sale {
    fn default() -> Self {
        Self { sku: NONE, partition: PartitionId::default(), marks: Marks::default(), budget: None }
    }
}

impl From<&Command> for Target {
    #[inline]
    fn from(command: &Command) -> Self {
        match command {
            Command::Reserve(reserve) => Self::Sale {
                request: reserve.request,
                user: reserve.user,
                sku: reserve.sku,
                first_attempt: reserve.first_attempt && reserve.wait_ms == 0,
                budget: reserve.claim.map(|claim| claim.budget),
            },
            Command::Confirm(confirm) => Self::Order(confirm.order),
            Command::Cancel(cancel) => Self::Order(cancel.order),
            Command::BeginPay(begin) => Self::Order(begin.order),
            Command::FailPay(failed) => Self::Order(failed.order),
            Command::Extend(extend) => Self::Order(extend.order),
            Command::PutSku(put) => Self::Sku(put.sku),
            Command::Restock(restock) => Self::Sku(restock.sku),
            Command::SetChannel(set) => Self::Sku(set.sku),
            Command::Rebalance(rebalance) => Self::Sku(rebalance.sku),
            Command::Sku(command) => Self::Sku(command.sku()),
        }
    }
}

impl From<&Event> for Target {
    #[inline]
    fn from(event: &Event) -> Self {
        match event.subject() {
            Subject::Sale(reserved) => Self::Sale {
                request: reserved.request,
                user: reserved.user,
                sku: reserved.sku,
                first_attempt: false,
                budget: reserved.claim.map(|claim| claim.budget),
            },
            Subject::Order(number) => Self::Order(number),
            Subject::Sku(sku) | Subject::Goods(sku) | Subject::Restock { sku, .. } | Subject::Leg(_, sku) => {
                Self::Sku(sku)
            }
            Subject::Budget(_) | Subject::All => Self::Nothing,
        }
    }
}

impl Ledger {
    /// Reads the places where the first [`TOUCHED`] of these commands will look, and returns them in the same order.
    #[inline]
    pub fn touch<'a>(&self, commands: impl Iterator<Item = &'a Command> + Clone) -> [Place; TOUCHED] {
        self.touch_targets(commands.map(Target::from))
    }

    /// As [`touch`](Self::touch), for events that are about to be replayed.
    #[inline]
    pub fn touch_events<'a>(&self, events: impl Iterator<Item = &'a Event> + Clone) -> [Place; TOUCHED] {
        self.touch_targets(events.map(Target::from))
    }

    /// As [`touch`](Self::touch), of what several ledgers will decide together: those lines and orders that are here.
    pub(super) fn touch_composites<'a>(
        &self,
        commands: impl Iterator<Item = (&'a Composite, &'a [Line])> + Clone,
    ) {
        let share = self.share();
        let sales = commands.clone().filter_map(|(command, lines)| match command {
            Composite::Reserve { reserve, .. } => Some((reserve, lines)),
            Composite::Confirm(_)
            | Composite::Cancel { .. }
            | Composite::Expire(_)
            | Composite::Campaign(_)
            | Composite::After(_) => None,
        });
        let lines = sales.flat_map(|(reserve, lines)| lines.iter().map(move |line| (reserve, line.sku)));
        let lines = lines.filter(|(_, sku)| share.serves(PartitionId::of(*sku)));
        let sale = |(reserve, sku): (&Reserve, SkuId)| Target::Sale {
            request: reserve.request,
            user: reserve.user,
            sku,
            first_attempt: false,
            budget: reserve.claim.map(|claim| claim.budget),
        };
        let orders = commands.filter_map(|(command, _)| match command {
            Composite::Confirm(Confirm { order, .. })
            | Composite::Cancel { cancel: Cancel { order, .. }, .. }
            | Composite::Expire(order) => Some(*order),
            Composite::Reserve { .. } | Composite::Campaign(_) | Composite::After(_) => None,
        });
        let orders = orders.filter(|order| share.serves(order.partition())).map(Target::Order);
        self.touch_targets(lines.map(sale).chain(orders));
    }

    #[inline]
    fn touch_targets(&self, targets: impl Iterator<Item = Target> + Clone) -> [Place; TOUCHED] {
        let mut places = [Place::default(); TOUCHED];
        let mut seen = 0_u32;
        // What a SKU hashes to stands in `request_hash` until the slot is known. A crowd asks for one SKU after the other.
        let mut last = None;
        for (target, place) in targets.clone().zip(&mut places) {
            match target {
                Target::Sale { sku, .. } | Target::Sku(sku) if last != Some(sku) => {
                    last = Some(sku);
                    place.request_hash = self.hasher.sku(sku);
                    seen ^= self.stock.touch(place.request_hash);
                }
                Target::Order(number) => place.order = self.orders.slot_of(number).unwrap_or(NONE),
                Target::Sale { .. } | Target::Sku(_) | Target::Nothing => {}
            }
        }
        let mut last = (None, NONE);
        for (target, place) in targets.clone().zip(&mut places) {
            match target {
                Target::Sale { sku, .. } | Target::Sku(sku) => {
                    if last.0 != Some(sku) {
                        last = (Some(sku), self.stock.find(place.request_hash, sku).unwrap_or(NONE));
                    }
                    place.sku = last.1;
                }
                Target::Order(_) => {
                    place.sku = self.orders.rows.get(place.order).map_or(NONE, |order| order.sku);
                }
                Target::Nothing => {}
            }
        }
        let mut sales = [Sale::default(); TOUCHED];
        let (mut count, mut marks) = (0_usize, Marks::default());
        for ((target, place), sale) in targets.clone().zip(&mut places).zip(&mut sales) {
            place.request_hash = 0;
            count = count.saturating_add(1);
            if let Target::Sale { budget, .. } = target
                && let Some(sku) = self.wanted(target, place.sku)
            {
                marks = marks.and(sku.marks);
                *sale = Sale { sku: place.sku, partition: sku.partition, marks: sku.marks, budget };
            }
        }
        let sales = sales.get(..count).unwrap_or_default();
        seen ^= self.touch_near(sales, marks);
        for (target, place) in targets.clone().zip(&places) {
            if let Target::Order(number) = target {
                seen ^= self.touch_order(number, place);
            }
        }
        seen ^= self.touch_far(sales, marks);

        // Of the requests, and of the shoppers' tallies.
        let mut homes = [(Home::default(), Home::default()); TOUCHED];
        let mut free = homes.iter_mut();
        for ((target, place), sale) in targets.zip(&mut places).zip(sales) {
            if let Target::Sale { request, user, .. } = target
                && sale.sku != NONE
            {
                if sale.marks.has(Marks::GROUPED) {
                    let group = self.stock.offer(sale.sku).group;
                    seen ^= self.tally.touch(self.tally.home(self.hasher.user(user, group)));
                }
                *place = self.hashed(*place, sale.sku, request, user);
                if let Some(home) = free.next() {
                    *home = (self.orders.home(place.request_hash), self.tally.home(place.user_hash));
                }
            }
        }
        let filled = TOUCHED.saturating_sub(free.len());
        let homes = homes.get(..filled).unwrap_or_default();
        for &(request, tally) in homes {
            seen ^= self.orders.touch_request(request) ^ self.tally.touch(tally);
        }
        for &(request, tally) in homes {
            seen ^= self.orders.touch_overflow(request) ^ self.tally.touch_overflow(tally);
        }
        core::hint::black_box(seen);
        places
    }

    /// The SKU of an order, if more will be looked at than its row.
    #[inline]
    fn wanted(&self, target: Target, slot: Slot) -> Option<&Sku> {
        let Target::Sale { first_attempt, .. } = target else { return None };
        self.stock.get(slot).filter(|sku| !(first_attempt && sku.available == 0))
    }

    /// Reads what the rows of SKUs name, one table after the other: of as many orders as there are, there is one read every few
    /// instructions.
    #[inline]
    fn touch_near(&self, sales: &[Sale], marks: Marks) -> u32 {
        let with = |mark| sales.iter().filter(move |sale| sale.marks.has(mark));
        let mut seen = 0;
        for sale in sales.iter().filter(|sale| sale.sku != NONE) {
            seen ^= self.orders.sequences.touch(sale.partition);
        }
        if marks.has(Marks::OFFERED) {
            seen ^= with(Marks::OFFERED).fold(0, |seen, sale| seen ^ self.stock.offer(sale.sku).campaign);
        }
        if marks.has(Marks::CHANNELS) && !self.channels.is_empty() {
            seen ^= with(Marks::CHANNELS).fold(0, |seen, sale| seen ^ self.channels.touch(sale.sku));
        }
        let mut last = None;
        for sale in sales {
            let Some(budget) = sale.budget else { continue };
            if last.is_none_or(|(known, _)| known != budget) {
                last = self.budgets.get(budget).map(|known| (budget, known));
            }
            seen ^= last.map_or(0, |(_, known)| known.touch(sale.partition));
        }
        seen
    }

    /// Reads what that names.
    #[inline]
    fn touch_far(&self, sales: &[Sale], marks: Marks) -> u32 {
        let mut seen = 0;
        for sale in sales.iter().filter(|sale| sale.sku != NONE) {
            seen ^= self.orders.sequences.touch_next(sale.partition);
        }
        if marks.has(Marks::CHANNELS) && !self.channels.is_empty() {
            for sale in sales.iter().filter(|sale| sale.marks.has(Marks::CHANNELS)) {
                seen ^= self.channels.touch_rest(sale.sku);
            }
        }
        seen
    }

    /// Reads what the row of an order names, and its SKU's.
    #[inline]
    fn touch_order(&self, number: OrderNumber, place: &Place) -> u32 {
        let holds = self.stock.get(place.sku).map_or(0, |sku| sku.holds);
        let Some(order) = self.orders.rows.get(place.order) else { return holds };
        let claim = self.orders.claim(order).and_then(|(claim, _)| self.budgets.get(claim.budget));
        holds
            ^ self.orders.payments.touch(order.payment)
            ^ claim.map_or(0, |budget| budget.touch(number.partition()))
    }
}
