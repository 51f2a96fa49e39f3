//! `doorbuster stock count`, `goods` and `inspect`: where goods are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use doorbuster_client::{Client, Error, GoodsTo, GoodsView, Inspect, Outcome, SetOnHand, ShortOrder};

use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::who::Who;
use crate::cli::{fail, say};
use crate::duration::Span;
use crate::sku::Sku;
use crate::utc::Utc;

/// Most SKUs that one file may count: each is asked for by itself, some thousands a second.
const MAX_COUNTS: usize = 100_000;

/// Most orders that are listed for one SKU.
const MAX_LISTED: usize = 1_000;

/// How often the list of a SKU is looked at before it is taken as it is: orders are named within some milliseconds.
const MAX_LOOKS: u32 = 200;

/// Say how many units were counted.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  doorbuster stock count --sku 7 --on-hand 120\n  \
                        doorbuster stock count --sku 7 --on-hand 120 --expected 121 --as-of 20m\n  \
                        doorbuster stock count monday.csv --as-of 1767225600000 --by 12 --json")]
pub(in crate::cli) struct CountOptions {
    /// FILE.csv with a header line and the columns sku and `on_hand`
    #[arg(required_unless_present = "sku", conflicts_with_all = ["sku", "on_hand", "expected"])]
    file: Option<PathBuf>,
    /// The SKU
    #[arg(long, value_name = "SKU", requires = "on_hand", value_parser = crate::sku::number)]
    sku: Option<u64>,
    /// Units that were counted: free, held, and paid ones that were not shipped; none in quarantine
    #[arg(long, value_name = "N", requires = "sku")]
    on_hand: Option<u64>,
    /// The units that are on hand by the server's account, or nothing is changed; any unless given
    #[arg(long, value_name = "N")]
    expected: Option<u64>,
    /// When they were counted: `now`, so long ago (20m), or milliseconds since 1970
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = as_of)]
    as_of: AsOf,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AsOf {
    Ago(u64),
    At(u64),
}

fn as_of(text: &str) -> Result<AsOf, String> {
    if text == "now" {
        return Ok(AsOf::Ago(0));
    }
    if let Ok(ms) = text.parse() {
        return Ok(AsOf::At(ms));
    }
    let span: Span = text.parse().map_err(|_| {
        format!("{text} is no time: write now, how long ago (20m), or milliseconds since 1970")
    })?;
    Ok(AsOf::Ago(span.ms()))
}

/// Move units out of quarantine.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  doorbuster stock inspect 7 --units 2 --expected 5 --to stock")]
pub(in crate::cli) struct InspectOptions {
    /// The SKU
    #[arg(value_parser = crate::sku::number)]
    sku: u64,
    /// Units
    #[arg(long, value_name = "N")]
    units: u64,
    /// The units that are in quarantine: see `stock goods`
    #[arg(long, value_name = "N")]
    expected: u64,
    /// Where they go
    #[arg(long, value_enum)]
    to: Out,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    server: ServerOptions,
}

/// Where units go that leave quarantine.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Out {
    /// They are for sale again.
    Stock,
    /// They are lost.
    Scrap,
}

/// What came of one count.
#[derive(Debug)]
struct Counted {
    sku: u64,
    outcome: Outcome<doorbuster_client::Applied>,
    orders: Vec<ShortOrder>,
}

pub(super) fn run(options: &CountOptions) -> ExitCode {
    let counts = match (&options.file, options.sku, options.on_hand) {
        (Some(file), ..) => match read(file) {
            Ok(counts) => counts,
            Err(fault) => return fail(2, &fault),
        },
        (None, Some(sku), Some(on_hand)) => vec![(sku, on_hand)],
        (None, ..) => return fail(2, &"name a file, or --sku and --on-hand"),
    };
    match ask(&options.server, async |client| all(&client, options, &counts).await) {
        Ok(done) => told(&options.server, &done),
        Err(code) => code,
    }
}

async fn all(client: &Client, options: &CountOptions, counts: &[(u64, u64)]) -> Result<Vec<Counted>, Error> {
    let as_of = match options.as_of {
        AsOf::At(ms) => ms,
        AsOf::Ago(ms) => client.status().await?.now_ms.saturating_sub(ms),
    };
    let mut done = Vec::new();
    for &(sku, on_hand) in counts {
        let asked = SetOnHand {
            sku,
            on_hand,
            as_of,
            expected: options.expected.unwrap_or(u64::MAX),
            by: options.who.by,
            reason: options.who.reason,
        };
        let outcome = client.set_on_hand(&asked).await?;
        let short = matches!(&outcome, Outcome::Done(applied) if applied.units > 0);
        let orders = if short { hit(client, sku).await? } else { Vec::new() };
        done.push(Counted { sku, outcome, orders });
    }
    Ok(done)
}

/// The orders that a shortfall hits, once all are named that will be.
async fn hit(client: &Client, sku: u64) -> Result<Vec<ShortOrder>, Error> {
    let mut before = None;
    for _ in 0..MAX_LOOKS {
        let Outcome::Done(goods) = client.read_goods(sku).await? else { break };
        let Outcome::Done(stock) = client.read_stock(sku).await? else { break };
        let all = goods.named.saturating_add(stock.held) >= goods.short;
        if all || before == Some(goods.named) {
            break;
        }
        before = Some(goods.named);
    }
    Ok(client.read_short_orders(sku, MAX_LISTED).await?.done().unwrap_or_default())
}

fn told(server: &ServerOptions, done: &[Counted]) -> ExitCode {
    let refusals = done.iter().filter_map(|one| one.outcome.refusal());
    let code = if refusals.clone().next().is_some() { ExitCode::from(7) } else { ExitCode::SUCCESS };
    if let ([_], Some(refusal)) = (done, refusals.clone().next()) {
        return refused(server, refusal);
    }
    if server.json {
        let order = |order: &ShortOrder| {
            serde_json::json!({
                "order": order.order.to_string(), "units": order.units, "paid_at_ms": order.paid_at,
            })
        };
        let sku = |one: &Counted| match &one.outcome {
            Outcome::Done(applied) => serde_json::json!({
                "sku": one.sku.to_string(),
                "missing": applied.units,
                "replayed": applied.replayed,
                "orders": one.orders.iter().map(order).collect::<Vec<_>>(),
            }),
            Outcome::Refused(refusal) => serde_json::json!({
                "sku": one.sku.to_string(), "refused": refusal.code.name(), "at_ms": refusal.at, "units": refusal.units,
            }),
        };
        say(&serde_json::json!({
            "schema_version": 1,
            "counted": done.len() - refusals.count(),
            "skus": done.iter().map(sku).collect::<Vec<_>>(),
        }));
        return code;
    }
    for one in done {
        let sku = Sku(one.sku);
        match &one.outcome {
            Outcome::Refused(refusal) => {
                say(&format_args!("SKU {sku}: refused: {}: {}", refusal.code, refusal.code.meaning()));
            }
            Outcome::Done(applied) if applied.units > 0 => {
                say(&format_args!("SKU {sku}: {} held or paid units are missing", applied.units));
                for order in &one.orders {
                    say(&format_args!(
                        "  order {}, paid at {}: {} missing",
                        order.order,
                        Utc(order.paid_at),
                        order.units
                    ));
                }
            }
            Outcome::Done(_) => {}
        }
    }
    let counted = done.len() - refusals.count();
    say(&format_args!("{counted} of {} SKUs counted", done.len()));
    code
}

/// The SKUs of a file, and how many units of each were counted.
fn read(file: &Path) -> Result<Vec<(u64, u64)>, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("can't read {name}: {error}"))?;
    parse(&text).map_err(|(line, fault)| format!("{name}, line {line}: {fault}; nothing was sent"))
}

fn parse(text: &str) -> Result<Vec<(u64, u64)>, (usize, String)> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    match lines.next() {
        Some((_, "sku,on_hand")) => {}
        _ => return Err((1, "the header must be sku,on_hand".to_owned())),
    }
    let mut counts = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let parsed = line.split_once(',').and_then(|(sku, on_hand)| {
            Some((crate::sku::number(sku).ok()?, on_hand.trim().parse::<u64>().ok()?))
        });
        let count = parsed.ok_or_else(|| (at, format!("'{line}' is no SKU and number of units")))?;
        if !seen.insert(count.0) {
            return Err((at, format!("SKU {} is counted twice", Sku(count.0))));
        }
        if counts.len() == MAX_COUNTS {
            return Err((at, format!("a file counts at most {MAX_COUNTS} SKUs")));
        }
        counts.push(count);
    }
    if counts.is_empty() { Err((2, "no SKU is counted".to_owned())) } else { Ok(counts) }
}

/// `doorbuster stock goods`.
pub(super) fn goods(sku: u64, server: &ServerOptions) -> ExitCode {
    let goods: GoodsView = match ask(server, async |client| client.read_goods(sku).await) {
        Ok(Outcome::Done(goods)) => goods,
        Ok(Outcome::Refused(refusal)) => return refused(server, &refusal),
        Err(code) => return code,
    };
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "sku": goods.sku.to_string(),
            "on_hand": goods.on_hand,
            "allocated": goods.allocated,
            "shipped": goods.shipped,
            "quarantine": goods.quarantine,
            "scrapped": goods.scrapped,
            "counted": goods.counted,
            "missing": goods.short,
            "named": goods.named,
            "counted_at_ms": goods.watermark,
        }));
    } else {
        say(&format_args!(
            "SKU {}: {} on hand, {} of them paid and not shipped; {} shipped, {} in quarantine, {} scrapped; \
             missing: {}",
            Sku(goods.sku),
            goods.on_hand,
            goods.allocated,
            goods.shipped,
            goods.quarantine,
            goods.scrapped,
            goods.short
        ));
    }
    ExitCode::SUCCESS
}

/// `doorbuster stock inspect`.
pub(super) fn inspect(options: &InspectOptions) -> ExitCode {
    let server = &options.server;
    let to = match options.to {
        Out::Stock => GoodsTo::Stock,
        Out::Scrap => GoodsTo::Scrap,
    };
    let asked = Inspect {
        sku: options.sku,
        units: options.units,
        expected: options.expected,
        by: options.who.by,
        reason: options.who.reason,
        to: to.byte(),
    };
    match ask(server, async |client| client.inspect(&asked).await) {
        Ok(Outcome::Done(left)) if server.json => {
            let sku = options.sku.to_string();
            say(&serde_json::json!({ "schema_version": 1, "sku": sku, "quarantine": left.units }));
            ExitCode::SUCCESS
        }
        Ok(Outcome::Done(left)) => {
            say(&format_args!("SKU {}: {} left in quarantine", Sku(options.sku), left.units));
            ExitCode::SUCCESS
        }
        Ok(Outcome::Refused(refusal)) => refused(server, &refusal),
        Err(code) => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_counts_is_read_or_its_fault_is_named() {
        assert_eq!(parse("sku,on_hand\n7, 5\n\n8,0\n"), Ok(vec![(7, 5), (8, 0)]));
        for (text, line, fault) in [
            ("", 1, "header must be sku,on_hand"),
            ("sku,units\n7,5\n", 1, "header must be sku,on_hand"),
            ("sku,on_hand\n", 2, "no SKU is counted"),
            ("sku,on_hand\n7,-1\n", 2, "'7,-1' is no SKU and number of units"),
            ("sku,on_hand\n7,1\n7,2\n", 3, "SKU 7 is counted twice"),
        ] {
            let (at, said) = parse(text).unwrap_err();
            assert!(at == line && said.contains(fault), "{text}: {at}: {said}");
        }
    }

    #[test]
    fn a_time_is_now_long_ago_or_a_number() {
        assert_eq!((as_of("now"), as_of("20m")), (Ok(AsOf::Ago(0)), Ok(AsOf::Ago(1_200_000))));
        assert_eq!(as_of("1767225600000"), Ok(AsOf::At(1_767_225_600_000)));
        assert!(as_of("yesterday").unwrap_err().contains("is no time"));
    }
}
