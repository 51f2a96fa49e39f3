//! Raw connections for load: no runtime, no task, no allocation a request.
//!
//! A generator shares its machine with the server that it measures, so every cycle here is a cycle taken from the
//! server. One thread watches hundreds of non-blocking sockets ([`Poller`]), each with its buffers ([`Link`]);
//! what is rare (setting up stock, reading it back) goes over a plain blocking connection ([`Control`]).

mod control;
mod link;
mod poller;
mod proof;

pub use control::Control;
pub use link::{Link, LinkError};
pub use poller::Poller;
pub use proof::{VARIABLE, take_key};
