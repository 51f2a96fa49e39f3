//! `stock import`: reports, faults, and a server that isn't there.

use std::net::TcpListener;

use doorbuster_client::Client;

use crate::{Serving, block_on, fails, folder, run, write};

#[test]
fn stock_is_imported_checked_and_reported() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    let import = |file: &str, more: &[&str]| {
        let mut arguments = vec!["stock", "import", file, "--server", &server.address];
        arguments.extend(more);
        run(place.path(), &arguments)
    };
    write(place.path(), "a.csv", "sku,units,user_limit\n1,10,2\n2,20,0\n");
    write(place.path(), "b.jsonl", "{\"sku\":2,\"units\":20}\n{\"sku\":3,\"units\":30,\"order_limit\":1}\n");

    let (code, said, complained) = import("a.csv", &["--dry-run"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    assert_eq!(said, "a.csv: 2 SKUs, no fault; nothing was sent (--dry-run)\n");

    let json = |said: &str| {
        let mut report: serde_json::Value = serde_json::from_str(said).expect("one object");
        let elapsed = report.as_object_mut().and_then(|report| report.remove("elapsed_ms"));
        assert!(elapsed.is_some_and(|elapsed| elapsed.is_u64()));
        report
    };
    let (code, said, _) = import("a.csv", &["--json"]);
    let expected = serde_json::json!({
        "schema_version": 1, "dry_run": false, "skus": 2, "in_groups": 0, "set_up": 2, "unchanged": 0,
        "refused_count": 0, "refused": [],
    });
    assert_eq!((code, json(&said)), (0, expected), "the dry run had set nothing up");

    let (code, said, _) = import("b.jsonl", &["--by", "7", "--reason", "3"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("b.jsonl: 1 set up, 1 unchanged, 0 refused, in "), "{said}");

    // A plain number may be large enough to name a group; whoever wrote it is told.
    write(place.path(), "groups.csv", "sku,units\n9223372036854775809,1\n7/12,1\n5,1\n");
    let (code, said, _) = import("groups.csv", &["--dry-run"]);
    let groups = "2 of them are in placement groups: their numbers are GROUP/NUMBER, or 2^63 and more\n";
    assert_eq!(
        (code, said),
        (0, format!("groups.csv: 3 SKUs, no fault; nothing was sent (--dry-run)\n{groups}"))
    );

    // What is set up otherwise is refused and named; the others go on.
    write(place.path(), "c.csv", "sku,units\n1,11\n4,40\n");
    let (code, said, _) = import("c.csv", &["--json"]);
    let why = "is set up already and stays as it is: units are 10, not 11, user_limit is 2, not 0; change \
               units by `stock restock` and limits by a campaign's file";
    let refused = serde_json::json!([{ "line": 2, "sku": 1, "why": why }]);
    let report = json(&said);
    assert_eq!((code, &report["set_up"], &report["refused"]), (7, &1.into(), &refused));
    let (code, said, _) = import("c.csv", &[]);
    assert_eq!(code, 7);
    assert!(said.contains(&format!("c.csv, line 2: SKU 1: {why}\n")), "{said}");
    // What is listed is not set up again, and nothing of it was changed.
    let show = |sku: &str| run(place.path(), &["stock", "show", sku, "--server", &server.address]).1;
    assert!(show("1").starts_with("SKU 1: 10 available, 0 held, 0 sold, of 10 stocked;"), "{}", show("1"));
    let (_, feed, _) = run(place.path(), &["feed", "--sku", "3", "--server", &server.address]);
    assert!(feed.ends_with("SKU_PUT           sku 3 units 30 by 7 reason 3 order_limit 1\n"), "{feed}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn units_come_in_and_are_withdrawn_while_the_sale_runs_and_a_repeat_counts_once() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    write(place.path(), "a.csv", "sku,units\n7,10\n");
    let stock = |arguments: &[&str]| {
        run(place.path(), &[&["stock"], arguments, &["--server", &server.address]].concat())
    };
    assert_eq!(stock(&["import", "a.csv"]).0, 0);
    let (code, said, _) = stock(&["restock", "7", "--units", "5", "--by", "12", "--reason", "3"]);
    assert!(code == 0 && said.starts_with("SKU 7: 15 available now; request "), "{said}");
    let request = said.trim().rsplit(' ').next().expect("it ends with the id").to_owned();
    let (code, said, _) =
        stock(&["restock", "7", "--units", "5", "--by", "12", "--reason", "3", "--request", &request]);
    assert_eq!((code, said), (0, format!("SKU 7: request {request} was done before; nothing changed\n")));
    let (code, said, _) = stock(&["restock", "7", "--units=-15", "--json"]);
    let done: serde_json::Value = serde_json::from_str(&said).expect("one object");
    assert_eq!((code, &done["available"], &done["replayed"]), (0, &0.into(), &false.into()));

    let (code, _, complained) = stock(&["restock", "7", "--units", "-1"]);
    assert!(code == 7 && complained.contains("INSUFFICIENT"), "{complained}");
    let (code, _, complained) = stock(&["restock", "8", "--units", "1"]);
    assert!(code == 7 && complained.contains("UNKNOWN_SKU"), "{complained}");
    let (code, _, complained) = stock(&["restock", "7", "--units", "0"]);
    assert!(code == 2 && complained.contains("--units"), "{complained}");
    let (code, _, complained) = stock(&["restock", "7", "--units", "1", "--request", "7"]);
    assert!(code == 2 && complained.contains("32 hexadecimal digits"), "{complained}");
    let (_, feed, _) = run(place.path(), &["feed", "--sku", "7", "--server", &server.address]);
    assert!(feed.contains("by 12 reason 3"), "{feed}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_faulty_stock_file_is_refused_line_by_line_before_anything_is_sent() {
    let place = folder();
    let server = Serving::start(place.path(), &[]);
    for (name, text, lines) in [
        (
            "a.csv",
            "sku,units\n1,10\nx,1\n1,5\n",
            &["a.csv, line 3: ", "a.csv, line 4: SKU 1 stands on line 2 already"][..],
        ),
        ("b.jsonl", "{\"sku\":1,\"units\":1}\n{\"sku\":2}\n", &["b.jsonl, line 2: missing field `units`"]),
        ("c.csv", "id,units\n1,2\n", &["c.csv, line 1: the header must name the columns sku and units"]),
        ("d.xlsx", "", &["the name must end in .csv or .jsonl"]),
    ] {
        write(place.path(), name, text);
        for more in [&[][..], &["--dry-run"]] {
            let mut arguments = vec!["stock", "import", name, "--server", &server.address];
            arguments.extend(more);
            let (code, said, complained) = run(place.path(), &arguments);
            assert_eq!((code, said.as_str()), (2, ""), "{name}: {complained}");
            for line in lines {
                assert!(complained.contains(line), "{line:?} is not in {complained}");
            }
        }
    }
    let totals = block_on(async { Client::connect(&server.address).await.unwrap().status().await.unwrap() });
    assert_eq!(totals.skus, 0);
    fails(place.path(), &["stock", "import", "none.csv"], 2, &["can't read none.csv"]);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn an_import_without_a_server_says_where_it_looked() {
    let place = folder();
    write(place.path(), "a.csv", "sku,units\n1,10\n");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    fails(
        place.path(),
        &["stock", "import", "a.csv", "--server", &free],
        7,
        &[&format!("can't import into {free}"), "is `doorbuster serve` running there?"],
    );
}
