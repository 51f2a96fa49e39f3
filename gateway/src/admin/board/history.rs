//! The last 15 minutes, second by second, so that a page that is opened in the middle of a sale shows how it came there.

use std::collections::VecDeque;

use serde::Serialize;

/// Points that are kept: 15 minutes. Their JSON is some 80 KB.
const KEPT: usize = 900;

macro_rules! points {
    ($($(#[$doc:meta])+ $name:ident: $kind:ty,)+) => {
        /// What the curves show of one second.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
        pub(super) struct Point {
            $($(#[$doc])+ pub(super) $name: $kind,)+
        }

        /// All points, a list for each figure.
        #[derive(Debug, Default, PartialEq, Serialize)]
        pub(super) struct Columns {
            schema_version: u32,
            $($name: Vec<$kind>,)+
        }

        impl History {
            /// All points, the oldest first.
            pub(super) fn columns(&self) -> Columns {
                Columns { schema_version: 1, $($name: self.points.iter().map(|point| point.$name).collect(),)+ }
            }
        }
    };
}

points! {
    /// The server's time, milliseconds.
    at_ms: u64,
    /// New holds that were asked for, a second.
    offered: f64,
    /// New holds that were given, a second.
    accepted: f64,
    /// New holds that the rules of the sale refused, a second: sold out, limits, phases.
    refused: f64,
    /// New holds that were refused to protect the server, a second: they may be asked for again.
    shed: f64,
    /// Half of the new holds of this second were answered within this, microseconds; 0: there were none.
    p50_us: u64,
    /// 99 of 100.
    p99_us: u64,
    /// 999 of 1,000.
    p999_us: u64,
    /// 99 of 100 blocks of the log were written and synced within this, microseconds; 0: there were none.
    log_p99_us: u64,
    /// Units free for new holds.
    available: u64,
    /// Units in open holds.
    held: u64,
    /// Units paid.
    sold: u64,
    /// Orders that wait for units.
    waiting: u64,
    /// How much is asked for, of what may wait, in the reactor where that is most.
    load: f64,
}

/// See the module's doc.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
}

impl History {
    /// Adds a second, and forgets one of 15 minutes ago.
    pub(super) fn push(&mut self, point: Point) {
        if self.points.len() == KEPT {
            self.points.pop_front();
        }
        self.points.push_back(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fifteen_minutes_are_kept_and_no_more() {
        let mut history = History::default();
        for second in 0..1_000 {
            history.push(Point { at_ms: second * 1_000, held: second, ..Point::default() });
        }
        let columns = history.columns();
        assert_eq!((columns.at_ms.len(), columns.held.len()), (900, 900));
        assert_eq!((columns.at_ms.first(), columns.held.last()), (Some(&100_000), Some(&999)));
    }
}
