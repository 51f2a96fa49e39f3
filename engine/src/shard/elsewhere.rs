//! What a shard's ledger can't decide about alone.
//!
//! A discount is claimed from the slice of its budget that is in the order's partition. Where that has too little left, all
//! ledgers together know whether the budget has enough, so the command goes on to the desk. Its place in the batch stays empty;
//! the answer comes with a batch of its own.

use doorbuster_ledger::{Command, Composite, Line, Timestamp};

use super::batch::{Answer, Batch, Request, Slot, Work};
use crate::composite::Desk;

/// Commands of one batch on their way to the desk.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    slots: Vec<Slot>,
    lines: Vec<Line>,
}

impl Elsewhere {
    /// Takes a command over, with whom to answer and until when.
    #[cold]
    pub(super) fn add(&mut self, token: u64, deadline: Timestamp, command: &Command) {
        // A batch has at most MAX_SLOTS of them.
        let first = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        let (command, count) = match *command {
            Command::Reserve(reserve) => {
                let (location, pool) = (reserve.terms.location, reserve.terms.pool);
                let units = reserve.quantity.units();
                self.lines.push(Line { sku: reserve.sku, units, gifts: 0, location, pool });
                (Composite::Reserve { reserve, supersedes: None }, 1)
            }
            Command::Confirm(confirm) => (Composite::Confirm(confirm), 0),
            _ => {
                debug_assert!(false, "{command:?} claims nothing");
                return;
            }
        };
        let request = Request::Composite { command, first, count, coupon: None, recall: false };
        self.slots.push(Slot { token, deadline, work: Work::Asked(request) });
    }

    /// Hands on what was taken over of a batch. Where the desk has no room, its places in the batch get their answer now.
    #[inline]
    pub(super) fn hand_on(&mut self, batch: &mut Batch, desk: &Desk) {
        if !self.slots.is_empty() {
            self.hand_on_now(batch, desk);
        }
    }

    #[cold]
    fn hand_on_now(&mut self, batch: &mut Batch, desk: &Desk) {
        let Self { slots, lines } = std::mem::take(self);
        let rest = Batch { reactor: batch.reactor, slots, lines, rerouted: true, ..Batch::default() };
        if desk.push(rest).is_err() {
            for slot in &mut batch.slots {
                if matches!(slot.work, Work::Rerouted) {
                    slot.work = Work::Answered(Answer::Busy);
                }
            }
        }
    }
}
