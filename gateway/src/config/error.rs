//! What is wrong with a configuration.

/// A configuration that can't be used: one line that says what, where and what to do.
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
    /// The file is not TOML, or has a key or a type that it may not have.
    #[error("{file}, line {line}, column {column}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A value in the file is out of its range.
    #[error("{file}, line {line}, column {column}: {range}")]
    OutOfRange {
        /// The file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The key, its value and its range.
        range: Box<Self>,
    },
    /// A rule or a plan can't be carried out.
    #[error("{place}{fault}")]
    Emergency {
        /// File and line, if they are known, with a comma behind them.
        place: String,
        /// Which, and why.
        fault: String,
    },
    /// A value is out of its range.
    #[error("{key} = {found}: it must be {need}")]
    Range {
        /// The key, with its table.
        key: &'static str,
        /// The value.
        found: u64,
        /// The range.
        need: &'static str,
    },
}
