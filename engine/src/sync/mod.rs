//! What the parts that several threads share are made of, under one set of names.
//!
//! In the program these are the types of the standard library, `parking_lot` and crossbeam themselves, by another path:
//! nothing stands between them and who uses them. In this crate's own tests, and there alone, each is the same type with a
//! *point* before each of its operations, at which a model checker (shuttle) may let another thread go on. So the code that
//! a test explores is the code that runs, whole engines included, and no build but that of this crate's own tests ever has
//! a point in it.
//!
//! | name | in the program | in a model |
//! |---|---|---|
//! | `AtomicBool`, `AtomicU32`, `AtomicU64`, `OnceLock` | the standard library's | the same, behind a point |
//! | `ArrayQueue` | crossbeam's | the same, behind a point: each call is one step, as its callers may take it to be |
//! | `Mutex` | `parking_lot`'s | the same, behind a lock of the model, which knows who waits for whom |
//! | `Thread`, `current`, `park_timeout` | the standard library's | the model's: a time never runs out, so a wake-up that is missed is a deadlock |
//!
//! Outside a model, in an ordinary test, a point does nothing. What only counts (figures, lags, times of syncs) is not
//! here: no decision hangs on it, and its points would hide the others.
//!
//! A model runs one thread at a time, so every operation is sequentially consistent there: it finds steps in a wrong order,
//! not an ordering that is too weak. For those there are the reasons beside each atomic and each fence.

#[cfg(test)]
mod model;
#[cfg(test)]
mod schedules;

#[cfg(not(test))]
pub(crate) use std::sync::OnceLock;
#[cfg(not(test))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
#[cfg(not(test))]
pub(crate) use std::thread::{Thread, current, park_timeout};

#[cfg(not(test))]
pub(crate) use crossbeam::queue::ArrayQueue;
#[cfg(not(test))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(test)]
pub(crate) use self::model::{
    ArrayQueue, AtomicBool, AtomicU32, AtomicU64, Mutex, MutexGuard, OnceLock, Thread, current, park_timeout,
};
#[cfg(test)]
pub(crate) use self::schedules::{Schedules, fails_within, found_within};
