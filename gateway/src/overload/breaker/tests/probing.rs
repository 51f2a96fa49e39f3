//! Half-open: few probes, leases, a verdict on ten results.

use super::*;

#[test]
fn five_probes_are_out_at_most_and_ten_results_decide() {
    let mut bench = Bench::half_open();
    let first = bench.admit(1_024);
    assert_eq!((first.admitted, first.retry_after), (5, Micros::from_ms(250)));
    assert_eq!(bench.admit(1).admitted, 0, "all five are out");
    assert_eq!(bench.record(first.permit, ok(5)), State::HalfOpen);
    let (second, third) = (bench.admit(3), bench.admit(3));
    assert_eq!((second.admitted, third.admitted, third.retry_after), (3, 2, Micros::from_ms(250)));
    assert_eq!(bench.record(second.permit, ok(3)), State::HalfOpen, "eight");
    assert_eq!(bench.admit(9).admitted, 0, "two are out, and two are all that is needed");
    assert_eq!(bench.record(third.permit, ok(1)), State::HalfOpen, "nine, and one without result");
    assert_eq!(bench.batch(ok(1)), State::Ramp);
}

#[test]
fn one_failed_and_two_slow_of_ten_are_forgiven_and_no_more() {
    let mut bench = Bench::half_open();
    bench.batch(Results { ok: 2, slow: 2, failed: 1 });
    assert_eq!(bench.batch(ok(5)), State::Ramp);

    let mut bench = Bench::half_open();
    assert_eq!(bench.batch(failed(1)), State::HalfOpen);
    assert_eq!(bench.batch(failed(1)), State::Open, "eight more couldn't mend it");
    assert_eq!(bench.why(), Some(Reason::ProbesFailed));

    let mut bench = Bench::half_open();
    assert_eq!(bench.batch(slow(2)), State::HalfOpen);
    assert_eq!(bench.batch(slow(1)), State::Open);
    assert_eq!(bench.why(), Some(Reason::ProbesSlow));
}

#[test]
fn a_lease_runs_out_after_a_second_and_frees_its_place() {
    let mut bench = Bench::half_open();
    let lost = bench.admit(1).permit;
    bench.pass_us(999_999);
    assert_eq!((bench.report().probes, bench.admit(9).admitted), (1, 4));
    bench.pass_us(1);
    assert_eq!((bench.report().probes, bench.admit(9).admitted), (4, 1), "one of ten failed");
    assert_eq!(bench.record(lost, ok(1)), State::HalfOpen);
    assert_eq!(bench.report().probes, 5, "who comes back after its lease frees nothing");
}

#[test]
fn probes_that_hang_reopen_instead_of_waiting_for_ever() {
    let mut bench = Bench::half_open();
    let hung = bench.admit(5).permit;
    let mut bench = bench.after_ms(999);
    assert_eq!(bench.state(), State::HalfOpen);
    let mut bench = bench.after_ms(1);
    assert_eq!((bench.state(), bench.why()), (State::Open, Some(Reason::ProbesFailed)));
    assert_eq!(bench.record(hung, failed(5)), State::Open);
    assert_eq!(bench.report().probes, 0);
}

#[test]
fn probes_that_another_rule_refuses_count_as_never_asked_for() {
    let gate = Gate::new(Bench::half_open().breaker);
    let mut now = Moment::after_start(Micros::from_ms(250));
    for _ in 0..10 {
        let refused = gate.admit(now, 9);
        assert_eq!(refused.admitted, 5);
        refused.permit.unused();
        now = now.plus(Micros::from_ms(300));
        let report = gate.report(now);
        assert_eq!(
            (report.state, report.probes),
            (State::HalfOpen, 0),
            "without an answer there is no verdict"
        );
    }
}

#[test]
fn probes_of_an_earlier_round_do_not_count_in_a_later_one() {
    let mut bench = Bench::half_open();
    let early = bench.admit(3).permit;
    bench.batch(failed(2));
    let mut bench = bench.after_ms(500);
    assert_eq!(bench.state(), State::HalfOpen);
    let now = bench.admit(5).permit;
    assert_eq!(bench.record(early, failed(3)), State::HalfOpen);
    assert_eq!((bench.report().probes, bench.record(now, ok(5))), (5, State::HalfOpen));
    assert_eq!(bench.batch(ok(5)), State::Ramp);
}

#[test]
fn a_probe_without_a_result_is_free_again_and_says_nothing() {
    let mut bench = Bench::half_open();
    for _ in 0..100 {
        let probes = bench.admit(5);
        assert_eq!((probes.admitted, bench.record(probes.permit, Results::default())), (5, State::HalfOpen));
    }
    bench.pass_us(1_999_999);
    assert_eq!(bench.state(), State::HalfOpen);
    bench.pass_us(1);
    assert_eq!(
        (bench.state(), bench.why()),
        (State::Ramp, Some(Reason::ProbesHealthy)),
        "a sold-out shard works"
    );
}

#[test]
fn patience_needs_ten_answers_and_forgives_no_more_than_ten_results_do() {
    let mut bench = Bench::half_open().after_ms(0);
    for _ in 0..9 {
        let permit = bench.admit(1).permit;
        bench.record(permit, Results::default());
    }
    let mut bench = bench.after_ms(3_600_000);
    assert_eq!(bench.state(), State::HalfOpen, "nine answers");
    assert_eq!(bench.batch(failed(1)), State::Ramp, "ten answers, one failure");

    let mut bench = Bench::half_open();
    for _ in 0..20 {
        let permit = bench.admit(1).permit;
        bench.record(permit, Results::default());
    }
    bench.batch(failed(2));
    assert_eq!(bench.state(), State::Open);
}

#[test]
fn each_reopening_takes_twice_as_long_and_eight_seconds_at_most() {
    let mut bench = Bench::open();
    for ms in [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000] {
        assert_eq!(bench.admit(1).retry_after, Micros::from_ms(ms));
        bench.pass_us(ms * 1_000 - 1);
        assert_eq!(bench.state(), State::Open);
        bench.pass_us(1);
        assert_eq!(bench.state(), State::HalfOpen);
        assert_eq!(bench.batch(failed(2)), State::Open);
    }
    assert_eq!(bench.report().openings, 8);
}

#[test]
fn jitter_differs_between_seeds_and_repeats_for_one() {
    let open = |seed| {
        let mut breaker = Breaker::new(Class::Read, Settings::default(), SlowQuota::of(2), seed);
        let permit = breaker.admit(Moment::START, 10).permit;
        breaker.record(Moment::START, permit, failed(10));
        breaker.admit(Moment::START, 1).retry_after.us()
    };
    let lengths: Vec<u64> = (0..100).map(open).collect();
    assert!(lengths.iter().all(|us| (200_000..=300_000).contains(us)), "{lengths:?}");
    assert!(lengths.iter().any(|us| *us < 210_000) && lengths.iter().any(|us| *us > 290_000), "{lengths:?}");
    assert_eq!(lengths, (0..100).map(open).collect::<Vec<_>>());
}

#[test]
fn settings_of_zero_neither_divide_nor_lock_out() {
    let settings = Settings {
        bucket: Micros::ZERO,
        samples: 0,
        in_a_row: 0,
        open: Micros::ZERO,
        probes: 0,
        lease: Micros::ZERO,
        results: 0,
        ramp: Micros::ZERO,
        ..steady()
    };
    let breaker = Breaker::new(Class::Read, settings, SlowQuota::of(0), 1);
    let mut bench = Bench { breaker, now: Moment::START };
    assert_eq!(bench.batch(ok(3)), State::Closed);
    assert_eq!(bench.batch(failed(1)), State::HalfOpen);
    assert_eq!(bench.batch(ok(1)), State::Ramp);
    bench.pass_us(1);
    assert_eq!(bench.state(), State::Closed);
}
