//! The thread that looks by itself.

use std::time::{Duration, Instant};

use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{Action, AnomalyRule};

use crate::wire::Peer;
use crate::{Crowd, SKU, plan, plans, rule, set_up};

/// How long a crowd asks before the test is given up; no passing test waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn while_a_crowd_asks_for_more_than_is_planned_the_thread_carries_the_plan_out() {
    let server = Server::start_with(|setup| {
        set_up(setup, vec![plan("calm", vec![Action::Freeze { sku: None }])]);
        setup.watches = true;
        let planned = AnomalyRule { planned_per_second: 10, above: 2.0, ..rule("calm") };
        setup.anomaly_rules = vec![planned];
    });
    Peer::greeted(server.address()).put_sku(SKU, 10);
    let (mut crowd, began) = (Crowd::of(&server), Instant::now());
    while plans(&server)["runs"][0]["state"] != "active" {
        assert!(began.elapsed() < PATIENCE, "nobody looks");
        crowd.come(&server, SKU, 100);
    }
    assert_eq!(plans(&server)["runs"][0]["sku"], "7");
    server.stop();
}
