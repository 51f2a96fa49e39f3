//! `doorbuster stock show`.

use std::fmt;
use std::process::ExitCode;

use doorbuster_client::{ChannelView, Outcome};

use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::say;
use crate::sku::Sku;
use crate::utc::Utc;

/// Channels that are listed. Shops have some ten; shoppers' requests may name any.
const MAX_LISTED: usize = 256;

pub(super) fn run(sku: u64, server: &ServerOptions) -> ExitCode {
    let read = ask(server, async |client| {
        let stock = client.read_stock(sku).await?;
        Ok((stock, client.read_channel_levels(sku, MAX_LISTED).await?))
    });
    let (stock, channels) = match read {
        Ok((Outcome::Done(stock), Outcome::Done(channels))) => (stock, channels),
        Ok((Outcome::Refused(refusal), _) | (_, Outcome::Refused(refusal))) => {
            return refused(server, &refusal);
        }
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
            "frozen": stock.frozen != 0,
            "channels": channels.iter().map(as_json).collect::<Vec<_>>(),
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
        if stock.frozen != 0 {
            say(&"  frozen: nobody gets units of it until `doorbuster stock unfreeze`");
        }
        for channel in &channels {
            say(&Levels(channel));
        }
        if channels.len() == MAX_LISTED {
            say(&format_args!("  … the first {MAX_LISTED} channels; there may be more"));
        }
    }
    ExitCode::SUCCESS
}

fn as_json(channel: &ChannelView) -> serde_json::Value {
    serde_json::json!({
        "channel": channel.channel,
        "guarantee": channel.guarantee,
        "cap": (channel.cap != u64::MAX).then_some(channel.cap),
        "release_at_ms": (channel.release_at != 0).then_some(channel.release_at),
        "taken": channel.taken,
        "available": channel.available,
    })
}

/// A line of its own for one channel.
struct Levels<'a>(&'a ChannelView);

impl fmt::Display for Levels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChannelView { channel, taken, available, guarantee, cap, release_at, .. } = *self.0;
        write!(f, "  channel {channel}: {taken} taken, {available} more may be; {guarantee} guaranteed")?;
        if release_at != 0 {
            write!(f, " until {}", Utc(release_at))?;
        }
        if cap == u64::MAX { Ok(()) } else { write!(f, ", at most {cap}") }
    }
}
