use doorbuster_ledger::*;

use super::{decode, encode};
use crate::log::record::RecordError;

fn phase() -> Phase {
    Phase {
        start: Timestamp::new(7),
        stage: Stage::Live,
        min_tier: 2,
        channels: PhaseChannels::of(&[ChannelId::new(3), ChannelId::new(4)]).unwrap(),
        user_limit: 5,
        order_limit: 6,
        group_limit: 8,
        price_version: 9,
        admission_plan: 10,
        breaker_plan: 11,
    }
}

fn order(state: OrderState) -> ImageEntry {
    ImageEntry::Order(ImageOrder {
        number: OrderNumber::new(0x0102_0304_0506_0708),
        request: RequestId::new(2),
        user: UserId::new(3),
        sku: SkuId::new(4),
        amount: Amount::new(5),
        placed_at: Timestamp::new(6),
        fingerprint: 7,
        quantity: 8,
        asked_hold_ms: 9,
        hold_ms: 10,
        ended_ms: 11,
        channel: ChannelId::new(12),
        state,
        moves: 13,
    })
}

fn payment(kind: PaymentKind) -> ImageEntry {
    ImageEntry::Payment(ImagePayment { number: OrderNumber::new(1), kind, id: 2, value: 3 })
}

#[expect(clippy::too_many_lines, reason = "one entry of each kind")]
/// An entry of each kind, in the order of the kinds, and how many bytes it takes.
fn samples() -> Vec<(ImageEntry, usize)> {
    let (sku, number, at) = (SkuId::new(1), OrderNumber::new(2), Timestamp::new(3));
    let (campaign, budget) = (CampaignId::new(4), BudgetId::new(5).unwrap());
    let partition = PartitionId::new(6).unwrap();
    let price =
        Price { price: Amount::new(1), list: Amount::new(2), floor: Amount::new(3), ceiling: Amount::new(4) };
    vec![
        (ImageEntry::Now(at), 9),
        (ImageEntry::Phase { campaign, plan: 1, nth: 2, phase: phase() }, 53),
        (
            ImageEntry::Campaign(ImageCampaign {
                campaign,
                plan: 1,
                phases: 2,
                policy: PricePolicy::Grace { ms: 7 },
                standing: Standing::Paused,
                entered: 1,
                since: at,
            }),
            25,
        ),
        (ImageEntry::Counted { campaign, from: at, version: 5 }, 17),
        (ImageEntry::Budget { budget, funded: 6, stopped: true }, 14),
        (ImageEntry::Funder { budget, funder: Funder { id: FunderId::new(7), share: 8 } }, 13),
        (ImageEntry::Bank { budget, cents: 9 }, 13),
        (ImageEntry::Slice(ImageSlice { budget, partition, left: 1, reserved: 2, spent: 3 }), 31),
        (
            ImageEntry::Batch {
                batch: CouponBatch::new(1).unwrap(),
                coupons: Coupons { serials: 2, uses: 3, from: at, until: at },
            },
            29,
        ),
        (ImageEntry::Coupon { coupon: CouponId::new(1 << 32 | 2).unwrap(), reserved: 3, redeemed: 4 }, 17),
        (
            ImageEntry::Sku(ImageSku {
                sku,
                available: 1,
                held: 2,
                sold: 3,
                stocked: 6,
                earliest_deadline: at,
                holds: 4,
                user_limit: 5,
                order_limit: 7,
                limits_changed: true,
                frozen: false,
            }),
            63,
        ),
        (ImageEntry::Price { sku, version: 1, price }, 45),
        (ImageEntry::Bound { sku, campaign }, 13),
        (
            ImageEntry::Channel(ImageChannel {
                sku,
                channel: ChannelId::new(2),
                ruled: true,
                guarantee: 3,
                cap: None,
                release_at: Some(at),
                taken: 4,
            }),
            44,
        ),
        (
            ImageEntry::Goods(ImageGoods {
                sku,
                brought: -1,
                counted: 2,
                shipped: 3,
                quarantine: 4,
                scrapped: 5,
                short: 6,
                named: 7,
                watermark: at,
                last_count: 8,
            }),
            81,
        ),
        (ImageEntry::Missing { sku, paid_at: at, number, units: 4 }, 29),
        (order(OrderState::Held), 81),
        (payment(PaymentKind::Taken), 34),
        (
            ImageEntry::Leg(ImageLeg {
                number,
                sku,
                ordered: 3,
                units: 2,
                gifts: 1,
                location: 4,
                pool: 5,
                held: true,
            }),
            34,
        ),
        (ImageEntry::Asked { number, quantity: 3, amount: Amount::new(4) }, 21),
        (
            ImageEntry::Progress(ImageProgress {
                number,
                delivered_at: Some(at),
                closed_at: None,
                touched_at: at,
                fulfilling: true,
                under_way: false,
            }),
            35,
        ),
        (ImageEntry::LineProgress { number, sku, shipped: 1, cancelled: 2, returned: 3, short: 4 }, 33),
        (
            ImageEntry::Payback {
                number,
                refund: RefundId::new(1),
                payment: PaymentId::new(2),
                amount: Amount::new(3),
            },
            49,
        ),
        (ImageEntry::Units { user: UserId::new(1), sku, units: 2 }, 21),
        (ImageEntry::Sequence { partition, last: 7 }, 11),
        (ImageEntry::Posted { budget, partition, nth: 3, cents: 4 }, 16),
    ]
}

fn bytes(entry: &ImageEntry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(entry, &mut bytes);
    bytes
}

#[test]
fn every_kind_has_its_number_and_length_and_reads_back() {
    for (kind, (entry, length)) in (1..).zip(samples()) {
        let mut bytes = bytes(&entry);
        assert_eq!((bytes[0], bytes.len()), (kind, length), "{entry:?}");
        // What follows belongs to the next entry.
        bytes.push(0xEE);
        assert_eq!(decode(&bytes), Ok((entry, length)));
    }
}

#[test]
fn every_state_and_kind_of_payment_reads_back() {
    use OrderState::{Cancelled, Confirmed, Expired, Held, Lapsed, Paying, Restocked, Superseded, Waiting};
    use PaymentKind::{Begun, Claim, Coupon, Failed, Refund, Taken};
    let states =
        [Held, Confirmed, Cancelled, Expired, Restocked, Paying, Superseded, Waiting, Lapsed].map(order);
    let payments = [Begun, Taken, Refund, Failed, Claim, Coupon].map(payment);
    let policies = [PricePolicy::Strict, PricePolicy::HonourLower].map(|policy| {
        ImageEntry::Campaign(ImageCampaign {
            campaign: CampaignId::new(1),
            plan: 1,
            phases: 1,
            policy,
            standing: Standing::Aborted,
            entered: 0,
            since: Timestamp::new(1),
        })
    });
    for entry in states.into_iter().chain(payments).chain(policies) {
        assert_eq!(decode(&bytes(&entry)).unwrap().0, entry);
    }
}

#[test]
fn the_bytes_of_an_order_are_golden() {
    let golden = [
        17, 8, 7, 6, 5, 4, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
        4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0,
        0, 0, 10, 0, 0, 0, 11, 0, 0, 0, 12, 0, 8, 13,
    ];
    assert_eq!(bytes(&order(OrderState::Waiting)), golden);
}

#[test]
fn every_cut_is_an_error_and_no_bytes_panic() {
    for (entry, length) in samples() {
        let whole = bytes(&entry);
        for cut in 0..length {
            assert!(decode(&whole[..cut]).is_err(), "{entry:?} cut to {cut}");
        }
        for at in 0..length {
            for byte in [0, 1, 2, 0x7F, 0xFF] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                assert!(decode(&damaged).is_ok_and(|(_, used)| used <= length) || decode(&damaged).is_err());
            }
        }
    }
    assert_eq!(decode(&[27]), Err(RecordError::UnknownKind { kind: 27 }));
    let mut bad = bytes(&order(OrderState::Held));
    let state = bad.len() - 2;
    bad[state] = 10;
    assert_eq!(decode(&bad), Err(RecordError::Impossible { kind: 17, field: "state" }));
    bad[state] = 0;
    assert_eq!(decode(&bad), Err(RecordError::Impossible { kind: 17, field: "state" }));
}
