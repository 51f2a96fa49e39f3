//! Tells a supervisor how the process does: the notify protocol of systemd (`sd_notify(3)`), which others speak, too.
//!
//! A datagram of `NAME=VALUE` lines goes to the socket that `NOTIFY_SOCKET` names. Nobody answers, and a supervisor that can't be
//! reached is no reason to stop selling: it is logged once.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// A supervisor that wants to be told.
#[derive(Debug)]
pub(crate) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// How often it wants a sign of life.
    every: Option<Duration>,
    signed: Instant,
}

impl Supervisor {
    /// The one that the environment names, if it does.
    pub(crate) fn from_environment(now: Instant) -> Self {
        let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|name| match connect(&name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, socket = %name.display(), "the supervisor that NOTIFY_SOCKET names can't be told anything");
                None
            }
        });
        // At half of the time, so that one that comes late is no death.
        let every = number("WATCHDOG_USEC").filter(|_| ours).map(|us| Duration::from_micros(us / 2));
        Self { socket, every, signed: now }
    }

    /// It serves.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving");
    }

    /// It ends, in good order.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping: answers on their way leave, the log is synced");
    }

    /// It goes on; says so only when it is time to.
    pub(crate) fn alive(&mut self, now: Instant) {
        if self.every.is_some_and(|every| now.saturating_duration_since(self.signed) >= every) {
            self.signed = now;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, what: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(what.as_bytes()) {
            tracing::debug!(%error, what, "the supervisor was not told");
        }
    }
}

/// A name that begins with @ is no file: the kernel keeps it.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes().split_first() {
        Some((b'@', rest)) => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // The server doesn't wait for a supervisor whose queue is full.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(inbox: &UnixDatagram) -> String {
        let mut text = [0; 128];
        let length = inbox.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    #[test]
    fn a_sign_of_life_goes_out_each_half_of_the_time() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("notify");
        let inbox = UnixDatagram::bind(&path).unwrap();
        let start = Instant::now();
        let (socket, every) = (Some(connect(path.as_os_str()).unwrap()), Some(Duration::from_secs(5)));
        let mut supervisor = Supervisor { socket, every, signed: start };
        supervisor.ready();
        assert_eq!(told(&inbox), "READY=1\nSTATUS=serving");
        for (second, signs) in [(4, false), (5, true), (9, false), (10, true)] {
            supervisor.alive(start + Duration::from_secs(second));
            supervisor.stopping();
            let first = told(&inbox);
            assert_eq!(first == "WATCHDOG=1", signs, "{second}: {first}");
            if signs {
                assert!(told(&inbox).starts_with("STOPPING=1"));
            }
        }
    }

    #[test]
    fn a_name_without_a_file_is_reached() {
        let name = format!("doorbuster-test-{}", std::process::id());
        let inbox = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let socket = Some(connect(OsStr::new(&format!("@{name}"))).unwrap());
        Supervisor { socket, every: None, signed: Instant::now() }.ready();
        assert!(told(&inbox).starts_with("READY=1"));
        assert!(connect(OsStr::new("/nowhere/notify")).is_err());
    }
}
