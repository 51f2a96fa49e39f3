//! Who holds how many connections: one address can't have all of them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Bits of an IPv6 address that tell callers apart: whoever has one address has all that begin alike.
const PREFIX: u32 = 64;

/// See the module's doc. Of all reactors: it is asked when a connection comes and when one ends, never in between.
#[derive(Debug)]
pub(crate) struct Callers {
    /// Connections of one caller at most, and one at least.
    most: usize,
    /// Of those that hold any: as many entries as connections at most.
    seats: Mutex<HashMap<IpAddr, usize>>,
    refused: AtomicU64,
}

/// One connection's place among those of its caller, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    callers: Arc<Callers>,
    caller: IpAddr,
}

impl Callers {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, seats: Mutex::default(), refused: AtomicU64::new(0) })
    }

    /// A place for one more connection from there; `None`, and counted: it has as many as may be.
    pub(crate) fn seat(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        let caller = caller(from);
        let mut seats = self.seats.lock();
        if seats.get(&caller).is_some_and(|taken| *taken >= self.most) {
            drop(seats);
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *seats.entry(caller).or_default() += 1;
        drop(seats);
        Some(Seat { callers: Arc::clone(self), caller })
    }

    /// Connections that were refused as their caller had as many as may be.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.callers.seats.lock();
        if let Some(taken) = seats.get_mut(&self.caller) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.caller);
            }
        }
    }
}

/// Whom an address stands for.
fn caller(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() >> (128 - PREFIX) << (128 - PREFIX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_caller_gets_as_many_as_may_be_and_one_more_for_each_that_ends() {
        let callers = Callers::new(2);
        let first = callers.seat(address("10.0.0.1")).expect("a seat");
        let _second = callers.seat(address("::ffff:10.0.0.1")).expect("the same caller's second");
        assert!(callers.seat(address("10.0.0.1")).is_none());
        assert!(callers.seat(address("10.0.0.2")).is_some(), "somebody else");
        assert_eq!(callers.refused(), 1);
        drop(first);
        assert!(callers.seat(address("10.0.0.1")).is_some());
    }

    #[test]
    fn all_addresses_of_a_network_of_64_bits_are_one_caller() {
        let callers = Callers::new(1);
        let _seat = callers.seat(address("2001:db8:0:1::1")).expect("a seat");
        assert!(callers.seat(address("2001:db8:0:1:ffff::2")).is_none());
        assert!(callers.seat(address("2001:db8:0:2::1")).is_some());
    }

    #[test]
    fn who_holds_nothing_is_forgotten() {
        let callers = Callers::new(1);
        drop(callers.seat(address("10.0.0.1")));
        assert!(callers.seats.lock().is_empty());
    }
}
