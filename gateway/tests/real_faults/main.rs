//! Real faults: the real server on real disks is killed, stopped, and robbed of its disk, under load and at seeded moments. What
//! its shoppers were told is held against what it has afterwards.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
#![expect(clippy::await_holding_refcell_ref, reason = "nobody else runs while the account is audited")]

mod clock;
mod disk;
mod full;
mod kill;
mod pause;
mod process;
mod shoppers;
mod stepped;

/// The seed of everything random here, unless `DOORBUSTER_SEED` says another.
const SEED: u64 = 20_251_111;

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn seed() -> u64 {
    from_environment("DOORBUSTER_SEED", SEED)
}

/// A folder on the disk that the build uses: what is there for temporary files may be memory.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder takes a folder")
}

/// The times of all events that a log has, in their order.
async fn times(client: &doorbuster_client::Client) -> Vec<u64> {
    let mut feed = client.feed(0);
    let mut times = Vec::new();
    while !feed.at_end() || times.is_empty() {
        times.push(feed.next().await.unwrap().at);
    }
    times
}

/// Runs a future whose tasks stay on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, future)
}
