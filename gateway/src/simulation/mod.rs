//! A whole server in one thread, step by step: for simulations that are the same each time.
//!
//! A [`Node`] has the parts of a [`Server`](crate::Server) and none of its threads. What a thread would do is a [`Part`], and
//! whoever drives the node says which part takes the next step. The code of the parts is that of production; simulated are only
//! what they stand on:
//!
//! ```text
//!  Peer ══ cable ══► network ─► reactors ─► shards, desk ─► scribe, preparer, compactor ─► SimStorage
//!    pieces, stalls,            rest, gather,                write, sync, …                tears, losses, full
//!    broken ends                decide, give out
//! ```
//!
//! * A cable, whose client's end is a [`Peer`], carries bytes when it is told to, so many at a time, in each direction: what nobody
//!   carries is late, and a broken one has lost what was on its way.
//! * [`VirtualTime`] is what a reactor measures by. It moves when it is told to, and by a little each time that it is read, so
//!   that work takes time. The time of day is the engine's own clock.
//! * A pass of a reactor is four steps, between which the others may take theirs: before it sleeps, it says so and looks once more,
//!   so that nobody who comes then is forgotten.
//!
//! The admin port, the feed and emergency plans have threads of their own and are not simulated.

mod cable;
mod network;
mod node;
#[cfg(test)]
mod tests;

pub use cable::Peer;
pub use network::VirtualTime;
pub use node::{Node, Part};
