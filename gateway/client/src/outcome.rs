//! Answers as values.

use doorbuster_protocol::{
    Answer, Class, Code, Field, OrderState, OrderView, ProtocolError, RequestId, StockView,
};

/// What the server decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It took effect, now or when the same request came before.
    Done(T),
    /// It did not, and the code says why.
    Refused(Refusal),
}

impl<T> Outcome<T> {
    /// The result, if it took effect.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(done) => Some(done),
            Self::Refused(_) => None,
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Done(_) => None,
            Self::Refused(refusal) => Some(refusal),
        }
    }
}

/// Why nothing was done. Fields that the code says nothing about are 0 or `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason. Its class says whether asking again makes sense.
    pub code: Code,
    /// The field of the request that the server objects to.
    pub field: Option<Field>,
    /// The order's state, where the request named an order.
    pub state: Option<OrderState>,
    /// The order's number, where one is concerned.
    pub order: u64,
    /// Milliseconds to wait, where the class is RETRY. The client has waited and tried already.
    pub retry_after_ms: u32,
    /// Server milliseconds: when asking again makes sense, or the deadline that has passed.
    pub at: u64,
    /// A count; [`Code::meaning`] says of what.
    pub units: u64,
}

/// Units held for a shopper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The order's number; confirm and cancel name it.
    pub order: u64,
    /// The request's id, made by the client where the request had none.
    pub request_id: RequestId,
    /// When the hold ends, server milliseconds.
    pub expires_at: u64,
    /// The order's state now: a repeated request may find its order paid.
    pub state: OrderState,
    /// The same request had taken effect before.
    pub replayed: bool,
}

/// A hold that was paid or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The order's number.
    pub order: u64,
    /// The order's state now.
    pub state: OrderState,
    /// The same request had taken effect before.
    pub replayed: bool,
    /// The hold had ended, and its units were taken again for the payment.
    pub reacquired: bool,
}

/// An open hold whose deadline was moved, or could have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The order's number.
    pub order: u64,
    /// The order's state now.
    pub state: OrderState,
    /// When the hold ends, server milliseconds.
    pub expires_at: u64,
    /// Nothing had to be changed: the same request came before, or another one took its place.
    pub replayed: bool,
}

/// A SKU that was set up or restocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Units available now, or that were moved, where the server says so.
    pub units: u64,
    /// The same request had taken effect before.
    pub replayed: bool,
}

/// A record that answers one operation.
pub(crate) trait Reply: doorbuster_protocol::Record {
    /// Bytes of each; `None` where they differ.
    const LENGTH: Option<usize> = Some(Self::MIN_LEN);

    fn code_number(&self) -> u16;

    fn retry_after_ms(&self) -> u32 {
        0
    }

    fn code(&self) -> Result<Code, ProtocolError> {
        Code::from_number(self.code_number()).ok_or(ProtocolError::UnknownCode { number: self.code_number() })
    }
}

impl Reply for Answer {
    fn code_number(&self) -> u16 {
        self.code
    }

    fn retry_after_ms(&self) -> u32 {
        self.retry_after_ms
    }
}

impl Reply for OrderView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::LineView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::ChannelView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::ChannelsView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::CampaignView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::PhaseView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::PriceView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::BudgetView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::CouponView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for StockView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::StatusView {
    fn code_number(&self) -> u16 {
        self.code
    }
}

impl Reply for doorbuster_protocol::Fetched {
    const LENGTH: Option<usize> = None;

    fn code_number(&self) -> u16 {
        self.code
    }

    fn retry_after_ms(&self) -> u32 {
        self.retry_after_ms
    }
}

/// What a reserve with this id came to.
pub(crate) fn hold(answer: &Answer, request_id: RequestId) -> Result<Outcome<Hold>, ProtocolError> {
    settle(answer, |answer, replayed| Hold {
        order: answer.order,
        request_id,
        expires_at: answer.at,
        state: OrderState::from_byte(answer.state).unwrap_or(OrderState::Held),
        replayed,
    })
}

/// What a payment or a cancel came to.
pub(crate) fn settled(answer: &Answer) -> Result<Outcome<Settled>, ProtocolError> {
    let reacquired = answer.code()? == Code::Reacquired;
    with_state(answer, |state, replayed| Settled { order: answer.order, state, replayed, reacquired })
}

/// What a wish to keep a hold came to.
pub(crate) fn kept(answer: &Answer) -> Result<Outcome<Kept>, ProtocolError> {
    with_state(answer, |state, replayed| Kept { order: answer.order, state, expires_at: answer.at, replayed })
}

/// As [`settle`], for an answer that must name the order's state.
pub(crate) fn with_state<T>(
    answer: &Answer,
    done: impl FnOnce(OrderState, bool) -> T,
) -> Result<Outcome<T>, ProtocolError> {
    let broken = ProtocolError::Body { kind: "answer", index: 0, reason: "names no order state" };
    match settle(answer, |_, replayed| replayed)? {
        Outcome::Done(replayed) => {
            Ok(Outcome::Done(done(OrderState::from_byte(answer.state).ok_or(broken)?, replayed)))
        }
        Outcome::Refused(refusal) => Ok(Outcome::Refused(refusal)),
    }
}

/// What a change of stock came to.
pub(crate) fn applied(answer: &Answer) -> Result<Outcome<Applied>, ProtocolError> {
    settle(answer, |answer, replayed| Applied { units: answer.units, replayed })
}

/// Tells done from refused; `done` makes the value, given whether the effect is an earlier one.
fn settle<T>(answer: &Answer, done: impl FnOnce(&Answer, bool) -> T) -> Result<Outcome<T>, ProtocolError> {
    let code = answer.code()?;
    Ok(if code.class() == Class::Done {
        Outcome::Done(done(answer, code == Code::Replayed))
    } else {
        Outcome::Refused(Refusal {
            code,
            field: Field::from_byte(answer.field),
            state: OrderState::from_byte(answer.state),
            order: answer.order,
            retry_after_ms: answer.retry_after_ms,
            at: answer.at,
            units: answer.units,
        })
    })
}

/// As [`settle`], for a read.
pub(crate) fn view<T: Reply>(view: T) -> Result<Outcome<T>, ProtocolError> {
    let code = view.code()?;
    Ok(if code.class() == Class::Done {
        Outcome::Done(view)
    } else {
        Outcome::Refused(Refusal {
            code,
            field: None,
            state: None,
            order: 0,
            retry_after_ms: 0,
            at: 0,
            units: 0,
        })
    })
}
