//! Plans that touch the same, run and reverted in any order, leave nothing behind.

use doorbuster_gateway::Action;
use doorbuster_protocol::Code;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::wire::Peer;
use crate::{Crowd, SKU, few, get, granted, plan, plans, start, wish};

const OTHER: u64 = 8;

fn lower(per_user: u32, per_order: u32) -> Action {
    Action::Limit { sku: None, per_user: Some(few(per_user)), per_order: Some(few(per_order)) }
}

fn open(class: Option<&str>) -> Action {
    Action::Breaker { class: class.map(str::to_owned), scope: None }
}

fn queue() -> Action {
    Action::Queue { sku: None, all: false, per_second: few(5), burst: few(1) }
}

#[test]
fn whatever_plans_are_run_and_reverted_in_whatever_order_all_is_as_before() {
    let freeze = || Action::Freeze { sku: None };
    let all = [
        plan("limit", vec![lower(5, 5)]),
        plan("tighter", vec![lower(2, 9), freeze()]),
        plan("freeze", vec![freeze(), queue()]),
        plan("reads", vec![open(Some("read")), lower(3, 1)]),
        plan("stop", vec![open(None), freeze(), lower(1, 1)]),
    ];
    for seed in 0..6 {
        println!("seed {seed}");
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let server = start(all.to_vec(), Vec::new());
        Peer::greeted(server.address()).put_sku(OTHER, 1_000);
        let mut in_force: Vec<u64> = Vec::new();
        for _ in 0..40 {
            if !in_force.is_empty() && rng.random_bool(0.45) {
                let run = in_force.swap_remove(rng.random_range(0..in_force.len()));
                granted(&server, &format!(r#"{{"do":"revert","run":{run}}}"#));
                continue;
            }
            let plan = &all[rng.random_range(0..all.len())].name;
            let sku = if rng.random_bool(0.5) { SKU } else { OTHER };
            // One that is in force already is refused.
            let (status, body) = wish(&server, &format!(r#"{{"do":"run","plan":"{plan}","sku":{sku}}}"#));
            if status == 200 {
                let report: serde_json::Value = serde_json::from_str(&body).unwrap();
                in_force.extend(report["run"].as_u64());
            }
        }
        while !in_force.is_empty() {
            let run = in_force.swap_remove(rng.random_range(0..in_force.len()));
            granted(&server, &format!(r#"{{"do":"revert","run":{run}}}"#));
        }
        let report = plans(&server);
        let runs = report["runs"].as_array().unwrap();
        assert!(runs.len() > 10 && runs.iter().all(|run| run["state"] == "reverted"), "{report}");
        let (_, breakers) = get(&server, "/breakers");
        assert!(!breakers.contains("forced-open") && breakers.contains("automatic"), "{breakers}");
        let (mut peer, mut crowd) = (Peer::greeted(server.address()), Crowd::of(&server));
        for sku in [SKU, OTHER] {
            let stock = peer.stock(sku);
            assert_eq!((stock.user_limit, stock.order_limit, stock.frozen), (0, 0, 0), "SKU {sku}");
            assert_eq!(crowd.one(&server, sku), Code::Ok);
        }
        server.stop();
    }
}
