//! Crowds of Poisson arrivals in virtual time, from seeds that are printed.

use rand::SeedableRng;
use rand_distr::{Distribution, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

const SEED: u64 = 0x51_7E57;

/// A rule about the running mean, whose floor is low.
fn rule(per: Per) -> AnomalyRule {
    AnomalyRule {
        name: "rule".to_owned(),
        per,
        above: 5.0,
        planned_per_second: 0,
        least_per_second: 20,
        plan: "plan".to_owned(),
    }
}

struct World {
    counts: Counts,
    detector: Detector,
    rng: Xoshiro256PlusPlus,
    now: Moment,
    per: Per,
}

impl World {
    fn new(rule: AnomalyRule, seed: u64) -> Self {
        println!("seed {seed}");
        let per = rule.per;
        Self {
            counts: Counts::new(std::slice::from_ref(&rule), SEED).expect("a rule"),
            detector: Detector::new(vec![rule]),
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            now: Moment::START,
            per,
        }
    }

    /// Orders arrive at these rates until the next look.
    fn look(&mut self, rates: &[(u64, f64)]) -> Vec<Found> {
        for &(name, rate) in rates.iter().filter(|(_, rate)| *rate > 0.0) {
            let arrivals = Poisson::new(rate / 10.0).expect("a rate").sample(&mut self.rng);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            self.counts.note_many(self.per, name, arrivals as u64);
        }
        self.now = self.now.plus(EVERY);
        self.detector.look(self.now, &[&self.counts])
    }

    /// Goes on for so long; gives what was found, with the seconds since.
    fn run(&mut self, seconds: u64, rates: &[(u64, f64)]) -> Vec<(Found, f64)> {
        let began = self.now;
        let mut all = Vec::new();
        for _ in 0..seconds * 10 {
            let found = self.look(rates);
            let after = std::time::Duration::from_micros(self.now.since(began).us()).as_secs_f64();
            all.extend(found.into_iter().map(|found| (found, after)));
        }
        all
    }
}

/// What a dimension is about where it is about this name.
fn subject(per: Per, name: u64) -> Subject {
    Subject::of(per, name)
}

#[test]
fn a_ten_fold_step_is_found_within_a_second_at_any_rate_in_any_dimension() {
    for per in [Per::All, Per::Sku, Per::Channel, Per::Cohort] {
        for base in [10.0, 100.0, 1_000.0, 10_000.0, 100_000.0] {
            for seed in 0..8 {
                let mut world = World::new(rule(per), seed);
                let quiet = world.run(60, &[(0, base)]);
                assert!(quiet.is_empty(), "{per:?} {base}: {quiet:?}");
                let found = world.run(1, &[(0, 10.0 * base)]);
                assert_eq!(found.len(), 1, "{per:?} {base}: {found:?}");
                assert_eq!(found[0].0.subject, subject(per, 0));
            }
        }
    }
}

#[test]
fn the_one_among_many_whose_orders_step_up_is_named() {
    for (per, many) in [(Per::Sku, 1_000_u64), (Per::Channel, 12), (Per::Cohort, 6)] {
        for seed in 0..4 {
            let mut world = World::new(rule(per), seed);
            let mut rates: Vec<(u64, f64)> = (1..=many).map(|name| (name, 20.0)).collect();
            assert_eq!(world.run(40, &rates), []);
            // Of two SKUs that share a place the mean is twice as high, so that ten times as much of one is less than that of both.
            rates[4].1 = 300.0;
            let found = world.run(1, &rates);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0.subject, subject(per, 5));
        }
    }
}

#[test]
fn an_hour_of_flat_traffic_is_nothing_unusual() {
    for base in [5.0, 10.0, 100.0, 1_000.0, 100_000.0] {
        for seed in 0..5 {
            let mut world = World::new(rule(Per::All), seed);
            assert_eq!(world.run(3_600, &[(0, base)]), [], "{base}");
        }
    }
    let many: Vec<(u64, f64)> = (1_u32..=40).map(|name| (name.into(), f64::from(name))).collect();
    for seed in 0..2 {
        let mut world = World::new(AnomalyRule { least_per_second: 10, above: 2.0, ..rule(Per::Sku) }, seed);
        assert_eq!(world.run(3_600, &many), []);
    }
}

#[test]
fn what_doubles_over_minutes_is_nothing_unusual() {
    let mut world = World::new(rule(Per::All), 1);
    let mut rate = 100.0;
    for _ in 0..600 {
        assert_eq!(world.run(1, &[(0, rate)]), [], "{rate}");
        // Twice as much every minute.
        rate *= 2.0_f64.powf(1.0 / 60.0);
    }
}

#[test]
fn an_opening_that_is_planned_is_none_and_what_goes_beyond_the_plan_is_one() {
    let planned = AnomalyRule { planned_per_second: 97_600, above: 2.0, ..rule(Per::All) };
    let mut world = World::new(planned, 2);
    assert_eq!(world.run(5, &[(0, 800.0)]), []);
    assert_eq!(world.run(300, &[(0, 122.0 * 800.0)]), []);
    assert_eq!(world.run(1, &[(0, 300_000.0)]).len(), 1);
}

#[test]
fn a_rule_without_a_plan_only_learns_at_first() {
    let mut world = World::new(rule(Per::All), 3);
    assert_eq!(world.run(5, &[(0, 10.0)]), []);
    assert_eq!(world.run(5, &[(0, 1_000.0)]), []);
}

#[test]
fn a_sku_that_nobody_asked_for_is_found_when_a_crowd_comes() {
    let mut world = World::new(rule(Per::Sku), 4);
    world.run(30, &[(1, 50.0)]);
    let found = world.run(1, &[(1, 50.0), (2, 100.0)]);
    assert_eq!(found.iter().map(|(found, _)| found.subject).collect::<Vec<_>>(), [Subject::Sku(2)]);
}

#[test]
fn it_is_found_once_until_it_was_quiet() {
    let mut world = World::new(rule(Per::All), 5);
    world.run(60, &[(0, 100.0)]);
    assert_eq!(world.run(600, &[(0, 1_000.0)]).len(), 1);
    assert_eq!(world.run(5, &[(0, 100.0)]), []);
    assert_eq!(world.run(30, &[(0, 1_000.0)]), [], "it was quiet for too short a time");
    assert_eq!(world.run(12, &[(0, 100.0)]), []);
    assert_eq!(world.run(1, &[(0, 1_000.0)]).len(), 1);
}

#[test]
fn who_says_that_it_is_over_gets_it_again_and_who_says_that_it_is_usual_does_not() {
    let mut world = World::new(rule(Per::All), 6);
    world.run(60, &[(0, 100.0)]);
    let found = world.run(5, &[(0, 1_000.0)]);
    let Found { rule, place, .. } = found[0].0;
    world.detector.forget(rule, place);
    assert_eq!(world.run(1, &[(0, 1_000.0)]).len(), 1);
    world.detector.learn_anew(rule, place);
    assert_eq!(world.run(120, &[(0, 1_000.0)]), []);
    assert_eq!(world.run(1, &[(0, 10_000.0)]).len(), 1);
}

#[test]
fn less_than_the_floor_is_nothing_unusual() {
    let mut world = World::new(AnomalyRule { least_per_second: 5_000, ..rule(Per::All) }, 7);
    world.run(60, &[(0, 100.0)]);
    assert_eq!(world.run(60, &[(0, 4_000.0)]), []);
}

#[test]
fn looks_that_come_late_or_at_once_change_nothing() {
    let mut world = World::new(rule(Per::All), 8);
    for _ in 0..40 {
        world.counts.note_many(Per::All, 0, 150);
        world.now = world.now.plus(Micros::from_ms(1_500));
        assert_eq!(world.detector.look(world.now, &[&world.counts]), []);
        assert_eq!(world.detector.look(world.now, &[&world.counts]), []);
    }
    world.counts.note_many(Per::All, 0, 2_000);
    world.now = world.now.plus(Micros::from_ms(1_500));
    assert_eq!(world.detector.look(world.now, &[&world.counts]).len(), 1);
}
