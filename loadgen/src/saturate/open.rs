//! The open loop: one-by-one reserves at a fixed mean rate, Poisson arrivals, whether or not the server keeps up.

use std::time::{Duration, Instant};

use doorbuster_protocol::{FLAG_FIRST_ATTEMPT, Kind};
use rand::RngExt;
use rand::SeedableRng;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::closed::{Load, refused, tally, unasked};
use super::measured::{Measured, nanos};
use crate::frames::{Template, Wish};
use crate::ids::{IdMaker, mix};
use crate::net::{Link, LinkError, Peer, Poller};

/// Requests that may be unanswered; at this bound the generator gives up, as memory has one.
const UNANSWERED: usize = 1 << 20;

/// Time at the start that isn't measured.
const WARM_UP: Duration = Duration::from_millis(500);

/// Longest wait for what is unanswered at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// When a request was due; the answer's latency counts from here.
#[derive(Clone, Copy, Debug)]
struct Flight {
    due: Instant,
    open: bool,
}

/// Sends `rate` requests a second and measures from the time that each was due.
pub(super) fn drive(load: &Load, rate: u32, seed: u64, peer: &Peer) -> Result<Measured, LinkError> {
    let poller = Poller::new()?;
    let mut links = Vec::new();
    let mut server_ms = 0;
    for token in 0..load.connections as usize {
        let (link, welcome) = Link::connect(peer, "doorbuster-drill")?;
        server_ms = welcome.now_ms;
        poller.add(link.stream(), token)?;
        links.push(link);
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut template = Template::reserves_by(load.terms, 1, load.hold_ms, FLAG_FIRST_ATTEMPT);
    let mut ids = IdMaker::new(IdMaker::fresh_nonce());
    let mut measured = Measured::empty();
    let began = Instant::now();
    let from = began + WARM_UP;
    let until = from + load.seconds;
    let mut flights = vec![Flight { due: began, open: false }; UNANSWERED];
    let mut dirty: Vec<usize> = Vec::with_capacity(links.len());
    let mut ready = Vec::new();
    let mut number = 0_u64;
    let mut open = 0_u64;
    let mut due = began;
    loop {
        let now = Instant::now();
        let now_ms = server_ms + u64::try_from(now.duration_since(began).as_millis()).unwrap_or(0);
        while due <= now && due < until {
            let place = usize::try_from(number).unwrap_or(usize::MAX) % UNANSWERED;
            if flights[place].open {
                return Err(LinkError::Refused(format!(
                    "{UNANSWERED} requests are unanswered; the rate is too high"
                )));
            }
            flights[place] = Flight { due, open: true };
            let token = usize::try_from(number).unwrap_or(usize::MAX) % links.len();
            let spread = mix(number);
            let sku = load.first_sku + (((spread >> 32) * load.skus) >> 32);
            let wish = Wish { request_id: ids.make(now_ms), user: 1 + spread % load.users, sku };
            template.put_reserves(number, || wish, links[token].out());
            dirty.push(token);
            if due >= from {
                measured.lag_ns.saturating_record(nanos(now.saturating_duration_since(due)));
            }
            number += 1;
            open += 1;
            let gap: f64 = random.sample(Exp1);
            due += Duration::from_secs_f64(gap / f64::from(rate));
        }
        for token in dirty.drain(..) {
            if !links[token].is_flushed() {
                let flushed = links[token].flush()?;
                poller.want_write(links[token].stream(), token, !flushed)?;
            }
        }
        if due >= until && (open == 0 || now > until + DRAIN) {
            break;
        }
        let nap = if due < until {
            due.saturating_duration_since(Instant::now())
        } else {
            Duration::from_millis(20)
        };
        poller.wait(nap, &mut ready)?;
        let now = Instant::now();
        for &token in &ready {
            let Some(link) = links.get_mut(token) else { continue };
            if !link.is_flushed() && link.flush()? {
                poller.want_write(link.stream(), token, false)?;
            }
            link.receive(|header, content| {
                if header.kind == Kind::Error {
                    return Err(refused(header, content));
                }
                let place = usize::try_from(header.correlation).unwrap_or(usize::MAX) % UNANSWERED;
                let flight = flights.get_mut(place).filter(|flight| flight.open).ok_or(unasked(header))?;
                flight.open = false;
                open -= 1;
                tally(content, &mut measured.tally);
                if flight.due >= from {
                    measured.operations += 1;
                    measured.latency_ns.saturating_record(nanos(now.saturating_duration_since(flight.due)));
                }
                Ok(())
            })?;
        }
    }
    measured.elapsed = load.seconds;
    measured.unanswered = open;
    Ok(measured)
}
