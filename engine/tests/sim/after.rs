//! What the warehouse asks about paid orders, and the stockroom about goods.

use doorbuster_engine::clock::Clock;
use doorbuster_ledger::*;
use rand::RngExt;

use super::{Ask, World};

impl World {
    /// Something about a paid order, or about goods.
    pub(super) fn after(&mut self, sku: SkuId) -> Ask {
        let by = OperatorId::new(1);
        let command = match self.rng.random_range(0..12_u32) {
            0 => {
                let (on_hand, as_of) = (self.rng.random_range(0..12), self.clock.now());
                AfterCommand::Count(Count { sku, on_hand, as_of, expected: None, reason: 0, by })
            }
            1 => {
                let to = Disposition::Restock;
                AfterCommand::Inspect(Inspect { sku, units: 1, to, expected: 1, reason: 0, by })
            }
            _ if self.orders.is_empty() => return self.reserve(sku),
            pick => {
                let paid = |state| matches!(state, OrderState::Confirmed | OrderState::After(_));
                let few = self.orders.iter().rev().filter(|(_, known)| paid(known.state)).take(8);
                let few: Vec<_> = few.map(|(order, known)| (*order, known.user)).collect();
                if few.is_empty() {
                    return self.reserve(sku);
                }
                let (order, user) = few[self.rng.random_range(0..few.len())];
                if pick == 2 {
                    let (payment, amount) = (PaymentId::new(u128::from(order.raw())), Amount::new(1));
                    let refund = RefundId::new(1);
                    AfterCommand::Refund(Refund { order, user, payment, refund, amount, reason: 0, by })
                } else {
                    let step = [
                        Step::Ship,
                        Step::Ship,
                        Step::Deliver,
                        Step::Cancel,
                        Step::Return(Disposition::Restock),
                        Step::Return(Disposition::Quarantine),
                        Step::Return(Disposition::Scrap),
                        Step::Close,
                        Step::Fulfil,
                    ][(pick - 3) as usize];
                    let advance = Advance { order, user, step, reason: 0, by };
                    let whole = matches!(step, Step::Deliver | Step::Close | Step::Fulfil);
                    let some = !whole && !order.is_composite() && self.rng.random_bool(0.3);
                    let lines = if some { self.units() } else { Vec::new() };
                    return Ask::Several(Composite::After(AfterCommand::Advance(advance)), lines);
                }
            }
        };
        Ask::Several(Composite::After(command), Vec::new())
    }

    /// A step of a paid order was acknowledged: it must be there after any crash.
    pub(super) fn advanced(&mut self, advance: &Advance, state: OrderState, units: u32) {
        self.report.advanced += 1;
        let Some(known) = self.orders.get_mut(&advance.order) else { return };
        known.state = state;
        if matches!(advance.step, Step::Cancel | Step::Return(_)) {
            known.gone += units;
        }
        known.closed |= advance.step == Step::Close;
    }
}
