//! Shoppers under other names: what the log, the feed and reports call them says nothing to somebody who lacks the key.
//!
//! A pseudonym is the SipHash-2-4 (Aumasson and Bernstein, 2012) of what a client calls somebody, by a key of 128 bits that lies
//! outside of the data folder. Whoever has a number and the key finds its pseudonym, as limits need it; nobody finds the number
//! from the pseudonym but by trying all numbers with the key, and without the key not at all. Two of n shoppers share a pseudonym
//! with a probability of n² / 2⁶⁵: of 100 million, once in 3,700 shops.
//!
//! A log is of one key, or of none, from its first event on: under another key every shopper would be a new one, with limits to use
//! again. The data folder says which key it is of by a fingerprint, and a server with another one does not start.

use std::fmt;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use doorbuster_protocol::people::Person;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

/// The file in a data folder that says which key its log is of.
pub(crate) const FILE: &str = "shoppers.json";

/// Version of that file.
const SCHEMA_VERSION: u32 = 1;

/// Digits of a key.
const DIGITS: usize = 32;

/// Bytes at most that are read of either file: many times what either has.
const MAX_FILE: u64 = 4 << 10;

/// See the module's doc.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 16],
}

/// A log and a key don't go together, or one of the files is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PseudonymError {
    /// A file can't be read or written.
    #[error("can't {doing} {}: {error}", .file.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// With which file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The key is none.
    #[error("{} holds no key: it must be 32 hexadecimal digits on a line, as `openssl rand -hex 16` makes them", .file.display())]
    NoKey {
        /// Where it should be.
        file: PathBuf,
    },
    /// What the data folder says of its key can't be read.
    #[error("{} does not say which key shoppers' pseudonyms are by: {why}", .file.display())]
    Garbled {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The log's shoppers have pseudonyms, and no key was given.
    #[error(
        "shoppers have pseudonyms in this log, by the key with the fingerprint {wanted}; name its file with log.shopper_key"
    )]
    KeyWanted {
        /// The key's fingerprint.
        wanted: String,
    },
    /// The log is of another key.
    #[error(
        "shoppers have pseudonyms in this log by the key with the fingerprint {wanted}, and log.shopper_key is {found}: under another \
         key every shopper would be a new one"
    )]
    OtherKey {
        /// The fingerprint of the log's key.
        wanted: String,
        /// That of the key that was given.
        found: String,
    },
    /// The log was begun without a key.
    #[error(
        "this log calls shoppers what clients call them, and can't be given a key any more; begin a new one, or leave \
         log.shopper_key off"
    )]
    Begun,
}

/// What stands in a data folder.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    schema_version: u32,
    fingerprint: String,
}

impl fmt::Debug for Pseudonyms {
    /// The key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pseudonyms").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl Pseudonyms {
    /// By this key.
    pub fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// By the key in a file.
    ///
    /// # Errors
    /// It can't be read, or holds none.
    pub fn read(file: &Path) -> Result<Self, PseudonymError> {
        let text = text(file)?;
        let no_key = || PseudonymError::NoKey { file: file.to_owned() };
        let digits = text.trim();
        if digits.len() != DIGITS || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(no_key());
        }
        u128::from_str_radix(digits, 16).map(|key| Self::new(key.to_be_bytes())).map_err(|_| no_key())
    }

    /// What somebody is called.
    #[inline]
    pub fn of(&self, person: Person, number: u64) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        // Who is a shopper here and a device there is not to be found out by equal names.
        hasher.write_u8(match person {
            Person::Shopper => 0,
            Person::Device => 1,
            Person::Address => 2,
            Person::PayAccount => 3,
        });
        hasher.write_u64(number.to_le());
        // 0 of a device and the like says that none is known.
        hasher.finish().max(1)
    }

    /// Tells keys apart, and says nothing else about them.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::derive_key("doorbuster 2026-11-23 fingerprint of a shopper key", &self.key);
        let [first, ..] = hash.as_chunks::<8>().0 else { return String::new() };
        format!("{:016x}", u64::from_be_bytes(*first))
    }

    /// Checks that the log in a folder is of this key, or of none. A log that has not begun is of this key from now on.
    ///
    /// # Errors
    /// It is of another one, or the folder's file can't be read or written.
    pub(crate) fn bind(this: Option<&Self>, folder: &Path, has_begun: bool) -> Result<(), PseudonymError> {
        let wanted = wanted(folder)?;
        match (this.map(Self::fingerprint), wanted) {
            (None, None) => Ok(()),
            (None, Some(wanted)) => Err(PseudonymError::KeyWanted { wanted }),
            (Some(found), Some(wanted)) if found == wanted => Ok(()),
            (Some(found), Some(wanted)) => Err(PseudonymError::OtherKey { wanted, found }),
            (Some(_), None) if has_begun => Err(PseudonymError::Begun),
            (Some(fingerprint), None) => {
                write(folder, &Marker { schema_version: SCHEMA_VERSION, fingerprint })
            }
        }
    }
}

/// The fingerprint of the key that a folder's log is of; `None`: of none.
pub(crate) fn wanted(folder: &Path) -> Result<Option<String>, PseudonymError> {
    let file = folder.join(FILE);
    let text = match text(&file) {
        Err(PseudonymError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let garbled = |why: String| PseudonymError::Garbled { file: file.clone(), why };
    let marker: Marker = serde_json::from_str(&text).map_err(|error| garbled(error.to_string()))?;
    if marker.schema_version != SCHEMA_VERSION {
        return Err(garbled(format!("its schema_version is {}, and not 1", marker.schema_version)));
    }
    Ok(Some(marker.fingerprint))
}

/// Carries what a folder says of its key along with a copy of its log.
pub(crate) fn carry(from: &Path, to: &Path) -> Result<(), PseudonymError> {
    match wanted(from)? {
        Some(fingerprint) => write(to, &Marker { schema_version: SCHEMA_VERSION, fingerprint }),
        None => Ok(()),
    }
}

fn text(file: &Path) -> Result<String, PseudonymError> {
    let failed = |error| PseudonymError::Io { doing: "read", file: file.to_owned(), error };
    let mut text = String::new();
    File::open(file).map_err(failed)?.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes it aside, and gives it its name when it is on disk.
fn write(folder: &Path, marker: &Marker) -> Result<(), PseudonymError> {
    let file = folder.join(FILE);
    let failed = |error: io::Error| PseudonymError::Io { doing: "write", file: file.clone(), error };
    let text = serde_json::to_string(marker).map_err(|error| failed(error.into()))?;
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    writeln!(aside, "{text}").map_err(failed)?;
    aside.as_file().sync_all().map_err(failed)?;
    aside.persist(&file).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> Pseudonyms {
        Pseudonyms::new([byte; 16])
    }

    /// 0, 1, 2 and so on.
    fn bytes<const N: usize>() -> [u8; N] {
        std::array::from_fn(|at| u8::try_from(at).unwrap())
    }

    #[test]
    fn a_pseudonym_is_by_the_key_the_kind_and_the_number() {
        let one = key(1).of(Person::Shopper, 42);
        assert_eq!(one, key(1).of(Person::Shopper, 42));
        let others = [
            key(2).of(Person::Shopper, 42),
            key(1).of(Person::Shopper, 43),
            key(1).of(Person::Device, 42),
            42,
        ];
        assert!(!others.contains(&one));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // The example of the SipHash paper's appendix A: a key and a message of the bytes 0, 1, 2 and so on.
        let mut hasher = SipHasher24::new_with_key(&bytes::<16>());
        hasher.write(&bytes::<15>());
        assert_eq!(hasher.finish(), 0xA129_CA61_49BE_45E5);
    }

    #[test]
    fn a_key_is_32_hexadecimal_digits() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Pseudonyms::read(&file)
        };
        let digits = "0102030405060708090a0b0c0d0e0f10";
        let same = Pseudonyms::new(bytes().map(|byte| byte + 1));
        assert_eq!(read(&format!("{digits}\n")).unwrap().fingerprint(), same.fingerprint());
        for text in ["", "12", &format!("{digits}0"), &format!("+{}", &digits[1..]), &"g".repeat(32)] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("holds no key: it must be 32 hexadecimal digits"), "{text}: {error}");
            assert!(!error.contains("0102"), "no part of a key is repeated: {error}");
        }
        let none = Pseudonyms::read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(none.starts_with("can't read ") && none.contains("No such file"), "{none}");
        assert!(!format!("{same:?}").contains("0203"), "{same:?}");
    }

    #[test]
    fn a_log_is_of_one_key_from_its_first_event_on() {
        let folder = tempfile::tempdir().unwrap();
        let bind = |key: Option<&Pseudonyms>, has_begun| Pseudonyms::bind(key, folder.path(), has_begun);
        let said = |bound: Result<(), PseudonymError>| bound.unwrap_err().to_string();
        bind(None, true).unwrap();
        assert!(
            said(bind(Some(&key(1)), true)).starts_with("this log calls shoppers what clients call them")
        );
        bind(Some(&key(1)), false).unwrap();
        bind(Some(&key(1)), true).unwrap();
        let fingerprint = key(1).fingerprint();
        let wanted = said(bind(None, true));
        assert!(wanted.contains(&fingerprint) && wanted.contains("log.shopper_key"), "{wanted}");
        let other = said(bind(Some(&key(2)), true));
        assert!(other.contains(&fingerprint) && other.contains(&key(2).fingerprint()), "{other}");

        let copy = tempfile::tempdir().unwrap();
        carry(folder.path(), copy.path()).unwrap();
        assert_eq!(super::wanted(copy.path()).unwrap(), Some(fingerprint));
        for text in ["", "{}", "{\"schema_version\":2,\"fingerprint\":\"0\"}"] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert!(said(bind(None, true)).contains("does not say which key"), "{text}");
        }
    }
}
