//! What the fuzzers begin with, asked as ordinary tests: every file that is kept is read as its format promises.
//!
//! `UPDATE_SEEDS=1` cuts those of binary formats anew, from the log that is kept of format version 1 and from records of the
//! protocol. Files that a fuzzer found are put beside them by hand, under a name that says what they were about.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod cut;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use doorbuster_engine::log::record::decode;
use doorbuster_fuzz::TARGETS;
use doorbuster_protocol::{Kind, Parsed, parse};

/// Most bytes of all seeds together: they are in every checkout, and a fuzzer gains nothing from large ones.
const MOST: u64 = 300 << 10;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> PathBuf {
    here().join("../..")
}

/// The files of a folder, those of its folders left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found
}

fn names(folder: &Path) -> BTreeSet<String> {
    let stem = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    std::fs::read_dir(folder).unwrap().map(|entry| stem(entry.unwrap())).collect()
}

#[test]
fn every_file_that_is_kept_is_read_as_its_format_promises() {
    cut::anew_if_asked(&here().join("seeds"), &root().join("engine/tests/fixtures/log-v1"));
    for target in TARGETS {
        let own = files(&here().join("seeds").join(target.name));
        assert!(!own.is_empty(), "{} has no seeds", target.name);
        let elsewhere = target.elsewhere.iter().flat_map(|folder| files(&root().join(folder)));
        for file in own.into_iter().chain(elsewhere) {
            println!("{}: {}", target.name, file.display());
            (target.check)(&std::fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_program_that_calls_its_check_and_a_folder_of_seeds() {
    let known: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let programs = here().join("targets/fuzz_targets");
    assert_eq!(names(&programs), known);
    assert_eq!(names(&here().join("seeds")), known);
    let manifest = std::fs::read_to_string(here().join("targets/Cargo.toml")).unwrap();
    for name in known {
        let program = std::fs::read_to_string(programs.join(format!("{name}.rs"))).unwrap();
        assert!(program.contains(&format!("doorbuster_fuzz::{name}::check(bytes)")), "{name}");
        assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "{name}");
    }
}

#[test]
fn the_seeds_are_small() {
    let folders = TARGETS.iter().map(|target| here().join("seeds").join(target.name));
    let bytes: u64 =
        folders.flat_map(|folder| files(&folder)).map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes <= MOST, "{bytes} bytes of seeds");
}

#[test]
fn the_seeds_of_frames_have_every_kind() {
    let mut found = BTreeSet::new();
    for file in files(&here().join("seeds/frame")) {
        let bytes = std::fs::read(file).unwrap();
        if let Ok(Parsed::Frame { header, .. }) = parse(&bytes) {
            found.insert(header.kind.byte());
        }
    }
    assert_eq!(found, Kind::ALL.iter().map(|kind| kind.byte()).collect());
}

#[test]
fn the_seeds_of_records_are_whole_records_of_fifty_kinds_and_more() {
    let mut found = BTreeSet::new();
    let cut = |file: &PathBuf| file.file_name().unwrap().to_str().unwrap().starts_with("kind-");
    for file in files(&here().join("seeds/record")).into_iter().filter(cut) {
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(decode(&bytes).map(|(_, used)| used), Ok(bytes.len()), "{}", file.display());
        found.insert(bytes[0]);
    }
    assert!(found.len() > 50, "{found:?}");
}
