//! Numbers in words' company.

use crate::sku::Sku;

/// Units of a SKU that an order has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sku: u64,
    pub(super) units: i64,
}

/// `1 order`, `2 orders`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// `1 unit`, `2 units`.
pub(super) fn pieces(units: i64) -> String {
    count(usize::try_from(units.unsigned_abs()).unwrap_or(usize::MAX), "unit")
}

/// `2 units of SKU 7 and 1 unit of SKU 8`, without the lines of which nothing is left.
pub(super) fn units(lines: &[Line]) -> String {
    let left = lines.iter().filter(|line| line.units != 0);
    let each: Vec<String> =
        left.map(|line| format!("{} of SKU {}", pieces(line.units), Sku(line.sku))).collect();
    match each.split_last() {
        None => "units".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Whether a verb about these units is a singular's.
pub(super) fn were(lines: &[Line]) -> &'static str {
    if lines.iter().map(|line| line.units).sum::<i64>() == 1 { "was" } else { "were" }
}

/// Minor units with the currency's decimals: `199.00`.
pub(super) fn amount(minor: u64, decimals: u8) -> String {
    let whole = 10_u64.pow(u32::from(decimals));
    if decimals == 0 {
        return minor.to_string();
    }
    format!("{}.{:0width$}", minor / whole, minor % whole, width = usize::from(decimals))
}

/// A payment's id, as the feed writes it.
pub(super) use crate::cli::id::written as payment;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_words() {
        let line = |sku, units| Line { sku, units };
        assert_eq!(units(&[line(7, 1)]), "1 unit of SKU 7");
        assert_eq!(
            units(&[line(7, 2), line(5, 0), line(8, 1), line(9, 3)]),
            "2 units of SKU 7, 1 unit of SKU 8 and 3 units of SKU 9"
        );
        assert_eq!((were(&[line(7, 1), line(8, 0)]), were(&[line(7, 1), line(8, 1)])), ("was", "were"));
        assert_eq!(
            (amount(19_900, 2), amount(5, 2), amount(19_900, 0)),
            ("199.00".into(), "0.05".into(), "19900".into())
        );
        assert_eq!((count(1, "order"), count(0, "order")), ("1 order".into(), "0 orders".into()));
    }
}
