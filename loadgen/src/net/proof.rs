//! The key that a drill proves itself with, where its target has keys.

use std::sync::OnceLock;

use doorbuster_protocol::{Auth, Secret, SecretError};

/// The variable that holds a key: a flag would be seen by every user of the machine.
pub const VARIABLE: &str = "DOORBUSTER_KEY";

/// A process has one target. Set before its first connection, read by all of them.
static KEY: OnceLock<Secret> = OnceLock::new();

/// Takes the key from the environment, for a server that isn't the drill's own: those have no keys.
///
/// # Errors
/// What stands there is no key.
pub fn take_key() -> Result<(), SecretError> {
    let text = std::env::var_os(VARIABLE).filter(|text| !text.is_empty());
    if let Some(text) = text {
        let key = text.to_str().ok_or(SecretError)?.parse()?;
        // Taken once more, it is the same.
        KEY.get_or_init(|| key);
    }
    Ok(())
}

/// What goes in front of a greeting.
pub(super) fn proof() -> Option<Auth> {
    KEY.get().map(|secret| Auth { secret: secret.clone() })
}
