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

impl State {
    /// As documents write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Open => "OPEN",
            Self::HalfOpen => "HALF_OPEN",
            Self::Ramp => "RAMP",
            Self::ForcedOpen => "FORCED_OPEN",
            Self::Disabled => "DISABLED",
        }
    }
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

impl Mode {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Automatic, Self::ForcedOpen, Self::Disabled, Self::MetricsOnly];

    /// As operators write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::ForcedOpen => "forced-open",
            Self::Disabled => "disabled",
            Self::MetricsOnly => "metrics-only",
        }
    }
}
