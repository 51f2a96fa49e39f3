//! A short world whose log is kept, and a snapshot of it: few and full blocks, and as many kinds of events as shoppers can think of.

use doorbuster_engine::journal::Durability;
use doorbuster_engine::log::Lsn;
use doorbuster_engine::snapshot::CompactorStep;
use doorbuster_engine::storage::{Crash, SimStorage};
use rand::RngExt;

use super::{Plan, World};

/// Times that the server is started.
const LIVES: usize = 3;
/// Blocks that each of them writes, and one or two more.
const BLOCKS: usize = 14;
/// Steps between two blocks.
const STEPS: usize = 60;

/// Runs such a world, stops it in good order, and gives the disk and the state's digest.
///
/// # Errors
/// What is wrong, for the caller to print with the seed.
pub(crate) fn record(seed: u64) -> Result<(SimStorage, u64), String> {
    let plan = Plan { seed, shards: 2, steps: 0, durability: Durability::Always, faults: false };
    let mut world = World::new(plan)?;
    for life in 0..LIVES {
        for _ in 0..BLOCKS {
            for _ in 0..STEPS {
                match world.rng.random_range(0..3) {
                    0 => world.ask(),
                    _ => world.visit(),
                }
            }
            world.clock.advance(700);
            world.group()?;
        }
        if life + 1 < LIVES {
            world.disk.crash(Crash::Process);
            world.crash()?;
        }
    }
    let World { engine, scribe, preparer, mut compactor, disk, .. } = world;
    let durable = Lsn::new(engine.journal().durable());
    while compactor.step(durable, &mut |_| true).map_err(|error| error.to_string())? != CompactorStep::Idle {}
    let digest = engine.digest().raw();
    let threads = engine.start(scribe, preparer, compactor).map_err(|error| error.to_string())?;
    engine.close(threads).map_err(|error| error.to_string())?;
    Ok((disk, digest))
}

impl World {
    /// All that was decided becomes one group, or a few.
    fn group(&mut self) -> Result<(), String> {
        self.scribe.write().map_err(|error| error.to_string())?;
        self.scribe.sync(true).map_err(|error| error.to_string())?;
        self.deliver()
    }
}
