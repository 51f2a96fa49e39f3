//! The layers that a configuration is put together from. They are kept, to be read again.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::kind::{shortened, shown};
use super::nearest::nearest;
use super::reading::{Document, Set};
use super::{ConfigError, Effective, Faults, KEYS, Key, Origin};

/// What variables of a server begin with.
const PREFIX: &str = "DOORBUSTER_";

/// The variable that names what is told on standard error, as every program of this kind has one, and its key.
const LOG_LEVEL: (&str, &str) = ("DOORBUSTER_LOG", "server.log_level");

/// The most that is read of a file, bytes. The largest that makes sense, 64 plans with all their comments, has 200 KB.
const MAX_FILE: u64 = 4 << 20;

/// The file and the flags of one start. The environment is read with them.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Flags: what each is called, its key and its value as text.
    pub flags: Vec<(String, String, String)>,
}

impl Sources {
    /// Reads everything, this process's environment too.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read(&self) -> Result<Effective, Faults> {
        self.read_with(std::env::vars_os())
    }

    /// As [`read`](Self::read), with these variables as the environment.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn read_with(
        &self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Effective, Faults> {
        let file = self.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let text = match &self.file {
            None => String::new(),
            Some(path) => contents(path).map_err(|error| ConfigError::Read { file: file.clone(), error })?,
        };
        let document = Document { file: &file, text: &text };
        let mut faults = Vec::new();
        let mut layers = document.read(&mut faults);
        let mut variables: Vec<(OsString, OsString)> = environment.into_iter().collect();
        variables.sort();
        for (name, value) in &variables {
            match variable(name, value) {
                None => {}
                Some(Ok(set)) => layers.push(set),
                Some(Err(fault)) => faults.push(fault),
            }
        }
        for (flag, name, value) in &self.flags {
            let origin = Origin::Flag(flag.clone());
            match KEYS.iter().find(|key| key.name == name) {
                Some(key) => match of_text(key, value, origin) {
                    Ok(set) => layers.push(set),
                    Err(fault) => faults.push(fault),
                },
                None => faults.push(ConfigError::Unknown {
                    at: origin,
                    name: shortened(name),
                    nearest: nearest(name, KEYS.iter().map(|key| key.name.to_owned())),
                }),
            }
        }
        Effective::of(layers, Some(document), faults)
    }

    /// Reads a file's text alone; `file` names it in faults.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Effective, Faults> {
        let document = Document { file, text };
        let mut faults = Vec::new();
        let layers = document.read(&mut faults);
        Effective::of(layers, Some(document), faults)
    }
}

/// A file's text.
fn contents(path: &std::path::Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        let why = format!("it has more than {MAX_FILE} bytes, so it is no configuration");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(text)
}

/// What a variable of the environment sets. `None`: it is none of ours.
fn variable(name: &OsStr, value: &OsStr) -> Option<Result<Set, ConfigError>> {
    let name = name.to_string_lossy();
    let rest = name.strip_prefix(PREFIX)?;
    let key = if name == LOG_LEVEL.0 {
        KEYS.iter().find(|key| key.name == LOG_LEVEL.1)
    } else if rest.contains("__") {
        KEYS.iter().find(|key| key.variable() == name)
    } else {
        return None;
    };
    let origin = Origin::Environment(name.to_string());
    let Some(key) = key else {
        let (name, nearest) = (shortened(&name), nearest(&name, KEYS.iter().map(Key::variable)));
        return Some(Err(ConfigError::Unknown {
            at: Origin::Environment("environment".to_owned()),
            name,
            nearest,
        }));
    };
    Some(of_text(key, &value.to_string_lossy(), origin))
}

fn of_text(key: &'static Key, text: &str, origin: Origin) -> Result<Set, ConfigError> {
    match key.kind.of_text(text) {
        Some(value) => Ok(Set { key, value, origin }),
        None => Err(ConfigError::Value {
            at: origin,
            key: key.name,
            found: shown(&text.into()).trim_matches('"').to_owned(),
            need: key.wanted(),
        }),
    }
}
