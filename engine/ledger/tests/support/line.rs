//! Who waits for units, and who gets them.

use doorbuster_ledger::*;

use super::reserve::one_line;
use super::{Content, Model, ModelOrder};

impl Model {
    /// `enough` says why he gets nothing at once.
    pub(super) fn wait(&mut self, now: u64, reserve: &Reserve, enough: Refusal) -> Outcome {
        let refuse = |refusal| Outcome::Refused(refusal);
        if reserve.wait_ms == 0 {
            return refuse(enough);
        }
        if reserve.wait_ms > self.rules.max_wait_ms {
            return refuse(Refusal::Invalid { field: Field::WaitMs });
        }
        let line = self.line(reserve.sku);
        if let Some(order) = line.iter().find(|(_, sale)| sale.user == reserve.user) {
            return refuse(Refusal::AlreadyWaiting { order: order.0 });
        }
        let ahead = u32::try_from(line.len()).expect("few");
        if ahead >= self.rules.max_waiting {
            return refuse(Refusal::WaitlistFull);
        }
        let order = self.next_number(reserve.sku, false);
        let wait = u64::from(reserve.wait_ms);
        self.orders.push(ModelOrder::new(
            order,
            Content::Sale(*reserve, vec![one_line(reserve)]),
            OrderState::Waiting,
            now,
            wait,
        ));
        Outcome::Waitlisted { order, deadline: Timestamp::new(now + wait), ahead }
    }

    /// Who waits for a SKU, by arrival.
    pub(super) fn line(&self, sku: SkuId) -> Vec<(OrderNumber, Reserve)> {
        let waiting = self.orders.iter().filter(|order| order.state == OrderState::Waiting);
        let mut line: Vec<_> = waiting
            .filter_map(|order| match &order.content {
                Content::Sale(sale, _) if sale.sku == sku => Some((order.number, *sale)),
                _ => None,
            })
            .collect();
        line.sort_by_key(|(number, _)| *number);
        line
    }

    /// The first who waits for a SKU and may have its free units now.
    pub(super) fn next_in_line(&self, now: u64, sku: SkuId) -> Option<OrderNumber> {
        let fits = |(number, sale): &(OrderNumber, Reserve)| {
            let order = self.orders.iter().find(|order| order.number == *number).expect("known");
            let quantity = sale.quantity.units();
            now < order.deadline
                && self.enough(now, (sku, sale.channel), (quantity, self.available(sku)), None).is_ok()
                && self.may_have_more(now, (sku, sale.channel), sale.user, (quantity, quantity))
        };
        self.line(sku).iter().find(|waiting| fits(waiting)).map(|(number, _)| *number)
    }

    /// Nobody waits for units that are free for him.
    pub(crate) fn settled(&self, now: u64) {
        self.phases_are_noted(now);
        for sku in &self.skus {
            let next = self.next_in_line(now, sku.put.sku);
            assert_eq!(next, None, "somebody waits for free units of {:?}", sku.put.sku);
        }
    }

    /// An offer must go to the first whom the units fit.
    pub(crate) fn offered(&mut self, now: u64, event: &Event) {
        let Event::Offered { number, deadline, at } = event else { panic!("{event:?} is no offer") };
        let sku = self.orders.iter().find(|order| order.number == *number).map(|order| order.content.clone());
        let Some(Content::Sale(sale, _)) = sku else { panic!("{number:?} is no sale") };
        assert_eq!(self.next_in_line(now, sale.sku), Some(*number), "somebody was overtaken");
        assert_eq!((at.raw(), deadline.raw()), (now, now + u64::from(self.rules.offer_ms)));
        let order = self.orders.iter_mut().find(|order| order.number == *number).expect("known");
        (order.state, order.deadline) = (OrderState::Held, deadline.raw());
    }
}
