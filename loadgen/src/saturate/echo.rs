//! A bare echo server: what the machine's loopback does with our frames when nobody decides anything.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Bytes that a connection reads at once.
const READ_BYTES: usize = 64 << 10;

/// A running echo server on a thread of its own: one `current_thread` runtime, one task a connection. It ends
/// when this is dropped.
#[derive(Debug)]
pub(super) struct Echo {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Echo {
    /// Starts on a free loopback port.
    pub(super) fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("echo".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(&listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, _stop: stop })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(read) = stream.read(&mut buffer).await {
        let content = buffer.get(..read).unwrap_or_default();
        if content.is_empty() || stream.write_all(content).await.is_err() {
            return;
        }
    }
}
