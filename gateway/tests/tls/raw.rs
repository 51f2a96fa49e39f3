//! A client that speaks TLS and nothing else of itself: what it writes and when is the test's.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::PATIENCE;
use crate::papers::Authority;

/// What a client speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Versions {
    Only12,
    Only13,
}

pub(crate) struct Line {
    stream: TcpStream,
    tls: ClientConnection,
}

impl Line {
    pub(crate) fn connect(to: SocketAddr, authority: &Authority, versions: Versions) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let versions = match versions {
            Versions::Only12 => &[&TLS12],
            Versions::Only13 => &[&TLS13],
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_protocol_versions(versions).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("shop.example").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, tls }
    }

    /// Says its part of the greeting.
    pub(crate) fn greet(&mut self) {
        self.tls.write_tls(&mut self.stream).unwrap();
    }

    /// Agrees on keys, and encrypts.
    fn sealed(&mut self, bytes: &[u8]) -> Vec<u8> {
        while self.tls.is_handshaking() {
            self.tls.complete_io(&mut self.stream).unwrap();
        }
        let mut sealed = Vec::new();
        for few in bytes.chunks(16 << 10) {
            self.tls.writer().write_all(few).unwrap();
            while self.tls.wants_write() {
                self.tls.write_tls(&mut sealed).unwrap();
            }
        }
        sealed
    }

    /// Writes byte by byte, each in a packet of its own.
    pub(crate) fn drip(&mut self, bytes: &[u8]) {
        for byte in self.sealed(bytes) {
            self.stream.write_all(&[byte]).unwrap();
        }
    }

    /// Has a thread write all of this.
    pub(crate) fn write_aside(&mut self, bytes: &[u8]) -> JoinHandle<()> {
        let sealed = self.sealed(bytes);
        let mut stream = self.stream.try_clone().unwrap();
        std::thread::spawn(move || stream.write_all(&sealed).unwrap())
    }

    /// So many bytes.
    pub(crate) fn next(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.read_exact(&mut bytes).unwrap();
        bytes
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut self.tls, &mut self.stream).read(buffer)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        rustls::Stream::new(&mut self.tls, &mut self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        rustls::Stream::new(&mut self.tls, &mut self.stream).flush()
    }
}
