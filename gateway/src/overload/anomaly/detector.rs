//! Compares what was counted with what is usual.

use super::course::{Bounds, LOOKS, Sight};
use super::{AnomalyRule, Counts, Course, EVERY, Micros, Moment, Per, Subject, Tallies, WINDOW, counts};

/// Most anomalies that one look gives of a rule. What remains is found by the next.
const MOST_FOUND: usize = 4;

/// See [the module's doc](super).
#[derive(Debug)]
pub(crate) struct Detector {
    watches: Vec<Watch>,
    tallies: Tallies,
    /// When the latest looks were; as many as count.
    looks: [Moment; LOOKS],
    /// Looks ever.
    number: usize,
    /// When the last second ended.
    second: Moment,
    /// Seconds that have ended.
    seconds: u32,
}

/// What is known for one rule.
#[derive(Debug)]
struct Watch {
    rule: AnomalyRule,
    courses: Vec<Course>,
    /// The highest ratio of the latest look.
    ratio: f64,
}

/// Something out of the ordinary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// The number of the rule.
    pub(crate) rule: usize,
    /// What it is about.
    pub(crate) subject: Subject,
    /// Where its course is.
    pub(crate) place: usize,
    /// Orders a second now.
    pub(crate) rate: f64,
    /// Orders a second that are usual.
    pub(crate) usual: f64,
}

impl Detector {
    pub(crate) fn new(rules: Vec<AnomalyRule>) -> Self {
        let watch = |rule: AnomalyRule| {
            let courses = vec![Course::default(); counts::places(rule.per)];
            Watch { rule, courses, ratio: 0.0 }
        };
        Self {
            watches: rules.into_iter().map(watch).collect(),
            tallies: Tallies::default(),
            looks: [Moment::START; LOOKS],
            number: 0,
            second: Moment::START,
            seconds: 0,
        }
    }

    /// Looks at what all reactors have counted by now, and gives what is out of the ordinary since this look. A look that comes
    /// right after another is none.
    pub(crate) fn look(&mut self, now: Moment, all: &[&Counts]) -> Vec<Found> {
        let at = self.number % LOOKS;
        let latest = self.looks.get((at + LOOKS - 1) % LOOKS).copied().unwrap_or_default();
        if self.number > 0 && now.since(latest).us() < EVERY.us() / 2 {
            return Vec::new();
        }
        if let Some(look) = self.looks.get_mut(at) {
            *look = now;
        }
        let first = self.number == 0;
        self.number += 1;
        let from = self.window(at, now);
        let took = if first { Micros::ZERO } else { now.since(self.second) };
        let ends = first || took >= Micros::from_ms(1_000);
        if ends {
            self.second = now;
            self.seconds = self.seconds.saturating_add(u32::from(!first));
        }
        let mut found = Vec::new();
        let seconds = self.seconds;
        for per in [Per::All, Per::Sku, Per::Channel, Per::Cohort] {
            if !self.watches.iter().any(|watch| watch.rule.per == per) {
                continue;
            }
            self.tallies.gather(per, all);
            let same = (0..).zip(&mut self.watches).filter(|(_, watch)| watch.rule.per == per);
            for (rule, watch) in same {
                watch.ratio = 0.0;
                let mut room = MOST_FOUND;
                let bounds = watch.bounds();
                let places = (0..).zip(watch.courses.iter_mut()).zip(self.tallies.each());
                for ((place, course), (orders, name)) in places.filter(|(_, (orders, _))| *orders > 0) {
                    course.begin(seconds);
                    course.note(at, orders);
                    if ends {
                        course.end_second(orders, took);
                    }
                    let Some((from, window)) = from.filter(|_| room > 0) else { continue };
                    let Sight { rate, usual, ratio, news } = course.judge(now, (from, at), window, bounds);
                    watch.ratio = watch.ratio.max(ratio);
                    if news {
                        room -= 1;
                        let subject = Subject::of(per, name);
                        found.push(Found { rule, subject, place, rate, usual });
                    }
                }
            }
        }
        found
    }

    /// Where the look stands that the window of the one at `at` began with, and how long ago that was.
    fn window(&self, at: usize, now: Moment) -> Option<(usize, Micros)> {
        let known = self.number.min(LOOKS);
        (1..known).map(|back| (at + LOOKS - back) % LOOKS).find_map(|from| {
            let took = now.since(*self.looks.get(from)?);
            (took >= WINDOW).then_some((from, took))
        })
    }

    /// What was found there counts no more; the mean is that of before.
    pub(crate) fn forget(&mut self, rule: usize, place: usize) {
        if let Some(course) = self.course(rule, place) {
            course.forget();
        }
    }

    /// What was found there is the usual from now on.
    pub(crate) fn learn_anew(&mut self, rule: usize, place: usize) {
        if let Some(course) = self.course(rule, place) {
            course.learn_anew();
        }
    }

    fn course(&mut self, rule: usize, place: usize) -> Option<&mut Course> {
        self.watches.get_mut(rule)?.courses.get_mut(place)
    }

    /// Each rule with the highest ratio of the latest look: more than its `above` is too much.
    pub(crate) fn ratios(&self) -> impl Iterator<Item = (&AnomalyRule, f64)> {
        self.watches.iter().map(|watch| (&watch.rule, watch.ratio))
    }

    /// The rule with this number.
    pub(crate) fn rule(&self, number: usize) -> Option<&AnomalyRule> {
        self.watches.get(number).map(|watch| &watch.rule)
    }
}

impl Watch {
    fn bounds(&self) -> Bounds {
        let AnomalyRule { above, planned_per_second, least_per_second, .. } = self.rule;
        Bounds { above, planned: planned_per_second.into(), least: least_per_second.into() }
    }
}
