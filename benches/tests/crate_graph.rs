//! Who may use whom, and what the ledger may not know: architecture that the compiler alone doesn't keep.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Each crate of ours, and which of ours it may build with. Tests and benches may use more.
const ALLOWED: &[(&str, &[&str])] = &[
    ("doorbuster-ledger", &[]),
    ("doorbuster-protocol", &[]),
    // Shares no code with the engine that it audits, nor with anybody else.
    ("doorbuster-auditor", &[]),
    ("doorbuster-engine", &["doorbuster-ledger"]),
    ("doorbuster-client", &["doorbuster-protocol"]),
    (
        "doorbuster-gateway",
        &[
            "doorbuster-ledger",
            "doorbuster-engine",
            "doorbuster-protocol",
            "doorbuster-client",
            "doorbuster-auditor",
        ],
    ),
    // The gateway hosts the embedded target and lends connections and flags; the audit shares no code with what it audits.
    (
        "doorbuster-loadgen",
        &["doorbuster-protocol", "doorbuster-client", "doorbuster-gateway", "doorbuster-auditor"],
    ),
    ("doorbuster-benches", &["doorbuster-ledger"]),
    // Asks servers over their sockets; of the drill it has only the tools to measure with.
    ("doorbuster-peers", &["doorbuster-loadgen"]),
    // Asks each of them to read anything.
    (
        "doorbuster-fuzz",
        &[
            "doorbuster-auditor",
            "doorbuster-engine",
            "doorbuster-gateway",
            "doorbuster-loadgen",
            "doorbuster-protocol",
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn crates_use_only_those_that_the_architecture_allows() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "the table names every crate of the workspace");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let used = dependency["name"].as_str().unwrap();
            let in_builds = dependency["kind"].is_null();
            let may = !in_builds || !ours.contains(used) || allowed[name].contains(&used);
            assert!(may, "{name} must not use {used}");
        }
    }
}

/// `no_std` keeps clocks, files, threads and random seeds out by construction; this keeps `no_std` in.
#[test]
fn the_ledger_names_no_std() {
    let folder = root().join("engine/ledger/src");
    let mut waiting = vec![folder.clone()];
    let mut files = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            files += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("std::") && !text.contains("extern crate std"), "{}", path.display());
        }
    }
    assert!(files > 15, "the ledger's sources were found");
    let root = std::fs::read_to_string(folder.join("lib.rs")).unwrap();
    assert!(root.contains("#![no_std]"));
}
