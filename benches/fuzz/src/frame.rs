//! Frames: what either side of a connection may be sent.

use std::fmt::Debug;

use doorbuster_protocol::{Code, HEADER_LEN, Header, Parsed, ProtocolError, Record, VERSION, body, parse};

/// Bytes 0 to 3 of a header.
const LENGTH: std::ops::Range<usize> = 0..4;

/// Byte of a header's version.
const VERSION_AT: usize = 4;

/// Where a header's checksum stands, which covers what is before it and the body.
const CHECKSUM: usize = HEADER_LEN - 4;

/// Reads a connection's bytes as frames, as they are; and once more as one frame whose version, length and checksum are right.
///
/// # Panics
/// A frame that was read doesn't have its own bytes when it is written again.
pub fn check(bytes: &[u8]) {
    stream(bytes);
    if let Some(sealed) = sealed(bytes) {
        stream(&sealed);
    }
}

/// The bytes as one frame that only its kind, its count or its body can be wrong with.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(bytes.len().checked_sub(HEADER_LEN)?).ok()?;
    let mut frame = bytes.to_vec();
    frame[LENGTH].copy_from_slice(&length.to_le_bytes());
    frame[VERSION_AT] = VERSION;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&frame[..CHECKSUM]), &frame[HEADER_LEN..]);
    frame[CHECKSUM..HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
    Some(frame)
}

fn stream(mut rest: &[u8]) {
    loop {
        match parse(rest) {
            Ok(Parsed::Incomplete { needed }) => {
                assert!(needed > rest.len(), "{needed} bytes are asked for where {} are there", rest.len());
                return;
            }
            Ok(Parsed::Frame { header, body, consumed }) => {
                assert_eq!(consumed, HEADER_LEN + body.len());
                let mut again = Vec::new();
                header.encode(&mut again, |out| out.extend_from_slice(body));
                assert_eq!(again, rest[..consumed], "a frame of {header:?}");
                records(&header, body);
                rest = &rest[consumed..];
            }
            Err(error) => return told(&error),
        }
    }
}

/// A refusal is one line and has a code that the peer is sent.
fn told(error: &ProtocolError) {
    let line = error.to_string();
    assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    assert_eq!(Code::from_number(error.code().number()), Some(error.code()));
}

macro_rules! carried {
    ($($record:ident)+) => {
        use doorbuster_protocol::{$($record),+};

        fn records(header: &Header, body: &[u8]) {
            $(if $record::KINDS.contains(&header.kind) {
                record::<$record>(header, body);
            })+
            if ReserveOrder::KINDS.contains(&header.kind) {
                one_for_all::<ReserveOrder>(header, body);
            }
            if ReserveClaims::KINDS.contains(&header.kind) {
                one_for_all::<ReserveClaims>(header, body);
            }
        }

        /// Whether a frame's body is what its kind says.
        pub(crate) fn reads(header: &Header, bytes: &[u8]) -> bool {
            $(if $record::KINDS.contains(&header.kind) {
                return body::read::<$record>(header, bytes, |_| {}).is_ok();
            })+
            bytes.is_empty()
        }

        /// Whether frames of this kind have a body.
        #[cfg(test)]
        fn has_a_body(kind: doorbuster_protocol::Kind) -> bool {
            [$($record::KINDS),+].iter().any(|kinds| kinds.contains(&kind))
        }
    };
}

carried! {
    Access Advance Answer Auth BeginPay BindSku BudgetView CampaignView Cancel CancelLines ChannelView ChannelsView Confirm
    ConfirmLines CouponView Credit Extend FailPay Fault Fetch Fetched FreezeSku FundBudget GoodsView Hello Inspect
    IssueCoupons LineView OrderView PhaseView PriceView ProgressView Push PutPhase PutPrice PutSku ReadBudget
    ReadCampaign ReadChannel ReadChannels ReadCoupon ReadGoods ReadLine ReadOrder ReadPhase ReadPrice ReadProgress
    ReadShortfall ReadStock Rebalance Refund Refused Reserve ReserveClaims ReserveDiscounted ReserveOrder Restock
    SetBudget SetCampaign SetChannel SetLimits SetOnHand ShortfallView StatusView StockView StopBudget Watch Welcome
}

/// What a body was read as is written as the same bytes.
fn record<R: Record + Debug>(header: &Header, bytes: &[u8]) {
    let mut found: Vec<R> = Vec::new();
    match body::read(header, bytes, |record| found.push(record)) {
        Ok(()) => {
            let mut again = Vec::new();
            for record in &found {
                body::put(record, &mut again);
            }
            assert_eq!(again, bytes, "{} records, the first {:?}", found.len(), found.first());
        }
        Err(error) => told(&error),
    }
}

/// Records that have a reader of their own are read the same with it.
fn one_for_all<R: Record + Default + Clone + PartialEq + Debug>(header: &Header, bytes: &[u8]) {
    let (mut each, mut over) = (Vec::new(), Vec::new());
    let one = body::read(header, bytes, |record: R| each.push(record));
    let other = body::read_each(header, bytes, |record: &R| over.push(record.clone()));
    assert_eq!((one, each), (other, over));
}

#[cfg(test)]
mod tests {
    use doorbuster_protocol::Kind;

    use super::*;

    #[test]
    fn every_kind_but_those_without_a_body_is_read() {
        let empty: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| !has_a_body(*kind)).collect();
        assert_eq!(empty, [Kind::Ping, Kind::ReadStatus, Kind::Pong, Kind::Goodbye]);
    }

    #[test]
    fn any_bytes_behind_a_header_make_a_frame_that_is_read() {
        let mut bytes = vec![0xEE; HEADER_LEN + 8];
        bytes[5] = Kind::ReadStock.byte();
        bytes[24..28].copy_from_slice(&1_u32.to_le_bytes());
        assert!(parse(&bytes).is_err());
        let frame = sealed(&bytes).expect("there is a header");
        let Ok(Parsed::Frame { header, body, .. }) = parse(&frame) else { panic!("a frame") };
        assert_eq!(body::read_one(&header, body), Ok(ReadStock { sku: u64::from_le_bytes([0xEE; 8]) }));
        assert_eq!(sealed(&bytes[..HEADER_LEN - 1]), None);
    }
}
