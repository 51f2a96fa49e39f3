//! `doorbuster keys`.
//!
//! It changes the file, and a running server notices; there is no way to make a key over the network. Whoever may write the file of a
//! server may do so, and nobody else.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorbuster_engine::clock::{Clock, SystemClock};
use doorbuster_protocol::{Role, Secret};
use serde_json::{Value, json};

use super::{fail, faulty, say, warn};
use crate::config::Sources;
use crate::duration::Span;
use crate::keys::{Key, KeyFile, KeyName, KeysError, NewKey};
use crate::utc::Utc;

/// Make, list, rotate and revoke API keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it, once: only its hash is kept.
    ///
    /// As soon as there is a key, nothing but health is open without one. A running server notices within a second.
    Create {
        /// Its name: 1 to 64 letters, digits, and . _ - @
        #[arg(value_parser = str::parse::<KeyName>)]
        name: KeyName,
        /// What it is for: storefront, feed, operator or observer.
        #[arg(long, value_parser = role)]
        role: Role,
        /// A channel that a storefront is bound to; may be given again. Without any, it may use all.
        #[arg(long = "channel", value_name = "N")]
        channels: Vec<u16>,
        /// How long it counts, such as 90d; without it, until it is revoked.
        #[arg(long, value_name = "TIME")]
        expires: Option<Span>,
        #[command(flatten)]
        place: Place,
    },
    /// List all keys: what each is for, and whether it counts.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Give a key a new secret and print it, once. The old one counts on for a while, so that nobody is cut off.
    Rotate {
        /// Its name
        #[arg(value_parser = str::parse::<KeyName>)]
        name: KeyName,
        /// How long the old secret counts on; 0s: it ends now.
        #[arg(long, default_value = "24h", value_name = "TIME")]
        overlap: Span,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a key: connections that have proved it lose their rights within a second.
    Revoke {
        /// Its name
        #[arg(value_parser = str::parse::<KeyName>)]
        name: KeyName,
        #[command(flatten)]
        place: Place,
    },
}

/// Which file, and how to report.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The file with the keys; without it, the one that a server with this configuration would use.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The data folder [default: doorbuster-data].
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Configuration file (TOML).
    #[arg(long, env = "DOORBUSTER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

impl Place {
    fn file(&self) -> Result<KeyFile, ExitCode> {
        if let Some(file) = &self.keys {
            return Ok(KeyFile::at(file));
        }
        let data = self.data.as_ref().map(|folder| folder.display().to_string());
        let flags = data.into_iter().map(|data| ("--data".to_owned(), "log.folder".to_owned(), data));
        let sources = Sources { file: self.config.clone(), flags: flags.collect() };
        let read = sources.read().map_err(|faults| faulty(2, &faults))?;
        let config = read.config();
        Ok(KeyFile::at(config.keys_file(&config.log.folder)))
    }
}

fn role(name: &str) -> Result<Role, String> {
    let known = Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    Role::from_name(name).ok_or_else(|| format!("there is no such role; there are {known}"))
}

pub(super) fn run(command: &KeysCommand) -> ExitCode {
    let (KeysCommand::Create { place, .. }
    | KeysCommand::List { place }
    | KeysCommand::Rotate { place, .. }
    | KeysCommand::Revoke { place, .. }) = command;
    let file = match place.file() {
        Ok(file) => file,
        Err(exit) => return exit,
    };
    match carry_out(command, &file, place.json, SystemClock.now().raw()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ KeysError::Unknown { .. }) => fail(8, &error),
        Err(error @ (KeysError::Io { .. } | KeysError::Randomness(_))) => fail(3, &error),
        Err(error) => fail(2, &error),
    }
}

fn carry_out(command: &KeysCommand, file: &KeyFile, json: bool, now_ms: u64) -> Result<(), KeysError> {
    match command {
        KeysCommand::Create { name, role, channels, expires, .. } => {
            let wanted = NewKey {
                name: name.clone(),
                role: *role,
                channels: channels.clone(),
                expires_at_ms: expires.map(|span| now_ms.saturating_add(span.ms())),
            };
            let secret = file.change(|ring| ring.create(wanted, now_ms))?;
            hand_over(name, &secret, file, json);
            if !json {
                warn(&format_args!(
                    "made key {name} ({}) in {}; it is shown this once",
                    role.name(),
                    file.path().display()
                ));
            }
        }
        KeysCommand::List { .. } => {
            let ring = file.read()?;
            if json {
                let keys: Vec<Value> = ring.keys().map(|key| document(key, now_ms)).collect();
                say(&json!({ "schema_version": 1, "file": file.path().display().to_string(), "keys": keys }));
            } else if ring.is_empty() {
                say(&format_args!(
                    "no keys in {}: everything is open to whoever reaches the ports",
                    file.path().display()
                ));
            } else {
                ring.keys().for_each(|key| say(&line(key, now_ms)));
            }
        }
        KeysCommand::Rotate { name, overlap, .. } => {
            let secret = file.change(|ring| ring.rotate(name, overlap.ms(), now_ms))?;
            hand_over(name, &secret, file, json);
            if !json {
                let end = match overlap.ms() {
                    0 => "the old one counts no more".to_owned(),
                    ms => format!("the old one counts until {}", Utc(now_ms.saturating_add(ms))),
                };
                warn(&format_args!("key {name} has a new secret, shown this once; {end}"));
            }
        }
        KeysCommand::Revoke { name, .. } => {
            file.change(|ring| ring.revoke(name, now_ms))?;
            if json {
                say(&json!({ "schema_version": 1, "name": name, "revoked": true }));
            } else {
                say(&format_args!("key {name} counts no more"));
            }
        }
    }
    Ok(())
}

/// Prints a secret alone, so that it can be sent into a file.
fn hand_over(name: &KeyName, secret: &Secret, file: &KeyFile, json: bool) {
    if json {
        let file = file.path().display().to_string();
        say(&json!({ "schema_version": 1, "name": name, "key": secret.reveal(), "file": file }));
    } else {
        say(&secret.reveal());
    }
}

/// Where a key stands.
fn state(key: &Key, now_ms: u64) -> &'static str {
    match () {
        () if key.is_live(now_ms) => "counts",
        () if key.revoked_at_ms.is_some() => "revoked",
        () => "ended",
    }
}

/// Secrets of a key that count now.
fn secrets(key: &Key, now_ms: u64) -> usize {
    let counts = |end: Option<u64>| end.is_none_or(|end| now_ms < end);
    if key.is_live(now_ms) {
        key.secrets.iter().filter(|stored| counts(stored.ends_at_ms)).count()
    } else {
        0
    }
}

fn document(key: &Key, now_ms: u64) -> Value {
    json!({
        "name": key.name,
        "role": key.role.name(),
        "channels": key.channels,
        "state": state(key, now_ms),
        "secrets": secrets(key, now_ms),
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
    })
}

fn line(key: &Key, now_ms: u64) -> String {
    let mut line = format!("{}  {}  {}", key.name, key.role.name(), state(key, now_ms));
    if !key.channels.is_empty() {
        let channels: Vec<String> = key.channels.iter().map(ToString::to_string).collect();
        line = format!("{line}  channels {}", channels.join(", "));
    }
    line = format!("{line}  made {}", Utc(key.created_at_ms));
    if let Some(at) = key.revoked_at_ms {
        return format!("{line}  revoked {}", Utc(at));
    }
    if let Some(at) = key.expires_at_ms {
        line = format!("{line}  ends {}", Utc(at));
    }
    match secrets(key, now_ms) {
        0 | 1 => line,
        several => format!("{line}  {several} secrets count"),
    }
}
