//! `doorbuster campaign release`.

use std::process::ExitCode;

use doorbuster_client::{BindSku, Outcome};

use super::say;
use crate::cli::connect::{ServerOptions, ask};
use crate::cli::who::Who;
use crate::sku::Sku;

/// SKUs in one frame.
const CHUNK: usize = 4_096;

/// Binds the SKUs to no campaign.
pub(super) fn run(skus: &[u64], who: Who, server: &ServerOptions) -> Result<ExitCode, ExitCode> {
    let Who { by, reason } = who;
    let (mut released, mut unchanged, mut refused) = (0_usize, 0_usize, Vec::new());
    ask(server, async |client| {
        let binds: Vec<_> = skus.iter().map(|&sku| BindSku { sku, campaign: 0, by, reason }).collect();
        for binds in binds.chunks(CHUNK) {
            for (answer, bind) in client.bind_skus(binds).await.into_iter().zip(binds) {
                match answer? {
                    Outcome::Done(applied) if applied.replayed => unchanged += 1,
                    Outcome::Done(_) => released += 1,
                    Outcome::Refused(refusal) => refused.push((bind.sku, refusal.code)),
                }
            }
        }
        Ok(())
    })?;
    if server.json {
        let refused: Vec<_> = refused
            .iter()
            .map(|(sku, code)| serde_json::json!({ "sku": sku.to_string(), "code": code.name() }))
            .collect();
        say(&serde_json::json!({
            "schema_version": 1, "released": released, "unchanged": unchanged, "refused": refused,
        }));
    } else {
        for (sku, code) in &refused {
            say(&format_args!("  ! SKU {}: {code}: {}", Sku(*sku), code.meaning()));
        }
        say(&format_args!(
            "{released} SKUs belong to no campaign any more, {unchanged} belonged to none, {} refused",
            refused.len()
        ));
    }
    Ok(ExitCode::from(if refused.is_empty() { 0 } else { 7 }))
}
