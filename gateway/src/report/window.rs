//! Which part of the log a report is about.

use super::ReportError;
use super::outline::Outline;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish {
    /// From this moment on, server milliseconds.
    pub(crate) from: Option<u64>,
    /// Up to this one, and without it.
    pub(crate) to: Option<u64>,
    /// SKUs of this campaign alone.
    pub(crate) campaign: Option<u32>,
    /// Decimals of the currency.
    pub(crate) decimals: u8,
    /// Rows of lists of SKUs.
    pub(crate) top: usize,
}

/// A time, from its start up to and without its end, server milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Window {
    /// What was asked for, as far as the log has it; `from`: where it begins unless somebody said so.
    pub(super) fn of(wish: &Wish, from: u64, outline: &Outline) -> Result<Self, ReportError> {
        let from = wish.from.unwrap_or(from);
        let end = outline.last.saturating_add(1);
        let to = wish.to.map_or(end, |to| to.min(end));
        if from >= to || from > outline.last {
            return Err(ReportError::Nothing { from, to, first: outline.first, last: outline.last });
        }
        Ok(Self { from, to })
    }

    pub(super) fn holds(&self, at: u64) -> bool {
        (self.from..self.to).contains(&at)
    }

    pub(super) fn length(&self) -> u64 {
        self.to - self.from
    }
}
