//! The boundary between wire types and ledger types. Raw numbers become checked ones here, or a refusal.

pub(crate) mod after;
pub(crate) mod budget;
mod campaign;
mod order;
mod outcome;
mod stock;

pub(crate) use campaign::{
    bind_sku, campaign, freeze_sku, phase, price, put_phase, put_price, read_campaign, read_phase,
    read_price, set_campaign, set_limits,
};
pub(crate) use order::{
    begin_pay, cancel, cancel_lines, confirm, confirm_lines, extend, fail_pay, line, order, read_line,
    read_order, reserve, reserve_order, watch, watched,
};
use order::{named, payment_id, reserve_with};
use outcome::{field, state};
pub(crate) use outcome::{outcome, refusal};
pub(crate) use stock::{
    channel, channels, put_sku, read_channel, read_channels, read_stock, rebalance, restock, set_channel,
    stock,
};

use doorbuster_engine::shard;
use doorbuster_ledger as ledger;
use doorbuster_protocol as wire;
use wire::{Answer, Code};

/// What an operation of the wire turns into.
pub(crate) type Asked = Result<Ask, Answer>;

/// Who is to decide, and what.
pub(crate) enum Ask {
    /// The shard of this partition.
    Shard(ledger::PartitionId, shard::Request),
    /// Several shards together; the lines, so many, are the last of [`Aids::lines`].
    Desk(ledger::Composite, u8),
    /// All shards together, to be read.
    All(shard::Request),
    /// As `Desk`, with a coupon perhaps.
    WithCoupon(ledger::Composite, u8, Option<ledger::CouponId>),
    /// All shards together; the funders, so many, are the last of [`Aids::funders`].
    Budget(ledger::BudgetCommand, u8),
}

/// What a conversion may need besides the operation.
pub(crate) struct Aids<'a> {
    /// An id as the server makes one for a client that sent none.
    pub(crate) fresh: &'a mut dyn FnMut() -> ledger::RequestId,
    /// Takes the lines of orders that have several.
    pub(crate) lines: &'a mut Vec<ledger::Line>,
    /// Takes the funders of budgets.
    pub(crate) funders: &'a mut Vec<ledger::Funder>,
}

fn bad(field: wire::Field) -> Answer {
    Answer { field: field.byte(), ..Answer::of(Code::BadRequest) }
}

fn ask(partition: ledger::PartitionId, command: ledger::Command) -> Ask {
    Ask::Shard(partition, shard::Request::Command(command))
}

fn request_id(bytes: wire::RequestId, aids: &mut Aids<'_>) -> ledger::RequestId {
    if bytes == [0; 16] { (aids.fresh)() } else { ledger::RequestId::new(u128::from_be_bytes(bytes)) }
}
