//! The JSON API of the admin port, as a program uses it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use doorbuster_client::{Client, PutSku, Reserve};
use doorbuster_gateway::http;
use doorbuster_gateway::testing::Server;
use serde_json::{Value, json};

async fn start() -> (Server, Client) {
    let server = Server::start_with(|setup| setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0))));
    let client = Client::connect(&server.address().to_string()).await.expect("it listens");
    let put = PutSku { sku: 7, units: 10, user_limit: 5, ..PutSku::default() };
    client.put_sku(&put).await.expect("an answer").done().expect("it is set up");
    (server, client)
}

fn admin(server: &Server) -> SocketAddr {
    server.server().admin().expect("it was set up")
}

fn post(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) =
        http::post(admin(server), &format!("/api/v1/skus/{path}"), &body.to_string()).expect("an answer");
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {text}: {error}")))
}

fn get(server: &Server, sku: &str) -> (u16, Value) {
    let (status, text) = http::get(admin(server), &format!("/api/v1/skus/{sku}")).expect("an answer");
    (status, serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test]
async fn a_change_is_made_once_and_survives_a_restart() {
    let (server, client) = start().await;
    let limits = json!({ "user_limit": 2, "order_limit": 1, "by": 12, "reason": 3 });
    let channel = json!({ "guarantee": 4, "cap": 6, "by": 12, "reason": 3 });
    let frozen = json!({ "frozen": true, "by": 12, "reason": 3 });
    for (path, body) in [("7/limits", &limits), ("7/channels/2", &channel), ("7/freeze", &frozen)] {
        let changed = |(status, answer): (u16, Value)| (status, answer["changed"].as_bool());
        assert_eq!(changed(post(&server, path, body)), (200, Some(true)), "{path}");
        assert_eq!(changed(post(&server, path, body)), (200, Some(false)), "{path}, again");
    }
    let wish = Reserve { user: 1, sku: 7, quantity: 1, ..Reserve::default() };
    let answer = client.reserve(&wish).await.expect("an answer");
    assert_eq!(answer.refusal().expect("it is frozen").code.name(), "SKU_FROZEN");
    let (storage, clock) = server.stop();
    let server =
        Server::start_on(storage, clock, |setup| setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0))));
    let (status, sku) = get(&server, "7");
    assert_eq!(status, 200);
    let expected = json!({
        "schema_version": 1, "changed": null, "sku": "7", "available": 10, "held": 0, "sold": 0, "stocked": 10, "holds": 0,
        "waiting": 0, "frozen": true, "user_limit": 2, "order_limit": 1, "more_channels": false,
        "channels": [{ "channel": 2, "guarantee": 4, "cap": 6, "release_at_ms": null, "taken": 0, "available": 6 }],
    });
    assert_eq!(sku, expected);
    server.stop();
}

#[tokio::test]
async fn what_can_not_be_done_is_refused_with_a_code_and_why() {
    let (server, _client) = start().await;
    let who = |mut body: Value| {
        body["by"] = json!(1);
        body["reason"] = json!(1);
        body
    };
    let limits = who(json!({ "user_limit": 1, "order_limit": 1 }));
    let much = who(json!({ "guarantee": 11 }));
    for (path, body, status, code, why) in [
        ("8/limits", limits.clone(), 404, "UNKNOWN_SKU", "No such SKU has been set up."),
        ("shoe/limits", limits, 400, "BAD_REQUEST", "\"shoe\" names no SKU"),
        ("7/limits", json!({ "user_limit": 1, "order_limit": 1 }), 400, "BAD_REQUEST", "missing field `by`"),
        (
            "7/freeze",
            who(json!({ "frozen": "yes" })),
            400,
            "BAD_REQUEST",
            "invalid type: string \"yes\", expected a boolean",
        ),
        ("7/freeze", who(json!({ "frozen": true, "until": 3 })), 400, "BAD_REQUEST", "unknown field `until`"),
        ("7/channels/70000", much.clone(), 400, "BAD_REQUEST", "\"70000\" is no number from 0 to 65535"),
        ("7/channels/1", much, 409, "OVER_ALLOTTED", "More units would be kept for channels than there are"),
    ] {
        let (found, answer) = post(&server, path, &body);
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{path} {body}");
        assert!(answer["why"].as_str().is_some_and(|text| text.contains(why)), "{path} {body}: {answer}");
    }
    assert_eq!(get(&server, "8").0, 404);
    server.stop();
}

#[tokio::test]
async fn pages_of_other_sites_may_change_nothing() {
    let (server, _client) = start().await;
    let on = admin(&server);
    let ask = |method: &str, path: &str, origin: &str, body: &str| {
        let length = body.len();
        let mut stream = TcpStream::connect(on).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: {on}\r\nOrigin: {origin}\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    };
    let freeze = "{\"frozen\": true, \"by\": 1, \"reason\": 1}";
    let open = "{\"mode\": \"forced-open\"}";
    for (path, body) in [("/api/v1/skus/7/freeze", freeze), ("/breakers", open), ("/dev/advance", "1s")] {
        let answer = ask("POST", path, "http://elsewhere.example", body);
        assert!(
            answer.starts_with("HTTP/1.0 403 ") && answer.contains("pages of other sites may change nothing"),
            "{answer}"
        );
    }
    assert_eq!(get(&server, "7").1["frozen"], false);
    assert!(ask("GET", "/healthz", "http://elsewhere.example", "").starts_with("HTTP/1.0 200 "));
    assert!(
        ask("POST", "/api/v1/skus/7/freeze", &format!("http://{on}"), freeze).starts_with("HTTP/1.0 200 ")
    );
    assert_eq!(get(&server, "7").1["frozen"], true);
    server.stop();
}
