//! Where a value came from.

use std::fmt;

/// Where a value came from, as a person looks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody named another.
    Default,
    /// A place in the configuration file.
    File {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl Origin {
    /// Which of the four it is, in a word.
    pub const fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Environment(_) => "environment",
            Self::Flag(_) => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line, column } => write!(f, "{file}, line {line}, column {column}"),
            Self::Environment(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}
