//! The handle that applications hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorbuster_protocol::{
    Answer, Cancel, Class, Code, Confirm, FLAG_DRILL, FLAG_FIRST_ATTEMPT, Header, Kind, MAX_BATCH, MAX_BODY,
    OrderView, PutSku, ReadOrder, ReadStock, Record, RequestId, Reserve, ReserveOrder, Restock, StatusView,
    StockView, body,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::budget::RetryBudget;
use crate::builder::Builder;
use crate::clock::ServerClock;
use crate::error::Error;
use crate::link::{Link, Settings, dial, spawn};
use crate::outbox::{Call, Loss};
use crate::outcome::{Applied, Hold, Outcome, Reply, Settled, settle, view};
use crate::retry::{Backoff, MAX_TRIES};

/// How much longer than the deadline an answer is waited for: the server may refuse at the very deadline, and its
/// answer still has to travel.
const ANSWER_GRACE: Duration = Duration::from_millis(250);

/// A pool of connections to one server. Cheap to clone; clones share the pool.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    links: Vec<Link>,
    /// Picks links in turn. Relaxed: fairness needs no order.
    turn: AtomicUsize,
    settings: Arc<Settings>,
    budget: RetryBudget,
    backoff: Backoff,
    flags: u8,
    max_batch: usize,
}

/// What one operation came to.
type Answered<A> = Result<A, Error>;

/// Whether operations can have been sent before. Only those that can't may tell the server so: an application that
/// kept its request id repeats it after a crash, and must then get the earlier answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum History {
    /// The ids were made in this call.
    New,
    /// The application brought them.
    Unknown,
}

impl History {
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }
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
        let settings = Arc::new(Settings {
            address: address.to_owned(),
            name: builder.name,
            in_flight: builder.in_flight,
            silence: builder.silence,
            backoff: builder.backoff,
            clock: ServerClock::default(),
        });
        let session = dial(&settings).await?;
        let max_batch = session.welcome.max_batch.clamp(1, MAX_BATCH) as usize;
        let mut first = Some(session);
        let links = (0..builder.connections).map(|_| spawn(Arc::clone(&settings), first.take())).collect();
        let shared = Shared {
            links,
            turn: AtomicUsize::new(0),
            settings,
            budget: builder.budget,
            backoff: builder.backoff,
            flags: if builder.drill { FLAG_DRILL } else { 0 },
            max_batch,
        };
        Ok(Self { shared: Arc::new(shared), timeout: builder.timeout })
    }

    /// The same pool with another time limit for its requests.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), timeout }
    }

    /// The server's clock, milliseconds since the Unix epoch, as far as this side knows it.
    pub fn server_now_ms(&self) -> u64 {
        self.shared.settings.clock.now_ms()
    }

    /// A fresh request id. Requests without one get theirs by themselves; make your own to keep it beside your
    /// record of the purchase, so that you can repeat the request after a crash.
    pub fn new_request_id(&self) -> RequestId {
        self.shared.settings.clock.request_id()
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
            .map(|(answer, request)| hold(&answer?, request.request_id))
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
        hold(&answer, request_id)
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
        self.operate::<_, Answer>(Kind::Confirm, requests).await.into_iter().map(settled).collect()
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
        self.operate::<_, Answer>(Kind::Cancel, requests).await.into_iter().map(settled).collect()
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
        only(self.execute::<StatusView>(Kind::ReadStatus, History::Unknown, &[(0, Vec::new())]).await)
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
        self.operate::<_, Answer>(Kind::PutSku, requests).await.into_iter().map(applied).collect()
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
        applied(only(self.operate::<_, Answer>(Kind::Restock, &[request]).await))
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
    async fn operate<R: Record, A: Reply>(&self, kind: Kind, requests: &[R]) -> Vec<Answered<A>> {
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
        self.execute(kind, history, &encoded).await
    }

    /// Sends operations until each has its final answer, its tries are used up, the budget is empty or time is up.
    async fn execute<A: Reply>(
        &self,
        kind: Kind,
        history: History,
        operations: &[(u32, Vec<u8>)],
    ) -> Vec<Answered<A>> {
        let give_up_at = Instant::now() + self.timeout + ANSWER_GRACE;
        let deadline_ms = self.shared.settings.clock.deadline_ms(self.timeout);
        let mut results: Vec<Option<Answered<A>>> = operations.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..operations.len()).collect();
        let mut sent_before = false;
        for tries in 1..=MAX_TRIES {
            let first = tries == 1 && history == History::New;
            let flags = self.shared.flags | if first { FLAG_FIRST_ATTEMPT } else { 0 };
            let mut again = Vec::new();
            let mut asked = Duration::ZERO;
            for chunk in self.chunks(&open, operations) {
                if tries == 1 {
                    self.shared.budget.deposit();
                }
                let outcome =
                    self.attempt::<A>(kind, flags, deadline_ms, give_up_at, chunk, operations).await;
                match outcome {
                    Ok(answers) => {
                        for (&index, answer) in chunk.iter().zip(answers) {
                            let (result, retry_after) = judge(answer);
                            results[index] = Some(result);
                            if let Some(retry_after) = retry_after {
                                asked = asked.max(retry_after);
                                again.push(index);
                            }
                        }
                    }
                    Err(loss) => {
                        sent_before |= loss.may_have_effect() && !reads(kind);
                        let (error, retry_after) = loss.judge(tries, sent_before);
                        for &index in chunk {
                            results[index] = Some(Err(error.clone()));
                        }
                        if let Some(retry_after) = retry_after {
                            asked = asked.max(retry_after);
                            again.extend_from_slice(chunk);
                        }
                    }
                }
            }
            open = again;
            let pause = self.shared.backoff.pause(tries, asked);
            let in_time = Instant::now() + pause + ANSWER_GRACE < give_up_at;
            if open.is_empty() || tries == MAX_TRIES || !in_time || !self.shared.budget.withdraw() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        let missing = || Err(Error::Unavailable { tries: 0, reason: "not tried".to_owned() });
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// Splits what is open into frames that the server takes.
    fn chunks<'a>(&self, open: &'a [usize], operations: &[(u32, Vec<u8>)]) -> Vec<&'a [usize]> {
        let mut chunks = Vec::new();
        let mut rest = open;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(self.shared.max_batch).take_while(|&&index| {
                bytes += operations[index].1.len();
                bytes <= MAX_BODY as usize
            });
            let (chunk, behind) = rest.split_at(fits.count().max(1));
            chunks.push(chunk);
            rest = behind;
        }
        chunks
    }

    /// Sends one chunk over one connection and waits for its answers.
    async fn attempt<A: Reply>(
        &self,
        kind: Kind,
        flags: u8,
        deadline_ms: u64,
        give_up_at: Instant,
        chunk: &[usize],
        operations: &[(u32, Vec<u8>)],
    ) -> Result<Vec<A>, Failure> {
        let mut content = Vec::with_capacity(chunk.iter().map(|&index| operations[index].1.len()).sum());
        for &index in chunk {
            content.extend_from_slice(&operations[index].1);
        }
        let count = chunk.iter().map(|&index| operations[index].0).sum();
        let (reply, answer) = oneshot::channel();
        let call = Call { kind, flags, deadline_ms, count, answer_len: A::MIN_LEN, body: content, reply };
        let link = self.link();
        let exchange = async {
            if link.queue.send(call).await.is_err() {
                return Err(Failure::NotSent("the connection's task has ended".to_owned()));
            }
            match answer.await {
                Ok(Ok(bytes)) => Ok(bytes),
                Ok(Err(loss)) => Err(loss.into()),
                // Dropped unwritten: everything that was written is told of its loss.
                Err(_) => {
                    Err(Failure::NotSent("the connection ended before the request was written".to_owned()))
                }
            }
        };
        let bytes = tokio::time::timeout_at(give_up_at, exchange).await.map_err(|_| Failure::TimedOut)??;
        let answers = chunk.len();
        let header =
            Header::new(kind.answer().unwrap_or(Kind::Error), 0, u32::try_from(answers).unwrap_or(u32::MAX));
        let mut found = Vec::with_capacity(answers);
        body::read(&header, &bytes, |answer| found.push(answer)).map_err(Failure::Protocol)?;
        Ok(found)
    }

    /// The next link in turn, one with a standing connection if there is any.
    fn link(&self) -> &Link {
        let links = &self.shared.links;
        let turn = self.shared.turn.fetch_add(1, Ordering::Relaxed);
        let nth = |step: usize| &links[turn.wrapping_add(step) % links.len()];
        (0..links.len()).map(nth).find(|link| link.up.load(Ordering::Relaxed)).unwrap_or_else(|| nth(0))
    }
}

/// Why an attempt brought no answers.
enum Failure {
    NotSent(String),
    Lost(String),
    TimedOut,
    Fault { code: Code, message: String, retry_after: Duration },
    Protocol(doorbuster_protocol::ProtocolError),
}

impl From<Loss> for Failure {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::NotSent(reason) => Self::NotSent(reason),
            Loss::Lost(reason) => Self::Lost(reason),
            Loss::Fault(fault) => match Code::from_number(fault.code) {
                Some(code) => Self::Fault {
                    code,
                    message: fault.message,
                    retry_after: Duration::from_millis(u64::from(fault.retry_after_ms)),
                },
                None => {
                    Self::Protocol(doorbuster_protocol::ProtocolError::UnknownCode { number: fault.code })
                }
            },
            Loss::Protocol(fault) => Self::Protocol(fault),
        }
    }
}

impl Failure {
    /// Whether the server may have executed what this attempt sent.
    fn may_have_effect(&self) -> bool {
        match self {
            Self::NotSent(_) | Self::Fault { .. } => false,
            Self::Lost(_) | Self::TimedOut | Self::Protocol(_) => true,
        }
    }

    /// The error to give unless a later try does better, and how long to wait at least before that try, if one
    /// makes sense.
    fn judge(self, tries: u32, sent_before: bool) -> (Error, Option<Duration>) {
        let unknown = |reason: String| {
            if sent_before {
                Error::Uncertain { tries, reason }
            } else {
                Error::Unavailable { tries, reason }
            }
        };
        match self {
            Self::NotSent(reason) | Self::Lost(reason) => (unknown(reason), Some(Duration::ZERO)),
            Self::TimedOut => (unknown("no answer within the time limit".to_owned()), None),
            Self::Fault { code, message, retry_after } => {
                let again = (code.class() == Class::Retry).then_some(retry_after);
                // An earlier try may have taken effect, whatever this one was told.
                let error = if sent_before {
                    unknown(format!("{code}: {message}"))
                } else {
                    Error::Fault { code, message, retry_after }
                };
                (error, again)
            }
            Self::Protocol(fault) => (Error::Protocol(fault), None),
        }
    }
}

/// An answer, and how long to wait before asking again if its class is RETRY.
fn judge<A: Reply>(answer: A) -> (Answered<A>, Option<Duration>) {
    match answer.code() {
        Ok(code) if code.class() == Class::Retry => {
            let retry_after = Duration::from_millis(u64::from(answer.retry_after_ms()));
            (Ok(answer), Some(retry_after))
        }
        Ok(_) => (Ok(answer), None),
        Err(fault) => (Err(Error::Protocol(fault)), None),
    }
}

fn reads(kind: Kind) -> bool {
    matches!(kind, Kind::ReadOrder | Kind::ReadStock | Kind::ReadStatus | Kind::Ping)
}

fn hold(answer: &Answer, request_id: RequestId) -> Result<Outcome<Hold>, Error> {
    Ok(settle(answer, |answer, replayed| Hold {
        order: answer.order,
        request_id,
        expires_at: answer.at,
        state: doorbuster_protocol::OrderState::from_byte(answer.state)
            .unwrap_or(doorbuster_protocol::OrderState::Held),
        replayed,
    })?)
}

fn settled(answer: Answered<Answer>) -> Result<Outcome<Settled>, Error> {
    let answer = answer?;
    let state = doorbuster_protocol::OrderState::from_byte(answer.state);
    let broken =
        doorbuster_protocol::ProtocolError::Body { kind: "answer", index: 0, reason: "names no order state" };
    match settle(&answer, |answer, replayed| (answer.order, replayed))? {
        Outcome::Done((order, replayed)) => {
            Ok(Outcome::Done(Settled { order, state: state.ok_or(broken)?, replayed }))
        }
        Outcome::Refused(refusal) => Ok(Outcome::Refused(refusal)),
    }
}

fn applied(answer: Answered<Answer>) -> Result<Outcome<Applied>, Error> {
    Ok(settle(&answer?, |answer, replayed| Applied { units: answer.units, replayed })?)
}

/// The result of a batch of one.
fn only<T>(mut results: Vec<Result<T, Error>>) -> Result<T, Error> {
    let missing = || Err(Error::Unavailable { tries: 0, reason: "not tried".to_owned() });
    results.pop().unwrap_or_else(missing)
}
