//! Encrypted connections: whom this side trusts, and what it shows of itself.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// See the module's doc. Cheap to clone.
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use doorbuster_client::{Client, Tls};
///
/// let tls = Tls::trusting(&std::fs::read("ca.pem")?)?;
/// let client = Client::builder().tls(tls).connect("shop.example:7700").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tls {
    roots: Arc<RootCertStore>,
    config: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
}

/// Certificates, keys or names are of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// There is none where there should be one.
    #[error("no {0} in PEM there")]
    Empty(&'static str),
    /// It can't be used.
    #[error("{what}: {why}")]
    Unusable {
        /// What it should be.
        what: &'static str,
        /// Why it can't be used.
        why: String,
    },
}

fn unusable(what: &'static str) -> impl Fn(&dyn ToString) -> TlsError {
    move |why| TlsError::Unusable { what, why: why.to_string() }
}

impl Tls {
    /// Trusts servers whose certificate is signed by one of these, in PEM: those of your company, or all that your system trusts
    /// (on Debian `/etc/ssl/certs/ca-certificates.crt`).
    ///
    /// # Errors
    /// It holds no certificate, or one that can't be used.
    pub fn trusting(authorities: &[u8]) -> Result<Self, TlsError> {
        let what = "certificate of an authority";
        let mut roots = RootCertStore::empty();
        for certificate in certificates(what, authorities)? {
            roots.add(certificate).map_err(|error| unusable(what)(&error))?;
        }
        let roots = Arc::new(roots);
        let config = builder(&roots)?.with_no_client_auth();
        Ok(Self { roots, config: Arc::new(config), name: None })
    }

    /// Shows this certificate, and those behind it, to servers that ask for one, and proves with the key that it is its own. Both
    /// are PEM.
    ///
    /// # Errors
    /// Either is missing or can't be used, or they don't belong together.
    pub fn showing(self, certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain = certificates("certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable("private key")(&error))?;
        let config = builder(&self.roots)?.with_client_auth_cert(chain, key);
        let config = config.map_err(|error| unusable("certificate and key")(&error))?;
        Ok(Self { config: Arc::new(config), ..self })
    }

    /// Expects the server's certificate to be for this name, or IP address, instead of the one that is connected to.
    ///
    /// # Errors
    /// It is neither.
    pub fn expecting(self, name: &str) -> Result<Self, TlsError> {
        let name = ServerName::try_from(name.to_owned()).map_err(|error| unusable("server name")(&error))?;
        Ok(Self { name: Some(name), ..self })
    }

    /// Encrypts a connection for somebody who waits for each answer.
    ///
    /// # Errors
    /// As [`connection`](Self::connection).
    pub fn wrap(&self, address: &str, stream: TcpStream) -> io::Result<impl Read + Write + use<>> {
        Ok(StreamOwned::new(self.connection(address)?, stream))
    }

    /// This side of a connection to `address`, which is `HOST:PORT`, for somebody who moves the bytes.
    ///
    /// # Errors
    /// The host is neither a name nor an IP address.
    pub fn connection(&self, address: &str) -> io::Result<ClientConnection> {
        let name = self.name(address)?;
        ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)
    }

    pub(crate) fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// Whose certificate the server at this address must show.
    pub(crate) fn name(&self, address: &str) -> io::Result<ServerName<'static>> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(host(address).to_owned())
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error)),
        }
    }
}

/// An address without its port, and without the brackets of IPv6.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(roots: &Arc<RootCertStore>) -> Result<Builder, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    Ok(builder
        .map_err(|error| unusable("protocol version")(&error))?
        .with_root_certificates(Arc::clone(roots)))
}

fn certificates(what: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::Empty(what)),
        Ok(found) => Ok(found),
        Err(error) => Err(unusable(what)(&error)),
    }
}
