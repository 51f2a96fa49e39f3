//! A clock that is stepped back and forth under a server with real sockets and a real disk: no hold ends before its time by the
//! latest that was ever shown, none outlives it, and time in the log never goes back, also over a restart.

use std::sync::Arc;

use doorbuster_auditor::{Certified, certify};
use doorbuster_client::{Client, OrderState, PutSku, ReadOrder, Reserve};
use doorbuster_engine::clock::{Clock as _, ManualClock, SystemClock};
use doorbuster_engine::storage::FileStorage;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{block_on, folder, seed, times};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// Steps of the clock; a server is started anew after every twentieth.
const STEPS: u32 = 200;
const RESTART_EVERY: u32 = 20;

/// Most visits to a shard when what is due is carried out: more than there are orders.
const VISITS: u32 = 1 << 10;

/// Units of the SKU: more than all holds together.
const UNITS: u64 = 10_000;

/// A hold, and when it ends.
struct Hold {
    order: u64,
    user: u64,
    ends_at: u64,
    over: bool,
}

/// Where the clock goes next: a little forward, or far off, one way or the other.
fn step(now: u64, rng: &mut Xoshiro256PlusPlus) -> u64 {
    match rng.random_range(0..6) {
        0 => now - rng.random_range(1..=20 * MINUTE),
        1 => now + rng.random_range(1..=30 * MINUTE),
        2 => now - rng.random_range(1..=SECOND),
        _ => now + rng.random_range(1..=2 * MINUTE),
    }
}

fn start(data: &std::path::Path, clock: &Arc<ManualClock>) -> Server {
    let storage = FileStorage::open(data).expect("the folder is free");
    // Grace would move the ends of holds at each start.
    Server::start_on(Arc::new(storage), Arc::clone(clock), |setup| setup.recovery_grace_ms = 0)
}

async fn connect(server: &Server) -> Client {
    Client::builder().connections(1).connect(&server.address().to_string()).await.unwrap()
}

#[test]
fn holds_end_by_the_latest_time_that_was_shown_however_the_clock_is_stepped() {
    let seed = seed();
    println!("seed {seed}");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = folder();
    let data = folder.path().join("data");
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut server = start(&data, &clock);
    let mut holds: Vec<Hold> = Vec::new();
    // What the server must go by: the latest time that it has written down or told.
    let mut latest = clock.now().raw();
    let (mut back, mut ended) = (0, 0);
    block_on(async {
        let stock = PutSku { sku: 1, units: UNITS, ..PutSku::default() };
        connect(&server).await.put_sku(&stock).await.unwrap().done().unwrap();
    });
    for nth in 1..=STEPS {
        if nth % RESTART_EVERY == 0 {
            server.stop();
            server = start(&data, &clock);
        }
        block_on(async {
            let to = step(clock.now().raw(), &mut rng);
            back += u64::from(to < clock.now().raw());
            clock.set(Timestamp::new(to));
            // Connected before a leap forward, its deadlines would have passed.
            let client = connect(&server).await;
            // A hold makes the server look at the clock and write down what it goes by.
            let hold_ms = rng.random_range(1..=600) * 1_000;
            let wish = Reserve { user: u64::from(nth), sku: 1, quantity: 1, hold_ms, ..Reserve::default() };
            let placed = client.reserve(&wish).await.unwrap().done().unwrap();
            latest = latest.max(to);
            let ends_at = latest + u64::from(hold_ms);
            assert_eq!(placed.expires_at, ends_at, "step {nth}: a hold lasts from the latest time on");
            holds.push(Hold { order: placed.order, user: u64::from(nth), ends_at, over: false });
            assert!(!server.server().engine().catch_up(VISITS), "all that is due is carried out");
            assert_eq!(server.server().engine().now().raw(), latest, "step {nth}: time never goes back");
            for hold in &mut holds {
                hold.over |= hold.ends_at <= latest;
                let read = ReadOrder { order: hold.order, user: hold.user };
                let state = client.read_order(&read).await.unwrap().done().map(|view| view.state);
                let expected = if hold.over { OrderState::Expired } else { OrderState::Held };
                assert_eq!(state, Some(expected.byte()), "step {nth}: a hold that ends at {}", hold.ends_at);
            }
            ended = holds.iter().filter(|hold| hold.over).count();
        });
    }
    let times = block_on(async { times(&connect(&server).await).await });
    assert!(times.is_sorted(), "time in the log goes back");
    server.stop();
    assert!(matches!(certify(&data, &mut |_, _| {}), Ok(Certified::Sound(_))), "the log is sound");
    println!("{back} steps back, {ended} of {} holds ended, {} events", holds.len(), times.len());
    assert!(back >= 20 && ended >= 50, "there was something to see");
}
