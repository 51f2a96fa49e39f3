//! The addresses that a server listens on.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::finding::Finding;

/// Whether an address is to be had. It is given back at once.
pub(super) fn port(key: &'static str, address: SocketAddr) -> Finding {
    let name = match key {
        "server.resp" => "port redis",
        "server.admin" => "port admin",
        _ => "port",
    };
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(name, format!("{address} is free ({key})")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Finding::fail(
            name,
            format!("{address} is in use ({key})"),
            format!(
                "is a server running already? `ss -ltnp sport = :{}` says who; or set {key} to another",
                address.port()
            ),
        ),
        Err(error) => Finding::fail(
            name,
            format!("{address} can't be had ({key}): {error}"),
            format!("set {key} to an address of this machine"),
        ),
    }
}
