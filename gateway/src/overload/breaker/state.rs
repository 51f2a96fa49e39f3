//! Where a breaker stands, and what an operator wants of it.

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Healthy: admits all.
    Closed,
    /// Broken: refuses all for a while.
    Open,
    /// Perhaps healthy: admits a few to find out.
    HalfOpen,
    /// Healthy again: admits more and more.
    Ramp,
    /// Refuses all, because an operator said so.
    ForcedOpen,
    /// Admits all and counts nothing, because an operator said so.
    Disabled,
}

/// What an operator wants of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Work by the rules.
    Automatic,
    /// Refuse all until told otherwise.
    ForcedOpen,
    /// Admit all and count nothing.
    Disabled,
    /// Admit all, but count, and show what the rules would do.
    MetricsOnly,
}
