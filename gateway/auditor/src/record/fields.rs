//! A record's fields by their offsets.

use super::{Claim, Entry};
use crate::bytes::{u16_at, u32_at, u64_at};

/// A record's fields by their offsets, where there are as many.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn long(self, at: usize) -> Option<u64> {
        self.0.get(at..at + 8).map(|bytes| u64_at(bytes, 0))
    }

    pub(super) fn int(self, at: usize) -> Option<u32> {
        self.0.get(at..at + 4).map(|bytes| u32_at(bytes, 0))
    }

    pub(super) fn short(self, at: usize) -> Option<u16> {
        self.0.get(at..at + 2).map(|bytes| u16_at(bytes, 0))
    }

    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    /// Ids are numbers in the log, least byte first; on the wire they stand the other way round.
    pub(super) fn id(self, at: usize) -> Option<[u8; 16]> {
        let mut id = *self.0.get(at..at + 16)?.first_chunk::<16>()?;
        id.reverse();
        Some(id)
    }

    pub(super) fn claim(self, at: usize) -> Option<Claim> {
        Some(Claim { budget: self.int(at)?, cents: self.long(at + 4)? })
    }

    /// The entry, if all of its bytes are there.
    pub(super) fn whole(self, length: usize, entry: Entry) -> Option<(Entry, usize)> {
        (self.0.len() >= length).then_some((entry, length))
    }
}
