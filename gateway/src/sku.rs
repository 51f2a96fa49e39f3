//! Numbers of SKUs as people write them: `4711`, or `7/12` for SKU 12 of placement group 7.

use std::fmt;
use std::str::FromStr;

use doorbuster_ledger::{GroupId, SkuId};
use serde::{Deserialize, Deserializer};

/// The number of a SKU, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub(crate) struct Sku(pub(crate) u64);

/// The text names no SKU.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} names no SKU; write a number below 2^64, or GROUP/NUMBER, such as 7/12, with a group below 2^31 and a number \
     below 2^32"
)]
pub(crate) struct SkuError {
    text: String,
}

/// How a file may say it.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a SKU is a number, or GROUP/NUMBER, such as 7/12")]
enum Written {
    Number(u64),
    Text(String),
}

/// Reads the number of a SKU, for options.
pub(crate) fn number(text: &str) -> Result<u64, SkuError> {
    text.parse().map(|Sku(number)| number)
}

/// As [`number`], for a field of a file.
pub(crate) fn field<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Sku::deserialize(from).map(|Sku(number)| number)
}

/// As [`field`], of a list.
pub(crate) fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    Vec::<Sku>::deserialize(from).map(|skus| skus.into_iter().map(|Sku(number)| number).collect())
}

impl Sku {
    /// The placement group that the number names, if it does.
    pub(crate) fn group(self) -> Option<GroupId> {
        SkuId::new(self.0).group()
    }
}

impl FromStr for Sku {
    type Err = SkuError;

    fn from_str(text: &str) -> Result<Self, SkuError> {
        let known = match text.trim().split_once('/') {
            None => text.trim().parse().ok(),
            Some((group, number)) => {
                let group = group.parse().ok().and_then(GroupId::new);
                group.zip(number.parse().ok()).map(|(group, number)| group.sku(number).raw())
            }
        };
        known.map(Self).ok_or_else(|| SkuError { text: text.to_owned() })
    }
}

impl TryFrom<Written> for Sku {
    type Error = SkuError;

    fn try_from(written: Written) -> Result<Self, SkuError> {
        match written {
            Written::Number(number) => Ok(Self(number)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group() {
            None => self.0.fmt(f),
            Some(group) => write!(f, "{}/{}", group.raw(), self.0 & u64::from(u32::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_place_in_a_group_are_read_and_written() {
        for (text, number) in
            [("0", 0), ("4711", 4_711), ("7/12", 0x8000_0007_0000_000C), ("2147483647/4294967295", u64::MAX)]
        {
            assert_eq!(text.parse(), Ok(Sku(number)));
            assert_eq!(Sku(number).to_string(), text);
        }
        assert_eq!("18446744073709551615".parse(), Ok(Sku(u64::MAX)));
    }

    #[test]
    fn what_names_no_sku_is_told() {
        for text in
            ["", "seven", "-1", "18446744073709551616", "2147483648/1", "1/4294967296", "1/", "/1", "1/2/3"]
        {
            let error = text.parse::<Sku>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} names no SKU; write a number")), "{error}");
        }
    }
}
