//! What went wrong below the answers.

use std::time::Duration;

use doorbuster_protocol::{Code, ProtocolError};

/// A failure of the transport, of the protocol, or of every try. A refusal is no error: see
/// [`Outcome`](crate::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection could be made. Check the address and whether the server runs.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The address that was tried.
        address: String,
        /// What the system or the server said.
        reason: String,
    },
    /// The server refuses the client's key: it was revoked, has ended, or is another server's. Give the client one that counts.
    #[error("{address} refuses the key: {reason}")]
    Denied {
        /// The address that was tried.
        address: String,
        /// What the server said.
        reason: String,
    },
    /// The request breaks a rule of the protocol; it was not sent.
    #[error("invalid request: {0}")]
    Invalid(&'static str),
    /// Nothing was executed: every try failed before it was sent, or the request only reads. It may be sent again.
    #[error("no connection after {tries} tries: {reason}")]
    Unavailable {
        /// How often it was tried.
        tries: u32,
        /// The last failure.
        reason: String,
    },
    /// Not sent: the server refuses most of what this client asks for just now, because it is asked for too much. Nothing was
    /// executed. Try again in a second or two, or tell the shopper to.
    #[error("held back: the server is overloaded and refuses most requests")]
    HeldBack,
    /// The request was sent and no answer came: it may have taken effect. Send it again with the same request id
    /// (or payment id) to learn what happened.
    #[error("outcome unknown after {tries} tries: {reason}")]
    Uncertain {
        /// How often it was tried.
        tries: u32,
        /// The last failure.
        reason: String,
    },
    /// The server refused the whole frame; nothing in it was executed.
    #[error("server refused the frame: {code}: {message}")]
    Fault {
        /// The code.
        code: Code,
        /// The server's line for people.
        message: String,
        /// How long to wait before the next try, where the code's class is RETRY.
        retry_after: Duration,
    },
    /// The feed can't go on from this position.
    #[error("feed from position {from}: {code}: {}; the log is durable up to position {durable}", code.meaning())]
    Feed {
        /// The code.
        code: Code,
        /// The position that was asked for.
        from: u64,
        /// The log position up to which everything is durable.
        durable: u64,
    },
    /// The server has another log than the feed began with: its data was reset, or another server answers. Positions
    /// mean something else there; what was built from the feed must be built anew, from position 0.
    #[error("feed from position {from}: the server's log is another one now; build anew from position 0")]
    OtherLog {
        /// The position that was asked for.
        from: u64,
    },
    /// The server sent bytes that break the protocol. Client and server may be of different versions.
    #[error("answer breaks the protocol: {0}")]
    Protocol(#[from] ProtocolError),
}
