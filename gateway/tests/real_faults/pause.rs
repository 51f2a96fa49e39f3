//! A server that is stopped (SIGSTOP) under load and goes on: nothing that was acknowledged is lost, and what was asked for
//! meanwhile, and given up, takes no effect behind its shopper's back.

use std::rc::Rc;
use std::time::{Duration, Instant};

use doorbuster_client::Client;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use rustix::process::Signal;

use crate::process::Server;
use crate::shoppers::{Crowd, Shared, audit, connect, put_stock, wish};
use crate::{block_on, folder, seed};

/// Stops.
const STOPS: u64 = 3;

/// Effects between two of them.
const BETWEEN: u64 = 400;

/// Longest wait for the system to stop a process that was told to.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whether the system has stopped all threads of the process.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap()).all(|stat| {
        // The state stands behind the name, which may hold anything but ends with the last parenthesis.
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    })
}

#[test]
fn a_server_that_is_stopped_under_load_goes_on_as_if_nothing_had_been() {
    let seed = seed();
    println!("seed {seed}");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = folder();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let account = Shared::default();
    block_on(async {
        let client = connect(&server.address).await;
        put_stock(&client).await;
        let crowd = Crowd::start(&client, &mut rng, &Rc::clone(&account));
        // Nobody waits for this one's answers as long as the others do.
        let hasty =
            Client::builder().timeout(Duration::from_millis(50)).connect(&server.address).await.unwrap();
        for stop in 1..=STOPS {
            crowd.until(stop * BETWEEN).await;
            server.signal(Signal::STOP);
            let until = Instant::now() + PATIENCE;
            while !is_stopped(server.pid()) {
                assert!(Instant::now() < until, "the server wasn't stopped");
                std::thread::yield_now();
            }
            let given_up = wish(&hasty, stop, &mut rng);
            hasty.reserve(&given_up).await.expect_err("nobody answers while the server is stopped");
            account.borrow_mut().unanswered.push(given_up);
            server.signal(Signal::CONT);
        }
        crowd.until((STOPS + 1) * BETWEEN).await;
        crowd.finish().await;
        audit(&client, &mut account.borrow_mut()).await;
    });
    server.kill();
    let server = Server::start(&data);
    block_on(async { audit(&connect(&server.address).await, &mut account.borrow_mut()).await });
    let account = account.borrow();
    println!("{} acknowledged effects, {} orders", account.acknowledged, account.orders.len());
    assert!(account.acknowledged >= (STOPS + 1) * BETWEEN, "the server went on");
}
