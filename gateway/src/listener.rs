//! Where clients connect: a socket with room for all who come while nobody is served yet.
//!
//! Clients of a server that starts again all come at once, and nobody is served before the recovery is over. Who finds the
//! system's queue full hears nothing at all: his system tries again by itself after a second, then after two and four, and so
//! a start of a tenth of a second would last a second or more for him.

use std::net::SocketAddr;

use mio::net::TcpListener;

use crate::error::ServerError;

/// Connections that may wait until they are served: as many as are allowed by default. The system cuts it to what it allows
/// (`net.core.somaxconn`); mio asks for less.
const QUEUED: i32 = 4_096;

/// Listens, and says where: port 0 is a free one.
///
/// # Errors
/// If the address can't be had.
pub(crate) fn bind(on: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |error| ServerError::Listen { on, error };
    let listener = TcpListener::bind(on).map_err(failed)?;
    // A second time: that changes the length of the queue.
    rustix::net::listen(&listener, QUEUED).map_err(|error| failed(error.into()))?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    /// More than a library's own queue may hold.
    const CLIENTS: usize = 300;

    #[test]
    fn hundreds_of_clients_may_wait_before_anybody_is_served() {
        let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("a number");
        let clients = allowed.trim().parse::<usize>().expect("a number").min(CLIENTS);
        let (_listener, address) = bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        // One that isn't let in would wait for a second at least, and then in vain.
        let waiting: Vec<TcpStream> = (0..clients)
            .map(|nth| {
                TcpStream::connect_timeout(&address, Duration::from_secs(10))
                    .unwrap_or_else(|error| panic!("client {nth}: {error}"))
            })
            .collect();
        assert_eq!(waiting.len(), clients);
    }
}
