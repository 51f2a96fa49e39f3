//! A simulated network, of one reactor, and the time that it measures by.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::cable::{Cable, News, SimStream};
use crate::reactor::{Arrival, Dialect, Network, Ready};

/// A time that moves when it is told to, and by a little each time that it is read.
#[derive(Debug)]
pub struct VirtualTime {
    /// Where it began. No step depends on it: only differences are looked at.
    base: Instant,
    /// Since then, microseconds. Relaxed, as the next: one thread has all of it.
    us: AtomicU64,
    /// What a reading takes, microseconds.
    reading_us: AtomicU64,
}

impl VirtualTime {
    /// A time that has just begun.
    pub fn begin() -> Self {
        Self { base: Instant::now(), us: AtomicU64::new(0), reading_us: AtomicU64::new(1) }
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.us.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long each reading takes from now on, microseconds: what a reactor does between two is taken to have taken as long.
    pub fn set_pace(&self, reading_us: u64) {
        self.reading_us.store(reading_us, Ordering::Relaxed);
    }

    /// When it began.
    pub(super) fn start(&self) -> Instant {
        self.base
    }

    fn read(&self) -> Instant {
        let reading = self.reading_us.load(Ordering::Relaxed);
        let us = self.us.fetch_add(reading, Ordering::Relaxed);
        self.base + Duration::from_micros(us.saturating_add(reading))
    }
}

/// Connections that wait to be adopted by a reactor. Whoever connects adds, the reactor takes.
pub(super) type Arrivals = Arc<Mutex<VecDeque<SimStream>>>;

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct SimNetwork {
    time: Arc<VirtualTime>,
    arrivals: Arrivals,
    /// By name.
    watched: BTreeMap<usize, Arc<Mutex<Cable>>>,
}

impl SimNetwork {
    pub(super) fn new(time: Arc<VirtualTime>, arrivals: Arrivals) -> Self {
        Self { time, arrivals, watched: BTreeMap::new() }
    }

    /// Whether a poll would have something to tell.
    pub(super) fn has_news(&self) -> bool {
        self.watched.values().any(|cable| cable.lock().has_news())
    }
}

impl Network for SimNetwork {
    type Stream = SimStream;

    fn now(&self) -> Instant {
        self.time.read()
    }

    /// Waits for nothing: a step is taken when there is something to do or the time is up, and whoever drives the node knows.
    fn wait(&mut self, _: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
        let news = self.watched.iter().filter_map(|(name, cable)| Some((*name, cable.lock().take_news()?)));
        ready.extend(news.map(|(name, News { readable, writable, ended })| Ready {
            name,
            readable,
            writable,
            ended,
        }));
        Ok(())
    }

    fn accept(&mut self) {}

    fn adopt(&mut self) -> Option<Arrival<SimStream>> {
        let stream = self.arrivals.lock().pop_front()?;
        Some(Arrival { stream, dialect: Dialect::Native, peer: None })
    }

    fn has_arrivals(&self) -> bool {
        !self.arrivals.lock().is_empty()
    }

    fn watch(&mut self, stream: &mut SimStream, name: usize) -> io::Result<()> {
        stream.cable.lock().greet();
        self.watched.insert(name, Arc::clone(&stream.cable));
        Ok(())
    }

    fn forget(&mut self, stream: &mut SimStream) {
        self.watched.retain(|_, cable| !Arc::ptr_eq(cable, &stream.cable));
    }

    fn close(&mut self) {}
}
