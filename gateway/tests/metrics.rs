//! What `/metrics` says, read as Prometheus reads it: over HTTP, line by line.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use doorbuster_client::{
    BindSku, Cancel, Client, Line, OrderState, Phase, Pushed, PutPhase, PutSku, Reserve, ReserveOrder,
    SetCampaign,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::Setup;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

/// The server's time at the start of each test.
const START: u64 = 1_700_000_000_000;

fn with_admin(setup: &mut Setup) {
    setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
}

fn start() -> Server {
    Server::start_on(
        Arc::new(SimStorage::new(0)),
        Arc::new(ManualClock::new(Timestamp::new(START))),
        with_admin,
    )
}

/// The lines of a scrape.
struct Scrape(String);

impl Scrape {
    fn of(server: &Server) -> Self {
        let admin = server.server().admin().expect("it was set up");
        let mut stream = TcpStream::connect(admin).expect("the admin port listens");
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        Self(answer)
    }

    /// The value of a series, named with its labels, as it stands there.
    fn text(&self, series: &str) -> &str {
        let mut values = self.0.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        values.next().unwrap_or_else(|| panic!("{series} is not in\n{}", self.0))
    }

    fn value(&self, series: &str) -> f64 {
        self.text(series).parse().expect("a number")
    }

    fn kind(&self, name: &str, kind: &str) {
        let line = format!("# TYPE {name} {kind}");
        assert!(self.0.lines().any(|found| found == line), "{line:?} is not in\n{}", self.0);
    }

    /// Upper bounds with their counts, which include those of the smaller bounds.
    fn buckets(&self, series: &str) -> Vec<(f64, f64)> {
        let prefix = format!("{series}_bucket{{le=\"");
        let number =
            |text: &str| if text == "+Inf" { f64::INFINITY } else { text.parse().expect("a number") };
        let rows = self.0.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once("\"} "));
        rows.map(|(bound, count)| (number(bound), number(count))).collect()
    }
}

/// Sets a SKU up and takes two of its ten units, one answer after the other.
async fn sell(server: &Server) {
    let client = Client::connect(&server.address().to_string()).await.expect("the server takes connections");
    let put = PutSku { sku: 1, units: 10, ..PutSku::default() };
    client.put_sku(&put).await.expect("an answer");
    let wish = Reserve { user: 1, sku: 1, quantity: 2, ..Reserve::default() };
    client.reserve(&wish).await.expect("an answer").done().expect("there are units");
}

#[tokio::test]
async fn the_logs_sync_times_are_a_histogram_from_50_us_to_5_s() {
    let server = start();
    sell(&server).await;
    let scrape = Scrape::of(&server);
    scrape.kind("doorbuster_log_sync_seconds", "histogram");
    let buckets = scrape.buckets("doorbuster_log_sync_seconds");
    let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
    assert_eq!((bounds[0], bounds[bounds.len() - 2], bounds[bounds.len() - 1]), (5e-5, 5.0, f64::INFINITY));
    assert!(bounds.is_sorted() && buckets.iter().map(|(_, count)| *count).is_sorted(), "{buckets:?}");
    // The first answer's block is measured before the second one's is begun; the second may not be measured yet.
    let count = scrape.value("doorbuster_log_sync_seconds_count");
    assert!(count >= 1.0);
    assert_eq!(buckets.last().map(|(_, all)| *all), Some(count));
    assert!(scrape.value("doorbuster_log_sync_seconds_sum") > 0.0);
    server.stop();
}

#[tokio::test]
async fn the_loss_budget_stands_beside_what_is_lost_and_what_may_wait() {
    let server = start();
    sell(&server).await;
    let scrape = Scrape::of(&server);
    scrape.kind("doorbuster_loss_ratio", "gauge");
    assert_eq!(scrape.text("doorbuster_loss_budget_ratio"), "0.03");
    for loss in ["L1", "L3", "L4"] {
        let series = format!("doorbuster_loss_ratio{{reactor=\"0\",loss=\"{loss}\"}}");
        assert_eq!(scrape.text(&series), "0.0", "{loss}: of two answers no share is taken");
    }
    assert_eq!(scrape.text("doorbuster_backlog_limit_seconds{reactor=\"0\"}"), "0.005");
    server.stop();
}

#[tokio::test]
async fn totals_count_what_was_answered() {
    let server = start();
    sell(&server).await;
    let scrape = Scrape::of(&server);
    for (series, value) in [
        ("doorbuster_skus", "1"),
        ("doorbuster_units_available", "8"),
        ("doorbuster_units_held", "2"),
        ("doorbuster_units_sold", "0"),
        ("doorbuster_open_holds", "1"),
        ("doorbuster_events_total", "2"),
        ("doorbuster_requests_total{op=\"RESERVE\",outcome=\"OK\"}", "1"),
        ("doorbuster_log_poisoned", "0"),
    ] {
        assert_eq!(scrape.text(series), value, "{series}");
    }
    assert!(scrape.value("doorbuster_ledger_bytes") > 0.0);
    server.stop();
}

#[tokio::test]
async fn times_are_told_apart_by_what_came_of_the_operations() {
    let server = start();
    sell(&server).await;
    let client = Client::connect(&server.address().to_string()).await.expect("the server takes connections");
    // One frame with one that is held, and two that are refused.
    let wishes = [8, 9, 10].map(|quantity| Reserve { user: 2, sku: 1, quantity, ..Reserve::default() });
    assert!(client.reserve_batch(&wishes).await.iter().all(Result::is_ok));
    let scrape = Scrape::of(&server);
    scrape.kind("doorbuster_request_duration_seconds", "histogram");
    for (outcome, count) in [("accepted", "2"), ("refused", "2")] {
        let series =
            format!("doorbuster_request_duration_seconds_count{{op=\"RESERVE\",outcome=\"{outcome}\"}}");
        assert_eq!(scrape.text(&series), count, "{outcome}");
    }
    assert!(!scrape.0.contains("op=\"RESERVE\",outcome=\"shed\"}"), "nothing was shed");
    server.stop();
}

#[tokio::test]
async fn orders_that_are_watched_and_pushes_are_counted() {
    let server = start();
    let client = Client::connect(&server.address().to_string()).await.expect("the server takes connections");
    client.put_sku(&PutSku { sku: 1, units: 1, ..PutSku::default() }).await.expect("an answer");
    let wish = Reserve { user: 1, sku: 1, quantity: 1, ..Reserve::default() };
    let hold = client.reserve(&wish).await.expect("an answer").done().expect("there is a unit");
    let lines = vec![Line { sku: 1, quantity: 1, ..Line::default() }];
    let wish = ReserveOrder { user: 2, wait_ms: 60_000, lines, ..ReserveOrder::default() };
    let waiting = client.reserve_order(&wish).await.expect("an answer").done().expect("it waits");
    let mut pushes = client.pushes();
    client.watch(waiting.order, 2).await.expect("an answer").done().expect("it is watched");
    let figures = |server: &Server| {
        let scrape = Scrape::of(server);
        ["orders_watched", "pushes_total", "pushes_missed_total"]
            .map(|name| scrape.text(&format!("doorbuster_{name}")).to_owned())
    };
    assert_eq!(figures(&server), ["1", "0", "0"]);
    let cancel = Cancel { order: hold.order, user: 1, reason: 0 };
    client.cancel(&cancel).await.expect("an answer").done().expect("it is given back");
    assert!(matches!(pushes.next().await, Pushed::Offered { user: 2, .. }));
    assert_eq!(figures(&server), ["0", "1", "0"]);
    let again = client.watch(waiting.order, 2).await.expect("an answer").done().expect("it is read");
    assert_eq!(again.state, OrderState::Held);
    assert_eq!(figures(&server), ["0", "1", "0"]);
    server.stop();
}

#[tokio::test]
async fn a_clock_behind_the_log_is_measured_until_it_has_caught_up() {
    let server = start();
    sell(&server).await;
    let level = Scrape::of(&server);
    level.kind("doorbuster_clock_behind_seconds", "gauge");
    assert_eq!(level.text("doorbuster_clock_behind_seconds"), "0.0");
    let (storage, clock) = server.stop();

    clock.set(Timestamp::new(START - 90_500));
    let server = Server::start_on(storage, clock, with_admin);
    assert_eq!(Scrape::of(&server).text("doorbuster_clock_behind_seconds"), "90.5");
    server.clock().advance(90_000);
    assert_eq!(Scrape::of(&server).text("doorbuster_clock_behind_seconds"), "0.5");
    server.clock().advance(1_000);
    assert_eq!(Scrape::of(&server).text("doorbuster_clock_behind_seconds"), "0.0");
    server.stop();
}

#[tokio::test]
async fn a_hold_that_ends_late_is_in_the_release_lags_histogram_and_an_alarm() {
    let server = start();
    sell(&server).await;
    // A client learns the server's time when it connects.
    let connect = async || Client::connect(&server.address().to_string()).await.expect("it listens");
    // The clock stands still but for these steps: what a step passes over the deadline is the lag.
    for (late_ms, alarms) in [(15, "0"), (1_500, "1")] {
        let wish = Reserve { user: 1, sku: 1, quantity: 1, hold_ms: 60_000, ..Reserve::default() };
        connect().await.reserve(&wish).await.expect("an answer").done().expect("there are units");
        server.clock().advance(60_000 + late_ms);
        // Whatever decides this first ends what is due.
        let look = connect().await.read_stock(1).await.expect("an answer").done().expect("the SKU is known");
        assert_eq!((look.held, look.available), (2, 8));
        assert_eq!(Scrape::of(&server).text("doorbuster_release_alarms_total"), alarms);
    }
    let scrape = Scrape::of(&server);
    scrape.kind("doorbuster_release_lag_seconds", "histogram");
    let buckets = scrape.buckets("doorbuster_release_lag_seconds");
    let up_to =
        |bound: f64| buckets.iter().find(|(found, _)| (found - bound).abs() < 1e-9).map(|(_, count)| *count);
    assert_eq!((up_to(0.012), up_to(0.016), up_to(0.02)), (Some(0.0), Some(1.0), Some(1.0)), "{buckets:?}");
    assert_eq!((up_to(1.0), up_to(2.0)), (Some(1.0), Some(2.0)), "{buckets:?}");
    assert_eq!(scrape.text("doorbuster_release_lag_seconds_count"), "2");
    assert!((scrape.value("doorbuster_release_lag_seconds_sum") - 1.515).abs() < 1e-9);
    server.stop();
}

#[tokio::test]
async fn a_campaign_shows_its_stage_and_the_prices_that_it_lacks() {
    let server = start();
    sell(&server).await;
    let client = Client::connect(&server.address().to_string()).await.expect("it listens");
    let phase = Phase { start: START, stage: 1, price_version: 3, ..Phase::default() };
    let phases = [PutPhase { campaign: 4, plan: 1, nth: 0, phase, ..PutPhase::default() }];
    assert!(client.put_phases(&phases).await.remove(0).expect("an answer").done().is_some());
    let follow = SetCampaign { campaign: 4, action: 1, plan: 1, phases: 1, ..SetCampaign::default() };
    client.set_campaign(&follow).await.expect("an answer").done().expect("the plan is whole");
    let bind = BindSku { sku: 1, campaign: 4, ..BindSku::default() };
    client.bind_skus(&[bind]).await.remove(0).expect("an answer").done().expect("both are there");
    // Figures are published once a second, at the desk.
    server.clock().advance(1_000);
    let later = Client::connect(&server.address().to_string()).await.expect("it listens");
    later.read_campaign(4).await.expect("an answer").done().expect("it is there");
    let scrape = Scrape::of(&server);
    scrape.kind("doorbuster_campaign_stage", "gauge");
    assert_eq!(scrape.text("doorbuster_campaign_stage{campaign=\"4\"}"), "1");
    assert_eq!(scrape.text("doorbuster_campaign_missing_prices{campaign=\"4\"}"), "1");
}
