//! What a worker gets, shares and brings home.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::journal::Journal;
use crate::net::Peer;
use crate::population::Population;
use crate::recorder::Recorder;
use crate::scenario::{Campaign, Retries};
use crate::schedule::Schedule;

/// What workers share with the thread that shows progress.
#[derive(Debug, Default)]
pub struct Progress {
    /// Set to stop early. Written by the signal's thread, read by workers; relaxed, as nothing else hangs on it.
    pub stop: AtomicBool,
    /// Requests sent. Written by workers, read by the progress line; relaxed.
    pub sent: AtomicU64,
    /// Answers that took effect.
    pub done: AtomicU64,
    /// Answers that refused.
    pub refused: AtomicU64,
    /// Set when nobody who waits has anything to wait for any more: looking at orders that wait ends. Written by the
    /// timeline, read by workers; relaxed, as nothing else hangs on it.
    pub settled: AtomicBool,
    /// Set when all workers have ended. Written by who joined them, read by the timeline; relaxed.
    pub ended: AtomicBool,
    /// Set while the server is down on purpose: connections that break are made again when it is up. Written by the timeline
    /// before the server goes and after it is back; acquire and release, so that who sees it back finds it listening.
    pub down: AtomicBool,
    /// How often connections were to break, and of a thousand how many the last time. Written by the timeline, read by
    /// workers; relaxed.
    pub breaks: AtomicU32,
    /// See [`breaks`](Self::breaks); written before it.
    pub break_permille: AtomicU32,
    /// The number of some order that a shopper got, for who attacks: he knows it and not whose it is. Written by workers where
    /// somebody attacks; relaxed.
    pub an_order: AtomicU64,
    /// The latest position of the log that an answer to the timeline has named. Written by the timeline, read by workers;
    /// relaxed, as an older value only weakens what the audit concludes.
    pub seen: AtomicU64,
}

/// Everything that one worker needs.
#[derive(Debug)]
pub struct Task {
    /// The server.
    pub peer: Peer,
    /// Connections of this worker.
    pub connections: u32,
    /// Arrivals.
    pub schedule: Schedule,
    /// Shoppers.
    pub population: Population,
    /// Number of the first SKU; a shopper's SKU counts from it.
    pub first_sku: u64,
    /// The budget that each purchase claims from, and how much, minor units.
    pub claim: Option<(u32, u64)>,
    /// Hold time, milliseconds.
    pub hold_ms: u32,
    /// Deadline of each request, milliseconds.
    pub deadline_ms: u32,
    /// What shoppers do about "try again"; nothing where it is none.
    pub retries: Option<Retries>,
    /// The campaign that sells everything, if one does.
    pub campaign: Option<Campaign>,
    /// Nothing is sent later than this, nanoseconds since the start.
    pub last_ns: u64,
    /// Where measurements go.
    pub recorder: Recorder,
}

/// What a worker brings home.
#[derive(Debug)]
pub struct Harvest {
    /// Measurements.
    pub recorder: Recorder,
    /// The account.
    pub journal: Journal,
    /// Requests that were due and could not be sent because too many were unanswered.
    pub held_back: u64,
    /// Requests that were sent again because the server had said so.
    pub retries: u64,
    /// Requests that were given up at "try again": the tries or the budget were used up.
    pub given_up: u64,
    /// Connections that broke and were made again.
    pub reconnects: u64,
    /// Why the target was given up, if it was.
    pub lost: Option<String>,
}
