//! The admin port while the log is recovered: who asks whether the server is ready is told that it is not, and why.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use super::port::Port;
use crate::error::ServerError;
use crate::tls::Tls;

/// An admin port that knows nothing yet.
#[derive(Debug)]
pub(crate) struct Lobby(Port);

impl Lobby {
    /// Answers on a listener until it is [closed](Self::close); the listener is as good as before, then.
    ///
    /// # Errors
    /// The operating system refuses a second handle, or a thread.
    pub(crate) fn open(listener: &TcpListener, tls: Option<Arc<Tls>>) -> Result<Self, ServerError> {
        let second =
            listener.try_clone().map_err(|error| ServerError::Io { doing: "start the admin port", error })?;
        let routes = Router::new().route("/healthz", get(async || "ok\n")).fallback(wait);
        Port::open(second, tls, routes, std::future::ready(())).map(Self)
    }

    pub(crate) fn close(self) {
        self.0.close();
    }
}

async fn wait() -> (StatusCode, &'static str) {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "recovering: the log is being read; orders are taken when that is done\n",
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::Admin;
    use super::*;
    use crate::http;

    #[test]
    fn who_asks_while_the_log_is_recovered_is_told_so_and_the_port_is_kept() {
        let listener = Admin::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let at = listener.local_addr().expect("it listens");
        for _ in 0..2 {
            let lobby = Lobby::open(&listener, None).expect("a thread");
            assert_eq!(http::get(at, "/healthz").expect("an answer"), (200, "ok\n".to_owned()));
            for path in ["/readyz", "/metrics", "/api/v1/skus/7", "/board"] {
                let (status, said) = http::get(at, path).expect("an answer");
                assert_eq!((status, said.starts_with("recovering: ")), (503, true), "{path}");
            }
            assert_eq!(http::post(at, "/reload", "").expect("an answer").0, 503);
            lobby.close();
        }
    }
}
