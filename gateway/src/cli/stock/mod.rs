//! `doorbuster stock`.

mod count;
mod file;
mod freeze;
mod lines;
mod restock;
mod show;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Subcommand;
use doorbuster_client::{Builder, Client, Code, Error, Outcome, PutSku, Refusal, StockView};
use doorbuster_ledger::SkuId;

use super::connect::{ServerOptions, key_hint};
use super::who::Who;
use super::{fail, say};
use crate::cli::progress::Progress;

/// SKUs in one frame of an import.
const CHUNK: usize = 4_096;

/// Refused lines that an import lists.
const MAX_LISTED: usize = 20;

/// Set up and look at SKUs.
#[derive(Debug, Subcommand)]
pub(super) enum StockCommand {
    /// Load SKUs from a file into a running server.
    ///
    /// CSV with a header line, or JSON lines; columns sku and units, and, where there are limits, `user_limit` and
    /// `order_limit` (0: none). The whole file is checked before the first SKU is sent. Importing the same file again
    /// changes nothing.
    Import {
        /// FILE.csv or FILE.jsonl
        file: PathBuf,
        /// Check the file and stop.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        server: ServerOptions,
        #[command(flatten)]
        who: Who,
    },
    /// Sell nothing of a SKU for now: no new holds, no offers to those who wait. Open holds go on.
    Freeze(freeze::FreezeOptions),
    /// Sell a frozen SKU again. Those who wait come first.
    Unfreeze(freeze::FreezeOptions),
    /// Say how many units were counted, and get the orders whose units are missing.
    Count(count::CountOptions),
    /// Show where a SKU's goods are.
    Goods {
        /// The SKU
        #[arg(value_parser = crate::sku::number)]
        sku: u64,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Move units out of quarantine.
    Inspect(count::InspectOptions),
    /// Bring units in, or withdraw some that are free.
    ///
    /// What comes in is offered to those who wait first. Whoever can't be sure that it was done, as the connection broke, repeats it
    /// with the same --request: it counts once.
    Restock(restock::RestockOptions),
    /// Show a SKU's accounts.
    Show {
        /// The SKU
        #[arg(value_parser = crate::sku::number)]
        sku: u64,
        #[command(flatten)]
        server: ServerOptions,
    },
}

pub(super) fn run(command: &StockCommand) -> ExitCode {
    let (file, server, dry_run, who) = match command {
        StockCommand::Import { file, server, dry_run, who } => (file, server, dry_run, *who),
        StockCommand::Show { sku, server } => return show::run(*sku, server),
        StockCommand::Freeze(options) => return freeze::run(options, true),
        StockCommand::Unfreeze(options) => return freeze::run(options, false),
        StockCommand::Count(options) => return count::run(options),
        StockCommand::Goods { sku, server } => return count::goods(*sku, server),
        StockCommand::Inspect(options) => return count::inspect(options),
        StockCommand::Restock(options) => return restock::run(options),
    };
    let builder = match server.builder() {
        Ok(builder) => builder,
        Err(fault) => return fail(2, &fault),
    };
    let mut progress = Progress::start();
    let found = match file::read(file, &mut progress) {
        Ok(found) => found.wanted_by(who),
        Err(error) => {
            drop(progress);
            return fail(2, &error);
        }
    };
    let grouped = found.skus.iter().filter(|put| SkuId::new(put.sku).group().is_some()).count();
    let mut report = Report { skus: found.skus.len(), grouped, ..Report::default() };
    let started = Instant::now();
    let imported =
        if *dry_run { Ok(()) } else { import((builder, server.server), &found, &mut report, &mut progress) };
    drop(progress);
    if let Err(error) = imported {
        return fail(
            7,
            &format_args!(
                "can't import into {}: {error}; is `doorbuster serve` running there?",
                server.server
            ),
        );
    }
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "dry_run": dry_run,
            "skus": report.skus,
            "in_groups": report.grouped,
            "set_up": report.set_up,
            "unchanged": report.unchanged,
            "refused_count": report.refused_count,
            "refused": report.refused.iter().map(|(line, sku, why)| {
                serde_json::json!({ "line": line, "sku": sku, "why": why })
            }).collect::<Vec<_>>(),
            "elapsed_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }));
    } else if *dry_run {
        say(&format_args!(
            "{}: {} SKUs, no fault; nothing was sent (--dry-run)",
            file.display(),
            report.skus
        ));
        tell_groups(&report);
    } else {
        for (line, sku, why) in &report.refused {
            say(&format_args!("{}, line {line}: SKU {}: {why}", file.display(), crate::sku::Sku(*sku)));
        }
        say(&format_args!(
            "{}: {} set up, {} unchanged, {} refused, in {:.1} s",
            file.display(),
            report.set_up,
            report.unchanged,
            report.refused_count,
            started.elapsed().as_secs_f64()
        ));
        tell_groups(&report);
    }
    if report.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(7) }
}

/// A number of 2^63 and more names a group, whether its writer knew that or not.
fn tell_groups(report: &Report) {
    if report.grouped > 0 {
        say(&format_args!(
            "{} of them are in placement groups: their numbers are GROUP/NUMBER, or 2^63 and more",
            report.grouped
        ));
    }
}

#[derive(Debug, Default)]
struct Report {
    skus: usize,
    /// Those of them that are in a placement group.
    grouped: usize,
    set_up: usize,
    unchanged: usize,
    refused_count: usize,
    /// The first [`MAX_LISTED`] of them: line, SKU, why.
    refused: Vec<(u64, u64, String)>,
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())
}

fn import(
    (builder, server): (Builder, SocketAddr),
    found: &file::StockFile,
    report: &mut Report,
    progress: &mut Progress,
) -> Result<(), String> {
    let told = |error: Error| match key_hint(&error) {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    runtime()?.block_on(async {
        let client = builder.connect(&server.to_string()).await.map_err(told)?;
        for (skus, lines) in found.skus.chunks(CHUNK).zip(found.lines.chunks(CHUNK)) {
            let mut listed = Vec::new();
            let answers = client.put_skus(skus).await;
            for ((answer, sku), line) in answers.into_iter().zip(skus).zip(lines) {
                match answer.map_err(told)? {
                    Outcome::Done(applied) if applied.replayed => report.unchanged += 1,
                    Outcome::Done(_) => report.set_up += 1,
                    Outcome::Refused(refusal) => {
                        report.refused_count += 1;
                        if report.refused.len() + listed.len() < MAX_LISTED {
                            listed.push((*line, *sku, refusal));
                        }
                    }
                }
            }
            for (line, sku, refusal) in listed {
                let why = explain(&client, &sku, &refusal).await?;
                report.refused.push((line, sku.sku, why));
            }
            let done = report.set_up + report.unchanged + report.refused_count;
            progress.say(format_args!("importing: {done} of {} SKUs", report.skus));
        }
        Ok(())
    })
}

async fn explain(client: &Client, wanted: &PutSku, refusal: &Refusal) -> Result<String, String> {
    if refusal.code == Code::SkuExists
        && let Outcome::Done(known) =
            client.read_stock(wanted.sku).await.map_err(|error| error.to_string())?
    {
        return Ok(differences(wanted, &known));
    }
    Ok(match refusal.field {
        Some(field) => format!("{} ({})", refusal.code, field.name()),
        None => refusal.code.to_string(),
    })
}

/// What a SKU that is set up has otherwise than a file says, and how that is changed.
fn differences(wanted: &PutSku, known: &StockView) -> String {
    let mut differ = Vec::new();
    let mut change = Vec::new();
    if known.stocked != wanted.units {
        differ.push(format!("units are {}, not {}", known.stocked, wanted.units));
        change.push("units by `stock restock`");
    }
    for (name, now, file) in [
        ("user_limit", known.user_limit, wanted.user_limit),
        ("order_limit", known.order_limit, wanted.order_limit),
    ] {
        if now != file {
            differ.push(format!("{name} is {now}, not {file}"));
        }
    }
    if (known.user_limit, known.order_limit) != (wanted.user_limit, wanted.order_limit) {
        change.push("limits by a campaign's file");
    }
    if differ.is_empty() {
        // Somebody has changed it between the two questions.
        return "was set up with other settings; import it again".to_owned();
    }
    format!("is set up already and stays as it is: {}; change {}", differ.join(", "), change.join(" and "))
}

/// Sets up the three SKUs of `serve --dev` and prints what to try.
pub(super) fn set_up_dev(server: SocketAddr, admin: &str) {
    let skus = [
        PutSku { sku: 1, units: 1_000, user_limit: 2, order_limit: 0, ..PutSku::default() },
        PutSku { sku: 2, units: 10, user_limit: 1, order_limit: 1, ..PutSku::default() },
        PutSku { sku: 3, units: 1_000_000, user_limit: 0, order_limit: 0, ..PutSku::default() },
    ];
    let set_up = runtime().and_then(|runtime| {
        runtime.block_on(async {
            let client = Client::connect(&server.to_string()).await.map_err(|error| error.to_string())?;
            for answer in client.put_skus(&skus).await {
                answer.map_err(|error| error.to_string())?;
            }
            Ok(())
        })
    });
    if let Err(error) = set_up {
        return say(&format_args!("the SKUs for trying out can't be set up: {error}"));
    }
    say(&"SKU 1: 1,000 units, 2 a shopper · SKU 2: 10 units, 1 a shopper · SKU 3: 1,000,000 units");
    say(&"\nTry, in another terminal:");
    say(&format_args!("  cargo run --release -p doorbuster-client --example buy -- {server}"));
    say(&format_args!("  python3 docs/examples/client.py {server}"));
    say(&format_args!("  cargo run --release --bin doorbuster-drill -- --target {server} --allow-live"));
    say(&format_args!(
        "  cargo run --release --bin doorbuster -- dev advance 15m --admin {admin}   # holds end, offers are made"
    ));
    say(&"\nThe data is thrown away when this server stops (Ctrl-C).");
}
