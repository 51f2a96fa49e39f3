//! What was acknowledged, held against what the engine has after a crash.

use doorbuster_engine::shard::{Answer, Batch, Request, Slot, Work};
use doorbuster_ledger::*;

use super::{SKUS, World};

impl World {
    /// Holds what was acknowledged against what the engine has: nothing lost, nothing invented.
    pub(super) fn compare(&mut self) -> Result<(), String> {
        self.engine.check().map_err(|error| error.to_string())?;
        self.phases_are_known()?;
        let mut batch = Batch::default();
        for (&order, known) in &self.orders {
            let work = Work::Asked(Request::ReadOrder { order, user: known.user });
            batch.slots.push(Slot { token: order.raw(), deadline: Timestamp::default(), work });
        }
        let stocks = SKUS.into_iter().map(|sku| Slot {
            token: sku.raw(),
            deadline: Timestamp::default(),
            work: Work::Asked(Request::ReadStock { sku }),
        });
        let mut orders = Vec::new();
        for slot in batch.slots.drain(..).chain(stocks) {
            let partition = match slot.work {
                Work::Asked(Request::ReadOrder { order, .. }) => order.partition(),
                Work::Asked(Request::ReadStock { sku }) => PartitionId::of(sku),
                _ => unreachable!(),
            };
            let one = Batch { slots: vec![slot], ..Batch::default() };
            let shard = self.engine.shard_of(partition);
            self.engine.submit(shard, one).map_err(|_| "the inbox of an idle engine is full")?;
            self.engine.visit(shard, 0);
            let back = self.engine.take(0).ok_or("an idle engine doesn't answer")?;
            orders.extend(back.slots);
        }
        let now = self.engine.now().raw();
        for slot in orders {
            match slot.work {
                Work::Answered(Answer::Order(Ok(read))) => {
                    let known = self.orders.get_mut(&read.number).ok_or("an order was invented")?;
                    let paid = |state| matches!(state, OrderState::Confirmed | OrderState::After(_));
                    // An unanswered step may have taken further units.
                    let kept = known.cut || paid(read.state) || read.quantity == known.quantity;
                    if read.request != known.request || !kept {
                        return Err(format!("order {} changed its content", read.number.raw()));
                    }
                    if read.quantity + known.gone > known.quantity {
                        return Err(format!("order {} has units again that had gone", read.number.raw()));
                    }
                    if known.closed && read.state != OrderState::After(AfterState::Closed) {
                        return Err(format!("order {} is no longer closed", read.number.raw()));
                    }
                    let explained = read.state == known.state
                        || (paid(known.state) && paid(read.state))
                        || (known.state.is_open() && read.state == OrderState::Expired)
                        || known.state == OrderState::Waiting
                        || (known.state != OrderState::Confirmed && known.unsure);
                    if !explained {
                        return Err(format!(
                            "order {} was acknowledged as {:?} and is {:?}",
                            read.number.raw(),
                            known.state,
                            read.state
                        ));
                    }
                    if read.deadline.raw() < known.deadline {
                        return Err(format!("order {} lost time", read.number.raw()));
                    }
                    known.state = read.state;
                    known.unsure = false;
                }
                Work::Answered(Answer::Order(Err(refusal))) => {
                    // An ended order may have left memory, but not before its retention.
                    let number = OrderNumber::new(slot.token);
                    let known = self.orders.remove(&number).ok_or("an order was invented")?;
                    if known.deadline + 500 > now.saturating_sub(20_000)
                        && known.state != OrderState::Waiting
                        && known.state != OrderState::Cancelled
                        && !matches!(known.state, OrderState::Confirmed | OrderState::After(_))
                    {
                        return Err(format!("acknowledged order {} is gone: {refusal:?}", slot.token));
                    }
                    if known.deadline > now + 10_000 {
                        return Err(format!("acknowledged order {} is gone: {refusal:?}", slot.token));
                    }
                }
                Work::Answered(Answer::Stock(stock)) => {
                    if stock.is_none() && self.skus.contains(&SkuId::new(slot.token)) {
                        return Err(format!("acknowledged SKU {} is gone", slot.token));
                    }
                }
                other => return Err(format!("a read came back as {other:?}")),
            }
        }
        Ok(())
    }
}
