//! Rates and bursts to the microsecond, and what a full table does.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn limit(per_second: u32, burst: u32) -> Limit {
    Limit { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

fn at(us: u64) -> Moment {
    Moment::after_start(Micros::from_us(us))
}

fn grant(granted: u32, retry_after_us: u64) -> Grant {
    Grant { granted, retry_after: Micros::from_us(retry_after_us) }
}

#[test]
fn a_burst_at_once_and_then_the_rate_to_the_microsecond() {
    let mut table = Table::new(limit(5, 10), 64);
    assert_eq!(table.take_some(7, at(0), 10), grant(10, 0));
    assert_eq!(table.take_some(7, at(0), 1), grant(0, 200_000));
    assert_eq!(table.take_some(7, at(199_999), 1), grant(0, 1));
    assert_eq!(table.take_some(7, at(200_000), 1), grant(1, 0));
    assert_eq!(table.take_some(7, at(200_000), 1), grant(0, 200_000));
    assert_eq!(table.take_some(8, at(200_000), 1), grant(1, 0), "another client has its own");
}

#[test]
fn of_a_batch_as_many_as_fit_are_granted() {
    let mut table = Table::new(limit(5, 10), 64);
    assert_eq!(table.take_some(7, at(0), 1_024), grant(10, 200_000));
    assert_eq!(table.take_some(7, at(700_000), 64), grant(3, 100_000));
    assert_eq!(table.take_some(7, at(800_000), 0), grant(0, 0), "nothing was refused");
    assert_eq!(table.take_some(7, at(800_000), 2), grant(1, 200_000));
}

#[test]
fn a_long_absence_earns_the_burst_and_no_more() {
    let mut table = Table::new(limit(20, 40), 64);
    assert_eq!(table.take_some(7, at(0), 40).granted, 40);
    let day = 86_400_000_000;
    assert_eq!(table.take_some(7, at(day), u32::MAX), grant(40, 50_000));
    assert_eq!(table.take_some(9, at(day), 41), grant(40, 50_000), "as one who was never here");
}

#[test]
fn an_interval_that_is_not_whole_is_never_faster_than_the_limit() {
    // Granted after a second, and after a second and a microsecond.
    let cases = [(3, 2, 3), (7, 6, 7), (999, 998, 999), (300_001, 299_940, 299_940)];
    for (per_second, second, more) in cases {
        for (us, granted) in [(1_000_000, second), (1_000_001, more)] {
            let mut table = Table::new(limit(per_second, per_second), 4);
            assert_eq!(table.take_some(1, at(0), u32::MAX).granted, per_second);
            assert_eq!(table.take_some(1, at(us), u32::MAX).granted, granted, "{per_second} a second");
        }
    }
    let mut table = Table::new(limit(3, 1), 4);
    assert_eq!(table.take_some(1, at(0), 2), grant(1, 333_334), "whole microseconds, never too early");
}

#[test]
fn a_moment_that_is_earlier_earns_nothing() {
    let mut table = Table::new(limit(5, 10), 64);
    assert_eq!(table.take_some(7, at(10_000_000), 10).granted, 10);
    assert_eq!(table.take_some(7, at(0), 1), grant(0, 10_200_000));
    assert_eq!(table.take_some(7, at(10_200_000), 2).granted, 1);
}

#[test]
fn the_ends_of_time_and_of_numbers_do_no_harm() {
    let mut table = Table::new(limit(1, u32::MAX), 0);
    assert_eq!(table.take_some(u64::MAX, at(u64::MAX), u32::MAX).granted, u32::MAX);
    assert_eq!(table.take_some(u64::MAX, at(0), u32::MAX).granted, 0);
    assert_eq!(table.take_some(0, at(0), 1).granted, 1);
}

#[test]
fn a_full_set_forgets_the_client_that_is_the_least_ahead_and_admits() {
    let mut table = Table::new(limit(1, 10), WAYS);
    assert_eq!(table.sets.len(), 1);
    for client in 1..=4_u64 {
        assert_eq!(
            table.take_some(client, at(0), client.try_into().unwrap()).granted,
            u32::try_from(client).unwrap()
        );
    }
    assert_eq!(table.take_some(5, at(0), 10).granted, 10, "a fifth is admitted");
    assert_eq!(table.forgiven(), 1);
    assert_eq!(table.take_some(4, at(0), 10).granted, 6, "the others are still known");
    assert_eq!(table.take_some(3, at(0), 10).granted, 7);
    assert_eq!(table.take_some(2, at(0), 10).granted, 8);
    assert_eq!(
        table.take_some(1, at(0), 99).granted,
        10,
        "the first was forgotten, and gets a burst at most"
    );
    assert_eq!(table.forgiven(), 2);
}

#[test]
fn forgetting_a_client_that_kept_to_its_rate_is_not_forgiving() {
    let mut table = Table::new(limit(1, 10), WAYS);
    for client in 1..=100_u64 {
        assert_eq!(table.take_some(client, at(client * 1_000_000), 1).granted, 1);
    }
    assert_eq!((table.forgiven(), table.sets.len()), (0, 1));
}

/// Tokens as everybody would write it: a level that time fills, in billionths of a token.
#[derive(Default)]
struct Buckets(BTreeMap<u64, (u64, u128)>);

impl Buckets {
    fn take_some(&mut self, limit: Limit, client: u64, now_us: u64, asked: u32) -> u32 {
        let token = 1_000_000_000_u128;
        let full = u128::from(limit.burst.get()) * token;
        let (seen, level) = self.0.entry(client).or_insert((now_us, full));
        let gained = u128::from(now_us - *seen) * 1_000 * u128::from(limit.per_second.get());
        *level = full.min(*level + gained);
        *seen = now_us;
        let granted = u128::from(asked).min(*level / token);
        *level -= granted * token;
        u32::try_from(granted).unwrap()
    }
}

/// Microseconds between two steps.
fn passed() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 1, 999, 50_000, 3_000_000])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Rates that divide a second, so that both are exact. Clients that share a set, four at most.
    #[test]
    fn grants_what_token_buckets_grant(
        per_second in prop::sample::select(vec![1_u32, 5, 20, 1_000, 1_000_000]),
        burst in 1_u32..50,
        steps in prop::collection::vec((0_u64..4, passed(), 0_u32..60), 1..200),
    ) {
        let limit = limit(per_second, burst);
        let (mut table, mut model, mut now) = (Table::new(limit, 256), Buckets::default(), 0);
        for (client, passed, asked) in steps {
            now += passed;
            let grant = table.take_some(client << 32, at(now), asked);
            prop_assert_eq!(grant.granted, model.take_some(limit, client << 32, now, asked));
            prop_assert_eq!(grant.retry_after == Micros::ZERO, grant.granted == asked);
            if grant.granted < asked {
                let then = now + grant.retry_after.us();
                prop_assert_eq!(table.take_some(client << 32, at(then - 1), 1).granted, 0);
                prop_assert_eq!(table.take_some(client << 32, at(then), 1).granted, 1);
                prop_assert_eq!(model.take_some(limit, client << 32, then, 1), 1);
                now = then;
            }
        }
        prop_assert_eq!(table.forgiven(), 0);
    }
}
