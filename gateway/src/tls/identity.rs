//! What a server shows of itself, and whom it trusts: certificates, read from files, and again when they are renewed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// Most bytes of a file of certificates: all that browsers trust are a fifth of it.
const MAX_FILE: u64 = 1 << 20;

/// Where certificates are, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and behind it those that link it to one that clients trust.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whose certificates clients must show; `None`: they need not show any.
    pub clients: Option<PathBuf>,
}

/// The files are of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("can't read {what} {}: {error}", .file.display())]
    Unreadable {
        /// What it should hold.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds something else.
    #[error("{} holds no {what} in PEM; it begins with -----BEGIN {label}-----", .file.display())]
    Empty {
        /// What it should hold.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// As PEM calls that.
        label: &'static str,
    },
    /// It is garbled.
    #[error("{what} {}: {why}", .file.display())]
    Garbled {
        /// What it should hold.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Certificate and key are each all right, and don't belong together; or the library can't use them.
    #[error("the certificate {} and the key {}: {why}", .certificate.display(), .key.display())]
    Unlike {
        /// Where the certificate is.
        certificate: PathBuf,
        /// Where the key is.
        key: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    current: Mutex<Arc<ServerConfig>>,
}

impl Tls {
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = Mutex::new(Arc::new(read(&files)?));
        Ok(Self { files, current })
    }

    /// Reads the files again, and changes nothing yet.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn read_again(&self) -> Result<Arc<ServerConfig>, TlsError> {
        read(&self.files).map(Arc::new)
    }

    /// Serves with this from the next connection on.
    pub(crate) fn renew(&self, fresh: Arc<ServerConfig>) {
        *self.current.lock() = fresh;
    }

    /// What the next connection is served with.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.lock())
    }
}

fn read(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let unlike = |why: &dyn ToString| TlsError::Unlike {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        why: why.to_string(),
    };
    let chain = certificates("certificate", &files.certificate)?;
    let key = private_key(&files.key)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| unlike(&error))?;
    let builder = match &files.clients {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let what = "client authority";
            let garbled =
                |error: &dyn ToString| TlsError::Garbled { what, file: file.clone(), why: error.to_string() };
            let mut roots = RootCertStore::empty();
            for certificate in certificates(what, file)? {
                roots.add(certificate).map_err(|error| garbled(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| garbled(&error))?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| unlike(&error))?;
    // Who comes again needs no signature from us: after an upgrade all come at once.
    config.ticketer = ring::Ticketer::new().map_err(|error| unlike(&error))?;
    Ok(config)
}

fn certificates(what: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = bytes(what, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(TlsError::Empty { what, file: file.to_owned(), label: "CERTIFICATE" })
        }
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::Garbled { what, file: file.to_owned(), why: error.to_string() }),
    }
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls::pki_types::pem::Error;
    let what = "private key";
    PrivateKeyDer::from_pem_slice(&bytes(what, file)?).map_err(|error| match error {
        Error::NoItemsFound => TlsError::Empty { what, file: file.to_owned(), label: "PRIVATE KEY" },
        error => TlsError::Garbled { what, file: file.to_owned(), why: error.to_string() },
    })
}

fn bytes(what: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |error| TlsError::Unreadable { what, file: file.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(file).map_err(unreadable)?.take(MAX_FILE).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
