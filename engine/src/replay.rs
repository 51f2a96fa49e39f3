//! From the log back to the ledgers.
//!
//! Reading, checking and decoding is one thread's work, the caller's; each shard's ledger is rebuilt on a thread of its
//! own, as events of different shards have nothing to do with each other. What concerns all of them (grace, the
//! comparison with a recorded digest) reaches each in its place among the rest.
//!
//! ```text
//! scan ──blocks──► decode ──┬── 1,024 events ──► shard 0: fetch memory, apply
//!   (the caller's thread)   ├── 1,024 events ──► shard 1: fetch memory, apply
//!                           └── …       a few batches ahead, then reading waits
//! ```
//!
//! A snapshot's entries go the same way, before the first block.
//!
//! Each shard sees its own events in the order of the log and nothing else, so the result is the same as if one thread
//! had applied them all. A fault is reported for the first block of the log that can't follow the state, wherever the
//! other threads were by then.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use doorbuster_ledger::{
    Digest, Event, ImageEntry, Ledger, PartitionId, Partitions, Share, TOUCHED, Timestamp, Violation,
};

use crate::engine::Options;
use crate::error::EngineError;
use crate::log::record::{self, Record};
use crate::log::{BlockPlace, LogError};

/// Events that are handed to a shard's thread at once: some 150 KB, so that handing over costs next to nothing.
const BATCH: usize = 1_024;

/// Batches that may wait for a shard's thread: with those being filled and applied, 900 KB of memory a shard while the
/// log is read.
const AHEAD: usize = 4;

/// Rebuilds ledgers from the blocks of a log.
#[derive(Debug)]
pub(crate) struct Replay {
    shards: Vec<Builder>,
    latest: Timestamp,
    events: u64,
    compared: u64,
}

/// What a replay came to.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// One a shard.
    pub(crate) ledgers: Vec<Ledger>,
    /// Records read.
    pub(crate) events: u64,
    /// Recorded digests that were met and found equal.
    pub(crate) compared: u64,
}

/// The reader's side of a shard's thread.
#[derive(Debug)]
struct Builder {
    jobs: SyncSender<Job>,
    /// Emptied batches come back to be filled again.
    emptied: Receiver<Batch>,
    digests: Receiver<Digest>,
    thread: JoinHandle<Result<Ledger, Fault>>,
    filling: Batch,
    /// Entries of a snapshot.
    loading: Vec<ImageEntry>,
}

#[derive(Debug)]
enum Job {
    Load(Vec<ImageEntry>),
    Apply(Batch),
    /// Answered with a digest of nothing.
    Loaded,
    Digest,
    /// The log has been read; from now on things fall due.
    Resume(Timestamp),
}

#[derive(Debug, Default)]
struct Batch {
    events: Vec<Event>,
    /// Blocks that the events come from: where each starts among them.
    blocks: Vec<(usize, BlockPlace)>,
}

/// An event, or an entry of a snapshot, that can't follow the state.
#[derive(Debug)]
struct Fault {
    /// Where the event comes from; `None`: from a snapshot.
    place: Option<BlockPlace>,
    violation: Violation,
}

impl Replay {
    /// Starts a thread a shard.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(crate) fn start(options: &Options) -> Result<Self, EngineError> {
        let of = u16::try_from(options.shards).unwrap_or(u16::MAX);
        let ledger = |share| Ledger::of(share, options.rules, options.seed);
        let ledgers = (0..of).filter_map(|number| Share::new(number, of)).map(ledger);
        let builders = ledgers.enumerate().map(|(shard, ledger)| Builder::start(shard, ledger));
        let shards = builders.collect::<Result<_, _>>()?;
        Ok(Self { shards, latest: Timestamp::default(), events: 0, compared: 0 })
    }

    /// Hands an entry of a snapshot on; all of them come before the first block.
    ///
    /// # Errors
    /// A shard's thread has stopped, and [`loaded`](Self::loaded) says why.
    #[inline]
    pub(crate) fn load(&mut self, entry: ImageEntry) -> Result<(), EngineError> {
        match entry.partitions() {
            Partitions::One(partition) | Partitions::Two(partition, _) => {
                let shard = self.shard_of(partition);
                self.shards.get_mut(shard).map_or(Ok(()), |shard| shard.put(entry))
            }
            Partitions::All => {
                if let ImageEntry::Now(now) = entry {
                    self.latest = self.latest.max(now);
                }
                self.shards.iter_mut().try_for_each(|shard| shard.put(entry))
            }
        }
    }

    /// The digest of all that was handed on so far.
    ///
    /// # Errors
    /// A shard's thread has stopped, and [`finish`](Self::finish) says why.
    pub(crate) fn digest_now(&mut self) -> Result<Digest, EngineError> {
        self.ask(|| Job::Digest)
    }

    /// Waits until all entries that were handed on are loaded.
    ///
    /// # Errors
    /// What stopped a shard's thread.
    pub(crate) fn loaded(mut self) -> Result<Self, EngineError> {
        match self.ask(|| Job::Loaded) {
            Ok(_) => Ok(self),
            Err(_) => Err(self.finish(Timestamp::default()).err().unwrap_or_else(stopped)),
        }
    }

    /// Decodes a block and hands its events on.
    ///
    /// # Errors
    /// What the block holds is no record of this version, or a digest differs; or a shard's thread has stopped, and
    /// [`finish`](Self::finish) says why.
    pub(crate) fn block(&mut self, place: BlockPlace, mut payload: &[u8]) -> Result<(), EngineError> {
        for shard in &mut self.shards {
            shard.filling.begin(place);
        }
        while !payload.is_empty() {
            let (record, used) = record::decode(payload).map_err(EngineError::Record)?;
            payload = payload.get(used..).unwrap_or_default();
            self.events += 1;
            match record {
                Record::Event(event) => self.event(event)?,
                Record::Checkpoint { digest, at } => {
                    self.latest = self.latest.max(at);
                    self.compare(digest)?;
                }
            }
        }
        Ok(())
    }

    /// The latest time in the events so far.
    pub(crate) const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Waits until everything is applied and lets things fall due from `now` on.
    ///
    /// # Errors
    /// [`LogError::Rejected`] for the first block with an event that can't follow the state.
    pub(crate) fn finish(mut self, now: Timestamp) -> Result<Replayed, EngineError> {
        for shard in &mut self.shards {
            // Where the thread has stopped already, joining it says why.
            let _stopped = shard.hand_over().and_then(|()| shard.send(Job::Resume(now)));
        }
        let built: Vec<_> = self.shards.into_iter().map(Builder::join).collect();
        let faults = built.iter().filter_map(|built| built.as_ref().err());
        if let Some(fault) = faults.min_by_key(|fault| fault.place.map(|place| place.block)) {
            let violation = EngineError::Violation(fault.violation);
            let Some(place) = fault.place else { return Err(violation) };
            return Err(LogError::Rejected { place, source: std::sync::Arc::new(violation) }.into());
        }
        let ledgers = built.into_iter().flatten().collect();
        Ok(Replayed { ledgers, events: self.events, compared: self.compared })
    }

    fn event(&mut self, event: Event) -> Result<(), EngineError> {
        self.latest = self.latest.max(event.at());
        match event.partitions() {
            Partitions::One(partition) => self.push(partition, event),
            Partitions::Two(order, sku) => {
                if self.shard_of(order) != self.shard_of(sku) {
                    self.push(order, event)?;
                }
                self.push(sku, event)
            }
            Partitions::All => self.shards.iter_mut().try_for_each(|shard| shard.push(event)),
        }
    }

    fn push(&mut self, partition: PartitionId, event: Event) -> Result<(), EngineError> {
        let shard = self.shard_of(partition);
        self.shards.get_mut(shard).map_or(Ok(()), |shard| shard.push(event))
    }

    fn shard_of(&self, partition: PartitionId) -> usize {
        usize::from(partition.raw()) % self.shards.len()
    }

    /// Has every shard answer, once it has done all that was handed on; returns the sum of the answers.
    fn ask(&mut self, job: impl Fn() -> Job) -> Result<Digest, EngineError> {
        for shard in &mut self.shards {
            shard.hand_over()?;
            shard.send(job())?;
        }
        let mut found = Digest::default();
        for shard in &self.shards {
            found = found.and(shard.digests.recv().map_err(|_| stopped())?);
        }
        Ok(found)
    }

    fn compare(&mut self, recorded: Digest) -> Result<(), EngineError> {
        let found = self.digest_now()?;
        if found != recorded {
            return Err(EngineError::Digest { recorded, found });
        }
        self.compared += 1;
        Ok(())
    }
}

impl Builder {
    fn start(shard: usize, ledger: Ledger) -> Result<Self, EngineError> {
        let (jobs, to_do) = sync_channel(AHEAD);
        let (give_back, emptied) = sync_channel(AHEAD + 1);
        let (tell, digests) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("replay-{shard}"))
            .spawn(move || build(ledger, &to_do, &give_back, &tell))
            .map_err(EngineError::Thread)?;
        Ok(Self { jobs, emptied, digests, thread, filling: Batch::default(), loading: Vec::new() })
    }

    fn put(&mut self, entry: ImageEntry) -> Result<(), EngineError> {
        self.loading.push(entry);
        if self.loading.len() < BATCH { Ok(()) } else { self.hand_over() }
    }

    fn push(&mut self, event: Event) -> Result<(), EngineError> {
        self.filling.events.push(event);
        if self.filling.events.len() < BATCH { Ok(()) } else { self.hand_over() }
    }

    fn hand_over(&mut self) -> Result<(), EngineError> {
        if !self.loading.is_empty() {
            let full = std::mem::replace(&mut self.loading, Vec::with_capacity(BATCH));
            self.send(Job::Load(full))?;
        }
        if self.filling.events.is_empty() {
            return Ok(());
        }
        let next = self.emptied.try_recv().unwrap_or_default();
        let full = std::mem::replace(&mut self.filling, next);
        if let Some((_, place)) = full.blocks.last() {
            self.filling.begin(*place);
        }
        self.send(Job::Apply(full))
    }

    fn send(&self, job: Job) -> Result<(), EngineError> {
        self.jobs.send(job).map_err(|_| stopped())
    }

    fn join(self) -> Result<Ledger, Fault> {
        drop(self.jobs);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Batch {
    /// What follows comes from this block.
    fn begin(&mut self, place: BlockPlace) {
        let at = self.events.len();
        match self.blocks.last_mut() {
            // Nothing came from the block before.
            Some(last) if last.0 == at => last.1 = place,
            Some(_) | None => self.blocks.push((at, place)),
        }
    }

    fn clear(&mut self) {
        self.events.clear();
        self.blocks.clear();
    }

    /// The block that an event comes from.
    fn block_of(&self, event: usize) -> BlockPlace {
        let behind = self.blocks.partition_point(|(start, _)| *start <= event);
        let block = self.blocks.get(behind.saturating_sub(1));
        block.expect("a batch begins with a block").1
    }
}

/// A shard's thread.
fn build(
    mut ledger: Ledger,
    jobs: &Receiver<Job>,
    give_back: &SyncSender<Batch>,
    tell: &SyncSender<Digest>,
) -> Result<Ledger, Fault> {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Load(entries) => {
                let loaded = ledger.load(&entries);
                loaded.map_err(|violation| Fault { place: None, violation })?;
            }
            Job::Apply(mut batch) => {
                apply(&mut ledger, &batch)?;
                batch.clear();
                // Where the reader has enough of them, this one goes back to the allocator.
                drop(give_back.try_send(batch));
            }
            Job::Loaded => drop(tell.send(Digest::default())),
            Job::Digest => drop(tell.send(ledger.digest())),
            Job::Resume(now) => ledger.resume(now),
        }
    }
    Ok(ledger)
}

fn apply(ledger: &mut Ledger, batch: &Batch) -> Result<(), Fault> {
    for (index, events) in batch.events.chunks(TOUCHED).enumerate() {
        let places = ledger.touch_events(events.iter());
        for (offset, (event, place)) in events.iter().zip(places).enumerate() {
            ledger.apply(event, place).map_err(|violation| Fault {
                place: Some(batch.block_of(index * TOUCHED + offset)),
                violation,
            })?;
        }
    }
    Ok(())
}

/// Never seen by a user: [`Replay::finish`] gives the reason instead.
fn stopped() -> EngineError {
    EngineError::Poisoned { why: "a thread of the replay stopped".into() }
}

#[cfg(test)]
mod tests {
    use doorbuster_ledger::{Amount, OrderNumber, PaymentId, Place, Rules, SkuId};

    use super::*;
    use crate::journal::Durability;
    use crate::log::{BlockNumber, LogOptions, Owner, SegmentNumber};
    use crate::snapshot::CompactionOptions;

    fn start(shards: usize) -> Replay {
        let options = Options {
            shards,
            rules: Rules::default(),
            durability: Durability::Always,
            recovery_grace_ms: 0,
            log: LogOptions::new(Owner::new(1)),
            compaction: CompactionOptions::NEVER,
            seed: 1,
            added_cost: std::time::Duration::ZERO,
        };
        Replay::start(&options).unwrap()
    }

    fn place(block: u64) -> BlockPlace {
        BlockPlace {
            segment: SegmentNumber::new(1),
            offset: 4_096 * (block + 1),
            block: BlockNumber::new(block),
        }
    }

    fn payload(records: &[Record]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for record in records {
            record::encode(record, &mut bytes);
        }
        bytes
    }

    fn put(sku: u64) -> Record {
        let at = Timestamp::new(1_700_000_000_000);
        let event = Event::SkuPut {
            sku: SkuId::new(sku),
            units: sku,
            user_limit: 0,
            order_limit: 0,
            by: 1,
            reason: 2,
            at,
        };
        Record::Event(event)
    }

    /// The ninth order of a SKU's partition; its high bits name the partition.
    fn ninth(sku: u64) -> OrderNumber {
        OrderNumber::new((u64::from(PartitionId::of(SkuId::new(sku)).raw()) << 52) | 9)
    }

    /// The payment of an order that was never placed.
    fn stray(sku: u64) -> Record {
        let number = ninth(sku);
        let (payment, at) = (PaymentId::new(1), Timestamp::new(1_700_000_000_001));
        Record::Event(Event::Confirmed { number, payment, amount: Amount::new(0), at })
    }

    #[test]
    fn any_number_of_shards_comes_to_the_same_state() {
        let skus: Vec<_> = (1..5_000).map(put).collect();
        let mut digests = Vec::new();
        for shards in [1, 2, 7] {
            let mut replay = start(shards);
            for (block, records) in (0..).zip(skus.chunks(300)) {
                replay.block(place(block), &payload(records)).unwrap();
            }
            let replayed = replay.finish(Timestamp::new(1_700_000_000_002)).unwrap();
            assert_eq!((replayed.ledgers.len(), replayed.events), (shards, 4_999));
            let digest = |sum: Digest, ledger: &Ledger| sum.and(ledger.digest());
            digests.push(replayed.ledgers.iter().fold(Digest::default(), digest));
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]));
    }

    #[test]
    fn the_first_block_that_cannot_follow_the_state_is_named() {
        // Two faults in different shards, and good blocks between and behind them, all in one batch.
        let blocks =
            [vec![put(1), put(2)], vec![put(3), stray(1)], vec![put(4)], vec![stray(2)], vec![put(5)]];
        for shards in [1, 2, 64] {
            let mut replay = start(shards);
            for (block, records) in (0..).zip(&blocks) {
                replay.block(place(block), &payload(records)).unwrap();
            }
            let error = replay.finish(Timestamp::default()).unwrap_err().to_string();
            let number = ninth(1).raw();
            assert_eq!(
                error,
                format!(
                    "read segment-0000000001.log at offset 8192: block 1 has an intact checksum, but \
                     the ledger contradicts itself: order {number} does not exist"
                )
            );
        }
    }

    #[test]
    fn a_fault_is_named_though_the_reader_was_far_ahead() {
        let mut replay = start(1);
        let mut refused = None;
        for block in 0..200 {
            // Blocks of 700 and batches of 1,024 events: a batch begins within a block.
            let mut records: Vec<_> = (0..700).map(|nth| put(1 + block * 700 + nth)).collect();
            if block == 3 {
                records[650] = stray(1);
            }
            if let Err(error) = replay.block(place(block), &payload(&records)) {
                refused = Some(error);
                break;
            }
        }
        assert!(refused.is_some(), "the reader never met the thread that had stopped");
        let error = replay.finish(Timestamp::default()).unwrap_err().to_string();
        assert!(
            error.starts_with("read segment-0000000001.log at offset 16384: block 3 has an intact"),
            "{error}"
        );
    }

    #[test]
    fn a_recorded_digest_is_compared_in_its_place() {
        let mut replay = start(3);
        replay.block(place(0), &payload(&[put(1), put(2), put(3)])).unwrap();
        let mut ledger = Ledger::new(Rules::default(), 5);
        for record in [put(1), put(2), put(3)] {
            let Record::Event(event) = record else { continue };
            ledger.apply(&event, Place::default()).unwrap();
        }
        let (digest, at) = (ledger.digest(), Timestamp::new(1_700_000_000_000));
        let checkpoint = Record::Checkpoint { digest, at };
        replay.block(place(1), &payload(&[checkpoint, put(4)])).unwrap();
        let wrong = replay.block(place(2), &payload(&[checkpoint]));
        assert!(matches!(wrong, Err(EngineError::Digest { recorded, .. }) if recorded == digest));
        assert_eq!(replay.finish(at).unwrap().compared, 1);
    }
}
