//! The table of sales channels, for the text and the page.

use super::figures::grouped;
use super::words::or_unknown;
use crate::audit::ChannelTotals;

/// Heads of the columns.
pub(super) const HEADS: [&str; 8] =
    ["channel", "requests", "reserved", "exhausted", "sold out", "guarantee", "at release", "at the end"];

/// A row's cells.
pub(super) fn cells(row: &ChannelTotals) -> [String; HEADS.len()] {
    [
        row.channel.to_string(),
        grouped(row.requests),
        grouped(row.reserved),
        grouped(row.exhausted),
        grouped(row.sold_out),
        grouped(row.guarantee_units),
        or_unknown(row.taken_before_release_units),
        grouped(row.taken_units),
    ]
}
