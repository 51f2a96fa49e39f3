//! A crowd that does everything: its reports add up, and come to what the auditor comes to.

use std::path::Path;
use std::sync::Arc;

use doorbuster_auditor::{Certificate, Certified, certify};
use doorbuster_engine::clock::ManualClock;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;
use serde_json::Value;

use crate::workload::Crowd;
use crate::{START, connect, json, open};

const SEEDS: u64 = 8;

/// Starts of a server, and what the crowd does in each.
const LIVES: u32 = 3;
const ACTS: u32 = 150;

async fn write(folder: &Path, seed: u64) {
    let mut crowd = Crowd::new(seed);
    let mut clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    for life in 0..LIVES {
        let storage = Arc::new(open(folder));
        let server = Server::start_on(storage, clock, |_| {});
        let client = connect(&server).await;
        if life == 0 {
            crowd.set_up(&client).await;
        }
        drop(crowd.act(&server, client, ACTS).await);
        clock = server.stop().1;
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is a number"))
}

/// Adds up objects of numbers.
fn sum<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<(String, u64)> {
    let mut sums: Vec<(String, u64)> = Vec::new();
    for object in objects {
        for (name, value) in object.as_object().unwrap() {
            match sums.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += number(value),
                None => sums.push((name.clone(), number(value))),
            }
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sections_add_up_to_the_whole_which_the_auditor_confirms() {
    let mut reacquired = 0;
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), seed).await;
        let Ok(Certified::Sound(certificate)) = certify(folder.path(), &mut |_, _| {}) else {
            panic!("the log is sound")
        };
        let found = json(folder.path(), &["interval", ".", "--every", "7m"]);
        let (total, sections) = (&found["total"], found["sections"].as_array().unwrap());
        assert!(sections.len() > 3, "{} sections", sections.len());
        let mut counts = sum(sections.iter().map(|section| &section["counts"]));
        assert_eq!(counts, sum(std::iter::once(&total["counts"])), "sections add up");
        let by_channel = total["channels"].as_array().unwrap().iter().map(|row| {
            let mut row = row.clone();
            row.as_object_mut().unwrap().retain(|name, _| name != "channel" && name != "share");
            row
        });
        let by_channel: Vec<Value> = by_channel.collect();
        let mut of_channels = sum(by_channel.iter());
        counts.sort();
        of_channels.sort();
        assert_eq!(of_channels, counts, "channels add up");
        reacquired += confirm(total, &certificate);
        sale(folder.path(), total, &certificate);
    }
    assert!(reacquired > 0, "some paid too late and still got their units");
}

/// What the auditor counted, too. Returns how many orders were paid after their hold.
fn confirm(total: &Value, certificate: &Certificate) -> u64 {
    let counts = &total["counts"];
    let of = |name: &str| number(&counts[name]);
    let orders = &certificate.orders;
    assert_eq!(of("holds") + of("waits"), orders.placed);
    assert_eq!(of("paid_in_time") + of("reacquired"), orders.confirmed);
    assert_eq!(of("superseded"), orders.superseded);
    assert_eq!(of("lapsed"), orders.lapsed);
    assert_eq!(of("waits") - of("offers") - of("left") - of("lapsed"), orders.waiting);
    // Who gave back or ran out and then paid is paid to the auditor; who left the line gave back.
    assert!(of("cancelled") + of("left") + of("expired") >= orders.cancelled + orders.expired);
    assert!(
        of("cancelled") + of("left") + of("expired") <= orders.cancelled + orders.expired + of("reacquired")
    );
    let money = &certificate.money;
    assert_eq!((of("revenue"), of("refund_due")), (money.bought_minor, money.refunds_minor));
    assert_eq!(of("refunds_late") + of("refunds_twice") + of("refunds_waited"), money.refunds);
    let kept = of("sold_units") - of("taken_back_units") - of("returned_units");
    let sum = |of: fn(&doorbuster_auditor::SkuAccount) -> i64| {
        u64::try_from(certificate.skus.iter().map(of).sum::<i64>()).unwrap()
    };
    assert_eq!(kept, sum(|sku| sku.sold));
    let stock = &total["stock"];
    let all = ["available", "held", "sold"].map(|name| number(&stock[name]));
    assert_eq!(all, [sum(|sku| sku.available), sum(|sku| sku.held), sum(|sku| sku.sold)]);
    for row in total["channels"].as_array().unwrap() {
        let channel = number(&row["channel"]);
        let sold = certificate.channels.iter().filter(|account| u64::from(account.channel) == channel);
        let kept =
            number(&row["sold_units"]) - number(&row["taken_back_units"]) - number(&row["returned_units"]);
        assert_eq!(kept, sold.map(|account| account.sold).sum::<u64>(), "channel {channel}");
    }
    of("reacquired")
}

/// The report of all of it as one sale has the same counts, and each SKU's accounts.
fn sale(folder: &Path, total: &Value, certificate: &Certificate) {
    let sale = json(folder, &["sale", ".", "--from", "2026-11-11T00:00:00Z"]);
    assert_eq!(sale["effect"]["counts"], total["counts"]);
    let skus = sale["effect"]["skus"].as_array().unwrap();
    assert_eq!(skus.len(), certificate.skus.len());
    for row in skus {
        let name = row["sku"].as_str().unwrap();
        let account = certificate.skus.iter().find(|account| account.sku.to_string() == name).unwrap();
        let found = ["available", "held", "sold"].map(|name| row[name].as_i64().unwrap());
        assert_eq!(found, [account.available, account.held, account.sold], "SKU {name}");
    }
    let course = sale["effect"]["course"].as_array().unwrap();
    let placed: u64 = course.iter().map(|point| number(&point["placed"])).sum();
    assert_eq!(placed, certificate.orders.placed, "the curve has every order");
}
