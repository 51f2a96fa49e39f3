//! What clients do, and what they were told: the history as it was seen from outside.

use doorbuster_protocol::{
    Answer, BeginPay, Cancel, Confirm, Extend, FailPay, Kind, OrderView, ReadOrder, ReadStock, Record,
    Reserve, ReserveOrder, Restock, StockView, Watch, body,
};

/// An operation on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    PutSku(doorbuster_protocol::PutSku),
    Reserve(Reserve),
    ReserveOrder(ReserveOrder),
    Confirm(Confirm),
    Cancel(Cancel),
    BeginPay(BeginPay),
    FailPay(FailPay),
    Extend(Extend),
    Restock(Restock),
    ReadOrder(ReadOrder),
    ReadStock(ReadStock),
    Watch(Watch),
}

impl Asked {
    /// The kind of its frame.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::PutSku(_) => Kind::PutSku,
            Self::Reserve(_) => Kind::Reserve,
            Self::ReserveOrder(_) => Kind::ReserveOrder,
            Self::Confirm(_) => Kind::Confirm,
            Self::Cancel(_) => Kind::Cancel,
            Self::BeginPay(_) => Kind::BeginPay,
            Self::FailPay(_) => Kind::FailPay,
            Self::Extend(_) => Kind::Extend,
            Self::Restock(_) => Kind::Restock,
            Self::ReadOrder(_) => Kind::ReadOrder,
            Self::ReadStock(_) => Kind::ReadStock,
            Self::Watch(_) => Kind::Watch,
        }
    }

    /// Appends its record.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        fn put<R: Record>(record: &R, out: &mut Vec<u8>) {
            body::put(record, out);
        }
        match self {
            Self::PutSku(asked) => put(asked, out),
            Self::Reserve(asked) => put(asked, out),
            Self::ReserveOrder(asked) => put(asked, out),
            Self::Confirm(asked) => put(asked, out),
            Self::Cancel(asked) => put(asked, out),
            Self::BeginPay(asked) => put(asked, out),
            Self::FailPay(asked) => put(asked, out),
            Self::Extend(asked) => put(asked, out),
            Self::Restock(asked) => put(asked, out),
            Self::ReadOrder(asked) => put(asked, out),
            Self::ReadStock(asked) => put(asked, out),
            Self::Watch(asked) => put(asked, out),
        }
    }

    /// The order that it is about.
    pub(crate) fn order(&self) -> Option<u64> {
        match self {
            Self::Confirm(asked) => Some(asked.order),
            Self::Cancel(asked) => Some(asked.order),
            Self::BeginPay(asked) => Some(asked.order),
            Self::FailPay(asked) => Some(asked.order),
            Self::Extend(asked) => Some(asked.order),
            Self::ReadOrder(asked) => Some(asked.order),
            Self::Watch(asked) => Some(asked.order),
            Self::PutSku(_)
            | Self::Reserve(_)
            | Self::ReserveOrder(_)
            | Self::Restock(_)
            | Self::ReadStock(_) => None,
        }
    }

    /// The units that it wants to hold, by SKU. Empty for what is no hold.
    pub(crate) fn lines(&self) -> Vec<(u64, u64)> {
        match self {
            Self::Reserve(asked) => vec![(asked.sku, u64::from(asked.quantity))],
            Self::ReserveOrder(asked) => {
                asked.lines.iter().map(|line| (line.sku, u64::from(line.quantity))).collect()
            }
            _ => Vec::new(),
        }
    }

    /// How long it would wait and hold, milliseconds.
    pub(crate) fn times(&self) -> (u32, u32) {
        match self {
            Self::Reserve(asked) => (0, asked.hold_ms),
            Self::ReserveOrder(asked) => (asked.wait_ms, asked.hold_ms),
            _ => (0, 0),
        }
    }
}

/// What was said to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    Answer(Answer),
    Order(OrderView),
    Stock(StockView),
}

impl Said {
    /// The code's number.
    pub(crate) fn code(&self) -> u16 {
        match self {
            Self::Answer(answer) => answer.code,
            Self::Order(view) => view.code,
            Self::Stock(view) => view.code,
        }
    }
}

/// An operation and all that is known of it. Moments are numbers that rise with each thing that is seen.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) asked: Asked,
    /// Who asked.
    pub(crate) client: usize,
    /// When its copies were sent.
    pub(crate) sent: Vec<u64>,
    /// When it was answered for good, and what.
    pub(crate) said: Option<(u64, Said)>,
    /// Nobody wants to know any more.
    pub(crate) given_up: bool,
}

impl Deed {
    /// When its first copy was sent.
    pub(crate) fn first(&self) -> u64 {
        self.sent.first().copied().unwrap_or(u64::MAX)
    }

    /// When its latest copy was sent, the one that is answered if any is.
    pub(crate) fn latest(&self) -> u64 {
        self.sent.last().copied().unwrap_or(u64::MAX)
    }

    /// Whether it is to be sent, or waited for.
    pub(crate) fn is_open(&self) -> bool {
        self.said.is_none() && !self.given_up
    }
}

/// That an order waits no more, as it was pushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) at: u64,
    pub(crate) order: u64,
    pub(crate) state: u8,
}
