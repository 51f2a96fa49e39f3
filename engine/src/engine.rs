//! The engine: shards, journal and recovery put together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorbuster_ledger::{
    ChannelSnapshot, Digest, Event, Ledger, PARTITIONS, PartitionId, Place, Rules, SkuId, StockSnapshot,
    Timestamp, Totals,
};

use crate::campaigns::CampaignBoard;
use crate::clock::Clock;
use crate::composite::Desk;
use crate::directory::{Directory, SoldOut};
use crate::error::EngineError;
use crate::journal::{Durability, Journal, Scribe};
use crate::keeper::Keeper;
use crate::log::record::{self, Record};
use crate::log::{LogId, LogOptions, Lsn, Preparer, Recovered, TornTail, recover};
use crate::notices::Notice;
use crate::port::{Ports, Waker};
use crate::restore::{Restored, restore};
use crate::shard::{Batch, Counters, ReleaseLag, Shard};
use crate::snapshot::{CompactionOptions, Compactor, SnapshotOrders};
use crate::storage::Storage;
use crate::sync::AtomicBool;
use crate::threads::Threads;

/// Most shards: more than any machine's cores gain nothing, and the journal's slack is sized by it.
pub const MAX_SHARDS: usize = 64;

/// How often [`Engine::wait_until_durable`] looks: a sync takes about as long.
const DURABLE_IDLE: Duration = Duration::from_millis(1);

/// How an engine is set up.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Shards, 1 to [`MAX_SHARDS`]. May change at each start.
    pub shards: usize,
    /// The ledger's rules.
    pub rules: Rules,
    /// When answers may leave.
    pub durability: Durability,
    /// After downtime, no hold that was open ends earlier than this after the start, milliseconds; 0: none moves.
    pub recovery_grace_ms: u64,
    /// The log's sizes.
    pub log: LogOptions,
    /// When snapshots are made, and what is kept.
    pub compaction: CompactionOptions,
    /// Makes hash tables unpredictable; random in production.
    pub seed: u64,
    /// Work that is added to each command, for rehearsals of an overload on a machine that can't ask for as much as a server
    /// can do; zero otherwise.
    pub added_cost: Duration,
}

/// What recovery found.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The log's identity, and so the data folder's.
    pub log_id: LogId,
    /// Records replayed.
    pub events: u64,
    /// Bytes of the log's blocks.
    pub bytes: u64,
    /// Segments that hold them.
    pub segments: usize,
    /// Holds open at the start.
    pub open_holds: u64,
    /// Recorded digests that replay met and found equal.
    pub digests_compared: u64,
    /// Blocks at the end that nothing proved durable and that were therefore written again.
    pub rewritten_blocks: u64,
    /// What a crash left half written behind the last whole block, and was cut.
    pub torn: Option<TornTail>,
    /// The position of the snapshot that the replay began with; `None`: it began with the log's start.
    pub snapshot: Option<Lsn>,
}

/// A sharded ledger on one log.
#[derive(Debug)]
pub struct Engine {
    shards: Vec<Shard>,
    journal: Arc<Journal>,
    ports: Arc<Ports>,
    keeper: Arc<Keeper>,
    desk: Arc<Desk>,
    directory: Arc<Directory>,
    campaigns: CampaignBoard,
    snapshots: Arc<SnapshotOrders>,
    clock: Arc<dyn Clock>,
    /// The latest time handed out, milliseconds. Whoever reads the clock raises it; it never falls. Relaxed: each
    /// shard's ledger keeps its own time from falling as well.
    latest_ms: AtomicU64,
    closed: Arc<AtomicBool>,
}

/// The parts of an opened engine.
#[derive(Debug)]
pub struct Opened {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The log's writer, to be driven by a thread ([`Engine::start`]) or a simulator.
    pub scribe: Scribe,
    /// Prepares segments ahead, to be driven likewise.
    pub preparer: Preparer,
    /// Makes snapshots, to be driven likewise.
    pub compactor: Compactor,
    /// What was found in the log.
    pub recovery: Recovery,
}

impl Engine {
    /// Recovers the log in `storage` and opens it for new work. One waker a reactor; further ones are woken with them
    /// when something has become durable.
    ///
    /// # Errors
    /// See [`EngineError`]: the log is damaged, of another version, or contradicts itself; or the disk failed.
    pub fn open(
        storage: &Arc<dyn Storage>,
        options: &Options,
        clock: Arc<dyn Clock>,
        wakers: Vec<Waker>,
    ) -> Result<Opened, EngineError> {
        if options.shards == 0 || options.shards > MAX_SHARDS {
            return Err(EngineError::Shards { found: options.shards });
        }
        options.log.check()?;
        let now = clock.now();
        let Restored { mut replayed, scan, latest, snapshot, unsound } =
            restore(storage.as_ref(), options, now)?;
        let Recovered { writer, preparer, scan, rewritten_blocks, .. } =
            recover(storage, &options.log, scan)?;
        let open_holds = replayed.ledgers.iter().map(|ledger| ledger.totals().holds).sum();
        if latest > now {
            let behind_ms = latest.since(now);
            tracing::warn!(
                behind_ms,
                "the clock is behind the log; time stands still until it has caught up"
            );
        }
        let journal = Arc::new(Journal::new(scan.lsn.get()));
        let ports = Arc::new(Ports::new(wakers));
        let keeper = Arc::new(Keeper::new(options.shards));
        // The first spares are made as soon as the keeper starts.
        replayed.ledgers.iter_mut().enumerate().for_each(|(shard, ledger)| keeper.serve(shard, ledger));
        let desk = Arc::new(Desk::new());
        let directory = Arc::new(Directory::new());
        let shard = |(number, ledger)| {
            Shard::new(number, ledger, Arc::clone(&desk), Arc::clone(&directory), options.added_cost)
        };
        let engine = Arc::new(Self {
            shards: replayed.ledgers.into_iter().enumerate().map(shard).collect(),
            journal: Arc::clone(&journal),
            ports: Arc::clone(&ports),
            keeper,
            desk,
            directory,
            campaigns: CampaignBoard::default(),
            snapshots: Arc::new(SnapshotOrders::new(snapshot.as_ref())),
            clock: Arc::clone(&clock),
            latest_ms: AtomicU64::new(latest.raw()),
            closed: Arc::new(AtomicBool::new(false)),
        });
        if open_holds > 0 && options.recovery_grace_ms > 0 {
            engine.grant_grace(options.recovery_grace_ms)?;
        }
        let scribe = Scribe::new(journal, ports, writer, clock, options.durability);
        let compactor = Compactor::new(
            Arc::clone(storage),
            (options.compaction, Arc::clone(&engine.snapshots)),
            (options.rules, options.seed),
            options.log.segment_bytes,
            (snapshot, unsound),
        )?;
        let recovery = Recovery {
            log_id: scan.log_id,
            events: replayed.events,
            bytes: scan.bytes,
            segments: scan.segments,
            open_holds,
            digests_compared: replayed.compared,
            rewritten_blocks,
            torn: scan.torn,
            snapshot: snapshot.map(|header| header.place.lsn),
        };
        Ok(Opened { engine, scribe, preparer, compactor, recovery })
    }

    /// Starts the threads that write the log, make snapshots and make memory ready.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(
        &self,
        scribe: Scribe,
        preparer: Preparer,
        compactor: Compactor,
    ) -> Result<Threads, EngineError> {
        Threads::start((scribe, preparer, compactor), &self.journal, &self.keeper, &self.closed)
    }

    /// Writes what was decided and a digest of the whole state, syncs, and ends the threads. No more work may be
    /// submitted; answers that became durable can still be taken.
    ///
    /// # Errors
    /// [`EngineError::Poisoned`] if the log failed, now or earlier.
    pub fn close(&self, threads: Threads) -> Result<(), EngineError> {
        self.end_log();
        self.keeper.close();
        let ended = threads.join();
        if let Some(why) = self.journal.poisoned() {
            return Err(EngineError::Poisoned { why });
        }
        if !ended {
            return Err(EngineError::Poisoned { why: "a thread of the engine panicked".into() });
        }
        Ok(())
    }

    /// Hands over a digest of the whole state, after which nothing is to come, and lets the scribe end.
    pub(crate) fn end_log(&self) {
        let now = self.now();
        let digest = self.digest();
        let mut bytes = Vec::new();
        record::encode(&Record::Checkpoint { digest, at: now }, &mut bytes);
        self.journal.hand_over(1, bytes);
        self.closed.store(true, Ordering::Release);
        self.journal.wake();
    }

    /// Whether [`end_log`](Self::end_log) was called: the scribe ends when it has written what there is.
    #[cfg(test)]
    pub(crate) fn has_ended(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The shard that serves a partition: partitions are dealt out in turn.
    #[inline]
    pub fn shard_of(&self, partition: PartitionId) -> usize {
        usize::from(partition.raw()) % self.shards.len()
    }

    /// The shard that serves a SKU.
    #[inline]
    pub fn shard_of_sku(&self, sku: SkuId) -> usize {
        self.shard_of(PartitionId::of(sku))
    }

    /// Whether a SKU is known to have no free unit, without asking its shard. `None` says nothing. `now` is from
    /// [`now`](Self::now).
    #[inline]
    pub fn sold_out(&self, sku: SkuId, now: Timestamp) -> Option<SoldOut> {
        self.directory.read(sku, now, self.journal.durable())
    }

    /// Shards.
    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    /// The journal: durable position, poison, figures.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn ports(&self) -> &Ports {
        &self.ports
    }

    /// What is known of campaigns, as published within the last second; waits for no shard.
    pub fn campaigns(&self) -> &CampaignBoard {
        &self.campaigns
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    pub(crate) fn all_shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Where snapshots are ordered, and what is known of them.
    pub fn snapshots(&self) -> &SnapshotOrders {
        &self.snapshots
    }

    /// Makes memory ready for the ledgers; a simulator drives it.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The latest time that was given out.
    pub(crate) fn latest(&self) -> Timestamp {
        Timestamp::new(self.latest_ms.load(Ordering::Relaxed))
    }

    /// The time now, never earlier than any that was given out before.
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now().raw();
        Timestamp::new(self.latest_ms.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// Hands a batch to its shard and decides it, unless somebody else is at that shard, who then will.
    ///
    /// # Errors
    /// The batch itself, if the shard's inbox is full: keep it and try again after the next wake-up.
    pub fn submit(&self, shard: usize, batch: Batch) -> Result<(), Batch> {
        match self.shards.get(shard) {
            Some(target) => target.push(batch),
            None => Err(batch),
        }
    }

    /// Decides what waits at a shard and carries out what is due, for everybody; a reactor calls it after
    /// [`submit`](Self::submit), and now and then for the sake of time. `reactor` is the caller's own.
    ///
    /// Returns whether more is due than one visit deals with: come again soon.
    pub fn visit(&self, shard: usize, reactor: usize) -> bool {
        let Some(target) = self.shards.get(shard) else { return false };
        let more = target.visit(self.now(), &self.journal, &self.ports, &self.keeper);
        self.ports.wake_others(reactor);
        more
    }

    /// Carries out all that is due at every shard and at the desk, as far as `limit` visits to each go; waits for whoever is at a shard,
    /// and for the log where it is behind. For those who move time by hand, never on an order's path.
    ///
    /// Returns whether more is due: the limit was reached, or the log has failed.
    pub fn catch_up(&self, limit: u32) -> bool {
        let mut more = true;
        let mut left = limit;
        while more && left > 0 {
            more = false;
            for shard in &self.shards {
                if !self.journal.has_room() {
                    self.wait_until_durable();
                }
                // A shard does nothing while the log is behind.
                more |= shard.attend(self.now(), &self.journal, &self.ports, &self.keeper)
                    || !self.journal.has_room();
            }
            more |= self.attend_desk();
            left -= 1;
        }
        self.ports.wake_all();
        more || self.journal.poisoned().is_some()
    }

    /// Waits until what is decided by now is durable, or the log has failed. Never on an order's path.
    pub fn wait_until_durable(&self) {
        let decided = self.journal.decided();
        while self.journal.durable() < decided && self.journal.poisoned().is_none() {
            std::thread::park_timeout(DURABLE_IDLE);
        }
    }

    /// A decided batch of this reactor, if there is one. Its answers may leave once [`Journal::durable`] has reached
    /// its ticket.
    pub fn take(&self, reactor: usize) -> Option<Batch> {
        self.ports.take(reactor)
    }

    /// Says whether anybody watches orders that wait at this reactor: if so, it gets [`Notice`]s. To be said before the read that
    /// a watch begins with is handed in.
    pub fn watch(&self, reactor: usize, watched: bool) {
        self.ports.watch(reactor, watched);
    }

    /// A note for this reactor, if there is one. It may be told once [`Journal::durable`] has reached its ticket. Taken before the
    /// batches of the same pass, it follows the answers to all that was decided before it.
    pub fn take_notice(&self, reactor: usize) -> Option<Notice> {
        self.ports.take_notice(reactor)
    }

    /// Whether notes wait for this reactor.
    pub fn has_notices(&self, reactor: usize) -> bool {
        self.ports.has_notices(reactor)
    }

    /// Notes that were dropped because a reactor had too many.
    pub fn notices_missed(&self) -> u64 {
        self.ports.missed()
    }

    /// Shows some SKUs of a shard, as [`Ledger::survey`] does. It waits for whoever is at the shard, and whoever comes to the shard
    /// meanwhile leaves his work to this thread: so keep `limit` small, and never on an order's path.
    pub fn survey(
        &self,
        shard: usize,
        first: u32,
        limit: u32,
        sku: impl FnMut(StockSnapshot),
        channel: impl FnMut(ChannelSnapshot),
    ) -> Option<u32> {
        let with = (&*self.journal, &*self.ports, &*self.keeper);
        let look = |ledger: &Ledger| ledger.survey(first, limit, sku, channel);
        let next = self.shards.get(shard)?.glance(look, with, || self.now());
        self.ports.wake_others(usize::MAX);
        next
    }

    /// Sums over all shards, as published at their latest visits; waits for none of them. Each shard's are of one
    /// moment, under load not all of the same.
    pub fn totals(&self) -> Totals {
        self.shards.iter().fold(Totals::default(), |sum, shard| sum.and(shard.figures().totals))
    }

    /// Bytes that the ledgers' tables have allocated, as measured in the last second; waits for no shard.
    pub fn ledger_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.figures().bytes).sum()
    }

    /// What the shards have done, added up, as published at their latest visits; waits for none of them.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for shard in &self.shards {
            let of = shard.figures().counters;
            sum.commands += of.commands;
            sum.events += of.events;
            sum.deadline_exceeded += of.deadline_exceeded;
            sum.expired += of.expired;
            sum.offered += of.offered;
            sum.lapsed += of.lapsed;
            sum.evicted += of.evicted;
            sum.release_lag_max_ms = sum.release_lag_max_ms.max(of.release_lag_max_ms);
        }
        sum
    }

    /// How late holds ended, over all shards, since the process started; waits for none of them.
    pub fn release_lag(&self) -> ReleaseLag {
        self.shards.iter().map(Shard::release_lag).fold(ReleaseLag::default(), ReleaseLag::and)
    }

    /// From here on, [`ReleaseLag::alarms`] counts releases that are later than this, milliseconds; at first none are.
    pub fn alarm_above(&self, lag_ms: u64) {
        self.shards.iter().for_each(|shard| shard.alarm_above(lag_ms));
    }

    /// The digest of the whole state. Walks everything; of one moment only while nothing is submitted.
    pub fn digest(&self) -> Digest {
        let digests = self.shards.iter().map(|shard| shard.inspect(|ledger, _| ledger.digest()));
        digests.fold(Digest::default(), Digest::and)
    }

    /// Asserts the ledgers' invariants, and that nobody is told "sold out" of what isn't. Walks everything.
    ///
    /// # Errors
    /// [`EngineError::Violation`] or [`EngineError::Directory`] for the first that is broken.
    pub fn check(&self) -> Result<(), EngineError> {
        self.check_all().map_err(EngineError::Violation)?;
        let wrong = self.shards.iter().find_map(|shard| {
            shard.inspect(|ledger, _| {
                let mut noted = self.directory.noted();
                noted.find(|&sku| {
                    ledger.share().serves(PartitionId::of(sku)) && !ledger.is_sold_out(sku, Place::default())
                })
            })
        });
        wrong.map_or(Ok(()), |sku| Err(EngineError::Directory { sku }))
    }

    /// One event for all shards: hand it over once, apply it everywhere.
    fn grant_grace(&self, grace_ms: u64) -> Result<(), EngineError> {
        let now = self.now();
        let event = Event::GraceGranted { until: now.plus(grace_ms), at: now };
        let mut bytes = Vec::new();
        record::encode_event(&event, &mut bytes);
        let ticket = self.journal.hand_over(1, bytes);
        let mut applied = Ok(());
        for shard in &self.shards {
            shard.amend(|ledger| {
                applied = applied.and(ledger.apply(&event, Place::default()));
                ticket
            });
        }
        applied.map_err(EngineError::Violation)
    }
}

const _: () = assert!(MAX_SHARDS <= PARTITIONS as usize);
