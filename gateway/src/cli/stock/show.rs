//! `doorbuster stock show`.

use std::process::ExitCode;

use doorbuster_client::Outcome;

use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::say;
use crate::sku::Sku;

pub(super) fn run(sku: u64, server: &ServerOptions) -> ExitCode {
    let stock = match ask(server, async |client| client.read_stock(sku).await) {
        Ok(Outcome::Done(stock)) => stock,
        Ok(Outcome::Refused(refusal)) => return refused(server, &refusal),
        Err(code) => return code,
    };
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "sku": stock.sku.to_string(),
            "available": stock.available,
            "held": stock.held,
            "sold": stock.sold,
            "stocked": stock.stocked,
            "holds": stock.holds,
            "waiting": stock.waiting,
            "user_limit": stock.user_limit,
            "order_limit": stock.order_limit,
        }));
    } else {
        say(&format_args!(
            "SKU {}: {} available, {} held, {} sold, of {} stocked; open holds: {}, waiting orders: {}",
            Sku(stock.sku),
            stock.available,
            stock.held,
            stock.sold,
            stock.stocked,
            stock.holds,
            stock.waiting
        ));
    }
    ExitCode::SUCCESS
}
