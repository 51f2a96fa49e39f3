//! Paid orders and goods.

use doorbuster_protocol::{
    Advance, Answer, GoodsView, Inspect, Kind, ProgressView, ReadGoods, ReadOrder, ReadProgress,
    ReadShortfall, Refund, SetOnHand, ShortOrder, ShortfallView,
};

use crate::client::{Client, only};
use crate::error::Error;
use crate::outcome::{Applied, Outcome, Reply, applied, view, with_state};
use doorbuster_protocol::OrderState;

/// A paid order that took a step, or of which money went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advanced {
    /// The order's number.
    pub order: u64,
    /// The order's state now.
    pub state: OrderState,
    /// Units that took the step with this request; of a refund, what is left of the payment, minor units.
    pub units: u64,
    /// Nothing had to be changed: the same was said before, or more.
    pub replayed: bool,
}

impl Reply for ProgressView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for GoodsView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for ShortfallView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

fn advanced(answer: &Answer) -> Result<Outcome<Advanced>, Error> {
    let (order, units) = (answer.order, answer.units);
    Ok(with_state(answer, |state, replayed| Advanced { order, state, units, replayed })?)
}

impl Client {
    /// Takes a paid order a step further. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn advance(&self, request: &Advance) -> Result<Outcome<Advanced>, Error> {
        let answers = self.operate::<_, Answer>(Kind::Advance, std::slice::from_ref(request)).await;
        advanced(&only(answers)?)
    }

    /// Notes that money of a payment went back. Repeating it with the same refund id is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn refund(&self, request: &Refund) -> Result<Outcome<Advanced>, Error> {
        let answers = self.operate::<_, Answer>(Kind::Refund, std::slice::from_ref(request)).await;
        advanced(&only(answers)?)
    }

    /// Says how many units of a SKU were counted; the result's units are missing. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn set_on_hand(&self, request: &SetOnHand) -> Result<Outcome<Applied>, Error> {
        only(self.set_on_hand_batch(std::slice::from_ref(request)).await)
    }

    /// As [`set_on_hand`](Self::set_on_hand), of many SKUs; one result each, in order.
    pub async fn set_on_hand_batch(&self, requests: &[SetOnHand]) -> Vec<Result<Outcome<Applied>, Error>> {
        let answers = self.operate::<_, Answer>(Kind::SetOnHand, requests).await;
        answers.into_iter().map(|answer| Ok(applied(&answer?)?)).collect()
    }

    /// Moves units out of quarantine; the result's units are left there. A repeat of one that took effect is `CAS_MISMATCH`.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn inspect(&self, request: &Inspect) -> Result<Outcome<Applied>, Error> {
        let answers = self.operate::<_, Answer>(Kind::Inspect, std::slice::from_ref(request)).await;
        Ok(applied(&only(answers)?)?)
    }

    /// Reads what became of a paid order, line by line and by SKU.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_progress(&self, request: &ReadOrder) -> Result<Outcome<Vec<ProgressView>>, Error> {
        let lines = match self.read_order(request).await? {
            Outcome::Done(order) => order.lines.max(1),
            Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let line = |nth| ReadProgress { order: request.order, user: request.user, nth };
        let requests: Vec<_> = (0..lines).filter_map(|nth| nth.try_into().ok()).map(line).collect();
        let mut read = Vec::new();
        for answer in self.operate::<_, ProgressView>(Kind::ReadProgress, &requests).await {
            match view(answer?)? {
                Outcome::Done(line) => read.push(line),
                Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            }
        }
        Ok(Outcome::Done(read))
    }

    /// Reads where the goods of a SKU are.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_goods(&self, sku: u64) -> Result<Outcome<GoodsView>, Error> {
        let answers = self.operate::<_, GoodsView>(Kind::ReadGoods, &[ReadGoods { sku }]).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads a part of the list of paid orders whose units are missing.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_shortfall(&self, request: &ReadShortfall) -> Result<Outcome<ShortfallView>, Error> {
        let answers =
            self.operate::<_, ShortfallView>(Kind::ReadShortfall, std::slice::from_ref(request)).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads up to `most` paid orders of a SKU whose units are missing, in the order of their payment. They are named within
    /// some milliseconds after a count.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_short_orders(&self, sku: u64, most: usize) -> Result<Outcome<Vec<ShortOrder>>, Error> {
        let mut orders: Vec<ShortOrder> = Vec::new();
        loop {
            let (paid_at, order) = orders.last().map_or((0, 0), |last| (last.paid_at, last.order));
            let page = match self.read_shortfall(&ReadShortfall { sku, paid_at, order }).await? {
                Outcome::Done(page) => page,
                Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            let count = usize::from(page.count).min(page.orders.len());
            orders.extend(page.orders.iter().take(count));
            if count < page.orders.len() || orders.len() >= most {
                orders.truncate(most);
                return Ok(Outcome::Done(orders));
            }
        }
    }
}
