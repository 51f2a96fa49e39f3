//! SKUs and what sales channels may have of them, between wire and ledger.

use doorbuster_engine::shard;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::Code;

use super::{Aids, Ask, ask, request_id};

/// A SKU set up.
pub(crate) fn put_sku(asked: &wire::PutSku) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let put = ledger::PutSku {
        sku,
        units: asked.units,
        user_limit: asked.user_limit,
        order_limit: asked.order_limit,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::PutSku(put))
}

/// Units brought in or withdrawn.
pub(crate) fn restock(asked: &wire::Restock, aids: &mut Aids<'_>) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let restock = ledger::Restock {
        request: request_id(asked.request_id, aids),
        sku,
        units: asked.units,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::Restock(restock))
}

/// What a channel may have.
pub(crate) fn set_channel(asked: &wire::SetChannel) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let set = ledger::SetChannel {
        sku,
        channel: ledger::ChannelId::new(asked.channel),
        guarantee: asked.guarantee,
        cap: (asked.cap != u64::MAX).then_some(asked.cap),
        release_at: (asked.release_at != 0).then(|| ledger::Timestamp::new(asked.release_at)),
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::SetChannel(set))
}

/// A part of a guarantee for another channel.
pub(crate) fn rebalance(asked: &wire::Rebalance) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    let rebalance = ledger::Rebalance {
        sku,
        from: ledger::ChannelId::new(asked.from),
        to: ledger::ChannelId::new(asked.to),
        units: asked.units,
        keep: asked.keep,
        expected: asked.expected,
        by: asked.by,
        reason: asked.reason,
    };
    ask(ledger::PartitionId::of(sku), ledger::Command::Rebalance(rebalance))
}

/// A channel to be read.
pub(crate) fn read_channel(asked: &wire::ReadChannel) -> Ask {
    let (sku, channel) = (ledger::SkuId::new(asked.sku), ledger::ChannelId::new(asked.channel));
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadChannel { sku, channel })
}

/// A SKU's channels to be listed.
pub(crate) fn read_channels(asked: &wire::ReadChannels) -> Ask {
    let (sku, first) = (ledger::SkuId::new(asked.sku), ledger::ChannelId::new(asked.first));
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadChannels { sku, first })
}

/// A SKU to be read.
pub(crate) fn read_stock(asked: wire::ReadStock) -> Ask {
    let sku = ledger::SkuId::new(asked.sku);
    Ask::Shard(ledger::PartitionId::of(sku), shard::Request::ReadStock { sku })
}

/// A channel that was read.
pub(crate) fn channel(read: Option<&ledger::ChannelSnapshot>) -> wire::ChannelView {
    match read {
        None => wire::ChannelView { code: Code::UnknownSku.number(), ..wire::ChannelView::default() },
        Some(channel) => wire::ChannelView {
            code: Code::Ok.number(),
            channel: channel.channel.raw(),
            reserved: 0,
            sku: channel.sku.raw(),
            guarantee: channel.guarantee,
            cap: channel.cap.unwrap_or(u64::MAX),
            release_at: channel.release_at.map_or(0, ledger::Timestamp::raw),
            taken: channel.taken,
            available: channel.available,
        },
    }
}

/// A list of channels that was read.
pub(crate) fn channels(read: Option<&ledger::ChannelPage>) -> wire::ChannelsView {
    match read {
        None => wire::ChannelsView { code: Code::UnknownSku.number(), ..wire::ChannelsView::default() },
        Some(page) => wire::ChannelsView {
            code: Code::Ok.number(),
            count: page.count,
            more: page.more.into(),
            sku: page.sku.raw(),
            channels: page.channels.map(ledger::ChannelId::raw),
        },
    }
}

/// A SKU that was read.
pub(crate) fn stock(read: Option<&ledger::StockSnapshot>) -> wire::StockView {
    match read {
        None => wire::StockView { code: Code::UnknownSku.number(), ..wire::StockView::default() },
        Some(stock) => wire::StockView {
            code: Code::Ok.number(),
            frozen: u8::from(stock.frozen),
            reserved: 0,
            user_limit: stock.user_limit,
            order_limit: stock.order_limit,
            holds: stock.holds,
            sku: stock.sku.raw(),
            available: stock.available,
            held: stock.held,
            sold: stock.sold,
            stocked: stock.stocked,
            next_expiry: stock.next_expiry.map_or(0, ledger::Timestamp::raw),
            waiting: stock.waiting,
        },
    }
}
