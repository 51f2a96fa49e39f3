//! What is wrong with a configuration.

use std::fmt;

use super::Origin;

/// Most faults that are told at once. Somebody who passes the wrong file doesn't read more.
const MOST_TOLD: usize = 50;

/// One fault of a configuration, in a line that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read {file}: {error}")]
    Read {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// The file is not TOML, or a rule or a plan has a key or a type that it may not have.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: Origin,
        /// What is wrong.
        message: String,
    },
    /// Nothing has this name.
    #[error("{at}: there is no {name}; did you mean {nearest}?")]
    Unknown {
        /// Where.
        at: Origin,
        /// The name.
        name: String,
        /// What is most like it.
        nearest: String,
    },
    /// A value is not of its key's type, or out of its range.
    #[error("{}{key} = {found}: it must be {need}", before(.at))]
    Value {
        /// Where.
        at: Origin,
        /// The key, with its section.
        key: &'static str,
        /// The value.
        found: String,
        /// What it may be.
        need: String,
    },
    /// A rule or a plan can't be carried out.
    #[error("{}{fault}", before(.at))]
    Emergency {
        /// Where its list stands.
        at: Origin,
        /// Which, and why.
        fault: String,
    },
}

/// The place, where there is one to look at.
fn before(at: &Origin) -> String {
    match at {
        Origin::Default => String::new(),
        Origin::File { .. } | Origin::Environment(_) | Origin::Flag(_) => format!("{at}: "),
    }
}

/// Everything that is wrong with a configuration: one fault at least.
#[derive(Debug)]
pub struct Faults {
    /// In a box, as it is large and seldom.
    first: Box<ConfigError>,
    more: Vec<ConfigError>,
}

impl Faults {
    /// `None`: nothing is wrong.
    pub(super) fn of(faults: Vec<ConfigError>) -> Option<Self> {
        let mut faults = faults.into_iter();
        faults.next().map(|first| Self { first: Box::new(first), more: faults.collect() })
    }

    /// The faults, in the order of the file, the environment and the flags.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        std::iter::once(self.first.as_ref()).chain(&self.more)
    }

    /// The first of them.
    pub fn into_first(self) -> ConfigError {
        *self.first
    }
}

impl From<ConfigError> for Faults {
    fn from(first: ConfigError) -> Self {
        Self { first: Box::new(first), more: Vec::new() }
    }
}

impl std::error::Error for Faults {}

/// A line each.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        for fault in self.more.iter().take(MOST_TOLD - 1) {
            write!(f, "\n{fault}")?;
        }
        match self.more.len().saturating_sub(MOST_TOLD - 1) {
            0 => Ok(()),
            untold => write!(f, "\nand {untold} more faults"),
        }
    }
}
