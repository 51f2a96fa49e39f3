//! Every figure of the small sale, computed by hand.

use serde_json::{Value, json};

use crate::small::{HOUR, MINUTE, T0, write};
use crate::{START, json, report};

/// The counts that are named, and all others 0.
fn counts(expected: &[(&str, u64)], found: &Value) {
    let found = found.as_object().unwrap();
    for (name, _) in expected {
        assert!(found.contains_key(*name), "there is no count {name}");
    }
    for (name, value) in found {
        let wanted = expected.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value);
        assert_eq!(value, &json!(wanted), "{name}");
    }
}

#[tokio::test]
async fn intervals_are_what_was_computed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let found = json(folder.path(), &["interval", "."]);
    assert_eq!((&found["schema_version"], &found["report"]), (&json!(1), &json!("interval")));
    assert_eq!((&found["t0"], &found["every_ms"]), (&json!(T0), &json!(2 * HOUR)));
    let sections = found["sections"].as_array().unwrap();
    let spans: Vec<(u64, u64)> = sections
        .iter()
        .map(|section| (section["from"].as_u64().unwrap(), section["to"].as_u64().unwrap()))
        .collect();
    let end = T0 + 3 * HOUR + 2 * MINUTE + 1;
    // Boundaries are on T0, which is ten minutes after the first event.
    assert_eq!(spans, [(START, T0), (T0, T0 + 2 * HOUR), (T0 + 2 * HOUR, end)]);

    counts(&[], &sections[0]["counts"]);
    assert_eq!(sections[0]["stock"]["available"], 25, "10 + 4 + 6 + 5");

    let first = &sections[1];
    counts(
        &[
            // A, B, C and D; two waits; one offer to the first who waited.
            ("holds", 4),
            ("waits", 2),
            ("offers", 1),
            // A, the offer and D in time; B later.
            ("paid_in_time", 3),
            ("reacquired", 1),
            ("offers_taken", 1),
            ("expired", 2),
            ("lapsed", 1),
            // A 2, B 3, C 4, D 1, the offer 2.
            ("held_units", 12),
            // B 3 and C 4; somebody waited for C's.
            ("unpaid_units", 7),
            ("unpaid_wanted_units", 4),
            // A 2, the offer 2, B 3, D 1.
            ("sold_units", 8),
            ("revenue", 20_000 + 2_000 + 30_000 + 10_000),
            ("wanted_units", 3),
            ("missed_units", 1),
            ("refunds_late", 1),
            ("refunds_twice", 1),
            ("refund_due", 4_000 + 20_000),
            ("mismatched", 1),
            // B 3 s after its end, C 2 s after its own.
            ("late_releases", 2),
        ],
        &first["counts"],
    );
    assert_eq!(first["longest_lag"], json!({ "ms": 3_000, "at": T0 + 15 * MINUTE + 4_000 }));
    // Two holds in the first second of the sale; the two waits at 3 s are as many, but later.
    assert_eq!(first["peak"], json!({ "orders": 2, "at": T0 + 1_000 }));
    assert_eq!(
        first["stock"],
        // SKU 1: 10 - 6 sold; SKU 2: 4 - 2; SKU 3: 6; SKU 4: 5.
        json!({ "skus": 4, "available": 4 + 2 + 6 + 5, "held": 0, "sold": 8, "waiting": 0, "out": 0 })
    );
    let rows = |section: &Value, what: &str, fields: &[&str]| -> Vec<Vec<Value>> {
        let rows = section[what].as_array().unwrap().iter();
        rows.map(|row| fields.iter().map(|field| row[field].clone()).collect()).collect()
    };
    assert_eq!(
        rows(first, "channels", &["channel", "holds", "sold_units", "revenue", "share"]),
        [
            // B and the offer.
            [json!(2), json!(1), json!(5), json!(32_000), json!(0.625)],
            // A and C.
            [json!(1), json!(2), json!(2), json!(20_000), json!(0.25)],
            // D.
            [json!(0), json!(1), json!(1), json!(10_000), json!(0.125)],
        ]
    );
    assert_eq!(
        rows(first, "skus", &["sku", "held_units", "sold_units", "revenue", "missed_units"]),
        [
            [json!("1"), json!(6), json!(6), json!(60_000), json!(0)],
            [json!("2"), json!(6), json!(2), json!(2_000), json!(1)],
        ]
    );

    let last = &sections[2];
    counts(
        &[
            ("holds", 3),
            ("waits", 1),
            ("paid_in_time", 2),
            ("cancelled", 1),
            ("held_units", 5),
            ("sold_units", 4),
            ("revenue", 24_999 + 700),
            ("wanted_units", 3),
            ("taken_back_units", 1),
            ("paid_back", 1),
            ("paid_back_amount", 10_000),
        ],
        &last["counts"],
    );
    // The order of several lines: 24,999 by prices of 2 * 10,000 and 5,000, rounded down but for the last.
    assert_eq!(
        rows(last, "skus", &["sku", "sold_units", "revenue", "back_units"]),
        [
            [json!("1"), json!(2), json!(19_999), json!(1)],
            [json!("3"), json!(1), json!(5_000), json!(0)],
            [json!("4"), json!(1), json!(700), json!(0)],
        ]
    );
    assert_eq!(
        last["stock"],
        // SKU 1: 4 - 2 + 1; SKU 2: 2; SKU 3: 6 - 1 + 4; SKU 4: 4. Three units of SKU 2 are waited for.
        json!({ "skus": 4, "available": 3 + 2 + 9 + 4, "held": 0, "sold": 11, "waiting": 3, "out": 0 })
    );
}

/// Goals of the small sale.
pub(crate) const GOALS: &str = r#"
name = "Double 11"
tiers = ["50 %", "80 %", "100 %"]
[[category]]
name = "phones"
skus = [1]
units = 8
[[category]]
name = "cases"
skus = ["2-3"]
units = 12
[[channel]]
channel = 1
name = "own shop"
share = "60 %"
[[channel]]
channel = 2
name = "live"
share = "40 %"
[curve]
hours = ["50 %", "25 %", "15 %", "10 %"]
"#;

#[tokio::test]
async fn goals_are_attained_as_was_computed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    std::fs::write(folder.path().join("goals.toml"), GOALS).unwrap();
    let sale = json(folder.path(), &["sale", ".", "--campaign", "11", "--targets", "goals.toml"]);

    // Goals: 7 phones stayed sold, of 8; 3 cases, of 12. By 3:02 90 % + 2/60 of 10 % should be sold.
    let goals = &sale["goals"];
    assert_eq!(goals["expected"], json!(0.9033));
    let rows = goals["categories"].as_array().unwrap();
    let of = |row: &Value| {
        ["name", "done", "goal", "attainment", "tier", "pace", "behind"].map(|field| row[field].clone())
    };
    assert_eq!(
        of(&rows[0]),
        [json!("phones"), json!(7), json!(8), json!(0.875), json!("80 %"), json!(0.9686), json!(false)]
    );
    assert_eq!(
        of(&rows[1]),
        [json!("cases"), json!(3), json!(12), json!(0.25), json!(null), json!(0.2767), json!(true)]
    );
    assert_eq!(of(&goals["total"])[1..4], [json!(10), json!(20), json!(0.5)]);
    assert_eq!((&rows[0]["share"], &rows[0]["planned_share"]), (&json!(0.7), &json!(0.4)));
    let channels = goals["channels"].as_array().unwrap();
    let of = |row: &Value| ["units", "share", "attainment", "behind"].map(|field| row[field].clone());
    // Channel 1: A's one unit that stayed, and three of E; channel 2: B's three and the offer's two; D has none.
    assert_eq!(of(&channels[0]), [json!(4), json!(0.4), json!(0.6666), json!(true)]);
    assert_eq!(of(&channels[1]), [json!(5), json!(0.5), json!(1.25), json!(false)]);
    let hints: Vec<&Value> =
        sale["improvements"].as_array().unwrap().iter().map(|hint| &hint["rule"]).collect();
    // Five payments are too few for a rule about them.
    assert_eq!(hints, ["stock-too-small", "behind-goals"]);

    // The sections say how they stood at their ends: after two hours 6 phones were sold, and 2 cases.
    let found = json(folder.path(), &["interval", ".", "--campaign", "11", "--targets", "goals.toml"]);
    let after = &found["sections"][1]["goals"];
    assert_eq!(after["expected"], json!(0.75));
    let done: Vec<&Value> = after["categories"].as_array().unwrap().iter().map(|row| &row["done"]).collect();
    assert_eq!(done, [6, 2]);
    assert_eq!(found["total"]["goals"], *goals);
}

#[tokio::test]
async fn the_sale_is_what_was_computed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let sale = json(folder.path(), &["sale", ".", "--campaign", "11"]);
    let end = T0 + 3 * HOUR + 2 * MINUTE + 1;
    assert_eq!((&sale["from"], &sale["to"], &sale["goals"]), (&json!(T0), &json!(end), &Value::Null));

    // Execution: the phase began when the clock was first moved past T0.
    let steps = sale["execution"]["campaign"]["steps"].as_array().unwrap();
    let words: Vec<&str> = steps.iter().map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(words, ["follows plan 1", "phase 1 began: live"]);
    assert_eq!((&steps[1]["at"], &steps[1]["late_ms"]), (&json!(T0 + 1_000), &json!(1_000)));
    let actions = sale["execution"]["actions"]["listed"].as_array().unwrap();
    assert_eq!(actions.len(), 1);
    assert_eq!(
        (&actions[0]["what"], &actions[0]["by"], &actions[0]["reason"]),
        (&json!("units brought in: SKU 3, +4"), &json!(12), &json!(7))
    );

    // Effect, without SKU 4, which the campaign doesn't sell.
    let effect = &sale["effect"];
    assert_eq!((&effect["counts"]["holds"], &effect["counts"]["sold_units"]), (&json!(6), &json!(11)));
    assert_eq!(effect["counts"]["revenue"], 20_000 + 2_000 + 30_000 + 10_000 + 24_999);
    // 10 of 24 units stayed sold.
    assert_eq!(effect["sell_through"], json!(0.4166));
    // Paid: A, B, the offer, D, E; of A, the offer, D, E, two that ran out and one given back.
    assert_eq!(effect["conversion"], json!(0.7142));
    assert_eq!(effect["sold_out_skus"], 1);
    let bars = effect["times"]["bars"].as_array().unwrap();
    let within =
        |ms: u64| bars.iter().find(|bar| bar["within_ms"] == ms).unwrap()["orders"].as_u64().unwrap();
    // A 30 s; the offer 56 s and D 60 s; E 120 s; B 19 min 59 s.
    assert_eq!([30_000, 60_000, 120_000, 1_800_000].map(within), [1, 2, 1, 1]);
    assert_eq!(effect["times"]["paid"], 5);
    let hold_ms = effect["times"]["hold_ms"].as_u64().unwrap();
    assert!((900_000..910_000).contains(&hold_ms), "900,000 to one part in a hundred: {hold_ms}");
    let skus = effect["skus"].as_array().unwrap();
    let of = |row: &Value| {
        ["sku", "sold", "available", "sold_out_after_ms", "out_ms", "unserved_units"]
            .map(|field| row[field].clone())
    };
    assert_eq!(of(&skus[0]), [json!("1"), json!(7), json!(3), json!(null), json!(0), json!(0)]);
    // The last unit was taken at 2 s, and four came back at 15:04, of which two went on at once.
    assert_eq!(
        of(&skus[1]),
        [json!("2"), json!(2), json!(2), json!(2_000), json!(15 * MINUTE + 2_000), json!(2)]
    );
    assert_eq!(of(&skus[2]), [json!("3"), json!(1), json!(9), json!(null), json!(0), json!(0)]);
    let course = effect["course"].as_array().unwrap();
    let (first, last) = (&course[0], &course[course.len() - 1]);
    assert_eq!((&first["at"], &first["available"], &first["sold"]), (&json!(T0), &json!(20), &json!(0)));
    assert_eq!((&last["at"], &last["available"], &last["sold"]), (&json!(end), &json!(14), &json!(10)));
    let sum = |field: &str| course.iter().map(|point| point[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("placed"), sum("paid")), (6 + 3, 5));

    let rules = |what: &str| -> Vec<String> {
        let all = sale[what].as_array().unwrap().iter();
        all.map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rules("problems"), ["oversold", "refunds", "mismatched", "unserved", "late-releases"]);
    let words = sale["problems"][1]["words"].as_str().unwrap();
    assert!(
        words.starts_with(
            "2 payments bought nothing, 240.00 in all: 1 came after the hold, 1 for an order that was paid already, 0 for one that \
             only waited. 100.00 has gone back so far"
        ),
        "{words}"
    );
    assert_eq!(rules("improvements"), ["stock-too-small"]);
}

#[tokio::test]
async fn a_part_of_the_log_and_other_lengths_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    // Ten past midnight UTC is T0: two intervals of half an hour from there.
    let asked = [
        "interval",
        ".",
        "--every",
        "30m",
        "--from",
        "2026-11-11T08:10:00+08:00",
        "--to",
        "2026-11-11T01:10:00Z",
    ];
    let found = json(folder.path(), &asked);
    let holds: Vec<&Value> =
        found["sections"].as_array().unwrap().iter().map(|section| &section["counts"]["holds"]).collect();
    assert_eq!(holds, [&json!(4), &json!(0)]);
    let top = json(folder.path(), &["interval", "--data", ".", "--top", "1"]);
    assert_eq!(top["total"]["skus"].as_array().unwrap().len(), 1);
    assert_eq!((&top["total"]["skus"][0]["sku"], &top["total"]["more_skus"]), (&json!("1"), &json!(3)));
}

#[tokio::test]
async fn a_backup_gives_the_same_reports_as_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    write(&data).await;
    let from = doorbuster_engine::storage::ReadOnlyFolder::open(&data).unwrap();
    let to = doorbuster_engine::storage::FileStorage::open_copy(folder.path().join("copy")).unwrap();
    doorbuster_engine::backup::back_up(&from, &to, |_| {}).unwrap();
    for command in ["interval", "sale"] {
        for format in ["text", "html", "json"] {
            let of = |folder_name: &str| report(folder.path(), &[command, folder_name, "--format", format]);
            assert_eq!(of("copy"), of("data"), "{command} as {format}");
        }
    }
}

#[tokio::test]
async fn text_and_page_say_the_same_as_json_and_a_name_is_no_markup() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).await;
    let goals = "[[category]]\nname = \"<b>phones & more</b>\"\nskus = [1]\namount = 160_000_00\n";
    std::fs::write(folder.path().join("goals.toml"), goals).unwrap();
    let ask = |format: &str| {
        let (code, said, complained) = report(
            folder.path(),
            &["sale", ".", "--targets", "goals.toml", "--format", format, "--out", "report"],
        );
        assert_eq!((code, said.as_str(), complained.as_str()), (0, "", ""));
        std::fs::read_to_string(folder.path().join("report")).unwrap()
    };
    let text = ask("text");
    for part in [
        "The sale from 2026-11-11 00:10:00 UTC to 2026-11-11 03:12:00 UTC",
        "6 orders, 1 of them after their hold; 12 units for 876.99",
        "  <b>phones & more</b>  799.99  160,000.00     0.4 %     -  100.0 %  100.0 %     -",
        "Oversold: 0.",
    ] {
        assert!(text.contains(part), "{part}\nis not in\n{text}");
    }
    let page = ask("html");
    assert!(page.contains("<td>&lt;b&gt;phones &amp; more&lt;/b&gt;</td>"), "markup is escaped");
    assert!(!page.contains("<b>") && !page.contains("<script") && !page.contains("http"), "it stands alone");
    assert!(page.contains("6 orders, 1 of them after their hold; 12 units for 876.99"));
}
