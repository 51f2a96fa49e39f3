//! What is told on standard error, and that it may change while the server runs.

use std::fmt;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::audit;

/// What sets the level anew.
type Set = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// The level of this process.
pub(crate) struct LogLevel {
    /// `None`: the process tells things as somebody else wants it.
    set: Option<Set>,
}

impl LogLevel {
    /// Tells on standard error, from now on, what a filter lets through. A process has one: a second is no reason to fail, as for
    /// an embedded server, and changes nothing.
    pub(crate) fn install(filter: &str) -> Self {
        let filter = parsed(filter).unwrap_or_else(|| EnvFilter::new("info"));
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .with_env_filter(filter)
            .with_filter_reloading();
        let handle = subscriber.reload_handle();
        let set: Set = Box::new(move |filter| handle.reload(filter).is_ok());
        Self { set: subscriber.try_init().is_ok().then_some(set) }
    }

    /// Lets another filter decide.
    pub(crate) fn set(&self, filter: &str) {
        let Some(filter) = parsed(filter) else { return };
        if !self.set.as_ref().is_some_and(|set| set(filter)) {
            tracing::warn!(
                "what is told on standard error stays as it is: this process was set up by somebody else"
            );
        }
    }
}

/// A filter, which lets the lines of the audit through unless it speaks of them itself.
fn parsed(filter: &str) -> Option<EnvFilter> {
    let own = filter.contains(audit::TARGET);
    let filter: EnvFilter = filter.parse().ok()?;
    if own { Some(filter) } else { Some(filter.add_directive(audit::DIRECTIVE.parse().ok()?)) }
}

impl fmt::Debug for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLevel").finish_non_exhaustive()
    }
}
