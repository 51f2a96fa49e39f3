//! Every record reads back, and the layout is the documented one.

use doorbuster_ledger::{
    Amount, BudgetId, CampaignEvent, CampaignId, ChannelId, Claim, LegEnd, LegHeld, Line, OrderNumber,
    PaymentId, Phase, PhaseChannels, Price, PricePolicy, Quantity, RequestId, Reserved, SetChannel,
    SetStanding, SkuId, Stage, Standing, Terms, UserId,
};

use super::bodies::ORDER_RESERVED;
use super::*;

pub(super) fn samples() -> Vec<Record> {
    let number = OrderNumber::new(0x0050_0000_0000_0009);
    let at = Timestamp::new(0x0000_018B_CFE5_6800);
    let (payment, amount, deadline) = (PaymentId::new(8), Amount::new(5), Timestamp::new(13));
    let plain = Reserved {
        number,
        request: RequestId::new(0x018B_CFE5_6800_7000_8000_0000_0000_0001),
        user: UserId::new(2),
        sku: SkuId::new(3),
        quantity: Quantity::new(4).unwrap(),
        amount: Amount::new(5),
        at,
        asked_hold_ms: 0,
        hold_ms: 6,
        channel: ChannelId::new(7),
        moves: 0,
        wait_ms: 0,
        terms: Terms::default(),
        claim: None,
    };
    let claim = Some(Claim { budget: BudgetId::new(10).unwrap(), amount: Amount::new(12) });
    let terms = Terms {
        campaign: 1,
        price_version: 2,
        tier: 3,
        location: 4,
        pool: 5,
        device: 6,
        address: 7,
        pay_account: 8,
    };
    let line = Line { sku: SkuId::new(3), units: 17, gifts: 18, location: 19, pool: 20 };
    let held =
        LegHeld { order: number, line, user: UserId::new(2), channel: ChannelId::new(7), deadline, at };
    let (sku, user, channel) = (SkuId::new(3), UserId::new(2), ChannelId::new(7));
    let end = LegEnd { order: number, sku, user, units: 17, channel, at };
    let events = [
        Event::Reserved(plain),
        Event::Reserved(Reserved { terms, ..plain }),
        Event::Reserved(Reserved {
            terms: Terms { campaign: 1, price_version: 2, tier: 3, ..Terms::default() },
            ..plain
        }),
        Event::Reserved(Reserved { moves: 0x81, ..plain }),
        Event::Reserved(Reserved { moves: 1, terms, ..plain }),
        Event::Reserved(Reserved { claim, ..plain }),
        Event::Reserved(Reserved { claim, terms: Terms { campaign: 1, ..Terms::default() }, ..plain }),
        Event::Reserved(Reserved { claim, moves: 0x81, ..plain }),
        Event::Reserved(Reserved { claim, terms, ..plain }),
        Event::Reserved(Reserved { claim, number: OrderNumber::new(number.raw() | 1 << 51), ..plain }),
        Event::Confirmed { number, payment, amount, at },
        Event::Reacquired { number, payment, amount, at },
        Event::RefundRequired { number, payment, amount, at },
        Event::AmountMismatched { number, payment, amount, at },
        Event::PayBegun { number, payment, deadline, at },
        Event::PayFailed { number, deadline, at },
        Event::Extended { number, deadline, at },
        Event::Offered { number, deadline, at },
        Event::Reserved(Reserved { wait_ms: 14, ..plain }),
        Event::Superseded { number, by: OrderNumber::new(15), at },
        Event::Cut { number, units: 16, amount, at },
        Event::LegHeld(held),
        Event::LegReleased(end),
        Event::LegSold(end),
        Event::LegCut(end),
        Event::LegDropped(end),
        Event::Cancelled { number, reason: 9, at },
        Event::Expired { number, at },
        Event::Evicted { number, at },
        Event::GraceGranted { until: at, at },
    ];
    let events = events.into_iter().chain(stock_samples(at)).chain(campaign_samples(at).map(Event::Campaign));
    let mut records: Vec<_> = events.map(Record::Event).collect();
    records.extend(after::samples());
    records.extend(budget::tests::samples());
    records.push(Record::Checkpoint { digest: Digest::new(11), at });
    records
}

fn stock_samples(at: Timestamp) -> [Event; 5] {
    let number = OrderNumber::new(0x0050_0000_0000_0009);
    let request = RequestId::new(0x018B_CFE5_6800_7000_8000_0000_0000_0001);
    let (sku, from, to) = (SkuId::new(3), ChannelId::new(7), ChannelId::new(1));
    let (by, reason) = (26, 27);
    let (cap, release_at) = (Some(22), Some(Timestamp::new(23)));
    let rules = SetChannel { sku, channel: from, guarantee: 21, cap, release_at, by, reason };
    [
        Event::ChannelSet { rules, at },
        Event::ChannelSet { rules: SetChannel { cap: None, release_at: None, ..rules }, at },
        Event::Rebalanced { sku, from, to, units: 24, by, reason: 25, at },
        Event::SkuPut { sku, units: 10, user_limit: 1, order_limit: 2, by, reason, at },
        Event::Restocked { number, request, sku, units: -1, by, reason: 0, at },
    ]
}

fn campaign_samples(at: Timestamp) -> impl Iterator<Item = CampaignEvent> {
    let (campaign, sku) = (CampaignId::new(31), SkuId::new(3));
    let phase = Phase {
        start: Timestamp::new(32),
        stage: Stage::Sustain,
        min_tier: 33,
        channels: PhaseChannels::of(&[ChannelId::new(34)]).unwrap(),
        user_limit: 35,
        order_limit: 36,
        group_limit: 0x81,
        price_version: 37,
        admission_plan: 38,
        breaker_plan: 39,
    };
    let price = Price {
        price: Amount::new(41),
        list: Amount::new(42),
        floor: Amount::new(40),
        ceiling: Amount::new(43),
    };
    let (by, reason) = (44, 45);
    let policies = [PricePolicy::Strict, PricePolicy::Grace { ms: 46 }, PricePolicy::HonourLower];
    let standings = [Standing::Running, Standing::Paused, Standing::Aborted];
    let activated =
        move |policy| CampaignEvent::PlanActivated { campaign, plan: 47, phases: 2, policy, by, reason, at };
    let standing = move |standing| CampaignEvent::StandingSet {
        set: SetStanding { campaign, standing, by, reason },
        at,
    };
    [
        CampaignEvent::PhaseEntered { campaign, plan: 47, nth: 1, at },
        CampaignEvent::SkuBound { sku, campaign, by, reason, at },
        CampaignEvent::PriceSet { sku, version: 37, price, by, reason, at },
        CampaignEvent::LimitsSet { sku, user_limit: 48, order_limit: 49, by, reason, at },
        CampaignEvent::FreezeSet { sku, frozen: true, by, reason, at },
    ]
    .into_iter()
    .chain(policies.map(activated))
    .chain(standings.map(standing))
    .chain([CampaignEvent::PhasePut { campaign, plan: 47, nth: 1, phase, by, reason, at }])
}

#[test]
fn a_phase_has_these_bytes() {
    let at = Timestamp::new(50);
    let phase = campaign_samples(at).last().unwrap();
    let mut bytes = Vec::new();
    encode(&Record::Event(Event::Campaign(phase)), &mut bytes);
    let golden = [
        &[40][..],
        &[31, 0, 0, 0],
        &[47, 0, 0, 0],
        &[1],
        &[32, 0, 0, 0, 0, 0, 0, 0],
        &[2],
        &[33, 0],
        &[35, 0, 0, 0],
        &[36, 0, 0, 0],
        &[0x81, 0, 0, 0],
        &[37, 0, 0, 0],
        &[38, 0],
        &[39, 0],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[34, 0],
        &[44, 0, 0, 0, 0, 0, 0, 0],
        &[45, 0, 0, 0],
        &[50, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes, golden);
    let nine = [&golden[..41], &[9, 0, 0, 0, 0, 0, 0, 0], &[0; 18], &golden[51..]].concat();
    let refused = Err(RecordError::Impossible { kind: 40, field: "number of channels" });
    assert_eq!(decode(&nine), refused);
}

#[test]
fn a_frozen_sku_has_these_bytes() {
    let (sku, at) = (SkuId::new(3), Timestamp::new(50));
    let event = CampaignEvent::FreezeSet { sku, frozen: true, by: 44, reason: 45, at };
    let mut bytes = Vec::new();
    encode(&Record::Event(Event::Campaign(event)), &mut bytes);
    let golden = [
        &[76][..],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[1],
        &[44, 0, 0, 0, 0, 0, 0, 0],
        &[45, 0, 0, 0],
        &[50, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes, golden);
    bytes[9] = 2;
    assert_eq!(decode(&bytes), Err(RecordError::Impossible { kind: 76, field: "frozen" }));
}

#[test]
fn every_record_reads_back_and_every_cut_is_an_error() {
    for record in samples() {
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        assert_eq!(decode(&bytes), Ok((record, bytes.len())));
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{record:?} cut at {cut}");
        }
    }
}

/// The fields of a plain order, with which longer records begin as well.
pub(super) const PLAIN_ORDER: [&[u8]; 10] = [
    &[0x09, 0, 0, 0, 0, 0, 0x50, 0],
    &[1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0x70, 0, 0x68, 0xE5, 0xCF, 0x8B, 0x01],
    &[2, 0, 0, 0, 0, 0, 0, 0],
    &[3, 0, 0, 0, 0, 0, 0, 0],
    &[0, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0],
    &[5, 0, 0, 0, 0, 0, 0, 0],
    &[4, 0, 0, 0],
    &[0, 0, 0, 0],
    &[6, 0, 0, 0],
    &[7, 0],
];

#[test]
fn a_plain_order_takes_71_bytes_of_known_layout() {
    let mut bytes = Vec::new();
    encode(&samples()[0], &mut bytes);
    let golden = [&[3][..], &PLAIN_ORDER.concat()].concat();
    assert_eq!(bytes, golden);
    assert_eq!(bytes.len(), 71);
}

#[test]
fn orders_of_a_sale_are_read_as_they_were_written_at_fixed_widths() {
    let written = [
        &[48][..],
        &PLAIN_ORDER.concat(),
        &[1, 0, 0, 0],
        &[0, 0, 0, 0],
        &[0, 0],
        &[10, 0, 0, 0],
        &[12, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let same = samples().into_iter().find(|record| {
        matches!(record, Record::Event(Event::Reserved(of)) if of.claim.is_some() && of.terms.campaign != 0)
    });
    let Some(Record::Event(Event::Reserved(claimed))) = same else { panic!("a hold") };
    assert_eq!(decode(&written), Ok((Record::Event(Event::Reserved(claimed)), 93)));
    let plain = [&[47][..], &written[1..81]].concat();
    assert_eq!(decode(&plain), Ok((Record::Event(Event::Reserved(Reserved { claim: None, ..claimed })), 81)));
    let mut unfunded = written;
    unfunded[81..85].fill(0);
    assert_eq!(decode(&unfunded), Err(RecordError::Impossible { kind: 48, field: "budget" }));
}

#[test]
fn an_order_with_all_terms_that_claims_a_discount_has_these_bytes() {
    let claimed = samples().into_iter().find(|record| {
        matches!(record, Record::Event(Event::Reserved(of)) if of.claim.is_some() && of.terms.device != 0)
    });
    let mut bytes = Vec::new();
    encode(&claimed.unwrap(), &mut bytes);
    let golden = [
        &[49][..],
        &[0],
        &[0x09, 0, 0, 0, 0, 0, 0x50, 0],
        &[1, 0, 0, 0, 0, 0, 0, 0x80, 0, 0x70, 0, 0x68, 0xE5, 0xCF, 0x8B, 0x01],
        &[2, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0],
        &[5, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0, 0],
        &[6, 0, 0, 0],
        &[7, 0],
        &[1, 0, 0, 0],
        &[2, 0, 0, 0],
        &[3, 0],
        &[6, 0, 0, 0, 0, 0, 0, 0],
        &[7, 0, 0, 0, 0, 0, 0, 0],
        &[8, 0, 0, 0, 0, 0, 0, 0],
        &[1, 0, 0, 0, 0, 0, 0, 0],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[4, 0, 0, 0],
        &[4, 0, 5, 0],
        &[10, 0, 0, 0],
        &[12, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    assert_eq!(bytes, golden);
    assert_eq!(bytes.len(), 130);
}

#[test]
fn an_order_of_several_lines_that_waits_is_refused() {
    let waits =
        |record: &Record| matches!(record, Record::Event(Event::Reserved(placed)) if placed.wait_ms != 0);
    let mut bytes = Vec::new();
    encode(&samples().into_iter().find(waits).unwrap(), &mut bytes);
    assert!(decode(&bytes).is_ok());
    // The number follows the kind and the wait.
    bytes[5..13].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(OrderNumber::new(u64::MAX).is_composite());
    assert_eq!(decode(&bytes), Err(RecordError::Impossible { kind: bytes[0], field: "number" }));
}

#[test]
fn a_crafted_list_length_asks_for_no_memory() {
    let mut bytes = Vec::new();
    encode(&samples()[1], &mut bytes);
    let length = bytes.len() - 16 - 8;
    bytes[length..length + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    let refused = RecordError::Impossible { kind: ORDER_RESERVED, field: "number of lines" };
    assert_eq!(decode(&bytes), Err(refused));
}

#[test]
fn an_unknown_kind_is_said() {
    assert_eq!(decode(&[200, 0, 0]), Err(RecordError::UnknownKind { kind: 200 }));
}

#[test]
fn the_documented_table_has_every_kind_with_its_length() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/durability.md");
    let page = std::fs::read_to_string(path).unwrap();
    // | kind | record | fields | bytes |
    let table = page.lines().skip_while(|line| *line != "## Records").skip(1);
    let rows = table.take_while(|line| !line.starts_with("## ")).filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let kind: u8 = cells.next()?.parse().ok()?;
        let bytes = cells.nth(2)?.split(|c: char| !c.is_ascii_digit()).next()?.parse::<usize>().ok()?;
        Some((kind, bytes))
    });
    let documented: std::collections::BTreeMap<u8, usize> = rows.collect();
    let written = samples().into_iter().map(|record| {
        let mut bytes = Vec::new();
        encode(&record, &mut bytes);
        (bytes[0], bytes.len())
    });
    assert_eq!(written.collect::<std::collections::BTreeMap<_, _>>(), documented);
}

#[test]
fn a_line_that_is_held_has_these_bytes() {
    let held = samples().into_iter().find(|record| matches!(record, Record::Event(Event::LegHeld(_))));
    let mut bytes = Vec::new();
    encode(&held.unwrap(), &mut bytes);
    let golden = [
        &[23][..],
        &[0x09, 0, 0, 0, 0, 0, 0x50, 0],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0, 0, 0, 0, 0],
        &[17, 0, 0, 0],
        &[18, 0, 0, 0],
        &[19, 0],
        &[20, 0],
        &[7, 0],
        &[13, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0],
    ]
    .concat();
    assert_eq!(bytes, golden);
}
