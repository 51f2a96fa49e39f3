//! A disk that can be made slow, for rehearsals: each sync takes longer than the disk below needs, as long as somebody wants
//! it so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Storage, StorageError, StorageFile};

/// How much longer each sync takes. Set from any thread while the storage is in use.
#[derive(Debug, Default)]
pub struct SyncDelay {
    /// Milliseconds. Written by whoever rehearses, read by the log's thread before each sync; relaxed, as nothing else
    /// hangs on it.
    ms: AtomicU64,
}

impl SyncDelay {
    /// Makes each sync that begins from now on take so much longer; zero ends it.
    pub fn set(&self, delay: Duration) {
        self.ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How much longer each sync takes.
    pub fn get(&self) -> Duration {
        Duration::from_millis(self.ms.load(Ordering::Relaxed))
    }

    fn wait(&self) {
        let delay = self.get();
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
    }
}

/// A storage whose files sync as slowly as its [`SyncDelay`] says; everything else is the storage below.
#[derive(Debug)]
pub struct Slowed<S> {
    below: S,
    delay: Arc<SyncDelay>,
}

impl<S: Storage> Slowed<S> {
    /// On top of `below`.
    pub fn new(below: S, delay: Arc<SyncDelay>) -> Self {
        Self { below, delay }
    }

    fn slowed(&self, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(SlowedFile { below: file, delay: Arc::clone(&self.delay) })
    }
}

impl<S: Storage> Storage for Slowed<S> {
    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.below.list()
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.below.create(name).map(|file| self.slowed(file))
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.below.open(name).map(|file| self.slowed(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.below.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.below.remove(name)
    }

    fn sync_folder(&self) -> Result<(), StorageError> {
        self.below.sync_folder()
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        self.below.free_bytes()
    }
}

#[derive(Debug)]
struct SlowedFile {
    below: Box<dyn StorageFile>,
    delay: Arc<SyncDelay>,
}

impl StorageFile for SlowedFile {
    fn length(&self) -> Result<u64, StorageError> {
        self.below.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.below.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.below.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.delay.wait();
        self.below.sync_data()
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.below.truncate(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SimStorage;

    #[test]
    fn everything_reaches_the_storage_below() {
        let delay = Arc::new(SyncDelay::default());
        delay.set(Duration::from_millis(1));
        let slowed = Slowed::new(SimStorage::new(1), Arc::clone(&delay));
        slowed.write_small("one", b"content").expect("written");
        slowed.rename("one", "two").expect("renamed");
        assert_eq!(slowed.read_small("two").expect("readable").as_deref(), Some(&b"content"[..]));
        let file = slowed.open("two").expect("there");
        file.truncate(3).expect("cut");
        assert_eq!(file.length().expect("known"), 3);
        slowed.remove("two").expect("removed");
        slowed.sync_folder().expect("synced");
        assert!(!slowed.list().expect("listed").contains(&"two".to_owned()));
        assert_eq!(delay.get(), Duration::from_millis(1));
    }
}
