//! What a sender keeps of a request until its answer, and of what shoppers will do.

use doorbuster_protocol::{Answer, Fault, Header, Kind, OrderView, StockView, body};

use crate::net::LinkError;
use crate::population::Step;
use crate::recorder::Operation;

/// A request without an answer yet; its index is its correlation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) errand: Errand,
    pub(super) token: u32,
    pub(super) sent_ns: u64,
    /// The latest position of the log that was known when it was sent.
    pub(super) after: u64,
    pub(super) open: bool,
    /// Its shopper has waited long enough and sends another copy.
    pub(super) overdue: bool,
    /// Tells it from others that had its index before.
    pub(super) serial: u64,
}

/// When a request is overdue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) until_ns: u64,
    /// The flight's index and serial.
    pub(super) flight: (u32, u64),
}

/// What a request is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    pub(super) operation: Operation,
    /// What its shopper does with it; none for looks.
    pub(super) plan: Option<Plan>,
    /// Index of the payment that it is about; `u32::MAX`: none.
    pub(super) payment: u32,
    pub(super) due_ns: u64,
}

/// Something that a shopper will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plan {
    pub(super) due_ns: u64,
    /// Index of the purchase.
    pub(super) attempt: u32,
    pub(super) step: Step,
    /// How often it was sent before.
    pub(super) tries: u8,
}

/// An answer, taken out of its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) correlation: u64,
    pub(super) code: u16,
    pub(super) retry_after_ms: u32,
    /// Position of the log; 0 where the answer names none.
    pub(super) position: u64,
    pub(super) content: Content,
}

/// What an answer says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content {
    Answer(Answer),
    Order(OrderView),
    /// Nothing that a shopper acts on.
    Other,
}

impl Reply {
    /// Reads a frame.
    pub(super) fn read(header: &Header, bytes: &[u8]) -> Result<Self, LinkError> {
        let (code, retry_after_ms, content) = match header.kind {
            Kind::Error => {
                let fault: Fault = body::read_one(header, bytes)?;
                (fault.code, fault.retry_after_ms, Content::Other)
            }
            Kind::StockRead => (body::read_one::<StockView>(header, bytes)?.code, 0, Content::Other),
            Kind::OrderRead => {
                let view: OrderView = body::read_one(header, bytes)?;
                (view.code, 0, Content::Order(view))
            }
            _ => {
                let answer: Answer = body::read_one(header, bytes)?;
                (answer.code, answer.retry_after_ms, Content::Answer(answer))
            }
        };
        Ok(Self { correlation: header.correlation, code, retry_after_ms, position: header.time, content })
    }
}
