//! What an operator may want.

use super::*;

impl Bench {
    fn set(&mut self, mode: Mode) -> State {
        self.breaker.set_mode(self.now, mode);
        assert_eq!(self.report().mode, mode);
        self.state()
    }
}

#[test]
fn forced_open_refuses_all_until_it_is_released_and_then_probes() {
    let mut bench = Bench::new(Class::Settle);
    let before = bench.admit(100).permit;
    assert_eq!(bench.set(Mode::ForcedOpen), State::ForcedOpen);
    let mut bench = bench.after_ms(3_600_000);
    let refused = bench.admit(1);
    assert_eq!((refused.admitted, refused.retry_after), (0, Micros::from_ms(8_000)));
    assert_eq!(bench.record(before, failed(100)), State::ForcedOpen);
    bench.trip();
    assert_eq!(bench.state(), State::ForcedOpen);
    assert_eq!(bench.report().time_open, Micros::from_ms(3_600_000));
    assert_eq!(bench.set(Mode::Automatic), State::HalfOpen);
    assert_eq!((bench.admit(9).admitted, bench.report().openings), (5, 0));
}

#[test]
fn disabled_admits_all_and_counts_nothing() {
    let mut bench = Bench::open();
    assert_eq!(bench.set(Mode::Disabled), State::Disabled);
    assert_eq!(bench.batch(failed(1_000)), State::Disabled);
    bench.trip();
    let late = bench.admit(1_024);
    assert_eq!((late.admitted, late.retry_after), (1_024, Micros::ZERO));
    assert_eq!((bench.report().window, bench.report().openings), (Results::default(), 1));
    assert_eq!(bench.set(Mode::Automatic), State::Closed);
    assert_eq!(bench.report().openings, 0);
    assert_eq!(bench.record(late.permit, failed(100)), State::Closed, "not even afterwards");
    assert_eq!(bench.batch(failed(10)), State::Open);
}

#[test]
fn metrics_only_admits_all_and_shows_what_it_would_do() {
    let quota = SlowQuota::of(2);
    let mut bench = Bench::among(Class::Reserve, &quota);
    assert_eq!(bench.set(Mode::MetricsOnly), State::Closed);
    assert_eq!((bench.batch(slow(50)), quota.taken()), (State::Open, 0));
    let all = bench.admit(1_000);
    assert_eq!((all.admitted, all.retry_after, bench.report().would_refuse), (1_000, Micros::ZERO, 1_000));
    assert_eq!(bench.record(all.permit, failed(1_000)), State::Open);
    let mut bench = bench.after_ms(250);
    let probes = bench.admit(1_000);
    assert_eq!(
        (probes.admitted, bench.report().would_refuse, bench.state()),
        (1_000, 1_995, State::HalfOpen)
    );
    assert_eq!(
        bench.record(probes.permit, Results { ok: 900, slow: 0, failed: 100 }),
        State::Ramp,
        "10 % of them"
    );
    assert_eq!((bench.admit(1_000).admitted, bench.report().would_refuse), (1_000, 2_665));
    assert_eq!(bench.report().time_open, Micros::from_ms(250));
    assert_eq!(bench.batch(failed(10)), State::Open);
    assert_eq!(bench.set(Mode::Automatic), State::Closed, "nobody acted on it then, nobody does now");
    assert_eq!((bench.admit(9).admitted, bench.report().openings), (9, 0));
}

#[test]
fn metrics_only_takes_over_where_the_rules_are_and_frees_the_seat() {
    let quota = SlowQuota::of(2);
    let mut bench = Bench::among(Class::Reserve, &quota);
    bench.batch(slow(50));
    assert_eq!((bench.set(Mode::MetricsOnly), quota.taken()), (State::Open, 0));
    let mut bench = bench.after_ms(250);
    assert_eq!((bench.heal(), bench.admit(1_000).admitted), (State::Ramp, 1_000));
}

#[test]
fn every_mode_is_reached_from_every_other_and_left_to_a_known_state() {
    use Mode::{Automatic, Disabled, ForcedOpen, MetricsOnly};
    for (from, to, state) in [
        (Automatic, ForcedOpen, State::ForcedOpen),
        (Automatic, Disabled, State::Disabled),
        (Automatic, MetricsOnly, State::Closed),
        (ForcedOpen, Automatic, State::HalfOpen),
        (ForcedOpen, Disabled, State::Disabled),
        (ForcedOpen, MetricsOnly, State::Closed),
        (Disabled, Automatic, State::Closed),
        (Disabled, ForcedOpen, State::ForcedOpen),
        (Disabled, MetricsOnly, State::Closed),
        (MetricsOnly, Automatic, State::Closed),
        (MetricsOnly, ForcedOpen, State::ForcedOpen),
        (MetricsOnly, Disabled, State::Disabled),
    ] {
        let mut bench = Bench::new(Class::Reserve);
        bench.set(from);
        assert_eq!(bench.set(to), state, "{from:?} to {to:?}");
        let steps = bench.report().history.last().count();
        assert_eq!(
            (bench.set(to), bench.report().history.last().count()),
            (state, steps),
            "again changes nothing"
        );
    }
}
