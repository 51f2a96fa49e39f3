//! What refuses work before the engine does it: rules that decide, and nothing else.
//!
//! Nothing here reads a clock, draws from the system's randomness, starts a thread or writes to anything. The time is an
//! argument, a [`Moment`], and so is every seed; what a rule has to remember is in a value of bounded size that its owner
//! holds. So each rule can be tested at its exact boundaries, and a run that went wrong can be repeated.
//!
//! - [`admission`] lets in what can be done in a bearable time.
//! - [`credits`] tells clients what not to send.
//! - [`losses`] holds what is lost against the budget, and moves what may wait.
//! - [`breaker`] stops asking a part that is broken, and asks it again with care; [`Breakers`] are those of a server.
//! - [`shoppers`] keeps one shopper from asking for all others.
//! - [`Queue`] lets new holds in one after the other, where a plan wants it so.
//! - [`anomaly`] says when more is asked for than should be. It refuses nothing itself.
//!
//! None of them decides about stock. Refusing here costs a shopper a moment; what is sold is the ledger's matter alone.

pub(crate) mod admission;
pub(crate) mod anomaly;
pub(crate) mod breaker;
mod breakers;
mod class;
pub(crate) mod credits;
mod gcra;
pub(crate) mod losses;
mod moment;
mod queue;
pub(crate) mod shoppers;

pub(crate) use admission::Admission;
pub(crate) use breakers::{Breakers, CLASSES, Leave, Scope};
pub(crate) use class::Class;
pub(crate) use credits::Credits;
pub(crate) use losses::Losses;
pub(crate) use moment::{Micros, Moment};
pub(crate) use queue::{Pace, Queue};
pub(crate) use shoppers::Shoppers;
