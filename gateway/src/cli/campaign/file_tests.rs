//! Campaign files: what is read, and the message of each fault.

use super::*;

const GOOD: &str = r#"
campaign = 11
name = "Double 11"
policy = "grace"
grace = "30s"
targets = { "channel 1" = 60, "channel 2" = 40 }

[[phase]]
name = "look"
start = 2026-11-10T20:00:00+08:00
stage = "warm-up"

[[phase]]
name = "rush"
start = 2026-11-11T00:00:00+08:00
stage = "live"
prices = 2
channels = [1, 2]

[[sku]]
sku = 5
user_limit = 2

[[price]]
sku = 5
version = 2
price = 8_000
list = 9_900
floor = 7_500

[[allotment]]
percent = 90
channels = [{ channel = 1, weight = 60 }, { channel = 2, weight = 40, cap = 7 }]
release = 2026-11-11T02:00:00+08:00

[[budget]]
budget = 3
funded = 500_000
funders = [{ funder = 1, share = 60 }, { funder = 2, share = 40 }]
"#;

fn parse(text: &str) -> Result<Spec, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sale.toml");
    std::fs::write(&path, text).unwrap();
    read(&path).map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn a_campaign_is_read_with_times_in_its_own_zone() {
    let spec = parse(GOOD).unwrap();
    assert_eq!((spec.campaign, spec.name.as_str(), spec.policy, spec.grace_ms), (11, "Double 11", 1, 30_000));
    let starts: Vec<_> =
        spec.phases.iter().map(|(name, phase)| (name.as_str(), phase.start, phase.stage)).collect();
    assert_eq!(starts, [("look", 1_794_312_000_000, 0), ("rush", 1_794_326_400_000, 1)]);
    assert_eq!((spec.phases[1].1.channel_count, &spec.phases[1].1.channels[..2]), (2, &[1, 2][..]));
    assert_eq!(spec.skus[&5], Limits { user_limit: Some(2), order_limit: None });
    let price = spec.prices[&(5, 2)];
    assert_eq!((price.price, price.list, price.floor, price.ceiling), (8_000, 9_900, 7_500, 8_000));
    assert_eq!(
        (spec.allotments[0].whole, spec.allotments[0].release_at),
        (Whole::Percent(90), 1_794_333_600_000)
    );
    assert_eq!(spec.versions(), [2]);
    let budget = &spec.budgets[&3];
    let funders: Vec<_> = budget.funders.iter().map(|of| (of.funder, of.share)).collect();
    assert_eq!((budget.funded, funders), (500_000, vec![(1, 60), (2, 40)]));
}

#[test]
fn skus_of_a_group_are_written_with_their_group() {
    let text = GOOD.replace("sku = 5", "sku = \"7/5\"").replace("prices = 2", "prices = 2\ngroup_limit = 3");
    let spec =
        parse(&format!("{text}\n[[sku]]\nsku = \"7/6\"\n[[price]]\nsku = \"7/6\"\nversion = 2\nprice = 1\n"));
    let spec = spec.unwrap();
    assert_eq!(spec.skus.keys().copied().collect::<Vec<_>>(), [0x8000_0007_0000_0005, 0x8000_0007_0000_0006]);
    assert_eq!(spec.phases[1].1.group_limit, 3);
}

#[test]
fn long_lists_stand_in_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("skus.csv", "sku,user_limit\n5,2\n6,\n");
    write("prices.csv", "sku,version,price\n5,2,8000\n6,2,100\n");
    let text = "campaign = 1\nname = \"x\"\nskus_file = \"skus.csv\"\nprices_file = \"prices.csv\"\n\
                [[phase]]\nname = \"rush\"\nstart = 2026-11-11T00:00:00Z\nstage = \"live\"\nprices = 2\n";
    write("sale.toml", text);
    let spec = read(&folder.path().join("sale.toml")).unwrap();
    assert_eq!((spec.skus.len(), spec.skus[&6].user_limit, spec.prices[&(6, 2)].price), (2, None, 100));
    write("prices.csv", "sku,version,price\n5,x,8000\n");
    let error = read(&folder.path().join("sale.toml")).unwrap_err().to_string();
    assert!(error.contains("prices.csv: CSV deserialize error: record 1 (line: 2"), "{error}");
    std::fs::remove_file(folder.path().join("skus.csv")).unwrap();
    let error = read(&folder.path().join("sale.toml")).unwrap_err().to_string();
    assert!(error.starts_with("can't read ") && error.contains("skus.csv"), "{error}");
}

#[test]
fn each_fault_is_named() {
    for (from, to, fault) in [
        ("campaign = 11", "campaign = 0", "campaign is 0, which stands for none"),
        ("grace = \"30s\"", "", "policy is grace, but for how long?"),
        ("grace = \"30s\"", "grace = \"soon\"", "grace: \"soon\" is no length of time"),
        ("grace = \"30s\"", "grace = \"60d\"", "grace: 60d is too long: at most 49d"),
        ("policy = \"grace\"", "policy = \"strict\"", "grace goes with policy = \"grace\" only"),
        ("2026-11-11T00:00:00+08:00", "2026-11-10T20:00:00+08:00", "phase 2 (rush): it starts no later"),
        (
            "2026-11-11T00:00:00+08:00",
            "2026-11-11T00:00:00",
            "phase 2 (rush): start 2026-11-11T00:00:00 names no time zone",
        ),
        ("2026-11-11T00:00:00+08:00", "1960-11-11T00:00:00+08:00", "is before 1970"),
        ("stage = \"live\"", "stage = \"alive\"", "stage \"alive\" is none of warm-up, live,"),
        ("stage = \"live\"", "stage = \"closed\"", "no phase sells anything"),
        (
            "channels = [1, 2]",
            "channels = [1, 2, 3, 4, 5, 6, 7, 8, 9]",
            "phase 2 (rush): more than 8 channels",
        ),
        ("price = 8_000", "price = 7_000", "7000 is not between its floor 7500 and its ceiling 7000"),
        ("list = 9_900", "list = 7_900", "the price without the campaign, 7900, is lower"),
        (
            "[[price]]\nsku = 5",
            "[[price]]\nsku = 6",
            "price of SKU 6, version 2: the campaign doesn't sell this SKU",
        ),
        ("version = 2", "version = 0", "number versions from 1"),
        ("percent = 90", "percent = 101", "allotment 1: percent is 101, over 100"),
        ("percent = 90", "", "with either units or percent"),
        ("percent = 90", "percent = 90\nskus = [7]", "allotment: SKU 7 is not sold by the campaign"),
        ("channel = 2, weight", "channel = 1, weight", "channel 1 stands in it twice"),
        (
            "[[allotment]]\npercent = 90",
            "[[allotment]]\nunits = 1\nchannels = [{ channel = 2, weight = 1 }]\n[[allotment]]\npercent = 90",
            "SKU 5, channel 2 is dealt out twice",
        ),
        ("budget = 3", "budget = 0", "budget 0: number budgets from 1"),
        (
            "funded = 500_000",
            "funded = 1152921504606846977",
            "budget 3: funded is 1152921504606846977, over the limit of 1152921504606846976",
        ),
        ("share = 40", "share = 0", "budget 3: the share of funder 2 is 0; leave him out, or let him pay"),
        ("funder = 2, share", "funder = 1, share", "budget 3: funder 1 stands in it twice"),
        (
            "funders = [{ funder = 1, share = 60 }, { funder = 2, share = 40 }]",
            "funders = []",
            "budget 3: 0 funders; a budget has 1 to 16",
        ),
        (
            "[[budget]]",
            "[[budget]]\nbudget = 3\nfunded = 1\nfunders = [{ funder = 1, share = 1 }]\n[[budget]]",
            "budget 3 is listed twice",
        ),
        ("\"channel 2\" = 40", "\"channel 2\" = 30", "targets: they sum up to 90 percent, not 100"),
        ("[[sku]]\nsku = 5\nuser_limit = 2", "[[sku]]\nsku = 5\n[[sku]]\nsku = 5", "SKU 5 is listed twice"),
        (
            "prices = 2\nchannels = [1, 2]\n\n[[sku]]",
            "prices = 2\ngroup_limit = 2\n[[sku]]\nsku = \"7/1\"\n[[sku]]\nsku = \"7/2\"\n[[sku]]",
            "phase rush has a group_limit, but SKU 5 is in no placement group; give it a number like 7/1",
        ),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = parse(&GOOD.replace(from, to)).unwrap_err();
        assert!(error.contains(fault), "{fault:?} is not in {error}");
        assert!(error.ends_with("mend the file and try again"), "{error}");
    }
    for (written, fault) in [
        ("\"five\"", "\"five\" names no SKU; write a number below 2^64, or GROUP/NUMBER"),
        ("true", "a SKU is a number, or GROUP/NUMBER, such as 7/12"),
    ] {
        let error = parse(&GOOD.replace("sku = 5", &format!("sku = {written}"))).unwrap_err();
        assert!(error.contains(fault), "{error}");
    }
    let error = parse(&GOOD.replace("policy", "policie")).unwrap_err();
    assert!(error.contains("sale.toml: TOML parse error at line 4") && error.contains("policie"), "{error}");
}

#[test]
fn every_campaign_that_comes_with_the_project_is_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/campaigns");
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!files.is_empty());
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "toml")) {
        read(file).unwrap_or_else(|error| panic!("{error}"));
    }
}
