//! What can't be reported on is said in one line, with what to do.

use std::path::Path;

use crate::report;
use crate::small::write;

/// The report fails with this code and one line that holds all of these.
fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let (found, said, complained) = report(folder, arguments);
    assert_eq!((found, said.as_str()), (code, ""), "{arguments:?}: {complained}");
    assert_eq!(complained.lines().count(), 1, "{complained}");
    for part in [&["doorbuster: "], parts].concat() {
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
}

#[test]
fn a_folder_without_a_log_is_said() {
    let place = tempfile::tempdir().unwrap();
    for command in ["interval", "sale"] {
        fails(
            place.path(),
            &[command, "nowhere"],
            4,
            &["nowhere", "this is no data folder, or it was never served"],
        );
        fails(place.path(), &[command], 4, &["doorbuster-data"]);
    }
}

#[tokio::test]
async fn what_the_log_does_not_have_exits_with_8() {
    let place = tempfile::tempdir().unwrap();
    write(place.path()).await;
    fails(place.path(), &["sale", ".", "--campaign", "12"], 8, &["knows no campaign 12; it knows 11"]);
    let later = ["sale", ".", "--from", "2027-01-01T00:00:00Z"];
    fails(
        place.path(),
        &later,
        8,
        &[
            "nothing to report on between 2027-01-01 00:00:00 UTC",
            "from 2026-11-11 00:00:00 UTC to",
            "--from and --to",
        ],
    );
}

#[tokio::test]
async fn wrong_options_and_goals_exit_with_2() {
    let place = tempfile::tempdir().unwrap();
    write(place.path()).await;
    fails(
        place.path(),
        &["interval", ".", "--every", "0s"],
        2,
        &["--every 0: an interval lasts at least 1ms"],
    );
    fails(
        place.path(),
        &["interval", ".", "--every", "1s"],
        2,
        &["intervals are too many, 1000 at most", "--every"],
    );
    for (arguments, part) in [
        (&["interval", ".", "--every", "2"][..], "\"2\" is no length of time"),
        (&["sale", ".", "--from", "2026-11-11"], "such as 2026-11-11T00:00:00+08:00"),
        (&["sale", ".", "--data", "."], "cannot be used with"),
        (&["sale", ".", "--format", "pdf"], "text, html, json"),
    ] {
        let (code, said, complained) = report(place.path(), arguments);
        assert_eq!((code, said.as_str()), (2, ""), "{complained}");
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
    fails(place.path(), &["sale", ".", "--targets", "none.toml"], 2, &["can't read none.toml"]);
    std::fs::write(place.path().join("goals.toml"), "[[category]]\nname = \"a\"\nskus = [1]\n").unwrap();
    fails(
        place.path(),
        &["sale", ".", "--targets", "goals.toml"],
        2,
        &["goals.toml: category \"a\": say what it should sell, with either units or amount"],
    );
    fails(place.path(), &["sale", ".", "--out", "no/such/folder"], 3, &["can't write no/such/folder"]);
}

/// Damages the block that begins at an offset.
fn damage(folder: &Path, offset: usize) {
    let segment = folder.join("segment-0000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[offset + 70] ^= 0x10;
    std::fs::write(&segment, &bytes).unwrap();
}

#[tokio::test]
async fn a_log_that_ends_in_something_else_is_said_beside_and_in_the_report() {
    let place = tempfile::tempdir().unwrap();
    write(place.path()).await;
    let (_, whole, _) = report(place.path(), &["sale", ".", "--format", "json"]);
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert!(whole["log"]["behind"].is_null());
    // The blocks are one page each; this is some way behind the first hold.
    damage(place.path(), 30 * 4_096);
    let (code, said, complained) = report(place.path(), &["sale", ".", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    let behind = found["log"]["behind"].as_str().unwrap();
    assert!(
        behind.contains("are no whole block") && behind.contains("nothing behind them is in the report"),
        "{behind}"
    );
    assert_eq!((code, complained), (0, format!("doorbuster: {behind}\n")));
    assert!(found["log"]["events"].as_u64() < whole["log"]["events"].as_u64());
    let (_, text, _) = report(place.path(), &["sale", "."]);
    assert!(text.contains(behind), "{text}");

    damage(place.path(), 4_096);
    fails(
        place.path(),
        &["sale", "."],
        8,
        &["no event to report on", "Behind position 0 stand bytes", "doorbuster audit"],
    );
}
