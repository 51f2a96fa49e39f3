//! What shoppers know of a campaign, and what they do when it tells them to come again.

use doorbuster_protocol::{Answer, Code};

use super::Worker;
use super::flight::Plan;
use crate::journal::Attempt;
use crate::population::Step;
use crate::schedule::nanos;

impl Worker {
    /// The version of prices on the page of a shopper who comes now; 0: there is no campaign. Before it opens, its first
    /// version is announced.
    pub(super) fn version_seen(&mut self, now_ns: u64) -> u8 {
        let Some(campaign) = &self.task.campaign else { return 0 };
        let age = self.task.population.page_age_ns(campaign);
        campaign.version_at(now_ns.saturating_sub(age)).max(1)
    }

    /// A shopper who was told that the sale has not begun comes again when it does; one whose prices are old looks at the new
    /// ones and orders by them. Either is a request of its own.
    pub(super) fn come_again(&mut self, attempt: u32, answer: &Answer, now_ns: u64) {
        let Some(campaign) = &self.task.campaign else { return };
        let due_ns = match Code::from_number(answer.code) {
            Some(Code::NotStarted) => now_ns + answer.units.saturating_mul(1_000_000),
            Some(Code::PriceChanged) => now_ns + nanos(campaign.reload_seconds),
            _ => return,
        };
        let prices = match u8::try_from(answer.units) {
            Ok(version) if answer.code == Code::PriceChanged.number() => version,
            _ => campaign.version_at(due_ns).max(1),
        };
        let Some(&Attempt { user, sku, channel, .. }) = self.journal.attempts.get(attempt as usize) else {
            return;
        };
        let request_id = self.ids.make(self.server_ms(now_ns));
        let again = Attempt { request_id, user, sku, channel, prices, ..Attempt::default() };
        let attempt = self.journal.begin(again);
        self.plan_again(Plan { due_ns, attempt, step: Step::Reserve, tries: 0 });
    }
}
