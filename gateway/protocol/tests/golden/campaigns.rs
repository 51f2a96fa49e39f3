//! Campaigns, byte for byte.

use doorbuster_protocol::{
    BindSku, CampaignView, FreezeSku, Phase, PhaseView, PriceView, PutPhase, PutPrice, ReadCampaign,
    ReadPhase, ReadPrice, Record, SetCampaign, SetLimits,
};

use super::{check, smallest};

#[test]
fn requests_have_these_bytes() {
    check(
        &PutPhase { campaign: 1, plan: 2, nth: 3, phase: sample_phase(), by: 14, reason: 15 },
        "01000000 02000000 03 0400000000000000 05000000 06000000 0d000000 07000000 0800 0900 0a00 01 02
         0b00 0c00 0000 0000 0000 0000 0000 0000 0e00000000000000 0f000000",
    );
    check(
        &SetCampaign {
            campaign: 1,
            action: 2,
            plan: 3,
            phases: 4,
            policy: 1,
            grace_ms: 5,
            expected: 6,
            by: 7,
            reason: 8,
        },
        "01000000 02 03000000 04 01 05000000 06000000 0700000000000000 08000000",
    );
    check(
        &BindSku { sku: 1, campaign: 2, by: 3, reason: 4 },
        "0100000000000000 02000000 0300000000000000 04000000",
    );
    check(
        &PutPrice { sku: 1, version: 2, price: 3, list: 4, floor: 5, ceiling: 6, by: 7, reason: 8 },
        "0100000000000000 02000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000
         0700000000000000 08000000",
    );
    check(
        &SetLimits { sku: 1, user_limit: 2, order_limit: 3, by: 4, reason: 5 },
        "0100000000000000 02000000 03000000 0400000000000000 05000000",
    );
    check(
        &FreezeSku { sku: 1, frozen: 1, by: 4, reason: 5 },
        "0100000000000000 01 0400000000000000 05000000",
    );
    check(&ReadCampaign { campaign: 1 }, "01000000");
    check(&ReadPhase { campaign: 1, plan: 2, nth: 3 }, "01000000 02000000 03");
    check(&ReadPrice { sku: 1, version: 2 }, "0100000000000000 02000000");
}

#[test]
fn answers_have_these_bytes() {
    check(
        &CampaignView {
            code: 1000,
            stage: 1,
            phase: 2,
            phases: 3,
            policy: 1,
            standing: 2,
            reserved: 0,
            campaign: 4,
            plan: 5,
            grace_ms: 6,
            price_version: 7,
            next_start: 8,
            priced_from: 9,
            skus: 10,
            unpriced: 11,
        },
        "e803 01 02 03 01 02 00 04000000 05000000 06000000 07000000 0800000000000000 0900000000000000
         0a00000000000000 0b00000000000000",
    );
    check(
        &PhaseView { code: 1000, phase: sample_phase() },
        "e803 0400000000000000 05000000 06000000 0d000000 07000000 0800 0900 0a00 01 02
         0b00 0c00 0000 0000 0000 0000 0000 0000",
    );
    check(
        &PriceView {
            code: 1000,
            known: 1,
            reserved: 0,
            version: 2,
            campaign: 3,
            sku: 4,
            price: 5,
            list: 6,
            floor: 7,
            ceiling: 8,
        },
        "e803 01 00 02000000 03000000 0400000000000000 0500000000000000 0600000000000000 0700000000000000
         0800000000000000",
    );
}

#[test]
fn the_smallest_have_the_length_that_they_claim() {
    smallest(&PutPhase::default());
    smallest(&SetCampaign { action: 1, ..SetCampaign::default() });
    smallest(&BindSku::default());
    smallest(&PutPrice::default());
    smallest(&SetLimits::default());
    smallest(&FreezeSku::default());
    smallest(&ReadCampaign::default());
    smallest(&ReadPhase::default());
    smallest(&ReadPrice::default());
    smallest(&CampaignView::default());
    smallest(&PhaseView::default());
    smallest(&PriceView::default());
}

#[test]
fn a_campaign_out_of_range_is_refused_by_name() {
    let phase = |phase| PutPhase { phase, ..PutPhase::default() }.validate();
    assert_eq!(phase(Phase { stage: 5, ..Phase::default() }), Err("`stage` is none of 0 to 4"));
    assert_eq!(phase(Phase { channel_count: 9, ..Phase::default() }), Err("`channel_count` is over 8"));
    let set = SetCampaign { action: 1, ..SetCampaign::default() };
    assert_eq!(set.validate(), Ok(()));
    assert_eq!(SetCampaign { action: 0, ..set }.validate(), Err("`action` is none of 1 to 4"));
    assert_eq!(SetCampaign { action: 5, ..set }.validate(), Err("`action` is none of 1 to 4"));
    assert_eq!(SetCampaign { policy: 3, ..set }.validate(), Err("`policy` is none of 0 to 2"));
}

fn sample_phase() -> Phase {
    Phase {
        start: 4,
        user_limit: 5,
        order_limit: 6,
        group_limit: 13,
        price_version: 7,
        min_tier: 8,
        admission_plan: 9,
        breaker_plan: 10,
        stage: 1,
        channel_count: 2,
        channels: [11, 12, 0, 0, 0, 0, 0, 0],
    }
}
