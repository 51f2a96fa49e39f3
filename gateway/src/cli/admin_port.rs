//! The admin port, as commands ask it for documents.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::fail;
use crate::http;

/// Where the server is, and how to report.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The server's admin port.
    #[arg(long, env = "DOORBUSTER_ADMIN", default_value = "127.0.0.1:7701", value_name = "ADDRESS:PORT")]
    admin: SocketAddr,
    /// Report as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

impl At {
    /// The document at a path, or the one that answers a wish.
    ///
    /// # Errors
    /// The exit code, where the server can't be reached or refuses; it has been said why.
    pub(super) fn ask(&self, path: &str, wish: Option<&Value>) -> Result<Value, ExitCode> {
        let admin = self.admin;
        let answer = match wish {
            None => http::get(admin, path),
            Some(wish) => http::post(admin, path, &wish.to_string()),
        };
        let (status, body) = answer.map_err(|error| {
            let why = "is `doorbuster serve` running there?";
            fail(7, &format_args!("can't reach the admin port {admin}: {error}; {why}"))
        })?;
        let document = serde_json::from_str(&body).ok().filter(|_| status == 200);
        document.ok_or_else(|| {
            fail(7, &format_args!("{admin} refused: {}", body.lines().next().unwrap_or("without a word")))
        })
    }
}
