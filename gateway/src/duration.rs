//! Lengths of time as people write them: `90s`, `15m`, `2h`.

use std::str::FromStr;
use std::time::Duration;

/// What a length of time is written with, and its milliseconds. The longest first that ends like another.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 60 * 60_000), ("d", 24 * 60 * 60_000)];

/// A length of time in whole milliseconds, read from a number and a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(u64);

/// The text is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no length of time; write a whole number and ms, s, m, h or d, such as 90s or 15m")]
pub(crate) struct SpanError {
    text: String,
}

impl Span {
    /// Milliseconds.
    pub(crate) const fn ms(self) -> u64 {
        self.0
    }

    /// For waiting.
    pub(crate) const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let written = text.trim();
        UNITS
            .iter()
            .find_map(|(unit, ms)| Some((written.strip_suffix(unit)?, ms)))
            .filter(|(number, _)| number.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|(number, ms)| number.parse::<u64>().ok()?.checked_mul(*ms))
            .map(Self)
            .ok_or_else(|| SpanError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_a_length_of_time() {
        let cases = [
            ("250ms", 250),
            ("90s", 90_000),
            ("15m", 900_000),
            (" 2h\n", 7_200_000),
            ("3d", 259_200_000),
            ("0s", 0),
        ];
        for (text, ms) in cases {
            assert_eq!(text.parse(), Ok(Span(ms)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in
            ["", "15", "m", "-5m", "+5m", "1.5h", "15 m", "15x", "99999999999999999999s", "213503982335d"]
        {
            let refused = text.parse::<Span>().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("{text:?} is no length of time; write ")), "{refused}");
        }
    }
}
