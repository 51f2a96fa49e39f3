//! The admin port: who may look, who may act, and that a page goes dark when its key ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorbuster_gateway::http;
use doorbuster_protocol::{Role, Secret};

use crate::World;

const LOOKS: [&str; 8] = [
    "/metrics",
    "/breakers",
    "/plans",
    "/api/v1/skus/7",
    "/board",
    "/board/board.js",
    "/board/history",
    "/board/skus",
];

const ACTS: [(&str, &str); 6] = [
    ("/breakers", "{\"mode\": \"automatic\"}"),
    ("/api/v1/skus/7/limits", "{\"user_limit\": 2, \"order_limit\": 0, \"by\": 1, \"reason\": 1}"),
    ("/api/v1/skus/7/freeze", "{\"frozen\": false, \"by\": 1, \"reason\": 1}"),
    ("/plans", "{\"do\": \"revert\", \"run\": 99}"),
    ("/reload", ""),
    ("/dev/advance", "1s"),
];

impl World {
    fn port(&self, key: Option<&Secret>) -> http::Port {
        http::Port { key: key.cloned(), ..self.admin().into() }
    }

    fn look(&self, path: &str, key: Option<&Secret>) -> (u16, String) {
        http::get(self.port(key), path).expect("an answer")
    }

    fn act(&self, path: &str, body: &str, key: Option<&Secret>) -> (u16, String) {
        http::post(self.port(key), path, body).expect("an answer")
    }

    /// The status and the head of what answers a request with these lines, and the connection.
    fn raw(&self, request: &str) -> (String, BufReader<TcpStream>) {
        let mut stream = TcpStream::connect(self.admin()).expect("it listens");
        stream.write_all(format!("{request}\r\n\r\n").as_bytes()).expect("it takes requests");
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).expect("a head"), 0, "{head}");
        }
        (head, reader)
    }
}

#[test]
fn health_is_open_and_nothing_else_is() {
    let world = World::new();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.look(path, None).0, 200, "{path}");
    }
    for path in LOOKS.iter().copied().chain(["/board/stream", "/no/such/path", "/healthz/", "/"]) {
        let (status, why) = world.look(path, None);
        assert_eq!(status, 401, "{path}");
        assert!(why.starts_with("this server has keys: send Authorization: Bearer with one"), "{why}");
    }
    for (path, body) in ACTS {
        assert_eq!(world.act(path, body, None).0, 401, "{path}");
    }
    let (head, _) = world.raw("GET /board HTTP/1.0");
    assert!(head.to_lowercase().contains("www-authenticate: basic realm=\"doorbuster\""), "{head}");
    world.server.stop();
}

#[test]
fn observers_look_operators_act_and_others_do_neither() {
    let world = World::new();
    let by = |role| Some(world.secret(role));
    for path in LOOKS {
        for role in [Role::Observer, Role::Operator] {
            assert_eq!(world.look(path, by(role)).0, 200, "{path}");
        }
        for role in [Role::Storefront, Role::Feed] {
            let (status, why) = world.look(path, by(role));
            assert_eq!(status, 403, "{path}");
            let said = format!("a key of the role {} may not do this", role.name());
            assert!(why.starts_with(&said), "{why}");
        }
    }
    for (path, body) in ACTS {
        for role in [Role::Observer, Role::Storefront, Role::Feed] {
            assert_eq!(world.act(path, body, by(role)).0, 403, "{path} {}", role.name());
        }
        let (status, answer) = world.act(path, body, by(Role::Operator));
        assert!(![401, 403].contains(&status) || path.starts_with("/dev/"), "{path}: {status} {answer}");
    }
    let (status, why) = world.look("/metrics", Some(&Secret::new([5; 32])));
    assert_eq!(status, 401);
    assert!(why.starts_with("no key that counts is this one: it was revoked, has ended"), "{why}");
    world.server.stop();
}

#[test]
fn a_browser_gives_the_name_and_the_key_and_a_wrong_pair_is_refused() {
    let world = World::new();
    let key = world.secret(Role::Observer).reveal();
    let ask = |name: &str, key: &str| {
        let pair = STANDARD.encode(format!("{name}:{key}"));
        world.raw(&format!("GET /board HTTP/1.0\r\nAuthorization: Basic {pair}")).0
    };
    for name in ["observer", ""] {
        assert!(ask(name, &key).starts_with("HTTP/1.0 200"), "{name}");
    }
    assert!(ask("operator", &key).starts_with("HTTP/1.0 401"));
    assert!(ask("observer", "dbk_no").starts_with("HTTP/1.0 401"));
    for broken in ["Basic", "Basic !!!!", "Bearer", "Bearer dbk_", "Digest x", "\u{e9}"] {
        let (head, _) = world.raw(&format!("GET /board HTTP/1.0\r\nAuthorization: {broken}"));
        assert!(head.starts_with("HTTP/1.0 401"), "{broken}: {head}");
    }
    world.server.stop();
}

#[test]
fn a_live_board_goes_dark_when_its_key_is_revoked() {
    let world = World::new();
    let key = world.create("wall", Role::Observer, &[]).reveal();
    let (head, mut frames) = world.raw(&format!("GET /board/stream HTTP/1.0\r\nAuthorization: Bearer {key}"));
    assert!(head.starts_with("HTTP/1.0 200"), "{head}");
    let mut line = String::new();
    frames.read_line(&mut line).expect("a frame");
    assert!(line.starts_with("data: {"), "{line}");
    world.revoke("wall");
    let mut rest = String::new();
    frames.read_to_string(&mut rest).expect("the stream ends");
    assert!(rest.matches("data: ").count() <= 2, "{rest}");
    world.server.stop();
}

#[test]
fn other_sites_pages_change_nothing_even_with_the_key_that_a_browser_keeps() {
    let world = World::new();
    let pair = STANDARD.encode(format!(":{}", world.secret(Role::Operator).reveal()));
    let (head, _) = world.raw(&format!(
        "POST /reload HTTP/1.0\r\nHost: {}\r\nOrigin: http://shop.example\r\nContent-Length: 0\r\nAuthorization: Basic {pair}",
        world.admin()
    ));
    assert!(head.starts_with("HTTP/1.0 403"), "{head}");
    world.server.stop();
}
