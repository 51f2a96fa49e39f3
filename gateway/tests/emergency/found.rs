//! What is out of the ordinary is answered, and the answer is undone.

use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{Action, AnomalyRule};
use doorbuster_protocol::{
    Code, EventKind, FLAG_FIRST_ATTEMPT, Fetch, Fetched, Header, Kind, SetLimits, body,
};

use crate::wire::Peer;
use crate::{
    Crowd, DESK, Looks, SKU, few, get, granted, plan, plans, rule, set_up, start, steps, stock, wish,
};

fn limit() -> Action {
    Action::Limit { sku: None, per_user: Some(few(1)), per_order: None }
}

fn breaker() -> Action {
    Action::Breaker { class: Some("read".to_owned()), scope: Some("desk".to_owned()) }
}

#[test]
fn a_ten_fold_step_on_one_sku_carries_the_plan_out_and_a_revert_restores_what_was() {
    let actions = vec![
        Action::ShopperLimit { per_second: few(100), burst: few(100) },
        limit(),
        breaker(),
        Action::Freeze { sku: None },
    ];
    let server = start(vec![plan("calm-down", actions)], vec![rule("calm-down")]);
    Peer::greeted(server.address()).put_sku(8, 1_000);
    let (mut crowd, mut looks) = (Crowd::of(&server), Looks::default());
    for _ in 0..40 {
        for sku in [SKU, 8] {
            assert!(crowd.come(&server, sku, 10).iter().all(|answer| super::code(answer) == Code::Ok));
        }
        looks.look(&server);
    }
    assert_eq!(plans(&server)["runs"].as_array().map(Vec::len), Some(0));
    crowd.come(&server, SKU, 100);
    looks.look(&server);
    let report = plans(&server);
    let run = &report["runs"][0];
    assert_eq!((run["sku"].as_str(), run["rule"].as_str()), (Some("7"), Some("hot-sku")), "{run}");
    assert_eq!(run["state"], "active");
    let done = [("shopper-limit", "done"), ("limit", "done"), ("breaker", "done"), ("freeze", "done")];
    assert_eq!(steps(run), done);
    assert_eq!((crowd.one(&server, SKU), crowd.one(&server, 8)), (Code::SkuFrozen, Code::Ok));
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (1, 1));

    // It is found once, and answered once.
    crowd.come(&server, SKU, 100);
    looks.look(&server);
    assert_eq!(plans(&server)["runs"].as_array().map(Vec::len), Some(1));
    let (_, metrics) = get(&server, "/metrics");
    for line in [
        "doorbuster_anomaly_fired_total{rule=\"hot-sku\"} 1",
        "doorbuster_emergency_plans_active{plan=\"calm-down\"} 1",
        "doorbuster_emergency_actions_total{action=\"freeze\",outcome=\"done\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }

    let reverted = granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!(reverted["state"], "reverted");
    assert!(
        reverted["steps"].as_array().unwrap().iter().all(|step| step["undone"] == "as before"),
        "{reverted}"
    );
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (0, 0));
    assert_eq!(crowd.one(&server, SKU), Code::Ok);

    let fetch = Fetch { from: 0, max_events: 7_000, ..Fetch::default() };
    let fetched: Vec<Fetched> = Peer::greeted(server.address()).ask(Kind::Fetch, 9, &[fetch]);
    let by_plans = fetched[0].events.iter().filter(|event| (event.user, event.reason) == (DESK, 1));
    let kinds: Vec<_> = by_plans.filter_map(|event| Some((event.kind()?, event.sku, event.units))).collect();
    assert_eq!(
        kinds,
        [
            (EventKind::LimitsSet, SKU, 0),
            (EventKind::FreezeSet, SKU, 1),
            (EventKind::FreezeSet, SKU, 0),
            (EventKind::LimitsSet, SKU, 0)
        ]
    );
    server.stop();
}

#[test]
fn the_first_action_that_fails_stops_the_plan_and_what_was_done_can_be_undone() {
    let actions = vec![limit(), Action::Freeze { sku: Some(999) }, Action::Freeze { sku: None }];
    let server = start(vec![plan("calm-down", actions)], Vec::new());
    let run = granted(&server, r#"{"do":"run","plan":"calm-down","sku":7}"#);
    assert_eq!(steps(&run), [("limit", "done"), ("freeze", "failed")]);
    assert_eq!(
        (run["state"].as_str(), run["steps"][1]["why"].as_str()),
        (Some("stopped"), Some("SKU 999 is not set up"))
    );
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (1, 0));
    let run = granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!((run["state"].as_str(), stock(&server).user_limit), (Some("reverted"), 0));
    server.stop();
}

#[test]
fn what_somebody_else_has_changed_since_stays_and_is_said() {
    let server = start(vec![plan("calm-down", vec![limit(), Action::Freeze { sku: None }])], Vec::new());
    granted(&server, r#"{"do":"run","plan":"calm-down","sku":7}"#);
    let limits = SetLimits { sku: SKU, user_limit: 5, ..SetLimits::default() };
    let mut peer = Peer::greeted(server.address());
    peer.ask::<_, doorbuster_protocol::Answer>(Kind::SetLimits, 3, &[limits]);
    let run = granted(&server, r#"{"do":"revert","run":1}"#);
    let undone = run["steps"][0]["undone"].as_str().unwrap_or_default();
    assert_eq!(undone, "somebody else has changed the limits of SKU 7 since, and they stay");
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (5, 0));
    server.stop();
}

#[test]
fn of_two_runs_that_changed_the_same_the_later_one_takes_over_what_was_before() {
    let lower = |units| Action::Limit { sku: None, per_user: Some(few(units)), per_order: None };
    let two =
        vec![plan("calm", vec![lower(5)]), plan("calmer", vec![lower(2), Action::Freeze { sku: None }])];
    let server = start(two, Vec::new());
    granted(&server, r#"{"do":"run","plan":"calm","sku":7}"#);
    granted(&server, r#"{"do":"run","plan":"calmer","sku":7}"#);
    let run = granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!(run["steps"][0]["undone"], "run 2 has it now");
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (2, 1));
    granted(&server, r#"{"do":"revert","run":2}"#);
    assert_eq!((stock(&server).user_limit, stock(&server).frozen), (0, 0));
    server.stop();
}

#[test]
fn a_wish_that_makes_no_sense_is_refused_in_words() {
    let server = start(vec![plan("calm-down", vec![limit()])], Vec::new());
    let refused = |text: &str| {
        let (status, body) = wish(&server, text);
        assert_eq!(status, 400, "{body}");
        body
    };
    assert_eq!(refused(r#"{"do":"run","plan":"panic"}"#), "no such plan: panic; there are calm-down\n");
    let needs = "plan calm-down has an action \"limit\" that needs a SKU: name one\n";
    assert_eq!(refused(r#"{"do":"run","plan":"calm-down"}"#), needs);
    assert_eq!(refused(r#"{"do":"revert","run":1}"#), "no such run: 1\n");
    granted(&server, r#"{"do":"run","plan":"calm-down","sku":7}"#);
    let again = refused(r#"{"do":"run","plan":"calm-down","sku":7}"#);
    assert_eq!(again, "run 1 of this plan is in force already; revert it first\n");
    granted(&server, r#"{"do":"revert","run":1}"#);
    assert_eq!(refused(r#"{"do":"revert","run":1}"#), "run 1 is reverted already\n");
    assert!(refused("{}").starts_with("not what is wanted here: "));
    server.stop();
}

#[test]
fn new_holds_that_are_refused_unread_are_counted_as_well() {
    const BURST: u64 = 200;
    let server = Server::start_with(|setup| {
        set_up(setup, vec![plan("calm-down", vec![Action::Freeze { sku: None }])]);
        // Of frames that come together next to none is let in.
        setup.backlog_us = 1;
        setup.anomaly_rules = vec![AnomalyRule { planned_per_second: 20, above: 10.0, ..rule("calm-down") }];
    });
    Peer::greeted(server.address()).put_sku(SKU, 1_000);
    let (mut crowd, mut looks) = (Crowd::of(&server), Looks::default());
    looks.look(&server);
    let frames: Vec<u8> = (0..BURST)
        .flat_map(|_| {
            let mut bytes = Vec::new();
            let header = Header { flags: FLAG_FIRST_ATTEMPT, ..Header::new(Kind::Reserve, 1, 1) };
            body::frame(header, &[crowd.wish(&server, SKU)], &mut bytes);
            bytes
        })
        .collect();
    crowd.peer.send(&frames);
    for _ in 0..BURST {
        crowd.peer.frame();
    }
    looks.look(&server);
    assert_eq!(plans(&server)["runs"][0]["sku"], "7");
    server.stop();
}
