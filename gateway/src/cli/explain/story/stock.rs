//! What happens to stock, in sentences.

use doorbuster_client::FeedEvent;

use crate::cli::explain::words::pieces;
use crate::sku::Sku;
use crate::utc::Utc;

pub(super) fn reason(event: &FeedEvent) -> String {
    if event.reason == 0 { String::new() } else { format!(" (reason {})", event.reason) }
}

/// Who wanted it so, and why, as far as it is known.
pub(super) fn who(event: &FeedEvent) -> String {
    match event.user {
        0 => reason(event),
        by => format!(", as {by} wanted it{}", reason(event)),
    }
}

pub(super) fn set_up(event: &FeedEvent) -> String {
    let mut sentence = format!("SKU {} was set up with {}", Sku(event.sku), pieces(event.units));
    for (limit, of) in [(event.user_limit, "shopper"), (event.order_limit, "order")] {
        if limit != 0 {
            sentence = format!("{sentence}, at most {limit} for one {of}");
        }
    }
    format!("{sentence}{}.", who(event))
}

pub(super) fn restocked(event: &FeedEvent) -> String {
    let how = if event.units < 0 { "withdrawn from sale" } else { "added" };
    format!("{} of SKU {} {} {how}{}.", pieces(event.units), Sku(event.sku), be(event), who(event))
}

pub(super) fn channel_set(event: &FeedEvent) -> String {
    let until = if event.until == 0 { String::new() } else { format!(" until {}", Utc(event.until)) };
    let cap = match event.cap {
        u64::MAX => String::new(),
        cap => format!(", and at most {cap} may be taken by it"),
    };
    format!(
        "{} of SKU {} {} kept for channel {}{until}{cap}{}.",
        pieces(event.units),
        Sku(event.sku),
        be(event),
        event.channel,
        who(event)
    )
}

pub(super) fn rebalanced(event: &FeedEvent) -> String {
    format!(
        "{} of SKU {}, kept for channel {} before, {} kept for channel {} from then on{}.",
        pieces(event.units),
        Sku(event.sku),
        event.channel,
        be(event),
        event.to,
        who(event)
    )
}

fn be(event: &FeedEvent) -> &'static str {
    if event.units.unsigned_abs() == 1 { "was" } else { "were" }
}
