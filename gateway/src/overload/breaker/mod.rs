//! The circuit breaker: stops asking a part that is broken, and asks it again with care.
//!
//! # Purpose
//!
//! When a shard or the log fails, every operation that is still sent there costs a place in a queue, a client
//! who waits for an answer, and work that comes to nothing. With 50,000 shoppers at the door the queue then fills with
//! operations that will fail, and the parts that work can't be reached through it. A breaker counts how operations end, and
//! when too many end badly it refuses them at the door, which costs nanoseconds and tells the client when to come back. Then
//! it finds out with a handful of operations whether the part is well, and lets the crowd in step by step.
//!
//! There is one for each shard and [`Class`](crate::overload::Class), and one for the log, so that what is broken is refused and
//! nothing else: see [`Breakers`](crate::overload::Breakers).
//!
//! # States
//!
//! ```text
//!                    too many failed or slow, or ten failures in a row
//!        ┌────────┐ ────────────────────────────────────────► ┌────────┐ ◄──────────────┐
//!   ───► │ CLOSED │                                           │  OPEN  │ ◄─────┐        │
//!        └────────┘                                           └────────┘       │        │
//!             ▲                                                    │           │        │
//!             │ 2 s are over                250 ms * 2^k, +/- 20 % │    probes │        │
//!             │                                                    ▼    failed │        │
//!        ┌────────┐    ten results, at most one failed      ┌───────────┐ or   │        │
//!        │  RAMP  │ ◄────────────────── and two slow ────── │ HALF_OPEN │ slow │        │
//!        │ 33 % ↗ │                                         │  5 probes │ ─────┘        │
//!        └────────┘                                         └───────────┘               │
//!             └─────────────── as from CLOSED ──────────────────────────────────────────┘
//!
//!   FORCED_OPEN refuses all until it is released, to HALF_OPEN. DISABLED admits all and counts nothing; it is
//!   released to CLOSED. METRICS_ONLY is no state: the rules run as always, but refuse nobody.
//! ```
//!
//! # The rules, and why they are so
//!
//! The numbers, with the reason for each, are in [`Settings`].
//!
//! **A failure is a broken part.** An engine error, a log error or a lost answer is one. Sold out, limited, shed, expired in
//! the queue, cancelled by the client and every refusal that the ledger decided is *nothing*: not a success, not a failure,
//! not a sample. Otherwise overload would open the breaker, which makes overload an outage, and a sale that sells out would
//! look like one. So [`Results`] has no place to put them in.
//!
//! **Slow is service time.** From being taken off the queue until durable, and never time in the queue: a long queue is the
//! matter of admission, which knows better than to refuse everybody.
//!
//! **Exact counts of one second.** Ten buckets of 100 ms. Linkerd used a moving average that weighs by time, and replaced it
//! by exact counts (linkerd2-proxy, pull request 4561): in such an average a tight burst of failures weighs next to
//! nothing, so that it can miss an outage. Sentinel's breakers count in one single bucket, which forgets everything each
//! time it starts anew, so a fault that begins just before that has to be found twice.
//!
//! **Two ways to open.** A share of the window, when there are enough results for a share to mean something, and ten failures
//! without a success between them, when there are not. A log that can't be written needs no third: the server ends. A batch
//! comes back as counts, so its order isn't known: a success in it ends the row of failures. The row has no time limit;
//! rare operations that all fail are as good a reason as frequent ones.
//!
//! **Slowness never opens settling.** Confirms and cancels belong to shoppers whose money is on its way. Late is better than
//! refused; see [`Class::Settle`](crate::overload::Class::Settle).
//!
//! **No more than half of the shards are open for slowness.** Slowness spreads: the disk, the machine, the network. When all
//! shards are slow, no shard is broken, and refusing at all of them would turn a slow sale into none. This is Envoy's
//! `max_ejection_percent`, for slowness only: a shard that *fails* is always refused, as nothing is lost by it. See
//! [`SlowQuota`].
//!
//! **Longer with each reopening, and never in step.** 250 ms, doubled each time up to 8 s, and then 20 % more or less by a
//! generator with a seed of its own. What failed together would otherwise be probed together, for ever. The count of
//! reopenings starts again only when the breaker is closed and its window is as good as probes would have to be; a part
//! that comes and goes is probed less and less.
//!
//! **Few probes, each with a lease.** At most five at once, as a part that is half dead bears no more; ten results decide. A
//! probe that isn't answered for a second counts as failed and frees its place. Breakers that only wait for results wait
//! for ever when one is lost: Sentinel's did when a later rule refused the probe (Sentinel, issue 1638), resilience4j's
//! when a call hung (resilience4j, issue 935). A [`Guard`] that is dropped, by a panic too, does the same at once; one that is
//! not used, as another breaker refuses all of its batch, is given back with [`Guard::unused`] and counts for nothing. And as
//! sold out is no result: where ten probes were answered in two seconds but without ten results among them, and not too
//! many of those were bad, it goes on. Otherwise a shard that has nothing left to sell could never close.
//!
//! **A verdict on time.** Two failed probes reopen at once, as eight good ones couldn't mend that any more.
//!
//! **A ramp, not a gate thrown open.** A breaker that closes at the first good probe sends all who waited to a part that
//! has just stood up; in the Rust crate `failsafe` a half-open breaker even admits everybody. A third is admitted at first,
//! Sentinel's cold factor of three, and evenly more over two seconds. Who is admitted is not drawn but counted, so that 33 %
//! of a hundred are thirty-three. Whatever opens it from CLOSED opens it from here.
//!
//! **Results that come too late change nothing.** A permit belongs to the window or to the lease that it was given under.
//! Results of operations from before it opened say nothing about the part after it; they are dropped, and so are those
//! of probes whose lease ran out or whose verdict has been given.
//!
//! **Batches.** Operations come in batches of up to 1,024 and are admitted and counted so: one [`Breaker::admit`] and one
//! [`Breaker::record`] for each. While it is closed, the first is a comparison, and the second adds to a bucket and compares
//! four numbers; neither allocates.
//!
//! # Why ours
//!
//! Of the Rust crates that we know, none takes batches, tells slow from failed, leases its probes and ramps; and they read
//! a clock of their own. The rules fit on this page, they decide whether a sale goes on, and so they have to be run to
//! every boundary in virtual time.
//!
//! # What it doesn't do
//!
//! It doesn't retry, and measures no time: the caller classifies ([`Settings::is_slow`]). It doesn't shed load; a queue bound
//! in time does that. It doesn't look by itself: without operations nothing happens, and a breaker whose time open is over
//! stays open until somebody asks, as nobody is refused meanwhile. Where only metrics are wanted ([`Mode::MetricsOnly`]) it
//! can't know what probes would have said had all others been refused: the results of whole batches count, so its
//! verdicts may come earlier than they would in earnest, and it takes no seat in the quota.

mod backoff;
mod gate;
mod history;
mod machine;
mod permit;
mod probes;
mod quota;
mod ramp;
mod settings;
mod state;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use gate::{Gate, Guard};
pub(crate) use history::Reason;
pub(crate) use machine::{Breaker, Report};
pub(crate) use permit::{Admission, Permit};
pub(crate) use quota::SlowQuota;
pub(crate) use settings::{Percent, Settings};
pub(crate) use state::{Mode, State};
pub(crate) use window::Results;
