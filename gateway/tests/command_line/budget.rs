//! `budget`, `coupon`, and orders that claim from them.

use crate::{Serving, fails, folder, run, write};

#[test]
fn a_budget_and_a_coupon_are_set_up_used_and_shown_by_hand() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,3\n");
    let server = Serving::start(place.path(), &["--throwaway"]);
    let at = ["--server", server.address.as_str()];
    let said = |arguments: &[&str]| {
        let (code, said, complained) = run(place.path(), &[arguments, &at].concat());
        assert_eq!((code, complained.as_str()), (0, ""), "{arguments:?}: {said}");
        said
    };
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&said(&[arguments, &["--json"]].concat())).unwrap()
    };
    said(&["stock", "import", "stock.csv"]);
    let set = [
        "budget", "set", "4", "--funded", "1000", "--funder", "1:40", "--funder", "2:50", "--funder", "3:10",
    ];
    assert_eq!(said(&set), "budget 4: done, 1000 left\n");
    assert_eq!(said(&set), "budget 4 was so before\n");
    assert_eq!(json(&["budget", "fund", "4", "--to", "1200", "--by", "9", "--reason", "2"])["left"], 1_200);
    assert_eq!(said(&["coupon", "issue", "5", "--serials", "100"]), "batch 5: 100 coupons\n");
    assert_eq!(json(&["coupon", "issue", "5", "--serials", "100"])["replayed"], true);
    let reserve = ["order", "reserve", "--user", "1", "--sku", "7", "--amount", "667", "--bare"];
    let claims = ["--budget", "4", "--discount", "333", "--coupon", "5-17"];
    let order = said(&[&reserve[..], &claims].concat());
    assert_eq!(
        said(&["budget", "show", "4"]),
        "budget 4: 867 left, 333 reserved, 0 spent, of 1200 funded\nfunder 1 (share 40) pays 133\nfunder 2 (share 50) \
         pays 167\nfunder 3 (share 10) pays 33\n"
    );
    assert_eq!(said(&["coupon", "show", "5-17"]), "coupon 5-17: 0 of 1 uses redeemed, 1 reserved; valid\n");
    said(&["order", "pay", order.trim(), "--user", "1", "--amount", "667"]);
    let budget = json(&["budget", "show", "4"]);
    assert_eq!((&budget["spent"], &budget["funders"][1]["posted"]), (&333.into(), &167.into()));
    assert_eq!(json(&["coupon", "show", "5-17"])["redeemed"], 1);
    let story = said(&["explain", "--order", order.trim()]);
    assert!(story.contains("A discount of 3.33 was reserved for the order; budget 4 pays it."), "{story}");
    assert!(story.contains("Coupon 5-17 was redeemed."), "{story}");
    let feed = said(&["feed", "--json"]);
    let mut events = feed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let placed = events.find(|event| event["kind"] == "RESERVED").unwrap();
    assert_eq!((&placed["discount"], &placed["budget"]), (&333.into(), &4.into()));
    assert_eq!(said(&["budget", "stop", "4"]), "budget 4: done, 867 left\n");
    let again = [&reserve[..], &["--budget", "4", "--discount", "1"], &at].concat();
    fails(place.path(), &again, 7, &["BUDGET_STOPPED"]);
    let used = [&reserve[..], &["--coupon", "5-17"], &at].concat();
    fails(place.path(), &used, 7, &["COUPON_USED"]);
    let too_far = [&["budget", "fund", "4", "--to", "1"][..], &at].concat();
    fails(place.path(), &too_far, 7, &["BUDGET_IN_USE", "units: 333"]);
}

#[test]
fn what_cannot_be_a_funder_or_a_coupon_is_said_with_how_to_write_it() {
    let place = folder();
    for (arguments, part) in [
        (&["budget", "set", "1", "--funded", "1", "--funder", "1:0"][..], "such as 1:40"),
        (&["budget", "set", "1", "--funded", "1"], "--funder"),
        (&["coupon", "show", "517"], "such as 5-17"),
        (&["order", "reserve", "--user", "1", "--sku", "1", "--budget", "1"], "--discount"),
    ] {
        let (code, said, complained) = run(place.path(), arguments);
        assert_eq!((code, said.as_str()), (2, ""), "{arguments:?}");
        assert!(complained.contains(part), "{part:?} is not in {complained}");
    }
}
