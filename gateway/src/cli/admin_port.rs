//! The admin port, as commands ask it for documents.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::connect::{A_KEY, OTHER_KEY};
use super::fail;
use super::trust::Trust;
use crate::http;

/// How long a look at a server waits. One that recovers its log takes connections and answers when it is done.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the server is, and how to report.
#[derive(Debug, Args)]
pub(super) struct At {
    /// The server's admin port.
    #[arg(long, env = "DOORBUSTER_ADMIN", default_value = "127.0.0.1:7701", value_name = "ADDRESS:PORT")]
    admin: SocketAddr,
    /// Report as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    trust: Trust,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.admin.fmt(f)
    }
}

impl At {
    fn port(&self) -> Result<http::Port, String> {
        Ok(http::Port { at: self.admin, tls: self.trust.tls()?, key: self.trust.key()? })
    }

    /// The text at a path, whatever its status: it says what it is.
    ///
    /// # Errors
    /// Why the server can't be reached.
    pub(super) fn text(&self, path: &str) -> Result<String, String> {
        let answer = http::get_within(self.port()?, path, PATIENCE);
        match answer.map_err(|error| unanswered(self.admin, &error))? {
            (status @ (401 | 403), body) => {
                Err(format!("{} refused: {}; {}", self.admin, first_line(&body), hint(status)))
            }
            (_, body) => Ok(body),
        }
    }

    /// The document at a path, or the one that answers a wish.
    ///
    /// # Errors
    /// The exit code, where the server can't be reached or refuses; it has been said why.
    pub(super) fn ask(&self, path: &str, wish: Option<&Value>) -> Result<Value, ExitCode> {
        self.exchange(path, wish.map(ToString::to_string).as_deref())
    }

    /// The document that answers a wish in words.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(super) fn tell(&self, path: &str, words: &str) -> Result<Value, ExitCode> {
        self.exchange(path, Some(words))
    }

    fn exchange(&self, path: &str, wish: Option<&str>) -> Result<Value, ExitCode> {
        let admin = self.admin;
        let port = self.port().map_err(|fault| fail(2, &fault))?;
        let answer = match wish {
            None => http::get(port, path),
            Some(wish) => http::post(port, path, wish),
        };
        let (status, body) = answer.map_err(|error| {
            let why = "is `doorbuster serve` running there?";
            fail(7, &format_args!("can't reach the admin port {admin}: {error}; {why}"))
        })?;
        let document = serde_json::from_str(&body).ok().filter(|_| status == 200);
        document.ok_or_else(|| {
            let hint =
                if matches!(status, 401 | 403) { format!("; {}", hint(status)) } else { String::new() };
            fail(7, &format_args!("{admin} refused: {}{hint}", first_line(&body)))
        })
    }
}

fn first_line(body: &str) -> &str {
    body.lines().next().unwrap_or("without a word")
}

/// What to do about a refusal for a key.
fn hint(status: u16) -> &'static str {
    if status == 401 { A_KEY } else { OTHER_KEY }
}

/// Why there is no answer, and what may be the matter.
fn unanswered(admin: SocketAddr, error: &io::Error) -> String {
    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
        let seconds = PATIENCE.as_secs();
        return format!(
            "the admin port {admin} gives no answer within {seconds} s: the server recovers its log (its own words on standard error \
             say so), or it hangs"
        );
    }
    format!("can't reach the admin port {admin}: {error}; is `doorbuster serve` running there?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_takes_its_time_is_not_one_that_is_not_there() {
        let admin = SocketAddr::from(([127, 0, 0, 1], 7701));
        let silent = unanswered(admin, &io::ErrorKind::WouldBlock.into());
        assert!(silent.contains("no answer within 5 s") && silent.contains("recovers its log"), "{silent}");
        let gone = unanswered(admin, &io::ErrorKind::ConnectionRefused.into());
        assert!(gone.starts_with("can't reach the admin port 127.0.0.1:7701: "), "{gone}");
    }
}
