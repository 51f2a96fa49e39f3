//! Why nothing could be measured.

use std::io;
use std::path::PathBuf;

/// See the module's doc.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// A program isn't there.
    #[error("can't start {program}: {error}; {remedy}")]
    Program {
        /// Which.
        program: String,
        /// Why not.
        error: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A server didn't come up.
    #[error("{server} didn't answer within 30 s; its log: {log}")]
    Silent {
        /// Which.
        server: &'static str,
        /// What it has said.
        log: String,
    },
    /// A program failed.
    #[error("{program} failed: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it has said.
        said: String,
    },
    /// A server refused what it should do.
    #[error("{server} replied {reply} where a unit was to be held: nothing that it does is worth measuring")]
    Refused {
        /// Which.
        server: &'static str,
        /// The reply.
        reply: String,
    },
    /// A connection broke.
    #[error("{server}: {error}")]
    Connection {
        /// Which.
        server: &'static str,
        /// Why.
        error: io::Error,
    },
    /// A file of the measurement.
    #[error("{file}: {error}", file = file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
}
