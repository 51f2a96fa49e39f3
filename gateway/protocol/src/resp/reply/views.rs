//! What can be read, by its fields' names.

use super::fields::{Fields, fields, write_entries, write_fields};
use super::{complain, known, prefix};
use crate::after::{GoodsTo, GoodsView, ProgressView, ShortOrder, ShortfallView};
use crate::answer::{ChannelView, ChannelsView, LineView, OrderState, OrderView, StatusView, StockView};
use crate::body::{self, Record};
use crate::budget::{BudgetView, CouponView, FunderView};
use crate::campaign::{CampaignView, PhaseView, PriceView};
use crate::code::Code;
use crate::error::ProtocolError;
use crate::feed::{EventKind, FeedEvent, Fetched};
use crate::frame::Header;
use crate::kind::Kind;
use crate::resp::arguments::{POLICIES, STAGES};
use crate::resp::write::Writer;

/// A record that answers a read.
pub(super) trait View: Fields {
    fn code(&self) -> u16;

    /// Writes the [list](Self::LIST) that comes with it.
    fn list(&self, _to: &mut Writer<'_>) {}

    /// The list's name, the last of the map; none where there is no list.
    const LIST: Option<&'static str> = None;
}

/// Writes a view as its code and its fields; of one that there is not, an empty map.
pub(super) fn write<V: View>(view: &V, to: &mut Writer<'_>) {
    let Some(code) = known(view.code(), to) else { return };
    if let Some(prefix) = prefix(code) {
        return complain(prefix, None, 0, code.meaning(), to);
    }
    to.array(2);
    to.text(code.name());
    if code != Code::Ok {
        return to.map(0);
    }
    to.map(V::NAMES.len().saturating_add(usize::from(V::LIST.is_some())));
    write_entries(view, to);
    if let Some(list) = V::LIST {
        to.text(list);
        view.list(to);
    }
}

/// Writes a reply for each view of a frame of this kind.
pub(super) fn each(
    kind: Kind,
    header: &Header,
    bytes: &[u8],
    to: &mut Writer<'_>,
    mut count: impl FnMut(),
) -> Result<(), ProtocolError> {
    macro_rules! views {
        ($($type:ty),+) => {
            $(if <$type>::KINDS.contains(&kind) {
                return body::read_each(header, bytes, |view: &$type| {
                    count();
                    write(view, to);
                });
            })+
        };
    }
    views!(
        OrderView,
        StockView,
        LineView,
        ChannelView,
        ChannelsView,
        CampaignView,
        PhaseView,
        PriceView,
        BudgetView,
        CouponView,
        ProgressView,
        GoodsView,
        ShortfallView
    );
    Err(ProtocolError::UnknownKind { kind: kind.byte() })
}

fn state(byte: u8) -> &'static str {
    OrderState::from_byte(byte).map_or("", OrderState::name)
}

fn named(names: &'static [&'static str], byte: u8) -> &'static str {
    names.get(usize::from(byte)).copied().unwrap_or("")
}

fields! {
    OrderView {
        "order": Name(it.order), "user": Name(it.user), "state": Text(state(it.state)), "sku": Name(it.sku),
        "quantity": Count(it.quantity.into()), "amount": Count(it.amount), "placed_at": Time(it.placed_at),
        "expires_at": Time(it.expires_at), "ended_at": Time(it.ended_at), "channel": Count(it.channel.into()),
        "tier": Count(it.tier.into()), "lines": Count(it.lines.into()), "refunds": Count(it.refunds.into()),
        "request_id": Id(it.request_id), "payment_id": Id(it.payment_id),
    } as it;
    StockView {
        "sku": Name(it.sku), "available": Count(it.available), "held": Count(it.held), "sold": Count(it.sold),
        "stocked": Count(it.stocked), "holds": Count(it.holds.into()), "waiting": Count(it.waiting.into()),
        "next_expiry": Time(it.next_expiry), "user_limit": Count(it.user_limit.into()),
        "order_limit": Count(it.order_limit.into()), "frozen": Flag(it.frozen != 0),
    } as it;
    LineView {
        "order": Name(it.order), "nth": Count(it.nth.into()), "sku": Name(it.sku), "ordered": Count(it.ordered.into()),
        "units": Count(it.units.into()), "gifts": Count(it.gifts.into()), "location": Count(it.location.into()),
        "pool": Count(it.pool.into()),
    } as it;
    ChannelView {
        "sku": Name(it.sku), "channel": Count(it.channel.into()), "guarantee": Count(it.guarantee), "cap": Bound(it.cap),
        "release_at": Time(it.release_at), "taken": Count(it.taken), "available": Count(it.available),
    } as it;
    ChannelsView {
        "sku": Name(it.sku), "more": Flag(it.more != 0),
        "channels": Counts(it.channels.get(..usize::from(it.count)).unwrap_or_default()),
    } as it;
    CampaignView {
        "campaign": Name(it.campaign.into()), "plan": Count(it.plan.into()), "stage": Text(named(STAGES, it.stage)),
        "phase": Count(it.phase.into()), "phases": Count(it.phases.into()), "policy": Text(named(POLICIES, it.policy)),
        "standing": Text(named(&["RUNNING", "PAUSED", "ENDED"], it.standing)), "grace_ms": Count(it.grace_ms.into()),
        "price_version": Count(it.price_version.into()), "next_start": Time(it.next_start),
        "priced_from": Time(it.priced_from), "skus": Count(it.skus), "unpriced": Count(it.unpriced),
    } as it;
    PhaseView {
        "start": Time(it.phase.start), "stage": Text(named(STAGES, it.phase.stage)),
        "user_limit": Count(it.phase.user_limit.into()), "order_limit": Count(it.phase.order_limit.into()),
        "group_limit": Count(it.phase.group_limit.into()), "price_version": Count(it.phase.price_version.into()),
        "min_tier": Count(it.phase.min_tier.into()), "admission_plan": Count(it.phase.admission_plan.into()),
        "breaker_plan": Count(it.phase.breaker_plan.into()),
        "channels": Counts(it.phase.channels.get(..usize::from(it.phase.channel_count)).unwrap_or_default()),
    } as it;
    PriceView {
        "sku": Name(it.sku), "known": Flag(it.known != 0), "version": Count(it.version.into()),
        "campaign": Name(it.campaign.into()), "price": Count(it.price), "list": Count(it.list), "floor": Count(it.floor),
        "ceiling": Count(it.ceiling),
    } as it;
    BudgetView {
        "budget": Name(it.budget.into()), "stopped": Flag(it.stopped != 0), "funded": Count(it.funded),
        "left": Count(it.left), "reserved": Count(it.reserved), "spent": Count(it.spent),
    } as it;
    FunderView {
        "funder": Name(it.funder.into()), "share": Count(it.share.into()), "posted": Count(it.posted),
    } as it;
    CouponView {
        "coupon": Text(&format!("{}-{}", it.coupon >> 32, it.coupon & 0xFFFF_FFFF)), "uses": Count(it.uses.into()),
        "reserved": Count(it.reserved.into()), "redeemed": Count(it.redeemed.into()), "from": Time(it.from),
        "until": Bound(it.until),
    } as it;
    ProgressView {
        "order": Name(it.order), "state": Text(state(it.state)), "nth": Count(it.nth.into()), "sku": Name(it.sku),
        "units": Count(it.units.into()), "shipped": Count(it.shipped.into()), "cancelled": Count(it.cancelled.into()),
        "returned": Count(it.returned.into()), "short": Count(it.short.into()), "paid": Count(it.paid),
        "refunded": Count(it.refunded), "paid_at": Time(it.paid_at), "delivered_at": Time(it.delivered_at),
        "return_until": Time(it.return_until),
    } as it;
    GoodsView {
        "sku": Name(it.sku), "on_hand": Count(it.on_hand), "allocated": Count(it.allocated), "shipped": Count(it.shipped),
        "quarantine": Count(it.quarantine), "scrapped": Count(it.scrapped), "counted": Signed(it.counted),
        "short": Count(it.short), "named": Count(it.named), "watermark": Time(it.watermark),
    } as it;
    ShortfallView {
        "sku": Name(it.sku), "short": Count(it.short), "named": Count(it.named),
    } as it;
    ShortOrder {
        "paid_at": Time(it.paid_at), "order": Name(it.order), "units": Count(it.units.into()),
    } as it;
    StatusView {
        "durability": Text(durability(it.durability)), "throwaway": Flag(it.throwaway != 0),
        "shards": Count(it.shards.into()), "now_ms": Time(it.now_ms), "skus": Count(it.skus), "orders": Count(it.orders),
        "available": Count(it.available), "held": Count(it.held), "sold": Count(it.sold), "decided": Count(it.decided),
        "durable": Count(it.durable), "sync_p99_us": Count(it.sync_p99_us),
    } as it;
    FeedEvent {
        "position": Count(it.position), "at": Time(it.at), "kind": Text(it.kind().map_or("", EventKind::name)),
        "order": Name(it.order), "user": Name(it.user), "sku": Name(it.sku), "units": Signed(it.units),
        "amount": Count(it.amount), "until": Time(it.until), "channel": Count(it.channel.into()),
        "reason": Count(it.reason.into()), "to": Name(it.to), "request_id": Id(it.request_id),
        "payment_id": Id(it.payment_id), "user_limit": Count(it.user_limit.into()),
        "order_limit": Count(it.order_limit.into()), "cap": Bound(it.cap), "gifts": Count(it.gifts.into()),
        "location": Count(it.location.into()), "pool": Count(it.pool.into()),
        "goods_to": Text(GoodsTo::from_byte(it.goods_to).map_or("", GoodsTo::name)),
    } as it;
}

fn durability(byte: u8) -> &'static str {
    named(&["always", "interval", "none"], byte)
}

macro_rules! views {
    ($($type:ident),+) => { $(impl View for $type { fn code(&self) -> u16 { self.code } })+ };
}

views!(
    OrderView,
    StockView,
    LineView,
    ChannelView,
    ChannelsView,
    CampaignView,
    PhaseView,
    PriceView,
    CouponView,
    ProgressView,
    GoodsView,
    StatusView
);

impl View for BudgetView {
    const LIST: Option<&'static str> = Some("funders");

    fn code(&self) -> u16 {
        self.code
    }

    fn list(&self, to: &mut Writer<'_>) {
        write_all(self.funders.get(..usize::from(self.count)).unwrap_or_default(), to);
    }
}

impl View for ShortfallView {
    const LIST: Option<&'static str> = Some("orders");

    fn code(&self) -> u16 {
        self.code
    }

    fn list(&self, to: &mut Writer<'_>) {
        write_all(self.orders.get(..usize::from(self.count)).unwrap_or_default(), to);
    }
}

/// Writes records as a list of maps.
fn write_all<F: Fields>(records: &[F], to: &mut Writer<'_>) {
    to.array(records.len());
    for record in records {
        write_fields(record, to);
    }
}

/// A page of events.
pub(super) fn fetched(page: &Fetched, to: &mut Writer<'_>) {
    let Some(code) = known(page.code, to) else { return };
    if let Some(prefix) = prefix(code) {
        return complain(prefix, None, page.retry_after_ms, code.meaning(), to);
    }
    to.array(2);
    to.text(code.name());
    to.map(4);
    to.text("next");
    to.count(page.next);
    to.text("durable");
    to.count(page.durable);
    to.text("log_id");
    to.text(&format!("{:032x}", u128::from_be_bytes(page.log_id)));
    to.text("events");
    write_all(&page.events, to);
}

/// The server's totals, as Redis says how it is. `loading` is what clients look at before they send anything.
pub(super) fn info(view: &StatusView) -> String {
    let StatusView {
        shards, now_ms, skus, orders, available, held, sold, decided, durable, sync_p99_us, ..
    } = view;
    format!(
        "# Server\r\ndoorbuster_version:{}\r\nredis_mode:standalone\r\nserver_time_ms:{now_ms}\r\nshards:{shards}\r\n\r\n\
         # Persistence\r\nloading:0\r\ndurability:{}\r\nlog_decided:{decided}\r\nlog_durable:{durable}\r\n\
         log_sync_p99_us:{sync_p99_us}\r\n\r\n\
         # Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n\
         # Stock\r\nskus:{skus}\r\norders:{orders}\r\navailable:{available}\r\nheld:{held}\r\nsold:{sold}\r\n",
        env!("CARGO_PKG_VERSION"),
        durability(view.durability),
    )
}
