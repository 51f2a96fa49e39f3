//! What can be wrong with bytes from outside.

use crate::code::Code;

/// A frame or a body that breaks the protocol. The peer gets an error frame with [`ProtocolError::code`], then
/// the connection is closed: after a framing fault nothing behind it can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The header's version byte is not one that this side speaks.
    #[error("protocol version {found} is not supported; this side speaks {}", crate::VERSION)]
    Version {
        /// The byte that came.
        found: u8,
    },
    /// The header announces more body than a frame may have.
    #[error("frame body of {length} bytes is over the limit of {limit}")]
    FrameTooLarge {
        /// Bytes announced.
        length: u32,
        /// Bytes allowed.
        limit: u32,
    },
    /// The header announces more operations than a batch may have, or none.
    #[error("batch of {count} operations is outside 1..={limit}")]
    BatchSize {
        /// Operations announced.
        count: u32,
        /// Operations allowed.
        limit: u32,
    },
    /// The checksum over header and body does not match.
    #[error("frame checksum {found:#010x} does not match its content ({computed:#010x})")]
    Checksum {
        /// The checksum that came.
        found: u32,
        /// The checksum of what came.
        computed: u32,
    },
    /// No operation or answer has this kind.
    #[error("unknown frame kind {kind:#04x}")]
    UnknownKind {
        /// The byte that came.
        kind: u8,
    },
    /// The body is not what the kind and the count call for.
    #[error("body of a {kind} frame is malformed at operation {index}: {reason}")]
    Body {
        /// Name of the frame's kind.
        kind: &'static str,
        /// Which operation of the batch, from 0.
        index: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A code number in an answer is not in this side's table.
    #[error("unknown answer code {number}")]
    UnknownCode {
        /// The number that came.
        number: u16,
    },
}

impl ProtocolError {
    /// The code of the error frame that answers this fault.
    pub fn code(&self) -> Code {
        match self {
            Self::Version { .. } => Code::VersionMismatch,
            Self::BatchSize { count: 0, .. }
            | Self::Checksum { .. }
            | Self::Body { .. }
            | Self::UnknownCode { .. } => Code::BadRequest,
            Self::FrameTooLarge { .. } | Self::BatchSize { .. } => Code::TooLarge,
            Self::UnknownKind { .. } => Code::UnknownOperation,
        }
    }
}
