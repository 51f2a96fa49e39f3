//! Reads goals from a file and checks that they fit together.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Category, ChannelTarget, Curve, Goal, Targets};
use crate::faults::Faults;
use crate::percent::Percent;
use crate::sku::Sku;

/// Most bytes of a file: a hundred thousand SKUs that are listed one by one take two megabytes.
const MAX_FILE: u64 = 8 << 20;

/// Most categories. The board shows all of them, and a plan has a few dozen.
pub(crate) const MAX_CATEGORIES: usize = 128;

/// Most channels, for the same reason.
const MAX_CHANNELS: usize = 128;

/// Most tiers: more are no goals but a scale.
const MAX_TIERS: usize = 16;

/// Most hours of a curve: the longest month.
const MAX_HOURS: usize = 31 * 24;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    name: String,
    #[serde(default)]
    tiers: Vec<Percent>,
    t0: Option<toml::value::Datetime>,
    #[serde(default, rename = "category")]
    categories: Vec<RawCategory>,
    #[serde(default, rename = "channel")]
    channels: Vec<RawChannel>,
    curve: Option<RawCurve>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCategory {
    name: String,
    skus: Vec<RawSkus>,
    units: Option<u64>,
    amount: Option<u64>,
}

/// One SKU, or all from one to another.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "SKUs are a number, GROUP/NUMBER or FIRST-LAST, such as 7, \"7/12\" or \"100-199\""
)]
enum RawSkus {
    One(u64),
    Written(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChannel {
    channel: u16,
    #[serde(default)]
    name: String,
    share: Percent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCurve {
    hours: Vec<Percent>,
}

/// A file that sets no goals.
#[derive(Debug)]
pub(crate) enum TargetsError {
    /// It can't be read.
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is longer than any list of goals.
    TooLong {
        /// The file.
        file: PathBuf,
    },
    /// It is no TOML, or has keys and types that it may not have.
    Syntax {
        /// The file.
        file: PathBuf,
        /// Where and what.
        error: String,
    },
    /// What it says doesn't fit together.
    Faults {
        /// The file.
        file: PathBuf,
        /// What is wrong, as far as it is listed.
        faults: Vec<String>,
        /// Faults that are not listed.
        more: usize,
    },
}

impl std::error::Error for TargetsError {}

impl fmt::Display for TargetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "can't read {}: {error}", file.display()),
            Self::TooLong { file } => {
                write!(f, "{} is longer than {} MiB; is it a file of goals?", file.display(), MAX_FILE >> 20)
            }
            Self::Syntax { file, error } => write!(f, "{}: {}", file.display(), error.trim_end()),
            Self::Faults { file, faults, more } => {
                let all: Vec<String> =
                    faults.iter().map(|fault| format!("{}: {fault}", file.display())).collect();
                f.write_str(&all.join("\n"))?;
                if *more > 0 {
                    write!(f, "\nand {more} more faults")?;
                }
                Ok(())
            }
        }
    }
}

impl Targets {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, TargetsError> {
        let failed = |error| TargetsError::Read { file: path.to_owned(), error };
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE {
            return Err(TargetsError::TooLong { file: path.to_owned() });
        }
        Self::parse(path, &std::fs::read_to_string(path).map_err(failed)?)
    }

    /// Reads a file's text.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, TargetsError> {
        let raw: Raw = toml::from_str(text)
            .map_err(|error| TargetsError::Syntax { file: path.to_owned(), error: error.to_string() })?;
        let mut faults = Faults::default();
        let targets = checked(&raw, &mut faults);
        if faults.listed.is_empty() {
            return Ok(targets);
        }
        Err(TargetsError::Faults { file: path.to_owned(), faults: faults.listed, more: faults.more })
    }
}

fn checked(raw: &Raw, faults: &mut Faults) -> Targets {
    if raw.categories.is_empty() && raw.channels.is_empty() {
        faults.note("it sets no goal; write a [[category]] or a [[channel]]".to_owned());
    }
    faults.at_most("categories", raw.categories.len(), MAX_CATEGORIES);
    faults.at_most("channels", raw.channels.len(), MAX_CHANNELS);
    faults.at_most("tiers", raw.tiers.len(), MAX_TIERS);
    if raw.tiers.windows(2).any(|two| two[0].ten_thousandths() >= two[1].ten_thousandths()) {
        faults.note("tiers: each must be above the one before".to_owned());
    }
    if raw.tiers.first().is_some_and(|tier| tier.ten_thousandths() == 0) {
        faults.note("tiers: 0 % is reached by nothing; leave it out".to_owned());
    }
    let mut ranges = Vec::new();
    let mut categories: Vec<Category> = Vec::new();
    for (nth, category) in raw.categories.iter().enumerate() {
        if categories.iter().any(|other| other.name == category.name) {
            faults.note(format!("category {:?}: the name stands twice", category.name));
        }
        ranges.extend(skus(category, nth, faults));
        categories.push(Category { name: category.name.clone(), goal: goal(category, faults) });
    }
    ranges.sort_unstable();
    for two in ranges.windows(2) {
        let ((_, last, one), (first, _, other)) = (two[0], two[1]);
        if first <= last {
            let name = |nth: usize| raw.categories.get(nth).map_or("", |category| &category.name);
            faults.note(format!("SKU {} is in {:?} and in {:?}", Sku(first), name(one), name(other)));
        }
    }
    let t0 = raw.t0.as_ref().and_then(|time| {
        let known = crate::utc::moment(time);
        known.map_err(|fault| faults.note(format!("t0: {fault}"))).ok()
    });
    let channels = channels(&raw.channels, faults);
    let curve = raw.curve.as_ref().and_then(|raw| curve(raw, faults));
    Targets { name: raw.name.clone(), tiers: raw.tiers.clone(), t0, categories, channels, curve, ranges }
}

fn goal(category: &RawCategory, faults: &mut Faults) -> Goal {
    match (category.units, category.amount) {
        (Some(units @ 1..), None) => Goal::Units(units),
        (None, Some(amount @ 1..)) => Goal::Amount(amount),
        _ => {
            faults.note(format!(
                "category {:?}: say what it should sell, with either units or amount (minor units), above 0",
                category.name
            ));
            Goal::Units(1)
        }
    }
}

fn skus(category: &RawCategory, nth: usize, faults: &mut Faults) -> Vec<(u64, u64, usize)> {
    if category.skus.is_empty() {
        faults.note(format!("category {:?} has no SKU", category.name));
    }
    let mut ranges = Vec::new();
    for skus in &category.skus {
        match skus {
            RawSkus::One(sku) => ranges.push((*sku, *sku, nth)),
            RawSkus::Written(text) => match range(text) {
                Ok((first, last)) => ranges.push((first, last, nth)),
                Err(fault) => faults.note(format!("category {:?}: {fault}", category.name)),
            },
        }
    }
    ranges
}

/// The first and the last SKU of a range, or a single one twice.
fn range(text: &str) -> Result<(u64, u64), String> {
    let sku = |text: &str| text.trim().parse().map(|Sku(number)| number).map_err(|error| format!("{error}"));
    match text.split_once('-') {
        None => sku(text).map(|one| (one, one)),
        Some((first, last)) => {
            let (from, to) = (sku(first)?, sku(last)?);
            if Sku(from).group() != Sku(to).group() {
                return Err(format!(
                    "{text:?} begins in one placement group and ends in another; write a range for each"
                ));
            }
            if from > to {
                return Err(format!("{text:?} ends before it begins; write {}-{}", Sku(to), Sku(from)));
            }
            Ok((from, to))
        }
    }
}

fn channels(raw: &[RawChannel], faults: &mut Faults) -> Vec<ChannelTarget> {
    let mut channels: Vec<ChannelTarget> = Vec::new();
    for RawChannel { channel, name, share } in raw {
        if channels.iter().any(|other| other.channel == *channel) {
            faults.note(format!("channel {channel} stands twice"));
        }
        if share.ten_thousandths() == 0 {
            faults.note(format!("channel {channel}: a share of 0 % is no goal; leave it out"));
        }
        let name = if name.is_empty() { format!("channel {channel}") } else { name.clone() };
        channels.push(ChannelTarget { channel: *channel, name, share: *share });
    }
    let sum: u32 = channels.iter().map(|channel| channel.share.ten_thousandths()).sum();
    if sum > 10_000 {
        faults.note(format!("channels: their shares sum up to {}.{:02} %, over 100 %", sum / 100, sum % 100));
    }
    channels
}

fn curve(raw: &RawCurve, faults: &mut Faults) -> Option<Curve> {
    faults.at_most("hours of the curve", raw.hours.len(), MAX_HOURS);
    let curve = Curve::of(&raw.hours);
    if curve.is_none() {
        let sum: u64 = raw.hours.iter().map(|hour| u64::from(hour.ten_thousandths())).sum();
        faults.note(format!("curve: its hours sum up to {}.{:02} %, not 100 %", sum / 100, sum % 100));
    }
    curve
}
