//! What becomes of an order once it is paid, and of the goods that it has.
//!
//! A paid order is on its way out of the house: it is packed, shipped, arrives, and may come back. The row of an order says
//! that it is paid, and how many units it has; all that happens later stands beside it ([`Progress`]), for orders of which
//! there is something to say. In the same way a SKU's row knows free, held and sold units; where the goods are in fact stands
//! beside it ([`Goods`]), for SKUs whose goods are spoken of here.
//!
//! ```text
//!  paid ──► fulfilling ──► shipped in part ──► shipped ──► delivered ──► closed
//!   │           │                 │               └──── units come back: to stock, to quarantine, scrapped
//!   └───────────┴── units cancelled: to stock     │
//!   └── short: a count has shown that its goods aren't there; ends by new goods, or by a cancel
//! ```
//!
//! # Accounts
//! A SKU's row keeps `available + held + sold == stocked`. Beside it:
//!
//! * Of the sold units, `shipped` are with their shoppers; the others are allocated: paid, and still in the house.
//! * A unit that comes back leaves `shipped` and `sold`. One that goes to stock is available again; one in quarantine or
//!   scrapped leaves `stocked` as well.
//! * `stocked + quarantine + scrapped == brought + counted`: whatever was brought in from outside, corrected by counts, is
//!   somewhere.
//! * `short` of the held and allocated units aren't there. While that is more than none, no unit is available: whatever comes
//!   back or in takes the place of one that is missing.
//!
//! So what is on hand for sale is `available + held + sold - shipped - short`.

mod command;
mod event;
mod goods;
mod outcome;
mod progress;

pub use command::{Advance, AfterCommand, Count, Disposition, Inspect, Refund, Step};
pub use event::{AfterEvent, LineMoved, Moved, OrderStep, Short};
pub(crate) use goods::{AllGoods, Goods};
pub use outcome::{
    AfterOutcome, AfterRefusal, AfterState, GoodsSnapshot, ProgressSnapshot, SHORT_PAGE, ShortOrder,
    ShortPage,
};
pub(crate) use progress::{AllProgress, LineProgress, MAX_PAYBACKS, Payback, Progress};
