//! The manifest: five lines of text.

use super::VERSION;
use super::error::LogError;

/// The manifest's file.
pub(crate) const MANIFEST: &str = "MANIFEST";
/// Its first line.
pub(crate) const TITLE: &str = "doorbuster data folder";

/// What the manifest says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manifest {
    /// The log's identity, as it stands in segments and blocks.
    pub(super) log_id: [u8; 16],
    /// The newest segment that a recovery made; 0: none yet.
    pub(super) segment: u64,
}

impl Manifest {
    /// Reads it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, LogError> {
        let damaged = |what: &str| LogError::Damaged {
            file: MANIFEST.to_owned(),
            offset: 0,
            lsn: 0,
            what: format!("{what}; restore it from a backup"),
        };
        let text = str::from_utf8(bytes).map_err(|_| damaged("it is not text"))?;
        let lines: Vec<&str> = text.split('\n').collect();
        let [title, version, log, segment, checksum, ""] = lines[..] else {
            return Err(damaged("it hasn't five lines"));
        };
        let field = |line: &str, name: &str| {
            line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).map(str::to_owned)
        };
        let sum = field(checksum, "checksum").and_then(|digits| u32::from_str_radix(&digits, 16).ok());
        let covered = text.len() - checksum.len() - 1;
        if title != TITLE || sum != Some(crc32c::crc32c(&bytes[..covered])) {
            return Err(damaged("its checksum doesn't match"));
        }
        let version: u32 = field(version, "version")
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| damaged("it names no version"))?;
        if version != u32::from(VERSION) {
            return Err(LogError::Newer { file: MANIFEST.to_owned(), offset: 0, found: version });
        }
        let log_id = field(log, "log").and_then(|digits| u128::from_str_radix(&digits, 16).ok());
        let segment = field(segment, "segment").and_then(|digits| digits.parse().ok());
        match (log_id, segment) {
            (Some(log_id), Some(segment)) => Ok(Self { log_id: log_id.to_le_bytes(), segment }),
            _ => Err(damaged("it names no log, or no segment")),
        }
    }
}

/// The log's identity, as the manifest writes it.
pub(super) fn digits(log_id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_le_bytes(log_id))
}
