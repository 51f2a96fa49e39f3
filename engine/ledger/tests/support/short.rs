//! Units that aren't there, and the orders that this hits.

use doorbuster_ledger::*;

use super::after::ModelLine;
use super::{Content, Model, ModelOrder};

impl Model {
    /// Missing units take the place of free ones, and those whom the rest hits are named. `paid`: the order that was just paid,
    /// which is hit before any other.
    pub(crate) fn settle_short(&mut self, paid: Option<OrderNumber>) {
        let skus: Vec<SkuId> = self.skus.iter().map(|known| known.put.sku).collect();
        for sku in skus {
            let available = self.available(sku);
            let known = self.sku_mut(sku);
            let lost = available.min(known.goods.short);
            known.goods.short -= lost;
            known.stocked -= i128::from(lost);
            let wanted = self.goods(sku).short.saturating_sub(self.held(sku));
            let mut first = paid;
            loop {
                let named: u64 = self
                    .hit(sku)
                    .iter()
                    .map(|(at, nth)| u64::from(self.orders[*at].after.lines[*nth].short))
                    .sum();
                match named.cmp(&wanted) {
                    std::cmp::Ordering::Greater => {
                        let (at, nth) = self.hit(sku)[0];
                        self.orders[at].after.lines[nth].short -= 1;
                    }
                    std::cmp::Ordering::Less => {
                        let may = self.may_be_hit(sku);
                        let latest =
                            may.iter().find(|(at, _)| Some(self.orders[*at].number) == first).or(may.last());
                        let Some(&(at, nth)) = latest else { break };
                        let order = &mut self.orders[at];
                        order.after.lines.resize(order.lines.len(), ModelLine::default());
                        order.after.lines[nth].short += 1;
                        order.after.under_way = true;
                        if Some(order.number) == first
                            && order.after.lines[nth].short == order.lines[nth].units
                        {
                            first = None;
                        }
                    }
                    std::cmp::Ordering::Equal => break,
                }
            }
        }
    }

    /// Lines of orders that are hit, by payment.
    fn hit(&self, sku: SkuId) -> Vec<(usize, usize)> {
        self.paid_lines(sku, |order, nth| order.after.lines.get(nth).is_some_and(|line| line.short > 0))
    }

    fn may_be_hit(&self, sku: SkuId) -> Vec<(usize, usize)> {
        self.paid_lines(sku, |order, nth| {
            order.open(nth) > order.after.lines.get(nth).map_or(0, |line| line.short)
        })
    }

    fn paid_lines(&self, sku: SkuId, wanted: impl Fn(&ModelOrder, usize) -> bool) -> Vec<(usize, usize)> {
        let paid = self.orders.iter().enumerate().filter(|(_, order)| {
            order.state == OrderState::Confirmed && matches!(order.content, Content::Sale(..))
        });
        let mut found: Vec<_> = paid
            .flat_map(|(at, order)| {
                let lines = order
                    .lines
                    .iter()
                    .enumerate()
                    .filter(|(nth, line)| line.sku == sku && wanted(order, *nth));
                lines.map(move |(nth, _)| ((order.ended_at, order.number), (at, nth)))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, place)| place).collect()
    }
}
