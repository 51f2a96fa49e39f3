//! `explain`: stories from a real server's log, and the answer to a number that nobody knows.

use doorbuster_client::{Cancel, Client, Confirm, Line, PutSku, Reserve, ReserveOrder};

use crate::{Serving, block_on, fails, folder, run};

/// Shopper 12 pays one order and gives another back; shopper 13 waits for it and is offered it. Gives the three orders.
fn trade(address: &str) -> [u64; 3] {
    block_on(async {
        let client = Client::connect(address).await.unwrap();
        client.put_sku(&PutSku { sku: 7, units: 2, ..PutSku::default() }).await.unwrap().done().unwrap();
        let wish = Reserve { user: 12, sku: 7, quantity: 1, amount: 19_900, ..Reserve::default() };
        let paid = client.reserve(&wish).await.unwrap().done().unwrap().order;
        let given_back = client.reserve(&wish).await.unwrap().done().unwrap().order;
        let lines = vec![Line { sku: 7, quantity: 1, ..Line::default() }];
        let wait = ReserveOrder { user: 13, wait_ms: 60_000, lines, ..ReserveOrder::default() };
        let waiting = client.reserve_order(&wait).await.unwrap().done().unwrap().order;
        let pay = |amount| Confirm { order: paid, user: 12, payment_id: [0xAB; 16], amount };
        assert!(client.confirm(&pay(1)).await.unwrap().refusal().is_some());
        client.confirm(&pay(19_900)).await.unwrap().done().unwrap();
        let again = Confirm { payment_id: [0xCD; 16], ..pay(19_900) };
        assert!(client.confirm(&again).await.unwrap().refusal().is_some());
        client.cancel(&Cancel { order: given_back, user: 12, reason: 0 }).await.unwrap().done().unwrap();
        [paid, given_back, waiting]
    })
}

/// The sentences, without their times.
fn sentences(said: &str) -> Vec<&str> {
    said.lines().map(|line| line.split_once(" UTC: ").map_or(line, |(_, sentence)| sentence)).collect()
}

#[test]
fn the_story_of_an_order_can_be_read_out_from_the_server_and_from_its_folder() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let [paid, _, waiting] = trade(&server.address);
    let ask = ["explain", "--server", &server.address, "--order", &paid.to_string()];
    let (code, said, complained) = run(place.path(), &ask);
    assert_eq!((code, complained.as_str()), (0, ""));
    let told = sentences(&said);
    assert!(told[0].starts_with("1 unit of SKU 7 was held for shopper 12 until 20"), "{}", told[0]);
    let payment = "ab".repeat(16);
    assert_eq!(
        told[1..],
        [
            format!(
                "The payment {payment} of 0.01 was refused, because 199.00 was due. Nothing changed by it."
            ),
            format!("The payment {payment} of 199.00 arrived in time. The order was paid."),
            format!(
                "The payment {} of 199.00 arrived although the order was paid already. It bought nothing: 199.00 must \
                 be paid back.",
                "cd".repeat(16)
            ),
            "Now: 1 unit of SKU 7 was paid. In all 199.00 must be paid back.".to_owned(),
        ]
    );
    let (_, said, _) =
        run(place.path(), &["explain", "--server", &server.address, "--order", &waiting.to_string()]);
    assert!(said.contains("There were too few, so the order joined the waiting line"), "{said}");
    assert!(
        said.contains("1 unit of SKU 7 came free and was held for the shopper, who had waited, until"),
        "{said}"
    );
    assert_eq!(server.terminate(), Some(0));
    let (code, again, _) =
        run(place.path(), &["explain", "--data", "doorbuster-data", "--order", &paid.to_string()]);
    assert_eq!((code, sentences(&again)), (0, told));
}

#[test]
fn the_story_of_a_shopper_names_his_orders() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let [paid, given_back, _] = trade(&server.address);
    let (code, said, _) = run(place.path(), &["explain", "--server", &server.address, "--user", "12"]);
    let told = sentences(&said);
    assert_eq!((code, told[0], told.len()), (0, "Shopper 12, 2 orders:", 9));
    assert!(
        told[1].starts_with(&format!("order {paid}: 1 unit of SKU 7 was held for shopper 12 until")),
        "{said}"
    );
    assert!(
        said.contains(&format!(
            "order {given_back}: The shopper gave the hold back. 1 unit of SKU 7 went back"
        ))
    );
    let (code, said, _) = run(
        place.path(),
        &["explain", "--server", &server.address, "--user", "12", "--json", "--decimals", "0"],
    );
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["user"], report["story"].as_array().unwrap().len()), (0, &"12".into(), 6));
    assert_eq!(report["story"][2]["kind"], "AMOUNT_MISMATCHED");
    assert!(report["story"][2]["sentence"].as_str().unwrap().contains("because 19900 was due"));
    assert_eq!(report["orders"].as_array().unwrap().len(), 2);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_unknown_order_or_shopper_exits_with_8_and_says_so() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    trade(&server.address);
    let ask = ["explain", "--server", &server.address];
    for (whose, said) in [(["--order", "99"], "order 99"), (["--user", "99"], "shopper 99")] {
        let parts = [&*format!("nothing in the log is about {said};"), "check the number"];
        fails(place.path(), &[&ask[..], &whose].concat(), 8, &parts);
    }
    for arguments in
        [&["explain"][..], &["explain", "--order", "1", "--user", "2"], &["explain", "--order", "x"]]
    {
        assert_eq!(run(place.path(), arguments).0, 2, "{arguments:?}");
    }
    assert_eq!(server.terminate(), Some(0));
}
