//! Entries to bytes.

use doorbuster_ledger::{
    CampaignId, Coupons, ImageCampaign, ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder,
    ImagePayment, ImageProgress, ImageSku, ImageSlice, Phase, Timestamp,
};

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the names of every kind and its fields alone")
)]
use super::*;
use crate::log::record::{policy_bytes, put, stage_byte, standing_byte};

/// Appends an entry to `out`.
pub(in crate::snapshot) fn encode(entry: &ImageEntry, out: &mut Vec<u8>) {
    match *entry {
        ImageEntry::Order(ref order) => put_order(order, out),
        ImageEntry::Units { user, sku, units } => put(UNITS, &(user.raw(), sku.raw(), units), out),
        ImageEntry::Now(now) => put(NOW, &now.raw(), out),
        ImageEntry::Phase { campaign, plan, nth, ref phase } => put_phase((campaign, plan, nth), phase, out),
        ImageEntry::Campaign(ref known) => {
            let (policy, grace_ms) = policy_bytes(known.policy);
            let (standing, since) = (standing_byte(known.standing), known.since.raw());
            let ends = (standing, known.entered, since);
            let &ImageCampaign { campaign, plan, phases, .. } = known;
            let fields: CampaignFields =
                (campaign.raw(), plan, phases, policy, grace_ms, ends.0, ends.1, ends.2);
            put(CAMPAIGN, &fields, out);
        }
        ImageEntry::Counted { campaign, from, version } => {
            put(COUNTED, &(campaign.raw(), from.raw(), version), out);
        }
        ImageEntry::Budget { budget, funded, stopped } => {
            put(BUDGET, &(budget.raw(), funded, stopped), out);
        }
        ImageEntry::Funder { budget, funder } => {
            put(FUNDER, &(budget.raw(), funder.id.raw(), funder.share), out);
        }
        ImageEntry::Bank { budget, cents } => put(BANK, &(budget.raw(), cents), out),
        ImageEntry::Slice(ImageSlice { budget, partition, left, reserved, spent }) => {
            let fields: SliceFields = (budget.raw(), partition.raw(), left, reserved, spent);
            put(SLICE, &fields, out);
        }
        ImageEntry::Posted { budget, partition, nth, cents } => {
            put(POSTED, &(budget.raw(), partition.raw(), nth, cents), out);
        }
        ImageEntry::Batch { batch, coupons: Coupons { serials, uses, from, until } } => {
            put(BATCH, &(batch.raw(), serials, uses, from.raw(), until.raw()), out);
        }
        ImageEntry::Coupon { coupon, reserved, redeemed } => {
            put(COUPON, &(coupon.raw(), reserved, redeemed), out);
        }
        ImageEntry::Sku(ref sku) => put_sku(sku, out),
        ImageEntry::Price { sku, version, price } => {
            let (floor, ceiling) = (price.floor.raw(), price.ceiling.raw());
            put(PRICE, &(sku.raw(), version, price.price.raw(), price.list.raw(), floor, ceiling), out);
        }
        ImageEntry::Bound { sku, campaign } => put(BOUND, &(sku.raw(), campaign.raw()), out),
        ImageEntry::Channel(ref known) => {
            let &ImageChannel { sku, channel, ruled, guarantee, cap, release_at, taken } = known;
            let (cap, release_at) = (cap.unwrap_or(NONE), release_at.map_or(NONE, Timestamp::raw));
            let fields: ChannelFields = (sku.raw(), channel.raw(), ruled, guarantee, cap, release_at, taken);
            put(CHANNEL, &fields, out);
        }
        ImageEntry::Goods(ref goods) => put_goods(goods, out),
        ImageEntry::Missing { sku, paid_at, number, units } => {
            put(MISSING, &(sku.raw(), paid_at.raw(), number.raw(), units), out);
        }
        ImageEntry::Payment(ImagePayment { number, kind, id, value }) => {
            put(PAYMENT, &(number.raw(), payment_byte(kind), id, value), out);
        }
        ImageEntry::Leg(ref leg) => {
            let &ImageLeg { number, sku, ordered, units, gifts, location, pool, held } = leg;
            let fields: LegFields = (number.raw(), sku.raw(), ordered, units, gifts, location, pool, held);
            put(LEG, &fields, out);
        }
        ImageEntry::Asked { number, quantity, amount } => {
            put(ASKED, &(number.raw(), quantity, amount.raw()), out);
        }
        ImageEntry::Progress(ref known) => {
            let &ImageProgress { number, delivered_at, closed_at, touched_at, fulfilling, under_way } = known;
            let time = |at: Option<Timestamp>| at.map_or(NONE, Timestamp::raw);
            let (delivered_at, closed_at) = (time(delivered_at), time(closed_at));
            let fields: ProgressFields =
                (number.raw(), delivered_at, closed_at, touched_at.raw(), fulfilling, under_way);
            put(PROGRESS, &fields, out);
        }
        ImageEntry::LineProgress { number, sku, shipped, cancelled, returned, short } => {
            put(LINE_PROGRESS, &(number.raw(), sku.raw(), shipped, cancelled, returned, short), out);
        }
        ImageEntry::Payback { number, refund, payment, amount } => {
            put(PAYBACK, &(number.raw(), refund.raw(), payment.raw(), amount.raw()), out);
        }
        ImageEntry::Sequence { partition, last } => put(SEQUENCE, &(partition.raw(), last), out),
    }
}

fn put_order(order: &ImageOrder, out: &mut Vec<u8>) {
    let fields: OrderFields = (
        order.number.raw(),
        order.request.raw(),
        order.user.raw(),
        order.sku.raw(),
        order.amount.raw(),
        order.placed_at.raw(),
        order.fingerprint,
        order.quantity,
        order.asked_hold_ms,
        order.hold_ms,
        order.ended_ms,
        order.channel.raw(),
        state_byte(order.state),
        order.moves,
    );
    put(ORDER, &fields, out);
}

fn put_phase((campaign, plan, nth): (CampaignId, u32, u8), phase: &Phase, out: &mut Vec<u8>) {
    let fields: PhaseFields = (
        campaign.raw(),
        plan,
        nth,
        phase.start.raw(),
        stage_byte(phase.stage),
        phase.min_tier,
        phase.user_limit,
        phase.order_limit,
        phase.group_limit,
        phase.price_version,
        phase.admission_plan,
        phase.breaker_plan,
        phase.channels.as_slice().iter().map(|channel| channel.raw()).collect(),
    );
    put(PHASE, &fields, out);
}

fn put_sku(sku: &ImageSku, out: &mut Vec<u8>) {
    let fields: SkuFields = (
        sku.sku.raw(),
        sku.available,
        sku.held,
        sku.sold,
        sku.stocked,
        sku.earliest_deadline.raw(),
        sku.holds,
        sku.user_limit,
        sku.order_limit,
        sku.limits_changed,
        sku.frozen,
    );
    put(SKU, &fields, out);
}

fn put_goods(goods: &ImageGoods, out: &mut Vec<u8>) {
    let fields: GoodsFields = (
        goods.sku.raw(),
        goods.brought,
        goods.counted,
        goods.shipped,
        goods.quarantine,
        goods.scrapped,
        goods.short,
        goods.named,
        goods.watermark.raw(),
        goods.last_count,
    );
    put(GOODS, &fields, out);
}
