//! `doorbuster stock freeze` and `unfreeze`.

use std::process::ExitCode;

use clap::Args;
use doorbuster_client::{FreezeSku, Outcome};

use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::say;
use crate::cli::who::Who;
use crate::sku::Sku;

/// Which SKU, and who wants it so.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  doorbuster stock freeze 7 --by 12 --reason 3\n  doorbuster stock unfreeze 7"
)]
pub(in crate::cli) struct FreezeOptions {
    /// The SKU
    #[arg(value_parser = crate::sku::number)]
    sku: u64,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    server: ServerOptions,
}

pub(super) fn run(options: &FreezeOptions, frozen: bool) -> ExitCode {
    let FreezeOptions { sku, who, server } = options;
    let request = FreezeSku { sku: *sku, frozen: frozen.into(), by: who.by, reason: who.reason };
    let asked = ask(server, async |client| client.freeze_skus(&[request]).await.remove(0));
    match asked {
        Ok(Outcome::Refused(refusal)) => refused(server, &refusal),
        Ok(Outcome::Done(done)) => {
            let replayed = done.replayed;
            if server.json {
                say(&serde_json::json!({
                    "schema_version": 1,
                    "sku": sku.to_string(),
                    "frozen": frozen,
                    "replayed": replayed,
                }));
            } else {
                let stands = if frozen { "frozen: nobody gets units of it" } else { "sold again" };
                let before = if replayed { ", as it was before; nothing changed" } else { "" };
                say(&format_args!("SKU {} is {stands}{before}", Sku(*sku)));
            }
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}
