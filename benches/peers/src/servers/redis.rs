//! Redis 7, with a script for the rules.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::{Durability, PAUSE, Process, TRIES, Target, call, folder, free_port};
use crate::error::PeerError;
use crate::speech::{PLENTY, SKUS, Speech};

/// The server's name.
pub(crate) const NAME: &str = "Redis";

const SCRIPT: &str = include_str!("../../scripts/reserve.lua");

/// Starts a server with all SKUs, and its script loaded.
///
/// # Errors
/// See [`PeerError`].
pub(crate) fn start(durability: Durability) -> Result<(Process, Target), PeerError> {
    let broken = |error| PeerError::Connection { server: NAME, error };
    let folder = folder()?;
    let port = free_port().map_err(broken)?;
    let fsync = match durability {
        Durability::Always => "always",
        Durability::Second => "everysec",
    };
    let log = folder.path().join("redis.log");
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
    command.args(["--appendfsync", fsync, "--auto-aof-rewrite-percentage", "0", "--dir"]).arg(folder.path());
    command.arg("--logfile").arg(&log).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::start(&mut command, folder, "apt-get install redis-server")?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let ping = || call(address, [vec!["PING".to_owned()]]);
    for _ in 0..TRIES {
        if ping().is_ok() {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if ping().is_err() {
        return Err(PeerError::Silent {
            server: NAME,
            log: std::fs::read_to_string(log).unwrap_or_default(),
        });
    }
    let stock = |sku: u64| vec!["SET".to_owned(), format!("stk:{sku}"), PLENTY.to_string()];
    call(address, (1..=SKUS).map(stock)).map_err(broken)?;
    let load = ["SCRIPT", "LOAD", SCRIPT].map(str::to_owned).to_vec();
    let reply = call(address, [load]).map_err(broken)?;
    let sha = reply.lines().last().unwrap_or_default().to_owned();
    let pid = Some(process.child.id());
    Ok((process, Target { name: NAME, address, speech: Speech::Redis { sha }, pid }))
}
