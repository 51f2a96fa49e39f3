//! The secret of an API key: what a client proves itself with.
//!
//! 32 random bytes, written as `dbk_` and 64 hexadecimal digits: the first letters let a scanner of repositories know one when it
//! finds it where none should be. It is never shown by `{:?}` nor `{}`; whoever wants its text must say so.

use std::fmt;
use std::str::FromStr;

use bincode::{Decode, Encode};

/// What the text of a secret begins with.
pub const SECRET_PREFIX: &str = "dbk_";

/// Bytes of a secret: as many as a hash of it keeps apart. Nobody guesses one.
pub const SECRET_LEN: usize = 32;

/// See the module's doc.
#[derive(Clone, Encode, Decode)]
pub struct Secret([u8; SECRET_LEN]);

/// A text is no secret. It isn't repeated: it may be one with a slip of the hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no key: a key is dbk_ and 64 hexadecimal digits, as `doorbuster keys create` printed it")]
pub struct SecretError;

impl Secret {
    /// Of bytes that nobody else knows.
    pub const fn new(bytes: [u8; SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be sent or hashed.
    pub const fn bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    /// Its text, to be shown to whoever it is made for.
    pub fn reveal(&self) -> String {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4_u32, byte & 0xF]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        SECRET_PREFIX.chars().chain(digits).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    /// Blanks around it are no part of it, as a file ends with a line's end.
    fn from_str(text: &str) -> Result<Self, SecretError> {
        let digits = text.trim().strip_prefix(SECRET_PREFIX).ok_or(SecretError)?;
        let mut bytes = [0; SECRET_LEN];
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(SecretError);
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let [high, low] = pair.map(digit);
            *byte = high.ok_or(SecretError)? << 4_u32 | low.ok_or(SecretError)?;
        }
        Ok(Self(bytes))
    }
}

/// The value of a hexadecimal digit.
fn digit(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_from_its_text_and_from_nothing_else() {
        let bytes = std::array::from_fn(|nth| u8::try_from(nth * 8).unwrap());
        let text = Secret::new(bytes).reveal();
        assert_eq!(text, "dbk_0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
        for given in [
            text.clone(),
            format!(" {text}\n"),
            text.replace(['a', 'b', 'c'], "A").replacen("dAk_", "dbk_", 1),
        ] {
            assert!(given.parse::<Secret>().is_ok(), "{given}");
        }
        assert_eq!(text.parse::<Secret>().unwrap().bytes(), &bytes);
        let long = format!("{text}0");
        let odd = &text[..text.len() - 1];
        let other = text.replacen('0', "g", 1);
        let wide = text.replacen("00", "é", 1);
        for wrong in ["", "dbk_", &text[4..], odd, &long, &other, &wide, &text.replacen("dbk", "DBK", 1)] {
            assert!(matches!(wrong.parse::<Secret>(), Err(SecretError)), "{wrong}");
        }
    }

    #[test]
    fn it_is_not_shown_by_accident() {
        let secret = Secret::new([0xAB; SECRET_LEN]);
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "Secret(…) Some(\n    Secret(…),\n)");
    }
}
