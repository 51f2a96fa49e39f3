//! What a frame asks for, by its kind.

use doorbuster_protocol::{
    Code, FEATURE_CREDITS, FEATURES, FLAG_FIRST_ATTEMPT, Header, Hello, Kind, ProtocolError, ReadBudget,
    ReadCampaign, ReadChannel, ReadCoupon, ReadGoods, ReadStock, Reserve, ReserveClaims, ReserveDiscounted,
    ReserveOrder, StatusView, VERSION, Welcome, body,
};

use super::intake::Incoming;
use super::{MAX_IN_FLIGHT, Network, Reactor};
use crate::convert::{self, budget};
use crate::keys::Bound;

impl<N: Network> Reactor<N> {
    pub(super) fn frame(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let Some(session) = self.sessions.get_mut(name) else { return Ok(()) };
        // Before all else: requests may stand right behind a HELLO that comes too late.
        if self.draining_since.is_some() && header.kind != Kind::Ping {
            self.fault(name, header.correlation, Code::ShuttingDown, "the server is shutting down");
            return Ok(());
        }
        if !session.greeted && !matches!(header.kind, Kind::Hello | Kind::Auth) {
            self.fault(name, header.correlation, Code::HelloRequired, "the first frame must be HELLO");
            self.close_after_flush(name);
            return Ok(());
        }
        if !session.pass.allows(header.kind) {
            return self.forbid(name, header);
        }
        let bound = session.pass.bound();
        let bound = bound.as_ref();
        let Some(entry) = self.enter(name, header, body) else {
            self.tell_turned_away(name, header, body);
            return Ok(());
        };
        let incoming = Incoming { name, header, body, entry };
        match header.kind {
            Kind::Hello => self.hello(name, header, body),
            Kind::Auth => self.prove(name, header, body),
            Kind::Ping => {
                self.say(name, &Header::new(Kind::Pong, header.correlation, 0), |_| {});
                Ok(())
            }
            Kind::ReadStatus => {
                self.status(name, header);
                Ok(())
            }
            Kind::Reserve | Kind::ReserveOrder | Kind::ReserveClaims | Kind::ReserveDiscounted => {
                self.new_holds(&incoming, bound)
            }
            Kind::SetBudget => self.operations(&incoming, budget::set_budget),
            Kind::FundBudget => self.operations(&incoming, |asked, _| budget::fund_budget(asked)),
            Kind::StopBudget => self.operations(&incoming, |asked, _| budget::stop_budget(asked)),
            Kind::IssueCoupons => self.operations(&incoming, |asked, _| budget::issue_coupons(asked)),
            Kind::ReadBudget => {
                self.operations(&incoming, |asked: &ReadBudget, _| budget::read_budget(*asked))
            }
            Kind::ReadCoupon => {
                self.operations(&incoming, |asked: &ReadCoupon, _| budget::read_coupon(*asked))
            }
            Kind::Confirm => self.operations(&incoming, |asked, _| Ok(convert::confirm(asked))),
            Kind::Cancel => self.operations(&incoming, |asked, _| Ok(convert::cancel(asked))),
            Kind::ConfirmLines => self.operations(&incoming, convert::confirm_lines),
            Kind::CancelLines => self.operations(&incoming, convert::cancel_lines),
            Kind::BeginPay => self.operations(&incoming, |asked, _| Ok(convert::begin_pay(asked))),
            Kind::FailPay => self.operations(&incoming, |asked, _| Ok(convert::fail_pay(asked))),
            Kind::Extend => self.operations(&incoming, |asked, _| Ok(convert::extend(asked))),
            Kind::PutSku => self.operations(&incoming, |asked, _| Ok(convert::put_sku(asked))),
            Kind::Restock => self.operations(&incoming, |asked, aids| Ok(convert::restock(asked, aids))),
            Kind::ReadOrder => self.operations(&incoming, |asked, _| Ok(convert::read_order(asked))),
            Kind::SetChannel => self.operations(&incoming, |asked, _| Ok(convert::set_channel(asked))),
            Kind::Rebalance => self.operations(&incoming, |asked, _| Ok(convert::rebalance(asked))),
            Kind::ReadChannel => self.operations(&incoming, |asked: &ReadChannel, _| {
                Bound::check(bound, asked.channel)?;
                Ok(convert::read_channel(asked))
            }),
            Kind::ReadChannels => self.operations(&incoming, |asked, _| Ok(convert::read_channels(asked))),
            Kind::ReadLine => self.operations(&incoming, |asked, _| Ok(convert::read_line(asked))),
            Kind::ReadStock => {
                self.operations(&incoming, |asked: &ReadStock, _| Ok(convert::read_stock(*asked)))
            }
            Kind::PutPhase => self.operations(&incoming, |asked, _| convert::put_phase(asked)),
            Kind::SetCampaign => self.operations(&incoming, |asked, _| Ok(convert::set_campaign(asked))),
            Kind::BindSku => self.operations(&incoming, |asked, _| Ok(convert::bind_sku(asked))),
            Kind::PutPrice => self.operations(&incoming, |asked, _| Ok(convert::put_price(asked))),
            Kind::SetLimits => self.operations(&incoming, |asked, _| Ok(convert::set_limits(asked))),
            Kind::FreezeSku => self.operations(&incoming, |asked, _| Ok(convert::freeze_sku(asked))),
            Kind::ReadCampaign => {
                self.operations(&incoming, |asked: &ReadCampaign, _| Ok(convert::read_campaign(*asked)))
            }
            Kind::ReadPhase => self.operations(&incoming, |asked, _| Ok(convert::read_phase(asked))),
            Kind::ReadPrice => self.operations(&incoming, |asked, _| Ok(convert::read_price(asked))),
            Kind::Advance => self.operations(&incoming, convert::after::advance),
            Kind::Refund => self.operations(&incoming, |asked, _| Ok(convert::after::refund(asked))),
            Kind::SetOnHand => self.operations(&incoming, |asked, _| Ok(convert::after::set_on_hand(asked))),
            Kind::Inspect => self.operations(&incoming, |asked, _| convert::after::inspect(asked)),
            Kind::ReadProgress => {
                self.operations(&incoming, |asked, _| Ok(convert::after::read_progress(asked)))
            }
            Kind::ReadGoods => {
                self.operations(&incoming, |asked: &ReadGoods, _| Ok(convert::after::read_goods(*asked)))
            }
            Kind::ReadShortfall => {
                self.operations(&incoming, |asked, _| Ok(convert::after::read_shortfall(asked)))
            }
            Kind::Watch => self.watch(&incoming),
            Kind::Fetch => self.fetch(name, header, body),
            kind => Err(ProtocolError::UnknownKind { kind: kind.byte() }),
        }
    }

    /// New holds, for channels that the connection may sell on.
    #[inline]
    fn new_holds(&mut self, incoming: &Incoming<'_>, bound: Option<&Bound>) -> Result<(), ProtocolError> {
        let first = incoming.header.flags & FLAG_FIRST_ATTEMPT != 0;
        match incoming.header.kind {
            Kind::Reserve => self.operations(incoming, |asked: &Reserve, aids| {
                Bound::check(bound, asked.channel)?;
                convert::reserve(asked, first, aids)
            }),
            Kind::ReserveOrder => self.operations(incoming, |asked: &ReserveOrder, aids| {
                Bound::check(bound, asked.channel)?;
                convert::reserve_order(asked, first, aids)
            }),
            Kind::ReserveClaims => self.operations(incoming, |asked: &ReserveClaims, aids| {
                Bound::check(bound, asked.order.channel)?;
                budget::reserve_claims(asked, first, aids)
            }),
            Kind::ReserveDiscounted => self.operations(incoming, |asked: &ReserveDiscounted, aids| {
                Bound::check(bound, asked.reserve.channel)?;
                budget::reserve_discounted(asked, first, aids)
            }),
            kind => Err(ProtocolError::UnknownKind { kind: kind.byte() }),
        }
    }

    pub(super) fn hello(&mut self, name: usize, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let hello: Hello = body::read_one(header, body)?;
        if hello.oldest > VERSION || hello.newest < VERSION {
            return Err(ProtocolError::Version { found: hello.newest });
        }
        let rules = self.shared.rules;
        let welcome = Welcome {
            version: VERSION,
            durability: self.shared.durability_byte(),
            features: hello.features & FEATURES,
            now_ms: self.engine.now().raw(),
            log_id: self.shared.log_id,
            max_batch: doorbuster_protocol::MAX_BATCH,
            max_body: doorbuster_protocol::MAX_BODY,
            max_in_flight: MAX_IN_FLIGHT,
            idempotency_window_ms: rules.idempotency_window_ms,
            default_hold_ms: rules.default_hold_ms,
            max_hold_ms: rules.max_hold_ms,
            server: concat!("doorbuster/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        if let Some(session) = self.sessions.get_mut(name) {
            let before = std::mem::replace(&mut session.features, welcome.features) & FEATURE_CREDITS;
            session.greeted = true;
            self.crediting += u64::from(before == 0 && welcome.features & FEATURE_CREDITS != 0);
            self.crediting -= u64::from(before != 0 && welcome.features & FEATURE_CREDITS == 0);
        }
        self.say(name, &Header::new(Kind::Welcome, header.correlation, 1), |out| body::put(&welcome, out));
        if welcome.features & FEATURE_CREDITS != 0 && self.credit.is_some() {
            self.say_credit(name);
        }
        Ok(())
    }

    pub(super) fn status(&mut self, name: usize, header: &Header) {
        let totals = self.engine.totals();
        let journal = self.engine.journal();
        let view = StatusView {
            code: Code::Ok.number(),
            durability: self.shared.durability_byte(),
            throwaway: u8::from(self.shared.throwaway),
            shards: u32::try_from(self.engine.shards()).unwrap_or(u32::MAX),
            now_ms: self.engine.now().raw(),
            skus: totals.skus,
            orders: totals.orders,
            available: totals.available,
            held: totals.held,
            sold: totals.sold,
            decided: journal.decided(),
            durable: journal.durable(),
            sync_p99_us: journal.stats().sync_times().p99_us,
        };
        self.say(name, &Header::new(Kind::StatusRead, header.correlation, 1), |out| body::put(&view, out));
    }
}
