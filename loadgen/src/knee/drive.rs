//! The open loop of one point: requests come when they are due, whether or not the server keeps up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use doorbuster_protocol::{
    Answer, Credit, FEATURE_BULK_REFUSALS, FEATURE_CREDITS, FLAG_FIRST_ATTEMPT, Fault, Header, Kind,
    ProtocolError, Refused, body,
};
use rand::RngExt;
use rand::SeedableRng;
use rand_distr::Exp1;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::point::Point;
use crate::frames::{Payment, Template, Wish};
use crate::health::CpuMeter;
use crate::ids::{IdMaker, mix};
use crate::net::{Link, LinkError, Peer, Poller};
use crate::saturate::nanos;

/// Frames of a connection that may be unanswered, a power of two: what a server that refuses nothing piles up in half a
/// minute at ten times its peak.
const FLIGHTS: usize = 1 << 17;

/// Time at the start that isn't measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Longest wait for what is unanswered at the end.
const DRAIN: Duration = Duration::from_secs(3);

/// From a hold to its payment.
const PAY_AFTER: Duration = Duration::from_millis(200);

/// Hold time, milliseconds: longer than a point, so that expiry doesn't mix in.
const HOLD_MS: u32 = 600_000;

/// Bytes that may wait for a socket before the generator gives requests up.
const MOST_OUT: usize = 8 << 20;

/// What to ask for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) rate: f64,
    pub(super) batch: u32,
    pub(super) connections: u32,
    pub(super) seconds: Duration,
    pub(super) slo: Duration,
    pub(super) bulk: bool,
    pub(super) credits: bool,
    /// Of a hundred holds.
    pub(super) paid: u64,
    pub(super) first_sku: u64,
    pub(super) skus: u64,
    pub(super) seed: u64,
}

/// A frame that was sent.
#[derive(Clone, Copy, Debug, Default)]
struct Flight {
    /// Nanoseconds after the start.
    due: u64,
    correlation: u64,
    /// The first operation's number; its shopper follows from it.
    number: u64,
    confirm: bool,
    open: bool,
}

struct Lane {
    link: Link,
    next: u64,
    flights: Vec<Flight>,
    dirty: bool,
    /// Operations without an answer, and how many there may be.
    unanswered: u64,
    credit: u64,
}

/// A payment to come.
struct Due {
    at: Duration,
    order: u64,
    user: u64,
}

struct Loop {
    asked: Asked,
    lanes: Vec<Lane>,
    began: Instant,
    payments: VecDeque<Due>,
    point: Point,
    open: u64,
    from_ns: u64,
    until_ns: u64,
}

/// Drives one point.
pub(super) fn drive(asked: Asked, peer: &Peer, server: Option<u32>) -> Result<Point, LinkError> {
    let poller = Poller::new()?;
    let features =
        if asked.bulk { FEATURE_BULK_REFUSALS } else { 0 } | if asked.credits { FEATURE_CREDITS } else { 0 };
    let mut lanes = Vec::new();
    let mut server_ms = 0;
    for token in 0..asked.connections as usize {
        let (link, welcome) = Link::connect_for(peer, "doorbuster-drill", features)?;
        server_ms = welcome.now_ms;
        poller.add(link.stream(), token)?;
        lanes.push(Lane {
            link,
            next: 1,
            flights: vec![Flight::default(); FLIGHTS],
            dirty: false,
            unanswered: 0,
            credit: u64::from(welcome.max_in_flight),
        });
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(asked.seed);
    let mut reserves = Template::reserves(asked.batch as usize, HOLD_MS, FLAG_FIRST_ATTEMPT);
    let mut confirms = Template::confirms(0, 1, FLAG_FIRST_ATTEMPT);
    let mut ids = IdMaker::new(IdMaker::fresh_nonce());
    let until = WARM_UP + asked.seconds;
    let mut state = Loop {
        asked,
        lanes,
        began: Instant::now(),
        payments: VecDeque::new(),
        point: Point::new(),
        open: 0,
        from_ns: nanos(WARM_UP),
        until_ns: nanos(until),
    };
    let mut meter = None;
    let mut ready = Vec::new();
    let mut due = Duration::ZERO;
    let (mut number, mut lane) = (0_u64, 0_usize);
    loop {
        let now = state.began.elapsed();
        if meter.is_none() && now >= WARM_UP {
            meter = Some(CpuMeter::start(server));
        }
        let now_ms = server_ms + u64::try_from(now.as_millis()).unwrap_or(0);
        while due <= now && due < until {
            lane = (lane + 1) % state.lanes.len();
            let (users_from, first_sku, skus) = (number, asked.first_sku, asked.skus);
            let mut next = users_from;
            let wish = || {
                let spread = mix(next);
                next += 1;
                Wish {
                    request_id: ids.make(now_ms),
                    user: spread >> 1,
                    sku: first_sku + (((spread >> 32) * skus) >> 32),
                }
            };
            state.send(lane, (due, now), number, false, |correlation, out| {
                reserves.put_reserves(correlation, wish, out);
            });
            number += u64::from(asked.batch);
            let gap: f64 = random.sample(Exp1);
            due += Duration::from_secs_f64(gap * f64::from(asked.batch) / asked.rate);
        }
        while let Some(pay) = state.payments.pop_front_if(|pay| pay.at <= now) {
            lane = (lane + 1) % state.lanes.len();
            let payment = || Payment { order: pay.order, user: pay.user, payment_id: ids.make(now_ms) };
            state.send(lane, (pay.at, now), 0, true, |correlation, out| {
                confirms.put_confirms(correlation, payment, out);
            });
        }
        for (token, lane) in state.lanes.iter_mut().enumerate() {
            if std::mem::take(&mut lane.dirty) {
                let flushed = lane.link.flush()?;
                poller.want_write(lane.link.stream(), token, !flushed)?;
            }
        }
        if due >= until && state.point.elapsed.is_zero() {
            state.point.elapsed = asked.seconds;
            if let Some(meter) = meter.take() {
                let cpu = meter.stop();
                state.point.server_cores = cpu.server_cores;
                state.point.own_cores = cpu.generator_cores;
                state.point.stolen_cores = cpu.stolen_cores;
            }
            meter = None;
        }
        if due >= until && ((state.open == 0 && state.payments.is_empty()) || now > until + DRAIN) {
            break;
        }
        let wake = if due < until { due } else { now + Duration::from_millis(20) };
        let wake = state.payments.front().map_or(wake, |pay| pay.at.min(wake));
        poller.wait(wake.saturating_sub(state.began.elapsed()), &mut ready)?;
        for &token in &ready {
            state.receive(token, &poller)?;
        }
    }
    Ok(state.point)
}

impl Loop {
    /// Sends a frame that was due.
    fn send(
        &mut self,
        lane: usize,
        (due, now): (Duration, Duration),
        number: u64,
        confirm: bool,
        put: impl FnOnce(u64, &mut Vec<u8>),
    ) {
        let operations = if confirm { 1 } else { u64::from(self.asked.batch) };
        let due_ns = nanos(due);
        let measured = (self.from_ns..self.until_ns).contains(&due_ns);
        if measured {
            let of = if confirm { &mut self.point.confirms } else { &mut self.point.reserves };
            of.offered += operations;
            self.point.lag_ns.saturating_record(nanos(now.saturating_sub(due)).max(1));
        }
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        if self.asked.credits && !confirm && lane.unanswered + operations > lane.credit {
            self.point.held_back += if measured { operations } else { 0 };
            return;
        }
        let correlation = lane.next;
        let place = place(correlation);
        let full =
            lane.flights.get(place).is_none_or(|flight| flight.open) || lane.link.out().len() > MOST_OUT;
        if full {
            self.point.dropped += if measured { operations } else { 0 };
            return;
        }
        lane.next += 1;
        lane.unanswered += operations;
        lane.flights[place] = Flight { due: due_ns, correlation, number, confirm, open: true };
        lane.dirty = true;
        put(correlation, lane.link.out());
        self.open += 1;
    }

    fn receive(&mut self, token: usize, poller: &Poller) -> Result<(), LinkError> {
        let Self { asked, lanes, began, payments, point, open, from_ns, until_ns } = self;
        let Some(Lane { link, flights, unanswered, credit, .. }) = lanes.get_mut(token) else {
            return Ok(());
        };
        if !link.is_flushed() && link.flush()? {
            poller.want_write(link.stream(), token, false)?;
        }
        let mut came = None;
        let slo_ns = nanos(asked.slo);
        let mut take = |correlation: u64, header: &Header| -> Result<Flight, LinkError> {
            let flight = flights.get_mut(place(correlation));
            let flight = flight.filter(|flight| flight.open && flight.correlation == correlation);
            let flight = flight.ok_or(ProtocolError::Body {
                kind: header.kind.name(),
                index: 0,
                reason: "answers nothing that was asked",
            })?;
            flight.open = false;
            *open -= 1;
            *unanswered -= if flight.confirm { 1 } else { u64::from(asked.batch) };
            Ok(*flight)
        };
        link.receive(|header, content| {
            let now = *came.get_or_insert_with(|| began.elapsed());
            let now_ns = nanos(now);
            let mut refuse = |flight: Flight, code: u16| {
                if (*from_ns..*until_ns).contains(&flight.due) {
                    let took = now_ns.saturating_sub(flight.due);
                    let operations = if flight.confirm { 1 } else { u64::from(asked.batch) };
                    let of = if flight.confirm { &mut point.confirms } else { &mut point.reserves };
                    of.note(code, took, slo_ns, operations);
                    (0..operations).for_each(|_| point.tally.count(code));
                }
            };
            match header.kind {
                Kind::Refused => {
                    let refused: Refused = body::read_one(header, content)?;
                    for correlation in refused.correlations() {
                        refuse(take(correlation, header)?, refused.code);
                    }
                }
                Kind::Credit => *credit = u64::from(body::read_one::<Credit>(header, content)?.operations),
                Kind::Error => {
                    let fault: Fault = body::read_one(header, content)?;
                    if header.correlation == 0 {
                        return Err(LinkError::refused(fault));
                    }
                    refuse(take(header.correlation, header)?, fault.code);
                }
                _ => {
                    let flight = take(header.correlation, header)?;
                    let measured = (*from_ns..*until_ns).contains(&flight.due);
                    let took = now_ns.saturating_sub(flight.due);
                    let mut number = flight.number;
                    body::read(header, content, |answer: Answer| {
                        let of = if flight.confirm { &mut point.confirms } else { &mut point.reserves };
                        if measured {
                            of.note(answer.code, took, slo_ns, 1);
                            if !flight.confirm {
                                point.tally.count(answer.code);
                            }
                        }
                        if !flight.confirm && answer.order != 0 && mix(answer.order) % 100 < asked.paid {
                            let user = mix(number) >> 1;
                            payments.push_back(Due { at: now + PAY_AFTER, order: answer.order, user });
                        }
                        number += 1;
                    })?;
                }
            }
            Ok(())
        })
    }
}

/// Where a frame's flight is noted.
fn place(correlation: u64) -> usize {
    usize::try_from(correlation % FLIGHTS as u64).unwrap_or(0)
}
