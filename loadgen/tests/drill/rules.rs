//! `saturate --rules`: whether the rules really are in force while the load runs.

use std::net::SocketAddr;

use doorbuster_loadgen::net::Control;
use doorbuster_protocol::{
    BudgetView, CampaignView, ChannelView, Code, Kind, PriceView, ReadBudget, ReadCampaign, ReadChannel,
    ReadPrice, ReadStock,
};

use crate::program::{self, Serving};

const SKUS: u64 = 16;

/// Runs a short load against a server of its own; what it printed and a connection to look around with.
fn loaded(serving: &Serving, extra: &[&str]) -> (String, Control) {
    let mut arguments =
        vec!["saturate", "--seconds", "0.2", "--repeat", "1", "--skus", "16", "--target", &serving.address];
    arguments.extend(extra);
    let ended = program::run(&arguments);
    assert_eq!(ended.code, 0, "{extra:?}: {ended:?}");
    let address: SocketAddr = serving.address.parse().expect("an address");
    (ended.stdout, Control::connect(&address.into(), "test").expect("it serves"))
}

/// The number that stands behind these words.
fn after(words: &str, text: &str) -> u64 {
    let (_, rest) = text.split_once(words).unwrap_or_else(|| panic!("`{words}` is missing in\n{text}"));
    rest.split(|sign: char| !sign.is_ascii_digit()).next().expect("one part").parse().expect("a number")
}

/// Held and sold units of all SKUs of the load, and what the channel and the budget say of the same orders.
struct Accounts {
    held: u64,
    sold: u64,
    taken: u64,
    budget: BudgetView,
}

fn accounts(control: &mut Control, text: &str) -> Accounts {
    let first = after("rules: SKUs ", text);
    let skus: Vec<ReadStock> = (first..first + SKUS).map(|sku| ReadStock { sku }).collect();
    let stock = control.stock(&skus).expect("read");
    assert!(stock.iter().all(|sku| sku.user_limit == 1 << 30), "{stock:?}");
    let asked: Vec<ReadChannel> = (first..first + SKUS).map(|sku| ReadChannel { sku, channel: 1 }).collect();
    let channels: Vec<ChannelView> = control.execute(Kind::ReadChannel, &asked).expect("read");
    assert!(channels.iter().all(|view| view.cap == 1 << 32), "{channels:?}");
    let budget = u32::try_from(after(", budget ", text)).expect("a budget");
    let budgets: Vec<BudgetView> = control.execute(Kind::ReadBudget, &[ReadBudget { budget }]).expect("read");
    let campaign = u32::try_from(after(", campaign ", text)).expect("a campaign");
    let campaigns: Vec<CampaignView> =
        control.execute(Kind::ReadCampaign, &[ReadCampaign { campaign }]).expect("read");
    assert_eq!(
        campaigns.first().map(|view| (view.code, view.stage, view.phase, view.skus, view.unpriced)),
        Some((Code::Ok.number(), 1, 0, SKUS, 0))
    );
    let prices: Vec<PriceView> =
        control.execute(Kind::ReadPrice, &[ReadPrice { sku: first, version: 1 }]).expect("read");
    assert_eq!(prices.first().map(|price| (price.known, price.campaign)), Some((1, campaign)));
    Accounts {
        held: stock.iter().map(|sku| sku.held).sum(),
        sold: stock.iter().map(|sku| sku.sold).sum(),
        taken: channels.iter().map(|view| view.taken).sum(),
        budget: budgets[0],
    }
}

#[test]
fn every_order_of_a_load_by_rules_is_in_the_budget_and_the_channel() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    for shape in [
        &["--rules"][..],
        &["--rules", "--batch", "1", "--connections", "20", "--in-flight", "1"],
        &["--rules", "--rate", "500"],
    ] {
        let (text, mut control) = loaded(&serving, shape);
        let Accounts { held, sold, taken, budget } = accounts(&mut control, &text);
        assert!(held > 0 && sold == 0, "{shape:?}: {held} held, {sold} sold");
        assert_eq!((taken, budget.reserved, budget.spent), (held, held, 0), "{shape:?}");
        let posted: u64 = budget.funders.iter().map(|funder| funder.posted).sum();
        assert_eq!((budget.count, posted), (2, held), "{shape:?}");
        assert!(text.contains("by rules / without: "), "{text}");
    }
}

#[test]
fn confirms_of_orders_by_rules_spend_their_discounts() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    let (text, mut control) = loaded(&serving, &["--op", "confirm", "--rules"]);
    let Accounts { held, sold, taken, budget } = accounts(&mut control, &text);
    assert!(sold > 0, "{text}");
    assert_eq!((taken, budget.reserved, budget.spent), (held + sold, held, sold));
}

#[test]
fn one_rule_alone_is_in_force_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let serving = Serving::start(folder.path());
    let (text, mut control) = loaded(&serving, &["--rules", "channel"]);
    assert!(text.contains("by rules: channel; ") && !text.contains(", budget "), "{text}");
    let first = after("rules: SKUs ", &text);
    let stock = control.stock(&[ReadStock { sku: first }]).expect("read");
    assert_eq!(stock.first().map(|sku| sku.user_limit), Some(0));
}

#[test]
fn rules_that_a_load_can_not_have_are_refused_in_a_line() {
    for (arguments, words) in [
        (
            &["--rules", "--op", "sold-out"][..],
            "--rules goes with --op reserve and --op confirm, not with --op sold-out",
        ),
        (&["--rules", "coupons"], "invalid value 'coupons'"),
    ] {
        let mut all = vec!["saturate"];
        all.extend(arguments);
        let ended = program::run(&all);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
