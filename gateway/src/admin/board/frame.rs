//! What a page is told each second, and how it is made of two readings.

use std::collections::VecDeque;

use doorbuster_ledger::{LAG_BOUNDS_MS, Stage, Standing};
use doorbuster_protocol::{Code, FULL_LOAD};
use serde::Serialize;

use super::alarms::{Alarm, Signs, raised};
use super::goals::Goals;
use super::history::Point;
use super::reading::{Answers, Reading, percentiles};
use super::stock::{ChannelSum, Pass, Shelf, Spare};
use crate::admin::readiness::Readiness;
use crate::overload::breaker::{Mode, State};
use crate::reactor::{Pressure, Verdict};
use crate::server::Shared;

/// How long an alarm stays that counts something, in seconds: until somebody has looked up.
const ALARM_SECONDS: usize = 60;

/// Breakers that are named in an alarm; of a server with 64 shards all 196 may be open.
const MOST_NAMED: usize = 6;

/// What became of the operations of a class.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Flow {
    offered: u64,
    accepted: u64,
    refused: u64,
    shed: u64,
    offered_per_second: f64,
    accepted_per_second: f64,
    refused_per_second: f64,
    shed_per_second: f64,
}

/// How often a code was the answer that refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Reason {
    code: &'static str,
    shed: bool,
    total: u64,
    per_second: f64,
}

/// How long answers took in the last second, microseconds; zeros where there were none.
#[derive(Clone, Debug, Serialize)]
struct Latency {
    p50_us: u64,
    p99_us: u64,
    p999_us: u64,
}

/// Where all units are.
#[derive(Clone, Debug, Serialize)]
struct Stock {
    skus: u64,
    available: u64,
    held: u64,
    sold: u64,
    holds: u64,
    waiting: u64,
    paid: u64,
    paid_per_second: f64,
    expired: u64,
}

/// A campaign that is not over.
#[derive(Clone, Debug, Serialize)]
struct Campaign {
    campaign: u32,
    stage: &'static str,
    paused: bool,
    skus: u64,
    /// When the next phase begins, milliseconds; `None`: there is none.
    next_ms: Option<u64>,
    missing_prices: u64,
}

/// How hard the server is pressed: of its reactors the one that is pressed most.
#[derive(Clone, Debug, Serialize)]
struct Admission {
    load: f64,
    overloaded: bool,
    in_flight: u64,
    backlog_us: u64,
    backlog_limit_us: u64,
    connections: u64,
    budget: f64,
    lost_goodput: f64,
    lost_admitted: f64,
    lost_settled: f64,
}

/// A circuit breaker that is not closed, or that does not work by itself.
#[derive(Clone, Debug, Serialize)]
struct Breaker {
    scope: String,
    class: &'static str,
    state: &'static str,
    mode: &'static str,
}

/// The log.
#[derive(Clone, Debug, Serialize)]
struct Log {
    p50_us: u64,
    p99_us: u64,
    behind: u64,
    bytes_per_second: f64,
    durable: u64,
    poisoned: bool,
}

/// How late holds ended.
#[derive(Clone, Debug, Serialize)]
struct Release {
    /// Of the holds that ended in the last minute, 99 of 100 were past their deadlines by less; `None`: by more than the
    /// highest bound, or none ended.
    p99_ms: Option<u64>,
    max_ms: u64,
    alarms: u64,
}

/// See the module's doc.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Frame {
    schema_version: u32,
    version: &'static str,
    state: &'static str,
    uptime_s: u64,
    point: Point,
    orders: Flow,
    payments: Flow,
    reasons: Vec<Reason>,
    latency: Latency,
    stock: Stock,
    campaigns: Vec<Campaign>,
    admission: Admission,
    breakers: Vec<Breaker>,
    breakers_all: usize,
    log: Log,
    release: Release,
    clock_behind_ms: u64,
    plans: Vec<(String, u64)>,
    channels: Vec<ChannelSum>,
    goals: Option<Goals>,
    spare: Spare,
    pass: Pass,
    alarms: Vec<Alarm>,
}

/// Makes frames, each of a reading and those before it.
#[derive(Debug)]
pub(super) struct Maker {
    /// Of the last minute, the oldest first; never empty.
    past: VecDeque<Reading>,
}

impl Maker {
    pub(super) fn new(first: Reading) -> Self {
        Self { past: VecDeque::from([first]) }
    }

    /// The frame of a reading, and what of it is kept for the curves.
    pub(super) fn next(&mut self, now: Reading, shared: &Shared, skus: &Shelf) -> (Point, Frame) {
        let before = self.past.back().unwrap_or(&now);
        let minute = self.past.front().unwrap_or(&now);
        let seconds = lossy(now.moment.since(before.moment).us().max(1)) / 1e6;
        let rate = |later: u64, earlier: u64| lossy(later.saturating_sub(earlier)) / seconds;
        let latency = Latency::of(percentiles(&before.times, &now.times));
        let commit = Latency::of(percentiles(&before.log_times, &now.log_times));
        let orders = flow(&before.orders, &now.orders, rate);
        let admission = admission(shared);
        let totals = now.totals;
        let point = Point {
            at_ms: now.at_ms,
            offered: orders.offered_per_second,
            accepted: orders.accepted_per_second,
            refused: orders.refused_per_second,
            shed: orders.shed_per_second,
            p50_us: latency.p50_us,
            p99_us: latency.p99_us,
            p999_us: latency.p999_us,
            log_p99_us: commit.p99_us,
            available: totals.available,
            held: totals.held,
            sold: totals.sold,
            waiting: totals.waiting,
            load: admission.load,
        };
        let journal = shared.engine.journal();
        let (breakers, breakers_all) = breakers(shared);
        let plans = shared.emergency.figures().plans;
        let campaigns = campaigns(shared);
        let clock_behind_ms = shared.clock_behind_ms();
        let poisoned = journal.poisoned().is_some();
        let goals = shared.targets.as_deref().zip(skus.sold());
        let goals = goals.map(|(targets, sold)| Goals::of(targets, sold, skus.channels(), now.at_ms));
        let signs = Signs {
            poisoned,
            breakers: named(&breakers),
            overloaded: admission.overloaded,
            lost: admission.over_budget(),
            log_p99_us: commit.p99_us,
            clock_behind_ms,
            behind: goals.as_ref().map(Goals::behind).unwrap_or_default(),
            plans: plans.iter().map(|(_, active)| active).sum(),
            unpriced: campaigns
                .iter()
                .filter(|campaign| campaign.missing_prices > 0)
                .map(|campaign| (campaign.campaign, campaign.missing_prices))
                .collect(),
            ..of_a_minute(minute, &now)
        };
        let frame = Frame {
            schema_version: 1,
            version: env!("CARGO_PKG_VERSION"),
            state: Readiness::of(shared).name(),
            uptime_s: now.moment.us() / 1_000_000,
            point,
            payments: flow(&before.settled, &now.settled, rate),
            reasons: reasons(&before.orders, &now.orders, rate),
            orders,
            latency,
            stock: Stock {
                skus: totals.skus,
                available: totals.available,
                held: totals.held,
                sold: totals.sold,
                holds: totals.holds,
                waiting: totals.waiting,
                paid: now.paid,
                paid_per_second: rate(now.paid, before.paid),
                expired: now.counters.expired,
            },
            campaigns,
            admission,
            breakers,
            breakers_all,
            log: Log {
                p50_us: commit.p50_us,
                p99_us: commit.p99_us,
                behind: journal.decided().saturating_sub(journal.durable()),
                bytes_per_second: rate(now.log_bytes, before.log_bytes),
                durable: journal.durable(),
                poisoned,
            },
            release: Release {
                p99_ms: release_p99(minute, &now),
                max_ms: now.release_lag.max_ms,
                alarms: now.release_lag.alarms,
            },
            clock_behind_ms,
            plans,
            channels: skus.channels().to_vec(),
            goals,
            spare: skus.spare(),
            pass: skus.pass(),
            alarms: raised(&signs),
        };
        if self.past.len() == ALARM_SECONDS {
            self.past.pop_front();
        }
        self.past.push_back(now);
        (point, frame)
    }
}

impl Latency {
    fn of([half, most, nearly_all]: [u64; 3]) -> Self {
        Self { p50_us: half, p99_us: most, p999_us: nearly_all }
    }
}

impl Admission {
    /// What was lost of what was let in and of payments, if either is more than may be.
    fn over_budget(&self) -> Option<(f64, f64)> {
        let Self { budget, lost_admitted, lost_settled, .. } = *self;
        (lost_admitted.max(lost_settled) > budget).then_some((lost_admitted, lost_settled))
    }
}

/// The signs that count what happened in between.
fn of_a_minute(before: &Reading, now: &Reading) -> Signs {
    let since = |count: fn(&Reading) -> u64| count(now).saturating_sub(count(before));
    Signs {
        late_releases: since(|of| of.release_lag.alarms),
        price_faults: since(|of| of.orders.of(Code::PriceOutOfBounds) + of.settled.of(Code::AmountMismatch)),
        refunds: since(|of| of.settled.of(Code::RefundRequired)),
        shortfalls: since(|of| of.settled.of(Code::Shortfall)),
        ..Signs::default()
    }
}

fn flow(before: &Answers, now: &Answers, rate: impl Fn(u64, u64) -> f64) -> Flow {
    let per_second = |verdict| rate(now.count(verdict), before.count(verdict));
    Flow {
        offered: now.offered,
        accepted: now.count(Verdict::Accepted),
        refused: now.count(Verdict::Refused),
        shed: now.count(Verdict::Shed),
        offered_per_second: rate(now.offered, before.offered),
        accepted_per_second: per_second(Verdict::Accepted),
        refused_per_second: per_second(Verdict::Refused),
        shed_per_second: per_second(Verdict::Shed),
    }
}

/// Why new holds were refused, the most frequent first.
fn reasons(before: &Answers, now: &Answers, rate: impl Fn(u64, u64) -> f64) -> Vec<Reason> {
    let refusals = now.codes().filter(|(code, _)| Verdict::of(*code) != Verdict::Accepted);
    let mut reasons: Vec<Reason> = refusals
        .map(|(code, total)| Reason {
            code: code.name(),
            shed: Verdict::of(code) == Verdict::Shed,
            total,
            per_second: rate(total, before.of(code)),
        })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.total));
    reasons
}

fn admission(shared: &Shared) -> Admission {
    let pressures: Vec<Pressure> = shared.stats.iter().map(|stats| stats.pressure()).collect();
    let most = |of: fn(&Pressure) -> u64| pressures.iter().map(of).max().unwrap_or(0);
    let us = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let share = |of: fn(&Pressure) -> u64| lossy(most(of)) / 1e4;
    Admission {
        load: lossy(most(|of| u64::from(of.load))) / f64::from(FULL_LOAD),
        overloaded: pressures.iter().any(|of| of.overloaded),
        in_flight: pressures.iter().map(|of| of.in_flight).sum(),
        backlog_us: pressures.iter().map(|of| us(of.backlog)).max().unwrap_or(0),
        backlog_limit_us: pressures.iter().map(|of| us(of.target)).min().unwrap_or(0),
        connections: shared.stats.iter().map(|stats| stats.connections()).sum(),
        budget: f64::from(shared.emergency.regime.standing().losses.budget) / 1e4,
        lost_goodput: share(|of| u64::from(of.lost.goodput)),
        lost_admitted: share(|of| u64::from(of.lost.admitted)),
        lost_settled: share(|of| u64::from(of.lost.settled)),
    }
}

/// Those that somebody should know of, and how many there are in all.
fn breakers(shared: &Shared) -> (Vec<Breaker>, usize) {
    let now = shared.moment(std::time::Instant::now());
    let mut all = 0;
    let mut told = Vec::new();
    for (scope, class, gate) in shared.breakers.each() {
        all += 1;
        let report = gate.report(now);
        if report.state != State::Closed || report.mode != Mode::Automatic {
            told.push(Breaker {
                scope: scope.to_string(),
                class: class.name(),
                state: report.state.name(),
                mode: report.mode.name(),
            });
        }
    }
    (told, all)
}

fn named(breakers: &[Breaker]) -> Vec<String> {
    let open = breakers.iter().filter(|breaker| breaker.state != State::Closed.name());
    let names = open.map(|Breaker { scope, class, state, .. }| format!("{scope} {class} {state}"));
    let mut names: Vec<String> = names.collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names
}

fn campaigns(shared: &Shared) -> Vec<Campaign> {
    let (board, now) = (shared.engine.campaigns(), shared.engine.now());
    let figures = board.figures();
    let known = figures.iter().map(|campaign| Campaign {
        campaign: campaign.campaign.raw(),
        stage: match campaign.stage {
            Stage::Warmup => "warm-up",
            Stage::Live => "live",
            Stage::Sustain => "sustain",
            Stage::Wrapup => "wrap-up",
            Stage::Closed => "closed",
        },
        paused: campaign.standing == Standing::Paused,
        skus: campaign.skus,
        next_ms: campaign.next_start.map(doorbuster_ledger::Timestamp::raw),
        missing_prices: board.missing_prices(campaign, now),
    });
    known.collect()
}

/// The bound below which 99 of 100 holds of the last minute ended late.
fn release_p99(before: &Reading, now: &Reading) -> Option<u64> {
    let counts = now.release_lag.counts.iter().zip(before.release_lag.counts);
    let new: Vec<u64> = counts.map(|(now, before)| now.saturating_sub(before)).collect();
    let all: u64 = new.iter().sum();
    let mut below = 0;
    let mut reached = |count: u64| {
        below += count;
        all > 0 && below * 100 >= all * 99
    };
    LAG_BOUNDS_MS.into_iter().zip(new).find(|(_, count)| reached(*count)).map(|(bound, _)| bound)
}

#[expect(clippy::cast_precision_loss, reason = "a count above 2^53 may lose its last digit")]
fn lossy(count: u64) -> f64 {
    count as f64
}
