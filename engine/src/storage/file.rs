//! The real disk: one folder, locked by one process.
//!
//! Positioned reads and writes through the page cache and `fdatasync`. Memory-mapped IO is not used: it would turn
//! an IO error into a signal. The lock is the operating system's (`flock`), so it ends with the process however
//! that ends, and no stale lock file can keep a server from starting.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::manifest::{LogId, MANIFEST, Manifest};
use super::{Operation, Storage, StorageError, StorageFile};

pub(super) const LOCK: &str = "LOCK";

/// Entries that may stand in a folder which holds no manifest yet: what a start that was cut short leaves, and
/// what `mkfs` puts at the root of a file system, and the API keys that somebody made before the first start.
const HARMLESS: [&str; 5] = [LOCK, "MANIFEST.tmp", "lost+found", "keys.json", "keys.json.lock"];

/// A data folder on a real disk, locked for as long as the value lives.
#[derive(Debug)]
pub struct FileStorage {
    path: PathBuf,
    folder: File,
    _lock: File,
}

impl FileStorage {
    /// Opens a data folder and locks it. A folder that doesn't exist or is empty becomes a data folder with a new
    /// random log id.
    ///
    /// # Errors
    /// [`StorageError::Locked`] while another process has the folder, [`StorageError::Foreign`] for a folder with
    /// other content, [`StorageError::Version`] for a newer one, [`StorageError::Manifest`] for a damaged one,
    /// else what the operating system said.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let storage = Self::open_copy(path)?;
        if Manifest::read(&storage).map_err(|error| storage.placed(error))?.is_none() {
            let log_id = LogId::new(u128::from(random_u64()?) << 64 | u128::from(random_u64()?));
            Manifest { log_id, segment: 0 }.write(&storage)?;
        }
        Ok(storage)
    }

    /// As [`open`](Self::open), for a folder that a log is to be copied into: a new one gets no log id.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_copy(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = path.as_ref();
        let shown = || path.display().to_string();
        let failed = |operation| move |error| StorageError::io(operation, path.display().to_string(), error);
        if !path.exists() {
            std::fs::create_dir_all(path).map_err(failed(Operation::Create))?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                let parent = File::open(parent).map_err(failed(Operation::Open))?;
                parent.sync_all().map_err(failed(Operation::Sync))?;
            }
        }
        let names = names(path)?;
        if !names.iter().any(|name| name == MANIFEST) {
            let foreign = names.into_iter().find(|name| !HARMLESS.contains(&name.as_str()));
            if let Some(entry) = foreign {
                return Err(StorageError::Foreign { folder: shown(), entry });
            }
        }
        let lock_path = path.join(LOCK);
        let lock_failed = |error| StorageError::io(Operation::Lock, lock_path.display().to_string(), error);
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(&lock_path).map_err(lock_failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StorageError::Locked { folder: shown() },
            TryLockError::Error(error) => lock_failed(error),
        })?;
        let folder = File::open(path).map_err(failed(Operation::Open))?;
        Ok(Self { path: path.to_owned(), folder, _lock: lock })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names the manifest with its whole path in an error that a person will read.
    fn placed(&self, error: StorageError) -> StorageError {
        let whole = |file: String| self.shown(&file);
        match error {
            StorageError::Version { file, found, supported } => {
                StorageError::Version { file: whole(file), found, supported }
            }
            StorageError::Manifest { file, reason } => StorageError::Manifest { file: whole(file), reason },
            other => other,
        }
    }

    fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn open_with(
        &self,
        name: &str,
        operation: Operation,
        options: &OpenOptions,
    ) -> Result<Box<dyn StorageFile>, StorageError> {
        let shown = self.shown(name);
        match options.open(self.path.join(name)) {
            Ok(file) => Ok(Box::new(RealFile::new(file, shown))),
            Err(error) => Err(StorageError::io(operation, shown, error)),
        }
    }
}

impl Storage for FileStorage {
    fn list(&self) -> Result<Vec<String>, StorageError> {
        names(&self.path)
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let mut options = OpenOptions::new();
        self.open_with(name, Operation::Create, options.read(true).write(true).create(true).truncate(true))
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.open_with(name, Operation::Open, OpenOptions::new().read(true).write(true))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        std::fs::rename(self.path.join(from), self.path.join(to))
            .map_err(|error| StorageError::io(Operation::Rename, self.shown(from), error))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        std::fs::remove_file(self.path.join(name))
            .map_err(|error| StorageError::io(Operation::Remove, self.shown(name), error))
    }

    fn sync_folder(&self) -> Result<(), StorageError> {
        self.folder
            .sync_all()
            .map_err(|error| StorageError::io(Operation::Sync, self.path.display().to_string(), error))
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        let failed = |error: rustix::io::Errno| {
            StorageError::io(Operation::Measure, self.path.display().to_string(), error.into())
        };
        let system = rustix::fs::fstatvfs(&self.folder).map_err(failed)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }
}

/// A random number from the operating system, for identities.
///
/// # Errors
/// The operating system has no randomness to give.
pub fn random_u64() -> Result<u64, StorageError> {
    let mut bytes = [0; 8];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()) {
            Ok(more) => filled += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                return Err(StorageError::io(Operation::Randomness, "the operating system", error.into()));
            }
        }
    }
    Ok(u64::from_le_bytes(bytes))
}

pub(super) fn names(path: &Path) -> Result<Vec<String>, StorageError> {
    let failed = |error| StorageError::io(Operation::List, path.display().to_string(), error);
    std::fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[derive(Debug)]
pub(super) struct RealFile {
    file: File,
    shown: String,
}

impl RealFile {
    pub(super) const fn new(file: File, shown: String) -> Self {
        Self { file, shown }
    }

    fn failed(&self, operation: Operation) -> impl FnOnce(io::Error) -> StorageError + '_ {
        move |error| StorageError::io(operation, self.shown.as_str(), error)
    }

    fn failed_at(&self, operation: Operation, offset: u64) -> impl FnOnce(io::Error) -> StorageError + '_ {
        move |error| StorageError::io(operation, format!("{} at offset {offset}", self.shown), error)
    }
}

impl StorageFile for RealFile {
    fn length(&self) -> Result<u64, StorageError> {
        Ok(self.file.metadata().map_err(self.failed(Operation::Measure))?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed_at(Operation::Read, offset)(error)),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.file.write_all_at(bytes, offset).map_err(self.failed_at(Operation::Write, offset))
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.file.sync_data().map_err(self.failed(Operation::Sync))
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.file.set_len(length).map_err(self.failed(Operation::Truncate))
    }
}
