//! Shoppers under pseudonyms: the shop sees no difference, and the data says nothing about them without the key.

use std::path::Path;

use doorbuster_client::{Client, Outcome, PutSku, Reserve};

use crate::{FREE_PORTS, Serving, block_on, fails, folder, run, write};

const KEY: &str = "00112233445566778899aabbccddeeff\n";
const WITH_KEY: [&str; 4] = ["--data", "sale", "--set", "log.shopper_key=shoppers.key"];

/// A shopper whose number stands nowhere by chance.
const SHOPPER: u64 = 0x1234_5678_9ABC_DEF0;

/// Sells two units of SKU 7, one a shopper, to this one and to another.
async fn sell(address: &str) -> u64 {
    let client = Client::connect(address).await.unwrap();
    client.put_sku(&PutSku { sku: 7, units: 5, user_limit: 1, ..PutSku::default() }).await.unwrap();
    let wish = |user| Reserve { user, sku: 7, quantity: 1, ..Reserve::default() };
    let held = client.reserve(&wish(SHOPPER)).await.unwrap().done().expect("units are there");
    let Outcome::Refused(refusal) = client.reserve(&wish(SHOPPER)).await.unwrap() else {
        panic!("a second one is over the limit");
    };
    assert_eq!(refusal.code.name(), "USER_LIMIT");
    client.reserve(&wish(43)).await.unwrap().done().expect("somebody else");
    held.order
}

/// The server does not start like that.
fn refuses(place: &Path, arguments: &[&str], parts: &[&str]) {
    fails(place, &[&["serve"], &FREE_PORTS[..], arguments].concat(), 2, parts);
}

#[test]
fn who_has_the_key_finds_a_shopper_and_nobody_else_does() {
    let place = folder();
    let place = place.path();
    write(place, "shoppers.key", KEY);
    let server = Serving::start(place, &WITH_KEY);
    let order = block_on(sell(&server.address)).to_string();
    let (shopper, number) = (SHOPPER.to_string(), order.as_str());

    let server_says = run(place, &["feed", "--server", &server.address, "--user", &shopper, "--json"]).1;
    assert_eq!(server_says.lines().count(), 1, "{server_says}");
    assert!(server_says.contains(number) && !server_says.contains(&shopper), "{server_says}");
    let read = run(place, &["order", "show", number, "--user", &shopper, "--server", &server.address]);
    assert_eq!(read.0, 0, "{}", read.2);
    assert_eq!(server.terminate(), Some(0));

    for entry in std::fs::read_dir(place.join("sale")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = [SHOPPER.to_le_bytes(), SHOPPER.to_be_bytes()]
            .iter()
            .any(|number| bytes.windows(8).any(|window| window == number));
        assert!(!found, "the data folder holds the shopper's number");
    }

    assert_eq!(run(place, &["backup", "--data", "sale", "--to", "copy"]).0, 0);
    for data in ["sale", "copy"] {
        let asked = ["feed", "--data", data, "--user", &shopper, "--json"];
        let with_key = run(place, &[&asked[..], &["--shopper-key", "shoppers.key"]].concat());
        assert_eq!((with_key.0, with_key.1.as_str()), (0, server_says.as_str()), "{}", with_key.2);
        fails(place, &asked, 2, &["shoppers have pseudonyms in this log, by the key with the fingerprint "]);
    }
    assert_eq!(run(place, &["restore", "--from", "copy", "--data", "again"]).0, 0);
    refuses(place, &["--data", "again"], &["name its file with log.shopper_key"]);
}

#[test]
fn a_log_is_of_one_key_for_good() {
    let place = folder();
    let place = place.path();
    write(place, "shoppers.key", KEY);
    write(place, "other.key", &KEY.replace('0', "1"));
    let server = Serving::start(place, &WITH_KEY);
    block_on(sell(&server.address));
    assert_eq!(server.terminate(), Some(0));
    refuses(place, &["--data", "sale"], &["shoppers have pseudonyms in this log", "log.shopper_key"]);
    for (key, why) in [
        ("other.key", "under another key every shopper would be a new one"),
        ("none.key", "can't read none.key: No such file"),
        ("sale/shoppers.json", "holds no key: it must be 32 hexadecimal digits"),
    ] {
        refuses(place, &["--data", "sale", "--set", &format!("log.shopper_key={key}")], &[why]);
    }

    let plain = Serving::start(place, &["--data", "plain"]);
    block_on(sell(&plain.address));
    assert_eq!(plain.terminate(), Some(0));
    let late = ["--data", "plain", "--set", "log.shopper_key=shoppers.key"];
    refuses(place, &late, &["this log calls shoppers what clients call them"]);
    assert_eq!(Serving::start(place, &WITH_KEY).terminate(), Some(0), "the first goes on");
}
