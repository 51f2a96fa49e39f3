//! `doorbuster stock restock`: units that come in, or are withdrawn, while the sale runs.

use std::cell::Cell;
use std::num::NonZeroI64;
use std::process::ExitCode;

use clap::Args;
use doorbuster_client::{Outcome, Restock};

use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::who::Who;
use crate::cli::{id, say, warn};
use crate::sku::Sku;

/// Units for a SKU.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  doorbuster stock restock 7 --units 500 --by 12 --reason 3\n  \
                        doorbuster stock restock 7 --units=-20")]
pub(in crate::cli) struct RestockOptions {
    /// The SKU
    #[arg(value_parser = crate::sku::number)]
    sku: u64,
    /// Units that come in; negative: so many are withdrawn
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    units: NonZeroI64,
    /// Names the change, a UUID of version 7 as 32 hexadecimal digits; a fresh one unless given
    #[arg(long, value_name = "HEX", value_parser = id::id)]
    request: Option<[u8; 16]>,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    server: ServerOptions,
}

pub(super) fn run(options: &RestockOptions) -> ExitCode {
    let server = &options.server;
    // Known outside, for whoever loses the connection.
    let sent = Cell::new(None);
    let asked = ask(server, async |client| {
        let request_id = options.request.unwrap_or_else(|| client.new_request_id());
        sent.set(Some(request_id));
        let Who { by, reason } = options.who;
        let restock = Restock { request_id, sku: options.sku, units: options.units.get(), reason, by };
        Ok((client.restock(&restock).await?, request_id))
    });
    match asked {
        Ok((Outcome::Refused(refusal), _)) => refused(server, &refusal),
        Ok((Outcome::Done(done), request)) if server.json => {
            say(&serde_json::json!({
                "schema_version": 1,
                "sku": options.sku.to_string(),
                "available": done.units,
                "replayed": done.replayed,
                "request": id::written(request),
            }));
            ExitCode::SUCCESS
        }
        Ok((Outcome::Done(done), request)) => {
            let sku = Sku(options.sku);
            let request = id::written(request);
            if done.replayed {
                say(&format_args!("SKU {sku}: request {request} was done before; nothing changed"));
            } else {
                say(&format_args!("SKU {sku}: {} available now; request {request}", done.units));
            }
            ExitCode::SUCCESS
        }
        Err(code) => {
            if let Some(request) = sent.get() {
                let request = id::written(request);
                warn(&format_args!("whether it was done is not known: repeat it with --request {request}"));
            }
            code
        }
    }
}
