use super::*;

#[test]
fn shares_and_delays_follow_the_scenario() {
    let scenario = crate::scenario::load(None).expect("sound");
    let mut population = Population::new(&scenario, 3);
    let mut delays = Vec::new();
    let (mut cancels, mut leaves) = (0_u32, 0_u32);
    for _ in 0..100_000 {
        match population.intent() {
            Intent::Pay(delay) => delays.push(delay),
            Intent::Cancel(_) => cancels += 1,
            Intent::Leave => leaves += 1,
        }
    }
    delays.sort_unstable();
    let (median, p95) = (delays[delays.len() / 2], delays[delays.len() * 95 / 100]);
    assert!((440_000_000..460_000_000).contains(&median), "{median}");
    assert!((2_250_000_000..2_550_000_000).contains(&p95), "{p95}");
    assert!((9_500..10_500).contains(&cancels) && (14_500..15_500).contains(&leaves), "{cancels} {leaves}");
}

#[test]
fn payments_go_wrong_as_often_as_the_scenario_says() {
    let mut scenario = crate::scenario::load(Some("pay-chaos".as_ref())).expect("sound");
    (scenario.shoppers.pay_share, scenario.shoppers.cancel_share) = (1.0, 0.0);
    let mut population = Population::new(&scenario, 3);
    let (mut twice, mut double, mut disordered, mut failed) = (0, 0, 0, 0);
    for _ in 0..100_000 {
        let script = population.script(3_000_000_000);
        let at = |wanted: Step| script.iter().find(|(_, step)| *step == wanted).map(|(at, _)| *at);
        let times = |ordinal| script.iter().filter(|(_, step)| *step == Step::Pay(ordinal)).count();
        let paid: Vec<u8> = (0..3).filter(|ordinal| times(*ordinal) > 0).collect();
        assert!(!paid.is_empty(), "whoever pays confirms: {script:?}");
        twice += u32::from((0..3).any(|ordinal| times(ordinal) == 2));
        double += u32::from(paid.len() == 2);
        let first = at(Step::Pay(0)).unwrap_or(u64::MAX);
        disordered += u32::from([Step::Begin(0), Step::Fail(0)].iter().any(|step| at(*step) > Some(first)));
        failed += u32::from(at(Step::Begin(1)).is_some());
    }
    // Of a hundred thousand: 5 %, 0.5 %, 2 %, and a tenth of the seven tenths of the rest that are begun.
    assert!((4_700..5_300).contains(&twice) && (400..600).contains(&double), "{twice} {double}");
    assert!(
        (1_800..2_200).contains(&disordered) && (6_400..7_200).contains(&failed),
        "{disordered} {failed}"
    );
}

#[test]
fn orders_are_over_several_shards_as_often_as_the_scenario_says() {
    let scenario = crate::scenario::load(Some("multi-line".as_ref())).expect("sound");
    let shards: Vec<u32> = (0..400).map(|sku| crate::shards::shard(sku, 2)).collect();
    let mut population = Population::new(&scenario, 3).in_shards(shards.clone());
    let (mut over, mut doubled, mut gifts, mut longest) = (0, 0, 0, 0);
    for _ in 0..10_000 {
        let sku = population.sku();
        let basket = Basket { lines: population.basket(sku).expect("some"), ..Basket::default() };
        let summed = basket.summed();
        let first = shards[summed[0].sku as usize];
        over += u32::from(summed.iter().any(|line| shards[line.sku as usize] != first));
        doubled += u32::from(summed.len() < basket.lines.len());
        gifts += u32::from(basket.lines.iter().any(|line| line.gift));
        longest = longest.max(summed.len());
    }
    assert!((2_850..3_150).contains(&over) && longest == 8, "{over} {longest}");
    assert!((900..1_100).contains(&doubled) && (1_900..2_100).contains(&gifts), "{doubled} {gifts}");
}

#[test]
fn shoppers_come_through_channels_as_often_as_the_scenario_says() {
    let scenario = crate::scenario::load(Some("channels".as_ref())).expect("sound");
    let mut population = Population::new(&scenario, 3);
    let mut came = [0_u32; 4];
    for _ in 0..10_000 {
        if let Visit::Buy { channel, .. } = population.visit(0) {
            came[usize::from(channel)] += 1;
        }
    }
    let (all, hog) = (came.iter().sum::<u32>(), came[3]);
    assert!(came[0] == 0 && (hog * 235).abs_diff(all * 150) < all * 5, "{came:?}");
}

#[test]
fn an_offer_is_paid_within_its_time_or_left() {
    let scenario = crate::scenario::load(Some("single-hot".as_ref())).expect("sound");
    let mut population = Population::new(&scenario, 3);
    let left_ns = 500_000_000;
    let scripts: Vec<_> = (0..10_000).map(|_| population.offer_script(left_ns)).collect();
    assert!(scripts.iter().flatten().all(|(at, _)| *at < left_ns));
    assert!(scripts.iter().any(Vec::is_empty) && scripts.iter().any(|script| !script.is_empty()));
}

#[test]
fn other_skus_are_popular_after_each_shift() {
    let mut scenario = crate::scenario::load(None).expect("sound");
    scenario.shoppers.hot_shift_seconds = Some(10.0);
    let mut population = Population::new(&scenario, 3);
    let mut most_wanted = |at_s: u64| {
        let mut wanted = vec![0_u32; 1_000];
        for _ in 0..10_000 {
            let (Visit::Look { sku } | Visit::Buy { sku, .. }) = population.visit(at_s * 1_000_000_000);
            wanted[sku as usize] += 1;
        }
        wanted.iter().enumerate().max_by_key(|(_, count)| **count).map_or(0, |(sku, _)| sku)
    };
    assert_eq!([0, 9, 10, 19, 20, 30].map(&mut most_wanted), [0, 0, 382, 382, 764, 146]);
}

#[test]
fn the_most_wanted_sku_is_wanted_most_and_none_lies_outside() {
    let scenario = crate::scenario::load(None).expect("sound");
    let mut population = Population::new(&scenario, 3);
    let mut wanted = vec![0_u32; 1_000];
    for _ in 0..100_000 {
        match population.visit(0) {
            Visit::Look { sku } => wanted[sku as usize] += 1,
            Visit::Buy { user, sku, .. } => {
                assert!((1..=50_000).contains(&user));
                wanted[sku as usize] += 1;
            }
        }
    }
    assert!((12_000..15_000).contains(&wanted[0]), "{}", wanted[0]);
    assert!(wanted[0] > 5 * wanted[9]);
}
