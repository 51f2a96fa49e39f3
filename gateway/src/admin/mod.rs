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
mod metrics;
mod origin;
mod plans;
mod pressure;
mod readiness;
mod reload;
mod routes;
mod skus;
mod slow_sync;
mod snapshots;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::middleware;
use tokio::sync::oneshot;

use self::board::Board;
pub(crate) use self::dev::Dev;
use crate::error::ServerError;
use crate::server::Shared;
use crate::tls::Doorway;

/// A running admin port.
#[derive(Debug)]
pub(crate) struct Admin {
    listen: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Admin {
    /// Takes the address before anything is recovered or served, so that a wrong one changes nothing.
    pub(crate) fn bind(on: SocketAddr) -> Result<TcpListener, ServerError> {
        let listener = TcpListener::bind(on).map_err(|error| ServerError::Listen { on, error })?;
        listener.set_nonblocking(true).map_err(|error| ServerError::Io { doing: "listen", error })?;
        Ok(listener)
    }

    /// Serves on a listener that [`bind`](Self::bind) made.
    pub(crate) fn start(listener: TcpListener, shared: Arc<Shared>) -> Result<Self, ServerError> {
        let io = |doing: &'static str| move |error| ServerError::Io { doing, error };
        let listen = listener.local_addr().map_err(io("listen"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(io("set up the admin port"))?;
        let routes = routes::all(&shared);
        let tls = shared.tls.clone();
        let door = access::Door::new(Arc::clone(&shared));
        let board = Board::new(shared);
        let routes = routes.merge(board.routes());
        // The last is the first to look at a request.
        let routes = routes.layer(middleware::from_fn_with_state(door, access::check));
        let routes = routes.layer(middleware::from_fn(origin::check));
        let routes = routes.into_make_service_with_connect_info::<access::Caller>();
        let (stop, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!(%error, "the admin port can't be served"),
                };
                tokio::spawn(board.run());
                let serving = axum::serve(Doorway::new(listener, tls), routes);
                tokio::select! {
                    outcome = async { serving.await } => {
                        if let Err(error) = outcome {
                            tracing::error!(%error, "the admin port failed");
                        }
                    }
                    _ = ended => {}
                }
            });
        });
        let thread = thread.map_err(io("start the admin port"))?;
        Ok(Self { listen, stop, thread })
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn stop(self) {
        // Nobody listens any more where the port has failed; the log says so already.
        if self.stop.send(()).is_err() {
            tracing::debug!("the admin port had ended before");
        }
        if self.thread.join().is_err() {
            tracing::error!("the admin port's thread panicked");
        }
    }
}
