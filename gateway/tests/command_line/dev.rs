//! `dev advance`: time of a server that may be moved, and of one that may not.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::{FREE_PORTS, Serving, binary, fails, folder, run, terminate};

/// The address behind a phrase of the greeting.
fn behind<'a>(greeting: &'a str, phrase: &str) -> &'a str {
    let rest = greeting.split(phrase).nth(1).unwrap();
    rest.split([',', '\n']).next().unwrap()
}

#[test]
fn a_dev_server_says_what_an_advance_brought_about() {
    let place = folder();
    let mut process = binary(place.path())
        .args(["serve", "--dev"])
        .args(FREE_PORTS)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let greeting = lines.next().unwrap().unwrap();
    let admin = behind(&greeting, "admin on http://").to_owned();
    let (code, said, complained) = run(place.path(), &["dev", "advance", "15m", "--admin", &admin]);
    assert_eq!((code, complained.as_str()), (0, ""));
    assert!(
        said.starts_with("time moved on by 900 s; holds expired: 0, offers made: 0, waits in vain: 0"),
        "{said}"
    );
    let (code, said, _) = run(place.path(), &["dev", "advance", "2h", "--admin", &admin, "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["advanced_ms"], &report["expired"]), (0, &7_200_000.into(), &0.into()));
    fails(place.path(), &["dev", "advance", "400d", "--admin", &admin], 7, &["refused", "at most 365d"]);
    terminate(&process);
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn a_server_without_dev_refuses_in_one_line() {
    let place = folder();
    let server = Serving::start(place.path(), &["--throwaway"]);
    let admin = server.ready["admin"].as_str().unwrap().to_owned();
    let parts = ["refused: this server's time can't be moved", "--dev"];
    fails(place.path(), &["dev", "advance", "1s", "--admin", &admin], 7, &parts);
    assert_eq!(server.terminate(), Some(0));
    let parts = ["can't reach the admin port", "is `doorbuster serve` running there?"];
    fails(place.path(), &["dev", "advance", "1s", "--admin", &admin], 7, &parts);
}

#[test]
fn what_is_no_length_of_time_is_wrong_usage() {
    let place = folder();
    let mut command: Command = binary(place.path());
    let output = command.args(["dev", "advance", "soon"]).output().unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        complained.contains("\"soon\" is no length of time; write a whole number and ms"),
        "{complained}"
    );
}
