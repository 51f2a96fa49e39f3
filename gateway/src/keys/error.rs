//! What is wrong with keys, or with a wish for one.

use std::io;

/// Why there are no keys, or why they stay as they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file can't be read or written.
    #[error("can't {doing} the keys in {file}: {error}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// The file.
        file: String,
        /// Why not.
        error: io::Error,
    },
    /// Others may read the file, or write it.
    #[error("{file} is open to others than its owner (mode {mode:03o}): run `chmod 600 {file}`")]
    Open {
        /// The file.
        file: String,
        /// Its permissions.
        mode: u32,
    },
    /// The file is no list of keys.
    #[error("{file} is no list of keys: {why}; put back a copy of it, or make keys anew in another file")]
    Garbled {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// There were keys, and now there are none: nobody opens a server by losing a file.
    #[error(
        "{file} {what}: the keys that counted still count; put the file back, or start again to serve without keys"
    )]
    Vanished {
        /// The file.
        file: String,
        /// How.
        what: &'static str,
    },
    /// The name is none.
    #[error("a key's name has 1 to 64 letters, digits, and . _ - @, and begins with none of . and -")]
    Name,
    /// There is a key of this name that counts.
    #[error("there is a key named {name}: choose another name, or rotate or revoke this one")]
    Exists {
        /// The name.
        name: String,
    },
    /// There is no key of this name that counts.
    #[error("there is no key named {name} that counts: `doorbuster keys list` shows them")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Only storefronts are bound to channels.
    #[error("a key of the role {role} sees all channels: give channels to keys of the role storefront only")]
    Unbound {
        /// The role.
        role: &'static str,
    },
    /// There is no room.
    #[error("there are {found} {what}, and {most} at most: {instead}")]
    Full {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
        /// What to do.
        instead: &'static str,
    },
    /// The operating system gives no random bytes.
    #[error("can't make a key: {0}")]
    Randomness(String),
}
