//! The frame header: 32 bytes, little-endian, in front of every body.
//!
//! ```text
//!  0        4   5    6     7     8              16            24      28        32
//!  ┌────────┬───┬────┬─────┬─────┬──────────────┬─────────────┬───────┬─────────┐
//!  │ length │ver│kind│class│flags│ correlation  │ time        │ count │ crc32c  │ body …
//!  └────────┴───┴────┴─────┴─────┴──────────────┴─────────────┴───────┴─────────┘
//!   u32      u8  u8   u8    u8    u64            u64           u32     u32
//! ```
//!
//! * `length` counts the bytes behind the header, at most [`MAX_BODY`].
//! * `correlation` is the client's own number for the request; the answer repeats it. Answers come in any order.
//! * `time` is, in a request, the deadline as milliseconds of server time since the Unix epoch (0: none); in an
//!   answer, the log position that the answer has seen and that is durable.
//! * `count` is the number of operations in the body, 1 to [`MAX_BATCH`] where the kind carries any.
//! * `crc32c` covers bytes 0..28 of the header, then the body.

use crate::VERSION;
use crate::error::ProtocolError;
use crate::kind::Kind;

/// Bytes of a header.
pub const HEADER_LEN: usize = 32;

/// Most operations in one frame. 8,192 single-line reserves are half of [`MAX_BODY`]; a larger batch gains no
/// throughput and would hold up everybody else's answers.
pub const MAX_BATCH: u32 = 8_192;

/// Most bytes in a body: bounds what one connection can make the peer buffer.
pub const MAX_BODY: u32 = 1 << 20;

/// Flag bit: the client has never sent this operation before, so no earlier answer to it can exist. Cleared on
/// every retry.
pub const FLAG_FIRST_ATTEMPT: u8 = 0x01;

/// Flag bit: traffic of a drill; counted apart in metrics.
pub const FLAG_DRILL: u8 = 0x02;

/// A decoded header, without its length and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the body carries.
    pub kind: Kind,
    /// Request: 0. Answer to operations: the load, of which [`FULL_LOAD`](crate::FULL_LOAD) is all that may wait.
    pub class: u8,
    /// Bits `FLAG_*`; unknown bits are ignored.
    pub flags: u8,
    /// The client's number for the request.
    pub correlation: u64,
    /// Request: deadline in server milliseconds, 0 for none. Answer: durable log position.
    pub time: u64,
    /// Operations in the body.
    pub count: u32,
}

impl Header {
    /// A header of this kind with everything else zero.
    pub const fn new(kind: Kind, correlation: u64, count: u32) -> Self {
        Self { kind, class: 0, flags: 0, correlation, time: 0, count }
    }

    /// Appends a whole frame to `out`: this header, then what `body` appends, then length and checksum filled in.
    ///
    /// A body over [`MAX_BODY`] is the caller's mistake; the receiver will refuse it.
    pub fn encode(&self, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[VERSION, self.kind.byte(), self.class, self.flags]);
        out.extend_from_slice(&self.correlation.to_le_bytes());
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        body(out);
        let Some(frame) = out.get_mut(start..) else { return };
        let Some((header, body)) = frame.split_at_mut_checked(HEADER_LEN) else { return };
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        put(header, 0, length);
        let checksum =
            header.get(..28).map_or(0, |covered| crc32c::crc32c_append(crc32c::crc32c(covered), body));
        put(header, 28, checksum);
    }
}

/// What the front of a receive buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// Not yet a whole frame; `needed` bytes in total would be (at least).
    Incomplete {
        /// Bytes of the whole frame, or of a header where not even that is there.
        needed: usize,
    },
    /// A checked frame.
    Frame {
        /// Its header.
        header: Header,
        /// Its body.
        body: &'a [u8],
        /// Bytes of header and body together: where the next frame starts.
        consumed: usize,
    },
}

/// Reads the frame at the front of `input`. Never allocates, never panics, whatever the bytes.
///
/// # Errors
/// The first rule of the header that the bytes break. The connection can't be used any further.
pub fn parse(input: &[u8]) -> Result<Parsed<'_>, ProtocolError> {
    let Some((raw, rest)) = input.split_first_chunk::<HEADER_LEN>() else {
        return Ok(Parsed::Incomplete { needed: HEADER_LEN });
    };
    let &[l0, l1, l2, l3, version, kind, class, flags, tail @ ..] = raw;
    if version != VERSION {
        return Err(ProtocolError::Version { found: version });
    }
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if length > MAX_BODY {
        return Err(ProtocolError::FrameTooLarge { length, limit: MAX_BODY });
    }
    let [c0, c1, c2, c3, c4, c5, c6, c7, t0, t1, t2, t3, t4, t5, t6, t7, n0, n1, n2, n3, k0, k1, k2, k3] =
        tail;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let consumed = length.saturating_add(HEADER_LEN);
    let Some(body) = rest.get(..length) else {
        return Ok(Parsed::Incomplete { needed: consumed });
    };
    let found = u32::from_le_bytes([k0, k1, k2, k3]);
    let covered = raw.get(..28).unwrap_or_default();
    let computed = crc32c::crc32c_append(crc32c::crc32c(covered), body);
    if found != computed {
        return Err(ProtocolError::Checksum { found, computed });
    }
    let kind = Kind::from_byte(kind)?;
    let count = u32::from_le_bytes([n0, n1, n2, n3]);
    if count > MAX_BATCH {
        return Err(ProtocolError::BatchSize { count, limit: MAX_BATCH });
    }
    let header = Header {
        kind,
        class,
        flags,
        correlation: u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
        time: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
        count,
    };
    Ok(Parsed::Frame { header, body, consumed })
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(chunk) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>) {
        *chunk = value.to_le_bytes();
    }
}

const _: () = assert!(HEADER_LEN == 4 + 4 + 8 + 8 + 4 + 4);
