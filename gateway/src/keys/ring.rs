//! All keys, as one file has them.

use std::sync::Arc;

use doorbuster_engine::storage::random_u64;
use doorbuster_protocol::{Role, SECRET_LEN, Secret};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::error::KeysError;
use super::grant::Grant;
use super::key::{Key, KeyName, Stored};

/// Most keys, those that were revoked included: every proof is compared with all of them.
pub const MAX_KEYS: usize = 256;

/// Most secrets of a key that count at the same time: one for each step of a rotation that goes through the services of a shop.
pub const MAX_SECRETS: usize = 4;

/// The version of the file.
const SCHEMA_VERSION: u32 = 1;

/// See the module's doc.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<Arc<Key>>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name.
    pub name: KeyName,
    /// What it is for.
    pub role: Role,
    /// The channels that it is bound to; none: it may use all.
    pub channels: Vec<u16>,
    /// From when on it counts no more, milliseconds since the Unix epoch.
    pub expires_at_ms: Option<u64>,
}

/// The file's document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<K> {
    schema_version: u32,
    keys: Vec<K>,
}

impl Keyring {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document: Document<Key> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Document { schema_version, mut keys } = document;
        if schema_version != SCHEMA_VERSION {
            return Err(format!(
                "schema_version is {schema_version}, and this version reads {SCHEMA_VERSION}"
            ));
        }
        if keys.len() > MAX_KEYS {
            return Err(format!("it has {} keys, and {MAX_KEYS} at most are read", keys.len()));
        }
        for key in &mut keys {
            key.channels.sort_unstable();
            key.channels.dedup();
            if let Some(fault) = key.fault() {
                return Err(format!("key {}: {fault}", key.name));
            }
            if !(1..=MAX_SECRETS).contains(&key.secrets.len()) {
                let found = key.secrets.len();
                return Err(format!("key {} has {found} secrets, not 1 to {MAX_SECRETS}", key.name));
            }
        }
        for (nth, key) in keys.iter().enumerate() {
            if keys.iter().skip(nth + 1).any(|other| other.name == key.name) {
                return Err(format!("two keys are named {}", key.name));
            }
        }
        Ok(Self { keys: keys.into_iter().map(Arc::new).collect() })
    }

    /// A file's text.
    pub(super) fn text(&self) -> String {
        let keys: Vec<&Key> = self.keys.iter().map(Arc::as_ref).collect();
        let document = Document { schema_version: SCHEMA_VERSION, keys };
        // Texts, numbers and lists alone: JSON has them all.
        let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether there never was a key: then everything is open.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Every key, those that were revoked or have ended included, in the order in which they were made.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(Arc::as_ref)
    }

    /// What is granted for a secret.
    pub fn find(&self, secret: &Secret, now_ms: u64) -> Option<Grant> {
        self.look_up(Stored::hash(secret), now_ms)
    }

    /// What is granted now for what was granted before; `None`: nothing any more.
    pub fn renewed(&self, grant: &Grant, now_ms: u64) -> Option<Grant> {
        self.look_up(grant.sha256, now_ms)
    }

    /// Compares with every hash, whether one was found or not.
    fn look_up(&self, sha256: [u8; 32], now_ms: u64) -> Option<Grant> {
        let mut found = None;
        for key in &self.keys {
            for stored in &key.secrets {
                let is_it = bool::from(stored.sha256.ct_eq(&sha256));
                let ends_at_ms = key.ends_at(stored);
                if is_it && ends_at_ms.is_none_or(|end| now_ms < end) {
                    found = Some(Grant { key: Arc::clone(key), sha256, ends_at_ms });
                }
            }
        }
        found
    }

    /// When next a secret ends, after now; `u64::MAX`: nobody knows of an end.
    pub(crate) fn next_end(&self, now_ms: u64) -> u64 {
        let ends =
            self.keys.iter().flat_map(|key| key.secrets.iter().filter_map(|stored| key.ends_at(stored)));
        ends.filter(|end| *end > now_ms).min().unwrap_or(u64::MAX)
    }

    /// Makes a key, and gives its secret, which nobody can be told a second time.
    ///
    /// # Errors
    /// Its name is taken, its channels don't go with its role, or there is no room.
    pub fn create(&mut self, wanted: NewKey, now_ms: u64) -> Result<Secret, KeysError> {
        let NewKey { name, role, mut channels, expires_at_ms } = wanted;
        channels.sort_unstable();
        channels.dedup();
        let secret = fresh_secret()?;
        let stored = Stored { sha256: Stored::hash(&secret), created_at_ms: now_ms, ends_at_ms: None };
        let key = Key {
            name,
            role,
            channels,
            created_at_ms: now_ms,
            expires_at_ms,
            revoked_at_ms: None,
            secrets: vec![stored],
        };
        if let Some(fault) = key.fault() {
            return Err(fault);
        }
        if self.keys.iter().any(|known| known.name == key.name && known.is_live(now_ms)) {
            return Err(KeysError::Exists { name: key.name.to_string() });
        }
        // One of that name counts no more, and its place is taken.
        self.keys.retain(|known| known.name != key.name);
        if self.keys.len() >= MAX_KEYS {
            self.forget_the_oldest_dead(now_ms)?;
        }
        self.keys.push(Arc::new(key));
        Ok(secret)
    }

    /// Gives a key a new secret. Those that it has count for so much longer at most, milliseconds.
    ///
    /// # Errors
    /// No key of this name counts, or too many of its secrets still do.
    pub fn rotate(&mut self, name: &KeyName, overlap_ms: u64, now_ms: u64) -> Result<Secret, KeysError> {
        let secret = fresh_secret()?;
        let key = self.live(name, now_ms)?;
        let end = now_ms.saturating_add(overlap_ms);
        let mut secrets =
            vec![Stored { sha256: Stored::hash(&secret), created_at_ms: now_ms, ends_at_ms: None }];
        for stored in &key.secrets {
            let ends_at_ms = stored.ends_at_ms.map_or(end, |earlier| earlier.min(end));
            if ends_at_ms > now_ms {
                secrets.push(Stored { ends_at_ms: Some(ends_at_ms), ..*stored });
            }
        }
        if secrets.len() > MAX_SECRETS {
            return Err(KeysError::Full {
                what: "secrets of this key that count",
                found: secrets.len() - 1,
                most: MAX_SECRETS - 1,
                instead: "wait until one ends, or rotate with --overlap 0s, which ends them now",
            });
        }
        key.secrets = secrets;
        Ok(secret)
    }

    /// Revokes a key: from now on it doesn't count.
    ///
    /// # Errors
    /// No key of this name counts.
    pub fn revoke(&mut self, name: &KeyName, now_ms: u64) -> Result<(), KeysError> {
        self.live(name, now_ms)?.revoked_at_ms = Some(now_ms);
        Ok(())
    }

    fn live(&mut self, name: &KeyName, now_ms: u64) -> Result<&mut Key, KeysError> {
        let found = self.keys.iter_mut().find(|key| key.name == *name && key.is_live(now_ms));
        found.map(Arc::make_mut).ok_or_else(|| KeysError::Unknown { name: name.to_string() })
    }

    /// Makes room: of keys that count no more, the one that was made first is not needed.
    fn forget_the_oldest_dead(&mut self, now_ms: u64) -> Result<(), KeysError> {
        match self.keys.iter().position(|key| !key.is_live(now_ms)) {
            Some(oldest) => {
                self.keys.remove(oldest);
                Ok(())
            }
            None => Err(KeysError::Full {
                what: "keys that count",
                found: self.keys.len(),
                most: MAX_KEYS,
                instead: "revoke those that nobody uses",
            }),
        }
    }
}

/// A secret of the operating system's random bytes.
fn fresh_secret() -> Result<Secret, KeysError> {
    let mut bytes = [0; SECRET_LEN];
    for chunk in bytes.as_chunks_mut::<8>().0 {
        *chunk = random_u64().map_err(|error| KeysError::Randomness(error.to_string()))?.to_le_bytes();
    }
    Ok(Secret::new(bytes))
}
