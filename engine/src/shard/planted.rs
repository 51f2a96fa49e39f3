//! Bugs of a shard, where they would stand, and a shard that is taken. See [`planted`](crate::planted).

use doorbuster_ledger::{Command, RequestId, Restock, SkuId, Timestamp};

use super::state::State;
use super::{Batch, Shard};
use crate::directory::Directory;
use crate::journal::Journal;
use crate::log::record;
use crate::notices::Notice;
use crate::planted::{Bug, is_planted};
use crate::port::Ports;

/// What was decided under the lock and has no ticket yet.
#[derive(Debug)]
pub(super) struct Late {
    events: u32,
    bytes: Vec<u8>,
    decided: Vec<Batch>,
    notices: Vec<Notice>,
}

impl Shard {
    /// Lets visitors find the shard taken, as if somebody waited for its lock, until [`vacate`](Self::vacate).
    pub(crate) fn occupy(&self) {
        self.line.occupy();
    }

    /// Ends one [`occupy`](Self::occupy).
    pub(crate) fn vacate(&self) {
        self.line.vacate();
    }
}

impl State {
    /// [`Bug::TicketAfterUnlock`]: keeps back what was decided, as if whoever decided were held up between his unlocking and his
    /// ticket. Whoever comes next overtakes him.
    ///
    /// # Errors
    /// The bytes, where nothing is kept back.
    pub(super) fn unlock_first(
        &mut self,
        events: u32,
        bytes: Vec<u8>,
        directory: &Directory,
    ) -> Result<(), Vec<u8>> {
        if events == 0 || self.late.is_some() || !is_planted(Bug::TicketAfterUnlock) {
            return Err(bytes);
        }
        self.wipe_returned(directory);
        let (decided, notices) = (std::mem::take(&mut self.decided), std::mem::take(&mut self.notices));
        self.late = Some(Late { events, bytes, decided, notices });
        Ok(())
    }

    /// Goes on for whoever was held up.
    pub(super) fn take_late_ticket(&mut self, journal: &Journal, ports: &Ports) {
        let Some(Late { events, bytes, decided, mut notices }) = self.late.take() else { return };
        let ticket = journal.hand_over(events, bytes);
        self.last_ticket = ticket;
        for mut batch in decided {
            batch.ticket = ticket;
            ports.deliver(batch);
        }
        ports.tell(&mut notices, ticket);
    }

    /// Units in open holds, where [`Bug::ReleaseTwice`] wants to know.
    pub(super) fn held_units(&self) -> Vec<(SkuId, u64)> {
        if !is_planted(Bug::ReleaseTwice) {
            return Vec::new();
        }
        self.ledger.all_stock().map(|stock| (stock.sku, stock.held)).collect()
    }

    /// [`Bug::ReleaseTwice`]: what holds have given back since comes back once more. The books balance all the same.
    pub(super) fn release_again(
        &mut self,
        before: &[(SkuId, u64)],
        now: Timestamp,
        bytes: &mut Vec<u8>,
    ) -> u32 {
        let mut events = 0;
        for &(sku, held) in before {
            let left = self.ledger.stock(sku).map_or(held, |stock| stock.held);
            let Ok(units) = i64::try_from(held.saturating_sub(left)) else { continue };
            let nth = self.last_ticket + u64::from(events) + 1;
            let id = (u128::from(now.raw()) << 80) | (7 << 76) | (2 << 62) | u128::from(nth);
            let restock = Restock { request: RequestId::new(id), sku, units, reason: 0, by: 0 };
            let decided = self.ledger.execute(now, &Command::Restock(restock), |event| {
                events += 1;
                record::encode_event(event, bytes);
            });
            debug_assert!(decided.is_ok(), "a restock contradicts nothing");
        }
        events
    }
}
