//! Who a client is, and what it may do: the proof that it sends, and what it is told.

use bincode::{Decode, Encode};

use crate::answer::bytes_enum;
use crate::body::Record;
use crate::kind::Kind;
use crate::secret::Secret;

bytes_enum! {
    /// What a key is for.
    Role {
        /// A shop: holds, payments, cancels, and the reads that go with them; on its channels only, where it is bound to some.
        Storefront = 1, "storefront";
        /// A program that follows what happens: the feed, and reads.
        Feed = 2, "feed";
        /// Whoever runs the sale: everything.
        Operator = 3, "operator";
        /// Whoever looks on: reads, metrics and the live board.
        Observer = 4, "observer";
    }
}

impl Role {
    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }
}

/// A client's proof of who it is. 32 bytes.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Auth {
    /// The secret of a key.
    pub secret: Secret,
}

/// What a client may do from now on. 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Access {
    /// When that ends, in server milliseconds; 0: nobody knows of an end.
    pub ends_at: u64,
    /// The byte of the key's [`Role`].
    pub role: u8,
    /// Reserved, 0.
    pub reserved: [u8; 7],
}

impl Record for Auth {
    const KINDS: &'static [Kind] = &[Kind::Auth];
    const MIN_LEN: usize = 32;
}

impl Record for Access {
    const KINDS: &'static [Kind] = &[Kind::Authenticated];
    const MIN_LEN: usize = 16;
}
