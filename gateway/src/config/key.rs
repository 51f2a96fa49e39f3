//! One key of the configuration.

use super::kind::{Kind, Unit};

/// When a changed value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// As soon as the server reads its configuration again (SIGHUP, `POST /reload`).
    Live,
    /// At the next start.
    Restart,
}

impl Reload {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Restart => "restart",
        }
    }
}

/// One key: what it is called, what it may be, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// With its section: `rules.offer_ms`.
    pub name: &'static str,
    pub(super) kind: Kind,
    /// What it may be, as faults and tables say it.
    pub need: &'static str,
    /// When a changed value counts.
    pub reload: Reload,
    /// What it does, in a line.
    pub meaning: &'static str,
    /// The flag of `doorbuster serve` for it alone, where there is one.
    pub flag: Option<&'static str>,
}

impl Key {
    /// Its section and its name there.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').unwrap_or(("", self.name))
    }

    /// The variable of the environment that sets it.
    pub fn variable(&self) -> String {
        let (section, name) = self.parts();
        format!("DOORBUSTER_{}__{}", section.to_uppercase(), name.to_uppercase())
    }

    /// What a bare number counts; empty where it is no number or counts things.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            Kind::Number { unit, .. } => unit.name(),
            Kind::Address { .. }
            | Kind::Text
            | Kind::File
            | Kind::OneOf(_)
            | Kind::Share
            | Kind::Filter
            | Kind::List => "",
        }
    }

    /// What a value must be, for somebody who wrote something else.
    pub(super) fn wanted(&self) -> String {
        match self.kind {
            Kind::Number { unit: unit @ (Unit::Milliseconds | Unit::Microseconds | Unit::Bytes), .. } => {
                format!("{}: a whole number, or one with a unit such as {}", self.need, unit.example())
            }
            Kind::Number { .. }
            | Kind::Address { .. }
            | Kind::Text
            | Kind::File
            | Kind::OneOf(_)
            | Kind::Share
            | Kind::Filter
            | Kind::List => self.need.to_owned(),
        }
    }
}
