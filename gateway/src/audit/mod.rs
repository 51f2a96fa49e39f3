//! A line for each thing that somebody does to a sale, other than buying: who, from where, what, on what, and what came of it.
//!
//! ```text
//! INFO audit: who="till-ops" from=10.0.0.9:51234 what="FREEZE_SKU" on="SKU 7" operations=1 outcome="OK"
//! ```
//!
//! The lines go to standard error with all others, under the target `audit`, whatever `server.log_level` says of the rest: a level that
//! leaves them out must say so by name. A frame has one line, however many operations are in it: setting up a million SKUs is one
//! thing that somebody did, in some hundred frames. The log keeps each operation, with the numbers `by` and `reason`.
//!
//! What shoppers do has none, nor have payments' aftermaths (ADVANCE, REFUND): they are orders' traffic, and the log has them all.

mod entry;

use std::fmt;
use std::net::SocketAddr;

use doorbuster_protocol::Kind;

pub(crate) use self::entry::Entry;
use crate::keys::Need;

/// The target of these lines.
pub(crate) const TARGET: &str = "audit";

/// What lets these lines through, whatever a filter says of others.
pub(crate) const DIRECTIVE: &str = "audit=info";

/// Whether a frame of this kind has a line.
pub(crate) const fn is_told(kind: Kind) -> bool {
    matches!(Need::of(kind), Need::Operate) && !matches!(kind, Kind::Advance | Kind::Refund)
}

/// Where somebody is; a simulated connection comes from nowhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whence(pub(crate) Option<SocketAddr>);

impl fmt::Display for Whence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("nowhere"),
        }
    }
}
