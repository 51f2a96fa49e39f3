//! `plan`, and `stock freeze`: what an emergency asks for, by hand.

use crate::{Serving, fails, folder, run, write};

const CONFIG: &str = r#"
[[anomaly.rules]]
name = "hot-sku"
per = "sku"
plan = "calm-down"

[[emergency.plans]]
name = "calm-down"
actions = [
  { do = "shopper-limit", per_second = 1, burst = 2 },
  { do = "limit", per_user = 1, per_order = 1 },
  { do = "queue", per_second = 1000 },
  { do = "breaker", class = "reserve", scope = "shard-0" },
  { do = "freeze" },
  { do = "release", channel = 9 },
]
"#;

#[test]
fn a_plan_is_listed_carried_out_shown_and_reverted() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,3\n");
    write(place.path(), "shop.toml", CONFIG);
    let server = Serving::start(place.path(), &["--throwaway", "--shards", "1", "--config", "shop.toml"]);
    let at = ["--server", server.address.as_str()];
    let admin = ["--admin", server.ready["admin"].as_str().unwrap()];
    assert_eq!(run(place.path(), &[&["stock", "import", "stock.csv"][..], &at].concat()).0, 0);
    let plan = |arguments: &[&str]| run(place.path(), &[&["plan"], arguments, &admin].concat());

    let (code, said, complained) = plan(&["list"]);
    assert_eq!((code, complained.as_str()), (0, ""));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "calm-down  (reverted by hand)");
    assert_eq!(lines[3], "  3. queue: 1000 new holds a second");
    assert!(lines[7].starts_with("rule hot-sku: calm-down above 5"), "{said}");
    assert_eq!(plan(&["show"]).1, "no plan was carried out\n");

    let (code, said, complained) = plan(&["run", "calm-down", "--sku", "7"]);
    assert_eq!((code, complained.as_str()), (0, ""), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("run 1 of calm-down for SKU 7: active, "), "{said}");
    assert_eq!(lines[5], "  5. freeze  [done]");
    assert!(lines[6].ends_with("[unchanged]"), "{said}");
    let reserve = [&["order", "reserve", "--user", "1", "--sku", "7"][..], &at].concat();
    fails(place.path(), &reserve, 7, &["refused: BREAKER_OPEN: "]);
    let shown = run(place.path(), &[&["stock", "show", "7"][..], &at].concat());
    assert!(shown.1.contains("frozen: nobody gets units of it"), "{shown:?}");

    let (code, said, _) = plan(&["revert", "1"]);
    assert_eq!(code, 0);
    assert!(said.contains("  5. freeze  [done; undone: as before]"), "{said}");
    assert_eq!(run(place.path(), &reserve).0, 0);
    let (code, _, complained) = plan(&["show", "9"]);
    assert_eq!((code, complained.as_str()), (8, "doorbuster: no run 9 is remembered\n"));
    let parts = ["refused: no such plan: panic; there are calm-down"];
    fails(place.path(), &[&["plan", "run", "panic"][..], &admin].concat(), 7, &parts);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_plan_whose_action_fails_says_which_and_ends_with_7() {
    let place = folder();
    write(place.path(), "shop.toml", CONFIG);
    let server = Serving::start(place.path(), &["--throwaway", "--config", "shop.toml"]);
    let admin = ["--admin", server.ready["admin"].as_str().unwrap()];
    let all = [&["plan", "run", "calm-down", "--sku", "7"][..], &admin].concat();
    let (code, said, complained) = run(place.path(), &all);
    assert_eq!(code, 7);
    assert!(said.contains("[failed: SKU 7 is not set up]"), "{said}");
    assert!(complained.contains("an action failed, and the plan stopped there"), "{complained}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_sku_is_frozen_and_sold_again_by_hand() {
    let place = folder();
    write(place.path(), "stock.csv", "sku,units\n7,3\n");
    let server = Serving::start(place.path(), &["--throwaway"]);
    let at = ["--server", server.address.as_str()];
    assert_eq!(run(place.path(), &[&["stock", "import", "stock.csv"][..], &at].concat()).0, 0);
    let stock = |what: &str| run(place.path(), &[&["stock", what, "7", "--by", "3"][..], &at].concat()).1;
    assert_eq!(stock("freeze"), "SKU 7 is frozen: nobody gets units of it\n");
    let again = "SKU 7 is frozen: nobody gets units of it, as it was before; nothing changed\n";
    assert_eq!(stock("freeze"), again);
    let reserve = [&["order", "reserve", "--user", "1", "--sku", "7"][..], &at].concat();
    fails(place.path(), &reserve, 7, &["refused: SKU_FROZEN"]);
    assert_eq!(stock("unfreeze"), "SKU 7 is sold again\n");
    assert_eq!(run(place.path(), &reserve).0, 0);
    fails(place.path(), &[&["stock", "freeze", "8"][..], &at].concat(), 7, &["UNKNOWN_SKU"]);
    assert_eq!(server.terminate(), Some(0));
}
