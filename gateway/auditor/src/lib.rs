//! An auditor of Doorbuster's log that shares no code with what it audits.
//!
//! ```text
//!  bytes ──log──► blocks that are whole and follow each other ──record──► entries ──replay──► accounts, or a contradiction
//! ```
//!
//! The engine decides, writes and reads with its own code; whoever asks that same code whether it was right learns little.
//! So this crate knows two things only: the layout of the data folder as `docs/durability.md` has it, and what a fair sale
//! means. It reads the bytes with a parser of its own ([`log`]), adds up every unit, every order and every cent from the
//! events alone ([`Replay`]), and either certifies what it found ([`certify`]) or names the first place that can't be.
//!
//! Two use it: `doorbuster audit FOLDER`, on a folder at rest, and the drill, which also holds the log against what it was
//! answered.
//!
//! What it doesn't do: it doesn't change a file, decide anything, or know in which order the engine would have served two
//! shoppers. What a configuration says and the log doesn't (how long ended orders must be remembered) it checks where it
//! is told ([`Expected`]).

mod bytes;
mod certificate;
mod faults;
pub mod forge;
pub mod log;
pub mod record;
mod replay;

pub use certificate::{
    BudgetAccount, Certificate, Certified, ChannelAccount, Contradiction, End, Money, Orders, Recorded,
    SkuAccount, Torn, certify,
};
pub use faults::Faults;
pub use replay::{
    Account, Allotment, Allotments, Budgets, Checkpoint, Ends, Expected, Goods, Left, Legs, Line, Lines,
    Order, Prices, Replay, State, Units,
};
