//! API keys: who may do what, as soon as there is a key.
//!
//! ```text
//! doorbuster keys create ──► keys.json ──a look at it now and then──► LiveKeys ──generation──► each reactor, the admin port
//!        │ prints the secret once     (hashes alone, mode 0600)           │ Keyring                │ a Pass for each connection
//!        ▼                                                                ▼                        ▼
//!     client ──AUTH, Bearer──────────────────────────────────► SHA-256, looked up in constant time: one bit test a frame
//! ```
//!
//! * **A server without keys is open**, as it always was: for trying things out on loopback. As soon as there is one key, nothing
//!   but health is open without one. A revoked key stays in the file as such, so that revoking the last doesn't open the server.
//! * **A secret is 32 random bytes**, so nobody guesses it, and a single SHA-256 keeps it as safe as a slow hash keeps a password: there
//!   are no words to try. The file has hashes alone.
//! * **A presented secret is hashed and compared with every hash there is**, in constant time, and the search doesn't end early: how
//!   long it takes says nothing about which keys there are.
//! * **A `Pass` is what a connection may do**, worked out when it proves its key: a set of kinds of request, and channels. A request costs
//!   one test of a bit. When keys change, or one's time is over, each reactor looks at the passes of all its connections again.
//!
//! What a role may do stands in one table, [`Need`], from which `docs/security.md` is printed.

mod alarm;
mod error;
mod file;
mod grant;
mod key;
mod live;
mod need;
mod pass;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) use self::alarm::Alarm;
pub use self::error::KeysError;
pub use self::file::KeyFile;
pub use self::grant::Grant;
pub use self::key::{Key, KeyName, MAX_CHANNELS, Stored};
pub(crate) use self::live::LiveKeys;
pub use self::need::{Need, may, may_look};
pub(crate) use self::pass::{Bound, Pass, who};
pub use self::ring::{Keyring, MAX_KEYS, MAX_SECRETS, NewKey};
