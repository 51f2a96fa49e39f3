//! Backups: what the commands of `docs/backups.md` print, and how each refusal is said.

use crate::{fails, folder, page, root, run};

const FIXTURE: &str = "engine/tests/fixtures/log-v1";

#[test]
fn what_the_page_shows_is_what_is_printed() {
    let place = folder();
    let at = |name: &str| place.path().join(name).display().to_string();
    let (backup, restored) = (at("backup"), at("restored"));
    let commands = [
        format!("doorbuster backup --data {FIXTURE} --to {backup}"),
        format!("doorbuster verify {backup}"),
        format!("doorbuster restore --from {backup} --data {restored} --to-position 400"),
    ];
    for command in commands {
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        let (code, printed, complained) = run(&root(), &arguments);
        assert_eq!((code, complained.as_str()), (0, ""), "{command}");
        let shown =
            |text: &str| text.replace(&backup, "/mnt/backup/sale").replace(&restored, "/data/restored");
        page("docs/backups.md", &shown(&command).replace(FIXTURE, "/data/sale"), &shown(&printed));
    }
}

#[test]
fn as_json_all_of_it_is_there() {
    let place = folder();
    let at = |name: &str| place.path().join(name).display().to_string();
    let ask = |arguments: &[&str]| {
        let (code, printed, complained) = run(&root(), arguments);
        assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str::<serde_json::Value>(&printed).unwrap()
    };
    let taken = ask(&["backup", "--data", FIXTURE, "--to", &at("b"), "--json"]);
    assert_eq!(
        (&taken["schema_version"], &taken["oldest"], &taken["segments"]),
        (&1.into(), &0.into(), &3.into())
    );
    let verified = ask(&["verify", &at("b"), "--json"]);
    assert_eq!((&verified["end"], &verified["from"]), (&taken["end"], &0.into()));
    assert_eq!(verified["snapshots"][0]["matches_log"], true);
    let restored = ask(&["restore", "--from", &at("b"), "--data", &at("r"), "--json"]);
    assert_eq!((&restored["end"], &restored["digest"]), (&verified["end"], &verified["digest"]));
    let time = verified["time_ms"].as_u64().unwrap() / 1_000;
    let until = jiff::Timestamp::from_second(i64::try_from(time).unwrap() - 10).unwrap().to_string();
    let earlier = ask(&["restore", "--from", &at("b"), "--data", &at("e"), "--to-time", &until, "--json"]);
    assert!(earlier["end"].as_u64() < restored["end"].as_u64(), "{earlier}");
}

#[test]
fn what_can_not_be_done_is_said_in_a_line() {
    let place = folder();
    let at = |name: &str| place.path().join(name).display().to_string();
    fails(place.path(), &["backup", "--data", "nothing", "--to", "b"], 4, &["can't open nothing/MANIFEST: "]);
    fails(place.path(), &["verify", "nothing"], 4, &["this is no data folder, or it was never served"]);
    let fixture = root().join(FIXTURE).display().to_string();
    fails(place.path(), &["backup", "--data", &fixture, "--to", &fixture], 2, &["is the data folder itself"]);
    let restore = ["restore", "--from", &fixture, "--data", "r"];
    let beyond = [&restore[..], &["--to-position", "99999"]].concat();
    fails(
        place.path(),
        &beyond,
        8,
        &["can't restore", ": the backup ends at position ", ", before position 99999"],
    );
    // Nothing is left of that, so the folder may be used.
    assert_eq!(run(place.path(), &restore).0, 0);
    fails(place.path(), &restore, 4, &["the folder holds a log already; restore into a new folder"]);
    let (code, _, complained) = run(place.path(), &[&restore[..], &["--to-time", "yesterday"]].concat());
    assert!(code == 2 && complained.contains("yesterday"), "{complained}");
    let segment = std::path::Path::new(&at("r")).join("segment-0000000002.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[9_000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    fails(
        place.path(),
        &["verify", "r"],
        5,
        &["can't verify r: read segment-0000000002.log at offset 8192: block "],
    );
}
