//! Paid orders and goods: what a warehouse, a storefront and an ERP ask for, and what they can read.

use bincode::{Decode, Encode};

use crate::answer::Answer;
use crate::body::Record;
use crate::kind::Kind;
use crate::request::{LineUnits, MAX_LINES};

macro_rules! numbered {
    ($(#[$outer:meta])* $type:ident { $($(#[$meta:meta])* $variant:ident = $byte:literal, $name:literal;)+ }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $type { $($(#[$meta])* $variant = $byte,)+ }

        impl $type {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The byte on the wire.
            pub const fn byte(self) -> u8 {
                match self { $(Self::$variant => $byte,)+ }
            }

            /// The name in documents and messages.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The variant with this byte; 0 and unknown bytes have none.
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// What a paid order, or units of it, do next.
    Step {
        /// The warehouse has begun to work on the order.
        Fulfil = 1, "FULFIL";
        /// Units have left the house.
        Ship = 2, "SHIP";
        /// All that was shipped has arrived. Concerns the whole order.
        Deliver = 3, "DELIVER";
        /// Units that were not shipped go back to stock.
        Cancel = 4, "CANCEL";
        /// Units that were shipped have come back; [`Advance::to`] says where they go.
        Return = 5, "RETURN";
        /// Nothing more is to come. Concerns the whole order.
        Close = 6, "CLOSE";
    }
}

numbered! {
    /// Where units go that came back, or leave quarantine.
    GoodsTo {
        /// They are for sale again.
        Stock = 1, "STOCK";
        /// They wait to be inspected.
        Quarantine = 2, "QUARANTINE";
        /// They are lost.
        Scrap = 3, "SCRAP";
    }
}

/// Take a paid order a step further. Idempotent: lines name how many units have taken the step by now, since the order was
/// paid. 38 bytes, and 12 for each line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Advance {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Who says so, as the shop numbers its people; 0: a program. Kept in the log.
    pub by: u64,
    /// Why, as the shop numbers its reasons; kept in the log.
    pub reason: u32,
    /// A [`Step`]'s byte.
    pub step: u8,
    /// Of units that come back, a [`GoodsTo`]'s byte; else 0.
    pub to: u8,
    /// Up to [`MAX_LINES`] lines, each SKU once; none: all units. None for steps of the whole order.
    pub lines: Vec<LineUnits>,
}

/// Note that money of a payment went back. Idempotent on (order, refund id). 68 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Refund {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// The payment: the one that bought the order, or one that was answered `REFUND_REQUIRED`.
    pub payment_id: [u8; 16],
    /// Names the refund; not all zero.
    pub refund_id: [u8; 16],
    /// What went back, minor units; not 0.
    pub amount: u64,
    /// As in [`Advance`].
    pub by: u64,
    /// As in [`Advance`].
    pub reason: u32,
}

/// Say how many units of a SKU were counted: all that are free, held, or paid and not shipped, without those in quarantine.
/// Idempotent on (SKU, time of the count). 44 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct SetOnHand {
    /// The SKU.
    pub sku: u64,
    /// Units, up to 2^40.
    pub on_hand: u64,
    /// When they were counted, server milliseconds; later than the count before.
    pub as_of: u64,
    /// The units that are on hand by the server's account, as you know it; `u64::MAX`: any number.
    pub expected: u64,
    /// As in [`Advance`].
    pub by: u64,
    /// As in [`Advance`].
    pub reason: u32,
}

/// Move units out of quarantine. 37 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Inspect {
    /// The SKU.
    pub sku: u64,
    /// Units; not 0.
    pub units: u64,
    /// The units in quarantine, as you know it.
    pub expected: u64,
    /// As in [`Advance`].
    pub by: u64,
    /// As in [`Advance`].
    pub reason: u32,
    /// A [`GoodsTo`]'s byte, not quarantine.
    pub to: u8,
}

/// Read what became of a line of a paid order, and of the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadProgress {
    /// The order's number.
    pub order: u64,
    /// The shopper that it belongs to.
    pub user: u64,
    /// Which line, from 0, in ascending order of their SKUs.
    pub nth: u8,
}

/// Read where the goods of a SKU are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadGoods {
    /// The SKU.
    pub sku: u64,
}

/// Read a part of the list of paid orders whose units are missing, in the order of their payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ReadShortfall {
    /// The SKU.
    pub sku: u64,
    /// When the last order of the part before was paid; 0: begin with the first.
    pub paid_at: u64,
    /// The last order of the part before; 0: begin with the first.
    pub order: u64,
}

/// What became of a line, and of its order. 80 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ProgressView {
    /// OK, `NO_SUCH_ORDER`, `OWNER_MISMATCH`, `NO_SUCH_LINE` or `ORDER_STATE`; all else is 0 unless OK.
    pub code: u16,
    /// An [`OrderState`](crate::OrderState)'s byte.
    pub state: u8,
    /// Which line, from 0.
    pub nth: u8,
    /// Units that the line has now: paid ones, less those that were cancelled or came back.
    pub units: u32,
    /// The order's number.
    pub order: u64,
    /// The line's SKU.
    pub sku: u64,
    /// When the order was paid, server milliseconds.
    pub paid_at: u64,
    /// When it arrived; 0: not yet.
    pub delivered_at: u64,
    /// When the return window ends; 0: it has not begun.
    pub return_until: u64,
    /// What was paid for the order, minor units.
    pub paid: u64,
    /// What of that went back.
    pub refunded: u64,
    /// Units of the line that have left the house so far.
    pub shipped: u32,
    /// Units of it that were cancelled so far.
    pub cancelled: u32,
    /// Units of it that have come back so far.
    pub returned: u32,
    /// Units of it that are missing.
    pub short: u32,
}

/// Where the goods of a SKU are. 84 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct GoodsView {
    /// OK or `UNKNOWN_SKU`; all else is 0 unless OK.
    pub code: u16,
    /// Reserved, 0.
    pub reserved: u16,
    /// The SKU.
    pub sku: u64,
    /// Units that are free, held, or paid and not shipped, less missing ones: what a count must find.
    pub on_hand: u64,
    /// Units that are paid and not shipped.
    pub allocated: u64,
    /// Units that are with their shoppers.
    pub shipped: u64,
    /// Units in quarantine.
    pub quarantine: u64,
    /// Units that were scrapped, ever.
    pub scrapped: u64,
    /// What all counts have changed.
    pub counted: i64,
    /// Held or paid units that are missing.
    pub short: u64,
    /// How many of these are named as units of paid orders.
    pub named: u64,
    /// When units were counted last, server milliseconds; 0: never.
    pub watermark: u64,
}

/// A paid order of which units are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShortOrder {
    /// When it was paid, server milliseconds.
    pub paid_at: u64,
    /// The order's number.
    pub order: u64,
    /// Units that are missing.
    pub units: u32,
}

/// Orders in one [`ShortfallView`].
pub const SHORT_PAGE: usize = 4;

/// A part of the list of orders that a shortfall hits. 108 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ShortfallView {
    /// OK or `UNKNOWN_SKU`; all else is 0 unless OK.
    pub code: u16,
    /// Orders in `orders`; fewer than it has room for: the list ends here.
    pub count: u8,
    /// Reserved, 0.
    pub reserved: u8,
    /// The SKU.
    pub sku: u64,
    /// Held or paid units that are missing.
    pub short: u64,
    /// How many of these are named as units of paid orders: the sum of the whole list.
    pub named: u64,
    /// The orders.
    pub orders: [ShortOrder; SHORT_PAGE],
}

impl Record for Advance {
    const KINDS: &'static [Kind] = &[Kind::Advance];
    const MIN_LEN: usize = 38;

    fn validate(&self) -> Result<(), &'static str> {
        let back = self.step == Step::Return.byte();
        if Step::from_byte(self.step).is_none() {
            Err("step is 1 to 6")
        } else if back && GoodsTo::from_byte(self.to).is_none() {
            Err("of units that come back, to is 1 to 3")
        } else if !back && self.to != 0 {
            Err("to is 0 unless units come back")
        } else if self.lines.len() > MAX_LINES {
            Err("an order has at most 32 lines")
        } else {
            Ok(())
        }
    }
}

impl Record for Inspect {
    const KINDS: &'static [Kind] = &[Kind::Inspect];
    const MIN_LEN: usize = 37;

    fn validate(&self) -> Result<(), &'static str> {
        if GoodsTo::from_byte(self.to).is_none() { Err("to is 1 to 3") } else { Ok(()) }
    }
}

macro_rules! plain {
    ($($type:ident, $kind:ident, $len:literal;)+) => {
        $(impl Record for $type {
            const KINDS: &'static [Kind] = &[Kind::$kind];
            const MIN_LEN: usize = $len;
        })+
    };
}

plain! {
    Refund, Refund, 68;
    SetOnHand, SetOnHand, 44;
    ReadProgress, ReadProgress, 17;
    ReadGoods, ReadGoods, 8;
    ReadShortfall, ReadShortfall, 24;
    ProgressView, ProgressRead, 80;
    GoodsView, GoodsRead, 84;
    ShortfallView, ShortfallRead, 108;
}

const _: () = assert!(Answer::MIN_LEN == 32);
