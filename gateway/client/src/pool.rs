//! The connections of a client, and what it does to get an answer over them.
//!
//! An operation is tried until it has its final answer, its tries are used up, the budget for retries is empty, or its
//! time is over. What is answered leaves the batch; the rest is tried again together, over the next connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorbuster_protocol::{Class, FLAG_DRILL, FLAG_FIRST_ATTEMPT, Header, Kind, MAX_BATCH, MAX_BODY, body};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::budget::RetryBudget;
use crate::builder::Builder;
use crate::clock::ServerClock;
use crate::error::Error;
use crate::failure::Failure;
use crate::link::{Link, Settings, dial, spawn};
use crate::outbox::Call;
use crate::outcome::Reply;
use crate::pushes::PushBoard;
use crate::retry::{Backoff, MAX_TRIES};
use crate::throttle::Throttle;

/// How much longer than the deadline an answer is waited for: the server may refuse at the very deadline, and its
/// answer still has to travel.
const ANSWER_GRACE: Duration = Duration::from_millis(250);

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Pool {
    links: Vec<Link>,
    /// Picks links in turn. Relaxed: fairness needs no order.
    turn: AtomicUsize,
    settings: Arc<Settings>,
    budget: RetryBudget,
    throttle: Option<Throttle>,
    /// From when on the throttle counts time.
    started: Instant,
    backoff: Backoff,
    flags: u8,
    max_batch: usize,
}

/// What one operation came to.
pub(crate) type Answered<A> = Result<A, Error>;

/// Whether operations can have been sent before. Only those that can't may tell the server so: an application that
/// kept its request id repeats it after a crash, and must then get the earlier answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum History {
    /// The ids were made in this call.
    New,
    /// The application brought them.
    Unknown,
}

impl History {
    pub(crate) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }
}

impl Pool {
    /// Connects, and keeps connected from then on.
    pub(crate) async fn start(builder: Builder, address: &str) -> Result<Self, Error> {
        let settings = Arc::new(Settings {
            address: address.to_owned(),
            name: builder.name,
            key: builder.key,
            in_flight: builder.in_flight,
            silence: builder.silence,
            backoff: builder.backoff,
            clock: ServerClock::default(),
            pushes: PushBoard::default(),
            tls: builder.tls,
        });
        let session = dial(&settings).await?;
        let max_batch = session.welcome.max_batch.clamp(1, MAX_BATCH) as usize;
        let mut first = Some(session);
        let links = (0..builder.connections).map(|_| spawn(Arc::clone(&settings), first.take())).collect();
        Ok(Self {
            links,
            turn: AtomicUsize::new(0),
            settings,
            budget: builder.budget,
            throttle: builder.hold_back.then(Throttle::default),
            started: Instant::now(),
            backoff: builder.backoff,
            flags: if builder.drill { FLAG_DRILL } else { 0 },
            max_batch,
        })
    }

    /// The server's clock.
    pub(crate) fn clock(&self) -> &ServerClock {
        &self.settings.clock
    }

    /// Where pushes are put.
    pub(crate) fn push_board(&self) -> &PushBoard {
        &self.settings.pushes
    }

    /// Sends operations until each has its final answer, its tries are used up, the budget is empty or time is up.
    pub(crate) async fn execute<A: Reply>(
        &self,
        timeout: Duration,
        kind: Kind,
        history: History,
        operations: &[(u32, Vec<u8>)],
    ) -> Vec<Answered<A>> {
        let give_up_at = Instant::now() + timeout + ANSWER_GRACE;
        let deadline_ms = self.settings.clock.deadline_ms(timeout);
        let mut results: Vec<Option<Answered<A>>> = operations.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..operations.len()).collect();
        let mut sent_before = false;
        for tries in 1..=MAX_TRIES {
            let first = tries == 1 && history == History::New;
            let flags = self.flags | if first { FLAG_FIRST_ATTEMPT } else { 0 };
            let mut again = Vec::new();
            let mut asked = Duration::ZERO;
            for chunk in self.chunks(&open, operations) {
                if tries == 1 {
                    self.budget.deposit();
                }
                if self.holds_back(kind, chunk.len()) {
                    for &index in chunk {
                        // What an earlier try came to says more.
                        results[index].get_or_insert(Err(Error::HeldBack));
                    }
                    continue;
                }
                let outcome =
                    self.attempt::<A>(kind, flags, deadline_ms, give_up_at, chunk, operations).await;
                // A connection that broke says nothing about how busy the server is.
                let heard = matches!(outcome, Ok(_) | Err(Failure::Fault { .. }));
                let before = again.len();
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
                if heard
                    && may_be_held_back(kind)
                    && let Some(throttle) = &self.throttle
                {
                    let refused = again.len() - before;
                    throttle.note(self.started.elapsed(), chunk.len(), chunk.len() - refused);
                }
            }
            open = again;
            let pause = self.backoff.pause(tries, asked);
            let in_time = Instant::now() + pause + ANSWER_GRACE < give_up_at;
            if open.is_empty() || tries == MAX_TRIES || !in_time || !self.budget.withdraw() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        let missing = || Err(Error::Unavailable { tries: 0, reason: "not tried".to_owned() });
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// Whether requests aren't sent, because the server would most likely refuse them.
    fn holds_back(&self, kind: Kind, requests: usize) -> bool {
        let Some(throttle) = self.throttle.as_ref().filter(|_| may_be_held_back(kind)) else { return false };
        let now = self.started.elapsed();
        let holds_back = !throttle.admits(now, rand::random());
        if holds_back {
            throttle.note(now, requests, 0);
        }
        holds_back
    }

    /// Splits what is open into frames that the server takes.
    fn chunks<'a>(&self, open: &'a [usize], operations: &[(u32, Vec<u8>)]) -> Vec<&'a [usize]> {
        let mut chunks = Vec::new();
        let mut rest = open;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take(self.max_batch).take_while(|&&index| {
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
        let call = Call { kind, flags, deadline_ms, count, answer_len: A::LENGTH, body: content, reply };
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
        let links = &self.links;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let nth = |step: usize| &links[turn.wrapping_add(step) % links.len()];
        (0..links.len()).map(nth).find(|link| link.up.load(Ordering::Relaxed)).unwrap_or_else(|| nth(0))
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

/// Whether requests of this kind may be held back: new holds, and what changes nothing.
fn may_be_held_back(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Reserve
            | Kind::ReserveOrder
            | Kind::ReserveClaims
            | Kind::ReserveDiscounted
            | Kind::ReadOrder
            | Kind::ReadStock
            | Kind::Watch
    )
}

fn reads(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ReadOrder | Kind::ReadStock | Kind::ReadStatus | Kind::Watch | Kind::Fetch | Kind::Ping
    )
}
