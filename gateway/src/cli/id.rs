//! Ids as people write them.

/// Reads an id of 128 bits: 32 hexadecimal digits, not all 0.
pub(super) fn id(text: &str) -> Result<[u8; 16], String> {
    let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|number| digits && *number != 0);
    number.map(u128::to_be_bytes).ok_or_else(|| "write 32 hexadecimal digits that are not all 0".to_owned())
}

/// Writes it.
pub(in crate::cli) fn written(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_digits() {
        let text = "ab".repeat(16);
        assert_eq!(id(&text), Ok([0xAB; 16]));
        assert_eq!(written([0xAB; 16]), text);
        for text in ["", "ab", &"0".repeat(32), &"+a".repeat(16), &"ab".repeat(17)] {
            assert!(id(text).unwrap_err().contains("32 hexadecimal digits"), "{text}");
        }
    }
}
