//! The log's block layer on simulated and real storage.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

mod cursor;
mod faults;
mod flips;
mod folder;
mod history;
mod preparation;
mod refusals;
mod world;
