//! Anomalies and emergency plans: over real sockets, in virtual time. But for one test, nothing looks but when the test
//! says so.

#[path = "../hostile/wire.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod wire;

mod found;
mod lasting;
mod orders;
mod queues;
mod thread;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{Action, AnomalyRule, EmergencyPlan, Per, Setup, http};
use doorbuster_protocol::{Answer, Code, FLAG_FIRST_ATTEMPT, Header, Kind, Record, Reserve, StockView, body};
use serde_json::Value;
use wire::Peer;

const SKU: u64 = 7;
const UNITS: u64 = 1_000_000;

/// Who changes things where a plan does.
const DESK: u64 = 4_294_967_295;

fn few(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("not 0")
}

fn plan(name: &str, actions: Vec<Action>) -> EmergencyPlan {
    EmergencyPlan { name: name.to_owned(), revert_after_s: 0, actions }
}

/// A rule about each SKU that carries a plan out.
fn rule(plan: &str) -> AnomalyRule {
    AnomalyRule {
        name: "hot-sku".to_owned(),
        per: Per::Sku,
        above: 5.0,
        planned_per_second: 0,
        least_per_second: 20,
        plan: plan.to_owned(),
    }
}

/// With these plans, an admin port, one reactor and one shard.
fn set_up(setup: &mut Setup, plans: Vec<EmergencyPlan>) {
    setup.backlog_us = 0;
    setup.reactors = 1;
    setup.shards = 1;
    setup.watches = false;
    setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    setup.emergency_plans = plans;
}

fn start(plans: Vec<EmergencyPlan>, rules: Vec<AnomalyRule>) -> Server {
    let server = Server::start_with(|setup| {
        set_up(setup, plans);
        setup.anomaly_rules = rules;
    });
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    server
}

fn admin(server: &Server) -> SocketAddr {
    server.server().admin().expect("it was set up")
}

fn get(server: &Server, path: &str) -> (u16, String) {
    http::get(admin(server), path).expect("an answer")
}

fn plans(server: &Server) -> Value {
    let (status, body) = get(server, "/plans");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("a document")
}

/// What an operator wishes, as it is answered.
fn wish(server: &Server, wish: &str) -> (u16, String) {
    http::post(admin(server), "/plans", wish).expect("an answer")
}

/// A wish that is granted; gives the run that it is about.
fn granted(server: &Server, text: &str) -> Value {
    let (status, body) = wish(server, text);
    assert_eq!(status, 200, "{body}");
    let report: Value = serde_json::from_str(&body).expect("a document");
    let mut runs = report["runs"].as_array().expect("a list").iter();
    runs.find(|run| run["number"] == report["run"]).expect("the run is there").clone()
}

/// What a run's steps did, and what came of them.
fn steps(run: &Value) -> Vec<(&str, &str)> {
    let all = run["steps"].as_array().expect("steps").iter();
    all.map(|step| (step["do"].as_str().unwrap_or_default(), step["outcome"].as_str().unwrap_or_default()))
        .collect()
}

fn stock(server: &Server) -> StockView {
    Peer::greeted(server.address()).stock(SKU)
}

/// New holds of shoppers of their own, the first attempts at them.
struct Crowd {
    peer: Peer,
    next: u64,
}

impl Crowd {
    fn of(server: &Server) -> Self {
        Self { peer: Peer::greeted(server.address()), next: 0 }
    }

    fn wish(&mut self, server: &Server, sku: u64) -> Reserve {
        self.next += 1;
        let now = u128::from(server.server().engine().now().raw());
        let id = (now << 80) | (7 << 76) | (2 << 62) | u128::from(self.next);
        Reserve { request_id: id.to_be_bytes(), user: self.next, sku, quantity: 1, ..Reserve::default() }
    }

    /// So many of them for a SKU, in one frame: the answers.
    fn come(&mut self, server: &Server, sku: u64, shoppers: u32) -> Vec<Answer> {
        let wishes: Vec<Reserve> = (0..shoppers).map(|_| self.wish(server, sku)).collect();
        self.ask(Kind::Reserve, FLAG_FIRST_ATTEMPT, &wishes)
    }

    fn ask<R: Record>(&mut self, kind: Kind, flags: u8, records: &[R]) -> Vec<Answer> {
        let header = Header { flags, ..Header::new(kind, 1, 1) };
        let mut bytes = Vec::new();
        body::frame(header, records, &mut bytes);
        self.peer.send(&bytes);
        let (header, content) = self.peer.frame();
        let mut answers = Vec::new();
        body::read(&header, &content, |answer: Answer| answers.push(answer)).expect("whole answers");
        assert_eq!(answers.len(), records.len());
        answers
    }

    /// One of them: the code of the answer.
    fn one(&mut self, server: &Server, sku: u64) -> Code {
        code(&self.come(server, sku, 1)[0])
    }
}

fn code(answer: &Answer) -> Code {
    answer.code().expect("whole answers")
}

/// A clock of the looks, two of them a second.
#[derive(Default)]
struct Looks(u64);

impl Looks {
    fn look(&mut self, server: &Server) {
        self.0 += 1;
        server.server().look(Duration::from_millis(500 * self.0));
    }
}
