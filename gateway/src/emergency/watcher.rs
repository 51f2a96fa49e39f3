//! The thread that looks, ten times a second.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::overload::anomaly::EVERY;
use crate::server::Shared;

/// A running watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    /// Written once, by whoever stops it, before the thread is woken; nothing depends on when it is seen.
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watcher {
    /// Starts the thread.
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("watcher".to_owned()).spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                shared.emergency.look(&shared, shared.moment(Instant::now()));
                std::thread::park_timeout(Duration::from_micros(EVERY.us()));
            }
        })?;
        Ok(Self { ended, thread })
    }

    /// Ends it, when the plan that it may be at is done. Returns whether the thread ended well.
    pub(crate) fn stop(self) -> bool {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().is_ok()
    }
}
