//! What somebody meant who wrote a name that there isn't.

/// Longest name that is compared; of a longer one the beginning is.
const LONGEST: usize = 64;

/// The known name that takes the fewest changed, added and left out letters to get to.
pub(super) fn nearest(name: &str, known: impl Iterator<Item = String>) -> String {
    let name = name.to_lowercase();
    known.min_by_key(|known| distance(&name, &known.to_lowercase())).unwrap_or_default()
}

/// Letters that must be changed, added or left out (Levenshtein, 1965).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(LONGEST).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (nth, letter) in (1..).zip(from.chars().take(LONGEST)) {
        let mut next = Vec::with_capacity(row.len());
        next.push(nth);
        let mut left = nth;
        for ((&other, &diagonal), &above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(letter != other)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_with_the_fewest_changes_is_meant() {
        let known = || ["rules.offer_ms", "rules.pay_pin_ms", "log.folder"].into_iter().map(str::to_owned);
        for (name, meant) in
            [("rules.ofer_ms", "rules.offer_ms"), ("LOG.FOLDR", "log.folder"), ("", "log.folder")]
        {
            assert_eq!(nearest(name, known()), meant, "{name}");
        }
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
        assert_eq!(distance(&"a".repeat(100_000), "a"), LONGEST - 1);
    }
}
