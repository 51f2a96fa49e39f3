//! Lets those in who come to the admin port, once both sides have agreed on keys where that is wanted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Tls;

/// Longest time that agreeing on keys may take: as long as a greeting.
const AGREE: Duration = Duration::from_secs(10);

/// Connections at most that are agreeing on keys. Others wait outside: this port is for a handful of people and programs.
const MAX_AGREEING: usize = 64;

/// A connection, plain or not.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Entered = (Box<dyn Io>, SocketAddr);

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Doorway {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    agreeing: JoinSet<Option<Entered>>,
}

impl Doorway {
    pub(crate) fn new(listener: TcpListener, tls: Option<Arc<Tls>>) -> Self {
        Self { listener, tls, agreeing: JoinSet::new() }
    }
}

async fn agree(acceptor: TlsAcceptor, stream: TcpStream, from: SocketAddr) -> Option<Entered> {
    match tokio::time::timeout(AGREE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some((Box::new(stream), from)),
        Ok(Err(error)) => {
            tracing::debug!(%from, %error, "no keys were agreed on at the admin port");
            None
        }
        Err(_) => None,
    }
}

impl Listener for Doorway {
    type Io = Box<dyn Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Entered {
        loop {
            tokio::select! {
                Some(agreed) = self.agreeing.join_next() => {
                    if let Ok(Some(entered)) = agreed {
                        return entered;
                    }
                }
                (stream, from) = Listener::accept(&mut self.listener), if self.agreeing.len() < MAX_AGREEING => {
                    match &self.tls {
                        None => return (Box::new(stream), from),
                        Some(tls) => {
                            self.agreeing.spawn(agree(TlsAcceptor::from(tls.current()), stream, from));
                        }
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
