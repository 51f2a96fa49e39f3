//! Numbers, times and money as reports write them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::utc::Utc;

/// A part of a whole, to a hundredth of a percent, rounded down: 99.99 % of a goal is not all of it. May be above one, as a goal
/// may be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ratio {
    ten_thousandths: u32,
}

impl Ratio {
    /// `None` of nothing.
    pub(super) fn of(part: u64, whole: u64) -> Option<Self> {
        let each = (u128::from(part) * 10_000).checked_div(u128::from(whole))?;
        Some(Self { ten_thousandths: u32::try_from(each).unwrap_or(u32::MAX) })
    }

    pub(super) const fn ten_thousandths(self) -> u32 {
        self.ten_thousandths
    }

    /// So many ten thousandths.
    pub(super) const fn new(ten_thousandths: u32) -> Self {
        Self { ten_thousandths }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.ten_thousandths / 10;
        f.pad(&format!("{}.{} %", tenths / 10, tenths % 10))
    }
}

/// As a fraction of one.
impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(f64::from(self.ten_thousandths) / 10_000.0)
    }
}

/// So many of something: `1 order`, `1,200 orders`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Many(pub(super) u64, pub(super) &'static str);

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", Grouped(self.0), self.1, if self.0 == 1 { "" } else { "s" })
    }
}

/// A number with its thousands apart: `12,345`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grouped(pub(super) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// Minor units with the currency's decimals: `12,345.00`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Money(pub(super) u64, pub(super) u8);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(minor, decimals) = *self;
        let whole = 10_u64.saturating_pow(u32::from(decimals));
        let major = Grouped(minor / whole);
        if decimals == 0 {
            return major.fmt(f);
        }
        f.pad(&format!("{major}.{:0width$}", minor % whole, width = usize::from(decimals)))
    }
}

/// A moment to the second, server milliseconds: `2026-11-11 00:00:01 UTC`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) u64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precise = Utc(self.0).to_string();
        f.pad(&precise.split_once('.').map_or(precise.clone(), |(second, _)| format!("{second} UTC")))
    }
}

/// A length of time, milliseconds, in its two largest units: `1h 05m`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lapse(pub(super) u64);

impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0;
        let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
        f.pad(&match ms {
            0..1_000 => format!("{ms} ms"),
            1_000..60_000 => format!("{seconds}.{} s", ms / 100 % 10),
            60_000..3_600_000 => format!("{minutes}m {:02}s", seconds % 60),
            3_600_000..86_400_000 => format!("{hours}h {:02}m", minutes % 60),
            _ => format!("{}d {:02}h", hours / 24, hours % 24),
        })
    }
}

/// Serializes numbers that name something as texts: many readers of JSON keep only 53 bits of a number.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(super) fn name<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&crate::sku::Sku(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(Grouped(number).to_string(), text);
        }
        for (minor, decimals, text) in [(5, 2, "0.05"), (123_456_789, 2, "1,234,567.89"), (1_200, 0, "1,200")]
        {
            assert_eq!(Money(minor, decimals).to_string(), text);
        }
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (61_000, "1m 01s"),
            (3_900_000, "1h 05m"),
            (90_000_000, "1d 01h"),
        ] {
            assert_eq!(Lapse(ms).to_string(), text);
        }
        assert_eq!(
            [Many(1, "unit"), Many(1_000, "unit")].map(|many| many.to_string()),
            ["1 unit", "1,000 units"]
        );
        assert_eq!(Moment(1_794_355_201_203).to_string(), "2026-11-11 00:00:01 UTC");
    }

    #[test]
    fn a_ratio_is_exact_to_its_digit_and_none_of_nothing() {
        let text = |part, whole| Ratio::of(part, whole).map(|ratio| ratio.to_string());
        assert_eq!(text(1, 3).as_deref(), Some("33.3 %"));
        assert_eq!(text(11, 10).as_deref(), Some("110.0 %"));
        assert_eq!(text(u64::MAX, u64::MAX).as_deref(), Some("100.0 %"));
        assert_eq!(text(1, 0), None);
        assert_eq!(serde_json::to_string(&Ratio::of(1, 8)).ok().as_deref(), Some("0.125"));
    }
}
