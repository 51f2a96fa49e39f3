//! Doorbuster, asked over RESP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Durability, Process, Target, call, folder};
use crate::error::PeerError;
use crate::speech::{LIMIT, PLENTY, SKUS, Speech};

/// The server's name.
pub(crate) const NAME: &str = "Doorbuster";

/// Queues as peers do, rather than refusing what it can't do in time; and syncs as seldom as Redis does with `everysec`.
const CONFIG: &str = "[overload]\nbacklog_us = 0\n\n[log]\ninterval_ms = 1000\n";

/// Starts a server with all SKUs.
///
/// # Errors
/// See [`PeerError`].
pub(crate) fn start(program: &Path, durability: Durability) -> Result<(Process, Target), PeerError> {
    let folder = folder()?;
    let file = folder.path().join("doorbuster.toml");
    std::fs::write(&file, CONFIG).map_err(|error| PeerError::File { file: file.clone(), error })?;
    let level = match durability {
        Durability::Always => "always",
        Durability::Second => "interval",
    };
    let mut command = Command::new(program);
    command.args(["serve", "--ready-line", "--durability", level, "--config"]).arg(&file);
    command.arg("--data").arg(folder.path().join("data"));
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--resp", "127.0.0.1:0"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = Process::start(&mut command, folder, "cargo build --release --bin doorbuster")?;
    let mut line = String::new();
    let broken = |error| PeerError::Connection { server: NAME, error };
    if let Some(out) = process.child.stdout.take() {
        BufReader::new(out).read_line(&mut line).map_err(broken)?;
    }
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
    let address = ready["resp"].as_str().and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| PeerError::Silent { server: NAME, log: line.trim().to_owned() })?;
    let put = |sku: u64| {
        let words = ["SALE.PUTSKU", &sku.to_string(), &PLENTY.to_string(), "USERLIMIT", &LIMIT.to_string()];
        words.map(str::to_owned).to_vec()
    };
    call(address, (1..=SKUS).map(put)).map_err(broken)?;
    let pid = Some(process.child.id());
    Ok((process, Target { name: NAME, address, speech: Speech::Doorbuster, pid }))
}
