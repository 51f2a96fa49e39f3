//! Bytes to entries.

use doorbuster_ledger::{
    Amount, BudgetId, CampaignId, ChannelId, CouponBatch, CouponId, Coupons, Funder, FunderId, ImageCampaign,
    ImageChannel, ImageEntry, ImageGoods, ImageLeg, ImageOrder, ImagePayment, ImageProgress, ImageSku,
    ImageSlice, OrderNumber, PartitionId, PaymentId, Phase, PhaseChannels, Price, RefundId, RequestId, SkuId,
    Timestamp, UserId,
};

#[cfg_attr(
    not(test),
    expect(clippy::wildcard_imports, reason = "the names of every kind and its fields alone")
)]
use super::*;
use crate::log::record::{RecordError, policy, stage, standing, take};

/// Reads the entry at the front of `bytes`, and says how many it takes. Never panics, whatever the bytes.
///
/// # Errors
/// They are no entry of this version.
#[expect(clippy::too_many_lines, reason = "one short arm for each kind")]
pub(in crate::snapshot) fn decode(bytes: &[u8]) -> Result<(ImageEntry, usize), RecordError> {
    let Some((&kind, rest)) = bytes.split_first() else { return Err(RecordError::Malformed { kind: 0 }) };
    let impossible = |field| RecordError::Impossible { kind, field };
    let sku = SkuId::new;
    let number = OrderNumber::new;
    let time = Timestamp::new;
    let campaign = CampaignId::new;
    let budget = |raw| BudgetId::new(raw).ok_or(impossible("budget"));
    let partition = |raw| PartitionId::new(raw).ok_or(impossible("partition"));
    let (entry, used) = match kind {
        ORDER => take(kind, rest).and_then(|(fields, used)| Ok((order(kind, &fields)?, used)))?,
        UNITS => take(kind, rest).map(|((user, id, units), used): ((u64, u64, u32), usize)| {
            (ImageEntry::Units { user: UserId::new(user), sku: sku(id), units }, used)
        })?,
        NOW => take(kind, rest).map(|(now, used)| (ImageEntry::Now(time(now)), used))?,
        PHASE => take(kind, rest).and_then(|(fields, used)| Ok((phase(kind, fields)?, used)))?,
        CAMPAIGN => {
            let (fields, used): (CampaignFields, usize) = take(kind, rest)?;
            let (id, plan, phases, kept, grace_ms, stands, entered, since) = fields;
            let known = ImageCampaign {
                campaign: campaign(id),
                plan,
                phases,
                policy: policy(kept, grace_ms).ok_or(impossible("policy"))?,
                standing: standing(stands).ok_or(impossible("standing"))?,
                entered,
                since: time(since),
            };
            (ImageEntry::Campaign(known), used)
        }
        COUNTED => take(kind, rest).map(|((id, from, version), used): ((u32, u64, u32), usize)| {
            (ImageEntry::Counted { campaign: campaign(id), from: time(from), version }, used)
        })?,
        BUDGET => {
            let ((id, funded, stopped), used): ((u32, u64, bool), usize) = take(kind, rest)?;
            (ImageEntry::Budget { budget: budget(id)?, funded, stopped }, used)
        }
        FUNDER => {
            let ((id, funder, share), used): ((u32, u32, u32), usize) = take(kind, rest)?;
            let funder = Funder { id: FunderId::new(funder), share };
            (ImageEntry::Funder { budget: budget(id)?, funder }, used)
        }
        BANK => {
            let ((id, cents), used): ((u32, u64), usize) = take(kind, rest)?;
            (ImageEntry::Bank { budget: budget(id)?, cents }, used)
        }
        SLICE => {
            let ((id, part, left, reserved, spent), used): (SliceFields, usize) = take(kind, rest)?;
            let (budget, partition) = (budget(id)?, partition(part)?);
            (ImageEntry::Slice(ImageSlice { budget, partition, left, reserved, spent }), used)
        }
        POSTED => {
            let ((id, part, nth, cents), used): ((u32, u16, u8, u64), usize) = take(kind, rest)?;
            let (budget, partition) = (budget(id)?, partition(part)?);
            (ImageEntry::Posted { budget, partition, nth, cents }, used)
        }
        BATCH => {
            let ((batch, serials, times, from, until), used): ((u32, u32, u32, u64, u64), usize) =
                take(kind, rest)?;
            let batch = CouponBatch::new(batch).ok_or(impossible("batch"))?;
            let coupons = Coupons { serials, uses: times, from: time(from), until: time(until) };
            (ImageEntry::Batch { batch, coupons }, used)
        }
        COUPON => {
            let ((coupon, reserved, redeemed), used): ((u64, u32, u32), usize) = take(kind, rest)?;
            let coupon = CouponId::new(coupon).ok_or(impossible("coupon"))?;
            (ImageEntry::Coupon { coupon, reserved, redeemed }, used)
        }
        SKU => take(kind, rest).map(|(fields, used)| (stock(&fields), used))?,
        PRICE => take(kind, rest).map(
            |((id, version, price, list, floor, ceiling), used): ((u64, u32, u64, u64, u64, u64), usize)| {
                let price = Price {
                    price: Amount::new(price),
                    list: Amount::new(list),
                    floor: Amount::new(floor),
                    ceiling: Amount::new(ceiling),
                };
                (ImageEntry::Price { sku: sku(id), version, price }, used)
            },
        )?,
        BOUND => take(kind, rest).map(|((id, by), used): ((u64, u32), usize)| {
            (ImageEntry::Bound { sku: sku(id), campaign: campaign(by) }, used)
        })?,
        CHANNEL => take(kind, rest).map(|(fields, used): (ChannelFields, usize)| {
            let (id, channel, ruled, guarantee, cap, release_at, taken) = fields;
            let known = ImageChannel {
                sku: sku(id),
                channel: ChannelId::new(channel),
                ruled,
                guarantee,
                cap: known(cap),
                release_at: known(release_at).map(time),
                taken,
            };
            (ImageEntry::Channel(known), used)
        })?,
        GOODS => take(kind, rest).map(|(fields, used)| (goods(fields), used))?,
        MISSING => {
            take(kind, rest).map(|((id, paid_at, order, units), used): ((u64, u64, u64, u32), usize)| {
                let entry = ImageEntry::Missing {
                    sku: sku(id),
                    paid_at: time(paid_at),
                    number: number(order),
                    units,
                };
                (entry, used)
            })?
        }
        PAYMENT => {
            let ((order, payment, id, value), used): ((u64, u8, u128, u64), usize) = take(kind, rest)?;
            let kind = payment_kind(payment).ok_or(impossible("kind of payment"))?;
            (ImageEntry::Payment(ImagePayment { number: number(order), kind, id, value }), used)
        }
        LEG => take(kind, rest).map(|(fields, used): (LegFields, usize)| {
            let (order, id, ordered, units, gifts, location, pool, held) = fields;
            let (number, sku) = (number(order), sku(id));
            (ImageEntry::Leg(ImageLeg { number, sku, ordered, units, gifts, location, pool, held }), used)
        })?,
        ASKED => take(kind, rest).map(|((order, quantity, amount), used): ((u64, u32, u64), usize)| {
            (ImageEntry::Asked { number: number(order), quantity, amount: Amount::new(amount) }, used)
        })?,
        PROGRESS => take(kind, rest).map(|(fields, used): (ProgressFields, usize)| {
            let (order, delivered_at, closed_at, touched_at, fulfilling, under_way) = fields;
            let known = ImageProgress {
                number: number(order),
                delivered_at: known(delivered_at).map(time),
                closed_at: known(closed_at).map(time),
                touched_at: time(touched_at),
                fulfilling,
                under_way,
            };
            (ImageEntry::Progress(known), used)
        })?,
        LINE_PROGRESS => take(kind, rest).map(
            |((order, id, shipped, cancelled, returned, short), used): (
                (u64, u64, u32, u32, u32, u32),
                usize,
            )| {
                let (number, sku) = (number(order), sku(id));
                (ImageEntry::LineProgress { number, sku, shipped, cancelled, returned, short }, used)
            },
        )?,
        PAYBACK => take(kind, rest).map(
            |((order, refund, payment, amount), used): ((u64, u128, u128, u64), usize)| {
                let (refund, payment) = (RefundId::new(refund), PaymentId::new(payment));
                let (number, amount) = (number(order), Amount::new(amount));
                (ImageEntry::Payback { number, refund, payment, amount }, used)
            },
        )?,
        SEQUENCE => {
            let ((id, last), used): ((u16, u64), usize) = take(kind, rest)?;
            (ImageEntry::Sequence { partition: partition(id)?, last }, used)
        }
        _ => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((entry, used + 1))
}

const fn known(number: u64) -> Option<u64> {
    if number == NONE { None } else { Some(number) }
}

fn order(kind: u8, fields: &OrderFields) -> Result<ImageEntry, RecordError> {
    let &(number, request, user, sku, amount, placed_at, fingerprint, quantity, ..) = fields;
    let &(.., asked_hold_ms, hold_ms, ended_ms, channel, state, moves) = fields;
    Ok(ImageEntry::Order(ImageOrder {
        number: OrderNumber::new(number),
        request: RequestId::new(request),
        user: UserId::new(user),
        sku: SkuId::new(sku),
        amount: Amount::new(amount),
        placed_at: Timestamp::new(placed_at),
        fingerprint,
        quantity,
        asked_hold_ms,
        hold_ms,
        ended_ms,
        channel: ChannelId::new(channel),
        state: order_state(state).ok_or(RecordError::Impossible { kind, field: "state" })?,
        moves,
    }))
}

fn phase(kind: u8, fields: PhaseFields) -> Result<ImageEntry, RecordError> {
    let (campaign, plan, nth, start, at, min_tier, user_limit, order_limit, group_limit, ..) = fields;
    let (.., price_version, admission_plan, breaker_plan, channels) = fields;
    let channels: Vec<_> = channels.into_iter().map(ChannelId::new).collect();
    let phase = Phase {
        start: Timestamp::new(start),
        stage: stage(at).ok_or(RecordError::Impossible { kind, field: "stage" })?,
        min_tier,
        channels: PhaseChannels::of(&channels)
            .ok_or(RecordError::Impossible { kind, field: "number of channels" })?,
        user_limit,
        order_limit,
        group_limit,
        price_version,
        admission_plan,
        breaker_plan,
    };
    Ok(ImageEntry::Phase { campaign: CampaignId::new(campaign), plan, nth, phase })
}

fn stock(fields: &SkuFields) -> ImageEntry {
    let &(sku, available, held, sold, stocked, earliest_deadline, ..) = fields;
    let &(.., holds, user_limit, order_limit, limits_changed, frozen) = fields;
    ImageEntry::Sku(ImageSku {
        sku: SkuId::new(sku),
        available,
        held,
        sold,
        stocked,
        earliest_deadline: Timestamp::new(earliest_deadline),
        holds,
        user_limit,
        order_limit,
        limits_changed,
        frozen,
    })
}

fn goods(fields: GoodsFields) -> ImageEntry {
    let (sku, brought, counted, shipped, quarantine, scrapped, short, named, watermark, last_count) = fields;
    ImageEntry::Goods(ImageGoods {
        sku: SkuId::new(sku),
        brought,
        counted,
        shipped,
        quarantine,
        scrapped,
        short,
        named,
        watermark: Timestamp::new(watermark),
        last_count,
    })
}
