//! What a shard shows of itself, while it works and while somebody else holds its lock.

use std::sync::Arc;
use std::time::Duration;

use doorbuster_ledger::{
    Amount, ChannelId, Command, Ledger, PutSku, Quantity, RequestId, Reserve, Rules, SkuId, Terms, Timestamp,
    Totals, UserId,
};

use super::state::MEASURE_EVERY_MS;
use super::{Answer, Batch, Figures, Request, Shard, Slot, Work};
use crate::composite::Desk;
use crate::directory::Directory;
use crate::journal::Journal;
use crate::keeper::Keeper;
use crate::port::{MAX_BATCHES, Ports};

const START: Timestamp = Timestamp::new(1_700_000_000_000);

const HOLD_MS: u64 = 60_000;

/// A shard with what it works with; one reactor's port, which nobody has to wake.
struct World {
    shard: Shard,
    journal: Journal,
    ports: Ports,
    keeper: Keeper,
}

impl World {
    fn new() -> Self {
        let mut ledger = Ledger::new(Rules::default(), 7);
        ledger.resume(START);
        let ports = Ports::new(vec![Arc::new(|| {})]);
        Self {
            shard: Shard::new(0, ledger, Arc::new(Desk::new()), Arc::new(Directory::new()), Duration::ZERO),
            journal: Journal::new(0),
            ports,
            keeper: Keeper::new(1),
        }
    }

    fn push(&self, commands: &[Command]) {
        let slot = |command: &Command| Slot {
            token: 0,
            deadline: Timestamp::default(),
            work: Work::Asked(Request::Command(*command)),
        };
        let batch = Batch { slots: commands.iter().map(slot).collect(), ..Batch::default() };
        self.shard.push(batch).expect("the inbox has room");
    }

    fn visit(&self, now: Timestamp) {
        self.shard.visit(now, &self.journal, &self.ports, &self.keeper);
    }

    /// What the figures must be: read under the lock.
    fn truth(&self) -> Figures {
        let bytes = self.shard.figures().bytes;
        self.shard.inspect(|ledger, counters| Figures { totals: ledger.totals(), counters, bytes })
    }
}

fn put_sku(sku: u64, units: u64) -> Command {
    Command::PutSku(PutSku {
        sku: SkuId::new(sku),
        units,
        user_limit: 0,
        order_limit: 0,
        ..PutSku::default()
    })
}

fn reserve(seed: u64, sku: u64) -> Command {
    Command::Reserve(Reserve {
        request: RequestId::new(u128::from(START.raw()) << 80 | 7 << 76 | 2 << 62 | u128::from(seed)),
        user: UserId::new(seed),
        sku: SkuId::new(sku),
        quantity: Quantity::new(2).expect("not 0"),
        amount: Amount::default(),
        hold_ms: u32::try_from(HOLD_MS).expect("a minute"),
        channel: ChannelId::default(),
        first_attempt: true,
        wait_ms: 0,
        terms: Terms::default(),
        claim: None,
    })
}

#[test]
fn figures_follow_every_visit_and_expiry() {
    let world = World::new();
    assert_eq!(world.shard.figures().totals, Totals::default());
    world.push(&[put_sku(1, 10), reserve(1, 1), reserve(2, 1)]);
    assert_eq!(world.shard.figures().totals, Totals::default(), "nothing was decided");
    world.visit(START);
    let held = Totals { skus: 1, orders: 2, holds: 2, waiting: 0, available: 6, held: 4, sold: 0 };
    assert_eq!((world.shard.figures(), world.shard.figures().totals), (world.truth(), held));
    assert_eq!((world.shard.figures().counters.commands, world.shard.figures().counters.events), (3, 3));

    world.visit(START.plus(HOLD_MS + 100));
    let figures = world.shard.figures();
    assert_eq!((figures.totals.held, figures.totals.available, figures.counters.expired), (0, 10, 2));
    assert_eq!(figures, world.truth());
}

#[test]
fn what_is_handed_in_during_a_glance_is_decided_after_it() {
    let world = World::new();
    let with = (&world.journal, &world.ports, &world.keeper);
    let seen = world.shard.glance(
        |ledger| {
            world.push(&[put_sku(1, 10)]);
            world.visit(START);
            ledger.totals().skus
        },
        with,
        || START,
    );
    assert_eq!((seen, world.shard.figures().totals.skus), (0, 1));
}

#[test]
fn figures_can_be_read_while_somebody_holds_the_lock() {
    let world = World::new();
    world.push(&[put_sku(1, 10)]);
    world.visit(START);
    let seen = world.shard.inspect(|_, _| world.shard.figures());
    assert_eq!((seen.totals.skus, seen.totals.available), (1, 10));
}

#[test]
fn an_answer_is_in_the_figures_before_it_leaves() {
    /// With the first one, as many as a port holds at most.
    const BATCHES: u64 = MAX_BATCHES as u64 - 1;
    let world = World::new();
    world.push(&[put_sku(1, 10)]);
    let mut taken = 0;
    std::thread::scope(|scope| {
        let shard = scope.spawn(|| {
            for seed in 0..BATCHES {
                world.push(&[reserve(seed, 1)]);
                if seed % 200 == 199 {
                    world.visit(START);
                }
            }
            world.visit(START);
        });
        loop {
            let ended = shard.is_finished();
            if let Some(batch) = world.ports.take(0) {
                taken += 1;
                assert!(matches!(batch.slots[0].work, Work::Answered(Answer::Outcome(_))));
                let counted = world.shard.figures().counters.commands;
                assert!(counted >= taken, "{taken} answers, but {counted} commands counted");
            } else if ended {
                break;
            }
        }
    });
    assert_eq!(taken, BATCHES + 1);
    assert_eq!(world.shard.figures(), world.truth());
}

#[test]
fn the_size_of_the_tables_is_measured_again_after_a_second() {
    let world = World::new();
    let before = world.shard.figures().bytes;
    assert!(before > 0);
    let commands: Vec<Command> = (0..2_000).map(|sku| put_sku(sku, 1)).collect();
    world.push(&commands);
    world.visit(START.plus(MEASURE_EVERY_MS - 1));
    world.visit(START.plus(MEASURE_EVERY_MS - 1));
    assert_eq!(world.shard.figures().bytes, before);
    world.visit(START.plus(MEASURE_EVERY_MS));
    let measured = world.shard.figures().bytes;
    assert!(measured > before);
    assert_eq!(measured, world.shard.inspect(|ledger, _| ledger.bytes() as u64));
}

#[test]
fn a_visit_notes_what_the_ledger_needs_and_takes_what_is_ready() {
    let world = World::new();
    let visit = |sku| {
        world.push(&[put_sku(sku, 10)]);
        world.visit(START);
        world.shard.inspect(|ledger, _| ledger.bytes())
    };
    let before = visit(1);
    while world.keeper.step() {}
    assert!(visit(2) > before + (8 << 20), "spares are in memory");
    assert!(!world.keeper.step(), "nothing is missing");
}
