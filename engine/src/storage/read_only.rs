//! A data folder that is looked at and not taken: no lock, nothing is created or changed.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::file::{LOCK, RealFile, names};
use super::manifest::{MANIFEST, Manifest};
use super::{Operation, Storage, StorageError, StorageFile};

/// See the module's doc. A process may serve from the folder meanwhile: what it has made durable doesn't change.
#[derive(Debug)]
pub struct ReadOnlyFolder {
    path: PathBuf,
}

impl ReadOnlyFolder {
    /// Looks at a data folder.
    ///
    /// # Errors
    /// There is no such folder, or it holds no readable manifest.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let folder = Self { path: path.as_ref().to_owned() };
        if Manifest::read(&folder)?.is_some() {
            return Ok(folder);
        }
        let error = io::Error::new(ErrorKind::NotFound, "this is no data folder, or it was never served");
        Err(StorageError::io(Operation::Open, folder.shown(MANIFEST), error))
    }

    /// Whether a process serves from the folder now. Takes the lock for an instant to find out; where this process may
    /// not, it says yes.
    pub fn is_served(&self) -> bool {
        let Ok(lock) = File::open(self.path.join(LOCK)) else { return true };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock | TryLockError::Error(_)))
    }

    fn shown(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn refuse(&self, operation: Operation, name: &str) -> StorageError {
        let error = io::Error::new(ErrorKind::ReadOnlyFilesystem, "the folder is only looked at");
        StorageError::io(operation, self.shown(name), error)
    }
}

impl Storage for ReadOnlyFolder {
    fn list(&self) -> Result<Vec<String>, StorageError> {
        names(&self.path)
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        Err(self.refuse(Operation::Create, name))
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let shown = self.shown(name);
        match File::open(self.path.join(name)) {
            // Opened for reading: the system refuses whoever would write to it.
            Ok(file) => Ok(Box::new(RealFile::new(file, shown))),
            Err(error) => Err(StorageError::io(Operation::Open, shown, error)),
        }
    }

    fn rename(&self, from: &str, _to: &str) -> Result<(), StorageError> {
        Err(self.refuse(Operation::Rename, from))
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        Err(self.refuse(Operation::Remove, name))
    }

    fn sync_folder(&self) -> Result<(), StorageError> {
        Err(self.refuse(Operation::Sync, ""))
    }
}
