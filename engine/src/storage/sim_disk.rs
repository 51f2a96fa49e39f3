//! The simulated disk below [`SimStorage`](super::SimStorage): page cache and platter apart, names too.
//!
//! A write changes the cache and marks its 4 KiB pages dirty; a sync copies the dirty pages to the platter. When
//! the power fails, each dirty page has by itself reached the platter, or has not, or has in part (by sectors of
//! 512 bytes); a bit of it may have flipped on the way. Names work alike: a create, rename or remove that no folder
//! sync followed is there afterwards or not. A failed sync leaves its pages clean in the cache but not on the
//! platter, as Linux does, so that whoever syncs again and believes it is found out.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a page: what the page cache writes back as one.
const PAGE: usize = 4096;

/// Bytes of a sector: what the disk writes as one; the grain of a torn page.
const SECTOR: usize = 512;

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies; the page cache lives on.
    Process,
    /// The machine loses power: what wasn't synced survives, is lost or is torn, page by page.
    Power,
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, seeded, the same on every machine.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        let drawn = self.next() % (bound.max(1) as u64);
        usize::try_from(drawn).expect("a number below a usize is a usize")
    }

    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// One file: what programs see, and what a power loss leaves.
#[derive(Debug, Default)]
pub(super) struct Inode {
    cache: Vec<u8>,
    platter: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl Inode {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.cache
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.cache.len() < end {
            self.cache.resize(end, 0);
        }
        self.cache[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / PAGE..end.div_ceil(PAGE));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.cache.resize(length, 0);
        self.dirty.retain(|page| page * PAGE < length);
    }

    pub(super) fn sync(&mut self) {
        self.platter.resize(self.cache.len(), 0);
        for page in std::mem::take(&mut self.dirty) {
            let range = page * PAGE..((page + 1) * PAGE).min(self.cache.len());
            self.platter[range.clone()].copy_from_slice(&self.cache[range]);
        }
    }

    /// The sync failed: the kernel forgets that the pages are dirty, the platter never gets them.
    pub(super) fn forget(&mut self) {
        self.dirty.clear();
    }

    /// Changes bytes behind everybody's back, in the cache and on the platter.
    pub(super) fn damage(&mut self, offset: usize, mask: u8) {
        self.cache[offset] ^= mask;
        if let Some(byte) = self.platter.get_mut(offset) {
            *byte ^= mask;
        }
    }

    fn lose_power(&mut self, chance: &mut Chance, flips_per_mille: usize) {
        let length = if chance.coin() { self.cache.len() } else { self.platter.len() };
        self.platter.resize(length, 0);
        for page in std::mem::take(&mut self.dirty) {
            let end = ((page + 1) * PAGE).min(length).min(self.cache.len());
            let start = (page * PAGE).min(end);
            let fate = chance.below(4);
            for sector in (start..end).step_by(SECTOR) {
                let range = sector..(sector + SECTOR).min(end);
                let written = match fate {
                    0 => false,
                    1 | 2 => true,
                    _ => chance.coin(),
                };
                if written {
                    self.platter[range.clone()].copy_from_slice(&self.cache[range]);
                }
            }
            if start < end && chance.below(1000) < flips_per_mille {
                self.platter[start + chance.below(end - start)] ^= 1 << chance.below(8);
            }
        }
        self.cache.clone_from(&self.platter);
    }
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
enum Renaming {
    Link(String, u64),
    Move(String, String),
    Unlink(String),
}

impl Renaming {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Link(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Move(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
        }
    }
}

/// Files by number, names that lead to them, and which of the names are durable.
#[derive(Debug, Default)]
pub(super) struct Folder {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    pending: Vec<Renaming>,
    created: u64,
}

impl Folder {
    pub(super) fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    pub(super) fn inode(&mut self, number: u64) -> Option<&mut Inode> {
        self.inodes.get_mut(&number)
    }

    /// Bytes of all files that a name leads to.
    pub(super) fn used(&self) -> usize {
        self.names.values().filter_map(|number| self.inodes.get(number)).map(|inode| inode.cache.len()).sum()
    }

    pub(super) fn create(&mut self, name: &str) -> u64 {
        if let Some(number) = self.find(name) {
            if let Some(inode) = self.inodes.get_mut(&number) {
                inode.truncate(0);
            }
            return number;
        }
        self.created += 1;
        self.inodes.insert(self.created, Inode::default());
        self.change(Renaming::Link(name.to_owned(), self.created));
        self.created
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.change(Renaming::Move(from.to_owned(), to.to_owned()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(Renaming::Unlink(name.to_owned()));
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.durable_names.clone_from(&self.names);
    }

    pub(super) fn lose_power(&mut self, chance: &mut Chance, flips_per_mille: usize) {
        let kept = match chance.below(4) {
            0 => 0,
            1 => self.pending.len(),
            2 => chance.below(self.pending.len() + 1),
            _ => usize::MAX,
        };
        for (index, change) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            let survives = if kept == usize::MAX { chance.coin() } else { index < kept };
            if survives {
                change.apply(&mut self.durable_names);
            }
        }
        self.names.clone_from(&self.durable_names);
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        self.inodes.retain(|number, _| named.contains(number));
        for inode in self.inodes.values_mut() {
            inode.lose_power(chance, flips_per_mille);
        }
    }

    fn change(&mut self, change: Renaming) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }
}
