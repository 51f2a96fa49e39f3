//! A look at all SKUs, piece by piece, misses none and shows none twice.

mod plain;

use doorbuster_ledger::*;
use plain::{NOW, reserve};

#[test]
fn pieces_of_any_size_show_every_sku_once_with_its_channels() {
    let mut ledger = Ledger::new(Rules::default(), 1);
    for number in 1..=10 {
        let sku = SkuId::new(number);
        let put = PutSku { sku, units: 10 * number, user_limit: 0, order_limit: 0, by: 1, reason: 1 };
        ledger.execute(NOW, &Command::PutSku(put), |_| {}).unwrap();
    }
    for (channel, guarantee) in [(1, 30), (2, 7)] {
        let (channel, sku) = (ChannelId::new(channel), SkuId::new(7));
        let set = SetChannel { sku, channel, guarantee, cap: None, release_at: None, by: 1, reason: 1 };
        ledger.execute(NOW, &Command::SetChannel(set), |_| {}).unwrap();
    }
    let held = ledger.execute(NOW, &Command::Reserve(reserve(1, SkuId::new(3))), |_| {}).unwrap();
    assert!(matches!(held, Outcome::Reserved { .. }), "{held:?}");
    let all: Vec<_> = ledger.all_stock().collect();
    assert_eq!((all.len(), all.iter().map(|sku| sku.held).sum::<u64>()), (10, 1));
    for limit in 1..=20 {
        let (mut skus, mut channels, mut next) = (Vec::new(), Vec::new(), Some(0));
        while let Some(first) = next {
            let before = skus.len() + channels.len();
            next = ledger.survey(first, limit, |sku| skus.push(sku), |channel| channels.push(channel));
            let shown = skus.len() + channels.len() - before;
            assert!(shown <= limit as usize + 2, "{shown} of {limit}");
        }
        assert_eq!(skus, all, "{limit} at a time");
        let kept: Vec<_> =
            channels.iter().map(|known| (known.sku.raw(), known.channel.raw(), known.guarantee)).collect();
        assert_eq!(kept, [(7, 1, 30), (7, 2, 7)], "{limit} at a time");
    }
    assert_eq!(ledger.survey(10, 5, |_| panic!("there are ten"), |_| {}), None);
    assert_eq!(ledger.survey(u32::MAX, 5, |_| panic!("there are ten"), |_| {}), None);
}
