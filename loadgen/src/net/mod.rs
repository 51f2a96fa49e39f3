//! Raw connections for load: no runtime, no task, no allocation a request.
//!
//! A generator shares its machine with the server that it measures, so every cycle here is a cycle taken from the
//! server. One thread watches hundreds of non-blocking sockets ([`Poller`]), each with its buffers ([`Link`]);
//! what is rare (setting up stock, reading it back) goes over a blocking connection ([`Control`]). Whether either is encrypted
//! is the [`Peer`]'s matter; one that isn't pays a branch a read and a write for it.

mod control;
mod link;
mod peer;
mod poller;

pub use control::Control;
pub use link::{Link, LinkError};
pub use peer::Peer;
pub use poller::Poller;

#[cfg(test)]
mod tests;
