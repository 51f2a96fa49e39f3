//! SIGHUP and `POST /reload`: what may change does, what may not waits, and one fault refuses all.

use std::net::SocketAddr;

use doorbuster_gateway::http;
use serde_json::{Value, json};

use crate::{Serving, folder, hang_up, write};

/// Status and document of a reload.
fn reload(admin: SocketAddr) -> (u16, Value) {
    let (status, body) = http::post(admin, "/reload", "").unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

/// A figure of `/metrics`.
fn figure(admin: SocketAddr, name: &str) -> f64 {
    let (_, text) = http::get(admin, "/metrics").unwrap();
    let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    line.and_then(|line| line.split_whitespace().last()?.parse().ok()).expect(name)
}

#[test]
fn what_may_change_live_does_and_the_rest_waits_for_the_next_start() {
    let place = folder();
    write(place.path(), "shop.toml", "[overload]\nloss_budget = \"3 %\"\n[rules]\noffer_ms = \"5m\"\n");
    let server = Serving::start(place.path(), &["--config", "shop.toml", "--set", "overload.late_ms=70"]);
    let admin: SocketAddr = server.ready["admin"].as_str().unwrap().parse().unwrap();
    assert!((figure(admin, "doorbuster_loss_budget_ratio") - 0.03).abs() < 1e-9);
    assert_eq!(reload(admin), (200, json!({ "schema_version": 1, "applied": [], "at_restart": [] })));

    let text =
        "[overload]\nloss_budget = \"5 %\"\nbacklog_us = \"8ms\"\nlate_ms = 60\n[rules]\noffer_ms = \"6m\"\n";
    write(place.path(), "shop.toml", text);
    let waiting = json!([{ "key": "rules.offer_ms", "from": 300_000, "to": 360_000 }]);
    let applied = json!([
        { "key": "overload.backlog_us", "from": 5_000, "to": 8_000 },
        { "key": "overload.loss_budget", "from": "3 %", "to": "5 %" },
    ]);
    let expected = json!({ "schema_version": 1, "applied": applied, "at_restart": waiting });
    assert_eq!(reload(admin), (200, expected), "the flag for late_ms still counts");
    assert!((figure(admin, "doorbuster_loss_budget_ratio") - 0.05).abs() < 1e-9);
    let (status, again) = reload(admin);
    assert_eq!(
        (status, &again["applied"], &again["at_restart"]),
        (200, &json!([]), &waiting),
        "it waits still"
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn one_fault_refuses_all_of_it() {
    let place = folder();
    write(place.path(), "shop.toml", "");
    let server = Serving::start(place.path(), &["--config", "shop.toml"]);
    let admin: SocketAddr = server.ready["admin"].as_str().unwrap().parse().unwrap();
    write(place.path(), "shop.toml", "[overload]\nloss_budget = \"5 %\"\nlate_ms = 0\n[rules]\noffer = 1\n");
    let (status, answer) = reload(admin);
    assert_eq!(status, 400);
    let faults: Vec<&str> = answer["faults"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(faults.len(), 2, "{answer}");
    assert!(
        faults[0].starts_with("shop.toml, line 3, column 11: overload.late_ms = 0: it must be"),
        "{answer}"
    );
    assert!(faults[1].starts_with("shop.toml, line 5, column 1: there is no rules.offer;"), "{answer}");
    assert!((figure(admin, "doorbuster_loss_budget_ratio") - 0.03).abs() < 1e-9, "nothing was taken over");
    std::fs::remove_file(place.path().join("shop.toml")).unwrap();
    let (status, answer) = reload(admin);
    assert_eq!(status, 400);
    assert!(answer["faults"][0].as_str().unwrap().starts_with("can't read shop.toml"), "{answer}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_logs_what_came_of_it() {
    let place = folder();
    write(place.path(), "shop.toml", "");
    let (mut server, mut told) = Serving::telling(place.path(), &["--config", "shop.toml"]);
    write(place.path(), "shop.toml", "[overload]\nlate_ms = 0\n");
    hang_up(&server);
    let line = told.find("the configuration was not reloaded");
    assert!(line.contains("overload.late_ms = 0: it must be 1 to 60,000 ms"), "{line}");
    write(
        place.path(),
        "shop.toml",
        "[overload]\nlate_ms = 60\n[server]\nlog_level = \"warn\"\nshards = 1\n",
    );
    hang_up(&server);
    let line = told.find("the configuration was read again");
    for part in
        ["overload.late_ms 50 -> 60", "server.log_level \"info\" -> \"warn\"", "waiting=server.shards 0 -> 1"]
    {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    assert!(server.is_running());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_to_try_things_out_ends_with_its_terminal() {
    let place = folder();
    let (server, mut told) = Serving::telling(place.path(), &["--dev"]);
    hang_up(&server);
    assert!(told.find("stopping: ").contains("SIGHUP"));
    assert_eq!(server.ended(), Some(0));
}
