//! `serve`: what it says, what overrides what, and what is left after it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::Stdio;

use doorbuster_client::{Client, Outcome, ReadOrder, Reserve};

use crate::{FREE_PORTS, Serving, binary, block_on, fails, folder, run, terminate, write};

#[test]
fn a_port_in_use_is_said_with_its_address() {
    let place = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let on = format!("can't listen on {address}");
    fails(
        place.path(),
        &["serve", "--listen", &address, "--admin", "127.0.0.1:0"],
        3,
        &[&on, "choose another address"],
    );
    fails(
        place.path(),
        &["serve", "--listen", "127.0.0.1:0", "--admin", &address],
        3,
        &[&on, "choose another address"],
    );
}

#[test]
fn serve_needs_no_file_and_no_flag_but_ports() {
    let place = folder();
    let mut process = binary(place.path())
        .arg("serve")
        .args(FREE_PORTS)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut lines = [String::new(), String::new()];
    for line in &mut lines {
        output.read_line(line).unwrap();
    }
    assert!(
        lines[0].starts_with("doorbuster ") && lines[0].contains(" listens on 127.0.0.1:"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains("admin on http://127.0.0.1:"), "{}", lines[0]);
    assert!(
        lines[1].starts_with("data in doorbuster-data, durability always; recovered 0 events"),
        "{}",
        lines[1]
    );
    assert!(place.path().join("doorbuster-data/MANIFEST").exists());
    terminate(&process);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "stopped in good order\n");
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn flags_override_the_file() {
    let place = folder();
    write(place.path(), "shop.toml", "[log]\ndurability = \"none\"\nfolder = \"elsewhere\"\n");
    let server = Serving::start(place.path(), &["--config", "shop.toml", "--data", "here"]);
    assert_eq!((&server.ready["durability"], &server.ready["data"]), (&"none".into(), &"here".into()));
    assert_eq!(server.terminate(), Some(0));
    assert!(place.path().join("here").exists() && !place.path().join("elsewhere").exists());
}

#[test]
fn what_was_sold_is_there_after_a_stop_and_a_start() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n1,10\n");
    let server = Serving::start(place.path(), &[]);
    assert_eq!(run(place.path(), &["stock", "import", "stock.csv", "--server", &server.address]).0, 0);
    let wish = Reserve { user: 7, sku: 1, quantity: 3, ..Reserve::default() };
    let hold = block_on(async {
        let client = Client::connect(&server.address).await.unwrap();
        client.reserve(&wish).await.unwrap().done().unwrap()
    });
    assert_eq!(server.terminate(), Some(0));

    let server = Serving::start(place.path(), &[]);
    block_on(async {
        let client = Client::connect(&server.address).await.unwrap();
        let stock = client.read_stock(1).await.unwrap().done().unwrap();
        assert_eq!((stock.available, stock.held), (7, 3));
        let order = client.read_order(&ReadOrder { order: hold.order, user: 7 }).await.unwrap();
        assert!(matches!(order, Outcome::Done(order) if order.quantity == 3));
    });
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn dev_serves_three_skus_and_leaves_nothing_behind() {
    let place = folder();
    let mut process = binary(place.path())
        .args(["serve", "--dev"])
        .args(FREE_PORTS)
        .env("TMPDIR", place.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let greeting = lines.next().unwrap().unwrap();
    let address = greeting.split(" listens on ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let last = "The data is thrown away when this server stops (Ctrl-C).";
    let said: Vec<String> = lines.by_ref().map(Result::unwrap).take_while(|line| line != last).collect();
    assert!(said.iter().any(|line| line.contains(&format!("docs/examples/client.py {address}"))), "{said:?}");
    let totals = block_on(async { Client::connect(address).await.unwrap().status().await.unwrap() });
    assert_eq!((totals.skus, totals.throwaway), (3, 1));
    terminate(&process);
    assert_eq!(lines.map(Result::unwrap).collect::<Vec<_>>(), ["stopped in good order"]);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "the temporary folder is gone");
}
