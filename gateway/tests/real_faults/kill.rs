//! `kill -9` under load, at seeded moments; after each restart every answer that was given is held against what the server has.

use std::rc::Rc;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::process::Server;
use crate::shoppers::{Crowd, Shared, audit, connect, put_stock};
use crate::{block_on, folder, from_environment, seed};

/// Kills in every run of the tests; `DOORBUSTER_KILLS` makes more.
const KILLS: u32 = 20;

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed_under_load() {
    let (seed, kills) = (seed(), from_environment("DOORBUSTER_KILLS", KILLS));
    println!("seed {seed}, {kills} kills");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = folder();
    let data = folder.path().join("data");
    let account = Shared::default();
    let mut total = 0;
    for kill in 0..=kills {
        let mut server = Server::start(&data);
        block_on(async {
            let client = connect(&server.address).await;
            if kill == 0 {
                put_stock(&client).await;
            } else {
                audit(&client, &mut account.borrow_mut()).await;
            }
            total += std::mem::take(&mut account.borrow_mut().acknowledged);
            if kill == kills {
                return;
            }
            // The moment is a number of answers, so that it falls anywhere in the server's work but never before it.
            let moment = rng.random_range(1..800);
            let crowd = Crowd::start(&client, &mut rng, &Rc::clone(&account));
            crowd.until(moment).await;
            server.kill();
            crowd.break_off().await;
        });
    }
    println!("{total} acknowledged effects, {} orders", account.borrow().orders.len());
    assert!(total > u64::from(kills) * 100, "the server was killed while it worked");
}
