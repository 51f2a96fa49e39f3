//! `config/doorbuster.toml` is the documentation of every key: it must say what the code says.

use std::collections::{BTreeMap, BTreeSet};

use doorbuster_gateway::Config;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/doorbuster.toml");

fn text() -> String {
    std::fs::read_to_string(FILE).expect("config/doorbuster.toml is there")
}

/// The keys that the code knows in a table ("": the tables themselves), as it lists them when it meets another.
fn known(table: &str) -> BTreeSet<String> {
    let header = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
    let error = Config::parse("probe", &format!("{header}no_such_key = 1\n"))
        .expect_err("no such key is known")
        .to_string();
    let (_, expected) = error.split_once("expected ").expect("the message lists the keys");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_documented_file_is_exactly_the_default() {
    assert_eq!(Config::parse("doorbuster.toml", &text()).unwrap(), Config::default());
    assert_eq!(Config::parse("empty", "").unwrap(), Config::default());
}

#[test]
fn every_key_stands_in_the_file_and_no_other() {
    let file: toml::Table = text().parse().unwrap();
    let found: BTreeMap<String, BTreeSet<String>> = file
        .into_iter()
        .map(|(table, keys)| (table, keys.as_table().unwrap().keys().cloned().collect()))
        .collect();
    let expected: BTreeMap<_, _> =
        known("").into_iter().map(|table| (table.clone(), known(&table))).collect();
    assert_eq!(found, expected);
    assert!(expected.values().map(BTreeSet::len).sum::<usize>() > 10, "{expected:?}");
}

#[test]
fn every_key_has_a_comment_that_names_its_default() {
    let mut comment = String::new();
    for line in text().lines() {
        if line.starts_with('#') {
            comment.push_str(line);
        } else if line.contains('=') {
            let default = line.split(" = ").nth(1).unwrap().trim_matches('"');
            assert!(comment.contains(&format!("Default: {default}")), "{line}: {comment}");
            comment.clear();
        }
    }
}

#[test]
fn an_error_names_file_line_and_column() {
    let error = |text: &str| Config::parse("shop.toml", text).unwrap_err().to_string();
    for (text, begins) in [
        (
            "[server]\nlisten = \"127.0.0.1:1\"\nport = 1\n",
            "shop.toml, line 3, column 1: unknown field `port`",
        ),
        ("[server]\nreactors = \"two\"\n", "shop.toml, line 2, column 12: invalid type: string \"two\""),
        ("[server]\nlisten = \"everywhere\"\n", "shop.toml, line 2, column 10: invalid socket address"),
        ("[log]\ndurability = \"sometimes\"\n", "shop.toml, line 2, column 14: unknown variant `sometimes`"),
        (
            "[rules]\n\n  max_hold_ms = 0\n",
            "shop.toml, line 3, column 3: rules.max_hold_ms = 0: it must be 1 ms to a week",
        ),
        ("rules.max_hold_ms = 0\n", "shop.toml, line 1, column 1: rules.max_hold_ms = 0: it must be"),
        ("rules = { max_hold_ms = 0 }\n", "rules.max_hold_ms = 0: it must be"),
        ("[rules]\nmax_hold_ms = -1\n", "shop.toml, line 2, column 15: invalid value: integer `-1`"),
        ("[server\n", "shop.toml, line 1, column 8: "),
    ] {
        let error = error(text);
        assert!(error.starts_with(begins), "{text:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn every_range_is_kept_at_both_ends() {
    for (key, least, most) in [
        ("server.max_connections", 1, 1_000_000),
        ("server.reactors", 0, 64),
        ("server.shards", 0, 64),
        ("server.drain_ms", 0, 600_000),
        ("log.interval_ms", 1, 60_000),
        ("log.segment_bytes", 4 << 20, 4 << 30),
        ("log.recovery_grace_ms", 0, 3_600_000),
        ("rules.max_hold_ms", 300_000, 604_800_000),
        ("rules.default_hold_ms", 1, 86_400_000),
        ("rules.idempotency_window_ms", 1_000, 2_678_400_000),
        ("rules.order_retention_ms", 1_000, 2_678_400_000),
        ("rules.paid_retention_ms", 0, 31_622_400_000),
        ("rules.return_window_ms", 0, 31_622_400_000),
        ("rules.future_tolerance_ms", 0, 3_600_000),
        ("rules.pay_pin_ms", 0, 3_600_000),
        ("rules.slow_pay_ms", 0, 604_800_000),
        ("rules.pay_grace_ms", 0, 3_600_000),
        ("rules.max_extensions", 0, 100),
        ("rules.offer_ms", 1_000, 604_800_000),
        ("rules.max_wait_ms", 0, 604_800_000),
        ("rules.max_waiting", 0, 10_000_000),
    ] {
        let set = |value: i64| Config::parse("probe", &format!("{key} = {value}\n"));
        assert!(set(least).is_ok() && set(most).is_ok(), "{key}");
        assert!(set(least - 1).is_err() && set(most + 1).is_err(), "{key}");
    }
    assert!(Config::parse("probe", "log.segment_bytes = 4194305\n").is_err(), "whole MiB alone");
}
