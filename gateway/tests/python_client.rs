//! The Python client of the documentation against a real server: the document is enough to write one.

#[path = "tls/papers.rs"]
mod papers;

use std::process::Command;

use doorbuster_gateway::TlsFiles;
use doorbuster_gateway::testing::Server;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples/client.py");

/// What the script prints, without the server's version.
const EXPECTED: &str = "\
durability always, batches up to 8192
set up a SKU of 3 units, 2 a shopper: OK
reserve 1 unit for user 1001: OK, held for 300 s
the same request again: REPLAYED, the same order
pay 98.00: AMOUNT_MISMATCH, 99.00 are due
pay 99.00: OK, now CONFIRMED
reserve 2 more for user 1001: USER_LIMIT, 1 left
reserve 2 units for user 1002: OK
reserve 1 unit for user 1003: SOLD_OUT, 1 hold open
user 1002 gives it back: OK, now CANCELLED
the order of user 1001: CONFIRMED, 1 unit, 99.00
stock: 2 available, 0 held, 1 sold
server: 1 SKUs, 6 of 6 events durable
";

fn python(arguments: &[&str]) -> (Option<i32>, String, String) {
    python_with(arguments, &[])
}

/// With variables of the environment, and none of those that others have set.
fn python_with(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new("python3");
    command.env_remove("DOORBUSTER_KEY").env_remove("DOORBUSTER_TLS_CA").envs(variables.iter().copied());
    let output = command.arg(SCRIPT).args(arguments).output().expect(
        "this test runs docs/examples/client.py and needs python3 on the PATH; install Python 3.8 or later",
    );
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_python_client_buys_is_refused_and_repeats() {
    let server = Server::start();
    let (status, said, complained) = python(&[&server.address().to_string()]);
    assert_eq!((status, complained.as_str()), (Some(0), ""), "{said}");
    let (greeting, rest) = said.split_once(", ").unwrap_or_default();
    assert_eq!(greeting, concat!("connected to doorbuster/", env!("CARGO_PKG_VERSION")));
    assert_eq!(rest, EXPECTED);
    let totals = server.server().engine().totals();
    assert_eq!((totals.available, totals.held, totals.sold), (2, 0, 1));
    server.stop();
}

#[test]
fn the_python_client_proves_a_key_over_an_encrypted_connection() {
    let place = tempfile::tempdir().expect("a folder");
    let authority = papers::Authority::new("ours");
    let (certificate, key) = authority.sign(&["127.0.0.1"]).write(place.path(), "server");
    let ca = place.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a folder to write to");
    let data = place.path().to_str().expect("a path in UTF-8");
    let made = Command::new(env!("CARGO_BIN_EXE_doorbuster"))
        .args(["keys", "create", "ops", "--role", "operator", "--data", data])
        .output()
        .expect("the binary runs");
    let secret = String::from_utf8(made.stdout).expect("a key is text");
    let server = Server::start_with(|setup| {
        setup.tls = Some(TlsFiles { certificate, key, clients: None });
        setup.keys = Some(place.path().join("keys.json"));
    });
    let address = server.address().to_string();
    let trust = ("DOORBUSTER_TLS_CA", ca.to_str().expect("a path in UTF-8"));
    let (status, said, complained) = python_with(&[&address], &[trust, ("DOORBUSTER_KEY", secret.trim())]);
    assert_eq!((status, complained.as_str()), (Some(0), ""), "{said}");
    assert_eq!(said.split_once(", ").unwrap_or_default().1, EXPECTED);
    let (status, _, complained) =
        python_with(&[&address], &[trust, ("DOORBUSTER_KEY", &format!("dbk_{}", "0".repeat(64)))]);
    assert_eq!(status, Some(1), "{complained}");
    assert!(complained.contains("UNAUTHENTICATED"), "{complained}");
    server.stop();
}

#[test]
fn the_python_client_says_what_is_wrong_in_one_line() {
    let (status, said, complained) = python(&[]);
    assert_eq!((status, said.as_str()), (Some(2), ""));
    assert_eq!(complained, "usage: python3 client.py HOST:PORT\n");

    let server = Server::start();
    let address = server.address().to_string();
    server.stop();
    let (status, said, complained) = python(&[&address]);
    assert_eq!((status, said.as_str()), (Some(1), ""));
    assert!(complained.starts_with(&format!("can't connect to {address}: ")), "{complained}");
    assert_eq!(complained.lines().count(), 1, "{complained}");
}
