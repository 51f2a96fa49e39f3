//! The server over loopback TCP, through the real client, with a log that syncs.
use std::path::PathBuf;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorbuster_client::{Client, PutSku, Reserve};
use doorbuster_gateway::{Server, Setup};

#[expect(clippy::significant_drop_tightening, reason = "criterion's group ends with its last bench")]
fn loopback(c: &mut Criterion) {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folder = tempfile::Builder::new()
        .prefix("bench-")
        .tempdir_in(target)
        .expect("the target folder takes a folder");
    let server =
        Server::start(Setup::on_folder(folder.path()).expect("a fresh folder opens")).expect("it starts");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let client = runtime.block_on(async {
        let client = Client::connect(&server.listen().to_string()).await.expect("the server listens");
        let puts =
            [PutSku { sku: 1, units: 1 << 39, ..PutSku::default() }, PutSku { sku: 2, ..PutSku::default() }];
        for put in client.put_skus(&puts).await {
            put.expect("the SKU is set up");
        }
        client
    });
    let mut user = 0;
    let mut group = c.benchmark_group("gateway");
    group.sample_size(50);
    for (id, sku, batch) in [
        ("reserve/one", 1, 1),
        ("reserve/batch_64", 1, 64),
        ("reserve/batch_1024", 1, 1_024),
        ("sold_out/batch_64", 2, 64),
    ] {
        group.throughput(Throughput::Elements(batch));
        group.bench_function(id, |b| {
            b.iter(|| {
                let reserves: Vec<Reserve> = (0..batch)
                    .map(|_| {
                        user += 1;
                        Reserve { user, sku, quantity: 1, ..Reserve::default() }
                    })
                    .collect();
                runtime.block_on(client.reserve_batch(&reserves))
            });
        });
    }
    group.finish();
    drop(client);
    server.stop().expect("it stops in good order");
}

criterion_group!(benches, loopback);
criterion_main!(benches);
