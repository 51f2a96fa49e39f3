//! What those who don't decide may know of campaigns: figures for metrics and alarms, and when the desk has to look again.

use std::sync::atomic::{AtomicU64, Ordering};

use doorbuster_ledger::{CampaignId, CampaignSnapshot, Span, Stage, Standing, Timestamp};
use parking_lot::Mutex;

/// How often figures are published while there are campaigns, milliseconds: people and scrapes don't look more often.
const LOOK_EVERY_MS: u64 = 1_000;

/// Most campaigns whose figures are published: more don't run side by side, and each is a label of metrics.
pub const MAX_PUBLISHED: usize = 64;

/// See the module's doc.
#[derive(Debug)]
pub struct CampaignBoard {
    /// When the desk has to look again, milliseconds; the largest number: not before something changes.
    next_look: AtomicU64,
    alarm_before: AtomicU64,
    figures: Mutex<Vec<CampaignSnapshot>>,
    /// Campaigns that lack prices, and whose alarm was given; with the version.
    alarmed: Mutex<Vec<(CampaignId, u32)>>,
}

impl Default for CampaignBoard {
    fn default() -> Self {
        Self {
            // What a restart has found is looked at once.
            next_look: AtomicU64::new(0),
            alarm_before: AtomicU64::new(0),
            figures: Mutex::new(Vec::new()),
            alarmed: Mutex::new(Vec::new()),
        }
    }
}

impl CampaignBoard {
    /// Campaigns that follow a plan and are not over, at most [`MAX_PUBLISHED`]: those that lack prices, then by id.
    pub fn figures(&self) -> Vec<CampaignSnapshot> {
        self.figures.lock().clone()
    }

    /// SKUs of a campaign that will soon be sold, or are, by a version of prices in which they have none; 0: there is
    /// nothing to worry about.
    pub fn missing_prices(&self, campaign: &CampaignSnapshot, now: Timestamp) -> u64 {
        let soon = now.plus(self.alarm_before.load(Ordering::Relaxed));
        if campaign.priced_from.is_none_or(|start| start <= soon) { campaign.unpriced } else { 0 }
    }

    /// Sets how long before its prices count a campaign must have all of them, milliseconds; at first 0.
    pub fn alarm_prices_before(&self, ms: u64) {
        self.alarm_before.store(ms, Ordering::Relaxed);
    }

    /// Something was changed: the desk looks at its next visit.
    pub(crate) fn look_again(&self) {
        self.next_look.store(0, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.next_look.load(Ordering::Relaxed) <= now.raw()
    }

    /// Publishes what all ledgers together know, and gives an alarm for prices that are missing.
    pub(crate) fn publish(&self, now: Timestamp, span: &Span<'_, '_>) {
        let over = |campaign: &CampaignSnapshot| {
            campaign.plan == 0
                || campaign.standing == Standing::Aborted
                || (campaign.stage == Stage::Closed && campaign.next_start.is_none())
        };
        let ids = span.campaigns();
        let known = ids.iter().filter_map(|id| span.campaign(*id));
        let mut figures: Vec<_> = known.filter(|campaign| !over(campaign)).collect();
        let next_entry = span.next_phase_entry().map_or(u64::MAX, Timestamp::raw);
        let next_figures = if figures.is_empty() { u64::MAX } else { now.plus(LOOK_EVERY_MS).raw() };
        self.give_alarms(now, &figures);
        // Those that something is wrong with come first.
        figures.sort_by_key(|campaign| self.missing_prices(campaign, now) == 0);
        figures.truncate(MAX_PUBLISHED);
        *self.figures.lock() = figures;
        self.next_look.store(next_entry.min(next_figures), Ordering::Relaxed);
    }

    fn give_alarms(&self, now: Timestamp, figures: &[CampaignSnapshot]) {
        let lacking = figures.iter().filter(|campaign| self.missing_prices(campaign, now) > 0);
        let lacking: Vec<_> = lacking.collect();
        let name = |campaign: &&CampaignSnapshot| (campaign.campaign, campaign.price_version);
        let before = std::mem::replace(&mut *self.alarmed.lock(), lacking.iter().map(name).collect());
        for campaign in lacking.iter().filter(|campaign| !before.contains(&name(campaign))) {
            tracing::warn!(
                campaign = campaign.campaign.raw(),
                version = campaign.price_version,
                skus = campaign.unpriced,
                "SKUs of a campaign lack prices that count soon or already; write them with `doorbuster campaign apply`"
            );
        }
    }
}
