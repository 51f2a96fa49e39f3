//! TLS 1.2 and 1.3 on every port, by rustls.
//!
//! [`Tls`] is what the server shows of itself and whom it trusts; [`Encrypted`] is a connection that speaks it, for reactors, which
//! never wait; [`Doorway`] lets those in who come to the admin port.

mod doorway;
mod encrypted;
mod identity;

pub(crate) use doorway::Doorway;
pub(crate) use encrypted::Encrypted;
pub(crate) use identity::Tls;
pub use identity::{TlsError, TlsFiles};
