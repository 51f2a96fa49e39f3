//! Encrypted connections to a server, and the key to prove oneself with, as flags say them.

use std::path::{Path, PathBuf};

use clap::Args;
use doorbuster_client::{Builder, Client, Secret, Tls, TlsError};

use super::key::KeyOption;

/// Where help lists them.
const HEADING: &str = "Encryption";

/// How to encrypt, for a server that does.
#[derive(Clone, Debug, Default, Args)]
pub struct Trust {
    /// Encrypt, and trust a server whose certificate is signed by one of those in this file, in PEM.
    #[arg(long, env = "DOORBUSTER_TLS_CA", value_name = "FILE", help_heading = HEADING)]
    tls_ca: Option<PathBuf>,
    /// The name, or IP address, that the server's certificate is for, where it isn't the address that is connected to.
    #[arg(long, env = "DOORBUSTER_TLS_NAME", value_name = "NAME", help_heading = HEADING, requires = "tls_ca")]
    tls_name: Option<String>,
    /// The certificate to show, where the server asks for one, in PEM.
    #[arg(long, env = "DOORBUSTER_TLS_CERTIFICATE", value_name = "FILE", help_heading = HEADING, requires_all = ["tls_ca", "tls_key"])]
    tls_certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, env = "DOORBUSTER_TLS_KEY", value_name = "FILE", help_heading = HEADING, requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    key: KeyOption,
}

impl Trust {
    /// A client that encrypts like that, and proves itself.
    ///
    /// # Errors
    /// As [`tls`](Self::tls) and [`key`](Self::key).
    pub(super) fn builder(&self) -> Result<Builder, String> {
        let builder = match self.key()? {
            Some(key) => Client::builder().key(key),
            None => Client::builder(),
        };
        Ok(match self.tls()? {
            Some(tls) => builder.tls(tls),
            None => builder,
        })
    }

    /// What to prove oneself with; `None`: nothing.
    ///
    /// # Errors
    /// A line that says where a key should be, and that it is none.
    pub fn key(&self) -> Result<Option<Secret>, String> {
        self.key.find()
    }

    /// How to encrypt; `None`: not at all.
    ///
    /// # Errors
    /// A line that says which file is of no use, and why.
    pub fn tls(&self) -> Result<Option<Tls>, String> {
        let Some(authorities) = &self.tls_ca else { return Ok(None) };
        let unusable = |file: &Path| {
            let file = file.display().to_string();
            move |error: TlsError| format!("{file}: {error}")
        };
        let mut tls = Tls::trusting(&read(authorities)?).map_err(unusable(authorities))?;
        if let (Some(certificate), Some(key)) = (&self.tls_certificate, &self.tls_key) {
            let shown = tls.showing(&read(certificate)?, &read(key)?);
            tls =
                shown.map_err(|error| format!("{} and {}: {error}", certificate.display(), key.display()))?;
        }
        if let Some(name) = &self.tls_name {
            tls = tls.expecting(name).map_err(|error| format!("--tls-name {name}: {error}"))?;
        }
        Ok(Some(tls))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))
}
