//! Being told of an order that waits, on the connection that asked for it.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::kind::Kind;

/// Read how an order stands, and if it waits be told when it waits no more: by a [`Push`] on the same connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Watch {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
}

/// An order that was watched waits no more. 45 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Push {
    /// The order's number.
    pub order: u64,
    /// Whose it is.
    pub user: u64,
    /// Its SKU.
    pub sku: u64,
    /// HELD: until when its units are held, server milliseconds; else 0.
    pub expires_at: u64,
    /// When it was decided, server milliseconds.
    pub at: u64,
    /// Its units.
    pub quantity: u32,
    /// What became of it, an [`OrderState`](crate::OrderState)'s byte: HELD or LAPSED.
    pub state: u8,
}

impl Record for Watch {
    const KINDS: &'static [Kind] = &[Kind::Watch];
    const MIN_LEN: usize = 16;
}

impl Record for Push {
    const KINDS: &'static [Kind] = &[Kind::Push];
    const MIN_LEN: usize = 45;
}
