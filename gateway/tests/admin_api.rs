//! The JSON API of the admin port, as a program uses it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use doorbuster_client::{Client, Phase, PutPhase, PutSku, Reserve, SetCampaign};
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
    tell(server, &format!("skus/{path}"), body)
}

fn get(server: &Server, sku: &str) -> (u16, Value) {
    look(server, &format!("skus/{sku}"))
}

/// Posts below the API's root.
fn tell(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) =
        http::post(admin(server), &format!("/api/v1/{path}"), &body.to_string()).expect("an answer");
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {text}: {error}")))
}

/// Reads below the API's root.
fn look(server: &Server, path: &str) -> (u16, Value) {
    let (status, text) = http::get(admin(server), &format!("/api/v1/{path}")).expect("an answer");
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

#[tokio::test]
async fn a_sku_is_set_up_restocked_and_its_guarantees_moved() {
    let (server, _client) = start().await;
    let by = |mut body: Value| {
        body["by"] = json!(12);
        body["reason"] = json!(3);
        body
    };
    let changed = |(status, answer): (u16, Value)| (status, answer["changed"].as_bool());
    let put = by(json!({ "units": 20, "user_limit": 2, "order_limit": 1 }));
    assert_eq!(changed(post(&server, "8", &put)), (200, Some(true)));
    assert_eq!(changed(post(&server, "8", &put)), (200, Some(false)));
    let (status, other) = post(&server, "8", &by(json!({ "units": 21, "user_limit": 2, "order_limit": 1 })));
    assert_eq!((status, other["code"].as_str()), (409, Some("SKU_EXISTS")));

    let (status, more) = post(&server, "7/restock", &by(json!({ "units": 5 })));
    assert_eq!((status, more["available"].as_u64()), (200, Some(15)));
    let again = by(json!({ "units": 5, "request": more["request"] }));
    let (status, repeated) = post(&server, "7/restock", &again);
    assert_eq!(
        (status, repeated["changed"].as_bool(), repeated["available"].as_u64()),
        (200, Some(false), Some(15))
    );
    let (status, less) = post(&server, "7/restock", &by(json!({ "units": -16 })));
    assert_eq!((status, less["code"].as_str()), (409, Some("INSUFFICIENT")));
    let (status, odd) = post(&server, "7/restock", &by(json!({ "units": 1, "request": "seven" })));
    assert_eq!(
        (status, odd["why"].as_str()),
        (400, Some("request: \"seven\" is no UUID of 32 hexadecimal digits"))
    );

    for (channel, guarantee) in [("1", 6), ("2", 1)] {
        let allot = by(json!({ "guarantee": guarantee }));
        assert_eq!(post(&server, &format!("8/channels/{channel}"), &allot).0, 200);
    }
    let part = by(json!({ "from": 1, "to": 2, "units": 4, "keep": 3, "expected": 6 }));
    let (status, moved) = post(&server, "8/moves", &part);
    let kept = |nth: usize| moved["channels"][nth]["guarantee"].as_u64();
    assert_eq!((status, kept(0), kept(1)), (200, Some(3), Some(4)), "three stay kept: {moved}");
    assert_ne!(post(&server, "8/moves", &part).0, 200, "what was expected is so no more");
    server.stop();
}

#[tokio::test]
async fn a_campaign_is_paused_resumed_and_ended() {
    let (server, client) = start().await;
    let start = client.server_now_ms() + 3_600_000;
    let phase = PutPhase {
        campaign: 11,
        plan: 1,
        nth: 0,
        phase: Phase { start, stage: 0, ..Phase::default() },
        ..PutPhase::default()
    };
    let put = client.put_phases(&[phase]).await;
    assert!(put.into_iter().all(|answer| answer.expect("an answer").done().is_some()));
    let activate = SetCampaign { campaign: 11, action: 1, plan: 1, phases: 1, ..SetCampaign::default() };
    client.set_campaign(&activate).await.expect("an answer").done().expect("a plan");
    let (status, known) = look(&server, "campaigns/11");
    assert_eq!(
        (status, known["standing"].as_str(), known["phases"][0]["start_ms"].as_u64()),
        (200, Some("running"), Some(start))
    );
    for (wish, standing, changed) in [
        ("pause", "paused", true),
        ("pause", "paused", false),
        ("resume", "running", true),
        ("end", "ended", true),
    ] {
        let (status, told) = tell(&server, "campaigns/11", &json!({ "do": wish, "by": 1, "reason": 2 }));
        assert_eq!(
            (status, told["standing"].as_str(), told["changed"].as_bool()),
            (200, Some(standing), Some(changed)),
            "{wish}"
        );
    }
    assert_eq!(look(&server, "campaigns/12").0, 404);
    assert_eq!(look(&server, "campaigns/eleven").0, 400);
    let odd = tell(&server, "campaigns/11", &json!({ "do": "stop", "by": 1, "reason": 2 }));
    assert!(
        odd.0 == 400 && odd.1["why"].as_str().is_some_and(|why| why.contains("unknown variant `stop`")),
        "{odd:?}"
    );
    server.stop();
}

#[tokio::test]
async fn snapshots_and_admission_are_told() {
    let (server, _client) = start().await;
    let (status, known) = look(&server, "snapshots");
    assert_eq!((status, &known["newest_position"], &known["made"]), (200, &Value::Null, &json!(0)));
    let (status, wanted) = tell(&server, "snapshots", &json!({}));
    assert_eq!((status, wanted["failed"].as_u64()), (202, Some(0)));
    let (status, admission) = look(&server, "admission");
    let reactors = admission["reactors"].as_array().expect("a list");
    assert_eq!((status, reactors.len()), (200, server.server().stats().count()));
    assert_eq!(reactors[0]["overloaded"], false);
    server.stop();
}
