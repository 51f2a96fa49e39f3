//! The clients that people have, against a real server. What is not installed is not tried, and said so; where
//! `DOORBUSTER_ALL_TOOLS` is set, it must be there.

use std::process::{Command, Output};

use super::wire::port;
use super::{server, with_resp};
use doorbuster_gateway::testing::Server;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/examples");

/// Runs a client. `None`, with a word about it, where it is not installed.
#[expect(clippy::print_stdout, reason = "it says what was not tried")]
fn run(program: &str, arguments: &[&str], install: &str) -> Option<String> {
    let output = Command::new(program).args(arguments).output();
    let said = |output: &Output| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    };
    let missing = match &output {
        Err(error) => Some(error.to_string()),
        // What the examples end with when their library is missing.
        Ok(output) if output.status.code() == Some(69) => Some(said(output).1),
        Ok(_) => None,
    };
    if let Some(why) = missing {
        assert!(std::env::var_os("DOORBUSTER_ALL_TOOLS").is_none(), "{program}: {why}; install {install}");
        println!("NOT TESTED with {program}: {why}; install {install}");
        return None;
    }
    let output = output.expect("it runs");
    let (out, err) = said(&output);
    assert!(output.status.success(), "{program} {arguments:?} ended with {}: {out}{err}", output.status);
    assert_eq!(err, "", "{program} complained");
    Some(out)
}

#[test]
fn redis_cli_speaks_both_versions() {
    let (server, _) = server(5);
    let port = port(&server).port().to_string();
    for version in ["-2", "-3"] {
        let cli = |line: &str| {
            let mut arguments = vec![version, "-p", &port];
            arguments.extend(line.split(' '));
            run("redis-cli", &arguments, "Debian's redis-tools")
        };
        let Some(held) = cli("SALE.RESERVE 42 10 1") else { break };
        assert!(held.starts_with("OK\norder"), "{held}");
        assert!(cli("SALE.STOCK 10").is_some_and(|stock| stock.contains("available")));
        assert!(cli("INFO").is_some_and(|info| info.contains("durability:always")));
        assert_eq!(cli("PING").as_deref(), Some("PONG\n"));
    }
    server.stop();
}

#[test]
fn redis_benchmark_runs_to_its_end() {
    let server = Server::start_with(with_resp);
    let mut client = super::Client::connect(&server);
    assert_eq!(client.ask("SALE.PUTSKU 10 100000").code(), "OK");
    let port = port(&server).port().to_string();
    let arguments = ["-p", &port, "-P", "16", "-c", "10", "-n", "4000", "-r", "100000", "-q"];
    let reserve = ["SALE.RESERVE", "__rand_int__", "10", "1"];
    if let Some(out) = run("redis-benchmark", &[&arguments[..], &reserve].concat(), "Debian's redis-tools") {
        assert!(out.contains("requests per second"), "{out}");
        let totals = server.server().engine().totals();
        assert!((4_000..=100_000).contains(&totals.held), "{} held", totals.held);
    }
    server.stop();
}

/// What the examples print, whatever their language.
const STORY: &str = "\
set up a SKU of 5 units, 2 a shopper: OK
reserve 1 unit for shopper 42: OK, HELD
the same request again: REPLAYED, the same order
reserve 3 units for shopper 42: USER_LIMIT
pay the order: OK, CONFIRMED
reserve 5 in one pipeline: 4 x OK, 1 x SOLD_OUT
a bad request: BAD_REQUEST
stock: 0 available, 4 held, 1 sold
";

#[test]
fn the_python_example_tells_its_story() {
    let (server, _) = server(5);
    let port = port(&server).port().to_string();
    let script = format!("{EXAMPLES}/redis_shop.py");
    if let Some(out) = run("python3", &[&script, &port], "redis-py (Debian's python3-redis)") {
        assert_eq!(out, STORY);
    }
    server.stop();
}

#[test]
fn the_node_example_tells_its_story() {
    let (server, _) = server(5);
    let port = port(&server).port().to_string();
    let script = format!("{EXAMPLES}/redis_shop.js");
    if let Some(out) = run("node", &[&script, &port], "Node.js, and ioredis where NODE_PATH finds it") {
        assert_eq!(out, STORY);
    }
    server.stop();
}
