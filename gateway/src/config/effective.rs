//! What holds when all layers are put together, and where each value came from.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::kind::shown;
use super::place::line_of;
use super::reading::{Document, Set};
use super::{Config, ConfigError, Faults, KEYS, Key, Origin, Reload};
use crate::emergency;

/// A whole configuration, with the origin of each value.
#[derive(Clone, Debug)]
pub struct Effective {
    config: Config,
    values: BTreeMap<&'static str, (Value, Origin)>,
}

/// One value that is another one now.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The key.
    pub(crate) key: &'static Key,
    /// What it was.
    pub(crate) from: Value,
    /// What it is to be.
    pub(crate) to: Value,
}

impl Effective {
    /// Puts layers together; what is set later counts. `document` is the file, for the places of rules and plans.
    pub(super) fn of(
        layers: Vec<Set>,
        document: Option<Document<'_>>,
        mut faults: Vec<ConfigError>,
    ) -> Result<Self, Faults> {
        let mut values = values(&Config::default());
        for Set { key, value, origin } in layers {
            values.insert(key.name, (value, origin));
        }
        faults.extend(hold_fault(&values));
        faults.extend(tls_fault(&values));
        if let Some(faults) = Faults::of(faults) {
            return Err(faults);
        }
        let config = built(&values)?;
        if let Err(fault) = emergency::check(&config.anomaly.rules, &config.emergency.plans) {
            let origin = values.get(fault.list).map_or(Origin::Default, |(_, origin)| origin.clone());
            let line = document.and_then(|document| line_of(document.text, &fault));
            let fault = fault.to_string();
            return Err(match (origin, line) {
                (Origin::File { file, .. }, Some(line)) => {
                    ConfigError::Emergency { at: Origin::File { file, line, column: 1 }, fault }
                }
                (at, _) => ConfigError::Emergency { at, fault },
            }
            .into());
        }
        Ok(Self { config, values })
    }

    /// The configuration itself.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Every key with its value and where that came from, in the order of [`KEYS`].
    pub fn values(&self) -> impl Iterator<Item = (&'static Key, &Value, &Origin)> {
        KEYS.iter().filter_map(|key| {
            let (value, origin) = self.values.get(key.name)?;
            Some((key, value, origin))
        })
    }

    /// What is different in another one.
    pub(crate) fn changes(&self, other: &Self) -> Vec<Change> {
        let pairs = self.values().zip(other.values());
        let changed = pairs.filter(|((_, from, _), (_, to, _))| from != to);
        changed
            .map(|((key, from, _), (_, to, _))| Change { key, from: from.clone(), to: to.clone() })
            .collect()
    }

    /// Takes over from another one what may change while a server runs.
    ///
    /// # Errors
    /// Together with what stays, it makes no configuration; nothing was taken over.
    pub(crate) fn take_live(&mut self, other: &Self) -> Result<(), Faults> {
        let mut values = self.values.clone();
        let live = other.values().filter(|(key, ..)| key.reload == Reload::Live);
        values.extend(live.map(|(key, value, origin)| (key.name, (value.clone(), origin.clone()))));
        self.config = built(&values)?;
        self.values = values;
        Ok(())
    }
}

/// A configuration's values, as defaults.
pub(super) fn values(config: &Config) -> BTreeMap<&'static str, (Value, Origin)> {
    // Every field is a number of less than 64 bits, a text or a list of such: TOML has them all.
    let table = Table::try_from(config).unwrap_or_default();
    let value = |key: &Key| {
        let (section, name) = key.parts();
        table.get(section)?.get(name).cloned()
    };
    KEYS.iter().filter_map(|key| Some((key.name, (value(key)?, Origin::Default)))).collect()
}

/// The configuration that values make up.
fn built(values: &BTreeMap<&'static str, (Value, Origin)>) -> Result<Config, Faults> {
    let mut table = Table::new();
    for key in &KEYS {
        let (section, name) = key.parts();
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let (Some(section), Some((value, _))) = (section.as_table_mut(), values.get(key.name)) {
            section.insert(name.to_owned(), value.clone());
        }
    }
    Config::deserialize(table).map_err(|error| {
        ConfigError::Syntax { at: Origin::Default, message: error.message().replace('\n', " ") }.into()
    })
}

/// The one range that is another key's value.
pub(super) fn hold_fault(values: &BTreeMap<&'static str, (Value, Origin)>) -> Option<ConfigError> {
    let (key, most) = ("rules.default_hold_ms", "rules.max_hold_ms");
    let ((default, at), (most, _)) = (values.get(key)?, values.get(most)?);
    (default.as_integer()? > most.as_integer()?).then(|| ConfigError::Value {
        at: at.clone(),
        key,
        found: shown(default),
        need: format!("1 ms to rules.max_hold_ms, which is {most}"),
    })
}

/// What of a certificate, its key and those of clients is there without what it goes with.
pub(super) fn tls_fault(values: &BTreeMap<&'static str, (Value, Origin)>) -> Option<ConfigError> {
    let is_there = |key| values.get(key).is_some_and(|(value, _)| value.as_str() != Some("off"));
    let (certificate, key, clients) = ("tls.certificate", "tls.key", "tls.client_ca");
    let (without, lacks) = match (is_there(certificate), is_there(key), is_there(clients)) {
        (true, false, _) => (certificate, key),
        (false, true, _) => (key, certificate),
        (false, false, true) => (clients, certificate),
        _ => return None,
    };
    let (found, at) = values.get(without)?;
    Some(ConfigError::Value {
        at: at.clone(),
        key: without,
        found: shown(found),
        need: format!("\"off\", as long as {lacks} is \"off\""),
    })
}
