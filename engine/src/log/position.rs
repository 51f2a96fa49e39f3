//! Numbers that say where something is in the log. Each is a type of its own, so that none is taken for another.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Takes a plain number for one of this kind.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// The plain number.
            pub const fn get(self) -> u64 {
                self.0
            }

            /// The one that is `count` further on.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add(count))
            }

            /// The one before; of 0, 0.
            #[must_use]
            pub const fn before(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

number! {
    /// A log position: how many events stand before it, from the start of the log. 0 is the start.
    Lsn
}
number! {
    /// A block's number in the log, from 0.
    BlockNumber
}
number! {
    /// A segment's number, from 1; its file is named after it.
    SegmentNumber
}
/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// The segment.
    pub segment: SegmentNumber,
    /// Byte offset in the segment's file.
    pub offset: u64,
    /// The block.
    pub block: BlockNumber,
}

number! {
    /// How often the log was taken over: each recovery starts the next epoch. The first is 1.
    Epoch
}
number! {
    /// A random number for each start of a process: who wrote a block.
    Owner
}
