//! The snapshots of a data folder, by their names.

use crate::log::Lsn;
use crate::storage::{Storage, StorageError};

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".snap";

/// Name of the snapshot that is being written. Left by a crash, the next one overwrites it.
pub(crate) const ASIDE: &str = "snapshot.tmp";

/// The file of the snapshot of a position.
pub fn name(lsn: Lsn) -> String {
    format!("{PREFIX}{lsn:020}{SUFFIX}")
}

fn position(name: &str) -> Option<Lsn> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let lsn = Lsn::new(digits.parse().ok()?);
    (self::name(lsn) == name).then_some(lsn)
}

/// The positions that a folder has snapshots of, the newest first; whether they are sound is another question.
///
/// # Errors
/// The folder can't be read.
pub fn snapshots(storage: &dyn Storage) -> Result<Vec<Lsn>, StorageError> {
    let mut found: Vec<_> = storage.list()?.iter().filter_map(|name| position(name)).collect();
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SimStorage;

    #[test]
    fn the_newest_snapshot_comes_first_and_other_files_are_none() {
        let storage = SimStorage::new(1);
        let names = [
            "snapshot-00000000000000000007.snap",
            "snapshot-00000000000000000120.snap",
            ASIDE,
            "snapshot-9.snap",
        ];
        for name in names {
            storage.create(name).unwrap();
        }
        assert_eq!(snapshots(&storage).unwrap(), [Lsn::new(120), Lsn::new(7)]);
        assert_eq!(name(Lsn::new(7)), names[0]);
    }
}
