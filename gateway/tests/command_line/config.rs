//! `config`: every fault of a file at once, and what holds and why.

use doorbuster_gateway::KEYS;

use crate::{binary, folder, run, write};

#[test]
fn a_file_is_checked_as_a_whole_and_every_fault_has_its_place() {
    let place = folder();
    write(place.path(), "shop.toml", "[server]\nport = 1\n[rules]\noffer_ms = \"soon\"\n");
    let (code, said, complained) = run(place.path(), &["config", "check", "shop.toml"]);
    assert_eq!((code, said.as_str()), (2, ""));
    let lines: Vec<&str> = complained.lines().collect();
    assert_eq!(lines.len(), 2, "{complained}");
    assert_eq!(
        lines[0],
        "doorbuster: shop.toml, line 2, column 1: there is no server.port; did you mean server.resp?"
    );
    let place_of_value = "doorbuster: shop.toml, line 4, column 12: rules.offer_ms = \"soon\": it must be 1 s to a week, in ms";
    assert!(lines[1].starts_with(place_of_value), "{complained}");

    write(place.path(), "shop.toml", "[server]\nshards = 2\n[rules]\noffer_ms = \"10m\"\n");
    let (code, said, complained) = run(place.path(), &["config", "check", "shop.toml"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    assert_eq!(said, format!("shop.toml is good: 2 keys set, {} at their defaults\n", KEYS.len() - 2));
    let (code, _, complained) = run(place.path(), &["config", "check", "none.toml"]);
    assert_eq!((code, complained.contains("can't read none.toml")), (2, true));
}

#[test]
fn what_holds_is_shown_with_where_it_comes_from() {
    let place = folder();
    write(place.path(), "shop.toml", "[server]\nshards = 2\n[rules]\noffer_ms = \"10m\"\n");
    let show = |more: &[&str]| {
        let arguments =
            [&["config", "show", "--config", "shop.toml", "--set", "rules.max_waiting=7"], more].concat();
        let output = binary(place.path())
            .args(arguments)
            .env("DOORBUSTER_OVERLOAD__LATE_MS", "80ms")
            .output()
            .unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
        String::from_utf8(output.stdout).unwrap()
    };
    let said = show(&["--changed", "--shards", "4"]);
    let lines: Vec<String> =
        said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines,
        [
            "key value from reload",
            "server.shards 4 --shards restart",
            "rules.offer_ms 600000 ms shop.toml, line 4, column 12 restart",
            "rules.max_waiting 7 --set restart",
            "overload.late_ms 80 ms DOORBUSTER_OVERLOAD__LATE_MS live",
        ]
    );
    assert_eq!(show(&[]).lines().count(), 1 + KEYS.len());
    let document: serde_json::Value = serde_json::from_str(&show(&["--json"])).unwrap();
    let late =
        document["keys"].as_array().unwrap().iter().find(|key| key["key"] == "overload.late_ms").unwrap();
    assert_eq!(
        (&late["value"], &late["layer"], &late["unit"]),
        (&80.into(), &"environment".into(), &"ms".into())
    );
    assert_eq!((&late["from"], &late["reload"]), (&"DOORBUSTER_OVERLOAD__LATE_MS".into(), &"live".into()));
    let (code, said, _) = run(place.path(), &["config", "show", "--changed"]);
    assert_eq!((code, said.as_str()), (0, "every key is at its default\n"));
}

#[test]
fn a_server_is_set_up_by_the_environment_and_by_set() {
    let place = folder();
    let output = binary(place.path())
        .args(["serve", "--set", "server.shards=65"])
        .env("DOORBUSTER_RULES__OFER_MS", "1s")
        .output()
        .unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        complained,
        "doorbuster: environment: there is no DOORBUSTER_RULES__OFER_MS; did you mean DOORBUSTER_RULES__OFFER_MS?\n\
         doorbuster: --set: server.shards = 65: it must be 0 (automatic) to 64\n"
    );
    for wrong in ["shards=2", "server.shards"] {
        let (code, _, complained) = run(place.path(), &["serve", "--set", wrong]);
        assert_eq!((code, complained.contains("SECTION.KEY=VALUE")), (2, true), "{complained}");
    }
    assert!(!place.path().join("doorbuster-data").exists(), "nothing was made");
}
