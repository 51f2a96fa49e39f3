//! Reports of a sale, made of its log alone.
//!
//! What a server counted is gone with the server, and what it measured is nobody's proof. The log has every hold, payment and
//! return with its time, so a report is a replay that counts:
//!
//! ```text
//!  folder ──log──► events ──outline──► campaigns, T0, first and last event            (first reading)
//!                  events ──follower─► deeds ──tally──► sections, each of two hours   (second reading)
//!                                            └────────► the sale as a whole
//! ```
//!
//! The [`Follower`](follow::Follower) keeps what events leave out: a payment names its order, not the SKU, the channel or
//! the hold's age. What it keeps of an ended order it drops where the server did, so a report takes the memory of the
//! orders that a server would still know, never that of all the log. All lists that are printed are bounded.
//!
//! **What no log tells.** A refusal changes nothing and leaves no event: how many shoppers were told that everything is
//! gone, or to come back later, is not in here, and no report guesses it. Of those who wanted more, the log knows who
//! waited, and who paid too late.

mod actions;
mod counts;
mod curve;
mod deed;
mod follow;
mod goals;
mod hints;
mod interval;
mod log;
mod numbers;
mod orders;
mod outline;
mod page;
mod problems;
mod sale;
mod shop;
mod svg;
mod tally;
mod text;
mod window;
mod words;

pub(crate) use interval::intervals;
pub(crate) use log::ReportError;
pub(crate) use page::Page;
pub(crate) use sale::sale;
pub(crate) use text::Text;
pub(crate) use window::Wish;

/// A report, whichever.
pub(crate) trait Report {
    /// What stands behind the last block that it could read, if anything.
    fn behind(&self) -> Option<&str>;
}

/// Version of the JSON of reports. It rises when a field goes or means something else.
const SCHEMA_VERSION: u32 = 1;

/// What no report of a log can say; printed with each.
const UNKNOWN: [&str; 3] = [
    "A refusal leaves no event: who was told \"sold out\", \"limit reached\" or \"come back later\" is counted in /metrics, not here.",
    "An order of several lines has one amount; it is dealt out to its lines by their prices, where the log has a price for each, else \
     by their units.",
    "Emergency plans and circuit breakers are not in the log; the plans are in the folder's own journal of them.",
];
