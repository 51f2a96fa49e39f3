//! A deliberately naive model of the ledger's rules: lists and linear searches, no index, no cleverness. It shares no
//! code with the ledger beyond the types of its interface.

mod holds;
mod line;

use doorbuster_ledger::*;

/// One order or restock.
#[derive(Clone, Debug)]
pub(crate) struct ModelOrder {
    pub(crate) number: OrderNumber,
    pub(crate) content: Content,
    pub(crate) state: OrderState,
    pub(crate) placed_at: u64,
    pub(crate) deadline: u64,
    pub(crate) ended_at: u64,
    pub(crate) payment: Option<(PaymentId, Amount)>,
    /// Under way, and the deadline before it.
    pub(crate) begun: Option<(PaymentId, u64)>,
    pub(crate) refunds: Vec<PaymentId>,
    pub(crate) failed: Vec<PaymentId>,
    pub(crate) pinned: bool,
    pub(crate) extensions: u8,
}

impl ModelOrder {
    fn new(number: OrderNumber, content: Content, state: OrderState, now: u64, hold: u64) -> Self {
        Self {
            number,
            content,
            state,
            placed_at: now,
            deadline: now + hold,
            ended_at: now,
            payment: None,
            begun: None,
            refunds: Vec::new(),
            failed: Vec::new(),
            pinned: false,
            extensions: 0,
        }
    }

    fn end(&mut self, state: OrderState, now: u64) {
        self.state = state;
        self.ended_at = now;
        self.begun = None;
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Sale(Reserve),
    Restock(Restock),
}

#[derive(Clone, Debug)]
pub(crate) struct ModelSku {
    pub(crate) put: PutSku,
    pub(crate) stocked: i128,
}

/// Everything, in lists.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) skus: Vec<ModelSku>,
    pub(crate) orders: Vec<ModelOrder>,
    /// Paid orders that left memory: they count towards limits and sales for ever.
    pub(crate) evicted_paid: Vec<Reserve>,
    /// Numbers given out per partition.
    pub(crate) numbers: Vec<OrderNumber>,
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, skus: Vec::new(), orders: Vec::new(), evicted_paid: Vec::new(), numbers: Vec::new() }
    }

    fn units(&self, sku: SkuId, wanted: impl Fn(&ModelOrder) -> bool) -> u64 {
        let orders = self.orders.iter().filter(|order| wanted(order));
        orders
            .filter_map(|order| match &order.content {
                Content::Sale(sale) if sale.sku == sku => Some(u64::from(sale.quantity.units())),
                _ => None,
            })
            .sum()
    }

    pub(crate) fn held(&self, sku: SkuId) -> u64 {
        self.units(sku, |order| order.state.is_open())
    }

    pub(crate) fn sold(&self, sku: SkuId) -> u64 {
        let gone = self.evicted_paid.iter().filter(|sale| sale.sku == sku);
        let gone: u64 = gone.map(|sale| u64::from(sale.quantity.units())).sum();
        gone + self.units(sku, |order| order.state == OrderState::Confirmed)
    }

    pub(crate) fn available(&self, sku: SkuId) -> u64 {
        let stocked = self.skus.iter().find(|known| known.put.sku == sku).map_or(0, |known| known.stocked);
        u64::try_from(stocked - i128::from(self.held(sku)) - i128::from(self.sold(sku)))
            .expect("never negative")
    }

    fn has(&self, user: UserId, sku: SkuId) -> u32 {
        let gone = self.evicted_paid.iter().filter(|sale| sale.user == user && sale.sku == sku);
        let gone: u32 = gone.map(|sale| sale.quantity.units()).sum();
        let live = self.orders.iter().filter_map(|order| match &order.content {
            Content::Sale(sale) if sale.user == user && sale.sku == sku => {
                (order.state.is_open() || order.state == OrderState::Confirmed).then(|| sale.quantity.units())
            }
            _ => None,
        });
        gone + live.sum::<u32>()
    }

    fn next_number(&mut self, sku: SkuId) -> OrderNumber {
        let partition = PartitionId::of(sku);
        let used = self.numbers.iter().filter(|number| number.partition() == partition).count() as u64;
        let number = OrderNumber::new((u64::from(partition.raw()) << 52) | (used + 1));
        self.numbers.push(number);
        number
    }

    fn replay(order: &ModelOrder) -> Outcome {
        Outcome::Replayed {
            order: Some(order.number),
            state: Some(order.state),
            deadline: Timestamp::new(order.deadline),
        }
    }

    fn check_id(&self, now: u64, request: RequestId) -> Option<Refusal> {
        let bits = format!("{:032x}", request.raw());
        let digits = bits.as_bytes();
        if digits[12] != b'7' || !b"89ab".contains(&digits[16]) {
            return Some(Refusal::Invalid { field: Field::RequestId });
        }
        let made = u64::from_str_radix(&bits[..12], 16).expect("hex");
        if made + self.rules.idempotency_window_ms < now {
            return Some(Refusal::IdTooOld { window_ms: self.rules.idempotency_window_ms });
        }
        (made > now + self.rules.future_tolerance_ms).then_some(Refusal::IdFromFuture)
    }

    /// Executes a command. `SoldOut`'s next expiry is advice and left `None`.
    pub(crate) fn execute(&mut self, now: u64, command: &Command) -> Outcome {
        match command {
            Command::Reserve(reserve) => self.reserve(now, reserve),
            Command::Confirm(confirm) => self.confirm(now, confirm),
            Command::Cancel(cancel) => self.cancel(now, cancel),
            Command::BeginPay(begin) => self.begin_pay(now, begin),
            Command::FailPay(failed) => self.fail_pay(now, failed),
            Command::Extend(extend) => self.extend(now, extend),
            Command::PutSku(put) => self.put(put),
            Command::Restock(restock) => self.restock(now, restock),
        }
    }

    fn reserve(&mut self, now: u64, reserve: &Reserve) -> Outcome {
        let known = self.skus.iter().find(|sku| sku.put.sku == reserve.sku).map(|sku| sku.put);
        let available = self.available(reserve.sku);
        let sold_out = Outcome::Refused(Refusal::SoldOut {
            holds: self
                .orders
                .iter()
                .filter(|order| {
                    order.state.is_open()
                        && matches!(&order.content, Content::Sale(sale) if sale.sku == reserve.sku)
                })
                .count()
                .try_into()
                .expect("few"),
            next_expiry: None,
        });
        if reserve.first_attempt
            && reserve.supersedes.is_none()
            && reserve.wait_ms == 0
            && known.is_some()
            && available == 0
        {
            return sold_out;
        }
        let same_id = |order: &&ModelOrder| match &order.content {
            Content::Sale(sale) => (sale.request, sale.sku) == (reserve.request, reserve.sku),
            Content::Restock(restock) => (restock.request, restock.sku) == (reserve.request, reserve.sku),
        };
        if let Some(order) = self.orders.iter().find(same_id) {
            let conflict =
                |field| Outcome::Refused(Refusal::IdempotencyConflict { order: order.number, field });
            let Content::Sale(sale) = &order.content else {
                return conflict(match &order.content {
                    Content::Restock(_) if reserve.user != UserId::new(0) => Field::User,
                    _ => Field::Units,
                });
            };
            let differs = [
                (sale.user != reserve.user, Field::User),
                (sale.quantity != reserve.quantity, Field::Quantity),
                (sale.hold_ms != reserve.hold_ms, Field::HoldMs),
                (sale.amount != reserve.amount, Field::Amount),
                (sale.channel != reserve.channel, Field::Channel),
                (sale.terms != reserve.terms, Field::Terms),
            ];
            return match differs.iter().find(|(differs, _)| *differs) {
                Some((_, field)) => conflict(*field),
                None => Self::replay(order),
            };
        }
        let refuse = |refusal| Outcome::Refused(refusal);
        if let Some(refusal) = self.check_id(now, reserve.request) {
            return refuse(refusal);
        }
        if reserve.hold_ms > self.rules.max_hold_ms {
            return refuse(Refusal::Invalid { field: Field::HoldMs });
        }
        let Some(put) = known else { return refuse(Refusal::UnknownSku) };
        let old = match self.replaceable(now, reserve) {
            Ok(old) => old,
            Err(outcome) => return outcome,
        };
        let freed = old.map_or(0, |at| match &self.orders[at].content {
            Content::Sale(sale) => sale.quantity.units(),
            Content::Restock(_) => unreachable!(),
        });
        let available = available + u64::from(freed);
        if available == 0 && reserve.wait_ms == 0 {
            return sold_out;
        }
        let quantity = reserve.quantity.units();
        if put.order_limit > 0 && quantity > put.order_limit {
            return refuse(Refusal::OrderLimit { limit: put.order_limit });
        }
        let has = self.has(reserve.user, reserve.sku) - freed;
        if put.user_limit > 0 && has + quantity > put.user_limit {
            return refuse(Refusal::UserLimit { left: put.user_limit - has });
        }
        if available < u64::from(quantity) {
            return if old.is_some() && reserve.wait_ms != 0 {
                refuse(Refusal::Insufficient { available })
            } else {
                self.wait(now, reserve, available)
            };
        }
        let mut hold = if reserve.hold_ms == 0 { self.rules.default_hold_ms } else { reserve.hold_ms };
        let number = self.next_number(reserve.sku);
        let (mut pinned, mut extensions) = (false, 0);
        if let Some(old) = old {
            let old = &mut self.orders[old];
            if old.extensions >= self.rules.max_extensions {
                hold = hold.min(u32::try_from(old.deadline - now).expect("short"));
            }
            (pinned, extensions) =
                (old.pinned, old.extensions + u8::from(now + u64::from(hold) > old.deadline));
            old.end(OrderState::Superseded, now);
        }
        let deadline = now + u64::from(hold);
        let order = ModelOrder::new(number, Content::Sale(*reserve), OrderState::Held, now, u64::from(hold));
        self.orders.push(ModelOrder { pinned, extensions, ..order });
        Outcome::Reserved { order: number, deadline: Timestamp::new(deadline) }
    }

    fn owned(&mut self, number: OrderNumber, user: UserId) -> Result<&mut ModelOrder, Outcome> {
        let order = self.orders.iter_mut().find(|order| order.number == number);
        let Some(order) = order else { return Err(Outcome::Refused(Refusal::NoSuchOrder)) };
        match &order.content {
            Content::Restock(_) => Err(Outcome::Refused(Refusal::NoSuchOrder)),
            Content::Sale(sale) if sale.user != user => Err(Outcome::Refused(Refusal::OwnerMismatch)),
            Content::Sale(_) => Ok(order),
        }
    }

    /// Where the hold that a reserve replaces stands in the list, if there is one to replace.
    fn replaceable(&mut self, now: u64, reserve: &Reserve) -> Result<Option<usize>, Outcome> {
        let Some(number) = reserve.supersedes else { return Ok(None) };
        if number.partition() != PartitionId::of(reserve.sku) {
            return Err(Outcome::Refused(Refusal::Invalid { field: Field::Supersedes }));
        }
        let order = match self.owned(number, reserve.user) {
            Ok(order) => order.clone(),
            Err(outcome @ Outcome::Refused(Refusal::OwnerMismatch)) => return Err(outcome),
            Err(_) => return Ok(None),
        };
        let Content::Sale(sale) = &order.content else { unreachable!() };
        if !order.state.is_open() || order.deadline <= now {
            Ok(None)
        } else if sale.sku != reserve.sku {
            Err(Outcome::Refused(Refusal::Invalid { field: Field::Supersedes }))
        } else if order.state == OrderState::Paying {
            let deadline = Timestamp::new(order.deadline);
            Err(Outcome::Refused(Refusal::PaymentUnderWay { deadline }))
        } else {
            Ok(self.orders.iter().position(|order| order.number == number))
        }
    }

    fn put(&mut self, put: &PutSku) -> Outcome {
        if put.units > 1 << 40 {
            return Outcome::Refused(Refusal::Invalid { field: Field::Units });
        }
        let Some(known) = self.skus.iter().find(|sku| sku.put.sku == put.sku) else {
            self.skus.push(ModelSku { put: *put, stocked: i128::from(put.units) });
            return Outcome::SkuPut;
        };
        let exists = |field| Outcome::Refused(Refusal::SkuExists { field });
        if known.put.user_limit != put.user_limit {
            exists(Field::UserLimit)
        } else if known.put.order_limit != put.order_limit {
            exists(Field::OrderLimit)
        } else if known.stocked != i128::from(put.units) {
            exists(Field::Units)
        } else {
            Outcome::Replayed { order: None, state: None, deadline: Timestamp::new(0) }
        }
    }

    fn restock(&mut self, now: u64, restock: &Restock) -> Outcome {
        let same_id = |order: &&ModelOrder| match &order.content {
            Content::Sale(sale) => (sale.request, sale.sku) == (restock.request, restock.sku),
            Content::Restock(known) => (known.request, known.sku) == (restock.request, restock.sku),
        };
        if let Some(order) = self.orders.iter().find(same_id) {
            let conflict =
                |field| Outcome::Refused(Refusal::IdempotencyConflict { order: order.number, field });
            return match &order.content {
                Content::Restock(known) if known.units != restock.units => conflict(Field::Units),
                Content::Restock(known) if known.reason != restock.reason => conflict(Field::Reason),
                Content::Restock(_) => Self::replay(order),
                Content::Sale(_) => conflict(Field::Units),
            };
        }
        if let Some(refusal) = self.check_id(now, restock.request) {
            return Outcome::Refused(refusal);
        }
        if restock.units == 0 || restock.units.unsigned_abs() > 1 << 40 {
            return Outcome::Refused(Refusal::Invalid { field: Field::Units });
        }
        let available = self.available(restock.sku);
        let Some(sku) = self.skus.iter_mut().find(|sku| sku.put.sku == restock.sku) else {
            return Outcome::Refused(Refusal::UnknownSku);
        };
        let after = i128::from(available) + i128::from(restock.units);
        let Ok(after) = u64::try_from(after) else {
            return Outcome::Refused(Refusal::Insufficient { available });
        };
        if sku.stocked + i128::from(restock.units) > 1 << 40 {
            return Outcome::Refused(Refusal::CapacityExceeded);
        }
        sku.stocked += i128::from(restock.units);
        let number = self.next_number(restock.sku);
        self.orders.push(ModelOrder::new(number, Content::Restock(*restock), OrderState::Restocked, now, 0));
        Outcome::Restocked { order: number, available: after }
    }

    /// What an event of a pulse must be allowed to do, and its effect.
    pub(crate) fn pulse_event(&mut self, now: u64, event: &Event) {
        match event {
            Event::Expired { number, .. } => {
                let order = self.orders.iter_mut().find(|order| order.number == *number).expect("known");
                assert!(order.state.has_deadline(), "an ended order expires");
                assert!(order.deadline <= now, "a hold expires early");
                let waited = order.state == OrderState::Waiting;
                order.end(if waited { OrderState::Lapsed } else { OrderState::Expired }, now);
            }
            Event::Evicted { number, .. } => {
                let at = self.orders.iter().position(|order| order.number == *number).expect("known");
                let order = self.orders.remove(at);
                assert!(!order.state.has_deadline(), "an open hold is evicted");
                assert!(order.ended_at + self.rules.order_retention_ms <= now, "an order is evicted early");
                if let (OrderState::Confirmed, Content::Sale(sale)) = (order.state, order.content) {
                    self.evicted_paid.push(sale);
                }
            }
            Event::Offered { .. } => self.offered(now, event),
            other => panic!("a pulse made {other:?}"),
        }
    }
}
