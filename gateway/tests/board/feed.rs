//! What feeds the page: read as a program would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use doorbuster_gateway::testing::Server;
use serde_json::{Value, json};

use super::{CAMPAIGN, GOALS, START, T0, admin, http, metric, sale, shop, start, start_with};

/// Most pages that are fed at a time.
const VIEWERS: usize = 64;

/// A viewer's stream of frames.
pub(crate) struct Frames(BufReader<TcpStream>);

impl Frames {
    /// Asks for one; the answer's status, and the stream behind its head.
    pub(crate) fn ask(server: &Server) -> (u16, Self) {
        let mut stream = TcpStream::connect(admin(server)).expect("it listens");
        stream.write_all(b"GET /board/stream HTTP/1.0\r\n\r\n").expect("sent");
        let mut lines = BufReader::new(stream);
        let mut first = String::new();
        lines.read_line(&mut first).expect("an answer");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).expect("a head");
            if line == "\r\n" {
                return (status, Self(lines));
            }
        }
    }

    pub(crate) fn next(&mut self) -> Value {
        let (mut line, mut gap) = (String::new(), String::new());
        self.0.read_line(&mut line).expect("a frame");
        self.0.read_line(&mut gap).expect("a frame's end");
        assert_eq!(gap, "\n");
        serde_json::from_str(line.strip_prefix("data: ").expect("a frame")).expect("JSON")
    }

    /// The first frame of which this holds.
    pub(crate) fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        std::iter::repeat_with(|| self.next()).find(holds).expect("a stream doesn't end")
    }
}

fn asked(server: &Server, path: &str) -> Value {
    let (status, text) = http::get(admin(server), path).expect("an answer");
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

/// A list of SKUs once all have been looked at since now.
fn listed(server: &Server, query: &str) -> Value {
    asked(server, "/board/skus");
    let (_, mut frames) = Frames::ask(server);
    let passes = |frame: &Value| frame["pass"]["passes"].as_u64().expect("a number");
    let before = passes(&frames.next());
    // One may have been under way.
    frames.until(|frame| passes(frame) >= before + 2);
    asked(server, &format!("/board/skus{query}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_has_the_same_figures_as_the_metrics() {
    let server = start();
    sale(&shop(&server, 5).await).await;
    let (status, mut frames) = Frames::ask(&server);
    assert_eq!(status, 200);
    // Answers are counted before they leave, so the second frame has them all.
    let frame = (frames.next(), frames.next()).1;
    let orders = |code: &str| metric(&server, "doorbuster_requests_total", &["op=\"RESERVE\"", code]);
    assert_eq!(frame["orders"]["offered"], 40);
    assert_eq!(metric(&server, "doorbuster_offered_total", &["op=\"RESERVE\""]), 40);
    assert_eq!(frame["orders"]["accepted"].as_u64(), Some(orders("outcome=\"OK\"")));
    assert_eq!(
        frame["orders"]["refused"].as_u64(),
        Some(orders("outcome=\"SOLD_OUT\"") + orders("outcome=\"CHANNEL_EXHAUSTED\""))
    );
    assert_eq!(frame["reasons"][0]["code"], "SOLD_OUT");
    assert_eq!(frame["reasons"][0]["total"].as_u64(), Some(orders("outcome=\"SOLD_OUT\"")));
    for (figure, name) in [
        ("available", "units_available"),
        ("held", "units_held"),
        ("sold", "units_sold"),
        ("holds", "open_holds"),
        ("skus", "skus"),
    ] {
        let (of, said) =
            (frame["stock"][figure].as_u64(), metric(&server, &format!("doorbuster_{name}"), &[]));
        assert_eq!(of, Some(said), "{figure}");
    }
    assert!(frame["stock"]["sold"].as_u64() > Some(0) && frame["stock"]["held"].as_u64() > Some(0));
    assert_eq!(frame["stock"]["paid"], frame["stock"]["sold"]);
    assert_eq!((frame["state"].as_str(), frame["breakers_all"].as_u64()), (Some("ready"), Some(10)));
    assert_eq!(frame["breakers"], json!([]));
    let alarms: Vec<_> =
        frame["alarms"].as_array().expect("a list").iter().map(|alarm| &alarm["name"]).collect();
    assert_eq!(alarms, ["PriceViolations"], "a payment was too small");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_counts_down_to_its_next_phase() {
    let server = start();
    let client = shop(&server, 5).await;
    // Figures of campaigns are published at the desk, once a second of the server's time.
    server.clock().advance(1_000);
    client.read_campaign(CAMPAIGN).await.expect("an answer").done().expect("it is there");
    let (_, mut frames) = Frames::ask(&server);
    let frame = frames.until(|frame| frame["campaigns"][0]["skus"] == 1);
    let campaign = &frame["campaigns"][0];
    assert_eq!((campaign["campaign"].as_u64(), campaign["stage"].as_str()), (Some(4), Some("warm-up")));
    assert_eq!((campaign["next_ms"].as_u64(), campaign["skus"].as_u64()), (Some(T0), Some(1)));
    assert_eq!(frame["point"]["at_ms"], START + 1_000);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_skus_are_sorted_searched_and_bounded() {
    let server = start();
    sale(&shop(&server, 300).await).await;
    let found = listed(&server, "?sort=sold&limit=3");
    let names = |found: &Value| -> Vec<String> {
        let skus = found["skus"].as_array().expect("a list").iter();
        skus.map(|sku| sku["sku"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!((found["matched"].as_u64(), found["pass"]["skus"].as_u64()), (Some(300), Some(300)));
    assert_eq!(names(&found).len(), 3);
    let sold: Vec<_> =
        found["skus"].as_array().expect("a list").iter().map(|sku| sku["sold"].as_u64()).collect();
    assert!(sold[0] >= sold[1] && sold[1] > Some(0) && sold[2] == Some(0), "{sold:?}");
    assert_eq!(names(&listed(&server, "?search=29&sort=sku&limit=4")), ["29", "290", "291", "292"]);
    assert_eq!(listed(&server, "?search=29")["matched"], 11);
    assert_eq!(names(&listed(&server, "?sort=available&limit=2")), ["1", "2"]);
    assert_eq!(names(&listed(&server, "?search=4711")), <[&str; 0]>::default());
    // A page's channels come with its frames, as the last pass found them.
    let frame = Frames::ask(&server).1.next();
    let channels = frame["channels"].as_array().expect("a list");
    let guaranteed: Vec<_> =
        channels.iter().map(|of| (of["channel"].as_u64(), of["guarantee"].as_u64())).collect();
    assert_eq!(guaranteed, [(Some(1), Some(12)), (Some(2), Some(4))]);
    let taken: u64 = channels.iter().filter_map(|of| of["taken"].as_u64()).sum();
    assert_eq!(taken, 15, "all 15 who asked for SKU 2 got a unit");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn goals_stand_beside_what_was_sold_and_who_is_behind_is_an_alarm() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("goals.toml");
    std::fs::write(&file, GOALS).expect("it is written");
    let server = start_with(Some(&file));
    sale(&shop(&server, 5).await).await;
    assert!(Frames::ask(&server).1.next()["goals"].is_null(), "before the SKUs were looked at, nobody knows");
    listed(&server, "");
    let frame = Frames::ask(&server).1.next();
    let goals = &frame["goals"];
    assert_eq!((goals["name"].as_str(), goals["expected"].as_f64()), (Some("Double 11"), Some(0.5)));
    let of = |row: &Value, fields: [&str; 5]| fields.map(|field| row[field].clone());
    let fields = ["units", "attainment", "tier", "pace", "behind"];
    // Five of SKU 1 were paid, which is all that should be by now; seven of SKU 2, and half of 70 should be.
    assert_eq!(
        of(&goals["categories"][0], fields),
        [json!(5), json!(0.5), json!("50 %"), json!(1.0), json!(false)]
    );
    assert_eq!(
        of(&goals["categories"][1], fields),
        [json!(7), json!(0.1), json!(null), json!(0.2), json!(true)]
    );
    // Of the SKU with rules for channels even shoppers came from the first: 7 of 15.
    let taken: Vec<_> =
        goals["channels"].as_array().expect("a list").iter().map(|row| row["taken"].as_u64()).collect();
    assert_eq!(taken, [Some(7), Some(8)]);
    let alarms = frame["alarms"].as_array().expect("a list");
    let behind = alarms.iter().find(|alarm| alarm["name"] == "BehindPlan").expect("somebody is behind");
    assert_eq!(behind["family"], "price");
    assert_eq!(behind["text"], "sold less than 85 of 100 of what should be by now: cases");
    server.stop();
}

#[test]
fn a_file_that_sets_no_goals_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("goals.toml");
    std::fs::write(&file, "[[category]]\nname = \"a\"\nskus = []\n").expect("it is written");
    let started = doorbuster_gateway::Server::start(doorbuster_gateway::Setup {
        targets: Some(file),
        ..doorbuster_gateway::Setup::on_storage(
            std::sync::Arc::new(doorbuster_engine::storage::SimStorage::new(0)),
            std::sync::Arc::new(doorbuster_engine::clock::SystemClock),
        )
    });
    let error = started.expect_err("it doesn't start");
    let said = error.to_string();
    assert_eq!(error.exit_code(), 2);
    for part in ["board.targets: ", "goals.toml: category \"a\" has no SKU; ", "say what it should sell"] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_course_of_a_sku_is_kept_from_when_it_is_asked_for() {
    let server = start();
    let client = shop(&server, 5).await;
    sale(&client).await;
    listed(&server, "");
    assert_eq!(asked(&server, "/board/sku?sku=1")["sold"], json!([]));
    server.clock().advance(5_000);
    listed(&server, "");
    let course = asked(&server, "/board/sku?sku=1");
    let of = |name: &str| course[name].as_array().expect("a list").last().cloned();
    assert_eq!(course["sku"], "1");
    assert_eq!(["available", "held", "sold"].map(of), [Some(json!(0)), Some(json!(5)), Some(json!(5))]);
    assert_eq!(of("at_ms"), Some(json!(START + 5_000)));
    for (query, why) in [
        ("?sku=4711", "sku: 4711 is none that was looked at so far; see /board/skus"),
        ("?sku=shoe", "sku: \"shoe\" names no SKU; write a number"),
        ("", "missing field `sku`"),
    ] {
        let (status, text) = http::get(admin(&server), &format!("/board/sku{query}")).expect("an answer");
        assert!(status == 400 && text.contains(why), "{query}: {status} {text}");
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_are_free_though_somebody_waits_are_told() {
    let server = start();
    let client = shop(&server, 5).await;
    // 30 units of SKU 3 are free, and somebody waits for 31.
    let lines = vec![doorbuster_client::Line { sku: 3, quantity: 31, ..doorbuster_client::Line::default() }];
    let wish = doorbuster_client::ReserveOrder {
        user: 1,
        wait_ms: 60_000,
        lines,
        ..doorbuster_client::ReserveOrder::default()
    };
    client.reserve_order(&wish).await.expect("an answer").done().expect("it waits");
    listed(&server, "");
    let frame = Frames::ask(&server).1.next();
    assert_eq!(frame["spare"], json!({ "skus": 1, "units": 30 }));
    server.stop();
}

#[test]
fn a_list_that_makes_no_sense_is_refused_with_what_would() {
    let server = start();
    for (query, why) in [
        ("?limit=0", "limit: 0 is out of range; 1 to 200 SKUs are shown"),
        ("?limit=201", "limit: 201 is out of range; 1 to 200 SKUs are shown"),
        (
            "?search=shoe",
            "search: a SKU's number, or its beginning, such as 12, or 7/12 in placement group 7",
        ),
        ("?search=123456789012345678901234567890123", "search: a SKU's number"),
        (
            "?sort=luck",
            "unknown variant `luck`, expected one of `pace`, `available`, `held`, `sold`, `waiting`, `sku`",
        ),
        ("?find=1", "unknown field `find`"),
    ] {
        let (status, text) = http::get(admin(&server), &format!("/board/skus{query}")).expect("an answer");
        assert!(status == 400 && text.contains(why), "{query}: {status} {text}");
    }
    server.stop();
}

#[test]
fn so_many_pages_are_fed_and_another_one_once_one_is_closed() {
    let server = start();
    let mut viewers: Vec<_> = (0..VIEWERS).map(|_| Frames::ask(&server)).collect();
    assert!(viewers.iter().all(|(status, _)| *status == 200));
    let (status, mut refused) = Frames::ask(&server);
    let mut why = String::new();
    refused.0.read_to_string(&mut why).expect("an answer");
    assert_eq!((status, why.contains("64 pages are fed already")), (503, true), "{why}");
    drop(viewers.pop());
    // The server learns of it with the next frame that it can't send.
    while Frames::ask(&server).0 != 200 {
        viewers[0].1.next();
    }
    server.stop();
}

#[test]
fn a_page_that_is_opened_later_shows_what_was_before() {
    let server = start();
    let (_, mut frames) = Frames::ask(&server);
    for _ in 0..3 {
        frames.next();
    }
    let history = asked(&server, "/board/history");
    let lengths: Vec<usize> =
        history.as_object().expect("columns").values().filter_map(Value::as_array).map(Vec::len).collect();
    assert!(
        lengths.len() == 14 && lengths.iter().all(|length| *length >= 3 && *length == lengths[0]),
        "{lengths:?}"
    );
    server.stop();
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_may_not_load_it() {
    let server = start();
    for (path, kind) in
        [("/board", "text/html"), ("/board/board.css", "text/css"), ("/board/board.js", "text/javascript")]
    {
        let mut stream = TcpStream::connect(admin(&server)).expect("it listens");
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(
            head.starts_with("HTTP/1.0 200 ") && head.contains(&format!("content-type: {kind}")),
            "{head}"
        );
        assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self';"), "{head}");
        let foreign = body.replace("http://www.w3.org/2000/svg", "");
        assert!(!foreign.contains("http:") && !foreign.contains("https:"), "{path} names another place");
        assert!(!body.contains("innerHTML") && !body.contains(" style="), "{path}");
    }
    server.stop();
}
