//! Latencies, kept apart by operation and outcome.
//!
//! A refusal takes less time than a sale; mixing the two makes a server that refuses everybody look fast. So each
//! pair of operation and code has its own two histograms: response time, from the moment when the request was due,
//! and service time, from the moment when it was sent.

mod phase;
mod pulse;
mod ticks;

use std::collections::BTreeMap;

use doorbuster_protocol::{Class, Code};
use hdrhistogram::Histogram;

pub use self::phase::Phase;
pub use self::pulse::{Gap, Pulse};
pub use self::ticks::{Course, Ticks};
use crate::saturate::histogram;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Hold a unit.
    Reserve,
    /// The same request again.
    Repeat,
    /// Pay.
    Confirm,
    /// Give back.
    Cancel,
    /// Look at a SKU's stock.
    Look,
    /// Ask to wait for units.
    Wait,
    /// Look at an order that waits.
    Poll,
    /// Ask to be told when an order waits no more.
    Watch,
    /// Being told of an offer: no request, and counted from when units came back.
    Push,
    /// Begin a payment.
    Begin,
    /// Say that a payment failed.
    Fail,
    /// Pay a part of an order.
    PayPart,
    /// Give a part of an order back.
    Cut,
    /// Take other SKUs instead of those that are held.
    Swap,
}

impl Operation {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Repeat => "repeat",
            Self::Confirm => "confirm",
            Self::Cancel => "cancel",
            Self::Look => "look",
            Self::Wait => "wait",
            Self::Poll => "poll",
            Self::Watch => "watch",
            Self::Push => "push",
            Self::Begin => "begin",
            Self::Fail => "fail",
            Self::PayPart => "pay-part",
            Self::Cut => "cut",
            Self::Swap => "swap",
        }
    }

    /// Whether it is about an order that its shopper has, or has paid for: losing it costs more than a sale.
    pub const fn settles(self) -> bool {
        match self {
            Self::Confirm | Self::Cancel | Self::Begin | Self::Fail | Self::PayPart | Self::Cut => true,
            Self::Reserve
            | Self::Repeat
            | Self::Look
            | Self::Wait
            | Self::Poll
            | Self::Watch
            | Self::Push
            | Self::Swap => false,
        }
    }
}

/// Latencies of one operation with one outcome, nanoseconds.
#[derive(Clone, Debug)]
pub struct Latency {
    /// From the due time to the answer.
    pub response_ns: Histogram<u64>,
    /// From the sending to the answer.
    pub service_ns: Histogram<u64>,
}

impl Latency {
    fn empty(histogram: fn() -> Histogram<u64>) -> Self {
        Self { response_ns: histogram(), service_ns: histogram() }
    }

    fn record(&mut self, response_ns: u64, service_ns: u64) {
        self.response_ns.saturating_record(response_ns.max(1));
        self.service_ns.saturating_record(service_ns.max(1));
    }
}

/// One second of the drill.
#[derive(Clone, Debug)]
pub struct Second {
    /// Requests that were due.
    pub offered: u64,
    /// Answers that took effect, by the second in which they came.
    pub done: u64,
    /// Of those, the ones that came in time for the objectives.
    pub in_time: u64,
    /// Answers that refuse for good or for now.
    pub refused: u64,
    /// Answers that say "not executed, try again".
    pub shed: u64,
    /// Response times of reserves that got units, nanoseconds.
    pub reserve_ns: Histogram<u64>,
}

impl Default for Second {
    fn default() -> Self {
        let mut reserve_ns = Histogram::new_with_bounds(1_000, 60_000_000_000, 2).expect("valid constants");
        reserve_ns.auto(true);
        Self { offered: 0, done: 0, in_time: 0, refused: 0, shed: 0, reserve_ns }
    }
}

/// Limits that say which answers came in time, nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For reserves and their repeats.
    pub reserve_ns: u64,
    /// For confirms and cancels.
    pub confirm_ns: u64,
}

impl Limits {
    const fn of(&self, operation: Operation) -> u64 {
        if operation.settles() { self.confirm_ns } else { self.reserve_ns }
    }
}

/// What became of requests of some kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Decided in time.
    pub in_time: u64,
    /// Decided too late, or never answered.
    pub late: u64,
    /// Refused with "try again".
    pub refused: u64,
}

/// What one worker measured; workers' recorders are merged at the end.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// By operation and code number.
    pub latency: BTreeMap<(Operation, u16), Latency>,
    /// Second by second from the start.
    pub seconds: Vec<Second>,
    /// Tenth by tenth of a second, by when requests were due.
    pub ticks: Ticks,
    /// In which milliseconds somebody's request was decided.
    pub pulse: Pulse,
    /// How late requests were sent, nanoseconds.
    pub lag_ns: Histogram<u64>,
    /// Requests sent, by operation.
    pub sent: BTreeMap<Operation, u64>,
    /// Requests that never got an answer, by operation.
    pub unanswered: BTreeMap<Operation, u64>,
    /// Phase by phase; the last one is what was due after all of them.
    pub phases: Vec<Phase>,
    /// When each phase of the scenario ends, nanoseconds since the start, in order.
    phase_ends_ns: Vec<u64>,
    limits: Limits,
}

impl Recorder {
    /// An empty recorder; `phase_ends_ns` says when each phase ends, nanoseconds since the start, in order.
    pub fn new(limits: Limits, phase_ends_ns: Vec<u64>) -> Self {
        Self {
            latency: BTreeMap::new(),
            seconds: Vec::new(),
            ticks: Ticks::default(),
            pulse: Pulse::default(),
            lag_ns: histogram(),
            sent: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            phases: vec![Phase::default(); phase_ends_ns.len() + 1],
            phase_ends_ns,
            limits,
        }
    }

    /// A request was sent.
    pub fn sent(&mut self, operation: Operation, due_ns: u64, sent_ns: u64) {
        *self.sent.entry(operation).or_default() += 1;
        self.lag_ns.saturating_record(sent_ns.saturating_sub(due_ns).max(1));
        self.second(due_ns).offered += 1;
        self.ticks.due(due_ns);
        if let Some(phase) = self.phase(due_ns) {
            *phase.sent.entry(operation).or_default() += 1;
        }
    }

    /// An answer came.
    pub fn answered(&mut self, operation: Operation, code: u16, due_ns: u64, sent_ns: u64, now_ns: u64) {
        let response = now_ns.saturating_sub(due_ns).max(1);
        let service = now_ns.saturating_sub(sent_ns);
        let latency = self.latency.entry((operation, code)).or_insert_with(|| Latency::empty(histogram));
        latency.record(response, service);
        if let Some(phase) = self.phase(due_ns) {
            phase.answered(operation, code, response, service);
        }
        let limit = self.limits.of(operation);
        let class = Code::from_number(code).map_or(Class::Final, Code::class);
        if class != Class::Retry {
            self.pulse.beat(now_ns);
            if response <= limit {
                self.ticks.in_time(due_ns);
            }
        }
        let second = self.second(now_ns);
        match class {
            Class::Done if matches!(operation, Operation::Look | Operation::Poll | Operation::Watch) => {}
            Class::Done => {
                second.done += 1;
                second.in_time += u64::from(response <= limit);
                if operation == Operation::Reserve {
                    second.reserve_ns.saturating_record(response);
                }
            }
            Class::Final | Class::Later => second.refused += 1,
            Class::Retry => second.shed += 1,
        }
    }

    /// A shopper who waits was told of an offer that was made then. It answers no request and counts as none.
    pub fn pushed(&mut self, offered_ns: u64, now_ns: u64) {
        let (operation, code) = (Operation::Push, Code::Ok.number());
        let took = now_ns.saturating_sub(offered_ns).max(1);
        let latency = self.latency.entry((operation, code)).or_insert_with(|| Latency::empty(histogram));
        latency.record(took, took);
        if let Some(phase) = self.phase(offered_ns) {
            phase.answered(operation, code, took, took);
        }
    }

    /// A request that was due then will never be answered.
    pub fn unanswered(&mut self, operation: Operation, due_ns: u64) {
        *self.unanswered.entry(operation).or_default() += 1;
        if let Some(phase) = self.phase(due_ns) {
            *phase.unanswered.entry(operation).or_default() += 1;
        }
    }

    /// A request will be sent again because its server stopped: its connection broke, or it was told so.
    pub fn broken_off(&mut self, now_ns: u64) {
        self.ticks.again(now_ns);
    }

    /// Adds the measurements of another worker of the same drill.
    pub fn merge(&mut self, other: Self) {
        merge_latencies(&mut self.latency, other.latency);
        for (own, phase) in self.phases.iter_mut().zip(other.phases) {
            own.merge(phase);
        }
        if self.seconds.len() < other.seconds.len() {
            self.seconds.resize_with(other.seconds.len(), Second::default);
        }
        for (own, second) in self.seconds.iter_mut().zip(other.seconds) {
            own.offered += second.offered;
            own.done += second.done;
            own.in_time += second.in_time;
            own.refused += second.refused;
            own.shed += second.shed;
            own.reserve_ns += second.reserve_ns;
        }
        self.ticks.merge(&other.ticks);
        self.pulse.merge(&other.pulse);
        self.lag_ns += other.lag_ns;
        merge_counts(&mut self.sent, other.sent);
        merge_counts(&mut self.unanswered, other.unanswered);
    }

    /// Answers of an operation with one of these codes.
    pub fn count(&self, operation: Operation, wanted: impl Fn(Code) -> bool) -> u64 {
        self.latency
            .iter()
            .filter(|((found, number), _)| {
                *found == operation && Code::from_number(*number).is_some_and(&wanted)
            })
            .map(|(_, latency)| latency.response_ns.len())
            .sum()
    }

    /// What became of all requests of the operations that are wanted.
    pub fn fate(&self, wanted: impl Fn(Operation) -> bool) -> Fate {
        let mut fate = Fate::default();
        for ((operation, number), latency) in &self.latency {
            // A push answers no request.
            if *operation == Operation::Push || !wanted(*operation) {
                continue;
            }
            let answers = latency.response_ns.len();
            let code = Code::from_number(*number);
            if code == Some(Code::DeadlineExceeded) {
                // It was let in, or lay before the door, until it was too late.
                fate.late += answers;
            } else if code.is_some_and(|code| code.class() == Class::Retry) {
                fate.refused += answers;
            } else {
                let in_time = latency.response_ns.count_between(0, self.limits.of(*operation));
                fate.in_time += in_time;
                fate.late += answers.saturating_sub(in_time);
            }
        }
        let never = self.unanswered.iter().filter(|(operation, _)| wanted(**operation));
        fate.late += never.map(|(_, count)| count).sum::<u64>();
        fate
    }

    /// All answers.
    pub fn answers(&self) -> u64 {
        self.latency.values().map(|latency| latency.response_ns.len()).sum()
    }

    /// All requests.
    pub fn requests(&self) -> u64 {
        self.sent.values().sum()
    }

    /// The phase in which a request was due.
    fn phase(&mut self, due_ns: u64) -> Option<&mut Phase> {
        let index = self.phase_ends_ns.partition_point(|&end_ns| end_ns <= due_ns);
        self.phases.get_mut(index)
    }

    fn second(&mut self, at_ns: u64) -> &mut Second {
        // A drill lasts a day at most; anything later is a broken clock and shares the last second.
        let index = usize::try_from(at_ns / 1_000_000_000).unwrap_or(usize::MAX).min(100_000);
        if self.seconds.len() <= index {
            self.seconds.resize_with(index + 1, Second::default);
        }
        &mut self.seconds[index]
    }
}

fn merge_counts(own: &mut BTreeMap<Operation, u64>, other: BTreeMap<Operation, u64>) {
    for (operation, count) in other {
        *own.entry(operation).or_default() += count;
    }
}

fn merge_latencies(
    own: &mut BTreeMap<(Operation, u16), Latency>,
    other: BTreeMap<(Operation, u16), Latency>,
) {
    for (key, latency) in other {
        match own.get_mut(&key) {
            Some(own) => {
                own.response_ns += latency.response_ns;
                own.service_ns += latency.service_ns;
            }
            None => drop(own.insert(key, latency)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorder() -> Recorder {
        Recorder::new(Limits { reserve_ns: 1_000_000, confirm_ns: 1_000_000 }, vec![1_000, 5_000_000])
    }

    #[test]
    fn refusals_never_mix_into_the_latency_of_sales() {
        let mut recorder = recorder();
        recorder.answered(Operation::Reserve, Code::Ok.number(), 0, 0, 900_000);
        recorder.answered(Operation::Reserve, Code::SoldOut.number(), 0, 0, 1_000);
        assert_eq!(recorder.latency.len(), 2);
        let sales = &recorder.latency[&(Operation::Reserve, Code::Ok.number())];
        assert_eq!(sales.response_ns.len(), 1);
        assert!(sales.response_ns.min() > 800_000);
        assert_eq!((recorder.seconds[0].done, recorder.seconds[0].refused), (1, 1));
    }

    #[test]
    fn response_time_counts_from_when_the_request_was_due() {
        let mut recorder = recorder();
        recorder.answered(Operation::Reserve, Code::Ok.number(), 0, 4_000_000, 4_100_000);
        let latency = &recorder.latency[&(Operation::Reserve, Code::Ok.number())];
        assert!(latency.response_ns.max() >= 4_000_000 && latency.service_ns.max() < 200_000);
        assert_eq!((recorder.seconds[0].done, recorder.seconds[0].in_time), (1, 0), "late is no goodput");
    }

    #[test]
    fn what_was_let_in_and_came_late_or_never_is_told_from_what_was_refused() {
        let mut recorder = recorder();
        for (code, took_ns) in
            [(Code::Ok, 900_000), (Code::SoldOut, 900_000), (Code::Ok, 2_000_000), (Code::Shed, 5_000)]
        {
            recorder.answered(Operation::Reserve, code.number(), 0, 0, took_ns);
        }
        recorder.unanswered(Operation::Reserve, 0);
        recorder.answered(Operation::Confirm, Code::Shed.number(), 0, 0, 10);
        let reserves = recorder.fate(|operation| operation == Operation::Reserve);
        assert_eq!(reserves, Fate { in_time: 2, late: 2, refused: 1 });
        assert_eq!(recorder.fate(Operation::settles), Fate { in_time: 0, late: 0, refused: 1 });
    }

    #[test]
    fn merging_loses_nothing() {
        let (mut one, mut two) = (recorder(), recorder());
        one.sent(Operation::Reserve, 0, 5);
        one.answered(Operation::Reserve, Code::Ok.number(), 0, 5, 9);
        two.sent(Operation::Reserve, 3_000_000_000, 3_000_000_001);
        two.unanswered(Operation::Reserve, 3_000_000_000);
        one.merge(two);
        assert_eq!((one.requests(), one.answers(), one.unanswered[&Operation::Reserve]), (2, 1, 1));
        assert_eq!(one.seconds.iter().map(|second| second.offered).sum::<u64>(), 2);
    }

    #[test]
    fn a_request_belongs_to_the_phase_in_which_it_was_due() {
        let mut one = recorder();
        let ok = Code::Ok.number();
        for (due_ns, answered_ns) in [(0, 10), (999, 9_000_000), (1_000, 1_010), (4_999_999, 5_000_010)] {
            one.sent(Operation::Reserve, due_ns, due_ns);
            one.answered(Operation::Reserve, ok, due_ns, due_ns, answered_ns);
        }
        let mut two = recorder();
        two.sent(Operation::Confirm, 5_000_000, 5_000_000);
        two.unanswered(Operation::Confirm, 5_000_000);
        one.merge(two);
        let answers = |phase: &Phase| {
            phase.latency.get(&(Operation::Reserve, ok)).map_or(0, |latency| latency.response_ns.len())
        };
        assert_eq!(one.phases.iter().map(answers).collect::<Vec<_>>(), [2, 2, 0]);
        let slowest = one.phases[0].latency[&(Operation::Reserve, ok)].response_ns.max();
        assert!(slowest > 8_000_000, "a late answer stays with the phase that asked: {slowest}");
        let last = &one.phases[2];
        assert_eq!((last.sent[&Operation::Confirm], last.unanswered[&Operation::Confirm]), (1, 1));
        let sent: u64 = one.phases.iter().flat_map(|phase| phase.sent.values()).sum();
        assert_eq!(sent, one.requests());
    }
}
