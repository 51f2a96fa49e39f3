//! How plans and the admin port reach the ledger: as a reactor would, each with a port of their own.
//!
//! What they change goes the way of every command, through its shard into the write-ahead log. It is decided when it is durable.

use std::time::{Duration, Instant};

use doorbuster_engine::Engine;
use doorbuster_engine::shard::{Answer, Batch, Request, Slot, Work};
use doorbuster_ledger::{
    ChannelId, ChannelSnapshot, Command, Outcome, SetChannel, SkuCommand, SkuId, StockSnapshot, Timestamp,
};

use super::run::{Allotment, Limits};
use crate::convert;
use crate::sku::Sku;

/// Who changes limits, freezes SKUs and releases guarantees where a plan does: `by` in the log. Shops should number nobody so.
pub(super) const EMERGENCY_DESK: u64 = u32::MAX as u64;

/// Longest wait for a shard: it is busy with others, or the log is behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time between two looks for an answer. Whoever is at the shard meanwhile decides for everybody.
const PAUSE: Duration = Duration::from_micros(500);

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Hands {
    /// Behind those of the reactors and of the feed.
    port: usize,
    tag: u32,
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is so now.
    Made,
    /// It was so before.
    None,
}

impl Hands {
    pub(crate) fn new(port: usize) -> Self {
        Self { port, tag: 0 }
    }

    /// A SKU's accounts and settings.
    pub(super) fn stock(&mut self, engine: &Engine, sku: u64) -> Result<StockSnapshot, String> {
        let id = SkuId::new(sku);
        match self.ask(engine, id, Request::ReadStock { sku: id })? {
            Answer::Stock(Some(stock)) => Ok(stock),
            _ => Err(format!("SKU {} is not set up", Sku(sku))),
        }
    }

    /// What a channel may have of a SKU.
    pub(super) fn channel(&mut self, engine: &Engine, sku: u64, channel: u16) -> Result<Allotment, String> {
        let id = SkuId::new(sku);
        let request = Request::ReadChannel { sku: id, channel: ChannelId::new(channel) };
        match self.ask(engine, id, request)? {
            Answer::Channel(Some(ChannelSnapshot { guarantee, cap, release_at, .. })) => {
                Ok((guarantee, cap, release_at.map(Timestamp::raw)))
            }
            _ => Err(format!("SKU {} is not set up", Sku(sku))),
        }
    }

    /// Sets a SKU's limits.
    pub(super) fn set_limits(
        &mut self,
        engine: &Engine,
        sku: u64,
        (user_limit, order_limit): Limits,
        run: u32,
    ) -> Result<Change, String> {
        let (sku, by, reason) = (SkuId::new(sku), EMERGENCY_DESK, run);
        let command = SkuCommand::Limits { sku, user_limit, order_limit, by, reason };
        self.change(engine, sku, Command::Sku(command))
    }

    /// Freezes a SKU, or lets it be sold again.
    pub(super) fn freeze(
        &mut self,
        engine: &Engine,
        sku: u64,
        frozen: bool,
        run: u32,
    ) -> Result<Change, String> {
        let (sku, by, reason) = (SkuId::new(sku), EMERGENCY_DESK, run);
        self.change(engine, sku, Command::Sku(SkuCommand::Freeze { sku, frozen, by, reason }))
    }

    /// Says what a channel may have of a SKU.
    pub(super) fn set_channel(
        &mut self,
        engine: &Engine,
        (sku, channel): (u64, u16),
        (guarantee, cap, release_at): Allotment,
        run: u32,
    ) -> Result<Change, String> {
        let (sku, channel) = (SkuId::new(sku), ChannelId::new(channel));
        let release_at = release_at.map(Timestamp::new);
        let (by, reason) = (EMERGENCY_DESK, run);
        let set = SetChannel { sku, channel, guarantee, cap, release_at, by, reason };
        self.change(engine, sku, Command::SetChannel(set))
    }

    fn change(&mut self, engine: &Engine, sku: SkuId, command: Command) -> Result<Change, String> {
        match self.ask(engine, sku, Request::Command(command))? {
            Answer::Outcome(Outcome::Replayed { .. }) => Ok(Change::None),
            Answer::Outcome(Outcome::Refused(refusal)) => {
                let code = doorbuster_protocol::Code::from_number(convert::refusal(&refusal).code);
                Err(format!(
                    "the ledger refused it: {}",
                    code.map_or("unknown", doorbuster_protocol::Code::name)
                ))
            }
            Answer::Outcome(_) => Ok(Change::Made),
            _ => Err("the shard gave no answer to it".to_owned()),
        }
    }

    /// Asks the shard that serves a SKU. Waits until what it answers is durable.
    pub(crate) fn ask(&mut self, engine: &Engine, sku: SkuId, request: Request) -> Result<Answer, String> {
        let shard = engine.shard_of_sku(sku);
        self.exchange(
            engine,
            request,
            |batch| engine.submit(shard, batch),
            |port| {
                engine.visit(shard, port);
            },
        )
    }

    /// Asks all shards together. Waits until what they answer is durable.
    pub(crate) fn ask_all(&mut self, engine: &Engine, request: Request) -> Result<Answer, String> {
        self.exchange(
            engine,
            request,
            |batch| engine.submit_composite(batch),
            |port| {
                engine.visit_desk(port);
                (0..engine.shards()).for_each(|shard| {
                    engine.visit(shard, port);
                });
            },
        )
    }

    /// Hands a request in, and decides until its answer is there.
    fn exchange(
        &mut self,
        engine: &Engine,
        request: Request,
        submit: impl Fn(Batch) -> Result<(), Batch>,
        visit: impl Fn(usize),
    ) -> Result<Answer, String> {
        self.tag = self.tag.wrapping_add(1).max(1);
        let slot = Slot { token: 0, deadline: Timestamp::default(), work: Work::Asked(request) };
        let batch = Batch { reactor: self.port, tag: self.tag, slots: vec![slot], ..Batch::default() };
        let mut waiting = Some(batch);
        let until = Instant::now() + PATIENCE;
        loop {
            waiting = waiting.and_then(|batch| submit(batch).err());
            visit(self.port);
            // One that was given up before may come now.
            while let Some(back) = engine.take(self.port) {
                if let (true, Some(Slot { work: Work::Answered(answer), .. })) =
                    (back.tag == self.tag, back.slots.first())
                {
                    engine.wait_until_durable();
                    return Ok(*answer);
                }
            }
            if engine.journal().poisoned().is_some() {
                return Err("the log has failed".to_owned());
            }
            if Instant::now() >= until {
                return Err("its shard did not answer in time".to_owned());
            }
            std::thread::park_timeout(PAUSE);
        }
    }
}
