//! The arguments of a command, one after the other.

use std::fmt;
use std::ops::Range;

use super::command::Form;
use crate::after::{GoodsTo, Step};

/// What is wrong with a command. Its connection goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Complaint {
    /// An argument is missing.
    #[error("{name} is missing")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// An argument is no value of its kind.
    #[error("{name} must be {need}, and is '{found}'")]
    Value {
        /// Which.
        name: &'static str,
        /// What it must be.
        need: &'static str,
        /// What it is.
        found: Found,
    },
    /// What should be the name of an option is none.
    #[error("'{found}' is none of the command's options")]
    Option {
        /// What it is.
        found: Found,
    },
    /// The values don't go together, or are out of range.
    #[error("{0}")]
    Rule(&'static str),
}

/// What stood in a command, fit for a line of text: at most 40 bytes of it, and no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found(String);

impl Found {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let shown = bytes.get(..40).unwrap_or(bytes);
        let more = if shown.len() < bytes.len() { "…" } else { "" };
        Self(format!("{}{more}", shown.escape_ascii()))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an argument can be.
pub(super) trait Value: Sized {
    /// In words, for a complaint.
    const NEED: &'static str;

    fn read(text: &[u8]) -> Option<Self>;
}

/// Digits alone: no sign, no blank.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

macro_rules! numbers {
    ($($type:ty, $need:literal;)+) => {
        $(impl Value for $type {
            const NEED: &'static str = $need;

            #[inline]
            fn read(text: &[u8]) -> Option<Self> {
                number(text).and_then(|number| Self::try_from(number).ok())
            }
        })+
    };
}

numbers! {
    u64, "a whole number, 0 to 18446744073709551615";
    u32, "a whole number, 0 to 4294967295";
    u16, "a whole number, 0 to 65535";
    u8, "a whole number, 0 to 255";
}

impl Value for i64 {
    const NEED: &'static str = "a whole number, -9223372036854775807 to 9223372036854775807";

    fn read(text: &[u8]) -> Option<Self> {
        match text.strip_prefix(b"-") {
            Some(digits) => Self::try_from(number(digits)?).ok()?.checked_neg(),
            None => Self::try_from(number(text)?).ok(),
        }
    }
}

/// An id of 16 bytes: a UUID, with hyphens or without; or text of up to 15 bytes, which stands for itself.
impl Value for [u8; 16] {
    const NEED: &'static str = "a UUID, 32 hexadecimal digits, or a text of 1 to 15 bytes";

    fn read(text: &[u8]) -> Option<Self> {
        let mut id = [0; 16];
        match text.len() {
            1..=15 => {
                for (place, byte) in id.iter_mut().zip(text) {
                    *place = *byte;
                }
            }
            32 | 36 => {
                let mut digits = text.iter().enumerate().filter(|&(at, _)| {
                    // Where a UUID has its hyphens.
                    text.len() == 32 || !matches!(at, 8 | 13 | 18 | 23)
                });
                let hyphens = [8, 13, 18, 23].iter().all(|&at| text.get(at) == Some(&b'-'));
                if text.len() == 36 && !hyphens {
                    return None;
                }
                for place in &mut id {
                    let high = hexadecimal(*digits.next()?.1)?;
                    let low = hexadecimal(*digits.next()?.1)?;
                    *place = (high << 4) | low;
                }
            }
            _ => return None,
        }
        (id != [0; 16]).then_some(id)
    }
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A coupon: its batch and its place in that, as `5-17`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CouponName(pub(super) u64);

impl Value for CouponName {
    const NEED: &'static str = "a coupon by its batch and serial, such as 5-17";

    fn read(text: &[u8]) -> Option<Self> {
        let hyphen = text.iter().position(|&byte| byte == b'-')?;
        let (batch, serial) = text.split_at_checked(hyphen)?;
        let (batch, serial) = (u32::read(batch)?, u32::read(serial.get(1..)?)?);
        Some(Self((u64::from(batch) << 32) | u64::from(serial)))
    }
}

/// A choice by its name, as the byte that stands on the wire.
macro_rules! choices {
    ($($(#[$meta:meta])* $type:ident, $need:literal, $read:expr;)+) => {
        $($(#[$meta])* #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct $type(pub(super) u8);

        impl Value for $type {
            const NEED: &'static str = $need;

            fn read(text: &[u8]) -> Option<Self> {
                let read: fn(&[u8]) -> Option<u8> = $read;
                read(text).map(Self)
            }
        })+
    };
}

choices! {
    /// A step of a paid order.
    StepName, "FULFIL, SHIP, DELIVER, CANCEL, RETURN or CLOSE", |text| {
        Step::ALL.iter().find(|step| is(text, step.name())).map(|step| step.byte())
    };
    /// Where goods go.
    GoodsName, "STOCK, QUARANTINE or SCRAP", |text| {
        GoodsTo::ALL.iter().find(|to| is(text, to.name())).map(|to| to.byte())
    };
    /// Yes or no.
    YesNo, "YES or NO", |text| nth(text, &["NO", "YES"]);
    /// A stage of a campaign.
    StageName, "WARM_UP, LIVE, SUSTAIN, WRAP_UP or CLOSED", |text| nth(text, STAGES);
    /// What to do with a campaign: from 1.
    ActionName, "FOLLOW, PAUSE, RESUME or END", |text| nth(text, &["", "FOLLOW", "PAUSE", "RESUME", "END"]);
    /// What becomes of old prices.
    PolicyName, "STRICT, GRACE or HONOUR_LOWER", |text| nth(text, POLICIES);
}

/// A phase's stages, by their byte.
pub(super) const STAGES: &[&str] = &["WARM_UP", "LIVE", "SUSTAIN", "WRAP_UP", "CLOSED"];

/// A campaign's policies for old prices, by their byte.
pub(super) const POLICIES: &[&str] = &["STRICT", "GRACE", "HONOUR_LOWER"];

/// Whether a word is this one, in capitals or not.
pub(super) fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

fn nth(text: &[u8], names: &[&str]) -> Option<u8> {
    let at = names.iter().position(|name| !name.is_empty() && is(text, name))?;
    u8::try_from(at).ok()
}

/// See the module's doc. The first is a command's name.
#[derive(Clone, Debug)]
pub(super) struct Arguments<'a> {
    input: &'a [u8],
    left: std::slice::Iter<'a, Range<usize>>,
    /// Whether the request has never been sent before, and how long somebody waits for its answer, milliseconds; 0: for ever.
    pub(super) first: bool,
    pub(super) within_ms: u32,
    /// How the answer is said.
    pub(super) form: Form,
}

impl<'a> Arguments<'a> {
    /// The arguments of a command that is at the front of `input`.
    pub(super) fn new(input: &'a [u8], at: &'a [Range<usize>]) -> Self {
        Self { input, left: at.iter(), first: false, within_ms: 0, form: Form::Fields }
    }

    /// The next word.
    #[inline]
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.left.next().and_then(|range| self.input.get(range.clone()))
    }

    /// The next word, which stays where it is.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        self.clone().word()
    }

    /// How many there are left.
    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    /// The next value.
    ///
    /// # Errors
    /// There is none, or it is of another kind.
    #[inline]
    pub(super) fn value<V: Value>(&mut self, name: &'static str) -> Result<V, Complaint> {
        let word = self.word().ok_or(Complaint::Missing { name })?;
        V::read(word).ok_or_else(|| Complaint::Value { name, need: V::NEED, found: Found::new(word) })
    }

    /// As [`value`](Self::value), in the place of another.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub(super) fn fill<V: Value>(&mut self, name: &'static str, place: &mut V) -> Result<(), Complaint> {
        *place = self.value(name)?;
        Ok(())
    }

    /// Hands the name of each option that is left to `take`, which says whether it is one.
    ///
    /// # Errors
    /// One is none, or has no value that it may have.
    pub(super) fn options(
        &mut self,
        mut take: impl FnMut(&'a [u8], &mut Self) -> Result<bool, Complaint>,
    ) -> Result<(), Complaint> {
        while let Some(option) = self.option()? {
            if !take(option, self)? {
                return Err(Complaint::Option { found: Found::new(option) });
            }
        }
        Ok(())
    }

    /// Takes the next value if this option is the one of that name. Says whether it is.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub(super) fn fill_if<V: Value>(
        &mut self,
        option: &[u8],
        name: &'static str,
        place: &mut V,
    ) -> Result<bool, Complaint> {
        is(option, name).then(|| self.fill(name, place)).transpose().map(|taken| taken.is_some())
    }

    /// The name of the next option; `None` at the end. Those that go with every command are dealt with here.
    ///
    /// # Errors
    /// One of those has no value.
    pub(super) fn option(&mut self) -> Result<Option<&'a [u8]>, Complaint> {
        loop {
            match self.word() {
                Some(word) if is(word, "FIRST") => self.first = true,
                Some(word) if is(word, "WITHIN") => self.within_ms = self.value("WITHIN")?,
                option => return Ok(option),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_within_their_range() {
        assert_eq!(u64::read(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(u64::read(b"18446744073709551616"), None);
        assert_eq!((u16::read(b"65535"), u16::read(b"65536")), (Some(u16::MAX), None));
        assert_eq!(i64::read(b"-9223372036854775807"), Some(-i64::MAX));
        for wrong in [&b""[..], b"+1", b" 1", b"1.0", b"0x1", b"--1", &[b'0'; 21]] {
            assert_eq!((u32::read(wrong), i64::read(wrong)), (None, None), "{wrong:?}");
        }
    }

    #[test]
    fn ids_are_uuids_or_short_texts() {
        let uuid = b"019abcde-0123-7456-89ab-0123456789ab";
        let bytes = <[u8; 16]>::read(uuid).unwrap();
        assert_eq!(bytes[..4], [0x01, 0x9a, 0xbc, 0xde]);
        assert_eq!(<[u8; 16]>::read(b"019abcde0123745689ab0123456789ab"), Some(bytes));
        assert_eq!(<[u8; 16]>::read(b"pay-7").unwrap()[..6], *b"pay-7\0");
        let zeros = [b'0'; 32];
        for wrong in [&b""[..], &uuid[1..], b"019abcde_0123-7456-89ab-0123456789ab", &zeros, &[b'x'; 32]] {
            assert_eq!(<[u8; 16]>::read(wrong), None, "{}", wrong.escape_ascii());
        }
    }

    #[test]
    fn a_complaint_shows_what_it_found_in_one_short_line() {
        let found = Found::new(&[&b"a\r\n"[..], &[b'x'; 60]].concat());
        assert_eq!(found.to_string(), format!("a\\r\\n{}…", "x".repeat(37)));
    }
}
