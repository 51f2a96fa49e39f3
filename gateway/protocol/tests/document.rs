//! Holds `docs/protocol.md` to the code: its hex is what the code writes and reads, and its tables of offsets add up
//! to the records' lengths.

use std::collections::BTreeMap;

use doorbuster_protocol::budget::FunderView;
use doorbuster_protocol::{
    Access, Advance, Answer, Auth, BeginPay, BindSku, BudgetView, CampaignView, Cancel, CancelLines,
    ChannelView, ChannelsView, Code, Confirm, ConfirmLines, CouponView, Credit, EventKind, Extend,
    FLAG_FIRST_ATTEMPT, FailPay, Fault, FeedEvent, Fetch, Fetched, FreezeSku, FundBudget, Funder, GoodsView,
    HEADER_LEN, Header, Hello, Inspect, IssueCoupons, Kind, Line, LineUnits, LineView, MAGIC, MAX_BATCH,
    MAX_BODY, OrderState, OrderView, Parsed, PhaseView, PriceView, ProgressView, Push, PutPhase, PutPrice,
    PutSku, ReadBudget, ReadCampaign, ReadChannel, ReadChannels, ReadCoupon, ReadGoods, ReadLine, ReadOrder,
    ReadPhase, ReadPrice, ReadProgress, ReadShortfall, ReadStock, Rebalance, Record, Refund, Refused,
    Reserve, ReserveClaims, ReserveDiscounted, ReserveOrder, Restock, SetBudget, SetCampaign, SetChannel,
    SetLimits, SetOnHand, ShortfallView, StatusView, StockView, StopBudget, Watch, Welcome, body, parse,
};

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md"))
        .expect("docs/protocol.md is there")
}

/// The blocks that are fenced as "hex NAME". What stands behind a `#` is a comment.
fn hex_blocks(document: &str) -> BTreeMap<String, Vec<u8>> {
    let mut blocks = BTreeMap::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_prefix("```hex ") else { continue };
        let block = lines.by_ref().take_while(|line| !line.starts_with("```"));
        let digits: String = block.filter_map(|line| line.split('#').next()).collect();
        let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).expect("the document's hex is ASCII");
            u8::from_str_radix(pair, 16).expect("the document's hex is hex")
        };
        blocks.insert(name.to_owned(), digits.chunks(2).map(byte).collect());
    }
    blocks
}

fn framed<R: Record>(header: Header, record: &R) -> Vec<u8> {
    let mut out = Vec::new();
    body::frame(header, std::slice::from_ref(record), &mut out);
    out
}

const NOW: u64 = 1_767_225_600_000;

const REQUEST: [u8; 16] = u128::to_be_bytes(0x019B_76DA_A800_7123_8567_89AB_CDEF_0123);

#[test]
fn the_worked_example_is_what_the_code_writes() {
    let hello = Hello { magic: MAGIC, oldest: 1, newest: 1, features: 0, client: "example".to_owned() };
    let welcome = Welcome {
        version: 1,
        durability: 0,
        features: 0,
        now_ms: NOW,
        log_id: u128::to_be_bytes(0x5F0C_6F0E_8EA9_4D0D_9D3B_8F6C_8C1E_2A77),
        max_batch: MAX_BATCH,
        max_body: MAX_BODY,
        max_in_flight: 65_536,
        idempotency_window_ms: 86_400_000,
        default_hold_ms: 300_000,
        max_hold_ms: 86_400_000,
        server: "doorbuster/0.1.0".to_owned(),
    };
    let reserve = Reserve {
        request_id: REQUEST,
        user: 42,
        sku: 1,
        amount: 9_900,
        hold_ms: 60_000,
        quantity: 2,
        ..Reserve::default()
    };
    let deadline = NOW + 5_000;
    let asked = Header { flags: FLAG_FIRST_ATTEMPT, time: deadline, ..Header::new(Kind::Reserve, 2, 1) };
    let held = Answer {
        state: OrderState::Held.byte(),
        order: (2_531 << 52) | 1,
        at: NOW + 60_000,
        ..Answer::of(Code::Ok)
    };
    let sold_out = Answer { at: NOW + 60_000, units: 1, ..Answer::of(Code::SoldOut) };
    let fault = Fault {
        code: Code::HelloRequired.number(),
        retry_after_ms: 0,
        message: "the first frame must be HELLO".to_owned(),
    };
    let answer = |correlation| Header { time: 7, ..Header::new(Kind::Reserved, correlation, 1) };
    let expected = BTreeMap::from(
        [
            ("hello", framed(Header::new(Kind::Hello, 1, 1), &hello)),
            ("welcome", framed(Header::new(Kind::Welcome, 1, 1), &welcome)),
            ("reserve", framed(asked, &reserve)),
            ("reserved", framed(answer(2), &held)),
            ("sold-out", framed(answer(3), &sold_out)),
            ("error", framed(Header::new(Kind::Error, 9, 1), &fault)),
        ]
        .map(|(name, bytes)| (name.to_owned(), bytes)),
    );
    let found = hex_blocks(&document());
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in &found {
        assert_eq!(bytes, &expected[name], "{name}");
        assert!(
            matches!(parse(bytes), Ok(Parsed::Frame { consumed, .. }) if consumed == bytes.len()),
            "{name}"
        );
    }
}

#[test]
fn the_checksum_vectors_are_true() {
    let document = document();
    for text in ["", "123456789", "doorbuster"] {
        let row = format!("| `\"{text}\"` | `{:08x}` |", crc32c::crc32c(text.as_bytes()));
        assert!(document.contains(&row), "{row}");
    }
}

/// The lengths of the tables under "#### NAME" headings, after their offsets have been found without gap.
fn tables(document: &str) -> BTreeMap<String, usize> {
    let mut lengths = BTreeMap::new();
    let mut name = String::new();
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("#### ") {
            heading.split(',').next().unwrap_or_default().trim().clone_into(&mut name);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (Some(offset), Some(size)) = (cells.get(1), cells.get(2)) else { continue };
        let (Ok(offset), Ok(size)) = (offset.parse::<usize>(), size.parse::<usize>()) else { continue };
        let length = lengths.entry(name.clone()).or_insert(0);
        assert_eq!(offset, *length, "{name}: {line}");
        *length += size;
    }
    lengths
}

#[test]
#[expect(clippy::too_many_lines, reason = "a line for each table")]
fn the_tables_of_offsets_add_up_to_each_record() {
    let line = {
        let mut one = Vec::new();
        body::put(&ReserveOrder { lines: vec![Line::default()], ..ReserveOrder::default() }, &mut one);
        one.len() - ReserveOrder::MIN_LEN
    };
    let units = {
        let mut one = Vec::new();
        body::put(&CancelLines { lines: vec![LineUnits::default()], ..CancelLines::default() }, &mut one);
        one.len() - CancelLines::MIN_LEN
    };
    let funder = {
        let mut one = Vec::new();
        body::put(&SetBudget { funders: vec![Funder::default()], ..SetBudget::default() }, &mut one);
        one.len() - SetBudget::MIN_LEN
    };
    let view = size_of::<FunderView>();
    let event = {
        let mut one = Vec::new();
        body::put(&Fetched { events: vec![FeedEvent::default()], ..Fetched::default() }, &mut one);
        one.len() - Fetched::MIN_LEN
    };
    let expected = BTreeMap::from(
        [
            ("Header", HEADER_LEN),
            ("HELLO", Hello::MIN_LEN),
            ("WELCOME", Welcome::MIN_LEN),
            ("AUTH", Auth::MIN_LEN),
            ("AUTHENTICATED", Access::MIN_LEN),
            ("ERROR", Fault::MIN_LEN),
            ("RESERVE", Reserve::MIN_LEN),
            ("RESERVE_ORDER", ReserveOrder::MIN_LEN),
            ("Line", line),
            ("RESERVE_CLAIMS", ReserveClaims::MIN_LEN - ReserveOrder::MIN_LEN),
            ("RESERVE_DISCOUNTED", ReserveDiscounted::MIN_LEN),
            ("SET_BUDGET", SetBudget::MIN_LEN),
            ("Funder", funder),
            ("FUND_BUDGET", FundBudget::MIN_LEN),
            ("STOP_BUDGET", StopBudget::MIN_LEN),
            ("ISSUE_COUPONS", IssueCoupons::MIN_LEN),
            ("READ_BUDGET", ReadBudget::MIN_LEN),
            ("READ_COUPON", ReadCoupon::MIN_LEN),
            ("BUDGET_READ", BudgetView::MIN_LEN - 16 * view),
            ("FunderView", view),
            ("COUPON_READ", CouponView::MIN_LEN),
            ("CONFIRM", Confirm::MIN_LEN),
            ("CANCEL", Cancel::MIN_LEN),
            ("CONFIRM_LINES", ConfirmLines::MIN_LEN),
            ("CANCEL_LINES", CancelLines::MIN_LEN),
            ("LineUnits", units),
            ("SET_CHANNEL", SetChannel::MIN_LEN),
            ("REBALANCE", Rebalance::MIN_LEN),
            ("READ_CHANNEL", ReadChannel::MIN_LEN),
            ("CHANNEL_READ", ChannelView::MIN_LEN),
            ("READ_CHANNELS", ReadChannels::MIN_LEN),
            ("CHANNELS_READ", ChannelsView::MIN_LEN),
            ("Phase", PutPhase::MIN_LEN - 21),
            ("PUT_PHASE", PutPhase::MIN_LEN),
            ("SET_CAMPAIGN", SetCampaign::MIN_LEN),
            ("BIND_SKU", BindSku::MIN_LEN),
            ("PUT_PRICE", PutPrice::MIN_LEN),
            ("SET_LIMITS", SetLimits::MIN_LEN),
            ("FREEZE_SKU", FreezeSku::MIN_LEN),
            ("READ_CAMPAIGN", ReadCampaign::MIN_LEN),
            ("READ_PHASE", ReadPhase::MIN_LEN),
            ("READ_PRICE", ReadPrice::MIN_LEN),
            ("CAMPAIGN_READ", CampaignView::MIN_LEN),
            ("PHASE_READ", PhaseView::MIN_LEN),
            ("PRICE_READ", PriceView::MIN_LEN),
            ("READ_LINE", ReadLine::MIN_LEN),
            ("LINE_READ", LineView::MIN_LEN),
            ("BEGIN_PAY", BeginPay::MIN_LEN),
            ("FAIL_PAY", FailPay::MIN_LEN),
            ("EXTEND", Extend::MIN_LEN),
            ("READ_ORDER", ReadOrder::MIN_LEN),
            ("WATCH", Watch::MIN_LEN),
            ("PUSH", Push::MIN_LEN),
            ("REFUSED", Refused::MIN_LEN),
            ("CREDIT", Credit::MIN_LEN),
            ("READ_STOCK", ReadStock::MIN_LEN),
            ("FETCH", Fetch::MIN_LEN),
            ("FETCHED", Fetched::MIN_LEN),
            ("Event", event),
            ("PUT_SKU", PutSku::MIN_LEN),
            ("RESTOCK", Restock::MIN_LEN),
            ("ADVANCE", Advance::MIN_LEN),
            ("REFUND", Refund::MIN_LEN),
            ("SET_ON_HAND", SetOnHand::MIN_LEN),
            ("INSPECT", Inspect::MIN_LEN),
            ("READ_PROGRESS", ReadProgress::MIN_LEN),
            ("READ_GOODS", ReadGoods::MIN_LEN),
            ("READ_SHORTFALL", ReadShortfall::MIN_LEN),
            ("PROGRESS_READ", ProgressView::MIN_LEN),
            ("GOODS_READ", GoodsView::MIN_LEN),
            ("SHORTFALL_READ", ShortfallView::MIN_LEN),
            ("Answer", Answer::MIN_LEN),
            ("ORDER_READ", OrderView::MIN_LEN),
            ("STOCK_READ", StockView::MIN_LEN),
            ("STATUS_READ", StatusView::MIN_LEN),
        ]
        .map(|(name, length)| (name.to_owned(), length)),
    );
    assert_eq!(tables(&document()), expected);
}

#[test]
fn every_kind_stands_in_the_table_of_kinds() {
    let document = document();
    for kind in Kind::ALL {
        let row = format!("| `0x{:02x}` | {} |", kind.byte(), kind.name());
        assert!(document.contains(&row), "{row}");
    }
}

#[test]
fn every_kind_of_event_stands_in_the_table_of_events() {
    let document = document();
    for kind in EventKind::ALL {
        let row = format!("| {} | {} | ", kind.byte(), kind.name());
        assert!(document.contains(&row), "{row}");
        assert_eq!(EventKind::from_byte(kind.byte()), Some(*kind));
        assert_eq!(EventKind::from_name(kind.name()), Some(*kind));
        assert_eq!(kind.bit(), 1 << kind.byte());
    }
    assert_eq!((EventKind::from_byte(0), EventKind::from_name("SOLD")), (None, None));
}
