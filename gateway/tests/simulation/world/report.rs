//! What a world did, to see that it was worth visiting.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::client::Seen;
use crate::history::Judged;

/// See the module's doc.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Worlds.
    pub(crate) worlds: u64,
    /// Final answers.
    pub(crate) answered: u64,
    /// The same, by code.
    pub(crate) codes: BTreeMap<u16, u64>,
    /// Answers that said to try again, by code.
    pub(crate) put_off: BTreeMap<u16, u64>,
    /// Requests that nobody wanted to know of any more.
    pub(crate) given_up: u64,
    /// Copies that were sent after the first.
    pub(crate) repeated: u64,
    pub(crate) crashes: u64,
    /// Stops in good order.
    pub(crate) restarts: u64,
    /// Crashes because the log had failed.
    pub(crate) poisoned: u64,
    /// Connections that broke.
    pub(crate) broken: u64,
    /// Blocks that nothing proved durable at a start.
    pub(crate) rewritten: u64,
    /// Starts that began with a snapshot.
    pub(crate) begun_with: u64,
    /// Starts that cut a torn end.
    pub(crate) torn: u64,
    /// Answers of the sold-out directory.
    pub(crate) directory: u64,
    pub(crate) expired: u64,
    pub(crate) offered: u64,
    pub(crate) pushed: u64,
    /// Histories of a SKU, the operations in them, and those that no verdict was reached about.
    pub(crate) histories: u64,
    pub(crate) operations: u64,
    pub(crate) undecided: u64,
    /// Of the last state, and of everything that was seen.
    pub(crate) digest: u64,
    pub(crate) seen: u64,
}

impl Report {
    /// Takes down what came of the histories.
    pub(super) fn judged(&mut self, judged: Judged, seen: &Seen) {
        let Judged { histories, operations, undecided } = judged;
        (self.histories, self.operations, self.undecided) = (histories, operations, undecided);
        self.worlds = 1;
        self.put_off.clone_from(&seen.put_off);
        self.pushed = seen.pushes.len() as u64;
        self.given_up = seen.deeds.iter().filter(|deed| deed.given_up).count() as u64;
        let mut hasher = DefaultHasher::new();
        format!("{seen:?}").hash(&mut hasher);
        self.seen = hasher.finish();
    }

    /// Adds what another world did.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { worlds, answered, given_up, repeated, crashes, restarts, poisoned, broken, .. } = other;
        let Self { begun_with, rewritten, torn, directory, expired, offered, pushed, .. } = other;
        let Self { codes, put_off, histories, operations, undecided, .. } = other;
        for (code, count) in codes {
            *self.codes.entry(*code).or_default() += count;
        }
        for (code, count) in put_off {
            *self.put_off.entry(*code).or_default() += count;
        }
        self.worlds += worlds;
        self.answered += answered;
        self.given_up += given_up;
        self.repeated += repeated;
        self.crashes += crashes;
        self.restarts += restarts;
        self.poisoned += poisoned;
        self.broken += broken;
        self.begun_with += begun_with;
        self.rewritten += rewritten;
        self.torn += torn;
        self.directory += directory;
        self.expired += expired;
        self.offered += offered;
        self.pushed += pushed;
        self.histories += histories;
        self.operations += operations;
        self.undecided += undecided;
    }
}
