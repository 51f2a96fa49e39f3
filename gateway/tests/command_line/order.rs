//! `order`, `stock show` and `audit`: what a storefront does by machine, by hand.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::{Serving, binary, fails, folder, run, write};

#[test]
fn an_order_is_placed_paid_shown_and_given_back_by_hand() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,3\n");
    let server = Serving::start(place.path(), &[]);
    let at = ["--server", server.address.as_str()];
    let json = |arguments: &[&str]| -> serde_json::Value {
        let (code, said, complained) = run(place.path(), &[arguments, &at, &["--json"]].concat());
        assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}: {said}");
        serde_json::from_str(&said).unwrap()
    };
    assert_eq!(run(place.path(), &[&["stock", "import", "stock.csv"][..], &at].concat()).0, 0);
    let reserve = ["order", "reserve", "--user", "1", "--sku", "7", "--amount", "500"];
    let (code, said, _) = run(place.path(), &[&reserve[..], &at, &["--bare"]].concat());
    let order = said.trim();
    assert_eq!((code, said.lines().count(), order.parse::<u64>().is_ok()), (0, 1, true));
    let held = json(&["order", "show", order, "--user", "1"]);
    assert_eq!(
        (&held["state"], &held["amount"], &held["quantity"]),
        (&"HELD".into(), &500.into(), &1.into())
    );
    let paid =
        json(&["order", "pay", order, "--user", "1", "--amount", "500", "--payment", &"ab".repeat(16)]);
    assert_eq!((&paid["state"], &paid["payment_id"]), (&"CONFIRMED".into(), &"ab".repeat(16).into()));
    let (_, said, _) = run(place.path(), &[&["order", "show", order, "--user", "1"][..], &at].concat());
    assert!(
        said.starts_with(&format!("order {order} is CONFIRMED since 20")) && said.ends_with(": 1 of SKU 7\n")
    );

    let other = json(&["order", "reserve", "--user", "2", "--sku", "7", "--quantity", "2", "--hold", "90s"]);
    let waiting = json(&["order", "reserve", "--user", "3", "--sku", "7", "--wait", "5m"]);
    assert_eq!((&other["state"], &waiting["state"]), (&"HELD".into(), &"WAITING".into()));
    let number = other["order"].as_str().unwrap();
    assert_eq!(json(&["order", "cancel", number, "--user", "2", "--reason", "4"])["state"], "CANCELLED");
    let stock = json(&["stock", "show", "7"]);
    // It has its offer already, and watching says so at once.
    let number = waiting["order"].as_str().unwrap();
    assert_eq!(json(&["order", "watch", number, "--user", "3"])["state"], "HELD");
    let accounts = ["available", "held", "sold", "waiting"].map(|name| stock[name].as_u64().unwrap());
    assert_eq!(accounts, [1, 1, 1, 0], "the unit that came back was offered");

    let audit = json(&["audit"]);
    assert_eq!((&audit["events"], &audit["sold"], &audit["compared"]), (&7.into(), &"1".into(), &1.into()));
    assert_eq!(audit["differences"], serde_json::json!([]));
    assert_eq!(server.terminate(), Some(0));
    let (code, said, _) = run(place.path(), &["audit", "--data", "doorbuster-data"]);
    assert_eq!(code, 0);
    assert_eq!(
        said,
        "8 events, 1 SKUs: 3 units, of them 1 available, 1 held, 1 sold\nno account was ever below nothing\nread from a \
         folder: no server's accounts to compare with\n"
    );
}

#[test]
fn a_refusal_is_said_with_its_meaning_and_exits_with_7() {
    let place = folder();
    let server = Serving::start(place.path(), &["--throwaway"]);
    let at = ["--server", server.address.as_str()];
    let fails = |arguments: &[&str], parts: &[&str]| {
        fails(place.path(), &[arguments, &at].concat(), 7, parts);
    };
    fails(
        &["order", "reserve", "--user", "1", "--sku", "9"],
        &["refused: UNKNOWN_SKU: No such SKU has been set up."],
    );
    fails(&["order", "show", "1", "--user", "1"], &["refused: NO_SUCH_ORDER: "]);
    fails(
        &["order", "reserve", "--user", "1", "--sku", "9", "--quantity", "0"],
        &["BAD_REQUEST", "; field: quantity"],
    );
    fails(&["stock", "show", "9"], &["refused: UNKNOWN_SKU: "]);
    let (code, said, complained) =
        run(place.path(), &[&["order", "cancel", "1", "--user", "1", "--json"][..], &at].concat());
    let refused: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, complained.as_str(), &refused["refused"]), (7, "", &"NO_SUCH_ORDER".into()));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_that_is_not_there_is_said_with_its_address() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let address = server.address.clone();
    assert_eq!(server.terminate(), Some(0));
    for arguments in [&["order", "show", "1", "--user", "1"][..], &["stock", "show", "1"]] {
        let parts = [&*format!("cannot connect to {address}: "), "is `doorbuster serve` running there?"];
        fails(place.path(), &[arguments, &["--server", &address]].concat(), 7, &parts);
    }
    for (arguments, part) in [
        (&["order", "pay", "1", "--user", "1", "--payment", "ab"][..], "32 hexadecimal digits"),
        (&["order", "reserve", "--user", "1", "--sku", "1", "--hold", "soon"], "is no length of time"),
        (&["order", "reserve", "--sku", "1"], "--user"),
    ] {
        let (code, _, complained) = run(place.path(), arguments);
        assert_eq!(code, 2, "{arguments:?}");
        assert!(complained.contains(part), "{complained}");
    }
}

#[test]
fn who_waits_and_watches_sees_the_offer_come() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,1\n");
    let server = Serving::start(place.path(), &[]);
    let at = ["--server", server.address.as_str()];
    let run = |arguments: &[&str]| run(place.path(), &[arguments, &at].concat());
    assert_eq!(run(&["stock", "import", "stock.csv"]).0, 0);
    let (_, held, _) = run(&["order", "reserve", "--user", "1", "--sku", "7", "--bare"]);
    let wish = ["order", "reserve", "--user", "2", "--sku", "7", "--wait", "5m", "--watch"];
    let mut waiting = binary(place.path()).args(wish).args(at).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(waiting.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = said.next().unwrap();
    assert!(first.contains(" is WAITING until 20"), "{first}");
    assert_eq!(run(&["order", "cancel", held.trim(), "--user", "1"]).0, 0);
    let second = said.next().unwrap();
    assert!(second.contains(" is HELD until 20") && second.ends_with(": 1 of SKU 7"), "{second}");
    assert_eq!((said.next(), waiting.wait().unwrap().code()), (None, Some(0)));
    let order = second.split(' ').nth(1).unwrap();
    fails(
        place.path(),
        &[&["order", "watch", order, "--user", "3"][..], &at].concat(),
        7,
        &["OWNER_MISMATCH"],
    );
    let alone = ["order", "reserve", "--user", "2", "--sku", "7", "--watch"];
    let (code, _, complained) = run(&alone);
    assert!(code == 2 && complained.contains("--wait"), "{complained}");
}
