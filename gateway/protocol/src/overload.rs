//! What a server says when there is more to do than it can do in time, to clients that want to know.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::kind::Kind;

/// Feature bit of [`Hello`](crate::Hello): many frames that are refused one after the other may be answered by one [`Refused`].
pub const FEATURE_BULK_REFUSALS: u64 = 1;

/// Feature bit of [`Hello`](crate::Hello): the client keeps to the [`Credit`]s that it is sent.
pub const FEATURE_CREDITS: u64 = 2;

/// All feature bits that this version knows.
pub const FEATURES: u64 = FEATURE_BULK_REFUSALS | FEATURE_CREDITS;

/// A [`Header`](crate::Header)'s `class` in an answer: how much waits, as a share of what may, where this stands for all of it.
/// More than that: requests are being refused.
pub const FULL_LOAD: u8 = 64;

/// Frames that were refused as a whole, whose correlations follow one upon the other. 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Refused {
    /// The correlation of the first.
    pub first: u64,
    /// How many frames.
    pub frames: u32,
    /// Operations in all of them.
    pub operations: u32,
    /// Milliseconds to wait before they are sent again.
    pub retry_after_ms: u32,
    /// A [`Code`](crate::Code)'s number, of the class RETRY.
    pub code: u16,
    /// Reserved, 0.
    pub reserved: u16,
}

/// How much a connection may have unanswered from now on. 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Credit {
    /// Operations, at least 1.
    pub operations: u32,
    /// The load, as in a header of an answer.
    pub load: u8,
    /// Reserved, 0.
    pub reserved: [u8; 3],
}

impl Refused {
    /// The correlations of the frames that it answers. They go round where the numbers end, as whoever sent this may say anything.
    pub fn correlations(self) -> impl Iterator<Item = u64> {
        (0..self.frames).map(move |nth| self.first.wrapping_add(u64::from(nth)))
    }
}

impl Record for Refused {
    const KINDS: &'static [Kind] = &[Kind::Refused];
    const MIN_LEN: usize = 24;
}

impl Record for Credit {
    const KINDS: &'static [Kind] = &[Kind::Credit];
    const MIN_LEN: usize = 8;

    fn validate(&self) -> Result<(), &'static str> {
        if self.operations == 0 { Err("a credit of 0 would let nothing through for ever") } else { Ok(()) }
    }
}
