//! Every byte of a real log, flipped: each is named, or lies where the certificate says that nothing is proven.
//!
//! The log is the one that is kept of format version 1: three starts of a server, several segments, nearly every kind of event.

use std::path::{Path, PathBuf};

use doorbuster_auditor::log::LogError;
use doorbuster_auditor::{Certificate, Certified, certify};

const PAGE: usize = 4_096;

/// Offsets in a block or a header page that are flipped in each: all fields, and what stands behind them now and then.
const FIELDS: usize = 128;

/// Of the bytes behind the fields every so manyth is flipped, from another one on in each page.
const STRIDE: usize = 97;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../engine/tests/fixtures/log-v1")
}

/// A copy of the fixture that may be changed.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(fixture()).expect("the fixture is there") {
        let entry = entry.expect("it can be read");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("there is room");
    }
    folder
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it can be read").map(|entry| entry.expect("read").path());
    // The auditor doesn't look at snapshots.
    let mut files: Vec<PathBuf> =
        entries.filter(|file| file.extension().is_some_and(|is| is == "log")).collect();
    files.sort();
    files
}

fn sound(folder: &Path) -> Certificate {
    let Ok(Certified::Sound(certificate)) = certify(folder, &mut |_, _| {}) else {
        panic!("the fixture is sound")
    };
    certificate
}

#[test]
fn every_flipped_byte_is_named_or_behind_what_is_proven() {
    let folder = copy();
    let whole = sound(folder.path());
    assert!(whole.segments >= 3 && whole.end.unproven_records == 0 && whole.end.torn.is_none());
    let files = segments(folder.path());
    let (mut flips, mut torn) = (0, 0);
    for (nth, file) in files.iter().enumerate() {
        let bytes = std::fs::read(file).expect("read");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        for page in 0..bytes.len() / PAGE {
            let front = &bytes[page * PAGE..][..PAGE];
            let begins = front.starts_with(b"DBRBLOCK") || front.starts_with(b"DBRSEGMT");
            let exhaustive = if begins { FIELDS } else { 1 };
            let sampled = (FIELDS..PAGE).skip((page * 13 + nth) % STRIDE).step_by(STRIDE);
            for offset in (0..exhaustive).chain(sampled).map(|offset| page * PAGE + offset) {
                let mut damaged = bytes.clone();
                damaged[offset] ^= 1 << (offset % 8);
                std::fs::write(file, &damaged).expect("written");
                flips += 1;
                let place = format!("byte {offset} of {name}");
                match certify(folder.path(), &mut |_, _| {}) {
                    Err(LogError::Damaged { file, offset: at, .. }) => {
                        assert_eq!(file, name, "{place}");
                        let at = usize::try_from(at).expect("small");
                        assert!(at <= offset && offset / PAGE - at / PAGE < 256, "{place}: named at {at}");
                    }
                    Ok(Certified::Sound(certificate)) => {
                        let end = certificate.end.torn.as_ref();
                        let end = end.unwrap_or_else(|| panic!("{place} went unnoticed"));
                        assert_eq!(end.file, name, "{place}");
                        assert!(usize::try_from(end.offset).expect("small") <= offset, "{place}: {end:?}");
                        assert_eq!(certificate.records, whole.records, "{place}: no record is lost");
                        assert!(certificate.blocks + 1 >= whole.blocks, "{place}");
                        torn += 1;
                    }
                    other => panic!("{place}: {other:?}"),
                }
            }
        }
        std::fs::write(file, bytes).expect("written");
    }
    println!("{flips} bytes flipped, {torn} of them behind what is proven");
    assert!(flips > 5_000 && torn > 100 && torn < flips / 2, "{flips}, {torn}");
    assert_eq!(sound(folder.path()), whole, "the copy was mended");
}

#[test]
fn a_log_without_its_end_is_certified_up_to_there_and_says_so() {
    let folder = copy();
    let whole = sound(folder.path());
    let last = segments(folder.path()).pop().expect("segments");
    let bytes = std::fs::read(&last).expect("read");
    let starts: Vec<usize> = (1..bytes.len() / PAGE)
        .map(|page| page * PAGE)
        .filter(|at| bytes[*at..].starts_with(b"DBRBLOCK"))
        .collect();
    // All blocks but the first two are gone, as if their syncs had lied: nothing behind shows that they had been there.
    let cut = starts[2];
    let mut short = bytes;
    short[cut..].fill(0);
    std::fs::write(&last, short).expect("written");
    let certificate = sound(folder.path());
    assert!(certificate.records < whole.records && certificate.head != whole.head);
    assert_eq!(certificate.end.unproven_blocks, 1);
}
