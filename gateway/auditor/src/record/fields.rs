//! A record's fields by their offsets.

use super::{Claim, Entry};
use crate::bytes::{u16_at, u32_at, u64_at};

/// A record's fields by their offsets, where there are as many.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
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

    /// The short numbers from an offset on, whose widths stand in front of all fields.
    pub(super) fn numbers(self, at: usize) -> Option<Numbers<'a>> {
        let widths = u32::from(self.short(0)?) | u32::from(self.byte(2)?) << 16;
        Some(Numbers { fields: self, widths, at })
    }

    /// The entry, if all of its bytes are there.
    pub(super) fn whole(self, length: usize, entry: Entry) -> Option<(Entry, usize)> {
        (self.0.len() >= length).then_some((entry, length))
    }
}

/// Numbers that take one, two, four or eight bytes, as two bits for each say.
pub(super) struct Numbers<'a> {
    fields: Fields<'a>,
    /// Of the next ones; that of the next lowest.
    widths: u32,
    /// Where the next one begins.
    at: usize,
}

impl Numbers<'_> {
    /// The next one.
    pub(super) fn next<N: TryFrom<u64>>(&mut self) -> Option<N> {
        let width = self.widths % 4;
        let number = match width {
            0 => self.fields.byte(self.at)?.into(),
            1 => self.fields.short(self.at)?.into(),
            2 => self.fields.int(self.at)?.into(),
            _ => self.fields.long(self.at)?,
        };
        self.at += 1 << width;
        self.widths >>= 2;
        N::try_from(number).ok()
    }

    /// Where the last one ended; none if there are widths of more.
    pub(super) fn end(self) -> Option<usize> {
        (self.widths == 0).then_some(self.at)
    }
}
