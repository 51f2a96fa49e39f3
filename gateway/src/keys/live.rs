//! The keys that count now, for all who look: reactors and the admin port.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::error::KeysError;
use super::file::{KeyFile, Stamp};
use super::key::Key;
use super::ring::Keyring;
use crate::audit;

/// The keys, and what they were read from.
#[derive(Debug)]
struct Held {
    ring: Arc<Keyring>,
    /// Of the file, when it was last looked at: what was refused is refused once.
    seen: Option<Stamp>,
}

/// See the module's doc. Who looks at the file writes, the others read.
#[derive(Debug)]
pub(crate) struct LiveKeys {
    file: Option<KeyFile>,
    held: Mutex<Held>,
    /// Raised behind each change of the ring, with release; read with acquire, so that who sees it sees the change.
    generation: AtomicU64,
}

impl LiveKeys {
    /// The keys in a file; without one there are none, and never will be.
    ///
    /// # Errors
    /// See [`KeyFile::read`].
    pub(crate) fn open(path: Option<PathBuf>) -> Result<Self, KeysError> {
        let file = path.map(KeyFile::at);
        // Before it is read: a change in between is found at the next look.
        let seen = file.as_ref().and_then(KeyFile::stamp);
        let ring = Arc::new(file.as_ref().map(KeyFile::read).transpose()?.unwrap_or_default());
        Ok(Self { file, held: Mutex::new(Held { ring, seen }), generation: AtomicU64::new(0) })
    }

    /// A number that is another one after each change.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys that count now.
    pub(crate) fn ring(&self) -> Arc<Keyring> {
        Arc::clone(&self.held.lock().ring)
    }

    /// Reads the file if it is another one than at the last look. Says whether that changed the keys.
    ///
    /// # Errors
    /// Something is wrong with the file, and the keys stay as they were. The same is said once.
    pub(crate) fn look(&self) -> Result<bool, KeysError> {
        let Some(file) = &self.file else { return Ok(false) };
        let mut held = self.held.lock();
        let seen = file.stamp();
        if seen == held.seen {
            return Ok(false);
        }
        held.seen = seen;
        let outcome = self.read(file, &mut held);
        drop(held);
        outcome
    }

    /// Reads the file. Says whether that changed the keys.
    ///
    /// # Errors
    /// Something is wrong with the file, and the keys stay as they were.
    pub(crate) fn reload(&self) -> Result<bool, KeysError> {
        let Some(file) = &self.file else { return Ok(false) };
        let mut held = self.held.lock();
        held.seen = file.stamp();
        let outcome = self.read(file, &mut held);
        drop(held);
        outcome
    }

    /// Reads the file, and changes nothing.
    ///
    /// # Errors
    /// [`reload`](Self::reload) would fail.
    pub(crate) fn check(&self) -> Result<(), KeysError> {
        let Some(file) = &self.file else { return Ok(()) };
        fit(file, &self.ring()).map(drop)
    }

    fn read(&self, file: &KeyFile, held: &mut Held) -> Result<bool, KeysError> {
        let ring = fit(file, &held.ring)?;
        let changed = !ring.keys().eq(held.ring.keys());
        if changed {
            let on = difference(&held.ring, &ring);
            tracing::info!(target: audit::TARGET, what = "KEYS", on, file = file.name(), "keys have changed");
            held.ring = Arc::new(ring);
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(changed)
    }
}

/// The keys in a file, if they may take the place of those that there are.
fn fit(file: &KeyFile, before: &Keyring) -> Result<Keyring, KeysError> {
    let is_there = file.stamp().is_some();
    let ring = file.read()?;
    if ring.is_empty() && !before.is_empty() {
        let what = if is_there { "has no keys any more" } else { "is gone" };
        return Err(KeysError::Vanished { file: file.name(), what });
    }
    Ok(ring)
}

/// Which keys are others, by their names.
fn difference(before: &Keyring, now: &Keyring) -> String {
    let mut said = Vec::new();
    for key in now.keys() {
        let what = match before.keys().find(|known| known.name == key.name) {
            None => "created",
            Some(known) if known == key => continue,
            Some(known) if known.revoked_at_ms.is_none() && key.revoked_at_ms.is_some() => "revoked",
            Some(known) if known.secrets != key.secrets => "rotated",
            Some(_) => "changed",
        };
        said.push(format!("{what} {}", key.name));
    }
    let is_gone = |key: &&Key| now.keys().all(|known| known.name != key.name);
    said.extend(before.keys().filter(is_gone).map(|key| format!("removed {}", key.name)));
    said.join(", ")
}
