//! `doorbuster config`.

mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::layers::Layers;
use super::{faulty, say};
use crate::config::{Origin, Sources};

/// Check a configuration, and show what holds and why.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a file and name all of its faults, each with line and column.
    ///
    /// The environment is checked with it, as a server would be started in it.
    Check {
        /// The file
        #[arg(env = "DOORBUSTER_CONFIG", value_name = "FILE")]
        file: PathBuf,
    },
    /// Show every key: its value, where that comes from, and whether it may change while the server runs.
    ///
    /// Takes the flags of `doorbuster serve`, and says what the server would be started with.
    Show {
        #[command(flatten)]
        layers: Layers,
        /// Only what is not at its default.
        #[arg(long)]
        changed: bool,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(command: &ConfigCommand) -> ExitCode {
    match command {
        ConfigCommand::Check { file } => {
            let sources = Sources { file: Some(file.clone()), flags: Vec::new() };
            match sources.read() {
                Ok(effective) => {
                    let set = |layer| move |(_, _, origin): &(_, _, &Origin)| origin.layer() == layer;
                    let count = |layer| effective.values().filter(set(layer)).count();
                    let (file, environment) = (file.display(), count("environment"));
                    let more = if environment == 0 {
                        String::new()
                    } else {
                        format!(", {environment} by the environment")
                    };
                    say(&format_args!(
                        "{file} is good: {} keys set{more}, {} at their defaults",
                        count("file"),
                        count("default")
                    ));
                    ExitCode::SUCCESS
                }
                Err(faults) => faulty(2, &faults),
            }
        }
        ConfigCommand::Show { layers, changed, json } => match layers.read() {
            Ok(effective) => {
                say(&if *json { show::json(&effective, *changed) } else { show::text(&effective, *changed) });
                ExitCode::SUCCESS
            }
            Err(faults) => faulty(2, &faults),
        },
    }
}
