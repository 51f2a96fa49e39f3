//! Bodies: records one after another, as many as the header's `count` says.
//!
//! The layout is fixed-width little-endian, fields in order, no padding, a list as its u64 length followed by its
//! elements. bincode writes it, and this module alone names bincode, always with a limit: without one, a crafted
//! list length would reserve hundreds of gigabytes.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

use crate::error::ProtocolError;
use crate::frame::{Header, MAX_BODY};
use crate::kind::Kind;

/// Most bytes one record may take or ask for: [`MAX_BODY`], as a body may be a single record.
const RECORD_LIMIT: usize = 1 << 20;

const _: () = assert!(MAX_BODY == 1 << 20);

const LAYOUT: Configuration<LittleEndian, Fixint, Limit<RECORD_LIMIT>> =
    bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<RECORD_LIMIT>();

/// A record that a body can be made of.
pub trait Record: Encode + Decode<()> + Sized {
    /// The kinds of frame that carry it.
    const KINDS: &'static [Kind];

    /// The least bytes that one record can have; bounds how many a body of known length can hold.
    const MIN_LEN: usize;

    /// Reads a record from the front of `bytes` in the place of this one, whose lists may be used again; returns how many bytes
    /// it took. `None`: it is cut short or over its bound, and what is here now means nothing.
    fn read_over(&mut self, bytes: &[u8]) -> Option<usize> {
        let (record, used) = bincode::decode_from_slice::<Self, _>(bytes, LAYOUT).ok()?;
        *self = record;
        Some(used)
    }

    /// What the layout alone can't say: ranges and enumerations.
    ///
    /// # Errors
    /// A fragment that names the field and the rule.
    fn validate(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Appends one record.
pub fn put<R: Record>(record: &R, out: &mut Vec<u8>) {
    // Encoding into a vector can't fail: it has no limit of its own and every field has a fixed form.
    let written = bincode::encode_into_std_write(record, &mut *out, LAYOUT);
    debug_assert!(written.is_ok(), "encoding a record into memory failed: {written:?}");
}

/// Writes one record over the front of `place`, which must be long enough; what doesn't fit is left out.
pub fn put_at<R: Record>(record: &R, place: &mut [u8]) {
    let written = bincode::encode_into_slice(record, place, LAYOUT);
    debug_assert!(written.is_ok(), "encoding a record into its place failed: {written:?}");
}

/// Appends a frame of `records` to `out`; the header's count is set to their number.
pub fn frame<R: Record>(mut header: Header, records: &[R], out: &mut Vec<u8>) {
    header.count = u32::try_from(records.len()).unwrap_or(u32::MAX);
    header.encode(out, |body| records.iter().for_each(|record| put(record, body)));
}

/// Hands every record of a body to `each`, in order.
///
/// # Errors
/// [`ProtocolError::Body`] if a record is cut short, out of range, or bytes are left over;
/// [`ProtocolError::BatchSize`] for an empty batch. Records before the fault have been handed over: decide nothing
/// before this returns `Ok`.
pub fn read<R: Record>(header: &Header, body: &[u8], mut each: impl FnMut(R)) -> Result<(), ProtocolError> {
    records(header, body, |rest| {
        let (record, used) = bincode::decode_from_slice::<R, _>(rest, LAYOUT).map_err(|_| CUT)?;
        record.validate()?;
        each(record);
        Ok(used)
    })
}

/// As [`read`], with one record for all: what has a list needs no memory for each.
///
/// # Errors
/// As [`read`].
pub fn read_each<R: Record + Default>(
    header: &Header,
    body: &[u8],
    mut each: impl FnMut(&R),
) -> Result<(), ProtocolError> {
    read_each_mut(header, body, |record| each(record))
}

/// As [`read_each`], for who changes what was read.
///
/// # Errors
/// As [`read`].
pub fn read_each_mut<R: Record + Default>(
    header: &Header,
    body: &[u8],
    mut each: impl FnMut(&mut R),
) -> Result<(), ProtocolError> {
    let mut record = R::default();
    records(header, body, |rest| {
        let used = record.read_over(rest).ok_or(CUT)?;
        record.validate()?;
        each(&mut record);
        Ok(used)
    })
}

/// What is wrong with a record that can't be read.
const CUT: &str = "cut short or over its bound";

/// Lets `one` read a record from the front of what is left, as often as the header says.
fn records(
    header: &Header,
    body: &[u8],
    mut one: impl FnMut(&[u8]) -> Result<usize, &'static str>,
) -> Result<(), ProtocolError> {
    let kind = header.kind.name();
    if header.count == 0 {
        return Err(ProtocolError::BatchSize { count: 0, limit: crate::MAX_BATCH });
    }
    let mut rest = body;
    for index in 0..header.count {
        let used = one(rest).map_err(|reason| ProtocolError::Body { kind, index, reason })?;
        rest = rest.get(used..).unwrap_or_default();
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ProtocolError::Body {
            kind,
            index: header.count,
            reason: "bytes left over behind the last operation",
        })
    }
}

/// Reads a body that holds exactly one record.
///
/// # Errors
/// As [`read`], and [`ProtocolError::BatchSize`] if the header counts more than one.
pub fn read_one<R: Record>(header: &Header, body: &[u8]) -> Result<R, ProtocolError> {
    if header.count != 1 {
        return Err(ProtocolError::BatchSize { count: header.count, limit: 1 });
    }
    let mut found = None;
    read(header, body, |record| found = Some(record))?;
    found.ok_or(ProtocolError::BatchSize { count: 0, limit: 1 })
}
