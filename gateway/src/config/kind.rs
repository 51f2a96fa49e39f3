//! What values a key takes, and how they are written.

use std::net::SocketAddr;

use toml::Value;

use crate::percent::Percent;

/// Longest text that a fault repeats of a value.
const SHOWN: usize = 60;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Things.
    Count,
    /// Things a second.
    PerSecond,
    /// Bytes.
    Bytes,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
}

impl Unit {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::PerSecond => "1/s",
            Self::Bytes => "bytes",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
        }
    }

    /// What may stand behind a number, and how many of the unit it is. The longest first of those that end alike.
    const fn suffixes(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Count | Self::PerSecond => &[],
            Self::Bytes => {
                &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("B", 1)]
            }
            Self::Milliseconds => {
                &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
            }
            Self::Microseconds => &[("us", 1), ("ms", 1_000), ("s", 1_000_000)],
        }
    }

    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Count | Self::PerSecond => "5",
            Self::Bytes => "\"64MiB\"",
            Self::Milliseconds => "\"500ms\", \"30s\", \"10m\" or \"2h\"",
            Self::Microseconds => "\"500us\" or \"5ms\"",
        }
    }
}

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An IP address and a port; or the word "off".
    Address { or_off: bool },
    /// Any text but none, such as a folder.
    Text,
    /// A file; or the word "off".
    File,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number from `least` to `most`, a multiple of `step`; and 0 where `or_zero`.
    Number { unit: Unit, least: u64, most: u64, step: u64, or_zero: bool },
    /// A share, such as "3 %".
    Share,
    /// What log lines are written: the syntax of `EnvFilter`.
    Filter,
    /// A list of rules or plans, which are checked together.
    List,
}

impl Kind {
    /// Reads a value as it stands in a file. What comes back is in the key's own unit. `None`: it isn't one.
    pub(super) fn of_toml(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Number { .. }, Value::Integer(_)) | (Self::List, Value::Array(_)) => {
                self.checked(value.clone())
            }
            // A bare number belongs without quotes.
            (Self::Number { .. }, Value::String(text)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                None
            }
            (Self::List, _) => None,
            (_, Value::String(text)) => self.of_text(text),
            _ => None,
        }
    }

    /// Reads a value as it stands in the environment or behind a flag.
    pub(super) fn of_text(self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Number { unit, .. } => number(text.trim(), unit).map(Value::Integer),
            Self::List => text.parse::<Value>().ok().filter(Value::is_array),
            Self::Address { .. } | Self::OneOf(_) | Self::Share => Some(text.trim().into()),
            Self::Text | Self::File | Self::Filter => Some(text.into()),
        };
        value.and_then(|value| self.checked(value))
    }

    /// The value, if it is in its range.
    pub(super) fn checked(self, value: Value) -> Option<Value> {
        let fits = match (self, &value) {
            (Self::Number { least, most, step, or_zero, .. }, Value::Integer(number)) => {
                u64::try_from(*number).is_ok_and(|number| {
                    or_zero && number == 0
                        || (least..=most).contains(&number) && number.is_multiple_of(step.max(1))
                })
            }
            (Self::Address { or_off }, Value::String(text)) => {
                or_off && text == "off" || text.parse::<SocketAddr>().is_ok()
            }
            // What was no UTF-8 has become U+FFFD: it would be another folder's name.
            (Self::Text | Self::File, Value::String(text)) => {
                !text.is_empty() && !text.contains(['\0', '\u{FFFD}'])
            }
            (Self::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Share, Value::String(text)) => text.parse::<Percent>().is_ok(),
            (Self::Filter, Value::String(text)) => {
                !text.is_empty() && text.parse::<tracing_subscriber::EnvFilter>().is_ok()
            }
            (Self::List, Value::Array(_)) => true,
            _ => false,
        };
        fits.then_some(value)
    }
}

/// A whole number, alone or with a unit behind it.
fn number(text: &str, unit: Unit) -> Option<i64> {
    let suffix = unit.suffixes().iter().find_map(|(suffix, each)| Some((text.strip_suffix(suffix)?, *each)));
    let (digits, each) = suffix.unwrap_or((text, 1));
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    i64::try_from(digits.parse::<u64>().ok()?.checked_mul(each)?).ok()
}

/// A value as people read it, on one line and not too long.
pub(super) fn shown(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    shortened(&whole)
}

/// A text on one line and not too long.
pub(super) fn shortened(whole: &str) -> String {
    let one_line = whole.replace(|letter: char| letter.is_control(), " ");
    let mut letters = one_line.chars();
    let begin: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() { format!("{begin}...") } else { begin }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(unit: Unit) -> Kind {
        Kind::Number { unit, least: 10, most: 100_000_000, step: 1, or_zero: true }
    }

    #[test]
    fn a_number_may_have_a_unit_behind_it() {
        for (unit, text, found) in [
            (Unit::Milliseconds, "250", 250),
            (Unit::Milliseconds, "250ms", 250),
            (Unit::Milliseconds, "30 s", 30_000),
            (Unit::Milliseconds, "10m", 600_000),
            (Unit::Milliseconds, "2h", 7_200_000),
            (Unit::Milliseconds, "1d", 86_400_000),
            (Unit::Microseconds, "5ms", 5_000),
            (Unit::Microseconds, "50us", 50),
            (Unit::Bytes, "64MiB", 64 << 20),
            (Unit::Bytes, "512B", 512),
            (Unit::Count, "0", 0),
        ] {
            assert_eq!(of(unit).of_text(text), Some(Value::Integer(found)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_none() {
        for (unit, text) in [
            (Unit::Milliseconds, ""),
            (Unit::Milliseconds, "s"),
            (Unit::Milliseconds, "-5s"),
            (Unit::Milliseconds, "+5"),
            (Unit::Milliseconds, "1.5s"),
            (Unit::Milliseconds, "5us"),
            (Unit::Milliseconds, "9ms"),
            (Unit::Milliseconds, "2d"),
            (Unit::Milliseconds, "99999999999999999999"),
            (Unit::Milliseconds, "213503982335d"),
            (Unit::Count, "5s"),
            (Unit::Bytes, "64MB"),
        ] {
            assert_eq!(of(unit).of_text(text), None, "{text}");
        }
        let steps = Kind::Number { unit: Unit::Bytes, least: 4, most: 400, step: 4, or_zero: false };
        assert!(steps.of_text("8").is_some() && steps.of_text("9").is_none() && steps.of_text("0").is_none());
    }

    #[test]
    fn in_a_file_a_bare_number_has_no_quotes() {
        let kind = of(Unit::Milliseconds);
        assert_eq!(kind.of_toml(&"30s".into()), Some(Value::Integer(30_000)));
        assert_eq!((kind.of_toml(&"30".into()), kind.of_toml(&Value::Boolean(true))), (None, None));
    }

    #[test]
    fn what_a_fault_repeats_is_one_short_line() {
        assert_eq!(shown(&"a\nb".into()), "\"a\\nb\"");
        assert_eq!(shortened(&"x".repeat(1_000)).len(), SHOWN + 3);
    }
}
