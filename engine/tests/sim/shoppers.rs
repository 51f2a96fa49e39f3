//! What shoppers ask, and what they make of the answers.

use std::collections::BTreeMap;

use doorbuster_engine::clock::Clock;
use doorbuster_engine::shard::{Batch, Request, Slot, Work};
use doorbuster_ledger::*;
use rand::RngExt;

use super::{Ask, Known, SKUS, USERS, World};

impl World {
    pub(super) fn ask(&mut self) {
        let mut shards: BTreeMap<usize, Batch> = BTreeMap::new();
        for _ in 0..self.rng.random_range(1..6) {
            let asked = self.command();
            self.next_token += 1;
            let (shard, work) = match &asked {
                Ask::One(command) => (self.engine.shard_of(home(command)), Request::Command(*command)),
                Ask::Several(command, lines) => {
                    let desk = self.plan.shards;
                    let batch = shards.entry(desk).or_default();
                    let first = u32::try_from(batch.lines.len()).expect("few");
                    let count = u8::try_from(lines.len()).expect("few");
                    batch.lines.extend(lines);
                    (
                        desk,
                        Request::Composite { command: *command, first, count, coupon: None, recall: false },
                    )
                }
                Ask::WithCoupon(command, lines, coupon) => {
                    let desk = self.plan.shards;
                    let batch = shards.entry(desk).or_default();
                    let first = u32::try_from(batch.lines.len()).expect("few");
                    let count = u8::try_from(lines.len()).expect("few");
                    batch.lines.extend(lines);
                    (
                        desk,
                        Request::Composite {
                            command: *command,
                            first,
                            count,
                            coupon: Some(*coupon),
                            recall: false,
                        },
                    )
                }
                Ask::Budget(command, funders) => {
                    let desk = self.plan.shards;
                    let batch = shards.entry(desk).or_default();
                    let first = u32::try_from(batch.funders.len()).expect("few");
                    let count = u8::try_from(funders.len()).expect("few");
                    batch.funders.extend(funders);
                    (desk, Request::Budget { command: *command, first, count })
                }
            };
            self.asked.insert(self.next_token, asked);
            let slot =
                Slot { token: self.next_token, deadline: Timestamp::default(), work: Work::Asked(work) };
            shards.entry(shard).or_default().slots.push(slot);
        }
        for (shard, batch) in shards {
            let taken = if shard == self.plan.shards {
                self.engine.submit_composite(batch)
            } else {
                self.engine.submit(shard, batch)
            };
            self.underway += usize::from(taken.is_ok());
        }
    }

    fn command(&mut self) -> Ask {
        if let Some(again) =
            (!self.unanswered.is_empty()).then(|| self.rng.random_range(0..self.unanswered.len()))
        {
            let again = self.unanswered.swap_remove(again);
            if let Ask::Several(Composite::Reserve { supersedes: Some(old), .. }, _)
            | Ask::WithCoupon(Composite::Reserve { supersedes: Some(old), .. }, ..) = &again
                && let Some(known) = self.orders.get_mut(old)
            {
                known.unsure = true;
            }
            return again;
        }
        let sku = SKUS[self.rng.random_range(0..SKUS.len())];
        match self.rng.random_range(0..21_u32) {
            20 => self.campaign(sku),
            0 => Ask::One(Command::PutSku(PutSku {
                sku,
                units: 8,
                user_limit: 3,
                order_limit: 0,
                ..PutSku::default()
            })),
            1 if self.rng.random_bool(0.5) => self.rule(sku),
            1 => self.budget(),
            2 => {
                let units = self.rng.random_range(1..5);
                Ask::One(Command::Restock(Restock { request: self.request(), sku, units, reason: 0, by: 1 }))
            }
            12..15 => self.after(sku),
            3..12 if !self.orders.is_empty() => self.end_or_keep(),
            _ => self.reserve(sku),
        }
    }

    /// Something about what there is to claim.
    fn budget(&mut self) -> Ask {
        let (by, reason) = (1, 2);
        let budget = BudgetId::new(self.rng.random_range(1..3)).expect("not zero");
        match self.rng.random_range(0..8_u32) {
            0..5 => {
                let funder = |(id, share)| Funder { id: FunderId::new(id), share };
                let funders = [(1, 40), (2, 50), (3, 10)].map(funder).to_vec();
                Ask::Budget(BudgetCommand::Set { budget, funded: 300, by, reason }, funders)
            }
            5 => {
                let funded = 100 * self.rng.random_range(2..6);
                Ask::Budget(BudgetCommand::Fund { budget, funded, expected: 300, by, reason }, Vec::new())
            }
            _ => {
                let batch = CouponBatch::new(1).expect("not zero");
                let (from, until) = (Timestamp::new(0), Timestamp::new(u64::MAX));
                let coupons = Coupons { serials: 40, uses: 2, from, until };
                Ask::Budget(BudgetCommand::Issue { batch, coupons, by, reason }, Vec::new())
            }
        }
    }

    /// A discount, at times.
    fn claim(&mut self) -> Option<Claim> {
        let budget = BudgetId::new(self.rng.random_range(1..3))?;
        let amount = Amount::new(self.rng.random_range(1..60));
        self.rng.random_bool(0.3).then_some(Claim { budget, amount })
    }

    /// Something about an order that is there.
    fn end_or_keep(&mut self) -> Ask {
        let at = self.rng.random_range(0..self.orders.len());
        let (&order, known) = self.orders.iter_mut().nth(at).expect("the pick is in range");
        known.unsure = true;
        let (user, payment) = (known.user, PaymentId::new(u128::from(order.raw())));
        let command = match self.rng.random_range(0..9_u32) {
            0..4 => Command::Confirm(Confirm { order, user, payment, amount: Amount::new(0) }),
            4..6 => Command::Cancel(Cancel { order, user, reason: 0 }),
            _ => match self.rng.random_range(0..4_u32) {
                0 => Command::BeginPay(BeginPay { order, user, payment, class: PayClass::Slow }),
                1 => Command::BeginPay(BeginPay { order, user, payment, class: PayClass::Fast }),
                2 => Command::FailPay(FailPay { order, user, payment }),
                _ => Command::Extend(Extend { order, user, until: self.clock.now().plus(1_000) }),
            },
        };
        let part = self.rng.random_bool(0.3);
        if !order.is_composite() && !part {
            return Ask::One(command);
        }
        let list = if part { self.units() } else { Vec::new() };
        if let (true, Some(known)) = (part, self.orders.get_mut(&order)) {
            known.cut = true;
        }
        match command {
            Command::Confirm(confirm) => Ask::Several(Composite::Confirm(confirm), list),
            Command::Cancel(cancel) => {
                Ask::Several(Composite::Cancel { cancel, amount: Amount::new(0) }, list)
            }
            other => Ask::One(other),
        }
    }

    /// So many units of some SKUs, none perhaps.
    pub(super) fn units(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        for sku in SKUS {
            if self.rng.random_bool(0.5) {
                lines.push(Line { sku, units: self.rng.random_range(0..3), ..Line::default() });
            }
        }
        lines
    }

    /// What a channel may have.
    fn rule(&mut self, sku: SkuId) -> Ask {
        let (channel, now) = (self.channel(), self.clock.now());
        let guarantee = self.rng.random_range(0..4);
        let cap = self.rng.random_bool(0.3).then_some(guarantee + 2);
        let release_at = self.rng.random_bool(0.5).then(|| now.plus(3_000));
        Ask::One(Command::SetChannel(SetChannel {
            sku,
            channel,
            guarantee,
            cap,
            release_at,
            by: 1,
            reason: 2,
        }))
    }

    fn channel(&mut self) -> ChannelId {
        ChannelId::new(self.rng.random_range(0..3))
    }

    pub(super) fn reserve(&mut self, sku: SkuId) -> Ask {
        let mut reserve = Reserve {
            request: self.request(),
            user: UserId::new(self.rng.random_range(1..=USERS)),
            sku,
            quantity: Quantity::new(self.rng.random_range(1..3)).expect("not zero"),
            amount: Amount::new(0),
            hold_ms: if self.rng.random_bool(0.5) { 0 } else { 300 },
            channel: self.channel(),
            first_attempt: self.rng.random_bool(0.7),
            wait_ms: if self.rng.random_bool(0.5) { 0 } else { 6_000 },
            terms: Terms::default(),
            claim: self.claim(),
        };
        if reserve.claim.is_some() {
            reserve.wait_ms = 0;
        }
        if self.rng.random_bool(0.6) {
            return Ask::One(Command::Reserve(reserve));
        }
        let mut lines = Vec::new();
        for sku in SKUS {
            if self.rng.random_bool(0.7) {
                let units = self.rng.random_range(1..3);
                let gifts = u32::from(self.rng.random_bool(0.2));
                lines.push(Line { sku, units, gifts, ..Line::default() });
            }
        }
        if lines.is_empty() {
            return Ask::One(Command::Reserve(reserve));
        }
        let units = lines.iter().map(|line| line.units).sum();
        reserve.wait_ms = 0;
        reserve.quantity = Quantity::new(units).expect("a line has units");
        // At times in the place of an order that he has.
        let his = self.orders.iter().filter(|(_, known)| known.user == reserve.user);
        let supersedes = his.map(|(order, _)| *order).next_back().filter(|_| self.rng.random_bool(0.3));
        if let Some(known) = supersedes.and_then(|order| self.orders.get_mut(&order)) {
            known.unsure = true;
        }
        let command = Composite::Reserve { reserve, supersedes };
        if self.rng.random_bool(0.5) {
            let coupon = (1 << 32) | self.rng.random_range(0..41);
            return Ask::WithCoupon(command, lines, CouponId::new(coupon).expect("of the first batch"));
        }
        Ask::Several(command, lines)
    }

    fn request(&mut self) -> RequestId {
        self.next_request += 1;
        let now = u128::from(self.clock.now().raw());
        RequestId::new((now << 80) | (7 << 76) | (2 << 62) | u128::from(self.next_request))
    }

    /// A shopper takes note of an answer.
    pub(super) fn seen(&mut self, asked: &Ask, outcome: &Outcome) -> Result<(), String> {
        self.report.acknowledged += 1;
        if let (Some(reserve), Outcome::Reserved { .. }) = (asked.reserve(), outcome) {
            self.report.claimed += u64::from(reserve.claim.is_some());
            self.report.coupons += u64::from(matches!(asked, Ask::WithCoupon(..)));
        }
        if let (Ask::Several(_, lines), Some(_), Outcome::Reserved { order, .. }) =
            (asked, asked.reserve(), outcome)
            && lines.len() > 1
        {
            assert!(order.is_composite(), "several lines in one row");
            self.report.composite += 1;
        }
        if let Some(reserve) = asked.reserve() {
            return self.reserved(reserve, outcome);
        }
        match (asked, outcome) {
            (Ask::One(Command::PutSku(put)), Outcome::SkuPut) => {
                self.skus.insert(put.sku);
            }
            (
                Ask::One(Command::Confirm(confirm)) | Ask::Several(Composite::Confirm(confirm), _),
                Outcome::Confirmed { .. } | Outcome::Reacquired { .. },
            ) => {
                self.note(confirm.order, OrderState::Confirmed)?;
            }
            (
                Ask::One(Command::Cancel(cancel)) | Ask::Several(Composite::Cancel { cancel, .. }, _),
                Outcome::Cancelled { .. },
            ) => {
                self.note(cancel.order, OrderState::Cancelled)?;
            }
            (
                Ask::Several(Composite::Campaign(command), _),
                Outcome::CampaignSet | Outcome::Replayed { .. },
            ) => {
                self.campaign_seen(command);
            }
            (
                Ask::Several(Composite::After(AfterCommand::Advance(advance)), _),
                Outcome::After(AfterOutcome::Advanced { state, units, .. }),
            ) => self.advanced(advance, *state, *units),
            _ => {}
        }
        Ok(())
    }

    fn reserved(&mut self, reserve: &Reserve, outcome: &Outcome) -> Result<(), String> {
        match outcome {
            Outcome::Reserved { order, deadline } | Outcome::Waitlisted { order, deadline, .. } => {
                // An offer will have a deadline of its own.
                let waits = matches!(outcome, Outcome::Waitlisted { .. });
                let known = Known {
                    user: reserve.user,
                    request: reserve.request,
                    quantity: reserve.quantity.units(),
                    deadline: if waits { 0 } else { deadline.raw() },
                    state: if waits { OrderState::Waiting } else { OrderState::Held },
                    unsure: false,
                    cut: false,
                    gone: 0,
                    closed: false,
                };
                if self.orders.insert(*order, known).is_some() {
                    return Err(format!("order {} was given out twice", order.raw()));
                }
            }
            Outcome::Replayed { order: Some(order), state: Some(state), deadline } => {
                let known = self.orders.entry(*order).or_insert(Known {
                    user: reserve.user,
                    request: reserve.request,
                    quantity: reserve.quantity.units(),
                    deadline: if *state == OrderState::Waiting { 0 } else { deadline.raw() },
                    state: *state,
                    unsure: false,
                    cut: true,
                    gone: 0,
                    closed: false,
                });
                if known.request != reserve.request {
                    return Err(format!(
                        "request {:x} was answered with another's order",
                        reserve.request.raw()
                    ));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note(&mut self, order: OrderNumber, state: OrderState) -> Result<(), String> {
        let known = self.orders.get_mut(&order).ok_or("an order that was never given out ended")?;
        if matches!(known.state, OrderState::After(_)) && state == OrderState::Confirmed {
            // An answer that was overtaken.
            return Ok(());
        }
        if matches!(known.state, OrderState::Confirmed | OrderState::After(_)) {
            return Err(format!("order {} was {:?} and became {state:?}", order.raw(), known.state));
        }
        known.state = state;
        Ok(())
    }
}

fn home(command: &Command) -> PartitionId {
    match command {
        Command::Reserve(reserve) => PartitionId::of(reserve.sku),
        Command::Restock(restock) => PartitionId::of(restock.sku),
        Command::SetChannel(set) => PartitionId::of(set.sku),
        Command::Rebalance(rebalance) => PartitionId::of(rebalance.sku),
        Command::PutSku(put) => PartitionId::of(put.sku),
        Command::Sku(command) => PartitionId::of(command.sku()),
        Command::Confirm(confirm) => confirm.order.partition(),
        Command::Cancel(cancel) => cancel.order.partition(),
        Command::BeginPay(begin) => begin.order.partition(),
        Command::FailPay(failed) => failed.order.partition(),
        Command::Extend(extend) => extend.order.partition(),
    }
}
