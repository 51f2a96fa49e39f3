//! Backups: taken beside a server that goes on, restored to any position, compared with what was live there.

use std::sync::Arc;

use doorbuster_engine::backup::{BackupError, RestoreTo, back_up, restore, verify};
use doorbuster_engine::log::Lsn;
use doorbuster_engine::snapshot::{CompactionOptions, KeepLog, snapshots};
use doorbuster_engine::storage::{
    Crash, FileStorage, LogId, MANIFEST, Manifest, ReadOnlyFolder, SimStorage, Storage,
};
use doorbuster_ledger::{Digest, Timestamp};

use crate::shop::{SEGMENT, Shop, options};
use crate::{ALWAYS, SHORT, flip, name};

/// A folder in which there is nothing.
fn empty(seed: u64) -> SimStorage {
    let disk = SimStorage::new(seed);
    disk.remove(MANIFEST).unwrap();
    disk
}

fn digest_of(disk: &SimStorage) -> Digest {
    verify(disk, &options(2, CompactionOptions::NEVER)).unwrap().digest
}

/// Sells for a while, and notes the digest at some positions.
fn sell(shop: &mut Shop, rounds: usize) -> Vec<(Lsn, Timestamp, Digest)> {
    (0..rounds)
        .map(|round| {
            shop.sell(40 * (1 + round as u64 % 5));
            shop.compact();
            let mark = (Lsn::new(shop.engine.journal().durable()), shop.engine.now(), shop.engine.digest());
            shop.pass(1);
            mark
        })
        .collect()
}

#[test]
fn a_backup_is_restored_to_any_position_or_time_with_the_digest_of_that_moment() {
    let some = CompactionOptions { keep_log: KeepLog::Bytes(6 * SEGMENT), ..ALWAYS };
    for compaction in [ALWAYS, some, CompactionOptions::NEVER] {
        let mut shop = Shop::open(SimStorage::new(1), compaction);
        let backup = empty(2);
        let mut marks = Vec::new();
        // Taken again and again, while the server goes on and, once, removes old segments.
        for _ in 0..4 {
            marks.extend(sell(&mut shop, 12));
            let done = back_up(&shop.disk, &backup, |_| {}).unwrap();
            assert_eq!(done.end.get(), shop.engine.journal().durable());
            assert_eq!(digest_of(&backup), shop.engine.digest());
        }
        for (position, time, digest) in marks {
            for until in [RestoreTo::Position(position), RestoreTo::Time(time)] {
                let fresh = empty(3);
                let done = restore(&backup, &fresh, until, |_| {});
                let done = done.unwrap_or_else(|error| panic!("{until:?}: {error}"));
                assert_eq!(done.end, position, "{until:?}");
                assert_eq!(digest_of(&fresh), digest, "{until:?}");
                let shop = Shop::reopen_on(fresh, compaction);
                assert_eq!(shop.engine.digest(), digest);
            }
        }
        let fresh = empty(4);
        restore(&backup, &fresh, RestoreTo::End, |_| {}).unwrap();
        let mut restored = Shop::reopen_on(fresh, compaction);
        assert_eq!(restored.engine.digest(), shop.engine.digest());
        // It can be sold from.
        restored.sell(100);
    }
}

#[test]
fn every_single_event_is_a_place_to_stop_at() {
    let mut shop = Shop::open(SimStorage::new(1), CompactionOptions::NEVER);
    shop.sell(30);
    let end = shop.engine.journal().durable();
    let mut last = None;
    for position in 0..=end {
        let fresh = empty(2);
        let done = restore(&shop.disk, &fresh, RestoreTo::Position(Lsn::new(position)), |_| {}).unwrap();
        assert_eq!(done.end.get(), position);
        let verified = verify(&fresh, &options(1, CompactionOptions::NEVER)).unwrap();
        assert_eq!((verified.end.get(), verified.events), (position, position));
        last = Some(verified.digest);
    }
    assert_eq!(last, Some(shop.engine.digest()));
}

#[test]
fn only_what_is_new_is_copied() {
    let mut shop = Shop::open(SimStorage::new(1), CompactionOptions::NEVER);
    let backup = empty(2);
    sell(&mut shop, 30);
    let first = back_up(&shop.disk, &backup, |_| {}).unwrap();
    assert!(first.segments > 3, "{first:?}");
    let mut files = 0;
    let again = back_up(&shop.disk, &backup, |_| files += 1).unwrap();
    assert_eq!((files, again.end), (1, first.end), "the last segment alone");
    assert!(again.copied_bytes < first.copied_bytes / 3);
}

#[test]
fn what_can_not_be_restored_is_said() {
    let mut shop = Shop::open(SimStorage::new(1), SHORT);
    shop.sell_until(|shop| !shop.segments()[0].ends_with("-0000000001.log"));
    let backup = empty(2);
    let done = back_up(&shop.disk, &backup, |_| {}).unwrap();
    let ask = |until| restore(&backup, &empty(3), until, |_| {}).unwrap_err().to_string();
    let beyond = done.end.plus(1);
    assert_eq!(
        ask(RestoreTo::Position(beyond)),
        format!("the backup ends at position {}, before position {beyond}", done.end)
    );
    let oldest = snapshots(&backup).unwrap().last().copied().unwrap();
    let early =
        format!("the backup has the log from position {oldest} on and no snapshot before what was asked for");
    assert_eq!(ask(RestoreTo::Position(oldest.before())), early);
    assert_eq!(ask(RestoreTo::Time(Timestamp::new(1))), early);
    // A folder that is one already.
    let error = restore(&backup, &shop.disk, RestoreTo::End, |_| {}).unwrap_err().to_string();
    assert_eq!(error, "the folder holds a log already; restore into a new folder");
    // Another log's folder.
    let other = SimStorage::new(4);
    Manifest { log_id: LogId::new(8), segment: 0 }.write(&other).unwrap();
    let error = back_up(&shop.disk, &other, |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::OtherLog { .. }), "{error}");
    assert!(error.to_string().ends_with("; use another folder"), "{error}");
    // The server has gone on and removed what the backup would need next.
    let kept = shop.segments();
    shop.sell_until(|shop| shop.segments().iter().all(|name| !kept.contains(name)));
    let error = back_up(&shop.disk, &backup, |_| {}).unwrap_err();
    assert!(matches!(error, BackupError::Gap { .. }), "{error}");
}

#[test]
fn damage_in_a_backup_is_found_wherever_it_is() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| shop.made.len() == 2);
    shop.sell(40);
    let backup = empty(2);
    back_up(&shop.disk, &backup, |_| {}).unwrap();
    let check = || verify(&backup, &options(1, CompactionOptions::NEVER));
    let whole = check().unwrap();
    assert_eq!(whole.snapshots.iter().map(|snapshot| snapshot.matches_log).collect::<Vec<_>>(), [Some(true)]);
    for file in backup.list().unwrap() {
        let length = backup.open(&file).unwrap().length().unwrap();
        let last = file.starts_with("segment-")
            && !backup.list().unwrap().iter().any(|other| *other > file && other.starts_with("segment-"));
        for offset in (0..length).step_by(1_021) {
            flip(&backup, &file, offset);
            // At the log's very end, nothing tells damage from a write that was cut short.
            let seen = check().is_ok_and(|found| found.end == whole.end && found.digest == whole.digest);
            assert!(!seen, "{file} byte {offset} of {length}, last {last}");
            flip(&backup, &file, offset);
        }
    }
    assert_eq!(check().unwrap().digest, whole.digest);
    let newest = name(snapshots(&backup).unwrap()[0]);
    flip(&backup, &newest, 5_000);
    let error = check().unwrap_err().to_string();
    assert_eq!(error, format!("read {newest}: piece 0 at offset 4096 is damaged"));
}

#[test]
fn a_backup_that_is_cut_short_at_any_operation_is_taken_again() {
    let mut shop = Shop::open(SimStorage::new(1), ALWAYS);
    shop.sell_until(|shop| shop.made.len() == 2);
    for nth in 1.. {
        let backup = empty(nth);
        back_up(&shop.disk, &backup, |_| {}).unwrap();
        let before = digest_of(&backup);
        shop.sell(40);
        backup.die_at(nth);
        let died = back_up(&shop.disk, &backup, |_| {}).is_err();
        backup.crash(Crash::Power);
        let now = digest_of(&backup);
        assert!(now == before || now == shop.engine.digest(), "neither before nor after operation {nth}");
        back_up(&shop.disk, &backup, |_| {}).unwrap();
        assert_eq!(digest_of(&backup), shop.engine.digest());
        if !died {
            assert!(nth > 10, "a backup takes only {nth} operations");
            return;
        }
    }
}

#[test]
fn a_real_folder_is_backed_up_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let backup = tempfile::tempdir().unwrap();
    {
        let storage: Arc<dyn Storage> = Arc::new(FileStorage::open(folder.path()).unwrap());
        let opened = crate::shop::start(&storage, 1, CompactionOptions::NEVER).unwrap();
        let from = ReadOnlyFolder::open(folder.path()).unwrap();
        let to = FileStorage::open_copy(backup.path().join("b")).unwrap();
        let done = back_up(&from, &to, |_| {}).unwrap();
        assert_eq!(done.end.get(), opened.engine.journal().durable());
    }
}
