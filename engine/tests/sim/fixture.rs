//! A log and a snapshot of format version 1 that are kept for ever: every later build must read them, and come to the same state.
//!
//! It is a real log of three starts over several segments, with nearly every kind of event. Nobody writes it anew once a
//! version with this format is released; before, `UPDATE_FIXTURES=1` does.

#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorbuster_auditor::{Certified, certify};
use doorbuster_engine::clock::{Clock, ManualClock};
use doorbuster_engine::log::{BLOCK_HEADER_LEN, BlockHeader, Lsn, record, scan};
use doorbuster_engine::snapshot::{name, snapshots};
use doorbuster_engine::storage::{SimStorage, Storage};
use doorbuster_engine::{Engine, Options};
use doorbuster_ledger::Timestamp;

use super::record::record as write;
use super::{Plan, START, options};

/// The world that was recorded.
const SEED: u64 = 205;

/// What the state behind the last event comes to.
const DIGEST: u64 = 0xD004_17A3_21E4_3A1D;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/log-v1")
}

/// The fixture on a disk of its own.
fn disk() -> SimStorage {
    let disk = SimStorage::new(1);
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        disk.create(&name).unwrap().write_at(0, &std::fs::read(entry.path()).unwrap()).unwrap();
    }
    disk
}

/// Writes the fixture anew if somebody asks for it.
fn update() {
    if std::env::var_os("UPDATE_FIXTURES").is_none() {
        return;
    }
    let (disk, _) = write(SEED).unwrap();
    std::fs::create_dir_all(folder()).unwrap();
    for entry in std::fs::read_dir(folder()).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for name in disk.list().unwrap() {
        let content = disk.content(&name).unwrap();
        // Segments that were prepared and never begun are no part of the log.
        if name != "LOCK" && content.iter().any(|byte| *byte != 0) {
            std::fs::write(folder().join(name), content).unwrap();
        }
    }
}

#[test]
fn a_log_and_a_snapshot_of_version_1_are_read_and_come_to_their_digest() {
    update();
    let disk = disk();
    let positions = snapshots(&disk).unwrap();
    assert_eq!(positions.len(), 1);
    assert_eq!(open(disk.clone()), (DIGEST, Some(positions[0])));
    // The log alone comes to the same.
    disk.remove(&name(positions[0])).unwrap();
    assert_eq!(open(disk), (DIGEST, None));
}

/// Opens the fixture, and gives the digest and the snapshot that it began with.
fn open(disk: SimStorage) -> (u64, Option<Lsn>) {
    let storage: Arc<dyn Storage> = Arc::new(disk);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::new(START)));
    let plan = Plan {
        seed: 1,
        shards: 3,
        steps: 0,
        durability: doorbuster_engine::journal::Durability::Always,
        faults: false,
    };
    let options = Options { recovery_grace_ms: 0, ..options(&plan) };
    let opened = Engine::open(&storage, &options, clock, vec![Arc::new(|| {})]).unwrap();
    opened.engine.check().unwrap();
    (opened.engine.digest().raw(), opened.recovery.snapshot)
}

#[test]
fn the_log_of_version_1_has_nearly_every_kind_of_event() {
    let mut kinds = std::collections::BTreeSet::new();
    let scanned = scan(&disk(), |_, _: &BlockHeader, payload| {
        let mut rest = payload;
        while let Some(kind) = rest.first() {
            kinds.insert(*kind);
            rest = rest.get(record::decode(rest)?.1..).unwrap_or_default();
        }
        Ok(())
    })
    .unwrap();
    println!(
        "{} blocks in {} segments, {} events, kinds {kinds:?}",
        scanned.blocks, scanned.segments, scanned.lsn
    );
    assert!(scanned.segments >= 3 && scanned.epoch.get() == 3 && scanned.torn.is_none());
    assert!(kinds.len() >= 50 && scanned.bytes > 30 * BLOCK_HEADER_LEN as u64, "{kinds:?}");
}

#[test]
fn the_log_of_version_1_is_certified_by_somebody_else() {
    let Certified::Sound(certificate) = certify(&folder(), &mut |_, _| {}).unwrap() else {
        panic!("the fixture is sound");
    };
    assert_eq!((certificate.oversold, certificate.epochs), (0, 3));
    assert!(certificate.checkpoints == 1 && certificate.end.unproven_records == 0, "{certificate:?}");
}
