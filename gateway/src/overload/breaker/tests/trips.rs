//! What opens a breaker, and what doesn't.

use super::*;

#[test]
fn forty_nine_samples_are_not_enough_and_fifty_are() {
    for fill in [ok(24), slow(24)] {
        let mut bench = Bench::new(Class::Reserve);
        // Among successes, so that there are no ten in a row.
        assert_eq!(bench.batch(Results { failed: 25, ..fill }), State::Closed, "49");
        assert_eq!(bench.batch(ok(1)), State::Open, "50, half of them failed");
        assert_eq!(bench.why(), Some(Reason::FailedShare));
    }
}

#[test]
fn a_share_just_below_half_is_borne() {
    let mut bench = Bench::new(Class::Reserve);
    assert_eq!(bench.batch(Results { ok: 501, slow: 0, failed: 499 }), State::Closed, "49.9 %");
    assert_eq!(bench.batch(failed(2)), State::Open, "501 of 1,002");
}

#[test]
fn slow_results_are_samples_but_no_failures() {
    let mut bench = Bench::new(Class::Reserve);
    assert_eq!(bench.batch(Results { ok: 201, slow: 799, failed: 0 }), State::Closed, "79.9 %");
    assert_eq!(bench.batch(slow(5)), State::Open, "804 of 1,005");
    assert_eq!(bench.why(), Some(Reason::SlowShare));
}

#[test]
fn the_tenth_failure_in_a_row_opens() {
    let mut bench = Bench::new(Class::Reserve);
    for _ in 0..9 {
        assert_eq!(bench.batch(failed(1)), State::Closed);
    }
    assert_eq!(bench.batch(failed(1)), State::Open);
    assert_eq!(bench.why(), Some(Reason::FailedInARow));
}

#[test]
fn a_success_between_ends_the_row_and_time_does_not() {
    let mut bench = Bench::new(Class::Reserve);
    bench.batch(failed(9));
    bench.batch(ok(1));
    assert_eq!(bench.batch(failed(9)), State::Closed);
    bench.pass_us(3_600_000_000);
    assert_eq!(bench.batch(failed(1)), State::Open);
}

#[test]
fn failures_are_forgotten_a_second_later() {
    let failing = Results { ok: 24, slow: 0, failed: 25 };
    for (passed, state) in
        [(999_999, State::Open), (1_000_000, State::Closed), (86_400_000_000, State::Closed)]
    {
        let mut bench = Bench::new(Class::Reserve);
        bench.batch(failing);
        bench.pass_us(passed);
        let counted = if state == State::Open { failing } else { Results::default() };
        assert_eq!((bench.report().window, bench.batch(ok(1))), (counted, state), "{passed} us later");
    }
}

#[test]
fn what_says_nothing_about_health_is_not_even_a_sample() {
    let mut bench = Bench::new(Class::Reserve);
    bench.batch(failed(9));
    // A thousand sold out, limited, shed, expired or cancelled: admitted, and in none of the counts.
    let permit = bench.admit(1_000).permit;
    assert_eq!(bench.record(permit, Results::default()), State::Closed);
    assert_eq!(bench.report().window, failed(9));
    assert_eq!(bench.batch(failed(1)), State::Open, "it doesn't end a row either");
}

#[test]
fn all_are_refused_while_open_and_told_until_when() {
    let mut bench = Bench::open();
    bench.pass_us(100);
    let refused = bench.admit(1_024);
    assert_eq!((refused.admitted, refused.retry_after.us()), (0, 249_900));
    bench.pass_us(249_899);
    let refused = bench.admit(1);
    assert_eq!((refused.admitted, refused.retry_after.us()), (0, 1));
    bench.pass_us(1);
    assert_eq!(bench.admit(1).admitted, 1, "the first probe");
}

#[test]
fn results_from_before_it_opened_are_not_counted_after() {
    let mut bench = Bench::new(Class::Reserve);
    let late: Vec<Permit> = (0..4).map(|_| bench.admit(100).permit).collect();
    bench.trip();
    let mut late = late.into_iter().map(|permit| move |bench: &mut Bench| bench.record(permit, failed(100)));
    assert_eq!(late.next().unwrap()(&mut bench), State::Open);
    let mut bench = bench.after_ms(250);
    assert_eq!(late.next().unwrap()(&mut bench), State::HalfOpen);
    assert_eq!(bench.heal(), State::Ramp);
    assert_eq!(late.next().unwrap()(&mut bench), State::Ramp);
    let mut bench = bench.after_ms(2_000);
    assert_eq!(late.next().unwrap()(&mut bench), State::Closed);
    assert_eq!(bench.report().window, Results::default());
}

#[test]
fn a_moment_that_is_earlier_counts_as_the_latest() {
    let mut bench = Bench::open();
    bench.pass_us(250_000);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.now = Moment::START;
    bench.batch(failed(2));
    assert_eq!(bench.report().history.last().next_back().unwrap().at.us(), 250_000);
    assert_eq!(bench.admit(1).retry_after, Micros::from_ms(500));
}

#[test]
fn transitions_are_counted_kept_and_timed() {
    let mut bench = Bench::ramp().after_ms(2_000);
    let report = bench.report();
    let steps: Vec<_> =
        report.history.last().map(|step| (step.from, step.to, step.reason, step.at.us() / 1_000)).collect();
    assert_eq!(
        steps,
        [
            (State::Closed, State::Open, Reason::FailedInARow, 0),
            (State::Open, State::HalfOpen, Reason::TimeOpenOver, 250),
            (State::HalfOpen, State::Ramp, Reason::ProbesHealthy, 250),
            (State::Ramp, State::Closed, Reason::RampOver, 2_250),
        ]
    );
    assert_eq!(report.time_open, Micros::from_ms(250));
    for round in 0..100 {
        bench.trip();
        bench.pass_us(100_000);
        let open = bench.report().time_open;
        assert_eq!(open, Micros::from_ms(250 * (round + 1) + 100), "the present state included");
        bench.pass_us(150_000);
        bench.heal();
        bench.pass_us(2_000_000);
        assert_eq!(bench.state(), State::Closed);
    }
    let history = bench.report().history;
    assert_eq!(history.last().count(), 16, "a bounded number is kept");
    let counts: Vec<u64> = history.counts().map(|(_, count)| count).collect();
    assert_eq!(counts, [0, 0, 101, 101, 0, 0, 101, 101, 0]);
}
