//! The admin port: health, readiness and metrics over HTTP, on a thread of its own so that no order waits for it. On a
//! server for trying things out, time can be put forward here, too; and operators set circuit breakers and carry emergency plans
//! out here.

mod access;
mod admission;
mod board;
mod breakers;
mod breaking;
mod buckets;
mod campaigns;
mod clerk;
mod dev;
mod emergencies;
mod exposition;
mod lobby;
mod metrics;
mod origin;
mod plans;
mod port;
mod pressure;
mod readiness;
mod reload;
mod routes;
mod skus;
mod slow_sync;
mod snapshots;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::middleware;

use self::board::Board;
pub(crate) use self::dev::Dev;
pub(crate) use self::lobby::Lobby;
use self::port::Port;
use crate::error::ServerError;
use crate::server::Shared;

/// A running admin port.
#[derive(Debug)]
pub(crate) struct Admin(Port);

impl Admin {
    /// Takes the address before anything is recovered or served, so that a wrong one changes nothing.
    pub(crate) fn bind(on: SocketAddr) -> Result<TcpListener, ServerError> {
        let listener = TcpListener::bind(on).map_err(|error| ServerError::Listen { on, error })?;
        listener.set_nonblocking(true).map_err(|error| ServerError::Io { doing: "listen", error })?;
        Ok(listener)
    }

    /// Serves on a listener that [`bind`](Self::bind) made.
    pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>) -> Result<Self, ServerError> {
        let routes = routes::all(&shared);
        let tls = shared.tls.clone();
        let door = access::Door::new(Arc::clone(&shared));
        let board = Board::new(shared);
        let routes = routes.merge(board.routes());
        // The last is the first to look at a request.
        let routes = routes.layer(middleware::from_fn_with_state(door, access::check));
        let routes = routes.layer(middleware::from_fn(origin::check));
        Port::open(listener, tls, routes, board.run()).map(Self)
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.0.listen()
    }

    pub(crate) fn stop(self) {
        self.0.close();
    }
}
