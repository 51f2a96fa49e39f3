//! What this test process tells, kept so that it can be looked at.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

static TOLD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static LISTENS: OnceLock<()> = OnceLock::new();

struct Ear;

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TOLD.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Listens from now on to all threads of the process, to the last detail.
pub(crate) fn listen() {
    LISTENS.get_or_init(|| {
        let all = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(|| Ear)
            .with_max_level(tracing::Level::TRACE);
        all.try_init().expect("nobody else listens");
    });
}

/// All that was told so far.
pub(crate) fn told() -> String {
    String::from_utf8_lossy(&TOLD.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}

/// The lines of the audit so far that hold all of this.
pub(crate) fn lines(parts: &[&str]) -> Vec<String> {
    let told = told();
    let fits = |line: &&str| line.contains(" audit: ") && parts.iter().all(|part| line.contains(part));
    told.lines().filter(fits).map(str::to_owned).collect()
}
