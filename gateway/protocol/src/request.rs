//! What a client asks for. Raw numbers, as they stand on the wire; the server turns them into its own types or
//! refuses them.

use bincode::{Decode, Encode};

use crate::body::Record;
use crate::cursor::Cursor;
use crate::kind::Kind;

/// Most lines in one order. Carts are small; the bound keeps one operation's work and log record small.
pub const MAX_LINES: usize = 32;

/// A request id: a UUID version 7 (RFC 9562), bytes in network order. Its time says when the request was made;
/// all zero asks the server for one and gives up safe retries.
pub type RequestId = [u8; 16];

/// Hold `quantity` units of one SKU for a shopper, for a while. 64 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Reserve {
    /// Names this request; a repeat with the same id and content gets the same answer.
    pub request_id: RequestId,
    /// The shopper, as the storefront numbers them.
    pub user: u64,
    /// The SKU.
    pub sku: u64,
    /// What the shopper will pay, in minor units of the currency; Confirm must name the same. 0: not checked.
    pub amount: u64,
    /// Hold time in milliseconds; 0 takes the server's default.
    pub hold_ms: u32,
    /// Units, at least 1.
    pub quantity: u32,
    /// Campaign; 0: none.
    pub campaign: u32,
    /// Version of the price book that the shopper saw; 0: none.
    pub price_version: u32,
    /// Sales channel; 0: none.
    pub channel: u16,
    /// Member tier; 0: none.
    pub tier: u16,
    /// Location; 0: the server's choice.
    pub location: u16,
    /// Pool; 0: the shared pool.
    pub pool: u16,
}

/// One line of a [`ReserveOrder`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Line {
    /// The SKU.
    pub sku: u64,
    /// Units, at least 1.
    pub quantity: u32,
    /// Location; 0: the server's choice.
    pub location: u16,
    /// Pool; 0: the shared pool.
    pub pool: u16,
    /// 1: the units are given for nothing.
    pub gift: u8,
}

/// So many units of a SKU of an order that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct LineUnits {
    /// The SKU.
    pub sku: u64,
    /// Units.
    pub units: u32,
}

/// Hold all lines of an order or none, with the hashes that risk rules use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReserveOrder {
    /// As in [`Reserve`].
    pub request_id: RequestId,
    /// As in [`Reserve`].
    pub user: u64,
    /// As in [`Reserve`].
    pub amount: u64,
    /// As in [`Reserve`].
    pub hold_ms: u32,
    /// As in [`Reserve`].
    pub campaign: u32,
    /// As in [`Reserve`].
    pub price_version: u32,
    /// As in [`Reserve`].
    pub channel: u16,
    /// As in [`Reserve`].
    pub tier: u16,
    /// Opaque hash of the shopper's device; 0: unknown.
    pub device: u64,
    /// Opaque hash of the delivery address; 0: unknown.
    pub address: u64,
    /// Opaque hash of the paying account; 0: unknown.
    pub pay_account: u64,
    /// An open hold of the same shopper that gives its units back in the same step, so that they may be among those that are
    /// taken; 0: none.
    pub supersedes: u64,
    /// How long the shopper will wait if there are too few units, milliseconds; 0: not at all.
    pub wait_ms: u32,
    /// 1 to [`MAX_LINES`] lines. Lines of the same SKU are summed before anything is decided; they name the same location
    /// and pool.
    pub lines: Vec<Line>,
}

/// Pay a hold. Idempotent on (order, payment id).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Confirm {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Names the payment; not all zero. A hash where the payment system's own id is longer.
    pub payment_id: [u8; 16],
    /// Amount paid, in minor units; must equal the order's where that is not 0.
    pub amount: u64,
}

/// Pay so many units of an order's lines and give the others back. Idempotent on (order, payment id).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ConfirmLines {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// As in [`Confirm`].
    pub payment_id: [u8; 16],
    /// Amount paid, in minor units: that of the order where that is not 0, or less if not all is paid for.
    pub amount: u64,
    /// 1 to [`MAX_LINES`] lines, each SKU once. Lines that are not named are given back.
    pub lines: Vec<LineUnits>,
}

/// Give part of a hold back: so many units are left of the lines that are named, the others stay as they are. Idempotent,
/// as what is left is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct CancelLines {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Amount due for what is left; 0: as before.
    pub amount: u64,
    /// As in [`Cancel`].
    pub reason: u32,
    /// 1 to [`MAX_LINES`] lines, each SKU once.
    pub lines: Vec<LineUnits>,
}

/// Read one line of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadLine {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Which line, from 0, in ascending order of their SKUs.
    pub nth: u8,
}

/// Keep a hold while its shopper pays: once a hold, for a bounded time. Idempotent on (order, payment id).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BeginPay {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Names the payment; not all zero.
    pub payment_id: [u8; 16],
    /// 0: the shopper waits for it (wallet, card); 1: it takes hours or days (bank transfer).
    pub slow: u8,
}

/// Say that the payment which had begun came to nothing. Idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FailPay {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// The payment.
    pub payment_id: [u8; 16],
}

/// Keep a hold until a later time. Idempotent, as the time is absolute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Extend {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// The deadline wished for, server milliseconds.
    pub until: u64,
}

/// Give a hold's units back. Idempotent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Cancel {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Why, as the storefront numbers its reasons; kept in the log.
    pub reason: u32,
}

/// Read an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadOrder {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
}

/// Read a SKU's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadStock {
    /// The SKU.
    pub sku: u64,
}

/// Set a SKU up with its first stock. Idempotent: the same again is REPLAYED, other settings are `SKU_EXISTS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct PutSku {
    /// The SKU.
    pub sku: u64,
    /// Sellable units at the start, up to 2^40.
    pub units: u64,
    /// Most units a shopper may have, open holds included; 0: no limit.
    pub user_limit: u32,
    /// Most units in one order; 0: no limit.
    pub order_limit: u32,
    /// Who wants it so, as the operator numbers his people; kept in the log, and no part of what a repeat is compared with.
    pub by: u64,
    /// Why, as the operator numbers his reasons; likewise.
    pub reason: u32,
}

/// Say what a sales channel may have of a SKU. What it says is absolute: a repeat changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SetChannel {
    /// The SKU.
    pub sku: u64,
    /// Units that nobody else may take, as far as the channel has not taken them yet.
    pub guarantee: u64,
    /// Most units that it may take; `u64::MAX`: no limit.
    pub cap: u64,
    /// When what is left of the guarantee is anybody's, server milliseconds; 0: never.
    pub release_at: u64,
    /// The channel.
    pub channel: u16,
    /// As in [`PutSku`].
    pub by: u64,
    /// As in [`PutSku`].
    pub reason: u32,
}

/// Move a part of one channel's guarantee to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Rebalance {
    /// The SKU.
    pub sku: u64,
    /// Units to be moved at most.
    pub units: u64,
    /// Units that stay kept for the giving channel.
    pub keep: u64,
    /// The guarantee that the giving channel is known to have.
    pub expected: u64,
    /// The channel that gives.
    pub from: u16,
    /// The channel that gets.
    pub to: u16,
    /// Why, as the operator numbers his reasons; kept in the log.
    pub reason: u32,
    /// As in [`PutSku`].
    pub by: u64,
}

/// Read what a sales channel may have of a SKU, and has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadChannel {
    /// The SKU.
    pub sku: u64,
    /// The channel.
    pub channel: u16,
}

/// Read which channels a SKU has something to say about: those with rules for it, and those that have units of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadChannels {
    /// The SKU.
    pub sku: u64,
    /// The first channel that is asked for: 0, or one above the last of the page before.
    pub first: u16,
}

/// Add units to a SKU, or withdraw available ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Restock {
    /// As in [`Reserve`].
    pub request_id: RequestId,
    /// The SKU.
    pub sku: u64,
    /// Units to add, or to withdraw where negative; not 0.
    pub units: i64,
    /// Why, as the operator numbers his reasons; kept in the log. A repeat with another is `IDEMPOTENCY_CONFLICT`.
    pub reason: u32,
    /// As in [`PutSku`].
    pub by: u64,
}

/// Whether a list has as many lines as it may.
fn listed(lines: usize) -> Result<(), &'static str> {
    match lines {
        0 => Err("an order needs a line"),
        1..=MAX_LINES => Ok(()),
        _ => Err("an order has at most 32 lines"),
    }
}

macro_rules! record {
    ($type:ident, $kind:ident, $len:literal, |$this:ident| $rule:expr) => {
        impl Record for $type {
            const KINDS: &'static [Kind] = &[Kind::$kind];
            const MIN_LEN: usize = $len;

            fn validate(&self) -> Result<(), &'static str> {
                let $this = self;
                $rule
            }
        }
    };
}

record!(Reserve, Reserve, 64, |_this| Ok(()));

impl Record for ReserveOrder {
    const KINDS: &'static [Kind] = &[Kind::ReserveOrder];
    const MIN_LEN: usize = 92;

    fn read_over(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = Cursor::new(bytes);
        self.read_from(&mut from)?;
        bytes.len().checked_sub(from.left())
    }

    fn validate(&self) -> Result<(), &'static str> {
        listed(self.lines.len())?;
        if self.lines.iter().any(|line| line.gift > 1) { Err("gift is 0 or 1") } else { Ok(()) }
    }
}

impl ReserveOrder {
    /// The record's fields in its layout's order. Its list is cleared and filled again.
    pub(crate) fn read_from(&mut self, from: &mut Cursor<'_>) -> Option<()> {
        let Self {
            request_id,
            user,
            amount,
            hold_ms,
            campaign,
            price_version,
            channel,
            tier,
            device,
            address,
            pay_account,
            supersedes,
            wait_ms,
            lines,
        } = self;
        *request_id = from.take()?;
        (*user, *amount) = (from.u64()?, from.u64()?);
        (*hold_ms, *campaign, *price_version) = (from.u32()?, from.u32()?, from.u32()?);
        (*channel, *tier) = (from.u16()?, from.u16()?);
        (*device, *address, *pay_account) = (from.u64()?, from.u64()?, from.u64()?);
        (*supersedes, *wait_ms) = (from.u64()?, from.u32()?);
        let count = usize::try_from(from.u64()?).ok()?;
        // A length that lies gets no memory.
        if count > from.left() / Line::LEN {
            return None;
        }
        lines.clear();
        for _ in 0..count {
            let (sku, quantity) = (from.u64()?, from.u32()?);
            let (location, pool, gift) = (from.u16()?, from.u16()?, from.u8()?);
            lines.push(Line { sku, quantity, location, pool, gift });
        }
        Some(())
    }
}

impl Line {
    /// Bytes on the wire.
    const LEN: usize = 17;
}

record!(ConfirmLines, ConfirmLines, 48, |this| listed(this.lines.len()));
record!(CancelLines, CancelLines, 36, |this| listed(this.lines.len()));
record!(ReadLine, ReadLine, 17, |_this| Ok(()));
record!(Confirm, Confirm, 40, |_this| Ok(()));
record!(Cancel, Cancel, 20, |_this| Ok(()));
record!(BeginPay, BeginPay, 33, |this| if this.slow > 1 { Err("slow is 0 or 1") } else { Ok(()) });
record!(FailPay, FailPay, 32, |_this| Ok(()));
record!(Extend, Extend, 24, |_this| Ok(()));
record!(SetChannel, SetChannel, 46, |_this| Ok(()));
record!(Rebalance, Rebalance, 48, |_this| Ok(()));
record!(ReadChannel, ReadChannel, 10, |_this| Ok(()));
record!(ReadChannels, ReadChannels, 10, |_this| Ok(()));
record!(ReadOrder, ReadOrder, 16, |_this| Ok(()));
record!(ReadStock, ReadStock, 8, |_this| Ok(()));
record!(PutSku, PutSku, 36, |_this| Ok(()));
record!(Restock, Restock, 44, |_this| Ok(()));
