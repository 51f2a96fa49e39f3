//! Frames that are built once and patched for each use.
//!
//! Encoding a batch of 64 reserves field by field costs as much as everything else that the generator does for
//! it. A template holds the whole frame; sending it again changes the ids, users and SKUs in place and computes
//! the checksum. A test compares a patched frame with one that the protocol's own encoder made.

use doorbuster_protocol::{
    Confirm, HEADER_LEN, Header, Kind, Line, Reserve, ReserveDiscounted, ReserveOrder, body,
};

use crate::saturate::{DISCOUNT, Terms};

/// Bytes of a reserve.
const RESERVE_LEN: usize = 64;
/// Bytes of a reserve with two lines.
const TWO_LINES_LEN: usize = 92 + 2 * 17;
/// Bytes of a reserve with a discount, which begins as one without.
const DISCOUNTED_LEN: usize = 76;
/// Bytes of a confirm.
const CONFIRM_LEN: usize = 40;

/// Bytes of a header that the checksum covers.
const CHECKED: usize = 28;

/// What changes from one reserve to the next.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The request's id.
    pub request_id: [u8; 16],
    /// The shopper.
    pub user: u64,
    /// The SKU.
    pub sku: u64,
}

/// What changes from one confirm to the next.
#[derive(Clone, Copy, Debug)]
pub struct Payment {
    /// The order's number.
    pub order: u64,
    /// Its owner.
    pub user: u64,
    /// The payment's id.
    pub payment_id: [u8; 16],
}

/// A frame with room for a fixed number of operations.
#[derive(Clone, Debug)]
pub struct Template {
    bytes: Vec<u8>,
    /// Whether its reserves claim a discount.
    discounted: bool,
}

impl Template {
    /// A frame of `batch` reserves of one unit each, held for `hold_ms` milliseconds.
    pub fn reserves(batch: usize, hold_ms: u32, flags: u8) -> Self {
        let reserve = Reserve { quantity: 1, hold_ms, ..Reserve::default() };
        Self::of(Kind::Reserve, flags, &vec![reserve; batch])
    }

    /// The same, and each says what the rules of its SKU need; with a budget, it claims a discount.
    pub fn reserves_by(terms: Terms, batch: usize, hold_ms: u32, flags: u8) -> Self {
        let Terms { amount, campaign, price_version, channel, budget } = terms;
        let reserve =
            Reserve { quantity: 1, hold_ms, amount, campaign, price_version, channel, ..Reserve::default() };
        if budget == 0 {
            return Self::of(Kind::Reserve, flags, &vec![reserve; batch]);
        }
        let discounted = ReserveDiscounted { reserve, discount: DISCOUNT, budget };
        Self { discounted: true, ..Self::of(Kind::ReserveDiscounted, flags, &vec![discounted; batch]) }
    }

    /// A frame of `batch` reserves with two lines of one unit each, held for `hold_ms` milliseconds.
    pub fn two_lines(batch: usize, hold_ms: u32, flags: u8) -> Self {
        let lines = vec![Line { quantity: 1, ..Line::default() }; 2];
        let order = ReserveOrder { hold_ms, lines, ..ReserveOrder::default() };
        Self::of(Kind::ReserveOrder, flags, &vec![order; batch])
    }

    /// A frame of `batch` confirms, each of so many minor units.
    pub fn confirms(amount: u64, batch: usize, flags: u8) -> Self {
        Self::of(Kind::Confirm, flags, &vec![Confirm { amount, ..Confirm::default() }; batch])
    }

    fn of<R: body::Record>(kind: Kind, flags: u8, records: &[R]) -> Self {
        let mut header = Header::new(kind, 0, 0);
        header.flags = flags;
        let mut bytes = Vec::new();
        body::frame(header, records, &mut bytes);
        Self { bytes, discounted: false }
    }

    /// Appends the frame with these wishes to `out`.
    pub fn put_reserves(&mut self, correlation: u64, wish: impl FnMut() -> Wish, out: &mut Vec<u8>) {
        if self.discounted {
            self.put_wishes::<DISCOUNTED_LEN>(correlation, wish, out);
        } else {
            self.put_wishes::<RESERVE_LEN>(correlation, wish, out);
        }
    }

    fn put_wishes<const LEN: usize>(
        &mut self,
        correlation: u64,
        mut wish: impl FnMut() -> Wish,
        out: &mut Vec<u8>,
    ) {
        self.put(correlation, out, |content| {
            for record in content.as_chunks_mut::<LEN>().0 {
                let wish = wish();
                record[..16].copy_from_slice(&wish.request_id);
                record[16..24].copy_from_slice(&wish.user.to_le_bytes());
                record[24..32].copy_from_slice(&wish.sku.to_le_bytes());
            }
        });
    }

    /// Appends the frame with these wishes, each with the second line's SKU, to `out`.
    pub fn put_two_lines(
        &mut self,
        correlation: u64,
        mut wish: impl FnMut() -> (Wish, u64),
        out: &mut Vec<u8>,
    ) {
        self.put(correlation, out, |content| {
            for record in content.as_chunks_mut::<TWO_LINES_LEN>().0 {
                let (wish, second) = wish();
                record[..16].copy_from_slice(&wish.request_id);
                record[16..24].copy_from_slice(&wish.user.to_le_bytes());
                record[92..100].copy_from_slice(&wish.sku.to_le_bytes());
                record[109..117].copy_from_slice(&second.to_le_bytes());
            }
        });
    }

    /// Appends the frame with these payments to `out`.
    pub fn put_confirms(
        &mut self,
        correlation: u64,
        mut payment: impl FnMut() -> Payment,
        out: &mut Vec<u8>,
    ) {
        self.put(correlation, out, |content| {
            for record in content.as_chunks_mut::<CONFIRM_LEN>().0 {
                let payment = payment();
                record[..8].copy_from_slice(&payment.order.to_le_bytes());
                record[8..16].copy_from_slice(&payment.user.to_le_bytes());
                record[16..32].copy_from_slice(&payment.payment_id);
            }
        });
    }

    fn put(&mut self, correlation: u64, out: &mut Vec<u8>, patch: impl FnOnce(&mut [u8])) {
        let (header, content) = self.bytes.split_at_mut(HEADER_LEN);
        header[8..16].copy_from_slice(&correlation.to_le_bytes());
        patch(content);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&header[..CHECKED]), content);
        header[CHECKED..].copy_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patched_reserve_frame_is_what_the_encoder_makes() {
        let mut template = Template::reserves(3, 1_000, 1);
        let mut number = 0;
        let mut patched = Vec::new();
        template.put_reserves(
            9,
            || {
                number += 1;
                Wish { request_id: [number; 16], user: u64::from(number) << 40, sku: 7 }
            },
            &mut patched,
        );
        let records: Vec<Reserve> = (1..=3_u8)
            .map(|number| Reserve {
                request_id: [number; 16],
                user: u64::from(number) << 40,
                sku: 7,
                quantity: 1,
                hold_ms: 1_000,
                ..Reserve::default()
            })
            .collect();
        let mut header = Header::new(Kind::Reserve, 9, 3);
        header.flags = 1;
        let mut encoded = Vec::new();
        body::frame(header, &records, &mut encoded);
        assert_eq!(patched, encoded);
    }

    #[test]
    fn a_patched_frame_by_rules_is_what_the_encoder_makes() {
        let wish = || Wish { request_id: [6; 16], user: 5 << 40, sku: 7 };
        let terms = Terms { amount: 900, campaign: 3, price_version: 2, channel: 4, budget: 0 };
        let reserve = Reserve {
            request_id: [6; 16],
            user: 5 << 40,
            sku: 7,
            quantity: 1,
            amount: 900,
            hold_ms: 1_000,
            campaign: 3,
            price_version: 2,
            channel: 4,
            ..Reserve::default()
        };
        let (mut patched, mut encoded) = (Vec::new(), Vec::new());
        Template::reserves_by(terms, 2, 1_000, 0).put_reserves(9, wish, &mut patched);
        body::frame(Header::new(Kind::Reserve, 9, 2), &[reserve; 2], &mut encoded);
        assert_eq!(patched, encoded);
        let discounted = ReserveDiscounted { reserve, discount: DISCOUNT, budget: 8 };
        let (mut patched, mut encoded) = (Vec::new(), Vec::new());
        let terms = Terms { budget: 8, ..terms };
        Template::reserves_by(terms, 2, 1_000, 0).put_reserves(9, wish, &mut patched);
        body::frame(Header::new(Kind::ReserveDiscounted, 9, 2), &[discounted; 2], &mut encoded);
        assert_eq!(patched, encoded);
    }

    #[test]
    fn a_patched_frame_of_two_lines_is_what_the_encoder_makes() {
        let mut template = Template::two_lines(3, 1_000, 1);
        let mut number = 0;
        let mut patched = Vec::new();
        let wish = || {
            number += 1;
            (Wish { request_id: [number; 16], user: u64::from(number) << 40, sku: 7 }, u64::from(number) + 7)
        };
        template.put_two_lines(9, wish, &mut patched);
        let order = |number: u8| ReserveOrder {
            request_id: [number; 16],
            user: u64::from(number) << 40,
            hold_ms: 1_000,
            lines: [7, u64::from(number) + 7]
                .map(|sku| Line { sku, quantity: 1, ..Line::default() })
                .to_vec(),
            ..ReserveOrder::default()
        };
        let mut header = Header::new(Kind::ReserveOrder, 9, 3);
        header.flags = 1;
        let mut encoded = Vec::new();
        body::frame(header, &[order(1), order(2), order(3)], &mut encoded);
        assert_eq!(patched, encoded);
    }

    #[test]
    fn a_patched_confirm_frame_is_what_the_encoder_makes() {
        let mut patched = Vec::new();
        let payment = Payment { order: 5, user: 6, payment_id: [7; 16] };
        Template::confirms(9, 1, 0).put_confirms(3, || payment, &mut patched);
        let mut encoded = Vec::new();
        let confirm = Confirm { order: 5, user: 6, payment_id: [7; 16], amount: 9 };
        body::frame(Header::new(Kind::Confirm, 3, 1), &[confirm], &mut encoded);
        assert_eq!(patched, encoded);
    }
}
