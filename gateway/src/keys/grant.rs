//! What somebody got for a secret: a key that counts.

use std::sync::Arc;

use super::key::Key;

/// A key that counts, and the secret of it that was presented. Only a [`Keyring`](super::Keyring) makes one.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(super) key: Arc<Key>,
    /// The hash of the secret: another secret of the same key may count longer.
    pub(super) sha256: [u8; 32],
    pub(super) ends_at_ms: Option<u64>,
}

impl Grant {
    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// From when on it counts no more, milliseconds since the Unix epoch; `None`: nobody knows of an end.
    pub fn ends_at_ms(&self) -> Option<u64> {
        self.ends_at_ms
    }
}
