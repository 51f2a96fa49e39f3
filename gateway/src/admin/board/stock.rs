//! SKUs as the board knows them: a copy, renewed piece by piece, and lists of some of them.
//!
//! Only a shard knows its SKUs, and looking at them takes its lock. So they are copied [`ROWS`] at a time: a row of the ledger is a cache
//! line, so a piece is some ten microseconds, no longer than a batch of orders takes. One pass over all SKUs is spread over as
//! many seconds as it needs at [`PIECES`] pieces a second, and there are passes only while somebody looks.
//!
//! How fast a SKU goes is what was taken between two passes. Units that come back count against it, so a SKU that is given back
//! faster than it is taken goes at 0.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorbuster_engine::Engine;
use doorbuster_ledger::{ChannelSnapshot, StockSnapshot};
use serde::{Deserialize, Serialize};

use super::burn::{Course, Mark, Tracks};
use crate::sku::Sku;
use crate::targets::{MAX_CATEGORIES, Targets};

/// SKUs that are looked at under one hold of a shard's lock: some ten microseconds.
const ROWS: u32 = 128;

/// Pieces at most a second: 65,536 SKUs, some milliseconds of this thread.
pub(super) const PIECES: u32 = 512;

/// Most SKUs that are copied, in 48 bytes each: 12 MB. Of a larger shop the rest is in the sums only, and the board says so.
const MOST: usize = 1 << 18;

/// Rows of a list, unless fewer are asked for.
const SHOWN: usize = 20;

/// Most rows of a list: more is for `doorbuster stock show` and programs.
const MOST_SHOWN: usize = 200;

/// Longest text that is searched for: a placement group, a slash and a SKU have 31 digits.
const MOST_SEARCHED: usize = 32;

/// Most channels that are listed. Sums over more are left out, and said to be.
const MOST_CHANNELS: usize = 64;

/// How much of a SKU's pace the latest pass makes up: with one a second it is that of some three seconds. A list by pace would
/// jump otherwise.
const NEWS: f32 = 0.3;

/// No category. A file of goals has fewer.
const NONE: u8 = u8::MAX;
const _: () = assert!(MAX_CATEGORIES <= NONE as usize, "a category's place fits a byte");

/// What is known of a SKU.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    sku: u64,
    available: u64,
    held: u64,
    sold: u64,
    waiting: u32,
    /// Units a second that were taken between the last two passes.
    pace: f32,
    frozen: bool,
    /// The place of its category among the goals' ones; [`NONE`]: it is in none.
    category: u8,
    /// When it was copied, milliseconds since the shelf was made.
    at_ms: u32,
}

/// What the SKUs with rules for channels say of one, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ChannelSum {
    /// The channel.
    pub(super) channel: u16,
    /// SKUs that have something to say about it.
    pub(super) skus: u64,
    /// Units that it holds or has sold.
    pub(super) taken: u64,
    /// Units that are its own.
    pub(super) guarantee: u64,
    /// Most units that it may have, of the SKUs that cap it.
    pub(super) cap: u64,
}

/// Units that are free although orders wait for their SKU: they want more, or may not have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Spare {
    /// SKUs that it is so with.
    pub(super) skus: u64,
    /// Their free units.
    pub(super) units: u64,
}

/// What passes over all SKUs have cost and found.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Pass {
    /// SKUs that are copied.
    pub(super) skus: usize,
    /// Passes that came to their end.
    pub(super) passes: u64,
    /// How long the last whole one took from its first piece to its last, milliseconds.
    pub(super) lasted_ms: u64,
    /// How long it held shards' locks, in all, microseconds.
    pub(super) held_us: u64,
    /// The longest that any piece took, waiting for the lock included, microseconds.
    pub(super) longest_us: u64,
    /// Some SKUs are not copied, as there are more than the board takes.
    pub(super) partial: bool,
}

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Shelf {
    started: Instant,
    /// By shard, and by place there.
    rows: Vec<Vec<Row>>,
    /// Where the pass goes on.
    shard: usize,
    first: u32,
    pass_began: Instant,
    pass_held: Duration,
    channels: BTreeMap<u16, ChannelSum>,
    found: Vec<ChannelSum>,
    pass: Pass,
    targets: Option<Arc<Targets>>,
    /// Sold units by category, as the last whole pass found them.
    sold: Vec<u64>,
    spare: Spare,
    tracks: Tracks,
}

/// How a list is ordered.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    /// Those that go fastest.
    #[default]
    Pace,
    /// Those with the fewest free units.
    Available,
    /// Those with the most held units.
    Held,
    /// Those with the most paid units.
    Sold,
    /// Those that most orders wait for.
    Waiting,
    /// By number.
    Sku,
}

/// Which SKUs somebody wants to see.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    #[serde(default)]
    search: String,
    #[serde(default)]
    sort: Sort,
    limit: Option<usize>,
}

/// A SKU in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Shown {
    /// A text, as many readers of JSON keep only 53 bits.
    sku: String,
    available: u64,
    held: u64,
    sold: u64,
    waiting: u32,
    frozen: bool,
    per_second: f32,
    /// How old this is, milliseconds.
    age_ms: u64,
}

/// A list of SKUs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Found {
    schema_version: u32,
    /// SKUs that fit.
    matched: usize,
    skus: Vec<Shown>,
    pass: Pass,
}

impl Shelf {
    pub(super) fn new(shards: usize, targets: Option<Arc<Targets>>) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            rows: vec![Vec::new(); shards],
            shard: 0,
            first: 0,
            pass_began: now,
            pass_held: Duration::ZERO,
            channels: BTreeMap::new(),
            found: Vec::new(),
            pass: Pass::default(),
            targets,
            sold: Vec::new(),
            spare: Spare::default(),
            tracks: Tracks::default(),
        }
    }

    /// Copies some SKUs. Returns whether the pass goes on: `false` at its end.
    pub(super) fn look(&mut self, engine: &Engine) -> bool {
        let Self { rows, channels, started, targets, .. } = self;
        // Looked up when a SKU is copied for the first time, and never again.
        let category = |sku: u64| {
            let known = targets.as_ref().and_then(|targets| targets.category_of(sku));
            known.and_then(|nth| u8::try_from(nth).ok()).unwrap_or(NONE)
        };
        let at_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        let began = Instant::now();
        if (self.shard, self.first) == (0, 0) {
            self.pass_began = began;
        }
        let all: usize = rows.iter().map(Vec::len).sum();
        let Some(known) = rows.get_mut(self.shard) else { return false };
        let others = all - known.len();
        let (mut place, mut left_out) = (usize::try_from(self.first).unwrap_or(usize::MAX), false);
        let copy = |stock: StockSnapshot| {
            let room = known.len() + others < MOST;
            match known.get_mut(place) {
                Some(row) => *row = Row::of(&stock, Some(row), at_ms),
                None if room => {
                    let row = Row { category: category(stock.sku.raw()), ..Row::of(&stock, None, at_ms) };
                    known.push(row);
                }
                None => left_out = true,
            }
            place += 1;
        };
        let next = engine.survey(self.shard, self.first, ROWS, copy, |channel| add(channels, &channel));
        let took = began.elapsed();
        self.pass_held += took;
        self.pass.longest_us = self.pass.longest_us.max(micros(took));
        self.pass.partial |= left_out;
        self.first = next.unwrap_or(0);
        self.shard += usize::from(next.is_none());
        if self.shard < self.rows.len() {
            return true;
        }
        self.end_pass(engine.now().raw());
        false
    }

    fn end_pass(&mut self, now_ms: u64) {
        self.shard = 0;
        self.pass.passes += 1;
        self.pass.skus = self.rows.iter().map(Vec::len).sum();
        self.pass.lasted_ms = micros(self.pass_began.elapsed()) / 1_000;
        self.pass.held_us = micros(self.pass_held);
        self.pass_held = Duration::ZERO;
        self.found = std::mem::take(&mut self.channels).into_values().collect();
        let mut sold = vec![0; self.targets.as_ref().map_or(0, |targets| targets.categories.len())];
        self.spare = Spare::default();
        for row in self.rows.iter().flatten() {
            if let Some(sum) = sold.get_mut(usize::from(row.category)) {
                *sum += row.sold;
            }
            if row.waiting > 0 && row.available > 0 {
                self.spare.skus += 1;
                self.spare.units = self.spare.units.saturating_add(row.available);
            }
        }
        self.sold = sold;
        let rows = &self.rows;
        self.tracks.mark(|(shard, place)| {
            let row = rows.get(shard)?.get(place)?;
            Some(Mark { at_ms: now_ms, available: row.available, held: row.held, sold: row.sold })
        });
    }

    /// Sold units of each category of the goals, as the last whole pass found them; none before there was one.
    pub(super) fn sold(&self) -> Option<&[u64]> {
        (self.pass.passes > 0).then_some(&self.sold)
    }

    /// Units that are free although somebody waits.
    pub(super) fn spare(&self) -> Spare {
        self.spare
    }

    /// The course of a SKU, which is kept from now on while somebody asks for it.
    pub(super) fn course(&mut self, sku: u64) -> Result<Course, String> {
        let in_shard = |rows: &Vec<Row>| rows.iter().position(|row| row.sku == sku);
        let mut shards = self.rows.iter().enumerate();
        let place = shards.find_map(|(shard, rows)| Some((shard, in_shard(rows)?)));
        match place {
            Some(place) => Ok(self.tracks.ask(sku, place, Instant::now())),
            None => Err(format!("sku: {} is none that was looked at so far; see /board/skus", Sku(sku))),
        }
    }

    /// The channels that SKUs have rules for, as the last whole pass found them.
    pub(super) fn channels(&self) -> &[ChannelSum] {
        &self.found
    }

    /// What passes cost.
    pub(super) fn pass(&self) -> Pass {
        self.pass
    }

    /// The first SKUs of those that somebody wants to see.
    pub(super) fn find(&self, wish: &Wish) -> Result<Found, String> {
        let limit = wish.limit.unwrap_or(SHOWN);
        if !(1..=MOST_SHOWN).contains(&limit) {
            return Err(format!("limit: {limit} is out of range; 1 to {MOST_SHOWN} SKUs are shown"));
        }
        let search = wish.search.trim();
        if search.len() > MOST_SEARCHED || search.bytes().any(|byte| !(byte.is_ascii_digit() || byte == b'/'))
        {
            return Err("search: a SKU's number, or its beginning, such as 12, or 7/12 in placement group 7"
                .to_owned());
        }
        let mut name = String::with_capacity(MOST_SEARCHED);
        let mut fits = |row: &Row| {
            name.clear();
            search.is_empty() || (write!(name, "{}", Sku(row.sku)).is_ok() && name.starts_with(search))
        };
        let mut rows: Vec<&Row> = self.rows.iter().flatten().filter(|row| fits(row)).collect();
        let matched = rows.len();
        // Equal ones by number, so that a list stands still where nothing moves.
        let key = |row: &&Row| {
            let by = match wish.sort {
                // Paces are at least 0, and the bits of such floats are ordered as they are.
                Sort::Pace => Reverse(u64::from(row.pace.to_bits())),
                Sort::Available => Reverse(u64::MAX - row.available),
                Sort::Held => Reverse(row.held),
                Sort::Sold => Reverse(row.sold),
                Sort::Waiting => Reverse(u64::from(row.waiting)),
                Sort::Sku => Reverse(0),
            };
            (by, row.sku)
        };
        if matched > limit {
            rows.select_nth_unstable_by_key(limit - 1, key);
            rows.truncate(limit);
        }
        rows.sort_unstable_by_key(key);
        let now_ms = self.started.elapsed().as_millis();
        let skus = rows.into_iter().map(|row| row.shown(now_ms)).collect();
        Ok(Found { schema_version: 1, matched, skus, pass: self.pass })
    }
}

impl Row {
    /// As it is seen now, after it was seen like `earlier`.
    fn of(stock: &StockSnapshot, earlier: Option<&Self>, at_ms: u32) -> Self {
        let taken = |held: u64, sold: u64| held.saturating_add(sold);
        let pace = earlier.map_or(0.0, |earlier| {
            let ms = at_ms.saturating_sub(earlier.at_ms).max(1);
            let new = taken(stock.held, stock.sold).saturating_sub(taken(earlier.held, earlier.sold));
            earlier.pace + (lossy(new) * 1_000.0 / lossy(u64::from(ms)) - earlier.pace) * NEWS
        });
        Self {
            sku: stock.sku.raw(),
            available: stock.available,
            held: stock.held,
            sold: stock.sold,
            waiting: stock.waiting,
            pace,
            frozen: stock.frozen,
            category: earlier.map_or(NONE, |earlier| earlier.category),
            at_ms,
        }
    }

    fn shown(&self, now_ms: u128) -> Shown {
        Shown {
            sku: Sku(self.sku).to_string(),
            available: self.available,
            held: self.held,
            sold: self.sold,
            waiting: self.waiting,
            frozen: self.frozen,
            per_second: self.pace,
            age_ms: u64::try_from(now_ms.saturating_sub(u128::from(self.at_ms))).unwrap_or(u64::MAX),
        }
    }
}

fn add(channels: &mut BTreeMap<u16, ChannelSum>, known: &ChannelSnapshot) {
    let channel = known.channel.raw();
    if channels.len() == MOST_CHANNELS && !channels.contains_key(&channel) {
        return;
    }
    let sum = channels.entry(channel).or_insert_with(|| ChannelSum { channel, ..ChannelSum::default() });
    sum.skus += 1;
    sum.taken = sum.taken.saturating_add(known.taken);
    sum.guarantee = sum.guarantee.saturating_add(known.guarantee);
    sum.cap = sum.cap.saturating_add(known.cap.unwrap_or(0));
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a pace is read by people; its seventh digit is none of them")]
fn lossy(units: u64) -> f32 {
    units as f32
}
