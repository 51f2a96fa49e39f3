//! A disk that fills up, or that the kernel lets nobody write to any more, under load: the server stops by itself, says why and what
//! to do, acknowledges nothing that is not there, and goes on once the disk does.

use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use doorbuster_engine::clock::{Clock as _, ManualClock, SystemClock};
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::{Server as Local, ServerError, Setup};
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::disk::Disk;
use crate::process::{Ended, Server};
use crate::shoppers::{Crowd, Shared, audit, connect, put_stock};
use crate::{block_on, folder, seed};

/// Effects after which a disk is made read-only, and before a server counts as one that goes on.
const SOME: u64 = 300;

/// Bytes of a segment on a simulated disk.
const SEGMENT: u64 = 4 << 20;

/// More effects than a small disk has room for, at 71 bytes and more each.
const TOO_MANY: u64 = 1_000_000;

/// What a server says that stops by itself.
const STOPPED: [&str; 3] = [
    "doorbuster: the log failed, so the server stopped and acknowledged nothing more: ",
    "make room on the disk or replace it",
    "then start again",
];

/// A small real disk, or none and a loud word where the machine doesn't let a test mount one.
fn disk(folder: &std::path::Path) -> Option<Disk> {
    match Disk::make(folder) {
        Ok(disk) => Some(disk),
        Err(why) => {
            // The test's own output is kept back where it passes; this is to be seen.
            let line = format!("\nNOT TESTED ON A REAL FILE SYSTEM, but on a simulated one alone: {why}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            None
        }
    }
}

/// The server ended with this code, and its last line has all of these parts.
fn ended(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    for part in parts {
        assert!(ended.last_line.contains(part), "{part:?} is not in {ended:?}");
    }
}

/// Lets a crowd shop until the server ends by itself; `at_some` is called when it has acknowledged some.
fn shop_until_it_ends(server: &Server, seed: u64, account: &Shared, at_some: impl FnOnce()) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    block_on(async {
        let client = connect(&server.address).await;
        put_stock(&client).await;
        let crowd = Crowd::start(&client, &mut rng, &Rc::clone(account));
        crowd.until(SOME).await;
        at_some();
        crowd.until(TOO_MANY).await;
        crowd.end().await;
    });
    let acknowledged = account.borrow().acknowledged;
    assert!((SOME..TOO_MANY).contains(&acknowledged), "the server ended while it worked: {acknowledged}");
}

/// A server on the disk has all that was acknowledged, and goes on.
fn goes_on(disk: &Disk, seed: u64, account: &Shared) {
    let server = disk.serve().expect("the disk is usable again");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed + 1);
    block_on(async {
        let client = connect(&server.address).await;
        audit(&client, &mut account.borrow_mut()).await;
        let more = account.borrow().acknowledged + SOME;
        let crowd = Crowd::start(&client, &mut rng, &Rc::clone(account));
        crowd.until(more).await;
        crowd.finish().await;
        assert!(account.borrow().acknowledged >= more, "the server goes on");
        audit(&client, &mut account.borrow_mut()).await;
    });
    drop(server);
    disk.certify();
}

#[test]
fn a_disk_that_fills_up_stops_the_server_and_loses_nothing() {
    let seed = seed();
    println!("seed {seed}");
    let folder = folder();
    let Some(disk) = disk(folder.path()) else { return };
    let server = disk.serve().expect("it starts");
    let account = Shared::default();
    shop_until_it_ends(&server, seed, &account, || {});
    println!("{} acknowledged effects", account.borrow().acknowledged);
    let full = server.ended(&disk.errors());
    ended(&full, 6, &STOPPED);
    ended(&full, 6, &["No space left on device", "disk/data"]);
    // Who starts it again without making room is told so, and nothing is changed.
    if let Err(again) = disk.serve() {
        ended(&again, 4, &["No space left on device", "disk/data"]);
    }
    disk.remove_ballast();
    goes_on(&disk, seed, &account);
}

#[test]
fn a_disk_that_nobody_may_write_to_any_more_stops_the_server_and_loses_nothing() {
    let seed = seed();
    println!("seed {seed}");
    let folder = folder();
    let Some(disk) = disk(folder.path()) else { return };
    let server = disk.serve().expect("it starts");
    let account = Shared::default();
    shop_until_it_ends(&server, seed, &account, || disk.make_read_only(&server));
    let stopped = server.ended(&disk.errors());
    ended(&stopped, 6, &STOPPED);
    ended(&stopped, 6, &["disk/data/segment-"]);
    let refused = disk.serve_read_only().expect_err("nobody may write");
    ended(&refused, 4, &["Read-only file system", "disk/data"]);
    goes_on(&disk, seed, &account);
}

/// The same on a disk that is simulated, wherever the tests run: `breaks` does it, `mends` undoes it.
fn on_a_simulated_disk(seed: u64, breaks: impl FnOnce(&SimStorage), mends: impl FnOnce(&SimStorage)) {
    let storage = SimStorage::new(seed);
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let start = || {
        let mut setup = Setup::on_storage(Arc::new(storage.clone()), Arc::<ManualClock>::clone(&clock));
        setup.segment_bytes = SEGMENT;
        Local::start(setup).expect("it starts")
    };
    let server = start();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let account = Shared::default();
    block_on(async {
        let client = connect(&server.listen().to_string()).await;
        put_stock(&client).await;
        let crowd = Crowd::start(&client, &mut rng, &Rc::clone(&account));
        crowd.until(SOME).await;
        breaks(&storage);
        crowd.until(TOO_MANY).await;
        crowd.end().await;
    });
    assert!((SOME..TOO_MANY).contains(&account.borrow().acknowledged));
    let failed = server.stop().expect_err("its log has failed");
    assert!(matches!(failed, ServerError::LogFailed { .. }) && failed.exit_code() == 6, "{failed}");
    mends(&storage);
    let server = start();
    block_on(async {
        audit(&connect(&server.listen().to_string()).await, &mut account.borrow_mut()).await;
    });
    server.stop().expect("it stops in good order");
}

#[test]
fn a_simulated_disk_that_fills_up_stops_the_server_and_loses_nothing() {
    let seed = seed();
    println!("seed {seed}");
    on_a_simulated_disk(
        seed,
        |storage| storage.limit_capacity(storage.used() + 1_000),
        |storage| storage.limit_capacity(usize::MAX),
    );
}

#[test]
fn a_simulated_disk_that_refuses_a_write_stops_the_server_and_loses_nothing() {
    let seed = seed();
    println!("seed {seed}");
    on_a_simulated_disk(seed, |storage| storage.fail_write(1), |_| {});
}
