//! How the command ends.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use crate::target::Target;

/// Exit codes; the help text prints this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every objective met and nothing broken; of a comparison: nothing is worse.
    Pass,
    /// The command line or the scenario is wrong.
    Usage,
    /// An objective was missed; of a comparison: something is worse.
    Missed,
    /// Correctness is broken: something was oversold, lost or invented.
    Broken,
    /// The generator was the bottleneck: the run says nothing about the server.
    Invalid,
    /// The drill couldn't run, or lost its target.
    CouldNotRun,
    /// Interrupted; the report is partial.
    Interrupted,
}

impl Exit {
    /// Every way to end, in ascending order of its code.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Usage,
        Self::Missed,
        Self::Broken,
        Self::Invalid,
        Self::CouldNotRun,
        Self::Interrupted,
    ];

    /// The one with this exit code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Usage => 2,
            Self::Missed => 3,
            Self::Broken => 4,
            Self::Invalid => 5,
            Self::CouldNotRun => 6,
            Self::Interrupted => 130,
        }
    }

    /// The word in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Usage => "USAGE",
            Self::Missed => "OBJECTIVE MISSED",
            Self::Broken => "CORRECTNESS BROKEN",
            Self::Invalid => "INVALID RUN",
            Self::CouldNotRun => "COULD NOT RUN",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the command ends early: one line and an exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code to end with.
    pub exit: Exit,
    /// What, where, and what to do.
    pub line: String,
}

impl Failure {
    /// Something on the command line or in a scenario is wrong.
    pub fn usage(line: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, line: line.into() }
    }

    /// The drill couldn't do something that it needs.
    pub fn could_not(what: &str, why: &dyn Display) -> Self {
        Self { exit: Exit::CouldNotRun, line: format!("failed to {what}: {why}") }
    }

    /// The same, with what the server said last, if it is ours: why it closed a connection, for one.
    #[must_use]
    pub fn told_by(mut self, target: &Target) -> Self {
        self.line.push_str(&target.last_words());
        self
    }

    /// Prints the line to standard error and gives the exit code.
    pub fn print(&self) -> ExitCode {
        drop(writeln!(std::io::stderr(), "doorbuster-drill: {}", self.line));
        self.exit.into()
    }
}
