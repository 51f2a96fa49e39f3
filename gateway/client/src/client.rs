//! The handle that applications hold.

use std::sync::Arc;
use std::time::Duration;

use doorbuster_protocol::{
    Answer, BeginPay, Cancel, CancelLines, ChannelView, Confirm, ConfirmLines, Extend, FailPay, Fetch,
    Fetched, Kind, LineView, OrderView, PutSku, ReadChannel, ReadLine, ReadOrder, ReadStock, Rebalance,
    Record, RequestId, Reserve, ReserveClaims, ReserveDiscounted, ReserveOrder, Restock, SetChannel,
    StatusView, StockView, body,
};

use crate::builder::Builder;
use crate::error::Error;
use crate::feed::Feed;
use crate::outcome::{Applied, Hold, Kept, Outcome, Reply, Settled, applied, hold, kept, settled, view};
use crate::pool::{Answered, History, Pool};
use crate::pushes::PushBoard;

/// A pool of connections to one server. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Arc<Pool>,
    timeout: Duration,
}

impl Client {
    /// Connects with default settings.
    ///
    /// # Errors
    /// As [`Builder::connect`].
    pub async fn connect(address: &str) -> Result<Self, Error> {
        Self::builder().connect(address).await
    }

    /// Settings to change before connecting.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(builder: Builder, address: &str) -> Result<Self, Error> {
        let timeout = builder.timeout;
        let pool = Pool::start(builder, address).await?;
        Ok(Self { pool: Arc::new(pool), timeout })
    }

    /// The same pool with another time limit for its requests.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { pool: Arc::clone(&self.pool), timeout }
    }

    pub(crate) fn push_board(&self) -> &PushBoard {
        self.pool.push_board()
    }

    /// The server's clock, milliseconds since the Unix epoch, as far as this side knows it.
    pub fn server_now_ms(&self) -> u64 {
        self.pool.clock().now_ms()
    }

    /// A fresh request id. Requests without one get theirs by themselves; make your own to keep it beside your
    /// record of the purchase, so that you can repeat the request after a crash.
    pub fn new_request_id(&self) -> RequestId {
        self.pool.clock().request_id()
    }

    /// Holds units of one SKU for a shopper.
    ///
    /// # Errors
    /// [`Error::Uncertain`] if it was sent and no answer came; see [`Error`] for the others.
    pub async fn reserve(&self, request: &Reserve) -> Result<Outcome<Hold>, Error> {
        only(self.reserve_batch(std::slice::from_ref(request)).await)
    }

    /// Holds units for many shoppers at once; one result each, in order. One may be refused and the next succeed.
    pub async fn reserve_batch(&self, requests: &[Reserve]) -> Vec<Result<Outcome<Hold>, Error>> {
        let mut requests = requests.to_vec();
        let mut history = History::New;
        for request in &mut requests {
            history = history.and(self.name(&mut request.request_id));
        }
        let answers = self.operate_with::<_, Answer>(Kind::Reserve, history, &requests).await;
        answers
            .into_iter()
            .zip(&requests)
            .map(|(answer, request)| Ok(hold(&answer?, request.request_id)?))
            .collect()
    }

    /// Holds all lines of an order or none.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn reserve_order(&self, request: &ReserveOrder) -> Result<Outcome<Hold>, Error> {
        let mut request = request.clone();
        let history = self.name(&mut request.request_id);
        let request_id = request.request_id;
        let answer = only(self.operate_with::<_, Answer>(Kind::ReserveOrder, history, &[request]).await)?;
        Ok(hold(&answer, request_id)?)
    }

    /// Holds all lines of an order or none, together with the discount and the coupon that it claims. One plain line with a discount
    /// is sent in a shorter form.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn reserve_claims(&self, request: &ReserveClaims) -> Result<Outcome<Hold>, Error> {
        let mut request = request.clone();
        let history = self.name(&mut request.order.request_id);
        let request_id = request.order.request_id;
        let answers = match ReserveDiscounted::of(&request) {
            Some(short) => self.operate_with::<_, Answer>(Kind::ReserveDiscounted, history, &[short]).await,
            None => self.operate_with(Kind::ReserveClaims, history, &[request]).await,
        };
        let answer = only(answers)?;
        Ok(hold(&answer, request_id)?)
    }

    /// Pays a hold. Repeating it with the same payment id is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn confirm(&self, request: &Confirm) -> Result<Outcome<Settled>, Error> {
        only(self.confirm_batch(std::slice::from_ref(request)).await)
    }

    /// Pays many holds; one result each, in order.
    pub async fn confirm_batch(&self, requests: &[Confirm]) -> Vec<Result<Outcome<Settled>, Error>> {
        self.operate::<_, Answer>(Kind::Confirm, requests)
            .await
            .into_iter()
            .map(|answer| Ok(settled(&answer?)?))
            .collect()
    }

    /// Gives a hold's units back. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn cancel(&self, request: &Cancel) -> Result<Outcome<Settled>, Error> {
        only(self.cancel_batch(std::slice::from_ref(request)).await)
    }

    /// Gives many holds' units back; one result each, in order.
    pub async fn cancel_batch(&self, requests: &[Cancel]) -> Vec<Result<Outcome<Settled>, Error>> {
        self.operate::<_, Answer>(Kind::Cancel, requests)
            .await
            .into_iter()
            .map(|answer| Ok(settled(&answer?)?))
            .collect()
    }

    /// Pays a part of a hold and gives the rest back. Repeating it with the same payment id is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn confirm_lines(&self, request: &ConfirmLines) -> Result<Outcome<Settled>, Error> {
        let answers = self.operate::<_, Answer>(Kind::ConfirmLines, std::slice::from_ref(request)).await;
        Ok(settled(&only(answers)?)?)
    }

    /// Gives a part of a hold back. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn cancel_lines(&self, request: &CancelLines) -> Result<Outcome<Kept>, Error> {
        self.keep(Kind::CancelLines, request).await
    }

    /// Keeps a hold while its shopper pays. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn begin_pay(&self, request: &BeginPay) -> Result<Outcome<Kept>, Error> {
        self.keep(Kind::BeginPay, request).await
    }

    /// Says that the payment which had begun came to nothing. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn fail_pay(&self, request: &FailPay) -> Result<Outcome<Kept>, Error> {
        self.keep(Kind::FailPay, request).await
    }

    /// Keeps a hold until a later time. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn extend(&self, request: &Extend) -> Result<Outcome<Kept>, Error> {
        self.keep(Kind::Extend, request).await
    }

    /// Reads an order.
    ///
    /// # Errors
    /// See [`Error`]; a read is never [`Error::Uncertain`].
    pub async fn read_order(&self, request: &ReadOrder) -> Result<Outcome<OrderView>, Error> {
        only(self.read_order_batch(std::slice::from_ref(request)).await)
    }

    /// Reads many orders; one result each, in order.
    pub async fn read_order_batch(&self, requests: &[ReadOrder]) -> Vec<Result<Outcome<OrderView>, Error>> {
        let answers = self.operate::<_, OrderView>(Kind::ReadOrder, requests).await;
        answers.into_iter().map(|answer| Ok(view(answer?)?)).collect()
    }

    /// Reads the lines of an order, by SKU.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_lines(&self, request: &ReadOrder) -> Result<Outcome<Vec<LineView>>, Error> {
        let lines = match self.read_order(request).await? {
            Outcome::Done(order) => order.lines.max(1),
            Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
        };
        let line = |nth| ReadLine { order: request.order, user: request.user, nth };
        let requests: Vec<_> = (0..lines).filter_map(|nth| nth.try_into().ok()).map(line).collect();
        let mut read = Vec::new();
        for answer in self.operate::<_, LineView>(Kind::ReadLine, &requests).await {
            match view(answer?)? {
                Outcome::Done(line) => read.push(line),
                Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            }
        }
        Ok(Outcome::Done(read))
    }

    /// Reads a SKU's accounts.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_stock(&self, sku: u64) -> Result<Outcome<StockView>, Error> {
        only(self.read_stock_batch(&[ReadStock { sku }]).await)
    }

    /// Reads many SKUs' accounts; one result each, in order.
    pub async fn read_stock_batch(&self, requests: &[ReadStock]) -> Vec<Result<Outcome<StockView>, Error>> {
        let answers = self.operate::<_, StockView>(Kind::ReadStock, requests).await;
        answers.into_iter().map(|answer| Ok(view(answer?)?)).collect()
    }

    /// Reads the server's totals.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn status(&self) -> Result<StatusView, Error> {
        only(
            self.pool
                .execute::<StatusView>(self.timeout, Kind::ReadStatus, History::Unknown, &[(0, Vec::new())])
                .await,
        )
    }

    /// What happened, from a log position on: 0 for everything, else what an earlier feed's
    /// [`position`](Feed::position) was. Asks for nothing yet.
    pub fn feed(&self, from: u64) -> Feed {
        Feed::new(self.clone(), from)
    }

    /// Asks once for events of the feed; waits as long as the request says, and as long again as for any answer.
    pub(crate) async fn fetch(&self, ask: &Fetch) -> Result<Fetched, Error> {
        ask.validate().map_err(Error::Invalid)?;
        let mut bytes = Vec::with_capacity(Fetch::MIN_LEN);
        body::put(ask, &mut bytes);
        let timeout = self.timeout + Duration::from_millis(u64::from(ask.wait_ms));
        only(self.pool.execute(timeout, Kind::Fetch, History::Unknown, &[(1, bytes)]).await)
    }

    /// Sets a SKU up with its first stock. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn put_sku(&self, request: &PutSku) -> Result<Outcome<Applied>, Error> {
        only(self.put_skus(std::slice::from_ref(request)).await)
    }

    /// Sets many SKUs up; one result each, in order.
    pub async fn put_skus(&self, requests: &[PutSku]) -> Vec<Result<Outcome<Applied>, Error>> {
        self.apply(Kind::PutSku, requests).await
    }

    /// Changes of stock and the like; one result each, in order.
    pub(crate) async fn apply<R: Record>(
        &self,
        kind: Kind,
        requests: &[R],
    ) -> Vec<Result<Outcome<Applied>, Error>> {
        let answers = self.operate::<_, Answer>(kind, requests).await;
        answers.into_iter().map(|answer| Ok(applied(&answer?)?)).collect()
    }

    /// Adds units to a SKU, or withdraws available ones.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn restock(&self, request: &Restock) -> Result<Outcome<Applied>, Error> {
        let mut request = *request;
        if request.request_id == RequestId::default() {
            request.request_id = self.new_request_id();
        }
        Ok(applied(&only(self.operate::<_, Answer>(Kind::Restock, &[request]).await)?)?)
    }

    /// Says what a sales channel may have of a SKU. Repeating it is safe.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn set_channel(&self, request: &SetChannel) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::SetChannel, std::slice::from_ref(request)).await)
    }

    /// Moves a part of one channel's guarantee to another. A repeat of one that took effect is `CAS_MISMATCH`.
    ///
    /// # Errors
    /// As [`Client::reserve`].
    pub async fn rebalance(&self, request: &Rebalance) -> Result<Outcome<Applied>, Error> {
        only(self.apply(Kind::Rebalance, std::slice::from_ref(request)).await)
    }

    /// Reads what a sales channel may have of a SKU, and has.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_channel(&self, sku: u64, channel: u16) -> Result<Outcome<ChannelView>, Error> {
        let answers =
            self.operate::<_, ChannelView>(Kind::ReadChannel, &[ReadChannel { sku, channel }]).await;
        Ok(view(only(answers)?)?)
    }

    /// Gives a request an id if it has none, and says whether it can have been sent before.
    fn name(&self, request_id: &mut RequestId) -> History {
        if *request_id == RequestId::default() {
            *request_id = self.new_request_id();
            History::New
        } else {
            History::Unknown
        }
    }

    /// Encodes and executes; results in order.
    async fn keep<R: Record>(&self, kind: Kind, request: &R) -> Result<Outcome<Kept>, Error> {
        let answers = self.operate::<_, Answer>(kind, std::slice::from_ref(request)).await;
        Ok(kept(&only(answers)?)?)
    }

    pub(crate) async fn operate<R: Record, A: Reply>(&self, kind: Kind, requests: &[R]) -> Vec<Answered<A>> {
        self.operate_with(kind, History::Unknown, requests).await
    }

    async fn operate_with<R: Record, A: Reply>(
        &self,
        kind: Kind,
        history: History,
        requests: &[R],
    ) -> Vec<Answered<A>> {
        if let Some(reason) = requests.iter().find_map(|request| request.validate().err()) {
            return requests.iter().map(|_| Err(Error::Invalid(reason))).collect();
        }
        let encoded: Vec<(u32, Vec<u8>)> = requests
            .iter()
            .map(|request| {
                let mut bytes = Vec::with_capacity(R::MIN_LEN);
                body::put(request, &mut bytes);
                (1, bytes)
            })
            .collect();
        self.pool.execute(self.timeout, kind, history, &encoded).await
    }
}

/// The result of a batch of one.
pub(crate) fn only<T>(mut results: Vec<Result<T, Error>>) -> Result<T, Error> {
    let missing = || Err(Error::Unavailable { tries: 0, reason: "not tried".to_owned() });
    results.pop().unwrap_or_else(missing)
}
