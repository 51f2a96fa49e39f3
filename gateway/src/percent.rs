//! Shares as people write them: `3 %`, `0.5 %`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share from 0 to 100 %, to a hundredth of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent {
    ten_thousandths: u32,
}

/// The text is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no share; write \"3 %\" or \"0.5 %\", from 0 to 100 with two digits behind the point at most"
)]
pub struct PercentError {
    text: String,
}

impl Percent {
    /// So many percent, 100 at most.
    ///
    /// # Panics
    /// Above 100.
    pub const fn whole(percent: u32) -> Self {
        assert!(percent <= 100, "a share is 100 % at most");
        Self { ten_thousandths: percent * 100 }
    }

    /// Of ten thousand.
    pub const fn ten_thousandths(self) -> u32 {
        self.ten_thousandths
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let parsed = || {
            let number = text.trim().strip_suffix('%')?.trim_end();
            let (whole, behind) = number.split_once('.').unwrap_or((number, ""));
            let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
            if whole.is_empty() || !digits(whole) || !digits(behind) || behind.len() > 2 {
                return None;
            }
            let hundredths = format!("{behind:0<2}").parse::<u32>().ok()?;
            let all = whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(hundredths)?;
            (all <= 10_000).then_some(Self { ten_thousandths: all })
        };
        parsed().ok_or_else(|| PercentError { text: text.to_owned() })
    }
}

impl TryFrom<String> for Percent {
    type Error = PercentError;

    fn try_from(text: String) -> Result<Self, PercentError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.ten_thousandths) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_written_as_people_do() {
        for (text, expected) in [("3 %", 300), ("0.5%", 50), ("100 %", 10_000), (" 2.25 % ", 225), ("0 %", 0)]
        {
            let percent: Percent = text.parse().expect(text);
            assert_eq!(percent.ten_thousandths(), expected);
            assert_eq!(percent.to_string().parse(), Ok(percent));
        }
        assert_eq!(Percent::whole(3).to_string(), "3 %");
    }

    #[test]
    fn what_is_no_share_is_said_with_what_to_write() {
        for text in ["3", "101 %", "-1 %", "1.234 %", "%", "3 %%", "three %", "99999999999 %", ".5 %"] {
            let error = text.parse::<Percent>().expect_err(text).to_string();
            assert!(error.contains(text) && error.contains("write \"3 %\""), "{error}");
        }
    }
}
