//! A server that others can reach goes without keys or a certificate only where somebody has said so.
//!
//! Whoever forgets them on one machine of many would not notice: everything works.

use std::net::SocketAddr;

use crate::error::ServerError;

/// How a server is protected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protection {
    /// There is an API key.
    pub(crate) has_keys: bool,
    /// Ports are encrypted.
    pub(crate) encrypts: bool,
}

impl Protection {
    /// What is missing; `None`: nothing.
    const fn lacks(self) -> Option<&'static str> {
        match (self.has_keys, self.encrypts) {
            (true, true) => None,
            (true, false) => Some("no certificate"),
            (false, true) => Some("no API key"),
            (false, false) => Some("no API key and no certificate"),
        }
    }

    /// Checks where the ports are.
    ///
    /// # Errors
    /// The first that other machines can reach, where something is missing.
    pub(crate) fn check(self, ports: impl IntoIterator<Item = SocketAddr>) -> Result<(), ServerError> {
        let Some(lacks) = self.lacks() else { return Ok(()) };
        let reachable = |port: &SocketAddr| !port.ip().to_canonical().is_loopback();
        match ports.into_iter().find(reachable) {
            Some(on) => Err(ServerError::Unprotected { on, lacks }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(has_keys: bool, encrypts: bool, ports: &[&str]) -> Option<String> {
        let ports = ports.iter().map(|port| port.parse().expect("an address"));
        Protection { has_keys, encrypts }.check(ports).err().map(|error| error.to_string())
    }

    #[test]
    fn loopback_may_go_without_and_what_others_reach_may_not() {
        let loopback = ["127.0.0.1:7700", "[::1]:7700", "127.8.9.1:1", "[::ffff:127.0.0.1]:7700"];
        assert_eq!(refused(false, false, &loopback), None);
        for port in ["0.0.0.0:7700", "10.0.0.5:7700", "[::]:7700", "[2001:db8::1]:7700"] {
            let ports = ["127.0.0.1:7700", port];
            for (has_keys, encrypts, lacks) in [
                (false, false, "no API key and no certificate"),
                (true, false, "no certificate"),
                (false, true, "no API key"),
            ] {
                let why = refused(has_keys, encrypts, &ports).expect("it is refused");
                let begins = format!("other machines can reach {port}, and this server has {lacks}: ");
                assert!(why.starts_with(&begins), "{why}");
            }
            assert_eq!(refused(true, true, &ports), None);
        }
    }
}
