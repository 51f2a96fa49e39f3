//! Reads a configuration file: which keys it sets, to what, and where each stands.

use std::ops::Range;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use toml::{Spanned, Value};

use super::kind::shown;
use super::nearest::nearest;
use super::{ConfigError, KEYS, Key, Origin};
use crate::emergency::EmergencyPlan;
use crate::overload::anomaly::AnomalyRule;

/// A value that somebody set.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A file under the name that faults call it by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Document<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Document<'_> {
    /// What it sets. Faults come in the order of the file.
    pub(super) fn read(&self, faults: &mut Vec<ConfigError>) -> Vec<Set> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            let fault = |error: &toml::de::Error| ConfigError::Syntax {
                at: self.at(error.span().map_or(0, |span| span.start)),
                message: error.message().replace('\n', " "),
            };
            faults.extend(errors.iter().map(fault));
            return Vec::new();
        }
        let mut found: Vec<(usize, Result<Set, ConfigError>)> = Vec::new();
        for (section, content) in document.get_ref() {
            let DeValue::Table(keys) = content.get_ref() else {
                let start = section.span().start;
                found.push((start, Err(self.unknown(section.get_ref(), start))));
                continue;
            };
            let known = KEYS.iter().any(|key| key.parts().0 == section.get_ref().as_ref());
            if !known {
                let start = section.span().start;
                found.push((start, Err(self.unknown_section(section.get_ref(), start))));
                continue;
            }
            for (name, value) in keys {
                let path = format!("{}.{}", section.get_ref(), name.get_ref());
                let start = name.span().start;
                found.push((start, self.value(&path, start, value)));
            }
        }
        found.sort_by_key(|(start, _)| *start);
        let mut set = Vec::new();
        for (_, found) in found {
            match found {
                Ok(value) => set.push(value),
                Err(fault) => faults.push(fault),
            }
        }
        set
    }

    fn value(&self, path: &str, start: usize, value: &Spanned<DeValue<'_>>) -> Result<Set, ConfigError> {
        let Some(key) = KEYS.iter().find(|key| key.name == path) else {
            return Err(self.unknown(path, start));
        };
        self.fits_list(key, value)?;
        let at = self.at(value.span().start);
        let written = Value::deserialize(ValueDeserializer::from(value.clone()))
            .map_err(|error| self.syntax(&error, &value.span()))?;
        match key.kind.of_toml(&written) {
            Some(value) => Ok(Set { key, value, origin: at }),
            None => Err(ConfigError::Value { at, key: key.name, found: shown(&written), need: key.wanted() }),
        }
    }

    /// Rules and plans are read as what they are, so that a fault in one is told with its own place.
    fn fits_list(&self, key: &Key, value: &Spanned<DeValue<'_>>) -> Result<(), ConfigError> {
        let list = ValueDeserializer::from(value.clone());
        let read = match key.name {
            "anomaly.rules" => Vec::<AnomalyRule>::deserialize(list).map(drop),
            "emergency.plans" => Vec::<EmergencyPlan>::deserialize(list).map(drop),
            _ => Ok(()),
        };
        read.map_err(|error| self.syntax(&error, &value.span()))
    }

    fn syntax(&self, error: &toml::de::Error, around: &Range<usize>) -> ConfigError {
        let start = error.span().map_or(around.start, |span| span.start);
        ConfigError::Syntax { at: self.at(start), message: error.message().replace('\n', " ") }
    }

    fn unknown(&self, name: &str, start: usize) -> ConfigError {
        ConfigError::Unknown {
            at: self.at(start),
            name: super::kind::shortened(name),
            nearest: nearest(name, KEYS.iter().map(|key| key.name.to_owned())),
        }
    }

    fn unknown_section(&self, name: &str, start: usize) -> ConfigError {
        let section = |key: &Key| format!("[{}]", key.parts().0);
        let name = format!("[{}]", super::kind::shortened(name));
        let nearest = nearest(&name, KEYS.iter().map(section));
        ConfigError::Unknown { at: self.at(start), name, nearest }
    }

    /// The place of a byte.
    fn at(&self, byte: usize) -> Origin {
        let before = self.text.get(..byte).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Origin::File { file: self.file.to_owned(), line, column }
    }
}
