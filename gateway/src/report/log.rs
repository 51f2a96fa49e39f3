//! A data folder's log, read in order, without a server.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use doorbuster_engine::log::record::Record;
use doorbuster_engine::log::{Cursor, LogError, Lsn};
use doorbuster_engine::storage::{ReadOnlyFolder, StorageError};
use doorbuster_ledger::Event;

use super::numbers::Moment;

/// Bytes of the log that are read between two looks at how far it is.
const STEP: u64 = 4 << 20;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// The folder isn't there, or is none.
    #[error("can't {0}")]
    Folder(#[from] StorageError),
    /// The log can't be read.
    #[error("can't {0}")]
    Log(#[from] LogError),
    /// The log doesn't begin at its beginning.
    #[error(
        "the log in {folder} begins at position {oldest}; what came before is in a snapshot alone, and a report needs all of it: \
         take a backup that has the older segments, and see snapshots.keep_log_bytes"
    )]
    Cut {
        /// The folder.
        folder: String,
        /// The oldest position.
        oldest: u64,
    },
    /// Nothing was ever sold.
    #[error("the log in {folder} has no event to report on; is it the right folder?{}", as_clause(.behind.as_deref()))]
    Empty {
        /// The folder.
        folder: String,
        /// What stands there instead, if anything.
        behind: Option<String>,
    },
    /// The log knows no such campaign.
    #[error("the log knows no campaign {campaign}{}", others(.known))]
    NoCampaign {
        /// What was asked for.
        campaign: u32,
        /// What there is.
        known: Vec<u32>,
    },
    /// Nothing is between the two times.
    #[error(
        "nothing to report on between {} and {}: the log has events from {} to {}; --from and --to say what part",
        Moment(*.from), Moment(*.to), Moment(*.first), Moment(*.last)
    )]
    Nothing {
        /// Its start.
        from: u64,
        /// Its end.
        to: u64,
        /// The log's first event.
        first: u64,
        /// The log's last event.
        last: u64,
    },
    /// Too many sections.
    #[error(
        "{sections} intervals are too many, {most} at most; name a longer one with --every, or a part with --from and --to"
    )]
    TooMany {
        /// So many.
        sections: u64,
        /// The most.
        most: u64,
    },
    /// An event can't follow those before.
    #[error(
        "the log contradicts itself: the event at position {position} can't follow: {why}; keep the folder, and ask `doorbuster audit`"
    )]
    Contradiction {
        /// Its position.
        position: u64,
        /// What is wrong.
        why: String,
    },
}

fn others(known: &[u32]) -> String {
    match known {
        [] => ", nor any other".to_owned(),
        some => {
            let some: Vec<String> = some.iter().map(ToString::to_string).collect();
            format!("; it knows {}", some.join(", "))
        }
    }
}

fn as_clause(behind: Option<&str>) -> String {
    behind.map_or_else(String::new, |behind| format!(" {behind}"))
}

impl ReportError {
    /// The exit code that says so.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Folder(_)
            | Self::Log(LogError::Storage(_) | LogError::NewerVersion { .. })
            | Self::Cut { .. } => 4,
            Self::Log(_) | Self::Contradiction { .. } => 5,
            Self::TooMany { .. } => 2,
            Self::Empty { .. } | Self::NoCampaign { .. } | Self::Nothing { .. } => 8,
        }
    }
}

/// See the module's doc. A server may go on meanwhile: the report ends where the log did when it was opened.
#[derive(Debug)]
pub(super) struct Log {
    cursor: Cursor,
    until: Lsn,
    behind: Option<String>,
}

impl Log {
    pub(super) fn open(folder: &Path) -> Result<Self, ReportError> {
        let storage = ReadOnlyFolder::open(folder)?;
        let served = storage.is_served();
        let mut cursor = Cursor::open(Arc::new(storage))?;
        let end = cursor.end(!served)?;
        let until = end.lsn;
        let behind = end.behind.filter(|_| !served).map(|fault| {
            format!(
                "Behind position {until} stand bytes that are no whole block ({fault}): a write that a crash cut short, or damage; \
                 nothing behind them is in the report. `doorbuster audit` tells which."
            )
        });
        let shown = || folder.display().to_string();
        if cursor.oldest().get() > 0 {
            return Err(ReportError::Cut { folder: shown(), oldest: cursor.oldest().get() });
        }
        if until.get() == 0 {
            return Err(ReportError::Empty { folder: shown(), behind });
        }
        Ok(Self { cursor, until, behind })
    }

    /// The log's identity.
    pub(super) fn id(&self) -> String {
        self.cursor.log_id().to_string()
    }

    /// Events before its end.
    pub(super) fn events(&self) -> u64 {
        self.until.get()
    }

    /// What stands behind its last whole block, if that is neither nothing nor a server's work.
    pub(super) fn behind(&self) -> Option<&str> {
        self.behind.as_deref()
    }

    /// Shows every event with its position, until `visit` breaks; `far` hears now and then how far it is.
    pub(super) fn each(
        &mut self,
        far: &mut dyn FnMut(u64, u64),
        mut visit: impl FnMut(u64, &Event) -> ControlFlow<()>,
    ) -> Result<(), ReportError> {
        let mut next = Lsn::default();
        let mut ended = false;
        while next < self.until && !ended {
            next = self.cursor.read(next, self.until, STEP, |position, record| {
                let turn = match record {
                    Record::Event(event) => visit(position.get(), event),
                    Record::Checkpoint { .. } => ControlFlow::Continue(()),
                };
                ended = turn.is_break();
                turn
            })?;
            far(next.get(), self.until.get());
        }
        Ok(())
    }
}
