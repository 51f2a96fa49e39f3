//! A thread that answers HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use tokio::sync::oneshot;

use super::access::Caller;
use crate::error::ServerError;
use crate::tls::{Doorway, Tls};

/// See the module's doc.
#[derive(Debug)]
pub(super) struct Port {
    listen: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Port {
    /// Answers on a listener that does not block, and does something beside.
    ///
    /// # Errors
    /// The operating system refuses a thread or what it needs.
    pub(super) fn open(
        listener: TcpListener,
        tls: Option<Arc<Tls>>,
        routes: Router,
        beside: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, ServerError> {
        let io = |error| ServerError::Io { doing: "start the admin port", error };
        let listen = listener.local_addr().map_err(io)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        let routes = routes.into_make_service_with_connect_info::<Caller>();
        let (stop, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            runtime.block_on(async {
                let listener = match tokio::net::TcpListener::from_std(listener) {
                    Ok(listener) => listener,
                    Err(error) => return tracing::error!(%error, "the admin port can't be served"),
                };
                tokio::spawn(beside);
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
        Ok(Self { listen, stop, thread: thread.map_err(io)? })
    }

    pub(super) fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub(super) fn close(self) {
        // Nobody listens any more where the port has failed; the log says so already.
        if self.stop.send(()).is_err() {
            tracing::debug!("the admin port had ended before");
        }
        if self.thread.join().is_err() {
            tracing::error!("the admin port's thread panicked");
        }
    }
}
