//! Ctrl-C during a drill.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::exit::Failure;
use crate::worker::Progress;

/// Lets Ctrl-C and SIGTERM end the load early, with an audit and a report of what there is.
pub(super) fn stop_on(progress: &Arc<Progress>) -> Result<(), Failure> {
    let failed = |error| Failure::could_not("listen for signals", &error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
    let progress = Arc::clone(progress);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                use tokio::signal::unix::{SignalKind, signal};
                let (Ok(mut interrupt), Ok(mut terminate)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                progress.stop.store(true, Ordering::Relaxed);
            });
        })
        .map_err(failed)?;
    Ok(())
}
