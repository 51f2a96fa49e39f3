//! The types of [`sync`](super) as the models see them: each operation is behind a [`point`].

use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Lets the model go on with any of its threads. Does nothing where no model runs.
fn point() {
    if modelled() {
        // Shuttle knows no time: this is a switch to any thread, and no hint that this one has nothing to do.
        shuttle::thread::sleep(Duration::ZERO);
    }
}

/// Whether this is a thread of a model.
fn modelled() -> bool {
    shuttle::current::try_get_current_task().is_some()
}

macro_rules! atomic {
    ($name:ident, $value:ty) => {
        #[derive(Debug, Default)]
        pub(crate) struct $name(std::sync::atomic::$name);

        impl $name {
            pub(crate) const fn new(value: $value) -> Self {
                Self(std::sync::atomic::$name::new(value))
            }

            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                point();
                self.0.load(ordering)
            }
        }
    };
}

macro_rules! change {
    ($name:ident, $value:ty, $($method:ident -> $result:ty),+) => {
        impl $name {
            $(pub(crate) fn $method(&self, value: $value, ordering: Ordering) -> $result {
                point();
                self.0.$method(value, ordering)
            })+
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
change!(AtomicBool, bool, store -> ());
change!(AtomicU32, u32, fetch_add -> u32, fetch_sub -> u32);
change!(AtomicU64, u64, store -> (), fetch_add -> u64, fetch_sub -> u64, fetch_or -> u64, fetch_and -> u64);

/// A value that is set once.
#[derive(Debug)]
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub(crate) const fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        point();
        self.0.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        point();
        self.0.set(value)
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A bounded queue.
#[derive(Debug)]
pub(crate) struct ArrayQueue<T>(crossbeam::queue::ArrayQueue<T>);

impl<T> ArrayQueue<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(crossbeam::queue::ArrayQueue::new(capacity))
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        point();
        self.0.push(value)
    }

    pub(crate) fn pop(&self) -> Option<T> {
        point();
        self.0.pop()
    }

    pub(crate) fn len(&self) -> usize {
        point();
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        point();
        self.0.is_empty()
    }
}

/// A lock. In a model whoever has `turn` finds the other one free.
#[derive(Debug)]
pub(crate) struct Mutex<T> {
    turn: shuttle::sync::Mutex<()>,
    value: parking_lot::Mutex<T>,
}

/// A [`Mutex`] that is taken: let go when this is dropped, the value first.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T> {
    value: parking_lot::MutexGuard<'a, T>,
    _turn: Option<shuttle::sync::MutexGuard<'a, ()>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { turn: shuttle::sync::Mutex::new(()), value: parking_lot::Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let turn = modelled().then(|| self.turn.lock().expect("nobody goes on behind a panic in a model"));
        MutexGuard { value: self.value.lock(), _turn: turn }
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let turn = if modelled() { Some(self.turn.try_lock().ok()?) } else { None };
        Some(MutexGuard { value: self.value.try_lock()?, _turn: turn })
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A thread that can be woken.
#[derive(Clone, Debug)]
pub(crate) enum Thread {
    Real(std::thread::Thread),
    Modelled(shuttle::thread::Thread),
}

impl Thread {
    pub(crate) fn unpark(&self) {
        match self {
            Self::Real(thread) => thread.unpark(),
            Self::Modelled(thread) => thread.unpark(),
        }
    }
}

/// The thread that asks.
pub(crate) fn current() -> Thread {
    if modelled() {
        Thread::Modelled(shuttle::thread::current())
    } else {
        Thread::Real(std::thread::current())
    }
}

/// Sleeps until somebody wakes this thread; outside a model not longer than this.
pub(crate) fn park_timeout(most: Duration) {
    if modelled() {
        shuttle::thread::park();
    } else {
        std::thread::park_timeout(most);
    }
}
