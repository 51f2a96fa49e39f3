//! Frames, and what becomes of bytes that are cut, mutated or random.

use std::fmt::Debug;

use doorbuster_protocol::{
    Access, Advance, Answer, Auth, BeginPay, BindSku, BudgetView, CampaignView, Cancel, CancelLines,
    ChannelView, ChannelsView, Confirm, ConfirmLines, CouponView, Credit, Extend, FLAG_FIRST_ATTEMPT,
    FailPay, Fault, Fetch, Fetched, FreezeSku, FundBudget, GoodsView, HEADER_LEN, Header, Hello, Inspect,
    IssueCoupons, Kind, Line, LineView, MAGIC, MAX_BATCH, MAX_BODY, MAX_LINES, OrderView, Parsed, PhaseView,
    PriceView, ProgressView, ProtocolError, Push, PutPhase, PutPrice, PutSku, ReadBudget, ReadCampaign,
    ReadChannel, ReadChannels, ReadCoupon, ReadGoods, ReadLine, ReadOrder, ReadPhase, ReadPrice,
    ReadProgress, ReadShortfall, ReadStock, Rebalance, Record, Refund, Refused, Reserve, ReserveClaims,
    ReserveDiscounted, ReserveOrder, Restock, SetBudget, SetCampaign, SetChannel, SetLimits, SetOnHand,
    ShortfallView, StatusView, StockView, StopBudget, Watch, Welcome, body, parse,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{ID, RESERVE_HEX, bytes, encoded, read_all, sample_order, sample_reserve};

/// What both ways of reading come to; they must not differ but in the words for what is over a bound.
fn read_twice<R: Record + Default + Clone + PartialEq + Debug>(
    header: &Header,
    bytes: &[u8],
) -> Result<Vec<R>, ()> {
    let (mut found, mut again) = (Vec::new(), Vec::new());
    let read = body::read(header, bytes, |record| found.push(record));
    let read_again = body::read_each(header, bytes, |record: &R| again.push(record.clone()));
    assert_eq!((read.is_ok(), &found), (read_again.is_ok(), &again));
    read.map(|()| found).map_err(drop)
}

#[test]
fn a_frame_has_these_bytes() {
    let header = Header {
        kind: Kind::Reserve,
        class: 3,
        flags: FLAG_FIRST_ATTEMPT,
        correlation: 0x0102_0304_0506_0708,
        time: 0x1112_1314_1516_1718,
        count: 1,
    };
    let golden = bytes(&format!(
        "40000000 01 10 03 01 0807060504030201 1817161514131211 01000000 ad827e39 {RESERVE_HEX}"
    ));
    let mut out = Vec::new();
    body::frame(header, &[sample_reserve()], &mut out);
    assert_eq!(out, golden);
    assert_eq!(
        parse(&golden),
        Ok(Parsed::Frame { header, body: &golden[HEADER_LEN..], consumed: golden.len() })
    );

    let ping = bytes("00000000 01 02 00 00 0700000000000000 0000000000000000 00000000 a423ea22");
    let mut out = Vec::new();
    Header::new(Kind::Ping, 7, 0).encode(&mut out, |_| {});
    assert_eq!(out, ping);
}

#[test]
fn a_frame_of_a_discounted_order_has_these_bytes() {
    let header = Header::new(Kind::ReserveDiscounted, 7, 1);
    let golden = bytes(&format!(
        "4c000000 01 1a 00 00 0700000000000000 0000000000000000 01000000 c554d96a {RESERVE_HEX} 0c00000000000000 0d000000"
    ));
    let discounted = ReserveDiscounted { reserve: sample_reserve(), discount: 12, budget: 13 };
    let mut out = Vec::new();
    body::frame(header, &[discounted], &mut out);
    assert_eq!(out, golden);
    assert_eq!(
        parse(&golden),
        Ok(Parsed::Frame { header, body: &golden[HEADER_LEN..], consumed: golden.len() })
    );
}

#[test]
fn every_cut_of_a_frame_asks_for_the_rest_and_every_flipped_bit_is_refused() {
    let mut frame = Vec::new();
    body::frame(Header::new(Kind::Reserve, 7, 1), &[sample_reserve()], &mut frame);
    for cut in 0..frame.len() {
        let needed = if cut < HEADER_LEN { HEADER_LEN } else { frame.len() };
        assert_eq!(parse(&frame[..cut]), Ok(Parsed::Incomplete { needed }), "cut to {cut}");
    }
    for bit in 0..frame.len() * 8 {
        let mut flipped = frame.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // A flip in the length may ask for more bytes; none may give a frame.
        assert!(!matches!(parse(&flipped), Ok(Parsed::Frame { .. })), "bit {bit}");
    }
}

#[test]
fn bounds_are_kept_at_their_very_edge() {
    let sized = |length: u32, count: u32| {
        let mut frame = Vec::new();
        let filler = vec![0; length as usize];
        Header::new(Kind::Reserve, 1, count).encode(&mut frame, |out| out.extend_from_slice(&filler));
        frame
    };
    assert!(matches!(parse(&sized(MAX_BODY, MAX_BATCH)), Ok(Parsed::Frame { .. })));
    let long = sized(MAX_BODY + 1, 1);
    let too_long = Err(ProtocolError::FrameTooLarge { length: MAX_BODY + 1, limit: MAX_BODY });
    assert_eq!(parse(&long), too_long);
    assert_eq!(parse(&long[..HEADER_LEN]), too_long, "the header alone is enough to refuse");
    let many = sized(64, MAX_BATCH + 1);
    assert_eq!(parse(&many), Err(ProtocolError::BatchSize { count: MAX_BATCH + 1, limit: MAX_BATCH }));

    let lines = |count: usize| {
        let order = ReserveOrder { lines: vec![Line::default(); count], ..ReserveOrder::default() };
        read_all::<ReserveOrder>(Kind::ReserveOrder, 1, &encoded(&order)).map(|orders| orders.len())
    };
    assert!(lines(0).is_err());
    assert_eq!((lines(1), lines(MAX_LINES)), (Ok(1), Ok(1)));
    assert!(lines(MAX_LINES + 1).is_err());

    let named = |length: usize| {
        let hello = Hello { magic: MAGIC, oldest: 1, newest: 1, features: 0, client: "x".repeat(length) };
        read_all::<Hello>(Kind::Hello, 1, &encoded(&hello)).map(|hellos| hellos.len())
    };
    assert_eq!(named(256), Ok(1));
    assert!(named(257).is_err());
    let mut not_utf8 =
        encoded(&Hello { magic: MAGIC, oldest: 1, newest: 1, features: 0, client: "x".to_owned() });
    not_utf8[26] = 0xFF;
    assert!(read_all::<Hello>(Kind::Hello, 1, &not_utf8).is_err());
    let mut other_magic =
        encoded(&Hello { magic: MAGIC, oldest: 1, newest: 1, features: 0, client: String::new() });
    other_magic[0] = b'd';
    assert!(read_all::<Hello>(Kind::Hello, 1, &other_magic).is_err());
}

/// Reads a body as what its kind calls for; only that it ends in a value or an error is of interest.
fn read_any(header: &Header, content: &[u8]) -> Result<(), ProtocolError> {
    match header.kind {
        Kind::Auth => body::read_one::<Auth>(header, content).map(drop),
        Kind::Authenticated => body::read_one::<Access>(header, content).map(drop),
        Kind::Hello => body::read_one::<Hello>(header, content).map(drop),
        Kind::Welcome => body::read_one::<Welcome>(header, content).map(drop),
        Kind::Error => body::read_one::<Fault>(header, content).map(drop),
        Kind::Reserve => body::read(header, content, |_: Reserve| {}),
        Kind::ReserveOrder => body::read(header, content, |_: ReserveOrder| {}),
        Kind::Confirm => body::read(header, content, |_: Confirm| {}),
        Kind::Cancel => body::read(header, content, |_: Cancel| {}),
        Kind::ConfirmLines => body::read(header, content, |_: ConfirmLines| {}),
        Kind::CancelLines => body::read(header, content, |_: CancelLines| {}),
        Kind::ReserveClaims => body::read(header, content, |_: ReserveClaims| {}),
        Kind::ReserveDiscounted => body::read(header, content, |_: ReserveDiscounted| {}),
        Kind::SetBudget => body::read(header, content, |_: SetBudget| {}),
        Kind::FundBudget => body::read(header, content, |_: FundBudget| {}),
        Kind::StopBudget => body::read(header, content, |_: StopBudget| {}),
        Kind::IssueCoupons => body::read(header, content, |_: IssueCoupons| {}),
        Kind::ReadBudget => body::read(header, content, |_: ReadBudget| {}),
        Kind::ReadCoupon => body::read(header, content, |_: ReadCoupon| {}),
        Kind::BudgetRead => body::read(header, content, |_: BudgetView| {}),
        Kind::CouponRead => body::read(header, content, |_: CouponView| {}),
        Kind::ReadLine => body::read(header, content, |_: ReadLine| {}),
        Kind::LineRead => body::read(header, content, |_: LineView| {}),
        Kind::SetChannel => body::read(header, content, |_: SetChannel| {}),
        Kind::Rebalance => body::read(header, content, |_: Rebalance| {}),
        Kind::ReadChannel => body::read(header, content, |_: ReadChannel| {}),
        Kind::ReadChannels => body::read(header, content, |_: ReadChannels| {}),
        Kind::ChannelRead => body::read(header, content, |_: ChannelView| {}),
        Kind::ChannelsRead => body::read(header, content, |_: ChannelsView| {}),
        Kind::PutPhase => body::read(header, content, |_: PutPhase| {}),
        Kind::SetCampaign => body::read(header, content, |_: SetCampaign| {}),
        Kind::BindSku => body::read(header, content, |_: BindSku| {}),
        Kind::PutPrice => body::read(header, content, |_: PutPrice| {}),
        Kind::SetLimits => body::read(header, content, |_: SetLimits| {}),
        Kind::FreezeSku => body::read(header, content, |_: FreezeSku| {}),
        Kind::ReadCampaign => body::read(header, content, |_: ReadCampaign| {}),
        Kind::ReadPhase => body::read(header, content, |_: ReadPhase| {}),
        Kind::ReadPrice => body::read(header, content, |_: ReadPrice| {}),
        Kind::CampaignRead => body::read(header, content, |_: CampaignView| {}),
        Kind::PhaseRead => body::read(header, content, |_: PhaseView| {}),
        Kind::PriceRead => body::read(header, content, |_: PriceView| {}),
        Kind::Advance => body::read(header, content, |_: Advance| {}),
        Kind::Refund => body::read(header, content, |_: Refund| {}),
        Kind::SetOnHand => body::read(header, content, |_: SetOnHand| {}),
        Kind::Inspect => body::read(header, content, |_: Inspect| {}),
        Kind::ReadProgress => body::read(header, content, |_: ReadProgress| {}),
        Kind::ReadGoods => body::read(header, content, |_: ReadGoods| {}),
        Kind::ReadShortfall => body::read(header, content, |_: ReadShortfall| {}),
        Kind::ProgressRead => body::read(header, content, |_: ProgressView| {}),
        Kind::GoodsRead => body::read(header, content, |_: GoodsView| {}),
        Kind::ShortfallRead => body::read(header, content, |_: ShortfallView| {}),
        Kind::BeginPay => body::read(header, content, |_: BeginPay| {}),
        Kind::FailPay => body::read(header, content, |_: FailPay| {}),
        Kind::Extend => body::read(header, content, |_: Extend| {}),
        Kind::ReadOrder => body::read(header, content, |_: ReadOrder| {}),
        Kind::ReadStock => body::read(header, content, |_: ReadStock| {}),
        Kind::Watch => body::read(header, content, |_: Watch| {}),
        Kind::Push => body::read(header, content, |_: Push| {}),
        Kind::Refused => body::read(header, content, |_: Refused| {}),
        Kind::Credit => body::read(header, content, |_: Credit| {}),
        Kind::Fetch => body::read(header, content, |_: Fetch| {}),
        Kind::Fetched => body::read(header, content, |_: Fetched| {}),
        Kind::PutSku => body::read(header, content, |_: PutSku| {}),
        Kind::Restock => body::read(header, content, |_: Restock| {}),
        Kind::OrderRead => body::read(header, content, |_: OrderView| {}),
        Kind::StockRead => body::read(header, content, |_: StockView| {}),
        Kind::StatusRead => body::read(header, content, |_: StatusView| {}),
        Kind::Reserved
        | Kind::Confirmed
        | Kind::Cancelled
        | Kind::PayBegun
        | Kind::PayFailed
        | Kind::Extended
        | Kind::ChannelSet
        | Kind::ClaimsReserved
        | Kind::DiscountedReserved
        | Kind::BudgetSet
        | Kind::BudgetFunded
        | Kind::BudgetStopped
        | Kind::CouponsIssued
        | Kind::Rebalanced
        | Kind::PhasePut
        | Kind::CampaignSet
        | Kind::SkuBound
        | Kind::PricePut
        | Kind::LimitsSet
        | Kind::FreezeSet
        | Kind::Watched
        | Kind::Advanced
        | Kind::Refunded
        | Kind::OnHandSet
        | Kind::Inspected
        | Kind::LinesConfirmed
        | Kind::LinesCancelled
        | Kind::OrderReserved
        | Kind::SkuPut
        | Kind::Restocked => body::read(header, content, |_: Answer| {}),
        Kind::Ping | Kind::Pong | Kind::ReadStatus | Kind::Goodbye => Ok(()),
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

proptest! {
    // proptest prints the smallest failing input; the fixed seed makes each run the same.
    #![proptest_config(ProptestConfig {
        cases: 4_096, rng_seed: RngSeed::Fixed(7_700), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_never_panic(input in prop::collection::vec(any::<u8>(), 0..512), kind in kinds(), count: u32) {
        drop(parse(&input));
        let count = count % (MAX_BATCH + 1);
        if let Err(error) = read_any(&Header::new(kind, 0, count), &input) {
            prop_assert!(error.code().number() >= 1000);
        }
    }

    #[test]
    fn a_random_body_behind_a_true_header_never_panics(
        input in prop::collection::vec(any::<u8>(), 0..512), kind in kinds(), count in 0..=MAX_BATCH,
    ) {
        let mut frame = Vec::new();
        Header::new(kind, 1, count).encode(&mut frame, |out| out.extend_from_slice(&input));
        let Ok(Parsed::Frame { header, body, consumed }) = parse(&frame) else { panic!("a whole frame parses") };
        prop_assert_eq!((consumed, body), (frame.len(), &input[..]));
        drop(read_any(&header, body));
    }

    #[test]
    fn mutated_orders_never_panic_and_keep_their_bounds(
        changes in prop::collection::vec((0..112_usize, any::<u8>()), 1..6), count in 0..4_u32,
    ) {
        let mut input = encoded(&sample_order());
        for (at, byte) in changes {
            input[at] = byte;
        }
        let header = Header::new(Kind::ReserveOrder, 0, count);
        let read = body::read(&header, &input, |order: ReserveOrder| {
            assert!((1..=MAX_LINES).contains(&order.lines.len()));
        });
        prop_assert!(read.is_ok() || count != 1 || input[72..80] != [2, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn orders_read_by_hand_are_what_their_layout_says(
        changes in prop::collection::vec((0..300_usize, any::<u8>()), 0..5), cut in 0..300_usize, count in 1..4_u32,
    ) {
        let order = sample_order();
        let one = Line { sku: 9, quantity: 8, location: 7, pool: 6, gift: 1 };
        let shorter = ReserveOrder { lines: vec![one], wait_ms: 77, ..sample_order() };
        let claims = [
            ReserveClaims::of(order.clone()).discount(5, 6).coupon(7 << 32),
            ReserveClaims::of(shorter.clone()),
        ];
        let (mut orders, mut claimed) = (Vec::new(), Vec::new());
        for order in [&order, &shorter] {
            body::put(order, &mut orders);
        }
        for claims in &claims {
            body::put(claims, &mut claimed);
        }
        prop_assert_eq!(read_twice::<ReserveOrder>(&Header::new(Kind::ReserveOrder, 0, 2), &orders).map(|all| all.len()), Ok(2));
        prop_assert_eq!(read_twice(&Header::new(Kind::ReserveClaims, 0, 2), &claimed), Ok(claims.to_vec()));
        for input in [&mut orders, &mut claimed] {
            for &(at, byte) in &changes {
                if let Some(place) = input.get_mut(at) {
                    *place = byte;
                }
            }
            input.truncate(input.len().max(cut) - cut);
        }
        drop(read_twice::<ReserveOrder>(&Header::new(Kind::ReserveOrder, 0, count), &orders));
        drop(read_twice::<ReserveClaims>(&Header::new(Kind::ReserveClaims, 0, count), &claimed));
    }

    #[test]
    fn a_mutated_frame_is_never_taken_for_another(
        changes in prop::collection::vec((0..96_usize, 1..=255_u8), 1..4),
    ) {
        let mut original = Vec::new();
        body::frame(Header::new(Kind::Reserve, 7, 1), &[sample_reserve()], &mut original);
        let mut mutated = original.clone();
        for (at, flip) in changes {
            mutated[at] ^= flip;
        }
        if mutated != original {
            let taken = matches!(parse(&mutated), Ok(Parsed::Frame { .. }));
            prop_assert!(!taken, "{:02x?}", mutated);
        }
    }

    #[test]
    fn reserves_read_back(user: u64, sku: u64, amount: u64, quantity: u32, hold_ms: u32, tier: u16, count in 1..20_u32) {
        let one = Reserve { request_id: ID, user, sku, amount, quantity, hold_ms, tier, ..Reserve::default() };
        let all = vec![one; count as usize];
        let mut frame = Vec::new();
        body::frame(Header::new(Kind::Reserve, 7, 0), &all, &mut frame);
        let Ok(Parsed::Frame { header, body, .. }) = parse(&frame) else { panic!("a whole frame parses") };
        prop_assert_eq!(header.count, count);
        prop_assert_eq!(read_all::<Reserve>(header.kind, header.count, body), Ok(all));
    }
}
