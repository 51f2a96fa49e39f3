//! What a server does is sound.

use crate::{certified, write};

const SEEDS: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_log_of_a_crowd_is_certified_and_comes_to_the_servers_accounts() {
    let mut kinds = 0;
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let folder = tempfile::tempdir().unwrap();
        let stocks = write(folder.path(), seed, 3, 150, 4 << 20).await;
        let certificate = certified(folder.path());
        assert_eq!((certificate.oversold, certificate.epochs), (0, 3));
        assert_eq!((certificate.end.unproven_records, &certificate.end.torn), (0, &None));
        for stock in stocks {
            let account = certificate.skus.iter().find(|account| account.sku == stock.sku).unwrap();
            let sums = [account.available, account.held, account.sold];
            let answered =
                [stock.available, stock.held, stock.sold].map(|units| i64::try_from(units).unwrap());
            assert_eq!(sums, answered, "seed {seed}, SKU {}", stock.sku);
        }
        let orders = certificate.orders;
        let all = [
            orders.confirmed,
            orders.cancelled,
            orders.expired,
            orders.superseded,
            orders.waiting + orders.lapsed,
        ];
        kinds += all.iter().filter(|count| **count > 0).count();
        assert_eq!(certificate, certified(folder.path()), "an audit changes nothing");
    }
    assert!(kinds > 4 * 12, "orders of nearly every outcome in nearly every log: {kinds}");
}
