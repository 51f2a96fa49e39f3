//! `campaign`: a file against a real server, from its plan to its end.

use crate::{Serving, fails, folder, run, write};

const SALE: &str = r#"
campaign = 11
name = "Double 11"

[[phase]]
name = "rush"
start = 2020-11-11T00:00:00+08:00
stage = "live"
prices = 1

[[phase]]
name = "end"
start = 2120-11-11T00:00:00+08:00
stage = "closed"

[[sku]]
sku = 1
user_limit = 2

[[price]]
sku = 1
version = 1
price = 500

[[allotment]]
percent = 50
channels = [{ channel = 1, weight = 2 }, { channel = 2, weight = 1 }]
"#;

#[test]
fn a_campaign_is_planned_applied_once_changed_paused_and_ended() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let campaign = |arguments: &[&str]| {
        run(place.path(), &[&["campaign"], arguments, &["--server", &server.address]].concat())
    };
    write(place.path(), "stock.csv", "sku,units\n1,10\n");
    write(place.path(), "sale.toml", SALE);

    let (code, said, _) = campaign(&["plan", "sale.toml"]);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("  ! SKU 1 is not set up at the server; import it with `doorbuster stock import`\n"),
        "{said}"
    );
    assert!(said.ends_with("1 fault; nothing can be carried out before it is mended\n"), "{said}");
    let (code, said, _) = campaign(&["apply", "sale.toml"]);
    assert!(code == 2 && said.contains("! SKU 1"), "{said}");
    assert_eq!(campaign(&["show", "11"]).0, 7, "nothing was carried out");

    assert_eq!(run(place.path(), &["stock", "import", "stock.csv", "--server", &server.address]).0, 0);
    let (code, said, _) = campaign(&["plan", "sale.toml"]);
    assert_eq!(
        (code, said.as_str()),
        (
            0,
            "campaign 11 (Double 11)\n  \
             + price SKU 1, version 1: 500 (list 500, 500 to 500)\n  \
             + phase 1 of plan 1: rush, live, from 2020-11-10 16:00:00.000 UTC, prices 1\n  \
             + phase 2 of plan 1: end, closed, from 2120-11-10 16:00:00.000 UTC\n  \
             ~ follow plan 1\n  \
             ~ limits SKU 1: 2 for a shopper, any number in an order\n  \
             ~ channel SKU 1, channel 1: 3 kept\n  \
             ~ channel SKU 1, channel 2: 2 kept\n  \
             ~ sell SKU 1 by this campaign\n  \
             ? phase rush starts in the past, 2020-11-10 16:00:00.000 UTC: it counts at once\n\
             no fault; `doorbuster campaign apply` carries it out\n"
        )
    );
    let (code, said, _) = campaign(&["apply", "sale.toml", "--by", "7", "--reason", "3"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("campaign 11 (Double 11): 8 changes, 0 refused\n"), "{said}");
    let (code, said, _) = campaign(&["apply", "sale.toml", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report["changed"], &report["unchanged"]), (0, &0.into(), &0.into()));
    assert!(campaign(&["plan", "sale.toml"]).1.ends_with("the server has it all; nothing to change\n"));

    // A version of prices never changes; a plan is replaced by another.
    write(place.path(), "other.toml", &SALE.replace("price = 500", "price = 400"));
    let (code, said, _) = campaign(&["plan", "other.toml"]);
    assert_eq!(code, 2);
    assert!(
        said.contains(
            "! SKU 1 has another price by version 1 already (500); versions never change: use a new one"
        ),
        "{said}"
    );
    let tighter = SALE.replace("prices = 1", "prices = 1\norder_limit = 1");
    write(place.path(), "tighter.toml", &tighter);
    let (code, said, _) = campaign(&["apply", "tighter.toml"]);
    assert!(code == 0 && said.ends_with("3 changes, 0 refused\n"), "{said}");
    let (code, said, _) = campaign(&["show", "11"]);
    assert_eq!(
        (code, said.as_str()),
        (
            0,
            "campaign 11 is live; the next phase starts 2120-11-10 16:00:00.000 UTC\n\
             > 1 live     from 2020-11-10 16:00:00.000 UTC, 1 in an order, prices 1\n  \
             2 closed   from 2120-11-10 16:00:00.000 UTC\n\
             plan 2, 1 SKUs; prices by version 1, no other version is good\n"
        )
    );

    assert_eq!(campaign(&["pause", "11"]).1, "campaign 11 is paused: nothing is sold, holds can be paid\n");
    assert_eq!(
        campaign(&["pause", "11"]).1,
        "campaign 11 is paused: nothing is sold, holds can be paid, as before\n"
    );
    let reserve = ["order", "reserve", "--user", "1", "--sku", "1", "--server", &server.address];
    fails(place.path(), &reserve, 7, &["refused: PAUSED"]);
    assert_eq!(campaign(&["resume", "11"]).1, "campaign 11 goes on by its plan\n");
    fails(place.path(), &reserve, 7, &["refused: PRICE_CHANGED", "units: 1"]);
    let (code, said, _) = campaign(&["end", "11", "--json"]);
    let ended: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &ended["standing"], &ended["replayed"]), (0, &"ended".into(), &false.into()));
    let (code, said, _) = campaign(&["plan", "sale.toml"]);
    assert!(
        code == 2 && said.contains("! campaign 11 was ended for good; give the file another number"),
        "{said}"
    );

    let (_, feed, _) = run(place.path(), &["feed", "--server", &server.address]);
    for line in [
        "PRICE_SET         sku 1 amount 500 version 1 by 7 reason 3",
        "PHASE_PUT         until 2020-11-10 16:00:00.000 UTC campaign 11 plan 1 phase 0 by 7 reason 3",
        "PLAN_ACTIVATED    campaign 11 plan 1 by 7 reason 3",
        "LIMITS_SET        sku 1 by 7 reason 3 user_limit 2",
        "CHANNEL_SET       sku 1 units 3 channel 1 by 7 reason 3",
        "SKU_BOUND         sku 1 campaign 11 by 7 reason 3",
    ] {
        assert!(feed.contains(line), "{line} is not in {feed}");
    }
    assert!(feed.contains("PHASE_ENTERED     campaign 11 plan 1 phase 0"), "{feed}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn what_a_campaign_changed_is_shown_and_its_skus_are_sold_by_its_terms_until_they_are_released() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let campaign = |arguments: &[&str]| {
        run(place.path(), &[&["campaign"], arguments, &["--server", &server.address]].concat())
    };
    write(place.path(), "stock.csv", "sku,units\n1,10\n");
    write(place.path(), "sale.toml", SALE);
    assert_eq!(run(place.path(), &["stock", "import", "stock.csv", "--server", &server.address]).0, 0);
    assert_eq!(campaign(&["apply", "sale.toml"]).0, 0);
    let (code, said, _) = run(place.path(), &["stock", "import", "stock.csv", "--server", &server.address]);
    let why = "stock.csv, line 2: SKU 1: is set up already and stays as it is: user_limit is 2, not 0; change limits by a \
               campaign's file\n";
    assert!(code == 7 && said.starts_with(why), "{said}");
    let show = |more: &[&str]| {
        run(place.path(), &[&["stock", "show", "1", "--server", &server.address], more].concat()).1
    };
    assert!(
        show(&[]).ends_with(
            "\n  channel 1: 0 taken, 8 more may be; 3 guaranteed\n  channel 2: 0 taken, 7 more may be; 2 guaranteed\n"
        ),
        "{}",
        show(&[])
    );
    let shown: serde_json::Value = serde_json::from_str(&show(&["--json"])).unwrap();
    let second = serde_json::json!({
        "channel": 2, "guarantee": 2, "cap": null, "release_at_ms": null, "taken": 0, "available": 7,
    });
    assert_eq!(shown["channels"][1], second);

    let reserve = ["order", "reserve", "--user", "1", "--sku", "1", "--server", &server.address];
    fails(place.path(), &reserve, 7, &["refused: PRICE_CHANGED", "units: 1"]);
    let by_its_terms =
        ["--amount", "500", "--price-version", "1", "--tier", "3", "--channel", "2", "--campaign", "11"];
    let (code, order, complained) = run(place.path(), &[&reserve[..], &by_its_terms, &["--bare"]].concat());
    assert_eq!((code, complained.as_str()), (0, ""), "{order}");
    assert!(show(&[]).ends_with("  channel 2: 1 taken, 6 more may be; 2 guaranteed\n"), "{}", show(&[]));

    // Out of the campaign, it is sold without its terms.
    let released = "1 SKUs belong to no campaign any more, 0 belonged to none, 0 refused\n";
    assert_eq!(campaign(&["release", "1", "--by", "7"]).1, released);
    let (code, said, _) = campaign(&["release", "1", "99"]);
    assert_eq!(
        (code, said.as_str()),
        (
            7,
            "  ! SKU 99: UNKNOWN_SKU: No such SKU has been set up.\n0 SKUs belong to no campaign any more, 1 belonged to none, \
             1 refused\n"
        )
    );
    let (code, said, _) = campaign(&["release", "1", "99", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &report["unchanged"], &report["refused"][0]["code"]),
        (7, &1.into(), &"UNKNOWN_SKU".into())
    );
    assert_eq!(run(place.path(), &reserve).0, 0);
    assert_eq!(campaign(&["apply", "sale.toml"]).0, 0, "and back");
    assert_eq!(server.terminate(), Some(0));
}

const BUDGET: &str = "
[[budget]]
budget = 3
funded = 1000
funders = [{ funder = 1, share = 60 }, { funder = 2, share = 40 }]
";

#[test]
fn a_campaigns_budgets_are_set_up_and_funded_once_and_nothing_is_taken_back_unasked() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let doorbuster =
        |arguments: &[&str]| run(place.path(), &[arguments, &["--server", &server.address]].concat());
    let ends = |arguments: &[&str], end: &str| {
        let (code, said, _) = doorbuster(arguments);
        assert!(code == 0 && said.ends_with(end), "{said}");
        said
    };
    write(place.path(), "stock.csv", "sku,units\n1,10\n");
    write(place.path(), "sale.toml", &format!("{SALE}{BUDGET}"));
    assert_eq!(doorbuster(&["stock", "import", "stock.csv"]).0, 0);
    let (plan, apply) = (&["campaign", "plan", "sale.toml"], &["campaign", "apply", "sale.toml"]);
    let said = ends(plan, "no fault; `doorbuster campaign apply` carries it out\n");
    assert!(said.contains("  ~ budget 3: 1000 by funders 1:60 2:40\n"), "{said}");
    ends(&[&apply[..], &["--by", "7", "--reason", "3"]].concat(), "9 changes, 0 refused\n");
    ends(plan, "the server has it all; nothing to change\n");
    ends(apply, "0 changes, 0 refused\n");
    let (_, feed, _) = doorbuster(&["feed"]);
    assert!(feed.contains("BUDGET_FUNDED     amount 1000 by 7 reason 3\n"), "{feed}");

    // More by the file.
    write(place.path(), "sale.toml", &format!("{SALE}{BUDGET}").replace("1000", "1200"));
    assert!(doorbuster(plan).1.contains("  ~ budget 3: 1200 instead of 1000\n"));
    ends(apply, "1 changes, 0 refused\n");

    // More by hand stays there, until the file is meant so.
    ends(&["budget", "fund", "3", "--to", "1500"], "done, 1500 left\n");
    let doubt = "  ? budget 3: 1500 was put in, more than the 1200 of the file, and stays there; --take-back takes 300 out\n";
    assert!(ends(plan, "the server has it all; nothing to change\n").contains(doubt));
    assert!(ends(apply, "0 changes, 0 refused\n").contains(doubt));
    ends(&["budget", "show", "3"], "funder 2 (share 40) pays 0\n");
    let take = [&plan[..], &["--take-back"]].concat();
    assert!(doorbuster(&take).1.contains("  ~ budget 3: 1200 instead of 1500, 300 is taken back\n"));
    ends(&[&apply[..], &["--take-back"]].concat(), "1 changes, 0 refused\n");

    // What is used can't be taken back, and who pays can't be changed.
    write(place.path(), "more.csv", "sku,units\n2,10\n");
    assert_eq!(doorbuster(&["stock", "import", "more.csv"]).0, 0);
    let reserve = ["order", "reserve", "--user", "1", "--sku", "2", "--budget", "3", "--discount", "400"];
    assert_eq!(doorbuster(&reserve).0, 0);
    write(place.path(), "sale.toml", &format!("{SALE}{BUDGET}").replace("1000", "399"));
    let (code, said, _) = doorbuster(&take);
    let fault = "! budget 3: 400 is reserved and spent already, more than the 399 of the file\n";
    assert!(code == 2 && said.contains(fault), "{said}");
    // Without the wish to take it back, that keeps the file from nothing.
    let doubt = "  ? budget 3: 1200 was put in, more than the 399 of the file, and stays there; 400 of it is reserved and spent\n";
    assert!(ends(apply, "0 changes, 0 refused\n").contains(doubt));
    write(place.path(), "sale.toml", &format!("{SALE}{BUDGET}").replace("share = 40", "share = 41"));
    let (code, said, _) = doorbuster(apply);
    let fault = "! budget 3 is paid by funders 1:60 2:40 already; who pays can't be changed: give the file another budget\n";
    assert!(code == 2 && said.contains(fault), "{said}");

    write(place.path(), "sale.toml", &format!("{SALE}{BUDGET}").replace("1000", "1200"));
    ends(&["budget", "stop", "3"], "800 left\n");
    assert!(doorbuster(plan).1.contains("? budget 3 was stopped for good: it pays no further discounts\n"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_file_that_is_no_campaign_is_refused_before_anybody_is_asked() {
    let place = folder();
    fails(place.path(), &["campaign", "plan", "none.toml"], 2, &["can't read none.toml"]);
    write(place.path(), "bad.toml", "campaign = 1\n");
    let (code, said, complained) = run(place.path(), &["campaign", "apply", "bad.toml"]);
    assert_eq!((code, said.as_str()), (2, ""));
    assert!(complained.contains("bad.toml: TOML parse error") && complained.contains("name"), "{complained}");
}
