//! Clients of Redis: the words that Redis has for keys.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{Role, Secret};

use crate::{SKU, World, without_keys};

/// A connection whose replies are read line by line.
struct Redis(BufReader<TcpStream>);

impl Redis {
    fn connect(server: &Server) -> Self {
        let stream = TcpStream::connect(server.server().resp().expect("it was set up")).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// Sends a command, and reads the first line of its reply, and what belongs to it.
    fn ask(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("it takes commands");
        self.reply()
    }

    fn reply(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a reply within the time");
        let line = line.trim_end().to_owned();
        let count: usize = line.get(1..).and_then(|rest| rest.parse().ok()).unwrap_or(0);
        match line.get(..1) {
            Some("*") => (0..count).map(|_| self.reply()).collect::<Vec<_>>().join(" "),
            Some("%") => (0..2 * count).map(|_| self.reply()).collect::<Vec<_>>().join(" "),
            Some("$") if line != "$-1" => self.reply(),
            _ => line,
        }
    }

    fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an end within the time");
        rest.is_empty()
    }
}

#[test]
fn without_a_key_a_redis_client_greets_pings_and_ends_and_does_nothing_else() {
    let world = World::new();
    let mut redis = Redis::connect(&world.server);
    assert_eq!(redis.ask("PING"), "+PONG");
    assert!(redis.ask("HELLO 3").starts_with("server doorbuster"));
    for command in [
        "SALE.STOCK 7",
        "SALE.RESERVE 1 7 1",
        "SALE.STATUS",
        "INFO",
        "COMMAND",
        "CONFIG GET save",
        "SALE.NONSENSE",
        "SALE.FOLLOW 0",
    ] {
        let told = redis.ask(command);
        assert_eq!(
            told, "-NOAUTH Authentication required. Send AUTH with a key, or HELLO with AUTH",
            "{command}"
        );
    }
    assert_eq!(redis.ask("PING"), "+PONG");
    assert_eq!(redis.ask("QUIT"), "+OK");
    assert!(redis.is_closed());
    world.server.stop();
}

#[test]
fn a_key_is_proved_in_each_way_that_redis_knows() {
    let world = World::new();
    let key = world.secret(Role::Storefront).reveal();
    for proof in [format!("AUTH {key}"), format!("AUTH storefront {key}"), format!("AUTH default {key}")] {
        let mut redis = Redis::connect(&world.server);
        assert_eq!(redis.ask(&proof), "+OK");
        assert!(redis.ask(&format!("SALE.STOCK {SKU}")).starts_with("OK sku 7"));
    }
    for proof in
        [format!("HELLO 3 AUTH default {key}"), format!("HELLO 2 AUTH storefront {key} SETNAME till")]
    {
        let mut redis = Redis::connect(&world.server);
        assert!(redis.ask(&proof).starts_with("server doorbuster"));
        assert!(redis.ask("SALE.RESERVE 1 7 1").starts_with("OK order"));
        let denied = redis.ask("SALE.FREEZE 7 YES");
        assert_eq!(denied, "-NOPERM key storefront has the role storefront, which may not send FREEZE_SKU");
        assert!(redis.ask("SALE.FETCH 0").starts_with("-NOPERM "));
    }
    world.server.stop();
}

#[test]
fn three_wrong_keys_end_a_connection_of_a_redis_client() {
    let world = World::new();
    let key = world.secret(Role::Storefront).reveal();
    let other = Secret::new([3; 32]).reveal();
    let mut redis = Redis::connect(&world.server);
    let wrong =
        "-WRONGPASS invalid username-password pair: no key that counts is this one, or it has another name";
    assert_eq!(redis.ask(&format!("AUTH {other}")), wrong);
    assert_eq!(redis.ask(&format!("AUTH operator {key}")), wrong, "its name is another");
    assert!(redis.ask("SALE.STOCK 7").starts_with("-NOAUTH "));
    assert_eq!(redis.ask("HELLO 3 AUTH default nonsense"), wrong);
    assert!(redis.is_closed());
    world.server.stop();
}

#[test]
fn a_revoked_key_is_felt_by_a_redis_client_at_its_next_command() {
    let world = World::new();
    let key = world.create("till", Role::Storefront, &[4]).reveal();
    let mut redis = Redis::connect(&world.server);
    assert_eq!(redis.ask(&format!("AUTH {key}")), "+OK");
    assert!(redis.ask("SALE.RESERVE 1 7 1 CHANNEL 4").starts_with("OK order"));
    let other = redis.ask("SALE.RESERVE 1 7 1 CHANNEL 5");
    assert!(other.starts_with("-NOPERM field=channel "), "{other}");
    world.revoke("till");
    assert!(redis.ask("SALE.RESERVE 1 7 1 CHANNEL 4").starts_with("-NOAUTH "));
    assert!(redis.ask(&format!("AUTH {key}")).starts_with("-WRONGPASS "));
    world.server.stop();
}

#[test]
fn a_followed_feed_ends_when_its_key_does() {
    let world = World::new();
    let key = world.create("warehouse", Role::Feed, &[]).reveal();
    let mut redis = Redis::connect(&world.server);
    assert!(redis.ask(&format!("HELLO 3 AUTH default {key}")).starts_with("server "));
    assert_eq!(redis.ask("SALE.FOLLOW 0"), "+OK");
    // What has happened so far is told by pushes.
    assert!(redis.reply().starts_with(">2"));
    world.revoke("warehouse");
    let mut lines = Vec::new();
    loop {
        let line = redis.reply();
        if line == "sale.end" {
            break;
        }
        lines.push(line);
        assert!(lines.len() < 1_000, "it goes on: {lines:?}");
    }
    assert_eq!(redis.reply(), "NOAUTH");
    world.server.stop();
}

#[test]
fn a_server_without_keys_says_so_as_redis_does() {
    let (server, _file, _folder) = without_keys();
    let mut redis = Redis::connect(&server);
    let told = "-ERR AUTH called without any password configured: this server has no keys, and needs none";
    for proof in ["AUTH x", "AUTH default x", "HELLO 3 AUTH default x"] {
        assert_eq!(redis.ask(proof), told);
    }
    assert!(redis.ask("SALE.STATUS").starts_with("OK "));
    server.stop();
}
