//! The file that keys are kept in. Others may not read it; it is never half written.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::KeysError;
use super::ring::Keyring;

/// The most that is read of a file, bytes: 256 keys with all their channels and secrets have half as many.
const MAX_FILE: u64 = 1 << 20;

/// Its owner alone reads and writes it.
const MODE: u32 = 0o600;

/// The permissions that others have.
const OTHERS: u32 = 0o077;

/// What tells one content of a file from the next, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    /// Of its permissions, too.
    changed: (i64, i64),
}

/// See the module's doc.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at a path, whether it is there or not.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the keys. Where there is no file, there are none.
    ///
    /// # Errors
    /// It can't be read, is open to others, or is no list of keys.
    pub fn read(&self) -> Result<Keyring, KeysError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Keyring::default()),
            Err(error) => return Err(self.io("read", error)),
        };
        let mode = file.metadata().map_err(|error| self.io("read", error))?.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(KeysError::Open { file: self.name(), mode });
        }
        let mut text = String::new();
        let read = file.take(MAX_FILE + 1).read_to_string(&mut text);
        let garbled = |why: String| KeysError::Garbled { file: self.name(), why };
        match read {
            Ok(length) if length as u64 > MAX_FILE => {
                Err(garbled(format!("it has more than {MAX_FILE} bytes")))
            }
            Ok(_) => Keyring::parse(&text).map_err(garbled),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(garbled("it is no text".to_owned()))
            }
            Err(error) => Err(self.io("read", error)),
        }
    }

    /// Reads the keys, lets `change` change them, and writes them back, durable and at once; nobody else changes them meanwhile.
    ///
    /// # Errors
    /// As [`read`](Self::read), what `change` says, or they can't be written. Then the file is as it was.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut Keyring) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let write = |error| self.io("write", error);
        // A file of its own, as the one with the keys is another one after each change.
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(write)?;
        }
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(MODE).open(self.beside("lock"));
        let lock = lock.map_err(write)?;
        lock.lock().map_err(write)?;
        let mut ring = self.read()?;
        let done = change(&mut ring)?;
        self.write(&ring).map_err(write)?;
        drop(lock);
        Ok(done)
    }

    fn write(&self, ring: &Keyring) -> io::Result<()> {
        let aside = self.beside("new");
        // What a crash left has the permissions that somebody gave it.
        match std::fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(MODE).open(&aside)?;
        file.write_all(ring.text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// What its content is told by; `None`: there is no file, or nobody can say.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let found = std::fs::metadata(&self.path).ok()?;
        Some(Stamp {
            inode: found.ino(),
            length: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }

    /// Another file beside it.
    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        name.into()
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn io(&self, doing: &'static str, error: io::Error) -> KeysError {
        KeysError::Io { doing, file: self.name(), error }
    }
}
