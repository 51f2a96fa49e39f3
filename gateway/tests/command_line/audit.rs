//! The audit of a data folder: its certificate, and how each refusal is said.

use doorbuster_auditor::forge::{Forger, Hold, put};

use crate::{fails, folder, page, root, run};

#[test]
fn the_certificate_of_the_page_is_what_is_printed() {
    let command = "doorbuster audit engine/tests/fixtures/log-v1 --top 4";
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    let (code, printed, complained) = run(&root(), &arguments);
    assert_eq!((code, complained.as_str()), (0, ""));
    page("docs/audit.md", command, &printed);
}

#[test]
fn as_json_a_certificate_has_every_row() {
    let (code, printed, _) = run(&root(), &["audit", "engine/tests/fixtures/log-v1", "--json", "--top", "1"]);
    let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &found["sound"]), (0, &true.into()));
    let certificate = &found["certificate"];
    assert_eq!((&certificate["oversold"], &certificate["schema_version"]), (&0.into(), &1.into()));
    assert_eq!(certificate["skus"].as_array().unwrap().len(), 4);
    assert_eq!(certificate["skus"][3]["sku"], (1_u64 << 63 | 7 << 32 | 2).to_string());
}

/// Two units, of which the log sells so many.
fn log(sold: u64) -> tempfile::TempDir {
    let place = folder();
    let mut records = vec![put(5, 2)];
    records.extend((1..=sold).map(|order| Hold::new(order, order, 5).record()));
    let mut forger = Forger::new();
    forger.records(&records);
    forger.begin_segment();
    forger.block(&[]);
    forger.write(place.path()).unwrap();
    place
}

#[test]
fn an_oversell_is_convicted_at_its_place() {
    let place = log(4);
    let parts = [
        "the log contradicts itself: read segment-0000000001.log at offset 4096: position 3, in block 0: order 3 takes a \
         unit of SKU 5 that isn't there: its account falls to -1",
        "(1 more behind it, which may follow from it)",
        "keep the folder, and report it",
    ];
    fails(place.path(), &["audit", "."], 5, &parts);
    let (code, printed, _) = run(place.path(), &["audit", ".", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &found["sound"], &found["contradiction"]["position"]), (5, &false.into(), &3.into()));
}

#[test]
fn a_damaged_log_is_named_by_file_and_offset() {
    let place = log(2);
    let file = place.path().join("segment-0000000001.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[4_096 + 130] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let parts =
        ["the log is damaged: segment-0000000001.log at offset 4096, behind position 0", "from a backup"];
    fails(place.path(), &["audit", "."], 5, &parts);
    let (code, printed, _) = run(place.path(), &["audit", ".", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, &found["sound"], &found["damage"]["offset"]), (5, &false.into(), &4_096.into()));
}

#[test]
fn a_folder_that_cannot_be_audited_is_named() {
    let place = log(2);
    fails(place.path(), &["audit", "elsewhere"], 4, &["can't read elsewhere: No such file or directory"]);
    std::fs::create_dir(place.path().join("empty")).unwrap();
    fails(
        place.path(),
        &["audit", "empty"],
        4,
        &["can't read empty: it has no MANIFEST, so it is no data folder"],
    );
    std::fs::remove_file(place.path().join("segment-0000000001.log")).unwrap();
    let parts = ["segment-0000000002.log: the log is here from position 3 on only", "from a backup"];
    fails(place.path(), &["audit", "."], 4, &parts);
    let (code, _, complained) = run(place.path(), &["audit", ".", "--data", "."]);
    assert_eq!(code, 2, "{complained}");
}

#[test]
fn a_tear_at_the_end_is_said_and_no_damage() {
    let place = log(2);
    let file = place.path().join("segment-0000000002.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[2 * 4_096..2 * 4_096 + 8].copy_from_slice(b"DBRBLOCK");
    std::fs::write(file, bytes).unwrap();
    let (code, printed, _) = run(place.path(), &["audit", "."]);
    assert_eq!(code, 0, "{printed}");
    let said = "end         every record is proven durable; 4096 bytes behind, in segment-0000000002.log from offset 8192 on, \
                are no block: a write that a crash cut short, or damage to blocks that nothing proves durable";
    assert!(printed.contains(said), "{printed}");
    let short = folder();
    Forger::of(&[vec![put(5, 2)], vec![Hold::new(1, 1, 5).record()]]).write(short.path()).unwrap();
    let (_, printed, _) = run(short.path(), &["audit", "."]);
    let said = "end         the last 1 block, from position 1 on, is not proven durable: had one behind been torn off, nothing";
    assert!(printed.contains(said), "{printed}");
}
