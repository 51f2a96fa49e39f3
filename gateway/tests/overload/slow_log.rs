//! A log whose disk is slow: new holds are refused, payments go on, and holds are let in again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use doorbuster_engine::storage::{SimStorage, Slowed, SyncDelay};
use doorbuster_gateway::Setup;
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{Code, Confirm, FLAG_FIRST_ATTEMPT, Kind};

use crate::breaker::{BREAKERS, breakers, crowd, get, of, post};
use crate::wire::Peer;
use crate::{SKU, code, connect, frame, read, wish};

/// A request to make each sync take longer.
fn slow_sync(server: &Server, by: &str) -> (u16, String) {
    post(server, "/dev/slow-sync", by)
}

fn on_admin_port(setup: &mut Setup) {
    setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
}

#[test]
fn a_disk_is_slowed_down_where_the_data_may_be_thrown_away_and_by_ten_seconds_at_most() {
    let kept = Server::start_with(on_admin_port);
    let (status, why) = slow_sync(&kept, "1ms");
    assert_eq!(status, 403);
    assert!(why.contains("its data is kept"), "{why}");
    kept.stop();
    let delay = Arc::new(SyncDelay::default());
    let thrown_away = Server::start_with(|setup| {
        on_admin_port(setup);
        setup.sync_delay = Some(Arc::clone(&delay));
    });
    for (by, expected) in [("11s", "at most 10s"), ("fast", "is no length of time")] {
        let (status, why) = slow_sync(&thrown_away, by);
        assert_eq!((status, why.contains(expected)), (400, true), "{why}");
    }
    assert_eq!(slow_sync(&thrown_away, "5ms").0, 200);
    assert_eq!(delay.get(), Duration::from_millis(5));
    thrown_away.stop();
}

#[test]
fn a_log_that_is_slow_takes_no_new_holds_but_payments_until_it_is_well() {
    let delay = Arc::new(SyncDelay::default());
    let disk = Slowed::new(SimStorage::new(0), Arc::clone(&delay));
    let server = Server::start_with(|setup| {
        on_admin_port(setup);
        setup.storage = Arc::new(disk);
        setup.sync_delay = Some(delay);
        setup.backlog_us = 0;
        setup.reactors = 1;
        setup.shards = 1;
    });
    Peer::greeted(server.address()).put_sku(SKU, 1_000_000);
    let mut peer = connect(&server, 0);
    peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 1, &wish(&server, 1)));
    let order = read(&mut peer, 1).answers[&1].order;

    // Far above what counts as slow, so that a reactor that is kept from its clock for a while doesn't hide it.
    assert_eq!(slow_sync(&server, "200ms").0, 200);
    // Sixty results that are slow are enough; the first to come after them are refused.
    let opened =
        (1..50).any(|round| crowd(&server, &mut peer, round * 1_000, 60).contains(&Code::BreakerOpen));
    assert!(opened, "3,000 slow results open it");
    let all = breakers(&get(&server, BREAKERS).1);
    let first = of(&all, "log", "reserve")["transitions"].as_array().expect("a list")[0].clone();
    assert_eq!((&first["to"], &first["reason"]), (&"OPEN".into(), &"slow-share".into()));
    assert_eq!(of(&all, "shard-0", "settle")["state"], "CLOSED");
    let payment_id = wish(&server, 20).request_id;
    peer.send(&frame(Kind::Confirm, 0, 2, &Confirm { order, user: 1, payment_id, amount: 0 }));
    assert_eq!(code(&read(&mut peer, 1).answers[&2]), Code::Ok);

    assert_eq!(slow_sync(&server, "0s").0, 200);
    for number in 100_000.. {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
        let answer = read(&mut peer, 1).answers[&number];
        if code(&answer) == Code::Ok {
            break;
        }
        assert_eq!((code(&answer), answer.retry_after_ms > 0), (Code::BreakerOpen, true));
    }
    server.stop();
}
