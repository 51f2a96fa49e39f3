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
        (
            "[server]\nresp = \"on\"\n",
            "shop.toml, line 2, column 8: invalid socket address syntax, and not \"off\"",
        ),
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
fn redis_clients_have_an_address_or_none() {
    let resp = |text| Config::parse("shop.toml", text).unwrap().server.resp;
    assert_eq!(resp(""), None);
    assert_eq!(resp("[server]\nresp = \"off\"\n"), None);
    assert_eq!(resp("[server]\nresp = \"127.0.0.1:7702\"\n"), Some(([127, 0, 0, 1], 7702).into()));
}

/// The rule and the plan that stand in the file's comments as an example.
fn example() -> String {
    let text = text();
    let lines = text.lines().filter_map(|line| line.strip_prefix("#   "));
    lines.skip_while(|line| !line.starts_with("[[")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_of_a_rule_and_a_plan_is_one() {
    let config = Config::parse("example", &example()).unwrap();
    let plans: Vec<&str> = config.emergency.plans.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!((plans, config.emergency.plans[0].actions.len()), (vec!["calm-down"], 6));
    assert_eq!(config.anomaly.rules[0].plan, "calm-down");
}

#[test]
fn a_rule_or_a_plan_that_cannot_be_carried_out_is_named_with_its_line() {
    let plan = |actions: &str| format!("[[emergency.plans]]\nname = \"calm\"\nactions = [{actions}]\n");
    let rule = |keys: &str| {
        let plan = plan("{ do = \"freeze\" }");
        format!("{plan}\n[[anomaly.rules]]\nname = \"hot\"\nplan = \"calm\"\n{keys}\n")
    };
    let of_rule = "shop.toml, line 5: anomaly.rules number 1: rule \"hot\": ";
    let of_plan = "shop.toml, line 1: emergency.plans number 1: plan \"calm\": ";
    let freeze = "{ do = \"freeze\" }";
    for (text, begins) in [
        (rule(""), format!("{of_rule}its plan \"calm\" has an action \"freeze\" that needs a SKU")),
        (rule("per = \"sku\"\nabove = 1.4"), format!("{of_rule}above must be 1.5 to 1,000")),
        (rule("per = \"sku\"\nabove = nan"), format!("{of_rule}above must be 1.5 to 1,000")),
        (rule("per = \"sku\"\nleast_per_second = 9"), format!("{of_rule}least_per_second must be 10 to")),
        (plan("").clone(), format!("{of_plan}it must have 1 to 32 actions")),
        (
            plan(freeze).repeat(2),
            "shop.toml, line 4: emergency.plans number 2: there is another plan \"calm\"".to_owned(),
        ),
        (plan("{ do = \"limit\" }"), format!("{of_plan}limit: it names neither per_user nor per_order")),
        (plan("{ do = \"breaker\", class = \"sell\" }"), format!("{of_plan}breaker: no such class: sell")),
        (plan("{ do = \"breaker\", scope = \"disk\" }"), format!("{of_plan}breaker: no such scope: disk")),
        (
            plan("{ do = \"shopper-limit\", per_second = 100001, burst = 1 }"),
            format!("{of_plan}shopper-limit: per_second and burst must be 1 to 100,000"),
        ),
        (
            plan("{ do = \"queue\", per_second = 1, sku = 7, all = true }"),
            format!("{of_plan}queue: it is either of one SKU or of all"),
        ),
        (
            format!("{}revert_after_s = 604801\n", plan(freeze)),
            format!("{of_plan}revert_after_s must be 0 to 604,800"),
        ),
        (
            "[[anomaly.rules]]\nname = \"hot\"\nplan = \"none\"\n".to_owned(),
            "shop.toml, line 1: anomaly.rules number 1: rule \"hot\": there is no emergency plan \"none\""
                .to_owned(),
        ),
        (
            "emergency.plans = [{ name = \"a b\", actions = [{ do = \"freeze\" }] }]\n".to_owned(),
            "shop.toml: emergency.plans number 1: plan \"a b\": a name is 1 to 64 letters".to_owned(),
        ),
        (plan("{ do = \"panic\" }"), "shop.toml, line ".to_owned()),
        (plan("{ do = \"freeze\", skus = 7 }"), "shop.toml, line ".to_owned()),
        (plan("{ do = \"queue\", per_second = 0 }"), "shop.toml, line ".to_owned()),
    ] {
        let error = Config::parse("shop.toml", &text).unwrap_err().to_string();
        assert!(error.starts_with(&begins), "{text}: {error}");
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
        ("snapshots.keep", 1, 16),
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
    for (bytes, good) in
        [(0_i64, true), (1, false), ((4 << 20) - 1, false), (4 << 20, true), ((1 << 40) + 1, false)]
    {
        let parsed = Config::parse("probe", &format!("snapshots.every_bytes = {bytes}\n"));
        assert_eq!(parsed.is_ok(), good, "{bytes}");
    }
}
