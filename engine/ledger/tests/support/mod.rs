//! A deliberately naive model of the ledger's rules: lists and linear searches, no index, no cleverness. It shares no
//! code with the ledger beyond the types of its interface.

pub(crate) mod after;
pub(crate) mod ask;
mod ask_after;
pub(crate) mod asked;
mod budgets;
mod campaigns;
mod channels;
pub(crate) mod groups;
mod holds;
mod line;
pub(crate) mod operators;
mod reserve;
pub(crate) mod seen;
mod shop;
mod short;

use std::collections::BTreeMap;

use budgets::ModelBudget;
use campaigns::ModelCampaign;
use channels::ModelChannel;
use doorbuster_ledger::*;
pub(crate) use shop::Shop;

/// One order or restock.
#[derive(Clone, Debug)]
pub(crate) struct ModelOrder {
    pub(crate) number: OrderNumber,
    pub(crate) content: Content,
    /// What it has now of each SKU; what it asked for is in `content`.
    pub(crate) lines: Vec<Line>,
    /// What is due for that.
    pub(crate) due: Amount,
    pub(crate) state: OrderState,
    pub(crate) placed_at: u64,
    pub(crate) deadline: u64,
    pub(crate) ended_at: u64,
    pub(crate) payment: Option<(PaymentId, Amount)>,
    /// Under way, and the deadline before it.
    pub(crate) begun: Option<(PaymentId, u64)>,
    /// Payments that bought nothing.
    pub(crate) refunds: Vec<(PaymentId, Amount)>,
    pub(crate) after: after::ModelAfter,
    /// When something became of it last, after its payment.
    pub(crate) heard_at: u64,
    pub(crate) failed: Vec<PaymentId>,
    pub(crate) pinned: bool,
    pub(crate) extensions: u8,
    /// What it claims of a budget now.
    pub(crate) claim: Option<Claim>,
    pub(crate) coupon: Option<CouponId>,
}

impl ModelOrder {
    fn new(number: OrderNumber, content: Content, state: OrderState, now: u64, hold: u64) -> Self {
        let (lines, due, claim) = match &content {
            Content::Sale(reserve, lines) => (lines.clone(), reserve.amount, reserve.claim),
            Content::Restock(_) => (Vec::new(), Amount::new(0), None),
        };
        Self {
            number,
            content,
            lines,
            due,
            state,
            placed_at: now,
            deadline: now + hold,
            ended_at: now,
            payment: None,
            begun: None,
            refunds: Vec::new(),
            after: after::ModelAfter::default(),
            heard_at: now,
            failed: Vec::new(),
            pinned: false,
            extensions: 0,
            claim,
            coupon: None,
        }
    }

    pub(crate) fn units(&self, sku: SkuId) -> u32 {
        self.lines.iter().filter(|line| line.sku == sku).map(|line| line.units).sum()
    }

    pub(crate) fn user(&self) -> UserId {
        match &self.content {
            Content::Sale(sale, _) => sale.user,
            Content::Restock(_) => UserId::new(0),
        }
    }

    fn channel(&self) -> ChannelId {
        match &self.content {
            Content::Sale(sale, _) => sale.channel,
            Content::Restock(_) => ChannelId::new(0),
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
    /// With the lines that it asked for.
    Sale(Reserve, Vec<Line>),
    Restock(Restock),
}

#[derive(Clone, Debug)]
pub(crate) struct ModelSku {
    pub(crate) put: PutSku,
    pub(crate) stocked: i128,
    pub(crate) goods: after::ModelGoods,
    pub(crate) channels: BTreeMap<ChannelId, ModelChannel>,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) frozen: bool,
    pub(crate) prices: Vec<(u32, Price)>,
}

/// Everything, in lists.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) skus: Vec<ModelSku>,
    pub(crate) budgets: Vec<ModelBudget>,
    pub(crate) batches: Vec<(CouponBatch, Coupons)>,
    pub(crate) orders: Vec<ModelOrder>,
    /// Paid orders that left memory: they count towards limits and sales for ever.
    pub(crate) evicted_paid: Vec<ModelOrder>,
    pub(crate) campaigns: BTreeMap<CampaignId, ModelCampaign>,
    /// Numbers given out per partition.
    pub(crate) numbers: Vec<OrderNumber>,
}

impl Model {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            skus: Vec::new(),
            campaigns: BTreeMap::new(),
            budgets: Vec::new(),
            batches: Vec::new(),
            orders: Vec::new(),
            evicted_paid: Vec::new(),
            numbers: Vec::new(),
        }
    }

    fn units(&self, sku: SkuId, wanted: impl Fn(&ModelOrder) -> bool) -> u64 {
        let orders = self.orders.iter().filter(|order| wanted(order));
        orders.map(|order| u64::from(order.units(sku))).sum()
    }

    pub(crate) fn held(&self, sku: SkuId) -> u64 {
        self.units(sku, |order| order.state.is_open())
    }

    pub(crate) fn sold(&self, sku: SkuId) -> u64 {
        let gone: u64 = self.evicted_paid.iter().map(|order| u64::from(order.units(sku))).sum();
        gone + self.units(sku, |order| order.state == OrderState::Confirmed)
    }

    pub(crate) fn available(&self, sku: SkuId) -> u64 {
        let stocked = self.skus.iter().find(|known| known.put.sku == sku).map_or(0, |known| known.stocked);
        u64::try_from(stocked - i128::from(self.held(sku)) - i128::from(self.sold(sku)))
            .expect("never negative")
    }

    fn has(&self, user: UserId, sku: SkuId) -> u32 {
        let has = |order: &&ModelOrder| order.state.is_open() || order.state == OrderState::Confirmed;
        let live = self.orders.iter().filter(has);
        let his = live.chain(&self.evicted_paid).filter(|order| order.user() == user);
        his.map(|order| order.units(sku)).sum()
    }

    fn next_number(&mut self, sku: SkuId, several: bool) -> OrderNumber {
        let partition = PartitionId::of(sku);
        let used = self.numbers.iter().filter(|number| number.partition() == partition).count() as u64;
        let several = u64::from(several) << 51;
        let number = OrderNumber::new((u64::from(partition.raw()) << 52) | several | (used + 1));
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
        let outcome = self.execute_one(now, command);
        self.restated(now, outcome)
    }

    fn execute_one(&mut self, now: u64, command: &Command) -> Outcome {
        match command {
            Command::Reserve(reserve) => self.reserve_one(now, reserve),
            Command::Confirm(confirm) => self.confirm(now, confirm, &[]),
            Command::Cancel(cancel) => self.cancel(now, cancel, Amount::new(0), &[]),
            Command::BeginPay(begin) => self.begin_pay(now, begin),
            Command::FailPay(failed) => self.fail_pay(now, failed),
            Command::Extend(extend) => self.extend(now, extend),
            Command::PutSku(put) => self.put(put),
            Command::Restock(restock) => self.restock(now, restock),
            Command::SetChannel(set) => self.set_channel(now, set),
            Command::Rebalance(rebalance) => self.rebalance(now, rebalance),
            Command::Sku(command) => self.sku_command(command),
        }
    }

    /// Executes a command with a list of lines.
    pub(crate) fn compose(
        &mut self,
        now: u64,
        command: &Composite,
        (lines, coupon): (&[Line], Option<CouponId>),
    ) -> Outcome {
        let outcome = self.compose_several(now, command, (lines, coupon));
        self.restated(now, outcome)
    }

    fn compose_several(
        &mut self,
        now: u64,
        command: &Composite,
        (lines, coupon): (&[Line], Option<CouponId>),
    ) -> Outcome {
        match command {
            Composite::Reserve { reserve, supersedes } => {
                self.reserve_several(now, (reserve, coupon), *supersedes, lines)
            }
            Composite::Confirm(confirm) => self.confirm(now, confirm, lines),
            Composite::Cancel { cancel, amount } => self.cancel(now, cancel, *amount, lines),
            Composite::Campaign(command) => self.campaign_command(now, command),
            Composite::After(after) => self.after(now, after, lines),
            Composite::Expire(_) => unreachable!("time alone ends holds"),
        }
    }

    fn owned(&mut self, number: OrderNumber, user: UserId) -> Result<&mut ModelOrder, Outcome> {
        let order = self.orders.iter_mut().find(|order| order.number == number);
        let Some(order) = order else { return Err(Outcome::Refused(Refusal::NoSuchOrder)) };
        match &order.content {
            Content::Restock(_) => Err(Outcome::Refused(Refusal::NoSuchOrder)),
            Content::Sale(sale, _) if sale.user != user => Err(Outcome::Refused(Refusal::OwnerMismatch)),
            Content::Sale(..) => Ok(order),
        }
    }

    fn put(&mut self, put: &PutSku) -> Outcome {
        if put.units > 1 << 40 {
            return Outcome::Refused(Refusal::Invalid { field: Field::Units });
        }
        let Some(known) = self.skus.iter().find(|sku| sku.put.sku == put.sku) else {
            self.skus.push(ModelSku {
                put: *put,
                stocked: i128::from(put.units),
                channels: BTreeMap::new(),
                campaign: None,
                frozen: false,
                prices: Vec::new(),
                goods: after::ModelGoods::default(),
            });
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
            Content::Sale(sale, _) => (sale.request, sale.sku) == (restock.request, restock.sku),
            Content::Restock(known) => (known.request, known.sku) == (restock.request, restock.sku),
        };
        if let Some(order) = self.orders.iter().find(same_id) {
            let conflict =
                |field| Outcome::Refused(Refusal::IdempotencyConflict { order: order.number, field });
            return match &order.content {
                Content::Restock(known) if known.units != restock.units => conflict(Field::Units),
                Content::Restock(known) if known.reason != restock.reason => conflict(Field::Reason),
                Content::Restock(_) => Self::replay(order),
                Content::Sale(..) => conflict(Field::Units),
            };
        }
        if let Some(refusal) = self.check_id(now, restock.request) {
            return Outcome::Refused(refusal);
        }
        if restock.units == 0 || restock.units.unsigned_abs() > 1 << 40 {
            return Outcome::Refused(Refusal::Invalid { field: Field::Units });
        }
        let available = self.available(restock.sku);
        let unallotted = available.saturating_sub(self.kept_units(restock.sku, now, None));
        let Some(sku) = self.skus.iter_mut().find(|sku| sku.put.sku == restock.sku) else {
            return Outcome::Refused(Refusal::UnknownSku);
        };
        let after = i128::from(available) + i128::from(restock.units);
        if i128::from(unallotted) + i128::from(restock.units) < 0 {
            return Outcome::Refused(Refusal::Insufficient { available: unallotted });
        }
        let after = u64::try_from(after).expect("no more is withdrawn than there is");
        if sku.stocked + i128::from(restock.units) > 1 << 40 {
            return Outcome::Refused(Refusal::CapacityExceeded);
        }
        sku.stocked += i128::from(restock.units);
        let number = self.next_number(restock.sku, false);
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
                self.settle_short(None);
            }
            Event::Evicted { number, .. } => {
                let at = self.orders.iter().position(|order| order.number == *number).expect("known");
                let order = self.orders.remove(at);
                assert!(!order.state.has_deadline(), "an open hold is evicted");
                self.may_leave(&order, now);
                if order.state == OrderState::Confirmed {
                    self.evicted_paid.push(order);
                }
            }
            Event::Offered { .. } => self.offered(now, event),
            Event::Campaign(event) => self.phase_entered(now, event),
            Event::LegReleased(end) => {
                let order = self.orders.iter().find(|order| order.number == end.order).expect("known");
                assert!(order.deadline <= now && order.units(end.sku) == end.units, "{end:?} of {order:?}");
            }
            // Its effect is part of what gave units back, or of what was counted.
            Event::After(_) => {}
            Event::Budget(BudgetEvent::CouponReleased(end)) => {
                let order = self.orders.iter().find(|order| order.number == end.order).expect("known");
                assert!(order.deadline <= now && order.coupon == Some(end.coupon), "{end:?} of {order:?}");
            }
            other => panic!("a pulse made {other:?}"),
        }
    }
}
