//! Whatever happens: bounds hold, no probe is lost for ever, nothing panics, and a part that is well is let in again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Admit { asked: u32 },
    Record { which: usize, results: Results },
    Drop { which: usize },
    Panic { which: usize },
    Pass { us: u64 },
    Trip,
    Mode(Mode),
}

fn step() -> impl Strategy<Value = Step> {
    let some = prop::sample::select(vec![0_u64, 0, 1, 5, 60, 2_000]);
    let results =
        (some.clone(), some.clone(), some).prop_map(|(ok, slow, failed)| Results { ok, slow, failed });
    let length = prop::sample::select(vec![
        0,
        1,
        99_999,
        250_000,
        999_999,
        1_000_000,
        2_000_000,
        9_600_000,
        u64::MAX / 1_000,
    ]);
    let mode =
        prop::sample::select(vec![Mode::Automatic, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly]);
    prop_oneof![
        8 => prop::sample::select(vec![0, 1, 3, 64, 1_024, u32::MAX]).prop_map(|asked| Step::Admit { asked }),
        8 => (0..64_usize, results).prop_map(|(which, results)| Step::Record { which, results }),
        2 => (0..64_usize).prop_map(|which| Step::Drop { which }),
        2 => (0..64_usize).prop_map(|which| Step::Panic { which }),
        8 => length.prop_map(|us| Step::Pass { us }),
        1 => Just(Step::Trip),
        1 => mode.prop_map(Step::Mode),
    ]
}

/// A panic says nothing on the way: thousands of them are wanted.
fn panic_with(guard: Guard) {
    let unwound = catch_unwind(AssertUnwindSafe(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new("a batch is lost"));
    }));
    assert!(unwound.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn probes_are_bounded_none_leaks_and_what_is_well_closes(
        class in prop::sample::select(vec![Class::Read, Class::Reserve, Class::Settle]),
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let quota = SlowQuota::of(2);
        let gate = Gate::new(Breaker::new(class, Settings::default(), Arc::clone(&quota), seed));
        let mut now = Moment::START;
        let mut guards: Vec<Guard> = Vec::new();
        for step in steps {
            match step {
                Step::Admit { asked } => {
                    let admission = gate.admit(now, asked);
                    prop_assert!(admission.admitted <= asked);
                    prop_assert_eq!(admission.retry_after == Micros::ZERO, admission.admitted == asked);
                    guards.push(admission.permit);
                }
                Step::Record { which, results } if !guards.is_empty() => {
                    guards.swap_remove(which % guards.len()).record(now, results);
                }
                Step::Drop { which } if !guards.is_empty() => drop(guards.swap_remove(which % guards.len())),
                Step::Panic { which } if !guards.is_empty() => panic_with(guards.swap_remove(which % guards.len())),
                Step::Record { .. } | Step::Drop { .. } | Step::Panic { .. } => {}
                Step::Pass { us } => now = now.plus(Micros::from_us(us)),
                Step::Trip => gate.admit(now, 10).permit.record(now, failed(10)),
                Step::Mode(mode) => gate.set_mode(now, mode),
            }
            let report = gate.report(now);
            prop_assert!(report.probes <= 5, "{} probes are out", report.probes);
            prop_assert!(report.probes == 0 || report.state == State::HalfOpen);
            prop_assert!(quota.taken() <= 1);
            prop_assert!(report.history.last().count() <= 16);
        }
        drop(guards);
        gate.set_mode(now, Mode::Automatic);
        // The longest time open, ten probes in batches of one, the ramp, and a window.
        for _ in 0..40 {
            now = now.plus(Micros::from_ms(500));
            let admission = gate.admit(now, 1);
            admission.permit.record(now, ok(u64::from(admission.admitted)));
        }
        let report = gate.report(now);
        prop_assert_eq!((report.state, report.probes, report.openings), (State::Closed, 0, 0));
        prop_assert_eq!(quota.taken(), 0);
    }
}

#[test]
fn a_guard_that_is_dropped_fails_its_probes_at_once() {
    for lose in [drop, panic_with] as [fn(Guard); 2] {
        let gate = Gate::new(Bench::half_open().breaker);
        let now = Moment::after_start(Micros::from_ms(250));
        let lost = gate.admit(now, 1);
        assert_eq!((lost.admitted, gate.report(now).probes), (1, 1));
        lose(lost.permit);
        let report = gate.report(now);
        assert_eq!((report.state, report.probes), (State::HalfOpen, 0), "one of ten is forgiven");
        lose(gate.admit(now, 1).permit);
        assert_eq!(gate.report(now).state, State::Open);
    }
}

#[test]
fn a_guard_without_probes_that_is_dropped_counts_nothing() {
    let gate = Gate::new(Bench::new(Class::Reserve).breaker);
    for _ in 0..100 {
        drop(gate.admit(Moment::START, 1_024));
    }
    let report = gate.report(Moment::START);
    assert_eq!((report.state, report.window), (State::Closed, Results::default()));
}
