//! A data folder on the real file system.

use std::path::Path;
use std::sync::Arc;

use doorbuster_engine::log::{LogOptions, Owner, Recovered, recover, scan};
use doorbuster_engine::storage::{FileStorage, Storage, StorageError};

use crate::world::{Block, append, collect};

fn start(folder: &Path, owner: u64) -> (Recovered, Vec<Block>) {
    let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(folder).unwrap());
    let mut options = LogOptions::new(Owner::new(owner));
    options.segment_bytes = 4 << 20;
    let mut blocks = Vec::new();
    let scan = scan(storage.as_ref(), collect(&mut blocks)).unwrap();
    let recovered = recover(&storage, &options, scan).unwrap();
    (recovered, blocks)
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("made").join("on demand");
    let block = |fill: u8| Block { payload: vec![fill; 300_000], count: 1 };
    let mut expected = Vec::new();
    for life in 0..3 {
        let (mut log, blocks) = start(&folder, u64::from(life));
        assert_eq!(blocks, expected);
        for step in 0..20 {
            let next = block(life * 20 + step);
            append(&mut log.writer, &next.payload).unwrap();
            expected.push(next);
            if step % 2 == 0 {
                log.preparer.step().unwrap();
            }
        }
    }
    assert_eq!(start(&folder, 9).1, expected);
}

#[test]
fn a_folder_serves_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileStorage::open(folder.path()).unwrap();
    let error = FileStorage::open(folder.path()).unwrap_err();
    assert!(matches!(error, StorageError::Locked { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "lock data folder {}: another process uses it; stop that process or choose another folder",
            folder.path().display()
        )
    );
    drop(first);
    FileStorage::open(folder.path()).unwrap();
}

#[test]
fn a_folder_with_other_content_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("holiday.jpg"), b"not ours").unwrap();
    let error = FileStorage::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "use {} as data folder: it holds \"holiday.jpg\" but no MANIFEST; choose an empty or new folder",
            folder.path().display()
        )
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_start_that_was_cut_short_may_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("LOCK"), b"").unwrap();
    std::fs::write(folder.path().join("MANIFEST.tmp"), b"half").unwrap();
    start(folder.path(), 1);
}

#[test]
fn a_folder_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let covered = format!("doorbuster data folder\nversion 7\nlog {:032x}\nsegment 1\n", 5);
    let checksum = crc32c::crc32c(covered.as_bytes());
    let manifest = folder.path().join("MANIFEST");
    std::fs::write(&manifest, format!("{covered}checksum {checksum:08x}\n")).unwrap();
    let error = FileStorage::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read {}: format version 7, but this build reads up to version 1; use a newer build",
            manifest.display()
        )
    );
}

#[test]
fn a_damaged_manifest_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(FileStorage::open(folder.path()).unwrap());
    let manifest = folder.path().join("MANIFEST");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("segment 0", "segment 1")).unwrap();
    let error = FileStorage::open(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("read {}: its checksum does not match; restore it from a backup", manifest.display())
    );
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = FileStorage::open(file.path()).unwrap_err();
    assert!(error.to_string().starts_with(&format!("list {}", file.path().display())), "{error}");
}

#[test]
fn two_folders_are_two_logs() {
    let parent = tempfile::tempdir().unwrap();
    let (first, _) = start(&parent.path().join("a"), 1);
    let (second, _) = start(&parent.path().join("b"), 1);
    assert_ne!(first.scan.log_id, second.scan.log_id);
}
