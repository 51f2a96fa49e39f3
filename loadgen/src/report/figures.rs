//! Numbers as the text shows them.

/// A count with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number that is not negative, without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are small and not negative"
)]
pub(crate) fn rounded(number: f64) -> String {
    grouped(number.max(0.0).round() as u64)
}

/// A rate: small ones with one digit behind the point.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 99.95 { format!("{per_second:.1}") } else { rounded(per_second) }
}

/// Microseconds as milliseconds, in four digits as long as they do, so that every time up to 100 s takes five columns.
pub(crate) fn milliseconds(us: f64) -> String {
    let ms = us / 1_000.0;
    let digits = match ms {
        _ if ms < 9.9995 => 3,
        _ if ms < 99.995 => 2,
        _ if ms < 999.95 => 1,
        _ => 0,
    };
    format!("{ms:.digits$}")
}

/// Seconds, with one digit behind the point where they are not whole.
pub(crate) fn seconds(s: f64) -> String {
    format!("{s:.1}").trim_end_matches(".0").to_owned()
}

/// A share in percent, with as many of three digits behind the point as it needs.
pub(crate) fn percent(share: f64) -> String {
    let digits = format!("{:.3}", share * 100.0);
    format!("{} %", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn times_up_to_100_s_take_five_columns() {
        let times = [0.0, 85.4, 9_999.4, 9_999.6, 99_994.0, 99_996.0, 999_960.0, 60_000_000.0, 99_999_000.0];
        let shown = ["0.000", "0.085", "9.999", "10.00", "99.99", "100.0", "1000", "60000", "99999"];
        assert_eq!(times.map(milliseconds), shown);
    }

    #[test]
    fn shares_have_no_digits_that_say_nothing() {
        let shown = ["0 %", "0.03 %", "97.5 %", "99.999 %", "100 %"];
        assert_eq!([0.0, 0.000_3, 0.975, 0.999_99, 1.0].map(percent), shown);
    }

    #[test]
    fn rates_and_seconds_show_a_fraction_where_it_matters() {
        assert_eq!([0.1, 99.94, 99.96, 1_454.9].map(rate), ["0.1", "99.9", "100", "1,455"]);
        assert_eq!([0.0, 1.0, 1.428_6, 28.0].map(seconds), ["0", "1", "1.4", "28"]);
    }
}
