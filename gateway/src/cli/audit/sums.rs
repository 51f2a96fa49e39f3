//! Every SKU's accounts, added up again from the feed of events.
//!
//! The rules of selling are not asked: what the events say is summed, and no account may ever be below nothing. Beside a
//! server, the sums must be what it answers at the same position.

use std::process::ExitCode;
use std::time::Duration;

use doorbuster_client::{Level, Levels, LevelsError, StockView};

use super::AuditOptions;
use crate::cli::source::{Failure, Source, Wanted};
use crate::cli::{fail, say};
use crate::sku::Sku;

/// SKUs in one frame of questions.
const CHUNK: usize = 1_024;

/// How often sums and answers are taken again because something happened in between.
const TRIES: u32 = 20;

/// Differences that are listed.
const MAX_LISTED: usize = 20;

/// What was found.
#[derive(Debug, Default)]
struct Findings {
    levels: Levels,
    /// The first event that can't follow.
    broken: Option<LevelsError>,
    /// SKUs that were compared with the server's; none without a server.
    compared: Option<usize>,
    differences: Vec<String>,
}

pub(super) fn run(options: &AuditOptions) -> ExitCode {
    let findings = match audit(options) {
        Ok(findings) => findings,
        Err(failure) => return fail(failure.code, &failure.message),
    };
    report(options, &findings);
    let Findings { broken, differences, .. } = &findings;
    if let Some(error) = broken {
        return fail(5, error);
    }
    match differences.len() {
        0 => ExitCode::SUCCESS,
        count => {
            fail(5, &format_args!("{count} SKUs differ from the log; keep the data folder and report it"))
        }
    }
}

fn audit(options: &AuditOptions) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    let mut source = Source::open(&options.source, 0, &Wanted::default(), Duration::ZERO)?;
    for _ in 0..TRIES {
        let (levels, broken) = (&mut findings.levels, &mut findings.broken);
        source.read_all(|event| {
            if broken.is_none() {
                *broken = levels.apply(&event).err();
            }
        })?;
        if findings.broken.is_some() {
            return Ok(findings);
        }
        let skus: Vec<u64> = findings.levels.all().map(|(sku, _)| sku).collect();
        let Some(stocks) = source.stocks(&skus, CHUNK)? else { return Ok(findings) };
        if source.is_current()? {
            findings.compared = Some(skus.len());
            findings.differences = differences(&findings.levels, &stocks);
            return Ok(findings);
        }
    }
    Err(Failure {
        code: 7,
        message: "the server is too busy to compare its stock at one position of the log; try again when it is calmer, \
                  or audit a copy of its folder with --data"
            .to_owned(),
        passing: true,
    })
}

fn differences(levels: &Levels, stocks: &[StockView]) -> Vec<String> {
    let unlike = stocks.iter().filter_map(|stock| {
        let sums = levels.level(stock.sku).unwrap_or_default();
        let answered =
            Level { available: stock.available.into(), held: stock.held.into(), sold: stock.sold.into() };
        (sums != answered).then(|| {
            format!("SKU {}: {} by the log, {} by the server", Sku(stock.sku), words(sums), words(answered))
        })
    });
    unlike.collect()
}

fn words(Level { available, held, sold }: Level) -> String {
    format!("{available} available, {held} held, {sold} sold")
}

fn report(options: &AuditOptions, findings: &Findings) {
    let Findings { levels, broken, compared, differences } = findings;
    let mut sum = Level::default();
    for (_, level) in levels.all() {
        sum.available += level.available;
        sum.held += level.held;
        sum.sold += level.sold;
    }
    let skus = levels.all().count();
    if options.json {
        return say(&serde_json::json!({
            "schema_version": 1,
            "events": levels.position(),
            "skus": skus,
            "available": sum.available.to_string(),
            "held": sum.held.to_string(),
            "sold": sum.sold.to_string(),
            "broken": broken.as_ref().map(ToString::to_string),
            "compared": compared,
            "differences": differences,
        }));
    }
    for difference in differences.iter().take(MAX_LISTED) {
        say(difference);
    }
    say(&format_args!(
        "{} events, {skus} SKUs: {} units, of them {}",
        levels.position(),
        sum.available + sum.held + sum.sold,
        words(sum)
    ));
    if broken.is_none() {
        say(&"no account was ever below nothing");
    }
    match compared {
        Some(_) if differences.is_empty() => say(&"the server's accounts are the same at that position"),
        None if broken.is_none() => say(&"read from a folder: no server's accounts to compare with"),
        Some(_) | None => {}
    }
}
