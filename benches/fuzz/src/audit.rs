//! What the auditor reads: a segment of a log, or records in a log that is whole.

use doorbuster_auditor::forge::Forger;
use doorbuster_auditor::{Certified, certify, record};

const SEGMENT_MAGIC: &[u8] = b"DBRSEGMT";

/// Most bytes of records that are put in a log: one block's, well below its bound of 1 MiB.
const MOST: usize = 256 << 10;

/// Has a log certified that the bytes are the only segment of, if they begin as one; else the bytes are records, each in a block
/// whose checksum and hash are right.
///
/// # Panics
/// The auditor panics, or says less than where it stopped and why.
pub fn check(bytes: &[u8]) {
    let mut forger = Forger::new();
    if bytes.starts_with(SEGMENT_MAGIC) {
        *forger.segments_mut() = vec![bytes.to_vec()];
    } else {
        forger.block(&records(&bytes[..bytes.len().min(MOST)]));
    }
    let folder = tempfile::tempdir().expect("the machine has room for a small folder");
    forger.write(folder.path()).expect("the machine has room for a small folder");
    match certify(folder.path(), &mut |_, _| {}) {
        Ok(Certified::Sound(_)) => {}
        Ok(Certified::Contradicted(found)) => assert!(found.count > 0, "{found:?}"),
        Err(error) => assert!(!error.to_string().is_empty(), "{error:?}"),
    }
}

/// The bytes by records, as far as they are; what is left is the last one.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let Some((kind, fields)) = rest.split_first() {
        let used = record::entry(*kind, fields).map_or(rest.len(), |(_, length)| length + 1);
        assert!(used <= rest.len(), "{used} bytes of {}", rest.len());
        found.push(rest[..used].to_vec());
        rest = &rest[used..];
    }
    found
}
