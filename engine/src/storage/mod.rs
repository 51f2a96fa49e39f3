//! The seam between the log and the disk.
//!
//! Everything the engine does to a disk goes through [`Storage`] and [`StorageFile`], in steps so small that a
//! simulator can lose power between any two of them. There are two implementations: [`FileStorage`] on a real
//! folder ([`ReadOnlyFolder`] for looking at one without taking it, [`Slowed`] for rehearsing with a slow one), and
//! [`SimStorage`], which keeps page cache and disk apart and loses what was not synced.
//!
//! The rules that callers keep, because disks do:
//! * Written bytes are durable when [`StorageFile::sync_data`] has returned, not before.
//! * A name (created, renamed, removed) is durable when [`Storage::sync_folder`] has returned, not before.
//! * After a failed sync the content of the file is unknown; a second sync that succeeds proves nothing.
mod error;
mod file;
mod manifest;
mod read_only;
mod sim;
mod sim_disk;
mod slowed;

use std::fmt::Debug;

pub use error::{Operation, StorageError};
pub use file::{FileStorage, random_u64};
pub use manifest::{FORMAT_VERSION, LogId, MANIFEST, Manifest};
pub use read_only::ReadOnlyFolder;
pub use sim::SimStorage;
pub use sim_disk::Crash;
pub use slowed::{Slowed, SyncDelay};

/// Most bytes of a file that [`Storage::read_small`] reads: bounds the memory that a damaged folder can claim.
pub const MAX_SMALL_FILE: usize = 64 << 10;

/// A flat folder of files.
///
/// Names are plain file names that this crate made. All methods may be called from several threads; two
/// threads never work on the same name at the same time, but that one may read what another has written and synced.
pub trait Storage: Debug + Send + Sync {
    /// The names of all files, in no particular order.
    ///
    /// # Errors
    /// The folder can't be read.
    fn list(&self) -> Result<Vec<String>, StorageError>;

    /// Creates an empty file for reading and writing; one that exists loses its content.
    ///
    /// # Errors
    /// The file can't be created.
    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// The file doesn't exist ([`StorageError::is_not_found`]) or can't be opened.
    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError>;

    /// Renames a file and replaces what `to` named before, in one step that a crash can't split.
    ///
    /// # Errors
    /// The file doesn't exist or can't be renamed.
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Removes a file.
    ///
    /// # Errors
    /// The file doesn't exist or can't be removed.
    fn remove(&self, name: &str) -> Result<(), StorageError>;

    /// Makes the names durable: every create, rename and remove before this call.
    ///
    /// # Errors
    /// The sync failed; which names are durable is unknown.
    fn sync_folder(&self) -> Result<(), StorageError>;

    /// Bytes that may still be written, as far as that is known; else `u64::MAX`.
    ///
    /// # Errors
    /// The file system can't be asked.
    fn free_bytes(&self) -> Result<u64, StorageError> {
        Ok(u64::MAX)
    }

    /// The whole content of a small file, or `None` where there is none of that name.
    ///
    /// # Errors
    /// The file can't be read, or is over [`MAX_SMALL_FILE`] bytes.
    fn read_small(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let file = match self.open(name) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut content = vec![0; MAX_SMALL_FILE + 1];
        let length = file.read_at(0, &mut content)?;
        if length > MAX_SMALL_FILE {
            return Err(StorageError::TooLarge { file: name.to_owned(), limit: MAX_SMALL_FILE });
        }
        content.truncate(length);
        Ok(Some(content))
    }

    /// Replaces the content of a small file so that a crash leaves the old content or the new, and makes it
    /// durable.
    ///
    /// # Errors
    /// One of the steps failed; the old content or the new is there.
    fn write_small(&self, name: &str, content: &[u8]) -> Result<(), StorageError> {
        let aside = format!("{name}.tmp");
        let file = self.create(&aside)?;
        file.write_at(0, content)?;
        file.sync_data()?;
        self.rename(&aside, name)?;
        self.sync_folder()
    }
}

/// An open file.
pub trait StorageFile: Debug + Send + Sync {
    /// Bytes in the file.
    ///
    /// # Errors
    /// The length can't be read.
    fn length(&self) -> Result<u64, StorageError>;

    /// Reads at a byte offset until `buffer` is full or the file ends; answers how many bytes it read.
    ///
    /// # Errors
    /// The read failed.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError>;

    /// Writes all bytes at a byte offset; the file grows where they reach past its end.
    ///
    /// # Errors
    /// The write failed; any part of the bytes may be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Makes all written bytes and the file's length durable.
    ///
    /// # Errors
    /// The sync failed; what is durable is unknown from then on.
    fn sync_data(&self) -> Result<(), StorageError>;

    /// Cuts the file to a length in bytes.
    ///
    /// # Errors
    /// The file can't be cut.
    fn truncate(&self, length: u64) -> Result<(), StorageError>;
}
