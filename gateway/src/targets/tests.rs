//! Goals are read as they are written, and what can't be meant is said.

use std::path::Path;

use super::*;

const HOUR: u64 = 3_600_000;

fn parse(text: &str) -> Result<Targets, String> {
    Targets::parse(Path::new("goals.toml"), text).map_err(|error| error.to_string())
}

const GOALS: &str = r#"
name = "Double 11"
tiers = ["85 %", "92 %", "100 %"]
t0 = 2026-11-11T00:00:00+08:00

[[category]]
name = "clothing"
skus = [1, "7/12", "100-199"]
units = 350

[[category]]
name = "beauty"
skus = ["7/1-7/11", 200]
units = 650

[[channel]]
channel = 1
name = "own shop"
share = "60 %"

[[channel]]
channel = 2
share = "25.5 %"

[curve]
hours = ["40 %", "30 %", "20 %", "10 %"]
"#;

#[test]
fn a_sku_belongs_to_the_category_whose_range_has_it() {
    let targets = parse(GOALS).unwrap();
    let sku = |text: &str| text.parse::<crate::sku::Sku>().unwrap().0;
    for (text, category) in [
        ("1", Some(0)),
        ("2", None),
        ("99", None),
        ("100", Some(0)),
        ("199", Some(0)),
        ("200", Some(1)),
        ("201", None),
        ("7/1", Some(1)),
        ("7/11", Some(1)),
        ("7/12", Some(0)),
        ("7/13", None),
        ("8/1", None),
    ] {
        assert_eq!(targets.category_of(sku(text)), category, "{text}");
    }
    assert_eq!(targets.total(), Some(Goal::Units(1_000)));
    assert_eq!(targets.channels[1].name, "channel 2");
    assert_eq!(targets.t0, Some(1_794_326_400_000));
}

#[test]
fn the_highest_tier_that_is_reached_is_named() {
    let targets = parse(GOALS).unwrap();
    let tier = |done| targets.tier(done, 1_000).map(|tier| tier.to_string());
    assert_eq!(
        [tier(849), tier(850), tier(919), tier(920), tier(2_000)].map(Option::unwrap_or_default),
        ["", "85 %", "85 %", "92 %", "100 %"]
    );
}

#[test]
fn a_curve_runs_evenly_within_an_hour_and_stays_at_its_end() {
    let curve = parse(GOALS).unwrap().curve.unwrap();
    let at = [0, HOUR / 2, HOUR, HOUR + HOUR / 4, 4 * HOUR, 100 * HOUR].map(|ms| curve.expected(ms));
    assert_eq!(at, [0, 2_000, 4_000, 4_750, 10_000, 10_000]);
    // After half an hour 200 of 1,000 should be sold.
    assert_eq!(curve.pace(200, 1_000, HOUR / 2), Some(10_000));
    assert_eq!(curve.pace(170, 1_000, HOUR / 2), Some(8_500));
    assert_eq!(curve.pace(170, 1_000, 0), None);
}

#[test]
fn goals_in_two_measures_have_no_sum() {
    let text = "[[category]]\nname = \"a\"\nskus = [1]\nunits = 5\n[[category]]\nname = \"b\"\nskus = [2]\namount = 7\n";
    let targets = parse(text).unwrap();
    assert_eq!(targets.total(), None);
    assert_eq!(targets.categories[1].goal.of(3, 4), 4);
}

#[test]
fn each_fault_is_said_with_what_to_write() {
    let category = |rest: &str| format!("[[category]]\nname = \"a\"\n{rest}\n");
    for (text, parts) in [
        (String::new(), &["it sets no goal", "[[category]]"][..]),
        ("chanel = 1".to_owned(), &["unknown field `chanel`", "`channel`", "line 1"]),
        (category("skus = [1]"), &["category \"a\"", "either units or amount"]),
        (category("skus = [1]\nunits = 0"), &["above 0"]),
        (category("skus = [1]\nunits = 1\namount = 1"), &["either units or amount"]),
        (category("skus = []\nunits = 1"), &["category \"a\" has no SKU"]),
        (category("skus = [\"x\"]\nunits = 1"), &["category \"a\"", "\"x\" names no SKU"]),
        (category("skus = [\"9-1\"]\nunits = 1"), &["ends before it begins; write 1-9"]),
        (category("skus = [\"7/1-8/1\"]\nunits = 1"), &["one placement group and ends in another"]),
        (category("skus = [1.5]\nunits = 1"), &["SKUs are a number, GROUP/NUMBER or FIRST-LAST"]),
        (
            category("skus = [\"1-5\"]\nunits = 1") + "[[category]]\nname = \"b\"\nskus = [5]\nunits = 1",
            &["SKU 5 is in \"a\" and in \"b\""],
        ),
        (category("skus = [1]\nunits = 1").repeat(2), &["the name stands twice", "SKU 1 is in"]),
        (
            "[[channel]]\nchannel = 1\nshare = \"60 %\"\n[[channel]]\nchannel = 2\nshare = \"40.01 %\""
                .to_owned(),
            &["sum up to 100.01 %, over 100 %"],
        ),
        ("[[channel]]\nchannel = 1\nshare = \"1 %\"\n".repeat(2), &["channel 1 stands twice"]),
        ("[[channel]]\nchannel = 1\nshare = \"0 %\"".to_owned(), &["a share of 0 % is no goal"]),
        ("[[channel]]\nchannel = 1\nshare = 60".to_owned(), &["line 3", "share"]),
        ("[[channel]]\nchannel = 1\nshare = \"60\"".to_owned(), &["\"60\" is no share; write \"3 %\""]),
        ("tiers = [\"90 %\", \"85 %\"]".to_owned(), &["each must be above the one before"]),
        ("t0 = 2026-11-11T00:00:00".to_owned(), &["t0: ", "names no time zone", "+08:00"]),
        ("tiers = [\"0 %\"]".to_owned(), &["0 % is reached by nothing"]),
        ("[curve]\nhours = [\"40 %\", \"59.5 %\"]".to_owned(), &["sum up to 99.50 %, not 100 %"]),
        (format!("tiers = [{}]", "\"1 %\",".repeat(17)), &["17 tiers; 16 at most"]),
    ] {
        let fault = parse(&text).unwrap_err();
        assert!(fault.starts_with("goals.toml: "), "{fault}");
        for part in parts {
            assert!(fault.contains(part), "{text}\nsays: {fault}\nwithout: {part}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_far_too_long_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("goals.toml");
    let said = Targets::read(&file).unwrap_err().to_string();
    assert!(said.starts_with("can't read ") && said.contains("goals.toml"), "{said}");
    std::fs::write(&file, vec![b'#'; (8 << 20) + 1]).unwrap();
    let said = Targets::read(&file).unwrap_err().to_string();
    assert!(said.contains("longer than 8 MiB"), "{said}");
}

#[test]
fn the_example_that_comes_with_it_is_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/targets/double-11.toml");
    let targets = Targets::read(&file).unwrap();
    assert_eq!((targets.categories.len(), targets.channels.len(), targets.tiers.len()), (2, 3, 3));
    assert!(targets.curve.is_some());
}
