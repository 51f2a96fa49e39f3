//! What can stop a server, and the exit code that says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use doorbuster_engine::EngineError;
use doorbuster_engine::log::LogError;
use doorbuster_engine::snapshot::SnapshotError;
use doorbuster_engine::storage::StorageError;

use crate::keys::KeysError;
use crate::pseudonyms::PseudonymError;
use crate::targets::TargetsError;
use crate::tls::TlsError;

/// The server can't start or can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The data folder can't be used.
    #[error("can't {0}")]
    Storage(StorageError),
    /// The log can't be recovered.
    #[error("{prefix}{0}", prefix = attempt(.0))]
    Engine(#[from] EngineError),
    /// The log failed while serving. Nothing was acknowledged afterwards; free the disk or replace it, then start again.
    #[error(
        "the log failed, so the server stopped and acknowledged nothing more: {why}; make room on the disk or replace it, then start \
         again"
    )]
    LogFailed {
        /// The first failure.
        why: Arc<str>,
    },
    /// The keys can't be used.
    #[error("{0}")]
    Keys(KeysError),
    /// The address can't be listened on.
    #[error("can't listen on {on}: {error}; choose another address, or stop what uses this one")]
    Listen {
        /// The address.
        on: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A port would be open to whoever reaches it.
    #[error(
        "other machines can reach {on}, and this server has {lacks}: whoever gets there could do or read everything; make a key with \
         `doorbuster keys create`, set tls.certificate and tls.key, or listen on 127.0.0.1; to go without, say --set \
         security.unprotected=allow"
    )]
    Unprotected {
        /// Where.
        on: SocketAddr,
        /// What is missing.
        lacks: &'static str,
    },
    /// The server has no certificate to show.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// Shoppers can't be called in the log what they are to be called.
    #[error("{0}")]
    Pseudonyms(#[from] PseudonymError),
    /// The file of goals that the board is to show is none.
    #[error("board.targets: {why}")]
    Targets {
        /// What is wrong with it.
        why: String,
    },
    /// The operating system refused something.
    #[error("can't {doing}: {error}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// A thread of the server panicked; its message is above.
    #[error("a thread of the server panicked; please report the message above")]
    Panicked,
}

impl ServerError {
    /// The process's exit code, as `--help` lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Panicked => 1,
            Self::Unprotected { .. }
            | Self::Tls(_)
            | Self::Pseudonyms(_)
            | Self::Keys(_)
            | Self::Targets { .. } => 2,
            Self::Listen { .. } | Self::Io { .. } | Self::Engine(EngineError::Thread(_)) => 3,
            Self::Storage(_)
            | Self::Engine(
                EngineError::Log(LogError::Storage(_) | LogError::NewerVersion { .. })
                | EngineError::Snapshot(SnapshotError::Storage(_) | SnapshotError::NewerVersion { .. }),
            ) => 4,
            Self::Engine(EngineError::Poisoned { .. }) | Self::LogFailed { .. } => 6,
            Self::Engine(_) => 5,
        }
    }
}

impl From<TargetsError> for ServerError {
    fn from(error: TargetsError) -> Self {
        Self::Targets { why: error.to_string().replace('\n', "; ") }
    }
}

/// What stands in front of an engine's error: most of them name what was attempted, the others are sentences.
fn attempt(error: &EngineError) -> &'static str {
    match error {
        EngineError::Shards { .. }
        | EngineError::Log(_)
        | EngineError::Snapshot(_)
        | EngineError::Thread(_) => "can't ",
        _ => "",
    }
}
