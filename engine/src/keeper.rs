//! A thread that makes memory ready before ledgers need it.
//!
//! A table that grows into fresh memory waits half a millisecond and more while the kernel clears a huge page, and so
//! does everybody whose order waits at that shard. So a shard that has used up a spare piece of memory leaves a note; the
//! keeper makes another and lays it on the shard's shelf; the shard takes it from there at one of its next visits.
//!
//! ```text
//! shard ──need──► notes ──► keeper: allocate, write each page ──spare──► shelf of the shard ──► next visit
//! ```
//!
//! Nobody waits for anybody: both queues are lock-free and have room for all that can be underway. A keeper that is late
//! costs a shard what it would cost without one. What is decided never depends on it, so a simulator may drive it step by
//! step, or not at all.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};

use crossbeam::queue::ArrayQueue;
use doorbuster_ledger::{Ledger, Need, Spare};

/// See the module's doc.
#[derive(Debug)]
pub struct Keeper {
    /// What is needed, and by which ledger.
    notes: ArrayQueue<(usize, Need)>,
    /// What is ready for each ledger.
    ready: Vec<ArrayQueue<Spare>>,
    /// Set by the keeper's thread before it first looks for notes; read by whoever leaves one.
    thread: OnceLock<Thread>,
    /// Set by who ends the engine, with release; the keeper's thread loads it with acquire. It guards nothing.
    closed: AtomicBool,
}

impl Keeper {
    /// A keeper for as many ledgers. It does nothing yet: see [`start`](Self::start).
    pub fn new(ledgers: usize) -> Self {
        Self {
            notes: ArrayQueue::new(ledgers.max(1).saturating_mul(Need::MOST)),
            ready: (0..ledgers).map(|_| ArrayQueue::new(Need::MOST)).collect(),
            thread: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Starts the thread; [`close`](Self::close) ends it.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub fn start(self: &Arc<Self>) -> io::Result<JoinHandle<()>> {
        let keeper = Arc::clone(self);
        std::thread::Builder::new().name("keeper".to_owned()).spawn(move || keeper.run())
    }

    /// Hands the ledger what is ready for it and notes what it needs next. `number` is the ledger's, from 0; always the
    /// same, and no other's. Cheap, and waits for nothing.
    pub fn serve(&self, number: usize, ledger: &mut Ledger) {
        let Some(ready) = self.ready.get(number) else { return };
        while let Some(spare) = ready.pop() {
            ledger.stock_up(spare);
        }
        let mut noted = false;
        while let Some(need) = ledger.need() {
            // Can't be full: it has room for all that all ledgers may have underway.
            noted |= self.notes.push((number, need)).is_ok();
        }
        if noted {
            self.wake();
        }
    }

    /// Meets one need. Returns false if there is none.
    pub fn step(&self) -> bool {
        let Some((number, need)) = self.notes.pop() else { return false };
        if let Some(ready) = self.ready.get(number) {
            let refused = ready.push(need.meet()).is_err();
            debug_assert!(!refused, "a ledger has more needs underway than its shelf holds");
        }
        true
    }

    /// Ends the thread, after the need that it is at.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    fn run(&self) {
        self.thread.get_or_init(std::thread::current);
        // With the one in `wake`: either this thread sees what was noted before, or who noted it sees this thread.
        fence(Ordering::SeqCst);
        while !self.closed.load(Ordering::Acquire) {
            if !self.step() {
                std::thread::park();
            }
        }
    }

    fn wake(&self) {
        fence(Ordering::SeqCst);
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use doorbuster_ledger::Rules;

    use super::*;

    #[test]
    fn a_need_is_noted_once_and_met_once() {
        let keeper = Keeper::new(2);
        let mut ledgers = [Ledger::new(Rules::default(), 1), Ledger::new(Rules::default(), 2)];
        let empty = ledgers[0].bytes();
        for _ in 0..2 {
            for (number, ledger) in ledgers.iter_mut().enumerate() {
                keeper.serve(number, ledger);
            }
            assert_eq!(keeper.notes.len(), 2 * Need::MOST);
        }
        while keeper.step() {}
        for (number, ledger) in ledgers.iter_mut().enumerate() {
            assert_eq!(keeper.ready[number].len(), Need::MOST);
            keeper.serve(number, ledger);
            assert!(ledger.need().is_none(), "the ledger has all that it needs");
        }
        assert!(!keeper.step());
        assert!(ledgers[0].bytes() > empty + (8 << 20), "spares are in memory");
    }

    #[test]
    fn the_thread_meets_what_was_noted_before_and_after_its_start_and_ends() {
        let keeper = Arc::new(Keeper::new(2));
        let mut ledgers = [Ledger::new(Rules::default(), 1), Ledger::new(Rules::default(), 2)];
        keeper.serve(0, &mut ledgers[0]);
        let thread = keeper.start().unwrap();
        keeper.serve(1, &mut ledgers[1]);
        for ready in &keeper.ready {
            // Nobody takes anything out: a ledger that is served again would, and the shelf would never fill.
            while ready.len() < Need::MOST {
                std::thread::yield_now();
            }
        }
        keeper.close();
        thread.join().unwrap();
    }
}
