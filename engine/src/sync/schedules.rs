//! Running a model through many schedules.
//!
//! A model is a function that starts threads and asserts what must be so. Shuttle runs it again and again, each time with the
//! threads' steps in another order: by chance; by PCT (Burckhardt et al., ASPLOS 2010), which changes its mind seldom and so
//! finds what needs few switches in unlikely places; or in every order that there is, where these are few.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::planted::{Bug, plant};

/// Where schedules begin if `DOORBUSTER_SEED` says nothing else.
const SEED: u64 = 20_261_123;

/// Priority changes of a PCT schedule, and one: a bug that needs so many orderings is found with a known probability.
const PCT_DEPTH: usize = 4;

/// Bytes of a modelled thread's stack: opening an engine needs most.
const STACK: usize = 1 << 20;

/// Steps of one schedule: a hundred times what the longest model takes. More is a thread that turns in a circle.
const MOST_STEPS: usize = 200_000;

/// Schedules after which a search through all of them gives up: it is meant for models that have far fewer.
const MOST_SCHEDULES: usize = 1_000_000;

/// How many schedules a model is taken through. `DOORBUSTER_SCHEDULES` multiplies them, `DOORBUSTER_SEED` starts elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedules {
    /// Each of both kinds.
    pub(crate) each: usize,
}

impl Schedules {
    /// Takes the model through schedules made by chance and by PCT. A failure is a panic that prints how to repeat it.
    pub(crate) fn explore(self, name: &str, model: fn()) {
        let (each, seed) = (self.each * number("DOORBUSTER_SCHEDULES", 1), seed());
        say(&format!("{name}: seed {seed}, {each} schedules by chance and as many by PCT"));
        run(RandomScheduler::new_from_seed(seed, each), FailurePersistence::Print, model);
        run(PctScheduler::new_from_seed(seed, PCT_DEPTH, each), FailurePersistence::Print, model);
    }

    /// Takes the model through every schedule that there is, and answers how many these are.
    pub(crate) fn exhaust(name: &str, model: fn()) -> usize {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = counted(&done, model);
        run(DfsScheduler::new(Some(MOST_SCHEDULES), false), FailurePersistence::Print, counted);
        let done = done.load(Ordering::Relaxed);
        assert!(done < MOST_SCHEDULES, "{name}: not every schedule was tried within {MOST_SCHEDULES}");
        say(&format!("{name}: all {done} schedules"));
        done
    }
}

/// Takes the model through so many schedules of each kind with a bug in the code, one of which must find it.
pub(crate) fn found_within(each: usize, bug: Bug, model: fn()) {
    plant(Some(bug));
    let found = fails_within(each, model);
    plant(None);
    say(&format!("{bug:?}: seed {}, found after {found:?} schedules", seed()));
    assert!(found.is_some(), "{bug:?} was not found within {each} schedules of each kind");
}

/// After how many schedules the model fails, if it does within so many of each kind.
pub(crate) fn fails_within(each: usize, model: fn()) -> Option<usize> {
    let (seed, done) = (seed(), Arc::new(AtomicUsize::new(0)));
    let random = RandomScheduler::new_from_seed(seed, each);
    let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, each);
    let fails = |run: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(run)).is_err();
    let (mut random, mut pct) = (Some(random), Some(pct));
    let found = fails(&mut || {
        if let Some(pct) = pct.take() {
            run(pct, FailurePersistence::None, counted(&done, model));
        }
    }) || fails(&mut || {
        if let Some(random) = random.take() {
            run(random, FailurePersistence::None, counted(&done, model));
        }
    });
    found.then(|| done.load(Ordering::Relaxed))
}

fn counted(done: &Arc<AtomicUsize>, model: fn()) -> impl Fn() + Send + Sync + 'static {
    let done = Arc::clone(done);
    move || {
        done.fetch_add(1, Ordering::Relaxed);
        model();
    }
}

fn run(
    scheduler: impl Scheduler + 'static,
    persistence: FailurePersistence,
    model: impl Fn() + Send + Sync + 'static,
) {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.failure_persistence = persistence;
    Runner::new(scheduler, config).run(model);
}

fn seed() -> u64 {
    number("DOORBUSTER_SEED", SEED)
}

/// A number from the environment.
fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number, but is {text:?}"))
    })
}

/// Says what to repeat a test with.
fn say(text: &str) {
    println!("{text}");
}
