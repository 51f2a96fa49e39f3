//! The loss budget: how much is lost, second by second, and what is done about it.
//!
//! Three of the four kinds of loss are seen by a server (see `docs/overload.md`; units that nobody got although people wanted
//! them show when the sale is over):
//!
//! | | of a second | lost |
//! |---|---|---|
//! | L1 | the most that was decided in a second lately | what is missing to it, while requests are refused for overload |
//! | L3 | what was let in | what failed at its deadline, or was answered late |
//! | L4 | payments, cancels, and what follows a payment | what was refused for overload, or answered late |
//!
//! If L3 or L4 is over the budget, more is let in than can be done in time: how much may wait is cut by a third each second, to a
//! fifth of what is configured at least. When both are within half of it, it grows again by a tenth. L1 only is reported: letting
//! more in would make L3 worse, and refusing costs what it costs.
//!
//! Pure: counts come in as totals, and time as an argument.

use super::{Class, Micros, Moment};

/// How long a look at the losses takes in.
const WINDOW: Micros = Micros::from_ms(1_000);

/// Fewer answers than this say nothing about a share of them.
const ENOUGH: u64 = 100;

/// Of ten thousand: the unit that losses are told in.
const ALL: u64 = 10_000;

/// How much less may wait after a second over the budget, and how much more after one well within it; percent.
const CUT: u64 = 67;
const GROWN: u64 = 110;

/// The part of what is configured, one in so many, that may wait at the least.
const LEAST: u64 = 5;

/// The most that was decided in a second counts for less each second, one part in so many less: half after three minutes. What a
/// server did in another sale is no measure.
const FADES: u64 = 256;

/// What the rules go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How much may be lost of each kind, of ten thousand.
    pub(crate) budget: u32,
    /// How much work may wait where nothing is lost, microseconds; 0: there is no bound to be moved.
    pub(crate) target_us: u64,
}

/// What happened since the start, as totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Operations that were decided: answered with anything but "try again".
    pub(crate) decided: u64,
    /// Operations that were answered late, those that expired among them.
    pub(crate) late: u64,
    /// Operations that were let in and failed at their deadlines.
    pub(crate) expired: u64,
    /// Payments, cancels and what follows a payment: all that were answered.
    pub(crate) settled: u64,
    /// Of these, refused or answered late.
    pub(crate) settled_badly: u64,
}

/// Operations, and those of them that settle something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) all: u64,
    pub(crate) settling: u64,
}

impl Tally {
    /// Adds operations of a class.
    pub(crate) fn note(&mut self, class: Class, operations: u32) {
        self.all += u64::from(operations);
        self.settling += if class == Class::Settle { u64::from(operations) } else { 0 };
    }
}

impl Totals {
    const fn since(self, before: Self) -> Self {
        Self {
            decided: self.decided.saturating_sub(before.decided),
            late: self.late.saturating_sub(before.late),
            expired: self.expired.saturating_sub(before.expired),
            settled: self.settled.saturating_sub(before.settled),
            settled_badly: self.settled_badly.saturating_sub(before.settled_badly),
        }
    }
}

/// What was lost in the last second, of ten thousand each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Goodput, against the most of a second lately.
    pub goodput: u32,
    /// What was let in and failed or was late.
    pub admitted: u32,
    /// Payments and cancels.
    pub settled: u32,
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Losses {
    settings: Settings,
    before: Totals,
    since: Moment,
    /// The most that was decided in a second.
    peak: u64,
    lost: Lost,
    target_us: u64,
}

impl Losses {
    pub(crate) const fn new(settings: Settings) -> Self {
        let (before, lost) = (
            Totals { decided: 0, late: 0, expired: 0, settled: 0, settled_badly: 0 },
            Lost { goodput: 0, admitted: 0, settled: 0 },
        );
        Self { settings, before, since: Moment::START, peak: 0, lost, target_us: settings.target_us }
    }

    /// From now on it goes by these. What may wait begins anew at what they allow.
    pub(crate) const fn configure(&mut self, settings: Settings) {
        self.settings = settings;
        self.target_us = settings.target_us;
    }

    /// Whether a second is over, so that [`look`](Self::look) has something to see.
    #[inline]
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        now.since(self.since) >= WINDOW
    }

    /// Looks at the second that is over. `overloaded` says whether requests were refused in it. Returns how much work may wait
    /// from now on, microseconds.
    pub(crate) fn look(&mut self, now: Moment, totals: Totals, overloaded: bool) -> u64 {
        let length = now.since(self.since).us().max(1);
        let Totals { decided, late, expired, settled, settled_badly } = totals.since(self.before);
        (self.before, self.since) = (totals, now);
        let per_second = decided.saturating_sub(late).saturating_mul(WINDOW.us()) / length;
        self.peak = (self.peak - self.peak.div_ceil(FADES)).max(per_second);
        let missing = if overloaded { self.peak - per_second } else { 0 };
        self.lost = Lost {
            goodput: share(missing, self.peak),
            // What expires has waited for longer than what is late.
            admitted: share(late.max(expired), decided + expired),
            settled: share(settled_badly, settled),
        };
        let worst = self.lost.admitted.max(self.lost.settled);
        let Settings { budget, target_us } = self.settings;
        if worst > budget {
            // Never to 0, which would mean that nothing is refused.
            self.target_us = (self.target_us * CUT / 100).max(target_us / LEAST).max(target_us.min(1));
        } else if worst <= budget / 2 {
            self.target_us = (self.target_us * GROWN / 100 + 1).min(target_us);
        }
        self.target_us
    }

    /// What was lost in the last second that was looked at.
    pub(crate) const fn lost(&self) -> Lost {
        self.lost
    }
}

/// A part of something, of ten thousand; 0 where it is too little to say.
fn share(part: u64, of: u64) -> u32 {
    if of < ENOUGH { 0 } else { u32::try_from(part.min(of) * ALL / of).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::after_start(Micros::from_ms(ms))
    }

    /// A budget of 3 % and 5 ms that may wait.
    fn losses() -> Losses {
        Losses::new(Settings { budget: 300, target_us: 5_000 })
    }

    /// One second after the other, each with so much decided, of which so much late, and whether the server was overloaded.
    fn seconds(losses: &mut Losses, each: &[(u64, u64, bool)]) -> Vec<(Lost, u64)> {
        let mut totals = losses.before;
        let mut now = losses.since;
        let mut second = |&(decided, late, overloaded): &(u64, u64, bool)| {
            totals = Totals { decided: totals.decided + decided, late: totals.late + late, ..totals };
            now = now.plus(WINDOW);
            assert!(losses.is_due(now));
            let target_us = losses.look(now, totals, overloaded);
            (losses.lost(), target_us)
        };
        each.iter().map(&mut second).collect()
    }

    #[test]
    fn a_second_within_the_budget_changes_nothing() {
        let mut losses = losses();
        assert!(!losses.is_due(at(999)) && losses.is_due(at(1_000)));
        let seen = seconds(&mut losses, &[(10_000, 100, false)]);
        assert_eq!(seen, [(Lost { admitted: 100, ..Lost::default() }, 5_000)]);
    }

    #[test]
    fn what_is_let_in_too_late_makes_less_wait_and_the_calm_more_again() {
        let mut losses = losses();
        let late = seconds(&mut losses, &[(10_000, 500, true); 8]);
        let targets: Vec<u64> = late.iter().map(|(_, target_us)| *target_us).collect();
        assert_eq!(targets, [3_350, 2_244, 1_503, 1_007, 1_000, 1_000, 1_000, 1_000], "a fifth at least");
        let between = seconds(&mut losses, &[(10_000, 200, true)]);
        assert_eq!(between[0].1, 1_000, "between half the budget and the budget, nothing moves");
        let calm = seconds(&mut losses, &[(10_000, 150, false); 18]);
        assert_eq!((calm[0].1, calm.last().expect("some").1), (1_101, 5_000));
    }

    #[test]
    fn other_settings_count_from_the_next_second_on() {
        let mut losses = losses();
        assert_eq!(seconds(&mut losses, &[(10_000, 500, true)])[0].1, 3_350);
        losses.configure(Settings { budget: 600, target_us: 2_000 });
        assert_eq!(seconds(&mut losses, &[(10_000, 500, true)])[0].1, 2_000, "within the new budget");
        assert_eq!(seconds(&mut losses, &[(10_000, 700, true)])[0].1, 1_340);
    }

    #[test]
    fn goodput_is_missing_only_while_requests_are_refused() {
        let mut losses = losses();
        let seen = seconds(&mut losses, &[(10_000, 0, false), (4_000, 0, false), (9_000, 0, true)]);
        let goodput: Vec<u32> = seen.iter().map(|(lost, _)| lost.goodput).collect();
        assert_eq!(goodput, [0, 0, 928], "against 10,000, which fades by a 256th each second");
        assert_eq!(seen[2].1, 5_000, "nothing is gained by letting less in");
    }

    #[test]
    fn payments_that_are_refused_count_by_themselves() {
        let mut losses = losses();
        let totals = Totals { decided: 100_000, settled: 1_000, settled_badly: 40, ..Totals::default() };
        assert_eq!(losses.look(at(1_000), totals, true), 3_350);
        assert_eq!(losses.lost(), Lost { settled: 400, ..Lost::default() });
    }

    #[test]
    fn what_failed_at_its_deadline_was_let_in() {
        let mut losses = losses();
        losses.look(at(1_000), Totals { decided: 900, expired: 100, ..Totals::default() }, true);
        assert_eq!(losses.lost().admitted, 1_000);
    }

    #[test]
    fn the_least_bound_there_is_stays_a_bound() {
        let mut losses = Losses::new(Settings { budget: 300, target_us: 2 });
        let seen = seconds(&mut losses, &[(10_000, 9_000, true); 4]);
        assert!(seen.iter().all(|(_, target_us)| *target_us >= 1), "{seen:?}");
    }

    #[test]
    fn of_a_few_answers_no_share_is_taken() {
        let mut losses = losses();
        let seen = seconds(&mut losses, &[(99, 99, true)]);
        assert_eq!(seen, [(Lost::default(), 5_000)]);
    }

    #[test]
    fn a_server_without_a_bound_has_none_to_move() {
        let mut losses = Losses::new(Settings { budget: 300, target_us: 0 });
        let seen = seconds(&mut losses, &[(10_000, 9_000, false), (10_000, 0, false)]);
        assert_eq!(seen.iter().map(|(_, target_us)| *target_us).collect::<Vec<_>>(), [0, 0]);
    }
}
