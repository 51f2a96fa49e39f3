//! A simulated folder: seeded, in memory, cruel.
//!
//! The handle may be cloned; all clones are one disk. A test gives a clone to the code under test, plants faults
//! through its own, lets power fail with [`SimStorage::crash`], and opens again what is left. The same seed and the
//! same calls give the same disk, byte for byte.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use parking_lot::Mutex;

use super::manifest::{LogId, Manifest};
use super::sim_disk::{Chance, Crash, Folder};
use super::{Operation, Storage, StorageError, StorageFile};

/// A folder in memory that can lose power, fill up and fail.
#[derive(Clone, Debug)]
pub struct SimStorage {
    disk: Arc<Mutex<Disk>>,
}

#[derive(Debug)]
struct Disk {
    folder: Folder,
    chance: Chance,
    /// Counts crashes; a file that was opened before the last one is dead.
    life: u64,
    dead: bool,
    operations: u64,
    faults: Faults,
}

/// What is planted, each as the number of such operations until it strikes.
#[derive(Debug, Default)]
struct Faults {
    crash: Option<u64>,
    write: Option<u64>,
    sync: Option<u64>,
    capacity: Option<usize>,
    flips_per_mille: usize,
}

impl SimStorage {
    /// A new data folder: a durable manifest with a log id from the seed, and nothing else.
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let log_id = LogId::new(u128::from(chance.next()) << 64 | u128::from(chance.next()));
        let faults = Faults::default();
        let disk = Disk { folder: Folder::default(), chance, life: 0, dead: false, operations: 0, faults };
        let storage = Self { disk: Arc::new(Mutex::new(disk)) };
        let written = Manifest { log_id, segment: 0 }.write(&storage);
        debug_assert!(written.is_ok(), "no fault is planted yet");
        storage
    }

    /// Ends this life of the machine or process: open files are dead, planted faults are gone, and after a loss of
    /// power only what was synced is sure to be there.
    pub fn crash(&self, crash: Crash) {
        self.disk.lock().crash(crash);
    }

    /// Lets the `nth` operation from now (1 is the next) be the last: it is done or not done, and it and all after
    /// it fail until [`SimStorage::crash`].
    pub fn die_at(&self, nth: u64) {
        self.disk.lock().faults.crash = Some(nth);
    }

    /// Lets the `nth` write from now (1 is the next) fail after half of its bytes.
    pub fn fail_write(&self, nth: u64) {
        self.disk.lock().faults.write = Some(nth);
    }

    /// Lets the `nth` sync of a file from now (1 is the next) fail and lose its pages.
    pub fn fail_sync(&self, nth: u64) {
        self.disk.lock().faults.sync = Some(nth);
    }

    /// Bounds the bytes of all files together; a write that would pass it fails with "storage full".
    pub fn limit_capacity(&self, bytes: usize) {
        self.disk.lock().faults.capacity = Some(bytes);
    }

    /// How many of a thousand unsynced pages get a flipped bit when the power fails. Outlives crashes.
    pub fn flip_on_power_loss(&self, per_mille: usize) {
        self.disk.lock().faults.flips_per_mille = per_mille;
    }

    /// Flips the bits of `mask` in a byte, in cache and on the platter: decay that no sync prevents.
    ///
    /// # Panics
    /// There is no such file or byte: the test is wrong.
    pub fn damage(&self, name: &str, offset: usize, mask: u8) {
        let mut disk = self.disk.lock();
        let number = disk.folder.find(name).expect("the damaged file exists");
        disk.folder.inode(number).expect("a name leads to a file").damage(offset, mask);
    }

    /// A copy of a file's bytes as programs see them, or `None` where there is no such file.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let mut disk = self.disk.lock();
        let number = disk.folder.find(name)?;
        disk.folder.inode(number).map(|inode| inode.bytes().to_vec())
    }

    /// Bytes in all files.
    pub fn used(&self) -> usize {
        self.disk.lock().folder.used()
    }

    /// Operations done or refused since the disk was made, for choosing a moment to crash.
    pub fn operations(&self) -> u64 {
        self.disk.lock().operations
    }
}

impl Disk {
    fn crash(&mut self, crash: Crash) {
        let flips_per_mille = self.faults.flips_per_mille;
        if crash == Crash::Power {
            self.folder.lose_power(&mut self.chance, flips_per_mille);
        }
        self.life += 1;
        self.dead = false;
        self.faults = Faults { flips_per_mille, ..Faults::default() };
    }

    /// Counts an operation. Answers whether the machine dies with it, in which case it may still take effect.
    fn enter(&mut self, operation: Operation, file: &str) -> Result<bool, StorageError> {
        self.operations += 1;
        if self.dead {
            return Err(died(operation, file));
        }
        if !strikes(&mut self.faults.crash) {
            return Ok(false);
        }
        self.dead = true;
        if self.chance.coin() { Ok(true) } else { Err(died(operation, file)) }
    }

    fn find(&self, operation: Operation, name: &str) -> Result<u64, StorageError> {
        let missing = || StorageError::io(operation, name, ErrorKind::NotFound.into());
        self.folder.find(name).ok_or_else(missing)
    }
}

impl SimStorage {
    /// Runs one operation on the folder.
    fn operate<T>(
        &self,
        operation: Operation,
        name: &str,
        act: impl FnOnce(&mut Disk) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut disk = self.disk.lock();
        let dying = disk.enter(operation, name)?;
        if dying && operation == Operation::Sync {
            return Err(died(operation, name));
        }
        let answer = act(&mut disk)?;
        drop(disk);
        ending(dying, operation, name).map(|()| answer)
    }

    fn file(&self, name: &str, inode: u64, life: u64) -> Box<dyn StorageFile> {
        Box::new(SimFile { disk: Arc::clone(&self.disk), inode, life, name: name.to_owned() })
    }
}

impl Storage for SimStorage {
    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.operate(Operation::List, "folder", |disk| Ok(disk.folder.names()))
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let create = |disk: &mut Disk| Ok((disk.folder.create(name), disk.life));
        self.operate(Operation::Create, name, create).map(|(inode, life)| self.file(name, inode, life))
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        let open = |disk: &mut Disk| Ok((disk.find(Operation::Open, name)?, disk.life));
        self.operate(Operation::Open, name, open).map(|(inode, life)| self.file(name, inode, life))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.operate(Operation::Rename, from, |disk| {
            disk.find(Operation::Rename, from)?;
            disk.folder.rename(from, to);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.operate(Operation::Remove, name, |disk| {
            disk.find(Operation::Remove, name)?;
            disk.folder.remove(name);
            Ok(())
        })
    }

    fn sync_folder(&self) -> Result<(), StorageError> {
        self.operate(Operation::Sync, "folder", |disk| {
            disk.folder.sync();
            Ok(())
        })
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        let (capacity, used) = {
            let disk = self.disk.lock();
            (disk.faults.capacity, disk.folder.used())
        };
        let free = capacity.map(|capacity| capacity.saturating_sub(used));
        Ok(free.map_or(u64::MAX, |free| free as u64))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: Arc<Mutex<Disk>>,
    inode: u64,
    life: u64,
    name: String,
}

impl SimFile {
    /// Runs one operation on the file, if this life of the machine still lasts.
    fn operate<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut Disk, u64) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut disk = self.disk.lock();
        if disk.life != self.life {
            return Err(died(operation, &self.name));
        }
        let dying = disk.enter(operation, &self.name)?;
        if dying && operation == Operation::Sync {
            return Err(died(operation, &self.name));
        }
        let answer = act(&mut disk, self.inode)?;
        drop(disk);
        ending(dying, operation, &self.name).map(|()| answer)
    }

    fn failed(&self, operation: Operation, kind: ErrorKind) -> StorageError {
        StorageError::io(operation, self.name.as_str(), kind.into())
    }
}

impl StorageFile for SimFile {
    fn length(&self) -> Result<u64, StorageError> {
        self.operate(Operation::Measure, |disk, inode| {
            Ok(disk.folder.inode(inode).map_or(0, |inode| inode.bytes().len() as u64))
        })
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.operate(Operation::Read, |disk, inode| {
            let bytes = disk.folder.inode(inode).map_or(&[][..], |inode| inode.bytes());
            let rest = bytes.get(position(offset)..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.operate(Operation::Write, |disk, number| {
            let used = disk.folder.used();
            let struck = strikes(&mut disk.faults.write);
            let capacity = disk.faults.capacity.unwrap_or(usize::MAX);
            let Some(inode) = disk.folder.inode(number) else {
                return Err(self.failed(Operation::Write, ErrorKind::NotFound));
            };
            let offset = position(offset);
            let growth = (offset + bytes.len()).saturating_sub(inode.bytes().len());
            if growth > 0 && used.saturating_add(growth) > capacity {
                return Err(self.failed(Operation::Write, ErrorKind::StorageFull));
            }
            if struck {
                inode.write(offset, &bytes[..bytes.len() / 2]);
                return Err(self.failed(Operation::Write, ErrorKind::Other));
            }
            inode.write(offset, bytes);
            Ok(())
        })
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.operate(Operation::Sync, |disk, number| {
            let struck = strikes(&mut disk.faults.sync);
            let Some(inode) = disk.folder.inode(number) else {
                return Err(self.failed(Operation::Sync, ErrorKind::NotFound));
            };
            if struck {
                inode.forget();
                return Err(self.failed(Operation::Sync, ErrorKind::Other));
            }
            inode.sync();
            Ok(())
        })
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.operate(Operation::Truncate, |disk, inode| {
            if let Some(inode) = disk.folder.inode(inode) {
                inode.truncate(position(length));
            }
            Ok(())
        })
    }
}

/// Counts down a planted fault; answers whether this is its moment.
fn strikes(fault: &mut Option<u64>) -> bool {
    match fault {
        Some(left) if *left > 1 => {
            *left -= 1;
            false
        }
        Some(_) => {
            *fault = None;
            true
        }
        None => false,
    }
}

fn ending(dying: bool, operation: Operation, file: &str) -> Result<(), StorageError> {
    if dying { Err(died(operation, file)) } else { Ok(()) }
}

fn died(operation: Operation, file: &str) -> StorageError {
    StorageError::io(operation, file, io::Error::other("the simulated machine died"))
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).expect("a simulated file fits memory")
}
