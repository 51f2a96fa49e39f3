//! Sales channels: what each may have and has, by the answers, by the server and by the log.

use std::collections::BTreeMap;

use doorbuster_auditor::Replay;
use doorbuster_protocol::{ChannelView, Code};

use super::{Check, Sale, refusals};
use crate::journal::Journal;

/// One channel over all SKUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ChannelTotals {
    /// Its number.
    pub channel: u16,
    /// Units that are guaranteed to it at the end.
    pub guarantee_units: u64,
    /// Units that it held or had sold when the guarantees ended; none where the log can't be read.
    pub taken_before_release_units: Option<u64>,
    /// Units that it holds or has sold at the end.
    pub taken_units: u64,
    /// Reserves that came through it.
    pub requests: u64,
    /// Of those, the ones that got units.
    pub reserved: u64,
    /// Told that the channel may have no more.
    pub exhausted: u64,
    /// Told that nothing is left.
    pub sold_out: u64,
}

/// A row for each channel that the server was asked about.
pub(super) fn totals(
    journal: &Journal,
    levels: &[ChannelView],
    replay: Option<&Replay>,
) -> Vec<ChannelTotals> {
    let mut rows: BTreeMap<u16, ChannelTotals> = BTreeMap::new();
    for level in levels {
        let row = rows.entry(level.channel).or_default();
        row.channel = level.channel;
        row.guarantee_units += level.guarantee;
        row.taken_units += level.taken;
        if let Some(replay) = replay {
            let found = replay.channels.of(level.sku).find(|(channel, _)| *channel == level.channel);
            let before = found.map_or(0, |(_, allotment)| allotment.taken_before_release);
            *row.taken_before_release_units.get_or_insert(0) += before;
        }
    }
    for attempt in &journal.attempts {
        let Some(row) = rows.get_mut(&attempt.channel) else { continue };
        row.requests += 1;
        row.reserved += u64::from(attempt.order != 0);
        row.exhausted += u64::from(attempt.reserved == Code::ChannelExhausted.number());
        row.sold_out += u64::from(attempt.reserved == Code::SoldOut.number());
    }
    rows.into_values().collect()
}

/// The channels' rules were kept, by the log, and the server's levels are the log's. None where no channel has rules.
pub(super) fn check(
    sale: &Sale,
    journal: &Journal,
    levels: &[ChannelView],
    replay: &Replay,
) -> Option<Check> {
    if levels.is_empty() {
        return None;
    }
    let rule = "no channel took what was kept for another or more than its cap, and none was refused what was left for it";
    let mut check = Check::new("channels", rule);
    check.examined = replay.channels.examined;
    check.faults = replay.channels.faults.clone();
    let refused = journal.refusals.iter().filter(|refusal| refusal.channel.is_some());
    check.examined += refused.clone().filter(|refusal| refusal.until > 0).count() as u64;
    refusals::check(&replay.left, sale.skus.start, refused, &mut check.faults);
    for level in levels {
        let ChannelView { sku, channel, guarantee, cap, release_at, taken, .. } = *level;
        check.examined += 1;
        let found = replay.channels.of(sku).find(|(of, _)| *of == channel).map(|(_, found)| found);
        let found = found.unwrap_or_default();
        let logged = (found.rules.guarantee, found.rules.cap, found.rules.release_at, found.taken);
        if level.code != Code::Ok.number() || logged != (guarantee, cap, release_at, taken) {
            check.faults.note(|| {
                format!(
                    "SKU {sku}, channel {channel}: guarantee, cap, release and units taken are {:?} at the server and \
                     {logged:?} in the log",
                    (guarantee, cap, release_at, taken)
                )
            });
        }
    }
    Some(check)
}

#[cfg(test)]
#[path = "channels_tests.rs"]
mod tests;
