//! Time as the rules see it: microseconds since the process started.

/// A length of time, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Micros(u64);

impl Micros {
    /// No time.
    pub(crate) const ZERO: Self = Self(0);

    /// So many microseconds.
    pub(crate) const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// So many milliseconds.
    pub(crate) const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000))
    }

    /// Microseconds.
    pub(crate) const fn us(self) -> u64 {
        self.0
    }

    /// Both, one after the other.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// A moment: microseconds since the process started, by a clock that never goes back. Not a time of day, which jumps
/// when somebody sets it and would then open or close what has nothing to do with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// When the process started.
    pub(crate) const START: Self = Self(0);

    /// So long after the start.
    pub(crate) const fn after_start(passed: Micros) -> Self {
        Self(passed.us())
    }

    /// Microseconds since the start.
    pub(crate) const fn us(self) -> u64 {
        self.0
    }

    /// So much later; at the end of time it stays there.
    pub(crate) const fn plus(self, length: Micros) -> Self {
        Self(self.0.saturating_add(length.us()))
    }

    /// How long ago `earlier` was; zero if it wasn't.
    pub(crate) const fn since(self, earlier: Self) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }
}
