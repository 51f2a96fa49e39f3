//! What a wrong command line or configuration is answered with.

use crate::{fails, folder, root, run, write};

#[test]
fn help_lists_the_exit_codes() {
    let place = folder();
    let (code, said, complained) = run(place.path(), &["--help"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    for line in [
        "  0  done",
        "  1  a fault in doorbuster",
        "  2  wrong usage",
        "  3  an address",
        "  4  the data folder",
        "  5  the log is damaged",
        "  6  the log failed",
        "  7  the server could not be reached",
        "  8  what was asked for",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    for command in [&["serve", "--help"][..], &["stock", "import", "--help"], &["--version"]] {
        assert_eq!(run(place.path(), command).0, 0, "{command:?}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_names_what_is_wrong() {
    let place = folder();
    for (arguments, part) in [
        (&["serve", "--prot", "1"][..], "--prot"),
        (&["serve", "--listen", "everywhere"], "everywhere"),
        (&["serve", "--durability", "sometimes"], "sometimes"),
        (&["serve", "--dev", "--data", "x"], "--data"),
        (&["sell"], "sell"),
        (&["stock", "import"], "FILE"),
        (&[], "Usage"),
    ] {
        let (code, said, complained) = run(place.path(), arguments);
        assert_eq!((code, said.as_str()), (2, ""), "{arguments:?}");
        assert!(complained.contains(part), "{arguments:?}: {complained}");
    }
    fails(place.path(), &["serve", "--shards", "65"], 2, &["server.shards = 65", "0 (automatic) to 64"]);
    assert!(!place.path().join("doorbuster-data").exists(), "nothing was made");
}

#[test]
fn a_wrong_configuration_is_said_in_one_line_with_its_place() {
    let place = folder();
    for (text, parts) in [
        (
            "[server]\nport = 1\n",
            &["shop.toml, line 2, column 1", "there is no server.port; did you mean server.resp?"][..],
        ),
        (
            "[server]\nlisten = 7700\n",
            &["shop.toml, line 2, column 10", "server.listen = 7700: it must be an IP address and a port"],
        ),
        (
            "[log]\ninterval_ms = 0\n",
            &["shop.toml, line 2, column 15", "log.interval_ms = 0", "1 to 60,000 ms"],
        ),
        ("[log\n", &["shop.toml, line 1, column 5"]),
    ] {
        write(place.path(), "shop.toml", text);
        fails(place.path(), &["serve", "--config", "shop.toml"], 2, parts);
    }
    fails(place.path(), &["serve", "--config", "none.toml"], 2, &["can't read none.toml"]);
    assert!(!place.path().join("doorbuster-data").exists(), "nothing was made");
}

/// Codes and their meaning, as the help lists them.
fn exit_codes() -> Vec<(String, String)> {
    let (_, help, _) = run(folder().path(), &["--help"]);
    let (_, list) = help.split_once("Exit codes:\n").expect("the help lists them");
    let pair = |line: &str| {
        line.trim().split_once("  ").map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
    };
    list.lines().map_while(pair).collect()
}

#[test]
fn the_page_for_operators_explains_every_exit_code() {
    let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, behind) = page.split_once("## Exit codes\n").expect("the page has the table");
    let rows = behind.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    let numbered = rows.filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_digit()));
    let found: Vec<(String, String)> = numbered
        .map(|(code, rest)| (code.to_owned(), rest.split(" |").next().unwrap_or_default().replace('`', "")))
        .take_while(|(code, _)| code.parse::<u8>().is_ok())
        .collect();
    assert_eq!(found, exit_codes());
    assert_eq!(found.len(), 9);
}

#[test]
fn the_service_restarts_on_no_exit_code_that_somebody_must_look_at() {
    let unit = std::fs::read_to_string(root().join("config/systemd/doorbuster.service")).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("RestartPreventExitStatus="));
    assert_eq!(line, Some("2 5 6"));
    let meaning =
        |code: &str| exit_codes().into_iter().find(|(known, _)| known == code).map(|(_, meaning)| meaning);
    for (code, word) in [("2", "configuration"), ("5", "damaged"), ("6", "failed while serving")] {
        assert!(meaning(code).is_some_and(|meaning| meaning.contains(word)), "{code}");
    }
    let command =
        unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/doorbuster ")).unwrap();
    let arguments = command.replace("serve", "config show").replace("/etc/doorbuster", "config");
    let (code, said, complained) = run(&root(), &arguments.split(' ').collect::<Vec<_>>());
    assert_eq!((code, complained.as_str()), (0, ""));
    assert!(said.contains("/var/lib/doorbuster"), "{said}");
}
