//! The ramp, and what counts as recovered.

use super::*;

#[test]
fn the_ramp_begins_at_a_third_and_ends_with_all() {
    for (ms, admitted) in [(0, 330), (500, 497), (1_000, 665), (1_999, 999), (2_000, 1_000)] {
        let mut bench = Bench::ramp().after_ms(ms);
        let admission = bench.admit(1_000);
        assert_eq!(admission.admitted, admitted, "{ms} ms");
        assert_eq!(admission.retry_after, Micros::from_ms(2_000 - ms), "until nobody is refused");
    }
    assert_eq!(Bench::ramp().after_ms(1_999).state(), State::Ramp);
    assert_eq!(Bench::ramp().after_ms(2_000).state(), State::Closed);
}

#[test]
fn what_opens_a_closed_breaker_opens_one_in_its_ramp() {
    let opens = [
        (failed(10), Reason::FailedInARow),
        (Results { ok: 25, slow: 0, failed: 25 }, Reason::FailedShare),
        (Results { ok: 10, slow: 40, failed: 0 }, Reason::SlowShare),
    ];
    for (results, reason) in opens {
        let mut bench = Bench::ramp().after_ms(500);
        assert_eq!((bench.batch(results), bench.why()), (State::Open, Some(reason)));
        assert_eq!(bench.admit(1).retry_after, Micros::from_ms(500), "a second opening without recovery");
    }
    let mut bench = Bench::ramp().after_ms(500);
    assert_eq!(bench.batch(Results { ok: 25, slow: 0, failed: 24 }), State::Ramp, "49 samples");
}

#[test]
fn what_the_ramp_counted_counts_on_when_it_is_over() {
    let mut bench = Bench::ramp().after_ms(1_950);
    let late = bench.admit(30).permit;
    bench.batch(Results { ok: 1, slow: 0, failed: 24 });
    let mut bench = bench.after_ms(50);
    assert_eq!(bench.state(), State::Closed);
    assert_eq!(bench.record(late, Results { ok: 24, slow: 0, failed: 1 }), State::Open, "25 of 50");
}

#[test]
fn a_recovery_is_full_when_the_ramp_is_over_and_the_window_healthy() {
    let at_the_end = [
        (Results::default(), 250),
        (ok(100), 250),
        (Results { ok: 27, slow: 0, failed: 3 }, 250),
        (Results { ok: 26, slow: 0, failed: 3 }, 500),
        (Results { ok: 8, slow: 2, failed: 0 }, 250),
        (Results { ok: 7, slow: 2, failed: 0 }, 500),
    ];
    for (results, ms) in at_the_end {
        let mut bench = Bench::ramp().after_ms(1_900);
        bench.batch(results);
        let mut bench = bench.after_ms(100);
        assert_eq!(bench.time_open_ms(), ms, "{results:?}");
    }
    let mut bench = Bench::ramp().after_ms(1_000);
    bench.batch(Results { ok: 26, slow: 0, failed: 3 });
    assert_eq!(bench.after_ms(1_000).time_open_ms(), 250, "the failures are too old by then");
    let mut bench = Bench::ramp().after_ms(1_999);
    bench.batch(ok(100));
    assert_eq!(bench.time_open_ms(), 500, "not before its end");
}

#[test]
fn a_window_that_becomes_healthy_later_is_a_full_recovery_then() {
    let mut bench = Bench::ramp().after_ms(1_900);
    bench.batch(Results { ok: 26, slow: 0, failed: 3 });
    let mut bench = bench.after_ms(100);
    assert_eq!((bench.state(), bench.report().openings), (State::Closed, 1));
    bench.batch(ok(1));
    assert_eq!(bench.report().openings, 0, "3 of 30");
}

#[test]
fn a_breaker_that_nobody_asks_recovers_when_somebody_does() {
    let mut bench = Bench::open().after_ms(86_400_000);
    assert_eq!(bench.admit(9).admitted, 5, "half-open, however long ago its time was over");
    let mut bench = Bench::ramp().after_ms(86_400_000);
    assert_eq!((bench.admit(9).admitted, bench.report().openings), (9, 0));
}
