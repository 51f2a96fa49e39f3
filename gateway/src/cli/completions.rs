//! `doorbuster completions`.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::say;

/// Print a script that completes commands and options in your shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// The shell
    shell: Shell,
}

pub(super) fn run(options: &CompletionsOptions, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "doorbuster", &mut script);
    say(&String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
