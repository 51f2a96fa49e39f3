//! Who changes something, and why.

use clap::Args;

/// What the log will say of the one who changes something. The numbers are the shop's own: the server keeps them and doesn't
/// look at them.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(super) struct Who {
    /// Who wants it so, by your numbering; kept in the log
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) by: u64,
    /// Why, by your numbering; kept in the log
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) reason: u32,
}
