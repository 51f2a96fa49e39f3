//! `config/doorbuster.toml` is the documentation of every key: it must say what the code says.

use std::collections::BTreeSet;
use std::ffi::OsString;

use doorbuster_gateway::{Config, Effective, Faults, KEYS, Reload, Sources};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/doorbuster.toml");

fn text() -> String {
    std::fs::read_to_string(FILE).expect("config/doorbuster.toml is there")
}

#[test]
fn the_documented_file_is_exactly_the_default() {
    assert_eq!(Config::parse("doorbuster.toml", &text()).unwrap(), Config::default());
    assert_eq!(Config::parse("empty", "").unwrap(), Config::default());
}

#[test]
fn every_key_stands_in_the_file_in_the_same_order_and_no_other() {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in text().lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            found.push(format!("{section}.{key}"));
        }
    }
    assert_eq!(found, KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
}

/// The keys that the structs take in a section ("": the sections themselves), as serde lists them when it meets another.
fn taken(section: &str) -> BTreeSet<String> {
    let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
    let error = toml::from_str::<Config>(&format!("{header}no_such_key = 1\n"));
    let error = error.expect_err("there is no such key").to_string();
    let (_, expected) = error.split_once("expected ").expect("the message lists the keys");
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_list_of_keys_is_what_the_structs_take() {
    let fields = taken("").into_iter().flat_map(|section| {
        taken(&section).into_iter().map(move |key| format!("{section}.{key}")).collect::<Vec<_>>()
    });
    assert_eq!(fields.collect::<BTreeSet<_>>(), KEYS.iter().map(|key| key.name.to_owned()).collect());
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
            let name = line.split(" = ").next().unwrap();
            let live =
                KEYS.iter().any(|key| key.name.ends_with(&format!(".{name}")) && key.reload == Reload::Live);
            assert_eq!(comment.ends_with(" Live."), live, "{line}: {comment}");
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
            "shop.toml, line 3, column 1: there is no server.port; did you mean server.resp?",
        ),
        (
            "[server]\nreactors = \"two\"\n",
            "shop.toml, line 2, column 12: server.reactors = \"two\": it must be 0 (automatic) to 64",
        ),
        ("[server]\nshards = \"2\"\n", "shop.toml, line 2, column 10: server.shards = \"2\": it must be"),
        (
            "[server]\nlisten = \"everywhere\"\n",
            "shop.toml, line 2, column 10: server.listen = \"everywhere\": it must be an IP address and a port",
        ),
        (
            "[server]\nresp = \"on\"\n",
            "shop.toml, line 2, column 8: server.resp = \"on\": it must be an IP address and a port, or \"off\"",
        ),
        (
            "[log]\ndurability = \"sometimes\"\n",
            "shop.toml, line 2, column 14: log.durability = \"sometimes\": it must be \"always\", \"interval\" or",
        ),
        (
            "[log]\nfolder = \"\"\n",
            "shop.toml, line 2, column 10: log.folder = \"\": it must be a folder with a name",
        ),
        (
            "[server]\nlog_level = \"info,=\"\n",
            "shop.toml, line 2, column 13: server.log_level = \"info,=\": it must be error, warn, info, debug",
        ),
        (
            "[log]\nfolder = [1]\n",
            "shop.toml, line 2, column 10: log.folder = [1]: it must be a folder with a name",
        ),
        (
            "[overload]\nloss_budget = \"3\"\n",
            "shop.toml, line 2, column 15: overload.loss_budget = \"3\": it must be \"0 %\" to \"100 %\"",
        ),
        (
            "[rules]\n\n  max_hold_ms = 0\n",
            "shop.toml, line 3, column 17: rules.max_hold_ms = 0: it must be 1 ms to a week: a whole number, or one \
             with a unit such as \"500ms\", \"30s\", \"10m\" or \"2h\"",
        ),
        ("rules.max_hold_ms = 0\n", "shop.toml, line 1, column 21: rules.max_hold_ms = 0: it must be"),
        ("rules = { max_hold_ms = 0 }\n", "shop.toml, line 1, column 25: rules.max_hold_ms = 0: it must be"),
        ("[rules]\nmax_hold_ms = -1\n", "shop.toml, line 2, column 15: rules.max_hold_ms = -1: it must be"),
        ("[rules]\nmax_hold_ms = \"5us\"\n", "shop.toml, line 2, column 15: rules.max_hold_ms = \"5us\": it"),
        (
            "[rules]\nmax_hold_ms = \"1m\"\n",
            "rules.default_hold_ms = 300000: it must be 1 ms to rules.max_hold_ms, which is 60000",
        ),
        (
            "[rules]\ndefault_hold_ms = \"2d\"\n",
            "shop.toml, line 2, column 19: rules.default_hold_ms = 172800000: it must be 1 ms to rules.max_hold_ms",
        ),
        (
            "[rulez]\noffer_ms = 1\n",
            "shop.toml, line 1, column 2: there is no [rulez]; did you mean [rules]?",
        ),
        (
            "[tls]\ncertificate = \"a.pem\"\n",
            "shop.toml, line 2, column 15: tls.certificate = \"a.pem\": it must be \"off\", as long as tls.key is \"off\"",
        ),
        (
            "tls.key = \"a.pem\"\n",
            "shop.toml, line 1, column 11: tls.key = \"a.pem\": it must be \"off\", as long as tls.certificate is",
        ),
        (
            "tls.client_ca = \"a.pem\"\n",
            "shop.toml, line 1, column 17: tls.client_ca = \"a.pem\": it must be \"off\", as long as tls.certificate is",
        ),
        ("tls.key = \"\"\n", "shop.toml, line 1, column 11: tls.key = \"\": it must be a file with a name"),
        ("offer_ms = 1\n", "shop.toml, line 1, column 1: there is no offer_ms; did you mean rules.offer_ms?"),
        ("[anomaly]\nrules = 7\n", "shop.toml, line 2, column 9: invalid type: integer `7`"),
        ("[server\n", "shop.toml, line 1, column 8: "),
    ] {
        let error = error(text);
        assert!(error.starts_with(begins), "{text:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn every_fault_is_found_in_the_order_of_the_file_the_environment_and_the_flags() {
    let file = "[server]\nport = 1\nshards = 65\n[rules]\noffer_ms = \"soon\"\nofer_ms = 1\n";
    let faults = Sources::parse("shop.toml", file).unwrap_err().to_string();
    let places: Vec<&str> =
        faults.lines().filter_map(|line| line.split_once(": ").map(|(at, _)| at)).collect();
    let columns = [(2, 1), (3, 10), (5, 12), (6, 1)]
        .map(|(line, column)| format!("shop.toml, line {line}, column {column}"));
    assert_eq!(places, columns, "{faults}");
    let long = (0..70).fold(String::new(), |long, n| format!("{long}key_{n} = 1\n"));
    let faults = Sources::parse("shop.toml", &format!("[rules]\n{long}")).unwrap_err().to_string();
    assert_eq!(faults.lines().count(), 51);
    assert_eq!(faults.lines().last(), Some("and 20 more faults"));

    let sources = Sources {
        file: None,
        flags: vec![flag("--set", "rules.ofer_ms", "5m"), flag("--shards", "server.shards", "65")],
    };
    let found =
        sources.read_with(variables(&[("DOORBUSTER_RULES__OFFER_MS", "soon")])).unwrap_err().to_string();
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 3, "{found}");
    assert!(
        lines[0].starts_with("DOORBUSTER_RULES__OFFER_MS: rules.offer_ms = soon: it must be 1 s to a week"),
        "{found}"
    );
    assert_eq!(lines[1], "--set: there is no rules.ofer_ms; did you mean rules.offer_ms?");
    assert_eq!(lines[2], "--shards: server.shards = 65: it must be 0 (automatic) to 64");
}

fn flag(name: &str, key: &str, value: &str) -> (String, String, String) {
    (name.to_owned(), key.to_owned(), value.to_owned())
}

fn variables(list: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    list.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Value and origin of a key, in words.
fn of(effective: &Effective, key: &str) -> (String, String) {
    let (_, value, origin) =
        effective.values().find(|(known, ..)| known.name == key).expect("there is such a key");
    (value.to_string(), origin.to_string())
}

#[test]
fn a_flag_beats_the_environment_that_beats_the_file_that_beats_the_default() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("shop.toml");
    std::fs::write(&path, "[rules]\noffer_ms = \"2m\"\nmax_waiting = 5\nmax_extensions = 9\n").unwrap();
    let flags = vec![flag("--set", "rules.max_waiting", "7")];
    let sources = Sources { file: Some(path.clone()), flags };
    let environment = variables(&[
        ("DOORBUSTER_RULES__MAX_WAITING", "6"),
        ("DOORBUSTER_RULES__OFFER_MS", "3m"),
        ("DOORBUSTER_SEED", "1"),
        ("PATH", "/bin"),
    ]);
    let effective = sources.read_with(environment).unwrap();
    let file = format!("{}, line 4, column 18", path.display());
    for (key, value, origin) in [
        ("rules.max_waiting", "7", "--set"),
        ("rules.offer_ms", "180000", "DOORBUSTER_RULES__OFFER_MS"),
        ("rules.max_extensions", "9", &file),
        ("rules.pay_pin_ms", "120000", "default"),
    ] {
        assert_eq!(of(&effective, key), (value.to_owned(), origin.to_owned()), "{key}");
    }
    let rules = &effective.config().rules;
    assert_eq!((rules.max_waiting, rules.offer_ms, rules.max_extensions), (7, 180_000, 9));
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    for key in &KEYS {
        let defaults = Sources::parse("none", "").unwrap();
        let (_, default, _) = defaults.values().find(|(known, ..)| known.name == key.name).unwrap();
        let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let read: Result<Effective, Faults> =
            Sources::default().read_with(variables(&[(&key.variable(), &text)]));
        let effective = read.unwrap_or_else(|faults| panic!("{}={text}: {faults}", key.variable()));
        assert_eq!(of(&effective, key.name), (default.to_string(), key.variable()));
        let wrong = Sources::default().read_with(variables(&[(&key.variable(), "\u{1}")]));
        // A folder may have any name, and a file.
        let is_path = ["log.folder", "log.shopper_key", "security.keys", "board.targets"].contains(&key.name);
        assert_eq!(wrong.is_err(), !is_path, "{}", key.name);
    }
    let foreign: OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xFF]);
    let wrong =
        Sources::default().read_with([("DOORBUSTER_LOG__FOLDER".into(), foreign)]).unwrap_err().to_string();
    assert!(wrong.contains("it must be a folder with a name in UTF-8"), "{wrong}");
    let level = Sources::default().read_with(variables(&[("DOORBUSTER_LOG", "debug")])).unwrap();
    assert_eq!(level.config().server.log_level, "debug");
    let plans = "[{ name = \"calm\", actions = [{ do = \"queue\", per_second = 1 }] }]";
    let plans = Sources::default().read_with(variables(&[("DOORBUSTER_EMERGENCY__PLANS", plans)])).unwrap();
    assert_eq!(plans.config().emergency.plans[0].name, "calm");
}

#[test]
fn a_variable_that_names_no_key_is_told_the_nearest() {
    let wrong = Sources::default().read_with(variables(&[("DOORBUSTER_SERVER__LISTN", "127.0.0.1:1")]));
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "environment: there is no DOORBUSTER_SERVER__LISTN; did you mean DOORBUSTER_SERVER__LISTEN?"
    );
}

#[test]
fn lengths_of_time_and_sizes_are_read_with_their_units() {
    let text = "[server]\ndrain_ms = \"5s\"\n[log]\nsegment_bytes = \"64MiB\"\n[rules]\noffer_ms = \"10m\"\nslow_pay_ms = \"2h\"\n\
                [overload]\nbacklog_us = \"5ms\"\nlate_ms = \"50ms\"\n[snapshots]\nevery_bytes = \"1GiB\"\n";
    let config = Config::parse("shop.toml", text).unwrap();
    assert_eq!((config.server.drain_ms, config.log.segment_bytes), (5_000, 64 << 20));
    assert_eq!((config.rules.offer_ms, config.rules.slow_pay_ms), (600_000, 7_200_000));
    assert_eq!((config.overload.backlog_us, config.overload.late_ms), (5_000, 50));
    assert_eq!(config.snapshots.every_bytes, 1 << 30);
}

#[test]
fn a_file_that_is_none_is_not_read_to_its_end() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("film.toml");
    std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let wrong = Sources { file: Some(path), flags: Vec::new() }.read_with([]).unwrap_err().to_string();
    assert!(wrong.contains("film.toml: it has more than 4194304 bytes"), "{wrong}");
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");

/// The table of the page, as the keys make it up.
fn table() -> String {
    let mut table =
        "| key | flag | unit | default | range | reload | meaning |\n|---|---|---|---:|---|---|---|\n"
            .to_owned();
    for (key, default, _) in Sources::parse("none", "").expect("nothing is no fault").values() {
        let flag = key.flag.map_or_else(String::new, |flag| format!("`{flag}`"));
        let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let (name, unit, range, reload) = (key.name, key.unit(), key.need, key.reload.name());
        let cells = [
            format!("`{name}`"),
            flag,
            unit.to_owned(),
            format!("`{default}`"),
            range.to_owned(),
            reload.to_owned(),
            key.meaning.to_owned(),
        ];
        let row =
            cells.iter().map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") });
        table.push('|');
        table.extend(row);
        table.push('\n');
    }
    table
}

#[test]
fn the_page_for_operators_has_the_table_of_keys() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("the page has a place for it");
    let (_, behind) = rest.split_once("<!-- end of keys -->").expect("the place ends");
    let made = format!("{before}<!-- keys -->\n{}<!-- end of keys -->{behind}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, made).unwrap();
        return;
    }
    assert_eq!(made, page, "UPDATE_DOCS=1 writes the table into docs/operations.md");
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
    let of_rule = "shop.toml, line 5, column 1: anomaly.rules number 1: rule \"hot\": ";
    let of_plan = "shop.toml, line 1, column 1: emergency.plans number 1: plan \"calm\": ";
    let freeze = "{ do = \"freeze\" }";
    for (text, begins) in [
        (rule(""), format!("{of_rule}its plan \"calm\" has an action \"freeze\" that needs a SKU")),
        (rule("per = \"sku\"\nabove = 1.4"), format!("{of_rule}above must be 1.5 to 1,000")),
        (rule("per = \"sku\"\nabove = nan"), format!("{of_rule}above must be 1.5 to 1,000")),
        (rule("per = \"sku\"\nleast_per_second = 9"), format!("{of_rule}least_per_second must be 10 to")),
        (plan("").clone(), format!("{of_plan}it must have 1 to 32 actions")),
        (
            plan(freeze).repeat(2),
            "shop.toml, line 4, column 1: emergency.plans number 2: there is another plan \"calm\"".to_owned(),
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
            "shop.toml, line 1, column 1: anomaly.rules number 1: rule \"hot\": there is no emergency plan \"none\""
                .to_owned(),
        ),
        (
            "emergency.plans = [{ name = \"a b\", actions = [{ do = \"freeze\" }] }]\n".to_owned(),
            "shop.toml, line 1, column 19: emergency.plans number 1: plan \"a b\": a name is 1 to 64 letters".to_owned(),
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
