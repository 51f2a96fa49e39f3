//! The Redis serialization protocol (RESP), versions 2 and 3: a second language for the same operations.
//!
//! A storefront that has a Redis client for its language has a client for Doorbuster. What it says is translated at the edge of
//! its connection: commands become the frames that native clients send, and answers become replies. Everything between, from
//! admission to the log, knows frames alone, so that both languages have the same rules, bounds and order of checks.
//!
//! ```text
//! *3 $12 SALE.CONFIRM …  ──► [`parse`] ──► [`command`] ──► frame ┐
//!                                                                ├─ the server
//! [ "OK", {"order": …} ] ◄── in the order of the commands ◄─ frame ┘
//! ```
//!
//! * Commands of one kind that stand one behind the other become one frame: a pipeline costs what a batch does.
//! * Native answers come in any order, replies in that of the commands; the [`Translator`] keeps what is early.
//! * A refusal of business is a reply like any other, `["SOLD_OUT", {…}]`: client libraries throw on error replies, and 99 of 100
//!   shoppers get a refusal. Error replies are for bad requests and for what the server could not do just now.
//! * Identifiers (SKU, order, shopper) are text in replies: they have 64 bits, and the numbers of many languages 53.
//!
//! As the whole crate, this is pure: no IO, no clock, no panic on any input.

mod arguments;
mod command;
mod connection;
mod error;
mod following;
mod parse;
mod reply;
mod translator;
mod write;

pub use command::{COMMANDS, Spec};
pub use connection::{Facts, Proof, Verdict};
pub use error::{RESERVED_PREFIXES, prefix};
pub use parse::{MAX_ARGUMENT, MAX_ARGUMENTS, MAX_COMMAND, RespError, parse};
pub use translator::{Next, Translator};
pub use write::{Version, Writer};
