//! Paid orders and counts by hand.

use crate::{Serving, fails, folder, run, write};

#[test]
fn an_order_is_shipped_returned_refunded_and_its_goods_counted_by_hand() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,5\n8,1\n");
    let server = Serving::start(place.path(), &[]);
    let at = ["--server", server.address.as_str()];
    let text = |arguments: &[&str]| -> String {
        let (code, said, complained) = run(place.path(), &[arguments, &at].concat());
        assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}: {said}");
        said
    };
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&text(&[arguments, &["--json"]].concat())).unwrap()
    };
    text(&["stock", "import", "stock.csv"]);
    let bought = |user: &str, quantity: &str| -> String {
        let reserve = ["order", "reserve", "--user", user, "--sku", "7", "--quantity", quantity, "--bare"];
        let order = text(&reserve).trim().to_owned();
        text(&["order", "pay", &order, "--user", user, "--amount", "500", "--payment", &"ab".repeat(16)]);
        order
    };
    let order = bought("1", "2");
    let whose = [order.as_str(), "--user", "1"];
    let step = |name: &str, more: &[&str]| text(&[&["order", name], &whose[..], more].concat());
    assert_eq!(step("fulfil", &[]), format!("order {order} is FULFILLING; units that took the step: 0\n"));
    assert_eq!(
        step("ship", &["--line", "7=1"]),
        format!("order {order} is PART_SHIPPED; units that took the step: 1\n")
    );
    assert_eq!(step("ship", &["--line", "7=1"]), format!("order {order} is PART_SHIPPED, as before\n"));
    step("ship", &[]);
    step("deliver", &["--by", "4"]);
    step("return", &["--line", "7=1", "--to", "quarantine", "--reason", "2"]);
    let refund = ["--payment", &"ab".repeat(16), "--amount", "250", "--refund", &"cd".repeat(16)];
    assert_eq!(
        step("refund", &refund),
        format!("order {order} is DELIVERED; left of the payment, minor units: 250\n")
    );
    let now = json(&[&["order", "progress"], &whose[..]].concat());
    assert_eq!((&now["state"], &now["refunded"]), (&"DELIVERED".into(), &250.into()));
    let line = serde_json::json!([{
        "sku": "7", "units": 1, "shipped": 2, "cancelled": 0, "returned": 1, "missing": 0,
    }]);
    assert_eq!(now["lines"], line);
    assert!(
        step("progress", &[])
            .contains("SKU 7: 1 units; so far 2 shipped, 0 cancelled, 1 returned; missing: 0")
    );
    assert_eq!(
        text(&["stock", "inspect", "7", "--units", "1", "--expected", "1", "--to", "stock"]),
        "SKU 7: 0 left in quarantine\n"
    );
    step("close", &[]);

    // Four are left: a count finds one of them.
    let (first, second) = (bought("2", "1"), bought("3", "2"));
    let counted = text(&["stock", "count", "--sku", "7", "--on-hand", "1", "--expected", "4"]);
    assert!(counted.starts_with("SKU 7: 2 held or paid units are missing\n"), "{counted}");
    assert!(
        counted.contains(&format!("  order {second}, paid at 20")) && !counted.contains(&first),
        "{counted}"
    );
    assert!(counted.ends_with("1 of 1 SKUs counted\n"), "{counted}");
    let goods = json(&["stock", "goods", "7"]);
    let accounts = ["on_hand", "allocated", "shipped", "missing"].map(|name| goods[name].as_u64().unwrap());
    assert_eq!(accounts, [1, 3, 1, 2]);
    write(place.path(), "count.csv", "sku,on_hand\n7,3\n8,2\n");
    let counted = json(&["stock", "count", "count.csv"]);
    assert_eq!((&counted["counted"], &counted["skus"][0]["missing"]), (&2.into(), &0.into()));
    assert_eq!(
        text(&["order", "cancel-paid", &second, "--user", "3", "--line", "7=1"]),
        format!("order {second} is CONFIRMED; units that took the step: 1\n")
    );
    let audit = json(&["audit"]);
    assert_eq!(audit["differences"], serde_json::json!([]));
    let story = text(&["explain", "--order", &order]);
    assert!(
        story.contains("came back from the shopper and was put aside to be inspected (reason 2)."),
        "{story}"
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_is_written_wrong_is_said_in_one_line() {
    let place = folder();
    write(place.path(), "count.csv", "sku,on_hand\n7,x\n");
    let told = "count.csv, line 2: '7,x' is no SKU and number of units; nothing was sent";
    fails(place.path(), &["stock", "count", "count.csv"], 2, &[told]);
    for (arguments, told) in [
        (&["stock", "count"][..], "required"),
        (&["order", "ship", "1", "--user", "1", "--line", "7"], "write SKU=UNITS, such as 7=2"),
        (&["stock", "count", "--sku", "7", "--on-hand", "1", "--as-of", "soon"], "soon is no time"),
    ] {
        let (code, said, complained) = run(place.path(), arguments);
        assert!(code == 2 && said.is_empty() && complained.contains(told), "{arguments:?}: {complained}");
    }
}
