//! `feed`: from a server and from its folder the same lines, and what is wrong in one line.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use doorbuster_client::{Client, Confirm, PutSku, Reserve, Restock};

use crate::{Serving, binary, block_on, fails, folder, run};

/// Sets two SKUs up, holds of both, pays one. Gives the orders.
fn trade(address: &str) -> (u64, u64) {
    block_on(async {
        let client = Client::connect(address).await.unwrap();
        for sku in [1, 2] {
            client.put_sku(&PutSku { sku, units: 5, ..PutSku::default() }).await.unwrap().done().unwrap();
        }
        let wish = |user, sku| Reserve { user, sku, quantity: 2, amount: 19_900, ..Reserve::default() };
        let first = client.reserve(&wish(7, 1)).await.unwrap().done().unwrap().order;
        let second = client.reserve(&wish(8, 2)).await.unwrap().done().unwrap().order;
        let pay = Confirm { order: first, user: 7, payment_id: [0xAB; 16], amount: 19_900 };
        client.confirm(&pay).await.unwrap().done().unwrap();
        client.restock(&Restock { sku: 2, units: -1, reason: 3, ..Restock::default() }).await.unwrap();
        (first, second)
    })
}

fn lines(place: &Path, arguments: &[&str]) -> Vec<serde_json::Value> {
    let (code, said, complained) = run(place, arguments);
    assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(events: &[serde_json::Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_server_and_its_folder_tell_the_same() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let (first, _) = trade(&server.address);
    let from_server = ["feed", "--server", &server.address, "--json"];
    let told = lines(place.path(), &from_server);
    assert_eq!(kinds(&told), ["SKU_PUT", "SKU_PUT", "RESERVED", "RESERVED", "CONFIRMED", "RESTOCKED"]);
    let positions: Vec<u64> = told.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [0, 1, 2, 3, 4, 5]);
    assert_eq!((&told[2]["order"], &told[2]["user"]), (&first.to_string().into(), &"7".into()));
    assert_eq!(
        (&told[2]["sku"], &told[2]["units"], &told[2]["amount"]),
        (&"1".into(), &2.into(), &19_900.into())
    );
    assert_eq!(told[4]["payment_id"], "ab".repeat(16));
    assert_eq!(
        (&told[5]["sku"], &told[5]["units"], &told[5]["reason"]),
        (&"2".into(), &(-1).into(), &3.into())
    );

    let with = |more: &[&str]| lines(place.path(), &[&from_server[..], more].concat());
    assert_eq!(kinds(&with(&["--from", "3"])), ["RESERVED", "CONFIRMED", "RESTOCKED"]);
    assert_eq!(kinds(&with(&["--sku", "2"])), ["SKU_PUT", "RESERVED", "RESTOCKED"]);
    assert_eq!(kinds(&with(&["--user", "7"])), ["RESERVED", "CONFIRMED"]);
    assert_eq!(kinds(&with(&["--order", &first.to_string(), "--from", "4"])), ["CONFIRMED"]);
    assert_eq!(
        kinds(&with(&["--kind", "confirmed", "--kind", "SKU_PUT"])),
        ["SKU_PUT", "SKU_PUT", "CONFIRMED"]
    );
    assert_eq!(kinds(&with(&["--limit", "1"])), ["SKU_PUT"]);
    assert_eq!(kinds(&with(&["--from", "6"])), [""; 0]);

    // Beside a server that runs, what a later block proves durable; after it, everything and the checkpoint of the stop.
    let data = ["feed", "--data", "doorbuster-data", "--json"];
    let beside = lines(place.path(), &data);
    assert!(told.starts_with(&beside) && beside.len() >= 3, "{beside:?}");
    assert_eq!(server.terminate(), Some(0));
    let after = lines(place.path(), &data);
    assert_eq!((&after[..6], kinds(&after[6..])), (&told[..], vec!["CHECKPOINT"]));
    assert_eq!(kinds(&lines(place.path(), &[&data[..], &["--user", "8"]].concat())), ["RESERVED"]);
}

#[test]
fn text_names_times_in_utc() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let (first, _) = trade(&server.address);
    let (code, said, _) =
        run(place.path(), &["feed", "--server", &server.address, "--from", "2", "--limit", "3"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((code, lines.len()), (0, 3));
    assert!(lines[0].starts_with("       2  20") && lines[0].contains(" UTC  RESERVED "), "{}", lines[0]);
    assert!(
        lines[0].contains(&format!("order {first} user 7 sku 1 units 2 amount 19900 until 20")),
        "{}",
        lines[0]
    );
    assert!(
        lines[2].ends_with(&format!("order {first} amount 19900 payment_id {}", "ab".repeat(16))),
        "{}",
        lines[2]
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn who_follows_is_told_of_what_comes() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let mut following = binary(place.path())
        .args(["feed", "--server", &server.address, "--follow", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    trade(&server.address);
    let output = BufReader::new(following.stdout.take().unwrap());
    let told: Vec<serde_json::Value> =
        output.lines().take(6).map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(kinds(&told), ["SKU_PUT", "SKU_PUT", "RESERVED", "RESERVED", "CONFIRMED", "RESTOCKED"]);
    following.kill().unwrap();
    following.wait().unwrap();
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_cannot_be_read_is_said_in_one_line() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let address = server.address.clone();
    let ask = ["feed", "--server", &address, "--from"];
    fails(place.path(), &[&ask[..], &["1"]].concat(), 7, &["NO_SUCH_POSITION", "durable up to position 0"]);
    for (arguments, part) in [
        (&["feed", "--from", "-1"][..], "-1"),
        (&["feed", "--kind", "SOLD"], "SKU_PUT"),
        (&["feed", "--partition", "4096"], "4096"),
        (&["feed", "--data", "x", "--follow"], "--follow"),
    ] {
        let (code, _, complained) = run(place.path(), arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(complained.contains(part), "{complained}");
    }
    assert_eq!(server.terminate(), Some(0));
    let parts =
        ["can't read events from 127.0.0.1:", "is `doorbuster serve` running there? --data reads a folder"];
    fails(place.path(), &["feed", "--server", &address], 7, &parts);
    fails(place.path(), &["feed", "--data", "nowhere"], 4, &["nowhere/MANIFEST", "this is no data folder"]);
    fails(place.path(), &["feed", "--data", "doorbuster-data", "--from", "9"], 7, &["NO_SUCH_POSITION"]);
}

#[test]
fn a_torn_end_is_read_up_to_and_said() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    trade(&server.address);
    assert_eq!(server.terminate(), Some(0));
    let path = place.path().join("doorbuster-data/segment-0000000001.log");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.chunks(4096).position(|page| page.iter().all(|byte| *byte == 0)).unwrap() * 4096;
    bytes[end..end + 8].copy_from_slice(b"DBRBLOCK");
    std::fs::write(&path, bytes).unwrap();
    let (code, said, complained) = run(place.path(), &["feed", "--data", "doorbuster-data"]);
    assert_eq!((code, said.lines().count(), complained.lines().count()), (0, 7, 1));
    assert!(
        complained.starts_with("doorbuster: behind position 7 of doorbuster-data stand bytes"),
        "{complained}"
    );
}
