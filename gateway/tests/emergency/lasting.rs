//! How long what a plan did stays: until it is reverted, over restarts, or for as long as the plan says.

use std::sync::Arc;

use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::{SimStorage, Storage};
use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{Action, EmergencyPlan};
use doorbuster_ledger::Timestamp;
use doorbuster_protocol::{Answer, Code, Kind, ReadChannel, SetChannel};

use crate::wire::Peer;
use crate::{Crowd, Looks, SKU, UNITS, few, granted, plan, plans, set_up, start, stock};

const START: u64 = 1_700_000_000_000;

#[test]
fn an_active_plan_and_its_revert_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("plans.jsonl");
    let queue = Action::Queue { sku: None, all: false, per_second: few(1), burst: few(1) };
    let breaker = Action::Breaker { class: Some("reserve".to_owned()), scope: Some("shard-0".to_owned()) };
    let freeze = Action::Freeze { sku: None };
    let calm = vec![plan("queue", vec![queue]), plan("stop", vec![breaker, freeze])];
    let start = |storage: Arc<dyn Storage>, clock: Arc<ManualClock>, plans: Vec<EmergencyPlan>| {
        Server::start_on(storage, clock, |setup| {
            set_up(setup, plans);
            setup.plan_journal = Some(journal.clone());
        })
    };
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    let server = start(Arc::new(SimStorage::new(0)), clock, calm);
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    granted(&server, r#"{"do":"run","plan":"queue","sku":7}"#);
    granted(&server, r#"{"do":"run","plan":"stop","sku":7}"#);
    let (storage, clock) = server.stop();

    // The configuration has other plans by now: what was done is known all the same.
    let server = start(storage, clock, Vec::new());
    let report = plans(&server);
    let states: Vec<_> = report["runs"].as_array().unwrap().iter().map(|run| run["state"].as_str()).collect();
    assert_eq!(states, [Some("active"); 2]);
    let mut crowd = Crowd::of(&server);
    let codes: Vec<Code> = crowd.come(&server, SKU, 2).iter().map(super::code).collect();
    assert_eq!(codes, [Code::BreakerOpen, Code::BusySku]);
    granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!(crowd.one(&server, SKU), Code::BreakerOpen);
    assert_eq!(granted(&server, r#"{"do":"revert","run":2}"#)["state"], "reverted");
    assert_eq!((stock(&server).frozen, crowd.one(&server, SKU)), (0, Code::Ok));
    let (storage, clock) = server.stop();

    let server = start(storage, clock, Vec::new());
    let states: Vec<_> =
        plans(&server)["runs"].as_array().unwrap().iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["reverted"; 2]);
    assert_eq!(Crowd::of(&server).one(&server, SKU), Code::Ok);
    server.stop();
}

#[test]
fn a_plan_reverts_itself_when_its_time_is_up() {
    let calm = EmergencyPlan { revert_after_s: 60, ..plan("calm", vec![Action::Freeze { sku: Some(SKU) }]) };
    let server = start(vec![calm], Vec::new());
    let mut looks = Looks::default();
    granted(&server, r#"{"do":"run","plan":"calm"}"#);
    server.clock().advance(59_999);
    looks.look(&server);
    assert_eq!(stock(&server).frozen, 1);
    server.clock().advance(1);
    looks.look(&server);
    assert_eq!((stock(&server).frozen, plans(&server)["runs"][0]["state"].as_str()), (0, Some("reverted")));
    server.stop();
}

#[test]
fn a_released_guarantee_is_anybodys_until_it_is_reverted() {
    let release = plan("release", vec![Action::Release { sku: None, channel: 9 }]);
    let server = start(vec![release], Vec::new());
    let mut peer = Peer::greeted(server.address());
    peer.put_sku(8, 1);
    let set = SetChannel { sku: 8, channel: 9, guarantee: 1, cap: u64::MAX, ..SetChannel::default() };
    let set: Vec<Answer> = peer.ask(Kind::SetChannel, 3, &[set]);
    assert_eq!(super::code(&set[0]), Code::Ok);
    let mut crowd = Crowd::of(&server);
    assert_eq!(crowd.one(&server, 8), Code::ChannelExhausted);
    granted(&server, r#"{"do":"run","plan":"release","sku":8}"#);
    granted(&server, r#"{"do":"revert","run":1}"#);
    let read = |peer: &mut Peer| -> doorbuster_protocol::ChannelView {
        peer.ask(Kind::ReadChannel, 4, &[ReadChannel { sku: 8, channel: 9 }])[0]
    };
    assert_eq!((read(&mut peer).guarantee, read(&mut peer).release_at), (1, 0));
    granted(&server, r#"{"do":"run","plan":"release","sku":8}"#);
    assert_eq!(crowd.one(&server, 8), Code::Ok);
    let run = granted(&server, r#"{"do":"revert","run":2}"#);
    let undone = run["steps"][0]["undone"].as_str().unwrap_or_default();
    assert_eq!(undone, "channel 9 stays as it is: the ledger refused it: OVER_ALLOTTED");
    server.stop();
}

#[test]
fn a_crash_between_an_action_and_its_note_leaves_a_run_that_can_be_reverted() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("plans.jsonl");
    let start = |storage: Arc<dyn Storage>, clock: Arc<ManualClock>| {
        Server::start_on(storage, clock, |setup| {
            set_up(setup, vec![plan("calm", vec![Action::Freeze { sku: Some(SKU) }])]);
            setup.plan_journal = Some(journal.clone());
        })
    };
    let server = start(Arc::new(SimStorage::new(0)), Arc::new(ManualClock::new(Timestamp::new(START))));
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    granted(&server, r#"{"do":"run","plan":"calm"}"#);
    let (storage, clock) = server.stop();
    let written = std::fs::read_to_string(&journal).unwrap();
    let begun: Vec<&str> = written.split_inclusive('\n').take(2).collect();
    assert!(begun[1].contains("\"begun\""), "{written}");
    // What came of the action was not written down whole.
    std::fs::write(&journal, begun.concat() + "{\"number\":1,\"pl").unwrap();

    let server = start(storage, clock);
    assert_eq!((plans(&server)["runs"][0]["state"].as_str(), stock(&server).frozen), (Some("stopped"), 1));
    let run = granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!((run["state"].as_str(), stock(&server).frozen), (Some("reverted"), 0));
    server.stop();
}

#[test]
fn a_step_that_a_crash_kept_from_being_done_takes_nothing_over() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("plans.jsonl");
    let limit = |units| vec![Action::Limit { sku: Some(SKU), per_user: Some(few(units)), per_order: None }];
    let start = |storage: Arc<dyn Storage>, clock: Arc<ManualClock>| {
        Server::start_on(storage, clock, |setup| {
            set_up(setup, vec![plan("two", limit(2)), plan("one", limit(1))]);
            setup.plan_journal = Some(journal.clone());
        })
    };
    let server = start(Arc::new(SimStorage::new(0)), Arc::new(ManualClock::new(Timestamp::new(START))));
    Peer::greeted(server.address()).put_sku(SKU, UNITS);
    let before = stock(&server).user_limit;
    granted(&server, r#"{"do":"run","plan":"two"}"#);
    let (storage, clock) = server.stop();
    // The second run, up to the moment before its action: what it would have set is written down, and not set.
    let written = std::fs::read_to_string(&journal).unwrap();
    let begun = written.lines().find(|line| line.contains("\"begun\"")).unwrap();
    let mut second: serde_json::Value = serde_json::from_str(begun).unwrap();
    second["number"] = 2.into();
    second["plan"] = "one".into();
    let step = second["steps"].as_array_mut().unwrap().last_mut().unwrap();
    let text = step.to_string();
    *step = serde_json::from_str(&text.replace("\"set\":[2,0]", "\"set\":[1,0]")).unwrap();
    assert_ne!(step.to_string(), text, "it names what is set");
    std::fs::write(&journal, format!("{written}{second}\n")).unwrap();

    let server = start(storage, clock);
    assert_eq!(stock(&server).user_limit, 2);
    granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!(stock(&server).user_limit, before);
    granted(&server, r#"{"do":"revert","run":2}"#);
    assert_eq!(stock(&server).user_limit, before, "it had changed nothing");
    server.stop();
}
