//! Notices that somebody wants `top` to end, so that it can give the terminal back before it does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Set by the first signal that ends a program.
#[derive(Clone, Debug)]
pub(super) struct Ended(Arc<AtomicBool>);

impl Ended {
    /// Catches SIGTERM, SIGINT and SIGHUP from now on, on a thread of its own, which ends with the program.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn watch() -> io::Result<Self> {
        let ended = Self(Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut interrupt, mut hang_up) = {
            let _context = runtime.enter();
            (
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::hangup())?,
            )
        };
        let told = ended.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                    _ = hang_up.recv() => {}
                }
            });
            // Written here once, read by the one who draws; nothing else hangs on it.
            told.0.store(true, Ordering::Relaxed);
        })?;
        Ok(ended)
    }

    /// Whether a signal has come.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
