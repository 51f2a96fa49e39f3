//! Times as people read them: `2026-11-11 00:00:01.203 UTC`.

use std::fmt;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Days from 0000-03-01 to 1970-01-01.
const TO_EPOCH: u64 = 719_468;

/// Days of 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;

/// Server milliseconds of a time with its offset.
pub(crate) fn moment(time: &toml::value::Datetime) -> Result<u64, String> {
    let text = time.to_string();
    if time.offset.is_none() || time.time.is_none() {
        return Err(format!(
            "{text} names no time zone; write a date, a time and an offset, such as 2026-11-11T00:00:00+08:00"
        ));
    }
    let known = text.parse::<jiff::Timestamp>().map_err(|error| format!("{text}: {error}"))?;
    u64::try_from(known.as_millisecond()).map_err(|_| format!("{text} is before 1970"))
}

/// A moment, milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Utc(pub(crate) u64);

impl fmt::Display for Utc {
    /// The civil date by Howard Hinnant's `civil_from_days`, in years that begin in March.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0 / DAY_MS + TO_EPOCH, self.0 % DAY_MS);
        let (era, day) = (days / ERA, days % ERA);
        let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day + 2) / 153;
        let day = day - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        write!(out, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", ms % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_as_date_and_time() {
        for (ms, text) in [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_399_999, "2000-02-28 23:59:59.999 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00.000 UTC"),
            (951_868_800_000, "2000-03-01 00:00:00.000 UTC"),
            (1_700_000_000_000, "2023-11-14 22:13:20.000 UTC"),
            (1_767_225_600_000, "2026-01-01 00:00:00.000 UTC"),
            (1_794_355_201_203, "2026-11-11 00:00:01.203 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000 UTC"),
        ] {
            assert_eq!(Utc(ms).to_string(), text);
        }
    }
}
