//! What plans did, on disk: a file of its own in the data folder.
//!
//! The write-ahead log holds what plans changed about stock. It doesn't hold that a plan is active, what else it does, nor what is
//! needed to undo it; a server that forgot that in a crash would leave a shop frozen that nobody knows how to thaw. So each change
//! of a run is a line of JSON, the whole run as it is then, appended and synced *before* the action is carried out, and again
//! behind it. The last line of a run is what counts.
//!
//! A line that a crash has cut short is the last one, and was never acted upon: it is cut off. Anything else that can't be read
//! stops the start.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::run::Run;

/// The file's name in the data folder.
pub(crate) const FILE: &str = "plans.jsonl";

/// Where runs are written. The file is made with the first of them.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Option<File>,
}

impl Journal {
    /// Reads the file, if there is one; gives the runs that it knows.
    pub(crate) fn open(path: &Path) -> io::Result<(Self, BTreeMap<u32, Run>)> {
        let mut runs = BTreeMap::new();
        let mut journal = Self { path: path.to_owned(), file: None };
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok((journal, runs)),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut whole = 0;
        for (number, line) in (1_usize..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            if !line.ends_with(b"\n") {
                tracing::warn!(
                    line = number,
                    "the journal of plans ended in a line that a crash had cut short"
                );
                break;
            }
            let run: Run = serde_json::from_slice(line).map_err(|error| {
                let why = format!("{}, line {number}: {error}", path.display());
                io::Error::new(ErrorKind::InvalidData, why)
            })?;
            runs.insert(run.number, run);
            whole += line.len() as u64;
        }
        file.set_len(whole)?;
        file.seek(io::SeekFrom::Start(whole))?;
        file.sync_all()?;
        journal.file = Some(file);
        Ok((journal, runs))
    }

    /// Writes a run as it is now; it is on disk when this returns.
    pub(crate) fn write(&mut self, run: &Run) -> io::Result<()> {
        let mut line = serde_json::to_vec(run).map_err(io::Error::other)?;
        line.push(b'\n');
        let file = match self.file.take() {
            Some(file) => file,
            None => self.make()?,
        };
        let file = self.file.insert(file);
        let whole = file.stream_position()?;
        file.write_all(&line).and_then(|()| file.sync_data()).inspect_err(|_| {
            // A part of the line must not stand before the next one. Where even this fails, the next start says so.
            if file.set_len(whole).and_then(|()| file.seek(io::SeekFrom::Start(whole))).is_err() {
                tracing::error!("the journal of plans can't be cut back to its last whole line");
            }
        })
    }

    /// Makes the file, and makes sure that its folder knows it.
    fn make(&self) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::super::run::RunState;
    use super::*;

    fn run(number: u32, state: RunState) -> Run {
        Run {
            number,
            plan: "calm".to_owned(),
            sku: Some(7),
            cause: "by hand".to_owned(),
            rule: None,
            at_ms: 1,
            revert_at_ms: None,
            state,
            steps: Vec::new(),
        }
    }

    #[test]
    fn the_last_line_of_a_run_counts_and_one_that_was_cut_short_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let (mut journal, runs) = Journal::open(&path).unwrap();
        assert!(runs.is_empty() && !path.exists());
        for (number, state) in [(1, RunState::Running), (2, RunState::Running), (1, RunState::Reverted)] {
            journal.write(&run(number, state)).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();
        let (mut journal, runs) = Journal::open(&path).unwrap();
        assert!(runs.values().all(|run| run.state == RunState::Running), "{runs:?}");
        journal.write(&run(1, RunState::Active)).unwrap();
        let (_, runs) = Journal::open(&path).unwrap();
        assert_eq!(
            runs.values().map(|run| run.state).collect::<Vec<_>>(),
            [RunState::Active, RunState::Running]
        );
    }

    #[test]
    fn a_line_that_is_none_stops_the_start_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, "nonsense\n").unwrap();
        let error = Journal::open(&path).unwrap_err().to_string();
        assert!(error.contains("plans.jsonl, line 1: "), "{error}");
    }
}
