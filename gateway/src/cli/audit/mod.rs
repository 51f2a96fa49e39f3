//! `doorbuster audit`: a certificate of a data folder, or sums beside a running server.

mod folder;
mod sums;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::source::SourceOptions;

/// Rows of each table of a certificate where nobody asks for more.
const TOP: usize = 10;

/// Audit a log: certify a data folder, or compare a running server's stock with its events.
///
/// With a FOLDER, an auditor that shares no code with the server reads the log's bytes, checks every checksum, hash and position,
/// adds every unit, order, limit and cent up from the events alone, and prints a certificate, or the first place that can't be.
/// It changes nothing and takes no lock. It takes memory for every order in the log, some 700 bytes each.
///
/// Without one, every SKU's accounts are added up from the events of a server (or of --data), and compared with what the
/// server answers.
#[derive(Clone, Debug, Args)]
pub(super) struct AuditOptions {
    /// The data folder that is certified. A server may run on it meanwhile: what it writes then is left out.
    #[arg(value_name = "FOLDER", conflicts_with = "data")]
    folder: Option<PathBuf>,
    /// Rows of the certificate's tables, those with the most sold units or money first. JSON has them all.
    #[arg(long, default_value_t = TOP, value_name = "ROWS")]
    top: usize,
    #[command(flatten)]
    source: SourceOptions,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &AuditOptions) -> ExitCode {
    match &options.folder {
        Some(folder) => folder::run(folder, options),
        None => sums::run(options),
    }
}
