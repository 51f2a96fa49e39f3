//! TLS 1.2 and 1.3 on every port, by rustls.
//!
//! [`Tls`] is what the server shows of itself and whom it trusts; [`Stream`] is a connection that may speak it, for reactors, which
//! never wait, and for the drill's senders; [`Doorway`] lets those in who come to the admin port.

mod doorway;
mod encrypted;
mod identity;
mod stream;

pub(crate) use doorway::Doorway;
pub(crate) use identity::Tls;
pub use identity::{TlsError, TlsFiles};
pub use stream::Stream;
