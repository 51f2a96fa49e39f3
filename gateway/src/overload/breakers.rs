//! A server's circuit breakers: which there are, and what they are called.
//!
//! Each shard has one for each class of requests but [`Class::Operate`], which may be what ends the trouble. So has the desk,
//! which decides what concerns several shards; it counts as one more part behind them. The log has one for new holds: when it
//! is slow, less may be promised, but what was promised is kept and what is read waits for little.
//!
//! All of a class share one [`SlowQuota`], by the number of shards. The log isn't one among several that could stand in for
//! it, and what is slow there is slow for all; so it always has its seat.

use std::fmt;
use std::sync::Arc;

use super::breaker::{Admission, Breaker, Gate, Guard, Settings, SlowQuota};
use super::{Class, Micros, Moment};

/// The classes that have breakers at a part, in the order in which they are listed.
pub(crate) const CLASSES: [Class; 3] = [Class::Reserve, Class::Settle, Class::Read];

/// Shards of which the log is taken to be one, so that its own quota has one seat.
const SEATS_FOR_ONE: u32 = 2;

/// What a breaker stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// A shard, by its number.
    Shard(usize),
    /// The desk.
    Desk,
    /// The log.
    Log,
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Breakers {
    /// The shards', then the desk's.
    parts: Vec<[Gate; CLASSES.len()]>,
    log: Gate,
    settings: Settings,
}

impl Breakers {
    /// For a server with so many shards. Equal seeds give equal jitter.
    pub(crate) fn new(shards: usize, settings: &Settings, seed: u64) -> Self {
        let quotas = CLASSES.map(|_| SlowQuota::of(u32::try_from(shards).unwrap_or(u32::MAX)));
        let seed_of = |nth: usize| seed ^ (nth as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
        let gate = |class, quota, nth| Gate::new(Breaker::new(class, settings.clone(), quota, seed_of(nth)));
        let part = |part: usize| {
            std::array::from_fn(|at| gate(CLASSES[at], Arc::clone(&quotas[at]), part * CLASSES.len() + at))
        };
        let parts: Vec<_> = (0..=shards).map(part).collect();
        let log = gate(Class::Reserve, SlowQuota::of(SEATS_FOR_ONE), parts.len() * CLASSES.len());
        Self { parts, log, settings: settings.clone() }
    }

    /// Asks the breakers for so many operations of a class, in one batch for one part; the desk stands behind the last shard.
    #[inline]
    pub(crate) fn admit(&self, part: usize, class: Class, now: Moment, asked: u32) -> Leave {
        let Some(gate) = self.of(part, class) else {
            return Leave { admitted: asked, retry_after: Micros::ZERO, part: None, log: None };
        };
        let own = gate.admit(now, asked);
        if own.admitted == 0 {
            return Leave { admitted: 0, retry_after: own.retry_after, part: None, log: None };
        }
        if class != Class::Reserve {
            let Admission { admitted, permit, retry_after } = own;
            return Leave { admitted, retry_after, part: Some(permit), log: None };
        }
        let log = self.log.admit(now, own.admitted);
        let retry_after = own.retry_after.max(log.retry_after);
        if log.admitted == 0 {
            own.permit.unused();
            return Leave { admitted: 0, retry_after, part: None, log: None };
        }
        Leave { admitted: log.admitted, retry_after, part: Some(own.permit), log: Some(log.permit) }
    }

    /// The breaker of a part for a class.
    #[inline]
    fn of(&self, part: usize, class: Class) -> Option<&Gate> {
        let at = match class {
            Class::Reserve => 0,
            Class::Settle => 1,
            Class::Read => 2,
            Class::Operate => return None,
        };
        self.parts.get(part)?.get(at)
    }

    /// Whether a result that took so long is a slow one.
    pub(crate) fn is_slow(&self, service: Micros) -> bool {
        self.settings.is_slow(service)
    }

    /// All of them, in the order in which they are listed.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Scope, Class, &Gate)> {
        let desk = self.parts.len() - 1;
        let parts = self.parts.iter().enumerate().flat_map(move |(part, gates)| {
            let scope = if part == desk { Scope::Desk } else { Scope::Shard(part) };
            CLASSES.into_iter().zip(gates).map(move |(class, gate)| (scope, class, gate))
        });
        parts.chain([(Scope::Log, Class::Reserve, &self.log)])
    }
}

/// What breakers say to a batch's operations of one class.
#[derive(Debug)]
pub(crate) struct Leave {
    /// How many may go on.
    pub(crate) admitted: u32,
    /// When it is worth asking again for the others; the same for all of them.
    pub(crate) retry_after: Micros,
    /// For the part's breaker, with what came of them.
    pub(crate) part: Option<Guard>,
    /// For the log's.
    pub(crate) log: Option<Guard>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shard(number) => write!(f, "shard-{number}"),
            Self::Desk => f.write_str("desk"),
            Self::Log => f.write_str("log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overload::breaker::{Mode, Results, State};

    #[test]
    fn each_part_has_its_own_for_each_class_and_the_log_has_one() {
        let breakers = Breakers::new(2, &Settings::default(), 1);
        let names: Vec<String> =
            breakers.each().map(|(scope, class, _)| format!("{scope} {}", class.name())).collect();
        let part = |scope: &str| ["reserve", "settle", "read"].map(|class| format!("{scope} {class}"));
        let expected = [part("shard-0"), part("shard-1"), part("desk")].concat();
        assert_eq!(names, [expected, vec!["log reserve".to_owned()]].concat());
        for (part, scope) in [(0, Scope::Shard(0)), (1, Scope::Shard(1)), (2, Scope::Desk)] {
            for class in CLASSES {
                let gate = breakers.of(part, class).expect("it is there");
                gate.set_mode(Moment::START, Mode::ForcedOpen);
                let forced: Vec<_> = breakers
                    .each()
                    .filter(|(.., gate)| gate.report(Moment::START).state == State::ForcedOpen)
                    .map(|(scope, class, _)| (scope, class))
                    .collect();
                assert_eq!(forced, [(scope, class)]);
                gate.set_mode(Moment::START, Mode::Disabled);
            }
        }
        assert!(breakers.of(3, Class::Read).is_none() && breakers.of(0, Class::Operate).is_none());
    }

    #[test]
    fn new_holds_need_the_log_too_and_nothing_else_does() {
        let breakers = Breakers::new(1, &Settings::default(), 1);
        let now = Moment::START;
        let ask = |class| {
            let leave = breakers.admit(0, class, now, 9);
            (leave.admitted, leave.retry_after, leave.part.is_some(), leave.log.is_some())
        };
        assert_eq!(ask(Class::Reserve), (9, Micros::ZERO, true, true));
        breakers.log.set_mode(now, Mode::ForcedOpen);
        assert_eq!(ask(Class::Reserve), (0, Micros::from_ms(8_000), false, false));
        for class in [Class::Settle, Class::Read] {
            assert_eq!(ask(class), (9, Micros::ZERO, true, false));
        }
        assert_eq!(ask(Class::Operate), (9, Micros::ZERO, false, false));
        // Half-open, the shard has five probes to give. None is lost while the log lets nobody through.
        let own = breakers.of(0, Class::Reserve).expect("it is there");
        own.set_mode(now, Mode::ForcedOpen);
        own.set_mode(now, Mode::Automatic);
        assert_eq!(ask(Class::Reserve).0, 0);
        assert_eq!((own.report(now).state, own.report(now).probes), (State::HalfOpen, 0));
        breakers.log.set_mode(now, Mode::Automatic);
        let leave = breakers.admit(0, Class::Reserve, now, 9);
        assert_eq!((leave.admitted, own.report(now).probes, breakers.log.report(now).probes), (5, 5, 5));
    }

    #[test]
    fn slowness_opens_half_of_the_shards_and_always_the_log() {
        for (shards, open) in [(1, 0), (2, 1), (4, 2)] {
            let breakers = Breakers::new(shards, &Settings::default(), 1);
            for (.., gate) in breakers.each() {
                let slow = Results { slow: 50, ..Results::default() };
                gate.admit(Moment::START, 50).permit.record(Moment::START, slow);
            }
            let opened: Vec<(Scope, Class)> = breakers
                .each()
                .filter(|(.., gate)| gate.report(Moment::START).state == State::Open)
                .map(|(scope, class, _)| (scope, class))
                .collect();
            assert_eq!(opened.last(), Some(&(Scope::Log, Class::Reserve)));
            assert_eq!(opened.len(), 2 * open + 1, "of reserve and read each, never of settle: {opened:?}");
        }
    }
}
