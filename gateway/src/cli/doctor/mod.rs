//! `doorbuster doctor`: whether a machine is fit for a sale, and what to do where it isn't.
//!
//! It reads the configuration as `serve` does, and looks at what that needs. It changes nothing: the file that it syncs has no name,
//! and ports are given back at once. Each check gives a [`Finding`]; the judging is apart from the looking, so that it can be tested.

mod clock;
mod disk;
mod finding;
mod network;
mod processor;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::layers::Layers;
use super::{faulty, say};
use finding::{Finding, Verdict};

/// Check this machine for what a server needs: disk, limits, processors, clock, ports.
///
/// Takes the flags of `doorbuster serve`. Run it before a sale, with the server stopped, as the user that it runs as.
#[derive(Debug, Args)]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    layers: Layers,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &DoctorOptions) -> ExitCode {
    let effective = match options.layers.read() {
        Ok(effective) => effective,
        Err(faults) => return faulty(2, &faults),
    };
    let config = effective.config();
    let place = existing(&config.log.folder);
    let began = clock::Reading::now();
    let mut findings = vec![disk::syncs(&place), disk::space(&place, config.log.segment_bytes)];
    findings.push(processor::descriptors(config.server.max_connections));
    findings.push(processor::cores(config.server.reactors));
    findings.push(clock::steps(began, clock::Reading::now()));
    findings.push(clock::synchronised(Path::new("/run")));
    let addresses = [
        ("server.listen", Some(config.server.listen)),
        ("server.resp", config.server.resp),
        ("server.admin", Some(config.server.admin)),
    ];
    for (key, address) in addresses {
        findings.extend(address.map(|address| network::port(key, address)));
    }
    let worst = findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok);
    if options.json {
        say(&document(&findings));
    } else {
        say(&text(&findings));
    }
    if worst == Verdict::Fail { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// The folder itself, or the first above it that there is: on the same disk, unless it is to be mounted yet.
fn existing(folder: &Path) -> std::path::PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let found = whole.ancestors().find(|above| above.is_dir()).map(Path::to_owned);
    found.unwrap_or_else(|| Path::new("/").to_owned())
}

fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!("{:<4}  {:<11}  {}", finding.verdict.name(), finding.check, finding.found));
        if let Some(todo) = &finding.todo {
            lines.push(format!("                   -> {todo}"));
        }
    }
    let count = |verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    lines.push(format!(
        "{} checks: {} OK, {} warnings, {} failed",
        findings.len(),
        count(Verdict::Ok),
        count(Verdict::Warn),
        count(Verdict::Fail)
    ));
    lines.join("\n")
}

fn document(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({
            "check": finding.check,
            "verdict": finding.verdict.name(),
            "found": finding.found,
            "todo": finding.todo,
        })
    };
    let healthy = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    json!({ "schema_version": 1, "healthy": healthy, "checks": findings.iter().map(one).collect::<Vec<_>>() })
}
