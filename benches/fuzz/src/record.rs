//! Records of the log: what a block's payload is made of.

use doorbuster_engine::log::record::{MAX_RECORD, decode, encode};

/// Reads a payload as records up to the first that is none.
///
/// What is read is written again as a record that reads as the same, within the bound of a record; and the auditor, which has a
/// parser of its own, takes it for a record of the same length. The bytes needn't be the same: a plain order that is in the
/// wider form is written in the narrow one.
///
/// # Panics
/// One of these doesn't hold.
pub fn check(bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        let (record, used) = match decode(rest) {
            Ok(found) => found,
            Err(error) => {
                let line = error.to_string();
                assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
                return;
            }
        };
        assert!((1..=rest.len().min(MAX_RECORD + 1)).contains(&used), "{used} bytes of {record:?}");
        let mut again = Vec::new();
        encode(&record, &mut again);
        assert_eq!(decode(&again), Ok((record, again.len())), "read back from {again:02x?}");
        let audited = doorbuster_auditor::record::entry(rest[0], &rest[1..]);
        assert_eq!(audited.map(|(_, length)| length + 1), Some(used), "the auditor's length of {record:?}");
        rest = &rest[used..];
    }
}
