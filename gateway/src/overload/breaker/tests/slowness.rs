//! Opening for slowness: never for settling, and never at more than half of the shards.

use super::*;

#[test]
fn fifty_milliseconds_are_not_slow_and_more_are() {
    let settings = Settings::default();
    assert!(!settings.is_slow(Micros::from_ms(50)));
    assert!(settings.is_slow(Micros::from_us(50_001)));
}

#[test]
fn slowness_never_opens_settling_and_failures_do() {
    let mut bench = Bench::new(Class::Settle);
    assert_eq!(bench.batch(slow(10_000)), State::Closed);
    assert_eq!(bench.batch(failed(10)), State::Open);
    let mut bench = bench.after_ms(250);
    bench.batch(slow(5));
    assert_eq!(bench.batch(slow(5)), State::Ramp, "nor keeps it open");
    let mut bench = bench.after_ms(1_999);
    assert_eq!(bench.batch(slow(100)), State::Ramp);
    let mut bench = bench.after_ms(1);
    assert_eq!((bench.state(), bench.report().openings), (State::Closed, 0), "nor from recovering");
}

#[test]
fn half_of_the_shards_may_be_open_for_slowness_and_any_number_for_faults() {
    for (shards, seats) in [(1, 0), (2, 1), (3, 1), (4, 2), (8, 4)] {
        let quota = SlowQuota::of(shards);
        let mut benches: Vec<Bench> = (0..shards).map(|_| Bench::among(Class::Reserve, &quota)).collect();
        let open = |benches: &mut Vec<Bench>| {
            benches.iter_mut().map(Bench::state).filter(|state| *state == State::Open).count()
        };
        for bench in &mut benches {
            bench.batch(slow(50));
        }
        assert_eq!((open(&mut benches), quota.taken()), (seats as usize, seats), "{shards} shards");
        assert!(benches.iter_mut().skip(seats as usize).all(|bench| bench.report().spared == 1));
        for bench in &mut benches {
            bench.batch(failed(10));
        }
        assert_eq!((open(&mut benches), quota.taken()), (shards as usize, seats), "{shards} shards");
    }
}

#[test]
fn a_seat_is_held_while_probing_and_free_in_the_ramp() {
    let quota = SlowQuota::of(2);
    let mut bench = Bench::among(Class::Reserve, &quota);
    bench.batch(slow(50));
    bench.pass_us(250_000);
    assert_eq!((bench.state(), quota.taken()), (State::HalfOpen, 1));
    assert_eq!((bench.batch(slow(3)), quota.taken()), (State::Open, 1), "reopened for slowness");
    bench.pass_us(500_000);
    assert_eq!((bench.heal(), quota.taken()), (State::Ramp, 0));
    bench.batch(slow(50));
    assert_eq!((bench.state(), quota.taken()), (State::Open, 1));
    drop(bench);
    assert_eq!(quota.taken(), 0, "a breaker that goes takes no seat with it");
}

#[test]
fn a_seat_is_free_again_when_a_fault_is_what_keeps_it_open() {
    let quota = SlowQuota::of(2);
    let mut bench = Bench::among(Class::Reserve, &quota);
    bench.batch(slow(50));
    bench.pass_us(250_000);
    assert_eq!((bench.batch(failed(2)), quota.taken()), (State::Open, 0));
}

#[test]
fn slow_probes_without_a_seat_go_on() {
    let quota = SlowQuota::of(2);
    let (mut other, mut bench) = (Bench::among(Class::Reserve, &quota), Bench::among(Class::Reserve, &quota));
    other.batch(slow(50));
    bench.batch(failed(10));
    bench.pass_us(250_000);
    assert_eq!(bench.batch(slow(5)), State::HalfOpen);
    assert_eq!(bench.batch(slow(5)), State::Ramp, "as the other is open for that already");
    other.pass_us(250_000);
    other.heal();
    bench.pass_us(2_000_000);
    assert_eq!(bench.batch(slow(50)), State::Open, "now there is a seat");
}
