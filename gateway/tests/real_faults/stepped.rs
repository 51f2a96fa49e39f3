//! The real binary while the system's clock is stepped back and forth: libfaketime stands between it and the clock, and obeys a
//! file. What can be known from outside: between which times the server looked at its clock.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use doorbuster_auditor::{Certified, certify};
use doorbuster_client::{Client, OrderState, PutSku, ReadOrder, Reserve};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::process::{BINARY, Server, arguments};
use crate::{block_on, folder, seed, times};

/// Where systems keep the library.
const LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
];

/// Steps of the clock; after every twelfth the server is killed and started anew.
const STEPS: u64 = 60;
const RESTART_EVERY: u64 = 12;

/// Longest wait for a hold that is over to be given back.
const PATIENCE: Duration = Duration::from_mins(1);

/// Units of the SKU: more than all holds together.
const UNITS: u64 = 10_000;

/// A clock that is so many milliseconds ahead of the real one, for whoever was started with its file.
struct Skewed {
    library: &'static str,
    file: PathBuf,
    offset_ms: i64,
}

impl Skewed {
    /// None where the library isn't installed.
    fn new(folder: &Path) -> Option<Self> {
        let library = LIBRARIES.iter().copied().find(|library| Path::new(library).exists())?;
        let mut clock = Self { library, file: folder.join("offset"), offset_ms: 0 };
        clock.set(0);
        Some(clock)
    }

    /// Steps it. Gives the latest that it can have shown before.
    fn set(&mut self, offset_ms: i64) -> u64 {
        let sign = if offset_ms < 0 { '-' } else { '+' };
        let ms = offset_ms.unsigned_abs();
        // Aside and renamed: nobody reads half of it.
        let aside = self.file.with_extension("tmp");
        std::fs::write(&aside, format!("{sign}{}.{:03}", ms / 1_000, ms % 1_000)).unwrap();
        std::fs::rename(&aside, &self.file).unwrap();
        let before = self.now();
        self.offset_ms = offset_ms;
        before
    }

    /// What it shows now.
    fn now(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        u64::try_from(real).unwrap().checked_add_signed(self.offset_ms).unwrap()
    }

    fn start(&self, data: &Path) -> Server {
        let config = data.with_extension("toml");
        // Grace would move the ends of holds at each start.
        std::fs::write(&config, "[log]\nrecovery_grace_ms = 0\n").unwrap();
        let mut command = Command::new(BINARY);
        command.args(arguments()).arg(data).arg("--config").arg(&config);
        command.env("LD_PRELOAD", self.library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        // Looked at with each reading. The clock that intervals are measured by is never stepped.
        command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
        Server::try_start(command, &data.with_extension("errors")).expect("it starts")
    }
}

#[test]
fn the_real_server_keeps_its_holds_while_the_clock_is_stepped() {
    let seed = seed();
    println!("seed {seed}");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = folder();
    let data = folder.path().join("data");
    let Some(mut clock) = Skewed::new(folder.path()) else {
        assert!(
            std::env::var_os("DOORBUSTER_ALL_TOOLS").is_none(),
            "libfaketime is missing: install faketime"
        );
        println!("NOT TESTED: the real server while the clock is stepped; install faketime");
        return;
    };
    let mut server = clock.start(&data);
    let mut holds: Vec<(u64, u64, u64)> = Vec::new();
    // The time that the server goes by, as far as it is known: what it has shown last, and what the clock may have shown it.
    let (mut shown, mut most, mut back) = (0, 0, 0);
    block_on(async {
        let stock = PutSku { sku: 1, units: UNITS, ..PutSku::default() };
        connect(&server).await.put_sku(&stock).await.unwrap().done().unwrap();
    });
    for nth in 1..=STEPS {
        let step = match rng.random_range(0..3) {
            0 => -rng.random_range(1..=1_200_000),
            1 => rng.random_range(1..=1_800_000),
            _ => rng.random_range(-2_000..=2_000),
        };
        back += u32::from(step < 0);
        most = most.max(clock.set(clock.offset_ms + step));
        if nth % RESTART_EVERY == 0 {
            server.kill();
            server = clock.start(&data);
        }
        block_on(async {
            // The server looks at its clock before it reads what has come; again after it has greeted.
            let before = clock.now();
            let client = connect(&server).await;
            let hold_ms = rng.random_range(1..=600) * 1_000;
            let wish = Reserve { user: nth, sku: 1, quantity: 1, hold_ms, ..Reserve::default() };
            let placed = client.reserve(&wish).await.unwrap().done().unwrap();
            most = most.max(clock.now());
            let at = placed.expires_at - u64::from(hold_ms);
            assert!(at >= shown, "step {nth}: its time went back by {} ms", shown - at);
            assert!(
                at >= before,
                "step {nth}: it didn't look at the clock, which had shown {before}, at {at}"
            );
            assert!(at <= most, "step {nth}: its time is {} ms ahead of any that was shown", at - most);
            shown = at;
            holds.push((placed.order, nth, placed.expires_at));
            for &(order, user, ends_at) in &holds {
                let read = ReadOrder { order, user };
                let until = Instant::now() + PATIENCE;
                loop {
                    let state = client.read_order(&read).await.unwrap().done().map(|view| view.state);
                    let over = state == Some(OrderState::Expired.byte());
                    assert!(over || state == Some(OrderState::Held.byte()), "step {nth}: {state:?}");
                    most = most.max(clock.now());
                    assert!(!over || ends_at <= most, "step {nth}: a hold ended {} ms early", ends_at - most);
                    if over || ends_at > shown {
                        break;
                    }
                    assert!(Instant::now() < until, "step {nth}: a hold that is over is not given back");
                    tokio::task::yield_now().await;
                }
            }
        });
    }
    let times = block_on(async { times(&connect(&server).await).await });
    assert!(times.is_sorted(), "time in the log goes back");
    server.kill();
    drop(server);
    assert!(matches!(certify(&data, &mut |_, _| {}), Ok(Certified::Sound(_))), "the log is sound");
    println!("{back} steps back, {} holds, {} events", holds.len(), times.len());
    assert!(back >= 10, "there was something to see");
}

/// A client that has just been greeted: it reckons with the server's time from then on.
async fn connect(server: &Server) -> Client {
    Client::builder().connections(1).connect(&server.address).await.unwrap()
}
