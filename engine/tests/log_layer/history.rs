//! Seeded histories: write, sync, prepare, fail, crash at any operation, recover, again and again.
//!
//! After each recovery the log must be a prefix of what was written, hold all that was acknowledged, and go on.

use std::collections::BTreeMap;

use doorbuster_engine::log::{LogError, Progress, Recovered};
use doorbuster_engine::storage::{Crash, SimStorage, StorageError};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::world::{Block, PAGE, open};

const SEEDS: u64 = 1_000;
const LIVES: usize = 8;

/// When the log's user tells the world that a block is safe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Acknowledge {
    WhenDurable,
    /// The planted fault.
    WhenWritten,
}

/// How often the interesting things happened, so that a test that tests nothing fails.
type Seen = BTreeMap<&'static str, u64>;

struct History {
    storage: SimStorage,
    chance: Xoshiro256PlusPlus,
    acknowledge: Acknowledge,
    /// Every block that was handed to the disk, in order.
    written: Vec<Block>,
    /// How many of them somebody relies on.
    acknowledged: usize,
    seen: Seen,
}

impl History {
    fn new(seed: u64, acknowledge: Acknowledge) -> Self {
        let storage = SimStorage::new(seed);
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        if chance.random_bool(0.5) {
            storage.flip_on_power_loss(300);
        }
        Self { storage, chance, acknowledge, written: Vec::new(), acknowledged: 0, seen: Seen::new() }
    }

    fn run(mut self) -> Result<Seen, String> {
        for life in 1..=LIVES as u64 {
            // Half of the lives end at a chosen operation, which is often one of the recovery's.
            if self.chance.random_bool(0.5) {
                let nth = if self.chance.random_bool(0.5) { 40 } else { 400 };
                self.storage.die_at(self.chance.random_range(1..nth));
            }
            match open(&self.storage, life) {
                Ok((recovered, blocks)) => {
                    self.check(&recovered, blocks)?;
                    self.live(recovered)?;
                }
                Err(error) if is_planted(&error) => *self.seen.entry("died recovering").or_default() += 1,
                Err(error) => return Err(format!("life {life}: recovery refused: {error}")),
            }
            let crash = if self.chance.random_bool(0.7) { Crash::Power } else { Crash::Process };
            self.storage.crash(crash);
        }
        let (recovered, blocks) = open(&self.storage, 99).map_err(|error| format!("at the end: {error}"))?;
        self.check(&recovered, blocks)?;
        Ok(self.seen)
    }

    /// The checker: prefix, nothing acknowledged lost, positions right.
    fn check(&mut self, recovered: &Recovered, blocks: Vec<Block>) -> Result<(), String> {
        if blocks.len() < self.acknowledged {
            return Err(format!("{} blocks acknowledged, {} recovered", self.acknowledged, blocks.len()));
        }
        if self.written.get(..blocks.len()) != Some(&blocks[..]) {
            return Err("what was recovered is not a prefix of what was written".to_owned());
        }
        let events: u64 = blocks.iter().map(|block| u64::from(block.count)).sum();
        if recovered.scan.lsn.get() != events || recovered.writer.durable().get() != events {
            return Err(format!("{events} events recovered, but the log says {}", recovered.scan.lsn));
        }
        self.acknowledged = blocks.len();
        self.written = blocks;
        *self.seen.entry("recovered").or_default() += 1;
        *self.seen.entry("torn").or_default() += u64::from(recovered.scan.torn.is_some());
        let dropped = recovered.scan.torn.map_or(0, |torn| torn.blocks);
        *self.seen.entry("whole blocks cut").or_default() += dropped;
        *self.seen.entry("rewritten").or_default() += recovered.rewritten_blocks;
        Ok(())
    }

    /// Uses the log until something fails or it had enough.
    fn live(&mut self, mut log: Recovered) -> Result<(), String> {
        match self.chance.random_range(0..8) {
            0 => self.storage.fail_sync(self.chance.random_range(1..20)),
            1 => self.storage.fail_write(self.chance.random_range(1..40)),
            _ => {}
        }
        let first = log.writer.segment();
        for _ in 0..self.chance.random_range(1..60) {
            let done = match self.chance.random_range(0..10) {
                0..5 => self.write(&mut log),
                5..7 => log.writer.sync().map(|durable| assert_eq!(durable, log.writer.written())),
                7 => log.writer.seal(1).inspect(|()| self.acknowledged = self.written.len()),
                _ => self.prepare(&mut log),
            };
            if self.acknowledge == Acknowledge::WhenDurable {
                self.acknowledge_up_to(log.writer.durable().get());
            }
            if let Err(error) = done {
                if !is_planted(&error) {
                    return Err(format!("failed by itself: {error}"));
                }
                *self.seen.entry("died writing").or_default() += 1;
                break;
            }
        }
        *self.seen.entry("segments").or_default() += log.writer.segment().get() - first.get();
        Ok(())
    }

    fn write(&mut self, log: &mut Recovered) -> Result<(), LogError> {
        let mut payload = vec![0; self.chance.random_range(1..3 * PAGE)];
        self.chance.fill_bytes(&mut payload);
        let count = self.chance.random_range(1..100);
        log.writer.begin()?;
        let (front, back) = payload.split_at(payload.len() / 2);
        log.writer.push(front, count)?;
        log.writer.push(back, 0)?;
        // Written or not: a write that fails may have reached the disk.
        self.written.push(Block { payload, count });
        log.writer.write(1)?;
        if self.acknowledge == Acknowledge::WhenWritten {
            self.acknowledged = self.written.len();
        }
        Ok(())
    }

    /// A failed preparation is no failure of the log: only the machine's death ends this life.
    fn prepare(&mut self, log: &mut Recovered) -> Result<(), LogError> {
        for _ in 0..3 {
            match log.preparer.step() {
                Ok(Progress::Idle) => break,
                Ok(_) => {}
                Err(error) if error.to_string().contains("machine died") => return Err(error),
                Err(_) => *self.seen.entry("preparation failed").or_default() += 1,
            }
        }
        Ok(())
    }

    fn acknowledge_up_to(&mut self, durable: u64) {
        let mut events = 0;
        let safe = |block: &&Block| {
            events += u64::from(block.count);
            events <= durable
        };
        self.acknowledged = self.acknowledged.max(self.written.iter().take_while(safe).count());
    }
}

fn is_planted(error: &LogError) -> bool {
    matches!(error, LogError::Storage(StorageError::Io { .. }))
}

#[test]
fn no_history_of_crashes_loses_or_invents_a_block() {
    let mut seen = Seen::new();
    for seed in 0..SEEDS {
        match History::new(seed, Acknowledge::WhenDurable).run() {
            Ok(one) => one.into_iter().for_each(|(what, times)| *seen.entry(what).or_default() += times),
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    }
    println!("{seen:?}");
    let kinds = [
        "died recovering",
        "died writing",
        "preparation failed",
        "recovered",
        "rewritten",
        "segments",
        "torn",
        "whole blocks cut",
    ];
    for kind in kinds {
        assert!(seen.get(kind).is_some_and(|times| *times > 20), "{kind} hardly happened: {seen:?}");
    }
}

#[test]
fn acknowledging_before_the_sync_is_found_out() {
    let fault = |seed| History::new(seed, Acknowledge::WhenWritten).run().err();
    let found = (0..20).find_map(|seed| fault(seed).map(|fault| (seed, fault)));
    let (seed, fault) = found.expect("20 seeds find the planted fault");
    println!("seed {seed}: {fault}");
    assert!(fault.contains("acknowledged"), "{fault}");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let run = || History::new(7, Acknowledge::WhenDurable).run();
    assert_eq!(run(), run());
}

#[test]
fn a_recovery_may_be_cut_short_at_every_operation_in_every_way() {
    let mut cuts = 0;
    for nth in 1.. {
        let mut finished = false;
        for seed in 0..40 {
            let mut history = History::new(seed, Acknowledge::WhenDurable);
            // Two segments, of which the second ends with blocks that only the page cache has.
            let (mut log, _) = open(&history.storage, 1).unwrap();
            for _ in 0..12 {
                history.write(&mut log).unwrap();
            }
            log.writer.sync().unwrap();
            history.acknowledge_up_to(log.writer.durable().get());
            history.write(&mut log).unwrap();
            history.storage.crash(Crash::Process);
            history.storage.die_at(nth);
            finished = open(&history.storage, 2).is_ok();
            history.storage.crash(if seed % 4 == 0 { Crash::Process } else { Crash::Power });
            let answer = open(&history.storage, 3);
            let (recovered, blocks) = answer.unwrap_or_else(|error| panic!("seed {seed}, {nth}: {error}"));
            history.check(&recovered, blocks).unwrap_or_else(|fault| panic!("seed {seed}, {nth}: {fault}"));
            cuts += u64::from(!finished);
        }
        if finished {
            break;
        }
    }
    println!("{cuts} recoveries cut short");
    assert!(cuts > 40 * 20, "{cuts}");
}
