//! The closed loop.

use std::time::{Duration, Instant};

use doorbuster_protocol::{Answer, Class, Code, FLAG_DRILL, FLAG_FIRST_ATTEMPT, Header, Kind, ProtocolError};

use super::measured::{LONGEST_NS, Measured, Tally};
use super::source::Source;
use super::{Operation, Terms};
use crate::frames::Template;
use crate::ids::IdMaker;
use crate::net::{Link, LinkError, Peer, Poller};

/// Time at the start that isn't measured: tables grow, buffers find their size.
const WARM_UP: Duration = Duration::from_millis(300);

/// Longest wait for what is still unanswered at the end.
const DRAIN: Duration = Duration::from_secs(10);

/// Longest nap of the loop, so that it notices its end.
const NAP: Duration = Duration::from_millis(50);

/// Most orders that a confirm load reserves beforehand: bounds its memory at 64 MB.
const MOST_ORDERS: usize = 4 << 20;

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The operation.
    pub op: Operation,
    /// Connections.
    pub connections: u32,
    /// Frames in flight on each connection.
    pub in_flight: u32,
    /// Operations in a frame.
    pub batch: u32,
    /// Shoppers.
    pub users: u64,
    /// First SKU.
    pub first_sku: u64,
    /// Number of SKUs.
    pub skus: u64,
    /// Shards of the server; 0 where it doesn't matter.
    pub shards: u32,
    /// Measured time.
    pub seconds: Duration,
    /// Hold time of reserves, milliseconds.
    pub hold_ms: u32,
    /// What requests say because of rules.
    pub terms: Terms,
    /// Mark the frames as a drill's.
    pub drill: bool,
}

/// Connections with their frames in flight.
#[derive(Debug)]
pub struct Closed {
    load: Load,
    poller: Poller,
    lanes: Vec<Lane>,
    source: Source,
}

/// One connection; its frames in flight have numbers 0 to `in_flight - 1`, which are their correlations.
#[derive(Debug)]
struct Lane {
    link: Link,
    slots: Vec<Slot>,
    waits_for_room: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    sent: Instant,
    /// Number of the frame's first operation; its shopper follows from it.
    first: u64,
    in_flight: bool,
}

impl Closed {
    /// Connects everything; sends nothing yet.
    ///
    /// # Errors
    /// If a connection can't be made.
    pub fn connect(load: &Load, peer: &Peer) -> Result<Self, LinkError> {
        let poller = Poller::new()?;
        let mut lanes = Vec::new();
        let mut now_ms = 0;
        for token in 0..load.connections as usize {
            let link = if load.op == Operation::Echo {
                Link::connect_ungreeted(peer)?
            } else {
                let (link, welcome) = Link::connect(peer, "doorbuster-drill")?;
                now_ms = welcome.now_ms;
                link
            };
            poller.add(link.stream(), token)?;
            let idle = Slot { sent: Instant::now(), first: 0, in_flight: false };
            lanes.push(Lane { link, slots: vec![idle; load.in_flight as usize], waits_for_room: false });
        }
        let flags = FLAG_FIRST_ATTEMPT | if load.drill { FLAG_DRILL } else { 0 };
        let source = Source {
            op: load.op,
            template: if load.op == Operation::TwoLines {
                Template::two_lines(load.batch as usize, load.hold_ms, flags)
            } else {
                Template::reserves_by(load.terms, load.batch as usize, load.hold_ms, flags)
            },
            ids: IdMaker::new(IdMaker::fresh_nonce()),
            now_ms,
            next: 0,
            users: load.users,
            first_sku: load.first_sku,
            skus: load.skus,
            shards: load.shards,
            orders: Vec::new(),
        };
        Ok(Self { load: *load, poller, lanes, source })
    }

    /// Reserves, for the measured time, the orders that [`Closed::drive`] will confirm.
    ///
    /// # Errors
    /// If a connection breaks.
    pub fn prepare_orders(&mut self) -> Result<(), LinkError> {
        self.source.op = Operation::Reserve;
        let mut orders = Vec::new();
        self.turn(Some(&mut orders))?;
        self.source.op = Operation::Confirm;
        self.source.template =
            Template::confirms(self.load.terms.amount, self.load.batch as usize, FLAG_FIRST_ATTEMPT);
        self.source.orders = orders;
        Ok(())
    }

    /// Runs the loop for the warm-up and the measured time, then waits for what is unanswered.
    ///
    /// # Errors
    /// If a connection breaks.
    pub fn drive(&mut self) -> Result<Measured, LinkError> {
        self.turn(None)
    }

    fn turn(&mut self, mut orders: Option<&mut Vec<(u64, u64)>>) -> Result<Measured, LinkError> {
        let began = Instant::now();
        let from = began + WARM_UP;
        let until = from + self.load.seconds;
        let mut measured = Measured::empty();
        let mut in_flight = 0_u64;
        let mut ready = Vec::new();
        let mut freed = Vec::new();
        let mut last_answer = from;
        for lane in &mut self.lanes {
            in_flight += lane.start(&mut self.source, self.load.batch);
            lane.waits_for_room = !lane.link.flush()?;
        }
        let started_ms = self.source.now_ms;
        while in_flight > 0 {
            self.poller.wait(NAP, &mut ready)?;
            let now = Instant::now();
            if now > until + DRAIN {
                break;
            }
            let stopping = now >= until;
            let elapsed_ms = u64::try_from(now.duration_since(began).as_millis()).unwrap_or(u64::MAX);
            self.source.now_ms = started_ms.saturating_add(elapsed_ms);
            let counted = now >= from && !stopping;
            for &token in &ready {
                let Some(lane) = self.lanes.get_mut(token) else { continue };
                let Lane { link, slots, waits_for_room } = lane;
                // Frames to refill are noted first: the answer's bytes still lie in the link's buffer.
                link.receive(|header, content| {
                    let slot =
                        usize::try_from(header.correlation).ok().and_then(|index| slots.get_mut(index));
                    let slot = slot.filter(|slot| slot.in_flight).ok_or(unasked(header))?;
                    slot.in_flight = false;
                    if header.kind == Kind::Error {
                        // A calibration finds out what can be carried; what was refused for more is none of it.
                        let code = overloaded(header, content).filter(|_| self.load.drill);
                        measured.tally.count(code.ok_or_else(|| refused(header, content))?.number());
                        freed.push(header.correlation);
                        return Ok(());
                    }
                    if counted {
                        let nanos =
                            u64::try_from(now.duration_since(slot.sent).as_nanos()).unwrap_or(LONGEST_NS);
                        measured.latency_ns.saturating_record(nanos);
                        measured.operations += u64::from(header.count);
                        last_answer = now;
                    }
                    if self.load.op != Operation::Echo {
                        tally(content, &mut measured.tally);
                    }
                    if let Some(orders) = orders.as_deref_mut() {
                        collect(content, slot.first, &self.source, orders);
                    }
                    freed.push(header.correlation);
                    Ok(())
                })?;
                for correlation in freed.drain(..) {
                    in_flight -= 1;
                    let full = orders.as_ref().is_some_and(|orders| orders.len() >= MOST_ORDERS);
                    if stopping || full {
                        continue;
                    }
                    if let Some(first) = self.source.put(self.load.batch, correlation, link.out()) {
                        let index = usize::try_from(correlation).unwrap_or(usize::MAX);
                        if let Some(slot) = slots.get_mut(index) {
                            *slot = Slot { sent: now, first, in_flight: true };
                            in_flight += 1;
                        }
                    }
                }
                let flushed = link.flush()?;
                if flushed == *waits_for_room {
                    self.poller.want_write(link.stream(), token, !flushed)?;
                    *waits_for_room = !flushed;
                }
            }
        }
        measured.elapsed = until.min(last_answer.max(from)).duration_since(from);
        measured.unanswered = in_flight * u64::from(self.load.batch);
        Ok(measured)
    }
}

impl Lane {
    /// Fills every slot and says how many were filled.
    fn start(&mut self, source: &mut Source, batch: u32) -> u64 {
        let mut filled = 0;
        for (correlation, slot) in (0..).zip(&mut self.slots) {
            if let Some(first) = source.put(batch, correlation, self.link.out()) {
                *slot = Slot { sent: Instant::now(), first, in_flight: true };
                filled += 1;
            }
        }
        filled
    }
}

/// Bytes of an answer record.
const ANSWER_LEN: usize = 32;

/// Counts the codes of a frame of answers: the code is an answer's first field.
pub(super) fn tally(content: &[u8], tally: &mut Tally) {
    for answer in content.as_chunks::<ANSWER_LEN>().0 {
        tally.count(u16::from_le_bytes([answer[0], answer[1]]));
    }
}

/// Keeps the orders of a frame of answers to reserves.
fn collect(content: &[u8], first: u64, source: &Source, orders: &mut Vec<(u64, u64)>) {
    for (number, answer) in (first..).zip(content.as_chunks::<ANSWER_LEN>().0) {
        if u16::from_le_bytes([answer[0], answer[1]]) == Code::Ok.number() {
            let order = answer.last_chunk::<24>().and_then(|tail| tail.first_chunk::<8>());
            orders.push((order.map_or(0, |bytes| u64::from_le_bytes(*bytes)), source.user(number)));
        }
    }
}

pub(super) fn unasked(header: &Header) -> LinkError {
    ProtocolError::Body { kind: header.kind.name(), index: 0, reason: "answers nothing that was asked" }
        .into()
}

/// What somebody does whose server is too busy for a load.
const REFUSE_NOTHING: &str = "A load finds out what a server can do that refuses nothing: start that one with \
    --set overload.backlog_us=0, or ask for less at a time (--in-flight, --batch, --rate)";

/// The code of an error frame that says "try again".
fn overloaded(header: &Header, content: &[u8]) -> Option<Code> {
    let fault = doorbuster_protocol::body::read_one::<doorbuster_protocol::Fault>(header, content).ok()?;
    Code::from_number(fault.code).filter(|code| code.class() == Class::Retry)
}

/// What ends a load: the server refused a frame.
pub(super) fn refused(header: &Header, content: &[u8]) -> LinkError {
    match doorbuster_protocol::body::read_one::<doorbuster_protocol::Fault>(header, content) {
        Ok(fault) => match LinkError::refused(fault) {
            LinkError::Refused(words) if overloaded(header, content).is_some() => {
                LinkError::Refused(format!("{words} {REFUSE_NOTHING}"))
            }
            error => error,
        },
        Err(error) => error.into(),
    }
}

const _: () = assert!(<Answer as doorbuster_protocol::Record>::MIN_LEN == ANSWER_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_codes_are_read_where_the_protocol_puts_them() {
        let answers = [
            Answer { order: 0xABCD, at: 5, units: 6, ..Answer::of(Code::Ok) },
            Answer { order: 9, ..Answer::of(Code::SoldOut) },
        ];
        let mut content = Vec::new();
        for answer in &answers {
            doorbuster_protocol::body::put(answer, &mut content);
        }
        let mut counted = Tally::default();
        tally(&content, &mut counted);
        assert_eq!(counted.seen().collect::<Vec<_>>(), [(1000, 1), (1200, 1)]);
        assert_eq!((counted.unexpected(Operation::Reserve), counted.unexpected(Operation::SoldOut)), (1, 1));
        let source = Source {
            op: Operation::Reserve,
            template: Template::reserves(2, 1, 0),
            ids: IdMaker::new(1),
            now_ms: 1,
            next: 0,
            users: 10,
            first_sku: 1,
            skus: 1,
            shards: 1,
            orders: Vec::new(),
        };
        let mut orders = Vec::new();
        collect(&content, 3, &source, &mut orders);
        assert_eq!(orders, [(0xABCD, source.user(3))]);
    }
}
