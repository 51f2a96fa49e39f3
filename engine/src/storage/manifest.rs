//! The manifest: which log a data folder holds, and in which format.
//!
//! A short text file, so that an operator can read it, with a checksum in its last line:
//!
//! ```text
//! doorbuster data folder
//! version 1
//! log 5f0c6f0e8ea94d0d9d3b8f6c8c1e2a77
//! segment 3
//! checksum 7a41c2d0
//! ```
//!
//! `segment` is the number of the newest segment that the last recovery made, 0 before the first: a folder whose
//! segments were lost is told from one that never had any. Every later version keeps the first two lines and the
//! checksum line, so that "newer" and "damaged" stay two different answers.

use std::fmt;

use super::{Storage, StorageError};

/// Name of the manifest in a data folder.
pub const MANIFEST: &str = "MANIFEST";

/// Version of the data folder's format that this build writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

const TITLE: &str = "doorbuster data folder";

/// Identity of a log: random, given once, in every segment and block, so that the files of two logs can't mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogId(u128);

impl LogId {
    /// Takes a number for an identity.
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// What a data folder says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The log in this folder.
    pub log_id: LogId,
    /// Number of the newest segment that a recovery made; 0 while there was none. Older ones and this one must
    /// exist.
    pub segment: u64,
}

impl Manifest {
    /// Reads the manifest, or answers `None` where there is none.
    ///
    /// # Errors
    /// The file can't be read, is damaged, or is of a newer version.
    pub fn read(storage: &dyn Storage) -> Result<Option<Self>, StorageError> {
        let Some(content) = storage.read_small(MANIFEST)? else { return Ok(None) };
        let damaged = |reason| StorageError::Manifest { file: MANIFEST.to_owned(), reason };
        let text = str::from_utf8(&content).map_err(|_| damaged("it is not text"))?;
        if !text.starts_with(TITLE) {
            return Err(damaged("it does not start as a manifest does"));
        }
        let (covered, checksum) = text
            .strip_suffix('\n')
            .and_then(|text| text.rsplit_once("checksum "))
            .ok_or_else(|| damaged("it has no checksum line"))?;
        if u32::from_str_radix(checksum, 16) != Ok(crc32c::crc32c(covered.as_bytes())) {
            return Err(damaged("its checksum does not match"));
        }
        let field = |name: &str| covered.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let version = field("version").and_then(|text| text.parse().ok());
        let version: u32 = version.ok_or_else(|| damaged("it has no version"))?;
        if version > FORMAT_VERSION {
            let file = MANIFEST.to_owned();
            return Err(StorageError::Version { file, found: version, supported: FORMAT_VERSION });
        }
        let log_id = field("log").and_then(|text| u128::from_str_radix(text, 16).ok());
        let segment = field("segment").and_then(|text| text.parse().ok());
        Ok(Some(Self {
            log_id: LogId(log_id.ok_or_else(|| damaged("it has no log id"))?),
            segment: segment.ok_or_else(|| damaged("it has no segment number"))?,
        }))
    }

    /// Replaces the manifest and makes it durable.
    ///
    /// # Errors
    /// It can't be written; the old one or the new is there.
    pub fn write(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        storage.write_small(MANIFEST, self.text(FORMAT_VERSION).as_bytes())
    }

    fn text(&self, version: u32) -> String {
        let covered = format!("{TITLE}\nversion {version}\nlog {}\nsegment {}\n", self.log_id, self.segment);
        let checksum = crc32c::crc32c(covered.as_bytes());
        format!("{covered}checksum {checksum:08x}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SimStorage;

    const SAMPLE: Manifest = Manifest { log_id: LogId(0x77), segment: 3 };

    #[test]
    fn manifest_text_is_golden() {
        let golden = "doorbuster data folder\nversion 1\nlog 00000000000000000000000000000077\nsegment 3\n\
                      checksum 920fb0f6\n";
        assert_eq!(SAMPLE.text(1), golden);
    }

    #[test]
    fn a_written_manifest_reads_back() {
        let storage = SimStorage::new(1);
        SAMPLE.write(&storage).unwrap();
        assert_eq!(Manifest::read(&storage).unwrap(), Some(SAMPLE));
    }

    #[test]
    fn a_newer_manifest_is_refused_as_newer() {
        let storage = SimStorage::new(1);
        storage.write_small(MANIFEST, SAMPLE.text(2).as_bytes()).unwrap();
        let error = Manifest::read(&storage).unwrap_err();
        assert!(matches!(error, StorageError::Version { found: 2, supported: 1, .. }), "{error}");
    }

    #[test]
    fn every_flipped_byte_of_a_manifest_is_refused_as_damage() {
        let text = SAMPLE.text(1).into_bytes();
        for index in 0..text.len() {
            let storage = SimStorage::new(1);
            let mut damaged = text.clone();
            damaged[index] ^= 0x01;
            storage.write_small(MANIFEST, &damaged).unwrap();
            let error = Manifest::read(&storage).unwrap_err();
            assert!(matches!(error, StorageError::Manifest { .. }), "byte {index}: {error}");
        }
    }
}
