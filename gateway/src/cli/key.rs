//! The key that a command proves itself with.
//!
//! It comes from a file or from the environment, never from a flag of its own: every user of a machine sees the flags of all processes.

use std::path::PathBuf;

use clap::Args;
use doorbuster_protocol::Secret;

/// The variable that holds a key.
const VARIABLE: &str = "DOORBUSTER_KEY";

/// The most that is read of a file, bytes: a key has 68.
const MAX_FILE: u64 = 4 << 10;

/// Where the key is, if the server has any.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct KeyOption {
    /// A file with the API key, for a server that has keys; else the variable `DOORBUSTER_KEY` holds it.
    #[arg(long, env = "DOORBUSTER_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
}

impl KeyOption {
    /// The key.
    ///
    /// # Errors
    /// What is wrong with it, and where it is.
    pub(super) fn find(&self) -> Result<Option<Secret>, String> {
        let (place, text) = match &self.key_file {
            Some(path) => {
                let text = contents(path)
                    .map_err(|error| format!("can't read the key in {}: {error}", path.display()))?;
                (path.display().to_string(), text)
            }
            None => match std::env::var(VARIABLE) {
                Ok(text) if text.is_empty() => return Ok(None),
                Ok(text) => (VARIABLE.to_owned(), text),
                Err(std::env::VarError::NotPresent) => return Ok(None),
                Err(std::env::VarError::NotUnicode(_)) => (VARIABLE.to_owned(), String::new()),
            },
        };
        text.parse().map(Some).map_err(|error| format!("{place}: {error}"))
    }
}

fn contents(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}
