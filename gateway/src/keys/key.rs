//! One key as it is kept: its name, what it is for, and the hashes of its secrets.

use std::fmt;
use std::str::FromStr;

use doorbuster_protocol::{Role, Secret};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::error::KeysError;

/// Longest name of a key, bytes.
const MAX_NAME: usize = 64;

/// Most channels that a key is bound to: more than a shop has, and a list of them is searched for each order.
pub const MAX_CHANNELS: usize = 64;

/// What a key is called: in lists, and in the lines of the audit. Letters, digits and some signs alone, so that it can stand in any line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeyName(String);

impl KeyName {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyName {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
        let good =
            (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with(['.', '-']);
        if good { Ok(Self(text.to_owned())) } else { Err(KeysError::Name) }
    }
}

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A secret as it is kept: its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// SHA-256 of the secret's bytes.
    #[serde(serialize_with = "write_hex", deserialize_with = "read_hex")]
    pub sha256: [u8; 32],
    /// When it was made, milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// From when on it counts no more, as another has taken its place.
    pub ends_at_ms: Option<u64>,
}

impl Stored {
    /// The hash under which a secret is kept.
    pub(super) fn hash(secret: &Secret) -> [u8; 32] {
        Sha256::digest(secret.bytes()).into()
    }
}

/// See the module's doc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name.
    pub name: KeyName,
    /// What it is for.
    #[serde(serialize_with = "write_role", deserialize_with = "read_role")]
    pub role: Role,
    /// The channels that it is bound to, ascending; none: it may use all.
    pub channels: Vec<u16>,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_at_ms: u64,
    /// From when on it counts no more, whatever its secrets.
    pub expires_at_ms: Option<u64>,
    /// When it was revoked.
    pub revoked_at_ms: Option<u64>,
    /// Its secrets, the latest first.
    pub secrets: Vec<Stored>,
}

impl Key {
    /// Whether it counts, by any of its secrets.
    pub fn is_live(&self, now_ms: u64) -> bool {
        self.secrets.iter().any(|stored| self.ends_at(stored).is_none_or(|end| now_ms < end))
    }

    /// From when on it doesn't count by this secret; `None`: nobody knows of an end.
    pub(super) fn ends_at(&self, stored: &Stored) -> Option<u64> {
        [self.expires_at_ms, self.revoked_at_ms, stored.ends_at_ms].into_iter().flatten().min()
    }

    /// What is wrong with it, of what its fields can't say.
    pub(super) fn fault(&self) -> Option<KeysError> {
        if !self.channels.is_empty() && self.role != Role::Storefront {
            return Some(KeysError::Unbound { role: self.role.name() });
        }
        (self.channels.len() > MAX_CHANNELS).then_some(KeysError::Full {
            what: "channels of a key",
            found: self.channels.len(),
            most: MAX_CHANNELS,
            instead: "make several keys",
        })
    }
}

fn write_hex<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    to.serialize_str(&digits.collect::<String>())
}

fn read_hex<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || D::Error::custom("a hash has 64 hexadecimal digits");
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (nth, byte) in hash.iter_mut().enumerate() {
        let pair = text.get(2 * nth..2 * nth + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference to the field")]
fn write_role<S: Serializer>(role: &Role, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(role.name())
}

fn read_role<'de, D: Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
    let name = String::deserialize(from)?;
    Role::from_name(&name).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        D::Error::custom(format_args!("there is no role {name:?}; there are {}", known.join(", ")))
    })
}
