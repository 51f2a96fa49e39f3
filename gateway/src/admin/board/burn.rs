//! The course of single SKUs: kept only of those that somebody looks at.
//!
//! A point comes with each pass over all SKUs, which the shelf makes while somebody looks. So a course costs no lock of its own,
//! begins when it is asked for first, and has a gap where nobody looked.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::sku::Sku;

/// SKUs whose course is kept; of more, the one that was asked for longest ago goes. 16 of 900 points take half a megabyte.
const MOST: usize = 16;

/// Points that are kept: 15 minutes of one a second.
const KEPT: usize = 900;

/// A course that nobody asked for so long is given up.
const KEPT_FOR: Duration = Duration::from_mins(10);

/// What a SKU had at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The server's time, milliseconds.
    pub(super) at_ms: u64,
    pub(super) available: u64,
    pub(super) held: u64,
    pub(super) sold: u64,
}

/// A SKU's course so far, a list for each figure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Course {
    schema_version: u32,
    sku: String,
    at_ms: Vec<u64>,
    available: Vec<u64>,
    held: Vec<u64>,
    sold: Vec<u64>,
}

/// One SKU that somebody looks at.
#[derive(Debug)]
struct Track {
    sku: u64,
    /// Where the shelf has it: its shard, and its place there.
    place: (usize, usize),
    asked: Instant,
    marks: VecDeque<Mark>,
}

/// See the module's doc.
#[derive(Debug, Default)]
pub(super) struct Tracks(Vec<Track>);

impl Tracks {
    /// Somebody looks at a SKU, which stands at this place. Gives its course so far.
    pub(super) fn ask(&mut self, sku: u64, place: (usize, usize), now: Instant) -> Course {
        self.0.retain(|track| now.duration_since(track.asked) < KEPT_FOR);
        let known = self.0.iter().position(|track| track.sku == sku);
        let mut track = match known {
            Some(nth) => self.0.remove(nth),
            None => Track { sku, place, asked: now, marks: VecDeque::new() },
        };
        (track.asked, track.place) = (now, place);
        let course = track.course();
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        // The one that was asked for last stands last.
        self.0.push(track);
        course
    }

    /// A pass is over: `seen` says what stands at a place now.
    pub(super) fn mark(&mut self, seen: impl Fn((usize, usize)) -> Option<Mark>) {
        for track in &mut self.0 {
            let Some(mark) = seen(track.place) else { continue };
            // Where time stands still, as on a test's clock, the latest counts.
            if track.marks.back().is_some_and(|last| last.at_ms == mark.at_ms) || track.marks.len() == KEPT {
                let stale = if track.marks.len() == KEPT { 0 } else { track.marks.len() - 1 };
                track.marks.remove(stale);
            }
            track.marks.push_back(mark);
        }
    }
}

impl Track {
    fn course(&self) -> Course {
        let column = |of: fn(&Mark) -> u64| self.marks.iter().map(of).collect();
        Course {
            schema_version: 1,
            sku: Sku(self.sku).to_string(),
            at_ms: column(|mark| mark.at_ms),
            available: column(|mark| mark.available),
            held: column(|mark| mark.held),
            sold: column(|mark| mark.sold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(at_ms: u64, sold: u64) -> Mark {
        Mark { at_ms, sold, ..Mark::default() }
    }

    #[test]
    fn a_course_begins_when_it_is_asked_for_and_keeps_fifteen_minutes() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        assert_eq!(tracks.ask(7, (0, 3), now).at_ms, <[u64; 0]>::default());
        for second in 0..1_000 {
            tracks.mark(|place| (place == (0, 3)).then(|| mark(second * 1_000, second)));
        }
        let course = tracks.ask(7, (0, 3), now);
        assert_eq!((course.at_ms.len(), course.at_ms[0], course.sold[899]), (900, 100_000, 999));
    }

    #[test]
    fn a_mark_at_the_same_time_takes_the_place_of_the_one_before() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        tracks.ask(7, (0, 0), now);
        for sold in [1, 2, 3] {
            tracks.mark(|_| Some(mark(5, sold)));
        }
        assert_eq!(tracks.ask(7, (0, 0), now).sold, [3]);
    }

    #[test]
    fn sixteen_are_kept_and_the_one_asked_for_longest_ago_goes() {
        let (mut tracks, now) = (Tracks::default(), Instant::now());
        for sku in 0..16 {
            tracks.ask(sku, (0, 0), now);
        }
        tracks.mark(|_| Some(mark(1, 1)));
        // SKU 0 is asked for again, so SKU 1 goes for the seventeenth.
        assert_eq!(tracks.ask(0, (0, 0), now).sold, [1]);
        tracks.ask(16, (0, 0), now);
        assert_eq!(tracks.ask(0, (0, 0), now).sold, [1]);
        assert_eq!(tracks.ask(1, (0, 0), now).sold, <[u64; 0]>::default());
        // Ten minutes later nobody is interested any more.
        let later = now + KEPT_FOR;
        assert_eq!(tracks.ask(0, (0, 0), later).sold, <[u64; 0]>::default());
        assert_eq!(tracks.0.len(), 1);
    }
}
