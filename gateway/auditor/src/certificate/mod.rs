//! What an audit hands over: a certificate with every sum in it, or the first place that can't be.

mod state;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::faults::Faults;
use crate::log::{self, Found, LogError, Place, Visit};
use crate::record::Entry;
use crate::replay::{Account, Allotment, Expected, Replay, State};

/// Version of the certificate's fields.
const SCHEMA_VERSION: u32 = 1;

/// A log that is sound, and what it comes to. Money is in minor units, times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Version of these fields.
    pub schema_version: u32,
    /// The log's identity.
    pub log_id: String,
    /// Its last position: records from 0 on.
    pub records: u64,
    /// Blocks.
    pub blocks: u64,
    /// Segments.
    pub segments: u64,
    /// Bytes of blocks.
    pub bytes: u64,
    /// Starts of a server.
    pub epochs: u64,
    /// The hash of the last block: whoever noted it can tell that nothing before it was changed.
    pub head: String,
    /// The earliest time that a block states; 0: none does.
    pub first_ms: u64,
    /// The latest one.
    pub last_ms: u64,
    /// A hash over the state that all of it comes to: SKUs, orders, payments, budgets.
    pub state: String,
    /// How sure the log's end is.
    pub end: End,
    /// Orders by what became of them.
    pub orders: Orders,
    /// What was paid.
    pub money: Money,
    /// Each SKU's accounts, by number.
    pub skus: Vec<SkuAccount>,
    /// What each sales channel has of each SKU, by SKU and channel; those that have nothing are left out.
    pub channels: Vec<ChannelAccount>,
    /// Each promotion budget's accounts, by number.
    pub budgets: Vec<BudgetAccount>,
    /// Uses of coupons that were redeemed.
    pub coupons_redeemed: u64,
    /// Digests of its state that the engine wrote into the log. A start of the server compares them, an audit can't.
    pub checkpoints: u64,
    /// The latest one.
    pub checkpoint: Option<Recorded>,
    /// Units that were promised and weren't there. A certificate says 0; a log of which that isn't true gets none.
    pub oversold: u64,
}

/// How sure the log's end is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// Blocks at the end that nothing shows to have been durable.
    pub unproven_blocks: u64,
    /// Records in them.
    pub unproven_records: u64,
    /// Where bytes stand behind the last block that are none: a write that a crash cut short, or damage to blocks that
    /// nothing shows to have been durable.
    pub torn: Option<Torn>,
    /// Bytes that a recovery copied elsewhere, and that are no part of the log.
    pub superseded_bytes: u64,
}

/// Bytes behind the last block that are no block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Torn {
    /// The file.
    pub file: String,
    /// Where in it.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// Whole blocks among them, which can't be reached.
    pub blocks: u64,
}

/// Orders by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// All of them.
    pub placed: u64,
    /// Units are held.
    pub held: u64,
    /// Paid.
    pub confirmed: u64,
    /// Given back by their shoppers.
    pub cancelled: u64,
    /// Run out.
    pub expired: u64,
    /// Replaced by another.
    pub superseded: u64,
    /// Waiting for units.
    pub waiting: u64,
    /// Waited in vain.
    pub lapsed: u64,
}

/// What was paid, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Money {
    /// Payments that bought an order.
    pub bought: u64,
    /// What they paid.
    pub bought_minor: u64,
    /// Payments that bought nothing and are to be refunded.
    pub refunds: u64,
    /// What they paid.
    pub refunds_minor: u64,
    /// What went back of payments that bought an order.
    pub paid_back_minor: u64,
}

/// A SKU's units: `brought + corrected - removed = available + held + sold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the type's doc and docs/operations.md say what they are")]
pub struct SkuAccount {
    #[serde(serialize_with = "text")]
    pub sku: u64,
    pub brought: i64,
    pub corrected: i64,
    pub removed: i64,
    pub available: i64,
    pub held: i64,
    pub sold: i64,
    /// Of the sold ones, those that are with shoppers.
    pub shipped: i64,
}

/// What a sales channel has of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the type's doc says what they are")]
pub struct ChannelAccount {
    #[serde(serialize_with = "text")]
    pub sku: u64,
    pub channel: u16,
    pub held: u64,
    pub sold: u64,
}

/// A budget's money, minor units: `funded = left + reserved + spent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the type's doc says what they are")]
pub struct BudgetAccount {
    pub budget: u32,
    pub funded: u64,
    pub left: u64,
    pub reserved: u64,
    pub spent: u64,
    /// What each funder pays of what is reserved and spent.
    pub posted: Vec<u64>,
}

/// A digest that the engine wrote down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Its position.
    pub position: u64,
    /// The digest, as 16 digits.
    pub digest: String,
    /// When.
    pub at_ms: u64,
}

/// The first place of a log where it contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// The record's position.
    pub position: u64,
    /// Its block.
    pub block: u64,
    /// The file.
    pub file: String,
    /// Where in it the block begins.
    pub offset: u64,
    /// What is wrong with it.
    pub what: Vec<String>,
    /// Contradictions in the whole log, this one included. Those behind the first may follow from it.
    pub count: u64,
}

impl std::fmt::Display for Contradiction {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, block, file, offset, what, .. } = self;
        write!(
            out,
            "read {file} at offset {offset}: position {position}, in block {block}: {}",
            what.join("; ")
        )
    }
}

/// Numbers of SKUs are texts: many readers of JSON keep only 53 bits.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn text<S: serde::Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(number)
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Certified {
    /// Everything adds up.
    Sound(Certificate),
    /// The bytes are whole, and what they say can't have happened.
    Contradicted(Contradiction),
}

/// Audits the log in a folder. `progress` is told how many of its segments were read.
///
/// # Errors
/// The first thing that isn't as the layout promises, by its place.
pub fn certify(folder: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Certified, LogError> {
    let mut audit = Audit { replay: Replay::new(Expected::default()), seen: 0, first: None, progress };
    let read = log::read(folder, &mut audit);
    let Audit { mut replay, first, .. } = audit;
    let count = |replay: &Replay| replay.contradictions().map(|faults| faults.count).sum();
    if let Some(first) = first {
        return Ok(Certified::Contradicted(Contradiction { count: count(&replay), ..first }));
    }
    let found = read?;
    replay.finish();
    if count(&replay) > 0 {
        let what = messages(&replay);
        let end = Contradiction {
            position: found.lsn,
            block: found.blocks,
            file: "the log's end".to_owned(),
            offset: 0,
            what,
            count: count(&replay),
        };
        return Ok(Certified::Contradicted(end));
    }
    Ok(Certified::Sound(Certificate::of(found, &replay)))
}

/// An audit on its way.
struct Audit<'a> {
    replay: Replay,
    /// Contradictions so far.
    seen: u64,
    first: Option<Contradiction>,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Audit<'_> {
    fn look(&mut self, place: Place) {
        self.seen = self.replay.contradictions().map(|faults| faults.count).sum();
        if self.seen > 0 && self.first.is_none() {
            self.first = Some(Contradiction {
                position: place.record.saturating_sub(1),
                block: place.block,
                file: log::file_name(place.segment),
                offset: place.offset,
                what: messages(&self.replay),
                count: 0,
            });
        }
    }
}

fn messages(replay: &Replay) -> Vec<String> {
    let examples = replay.contradictions().flat_map(|faults: &Faults| &faults.examples);
    examples.map(|line| line.strip_prefix("log: ").unwrap_or(line).to_owned()).collect()
}

impl Visit for Audit<'_> {
    fn record(&mut self, place: Place, entry: Entry) {
        self.replay.record(place, entry);
        self.look(place);
    }

    fn block_end(&mut self, place: Place) {
        self.replay.block_end(place);
        self.look(place);
    }

    fn progress(&mut self, read: u64, of: u64) {
        (self.progress)(read, of);
    }
}

impl Certificate {
    fn of(found: Found, replay: &Replay) -> Self {
        let (first_ms, last_ms) = found.times_ms.unwrap_or_default();
        let torn = found.tail.map(|tail| Torn {
            file: tail.file,
            offset: tail.offset,
            bytes: tail.bytes,
            blocks: tail.blocks,
        });
        let (checkpoints, latest) = replay.checkpoints;
        Self {
            schema_version: SCHEMA_VERSION,
            log_id: found.log_id,
            records: found.lsn,
            blocks: found.blocks,
            segments: found.segments,
            bytes: found.bytes,
            epochs: found.epochs,
            head: found.head.to_string(),
            first_ms,
            last_ms,
            state: state::hash(replay).to_string(),
            end: End {
                unproven_blocks: found.unproven_blocks,
                unproven_records: found.unproven_records,
                torn,
                superseded_bytes: found.superseded_bytes,
            },
            orders: orders(replay),
            money: money(replay),
            skus: skus(replay),
            channels: channels(replay),
            budgets: replay
                .budgets
                .accounts
                .iter()
                .map(|(number, account)| budget(*number, account))
                .collect(),
            coupons_redeemed: replay.budgets.redeemed(),
            checkpoints,
            checkpoint: latest.map(|latest| Recorded {
                position: latest.position,
                digest: format!("{:016x}", latest.digest),
                at_ms: latest.at,
            }),
            oversold: 0,
        }
    }
}

fn orders(replay: &Replay) -> Orders {
    let mut sum = Orders::default();
    #[expect(clippy::iter_over_hash_type, reason = "a sum")]
    for order in replay.orders.values() {
        sum.placed += 1;
        let count = match order.state {
            State::Held => &mut sum.held,
            State::Confirmed => &mut sum.confirmed,
            State::Cancelled => &mut sum.cancelled,
            State::Expired => &mut sum.expired,
            State::Superseded => &mut sum.superseded,
            State::Waiting => &mut sum.waiting,
            State::Lapsed => &mut sum.lapsed,
        };
        *count += 1;
    }
    sum
}

fn money(replay: &Replay) -> Money {
    let mut sum = Money { paid_back_minor: replay.paid_back(), ..Money::default() };
    for ends in replay.payments.values() {
        if ends.bought > 0 {
            sum.bought += 1;
            sum.bought_minor = sum.bought_minor.saturating_add(ends.amount);
        } else {
            sum.refunds += 1;
            sum.refunds_minor = sum.refunds_minor.saturating_add(ends.amount);
        }
    }
    sum
}

fn skus(replay: &Replay) -> Vec<SkuAccount> {
    let number = |units: i128| i64::try_from(units).unwrap_or(i64::MAX);
    let sorted: BTreeMap<_, _> = replay.units.iter().collect();
    let rows = sorted.into_iter().map(|(sku, units)| SkuAccount {
        sku: *sku,
        brought: number(units.brought),
        corrected: number(units.corrected),
        removed: number(units.removed),
        available: number(units.available()),
        held: number(units.held),
        sold: number(units.sold),
        shipped: number(units.shipped),
    });
    rows.collect()
}

fn channels(replay: &Replay) -> Vec<ChannelAccount> {
    let row = |(sku, channel, one): (u64, u16, Allotment)| ChannelAccount {
        sku,
        channel,
        held: one.taken.saturating_sub(one.sold),
        sold: one.sold,
    };
    let taken = replay.channels.all().filter(|(.., one)| one.taken > 0);
    let mut rows: Vec<ChannelAccount> = taken.map(row).collect();
    rows.sort_unstable_by_key(|row| (row.sku, row.channel));
    rows
}

fn budget(budget: u32, account: &Account) -> BudgetAccount {
    BudgetAccount {
        budget,
        funded: account.funded,
        left: account.left(),
        reserved: account.reserved,
        spent: account.spent,
        posted: account.posted.clone(),
    }
}
