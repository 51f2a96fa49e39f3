//! `doorbuster coupon`.

use std::process::ExitCode;

use clap::Subcommand;
use doorbuster_client::{IssueCoupons, Outcome};

use super::connect::{ServerOptions, ask, refused};
use super::say;
use super::who::Who;
use crate::utc::Utc;

/// Issue and look at coupons.
#[derive(Debug, Subcommand)]
pub(super) enum CouponCommand {
    /// Set a batch of coupons up: BATCH-0, BATCH-1 and so on. The same again changes nothing.
    Issue {
        /// The batch, from 1
        batch: u32,
        /// How many
        #[arg(long, value_name = "N")]
        serials: u32,
        /// How often each may be used
        #[arg(long, value_name = "N", default_value_t = 1)]
        uses: u32,
        /// From when on they are valid, milliseconds since the Unix epoch; from ever unless given
        #[arg(long, value_name = "MS", default_value_t = 0)]
        from_ms: u64,
        /// Until when, milliseconds since the Unix epoch; for ever unless given
        #[arg(long, value_name = "MS", default_value_t = u64::MAX)]
        until_ms: u64,
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Show how often a coupon was used.
    Show {
        /// The coupon, such as 5-17: the 18th of batch 5
        #[arg(value_name = "BATCH-SERIAL", value_parser = number)]
        coupon: u64,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// A coupon's number, as people write it: `5-17`.
pub(super) fn number(text: &str) -> Result<u64, String> {
    let parts = text.split_once('-');
    let parts =
        parts.and_then(|(batch, serial)| Some((batch.parse::<u32>().ok()?, serial.parse::<u32>().ok()?)));
    match parts {
        Some((batch, serial)) if batch > 0 => Ok((u64::from(batch) << 32) | u64::from(serial)),
        _ => Err("write its batch, from 1, a dash and its serial number, from 0, such as 5-17".to_owned()),
    }
}

/// The same the other way round.
fn name(coupon: u64) -> String {
    format!("{}-{}", coupon >> 32, coupon & u64::from(u32::MAX))
}

pub(super) fn run(command: &CouponCommand) -> ExitCode {
    let done = match command {
        CouponCommand::Issue { batch, serials, uses, from_ms, until_ms, who, server } => {
            let issue = IssueCoupons {
                batch: *batch,
                serials: *serials,
                uses: *uses,
                reason: who.reason,
                from: *from_ms,
                until: *until_ms,
                by: who.by,
            };
            ask(server, async |client| client.issue_coupons(&issue).await).map(|outcome| match outcome {
                Outcome::Refused(refusal) => refused(server, &refusal),
                Outcome::Done(done) => {
                    if server.json {
                        say(&serde_json::json!({
                            "schema_version": 1,
                            "batch": batch,
                            "serials": serials,
                            "replayed": done.replayed,
                        }));
                    } else {
                        let how = if done.replayed { ", as before" } else { "" };
                        say(&format_args!("batch {batch}: {serials} coupons{how}"));
                    }
                    ExitCode::SUCCESS
                }
            })
        }
        CouponCommand::Show { coupon, server } => show(server, *coupon),
    };
    done.unwrap_or_else(|code| code)
}

fn show(server: &ServerOptions, coupon: u64) -> Result<ExitCode, ExitCode> {
    let view = match ask(server, async |client| client.read_coupon(coupon).await)? {
        Outcome::Done(view) => view,
        Outcome::Refused(refusal) => return Ok(refused(server, &refusal)),
    };
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "coupon": name(coupon),
            "uses": view.uses,
            "reserved": view.reserved,
            "redeemed": view.redeemed,
            "from_ms": view.from,
            "until_ms": view.until,
        }));
    } else {
        let from = if view.from == 0 { String::new() } else { format!(" from {}", Utc(view.from)) };
        let until =
            if view.until == u64::MAX { String::new() } else { format!(" until {}", Utc(view.until)) };
        say(&format_args!(
            "coupon {}: {} of {} uses redeemed, {} reserved; valid{from}{until}",
            name(coupon),
            view.redeemed,
            view.uses,
            view.reserved
        ));
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coupon_reads_as_it_is_written() {
        assert_eq!(number("5-17").map(name), Ok("5-17".to_owned()));
        for wrong in ["5", "0-1", "5-", "-1", "5-4294967296", "a-b"] {
            assert!(number(wrong).unwrap_err().contains("such as 5-17"), "{wrong}");
        }
    }
}
