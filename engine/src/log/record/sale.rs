//! The records of orders by the rules of a sale, kinds 77 and 78: numbers as short as they are.
//!
//! Such an order says up to five numbers more than a plain one, and in a crowd each byte of an order is hashed, copied and written
//! a million times a second: at the documented widths a campaign and a discount cost as much there as a third of the order. But
//! most of its numbers are small. So each takes one, two, four or eight bytes, and two bits in front say which; of bytes
//! that say how long they are themselves, each would be a branch (Dean, "Challenges in Building Large-Scale Information
//! Retrieval Systems", WSDM 2009: group varint).
//!
//! ```text
//!   kind  widths: 2 bits a number, the first lowest  ids and time: fixed widths  numbers
//!   u8    3 bytes                                    48 bytes                    8 or 10 of 1, 2, 4 or 8 bytes
//! ```

use doorbuster_ledger::{
    Amount, BudgetId, ChannelId, Claim, Event, OrderNumber, Quantity, RequestId, Reserved, SkuId, Terms,
    Timestamp, UserId,
};

use super::{Record, RecordError};
use crate::log::block::u64_at;

/// An order whose terms are a campaign, a version of prices and a tier, and nothing else.
pub(super) const SALE: u8 = 77;
/// The same, or a plain one, that claims a discount.
pub(super) const DISCOUNTED_SALE: u8 = 78;

/// Bytes of the widths, and of what stands between them and the numbers.
const WIDTHS: usize = 3;
const IDS: usize = 8 + 16 + 8 + 8 + 8;
/// Where the numbers begin, in front of the kind.
const NUMBERS: usize = WIDTHS + IDS;

/// Numbers of an order, and of one with a discount.
const ORDER: usize = 8;
const CLAIMED: usize = 10;

/// Most bytes of a record, and a number more, as each is written with eight bytes.
const ROOM: usize = 1 + NUMBERS + (CLAIMED + 1) * 8;

/// Appends the record of an order. Its terms are a campaign's at most, and it was not opened in another's place.
#[inline]
pub(super) fn encode(reserved: &Reserved, out: &mut Vec<u8>) {
    let Terms { campaign, price_version, tier, .. } = reserved.terms;
    let (amount, quantity) = (reserved.amount.raw(), reserved.quantity.units().into());
    let (asked_hold_ms, hold_ms) = (reserved.asked_hold_ms.into(), reserved.hold_ms.into());
    let channel = reserved.channel.raw().into();
    let (campaign, price_version, tier) = (campaign.into(), price_version.into(), tier.into());
    let order: [u64; ORDER] =
        [amount, quantity, asked_hold_ms, hold_ms, channel, campaign, price_version, tier];
    match reserved.claim {
        None => put(SALE, reserved, order, out),
        Some(claim) => {
            let mut claimed = [0; CLAIMED];
            claimed[..ORDER].copy_from_slice(&order);
            claimed[ORDER..].copy_from_slice(&[claim.budget.raw().into(), claim.amount.raw()]);
            put(DISCOUNTED_SALE, reserved, claimed, out);
        }
    }
}

/// Appends a record with so many numbers: the compiler is to unroll the loop over them.
#[inline]
fn put<const N: usize>(kind: u8, reserved: &Reserved, numbers: [u64; N], out: &mut Vec<u8>) {
    // Written where it belongs: a copy of so many bytes, unknown to the compiler, costs as much as all of the rest.
    let start = out.len();
    out.resize(start + ROOM, 0);
    let Some(record) = out[start..].first_chunk_mut::<ROOM>() else { return };
    let (mut widths, mut at) = (0_u32, 1 + NUMBERS);
    for (number, nth) in numbers.iter().zip(0..) {
        let width = width_of(*number);
        widths |= width << (2 * nth);
        record[at..at + 8].copy_from_slice(&number.to_le_bytes());
        at += 1 << width;
    }
    record[0] = kind;
    record[1..=WIDTHS].copy_from_slice(&widths.to_le_bytes()[..WIDTHS]);
    let ids = &mut record[1 + WIDTHS..=NUMBERS];
    ids[..8].copy_from_slice(&reserved.number.raw().to_le_bytes());
    ids[8..24].copy_from_slice(&reserved.request.raw().to_le_bytes());
    ids[24..32].copy_from_slice(&reserved.user.raw().to_le_bytes());
    ids[32..40].copy_from_slice(&reserved.sku.raw().to_le_bytes());
    ids[40..].copy_from_slice(&reserved.at.raw().to_le_bytes());
    out.truncate(start + at);
}

/// Reads what stands behind the kind; returns the record and how many bytes that was.
#[inline]
pub(super) fn decode(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    let malformed = RecordError::Malformed { kind };
    let impossible = |field| RecordError::Impossible { kind, field };
    let count = if kind == DISCOUNTED_SALE { CLAIMED } else { ORDER };
    let front = rest.first_chunk::<NUMBERS>().ok_or(malformed)?;
    let (mut widths, ids) = (u32::from_le_bytes([front[0], front[1], front[2], 0]), &front[WIDTHS..]);
    let (mut numbers, mut at) = ([0_u64; CLAIMED], NUMBERS);
    for number in &mut numbers[..count] {
        let width = widths % 4;
        let end = at + (1 << width);
        let mut bytes = [0; 8];
        bytes[..end - at].copy_from_slice(rest.get(at..end).ok_or(malformed)?);
        *number = u64::from_le_bytes(bytes);
        if width_of(*number) != width {
            return Err(impossible("width"));
        }
        (widths, at) = (widths >> 2, end);
    }
    if widths != 0 {
        return Err(impossible("width"));
    }
    let [amount, quantity, asked_hold_ms, hold_ms, channel, campaign, price_version, tier, budget, cents] =
        numbers;
    let int = |number, field| u32::try_from(number).map_err(|_| impossible(field));
    let short = |number, field| u16::try_from(number).map_err(|_| impossible(field));
    let claim = if kind == DISCOUNTED_SALE {
        let budget = BudgetId::new(int(budget, "budget")?).ok_or(impossible("budget"))?;
        Some(Claim { budget, amount: Amount::new(cents) })
    } else {
        None
    };
    let long = |at| u64_at(ids, at);
    let reserved = Reserved {
        number: OrderNumber::new(long(0)),
        request: RequestId::new(u128::from(long(8)) | u128::from(long(16)) << 64),
        user: UserId::new(long(24)),
        sku: SkuId::new(long(32)),
        quantity: Quantity::new(int(quantity, "quantity")?).ok_or(impossible("quantity"))?,
        amount: Amount::new(amount),
        at: Timestamp::new(long(40)),
        asked_hold_ms: int(asked_hold_ms, "hold")?,
        hold_ms: int(hold_ms, "hold")?,
        channel: ChannelId::new(short(channel, "channel")?),
        moves: 0,
        wait_ms: 0,
        terms: Terms {
            campaign: int(campaign, "campaign")?,
            price_version: int(price_version, "version of prices")?,
            tier: short(tier, "tier")?,
            ..Terms::default()
        },
        claim,
    };
    Ok((Record::Event(Event::Reserved(reserved)), at))
}

/// Of how many bytes a number needs, the logarithm: 0 to 3.
#[inline]
fn width_of(number: u64) -> u32 {
    u32::from(number > 0xFF) + u32::from(number > 0xFFFF) + u32::from(number > 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PLAIN_ORDER, samples};
    use super::*;

    /// A sample that is like this.
    fn sample(like: impl Fn(&Reserved) -> bool) -> Reserved {
        let reserved = samples().into_iter().filter_map(|record| match record {
            Record::Event(Event::Reserved(reserved)) => Some(reserved),
            _ => None,
        });
        reserved.into_iter().find(like).unwrap()
    }

    fn claimed() -> Reserved {
        sample(|of| of.claim.is_some() && of.terms.campaign != 0 && of.terms.device == 0)
    }

    fn bytes_of(reserved: &Reserved) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(reserved, &mut bytes);
        bytes
    }

    /// Ids and time, as all orders' records begin.
    fn ids() -> Vec<u8> {
        PLAIN_ORDER[..5].concat()
    }

    #[test]
    fn an_order_of_a_campaign_that_claims_a_discount_has_these_bytes() {
        let golden = [
            &[78][..],
            &[0, 0, 0],
            &ids(),
            // Amount, quantity, the hold that was asked for and is given, channel.
            &[5, 4, 0, 6, 7],
            // Campaign, version of prices, tier.
            &[1, 0, 0],
            // Budget and cents.
            &[10, 12],
        ]
        .concat();
        assert_eq!(bytes_of(&claimed()), golden);
        assert_eq!(golden.len(), 62);
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        let placed = Reserved {
            quantity: Quantity::new(255).unwrap(),
            amount: Amount::new(u64::MAX),
            asked_hold_ms: 65_535,
            hold_ms: 65_536,
            channel: ChannelId::new(256),
            terms: Terms { campaign: u32::MAX, price_version: 1, tier: u16::MAX, ..Terms::default() },
            claim: None,
            ..claimed()
        };
        let golden = [
            &[77][..],
            &[0b10_01_00_11, 0b01_00_10_01, 0],
            &ids(),
            &[0xFF; 8],
            &[255],
            &[0xFF; 2],
            &[0, 0, 1, 0],
            &[0, 1],
            &[0xFF; 4],
            &[1],
            &[0xFF; 2],
        ]
        .concat();
        assert_eq!(bytes_of(&placed), golden);
        assert_eq!(decode(77, &golden[1..]), Ok((Record::Event(Event::Reserved(placed)), golden.len() - 1)));
    }

    #[test]
    fn the_longest_record_has_room() {
        let (amount, budget) = (Amount::new(u64::MAX), BudgetId::new(u32::MAX).unwrap());
        let longest = Reserved {
            amount,
            quantity: Quantity::new(u32::MAX).unwrap(),
            asked_hold_ms: u32::MAX,
            hold_ms: u32::MAX,
            channel: ChannelId::new(u16::MAX),
            terms: Terms { campaign: u32::MAX, price_version: u32::MAX, tier: u16::MAX, ..Terms::default() },
            claim: Some(Claim { budget, amount }),
            ..claimed()
        };
        let bytes = bytes_of(&longest);
        assert!(bytes.len() + 8 <= ROOM, "{}", bytes.len());
        assert_eq!(decode(78, &bytes[1..]), Ok((Record::Event(Event::Reserved(longest)), bytes.len() - 1)));
    }

    #[test]
    fn what_no_version_writes_is_refused() {
        let bytes = bytes_of(&claimed());
        let refused = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            decode(bytes[0], &bytes[1..]).unwrap_err()
        };
        let impossible = |field| RecordError::Impossible { kind: 78, field };
        assert_eq!(refused(&|bytes| bytes[60] = 0), impossible("budget"), "a claim from no budget");
        assert_eq!(refused(&|bytes| bytes[53] = 0), impossible("quantity"), "no units");
        assert_eq!(refused(&|bytes| bytes[3] = 0b1_0000), impossible("width"), "an eleventh number");
        let wide = |bytes: &mut Vec<u8>| {
            bytes[1] = 1;
            bytes.insert(53, 0);
        };
        assert_eq!(refused(&wide), impossible("width"), "5 in two bytes");
        let channel = |bytes: &mut Vec<u8>| {
            bytes[2] = 2;
            bytes.splice(56..57, [0, 0, 1, 0]);
        };
        assert_eq!(refused(&channel), impossible("channel"), "65,536 channels");
    }
}
