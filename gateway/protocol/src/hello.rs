//! The greeting: who speaks, which version, and the bounds that the server keeps.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::kind::Kind;

/// First bytes of a HELLO body.
pub const MAGIC: [u8; 8] = *b"DOORBSTR";

/// Most bytes of the names in a greeting and of an error's message.
pub const MAX_TEXT: usize = 256;

/// The client's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// Oldest protocol version that the client speaks.
    pub oldest: u8,
    /// Newest protocol version that the client speaks.
    pub newest: u8,
    /// Wanted features, one bit each: [`FEATURES`](crate::FEATURES) says which there are.
    pub features: u64,
    /// Name of the client, for logs; UTF-8, at most [`MAX_TEXT`] bytes.
    pub client: String,
}

/// The server's answer to HELLO.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// The version to speak from here on.
    pub version: u8,
    /// 0 `always`, 1 `interval`, 2 `none`: when an acknowledged effect is on disk.
    pub durability: u8,
    /// Features that both sides have.
    pub features: u64,
    /// The server's clock, milliseconds since the Unix epoch: deadlines are in this time.
    pub now_ms: u64,
    /// Identity of the data folder: the same after a restart, another after a reset.
    pub log_id: [u8; 16],
    /// Most operations in a frame.
    pub max_batch: u32,
    /// Most bytes in a frame's body.
    pub max_body: u32,
    /// Most operations of this connection that may be unanswered; the server stops reading at this bound.
    pub max_in_flight: u32,
    /// A request id older than this, in milliseconds, is refused with `ID_TOO_OLD`.
    pub idempotency_window_ms: u64,
    /// Hold time for a Reserve that names none, milliseconds.
    pub default_hold_ms: u32,
    /// Longest hold time, milliseconds.
    pub max_hold_ms: u32,
    /// Name and version of the server, for logs.
    pub server: String,
}

/// A fault that concerns a frame as a whole (or the connection, with correlation 0).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Fault {
    /// A [`Code`](crate::Code)'s number.
    pub code: u16,
    /// Milliseconds to wait before a retry, where the code's class allows one.
    pub retry_after_ms: u32,
    /// One line for people.
    pub message: String,
}

impl Record for Hello {
    const KINDS: &'static [Kind] = &[Kind::Hello];
    const MIN_LEN: usize = 26;

    fn validate(&self) -> Result<(), &'static str> {
        if self.magic != MAGIC {
            return Err("magic is not DOORBSTR");
        }
        bounded(&self.client, "client name is over 256 bytes")
    }
}

impl Record for Welcome {
    const KINDS: &'static [Kind] = &[Kind::Welcome];
    const MIN_LEN: usize = 70;

    fn validate(&self) -> Result<(), &'static str> {
        bounded(&self.server, "server name is over 256 bytes")
    }
}

impl Record for Fault {
    const KINDS: &'static [Kind] = &[Kind::Error];
    const MIN_LEN: usize = 14;

    fn validate(&self) -> Result<(), &'static str> {
        bounded(&self.message, "message is over 256 bytes")
    }
}

fn bounded(text: &str, reason: &'static str) -> Result<(), &'static str> {
    if text.len() <= MAX_TEXT { Ok(()) } else { Err(reason) }
}
