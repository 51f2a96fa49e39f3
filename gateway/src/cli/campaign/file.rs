//! Campaign files: TOML for what people write, CSV beside it for long lists. Read whole and checked before anybody is asked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::{Path, PathBuf};

use doorbuster_client::{Phase, PutPrice};
use doorbuster_protocol::MAX_PHASE_CHANNELS;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::allot::{Allotment, Part, Whole};
use super::budget::{self, RawBudget};
use super::spec::{Limits, Spec, Target};
use crate::campaign::STAGES;
use crate::duration::Span;
use crate::faults::Faults;
use crate::sku::Sku;
use crate::utc::moment;

/// Most bytes of a file: a hundred thousand SKUs have some megabytes of prices.
const MAX_FILE: u64 = 64 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    campaign: u32,
    name: String,
    #[serde(default)]
    policy: Policy,
    grace: Option<String>,
    #[serde(default, rename = "phase")]
    phases: Vec<RawPhase>,
    #[serde(default, rename = "sku")]
    skus: Vec<RawSku>,
    skus_file: Option<PathBuf>,
    #[serde(default, rename = "price")]
    prices: Vec<RawPrice>,
    prices_file: Option<PathBuf>,
    #[serde(default, rename = "allotment")]
    allotments: Vec<RawAllotment>,
    #[serde(default, rename = "budget")]
    budgets: Vec<RawBudget>,
    #[serde(default)]
    targets: BTreeMap<String, u32>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Policy {
    #[default]
    Strict,
    Grace,
    HonourLower,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPhase {
    name: String,
    start: toml::value::Datetime,
    stage: String,
    #[serde(default)]
    min_tier: u16,
    #[serde(default)]
    channels: Vec<u16>,
    #[serde(default)]
    user_limit: u32,
    #[serde(default)]
    order_limit: u32,
    #[serde(default)]
    group_limit: u32,
    #[serde(default)]
    prices: u32,
    #[serde(default)]
    admission_plan: u16,
    #[serde(default)]
    breaker_plan: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSku {
    #[serde(deserialize_with = "crate::sku::field")]
    sku: u64,
    user_limit: Option<u32>,
    order_limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPrice {
    #[serde(deserialize_with = "crate::sku::field")]
    sku: u64,
    version: u32,
    price: u64,
    list: Option<u64>,
    floor: Option<u64>,
    ceiling: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllotment {
    #[serde(default, deserialize_with = "crate::sku::list")]
    skus: Vec<u64>,
    units: Option<u64>,
    percent: Option<u64>,
    channels: Vec<RawPart>,
    release: Option<toml::value::Datetime>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPart {
    channel: u16,
    weight: u64,
    cap: Option<u64>,
}

/// A file that is no campaign.
#[derive(Debug)]
pub(super) enum FileError {
    Read { file: PathBuf, error: std::io::Error },
    TooLong { file: PathBuf },
    Syntax { file: PathBuf, error: String },
    Faults { file: PathBuf, faults: Vec<String>, more: usize },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { file, error } => write!(f, "can't read {}: {error}", file.display()),
            Self::TooLong { file } => {
                write!(f, "{} is longer than {} MiB", file.display(), MAX_FILE >> 20)
            }
            Self::Syntax { file, error } => write!(f, "{}: {}", file.display(), error.trim_end()),
            Self::Faults { file, faults, more } => {
                for fault in faults {
                    writeln!(f, "{}: {fault}", file.display())?;
                }
                if *more > 0 {
                    writeln!(f, "… and {more} more")?;
                }
                write!(f, "nothing was asked of the server; mend the file and try again")
            }
        }
    }
}

/// Reads a campaign and the lists that it names, which lie beside it.
pub(super) fn read(path: &Path) -> Result<Spec, FileError> {
    let mut raw = parse(path, &text(path)?)?;
    let beside = |name: &Path| path.parent().unwrap_or(Path::new("")).join(name);
    if let Some(name) = &raw.skus_file {
        raw.skus.extend(rows::<RawSku>(&beside(name))?);
    }
    if let Some(name) = &raw.prices_file {
        raw.prices.extend(rows::<RawPrice>(&beside(name))?);
    }
    checked(path, raw)
}

/// Reads a campaign from text; lists that it names are not looked for.
pub(super) fn read_alone(path: &Path, text: &str) -> Result<Spec, FileError> {
    checked(path, parse(path, text)?)
}

fn parse(path: &Path, text: &str) -> Result<Raw, FileError> {
    toml::from_str(text)
        .map_err(|error| FileError::Syntax { file: path.to_owned(), error: error.to_string() })
}

/// The campaign, if everything in it fits together.
fn checked(path: &Path, raw: Raw) -> Result<Spec, FileError> {
    let mut faults = Faults::default();
    let (policy, grace_ms) = policy(raw.policy, raw.grace.as_deref(), &mut faults);
    let spec = Spec {
        campaign: raw.campaign,
        name: raw.name,
        policy,
        grace_ms,
        phases: phases(&raw.phases, &mut faults),
        skus: limits(&raw.skus, &mut faults),
        prices: priced(&raw.prices, &mut faults),
        allotments: raw
            .allotments
            .iter()
            .zip(1_u32..)
            .map(|(raw, nth)| allotment(raw, nth, &mut faults))
            .collect(),
        budgets: budget::checked(&raw.budgets, |fault| faults.note(fault)),
        targets: raw.targets.into_iter().map(|(of, percent)| Target { of, percent }).collect(),
    };
    if spec.campaign == 0 {
        faults.note("campaign is 0, which stands for none; number it from 1".to_owned());
    }
    let of_targets: u64 = spec.targets.iter().map(|target| u64::from(target.percent)).sum();
    if !spec.targets.is_empty() && of_targets != 100 {
        faults.note(format!("targets: they sum up to {of_targets} percent, not 100"));
    }
    for ((sku, version), _) in spec.prices.iter().filter(|((sku, _), _)| !spec.skus.contains_key(sku)) {
        faults.note(format!(
            "price of SKU {}, version {version}: the campaign doesn't sell this SKU",
            Sku(*sku)
        ));
    }
    let mut dealt = std::collections::BTreeSet::new();
    for allotment in &spec.allotments {
        let named: Vec<u64> = if allotment.skus.is_empty() {
            spec.skus.keys().copied().collect()
        } else {
            allotment.skus.clone()
        };
        for sku in named {
            for part in allotment.channels.iter().filter(|part| !dealt.insert((sku, part.channel))) {
                faults.note(format!(
                    "allotment: SKU {}, channel {} is dealt out twice",
                    Sku(sku),
                    part.channel
                ));
            }
        }
        for sku in allotment.skus.iter().filter(|sku| !spec.skus.contains_key(sku)) {
            faults.note(format!("allotment: SKU {} is not sold by the campaign", Sku(*sku)));
        }
    }
    together(&spec, &mut faults);
    end(faults, path).map(|()| spec)
}

/// A limit over several SKUs needs them in placement groups.
fn together(spec: &Spec, faults: &mut Faults) {
    let Some((name, _)) = spec.phases.iter().find(|(_, phase)| phase.group_limit != 0) else { return };
    for sku in spec.skus.keys().filter(|sku| doorbuster_ledger::SkuId::new(**sku).group().is_none()) {
        faults.note(format!(
            "phase {name} has a group_limit, but SKU {} is in no placement group; give it a number like 7/1, or another campaign",
            Sku(*sku)
        ));
    }
}

fn text(path: &Path) -> Result<String, FileError> {
    let failed = |error| FileError::Read { file: path.to_owned(), error };
    if std::fs::metadata(path).map_err(failed)?.len() > MAX_FILE {
        return Err(FileError::TooLong { file: path.to_owned() });
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The rows of a list in CSV, with a header line that names the columns.
fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, FileError> {
    let text = text(path)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let mut faults = Faults::default();
    for row in reader.deserialize() {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => faults.note(error.to_string()),
        }
    }
    end(faults, path).map(|()| rows)
}

/// Nothing, or what was noted.
fn end(faults: Faults, path: &Path) -> Result<(), FileError> {
    let Faults { listed, more } = faults;
    if listed.is_empty() {
        Ok(())
    } else {
        Err(FileError::Faults { file: path.to_owned(), faults: listed, more })
    }
}

fn policy(policy: Policy, grace: Option<&str>, faults: &mut Faults) -> (u8, u32) {
    let ms = match grace.map(str::parse::<Span>) {
        None => None,
        Some(Ok(span)) => u32::try_from(span.ms()).ok(),
        Some(Err(error)) => {
            faults.note(format!("grace: {error}"));
            return (1, 0);
        }
    };
    match (policy, grace, ms) {
        (Policy::Strict, None, _) => (0, 0),
        (Policy::HonourLower, None, _) => (2, 0),
        (Policy::Grace, Some(_), Some(ms)) => (1, ms),
        (Policy::Grace, None, _) => {
            faults.note("policy is grace, but for how long? Write grace = \"30s\"".to_owned());
            (1, 0)
        }
        (Policy::Grace, Some(grace), None) => {
            faults.note(format!("grace: {grace} is too long: at most 49d"));
            (1, 0)
        }
        (Policy::Strict | Policy::HonourLower, Some(_), _) => {
            faults.note("grace goes with policy = \"grace\" only".to_owned());
            (0, 0)
        }
    }
}

fn phases(raw: &[RawPhase], faults: &mut Faults) -> Vec<(String, Phase)> {
    if raw.is_empty() || raw.len() > usize::from(doorbuster_ledger::MAX_PHASES) {
        faults.note(format!("{} phases; a campaign has 1 to {}", raw.len(), doorbuster_ledger::MAX_PHASES));
    }
    let mut last = None;
    let mut phases = Vec::new();
    for (nth, raw) in (1..).zip(raw) {
        let at = format!("phase {nth} ({})", raw.name);
        let start = moment(&raw.start).unwrap_or_else(|fault| {
            faults.note(format!("{at}: start {fault}"));
            0
        });
        if last.is_some_and(|last| start <= last) {
            faults.note(format!("{at}: it starts no later than the one before"));
        }
        last = Some(start);
        let stage = STAGES.iter().position(|stage| *stage == raw.stage).unwrap_or_else(|| {
            faults.note(format!("{at}: stage {:?} is none of {}", raw.stage, STAGES.join(", ")));
            0
        });
        let mut channels = [0; MAX_PHASE_CHANNELS];
        match channels.get_mut(..raw.channels.len()) {
            Some(places) => places.copy_from_slice(&raw.channels),
            None => faults.note(format!("{at}: more than {MAX_PHASE_CHANNELS} channels")),
        }
        let phase = Phase {
            start,
            user_limit: raw.user_limit,
            order_limit: raw.order_limit,
            group_limit: raw.group_limit,
            price_version: raw.prices,
            min_tier: raw.min_tier,
            admission_plan: raw.admission_plan,
            breaker_plan: raw.breaker_plan,
            stage: u8::try_from(stage).unwrap_or(0),
            channel_count: u8::try_from(raw.channels.len()).unwrap_or(0),
            channels,
        };
        phases.push((raw.name.clone(), phase));
    }
    if !phases.iter().any(|(_, phase)| (1..4).contains(&phase.stage)) {
        faults.note("no phase sells anything: none is live, sustain or wrap-up".to_owned());
    }
    phases
}

fn limits(raw: &[RawSku], faults: &mut Faults) -> BTreeMap<u64, Limits> {
    let mut skus = BTreeMap::new();
    for RawSku { sku, user_limit, order_limit } in raw {
        match skus.entry(*sku) {
            Entry::Vacant(place) => {
                place.insert(Limits { user_limit: *user_limit, order_limit: *order_limit });
            }
            Entry::Occupied(_) => faults.note(format!("SKU {} is listed twice", Sku(*sku))),
        }
    }
    if skus.is_empty() {
        faults.note("the campaign sells no SKU; list them with [[sku]] or skus_file".to_owned());
    }
    skus
}

fn priced(raw: &[RawPrice], faults: &mut Faults) -> BTreeMap<(u64, u32), PutPrice> {
    let mut prices = BTreeMap::new();
    for RawPrice { sku, version, price, list, floor, ceiling } in raw {
        let at = format!("price of SKU {}, version {version}", Sku(*sku));
        let put = PutPrice {
            sku: *sku,
            version: *version,
            price: *price,
            list: list.unwrap_or(*price),
            floor: floor.unwrap_or(*price),
            ceiling: ceiling.unwrap_or(*price),
            ..PutPrice::default()
        };
        if *version == 0 {
            faults.note(format!("{at}: number versions from 1"));
        }
        if put.floor > put.price || put.price > put.ceiling {
            faults.note(format!(
                "{at}: {} is not between its floor {} and its ceiling {}",
                put.price, put.floor, put.ceiling
            ));
        }
        if put.list < put.price {
            faults.note(format!("{at}: the price without the campaign, {}, is lower", put.list));
        }
        if prices.insert((*sku, *version), put).is_some() {
            faults.note(format!("{at}: it is listed twice"));
        }
    }
    prices
}

fn allotment(raw: &RawAllotment, nth: u32, faults: &mut Faults) -> Allotment {
    let at = format!("allotment {nth}");
    let whole = match (raw.units, raw.percent) {
        (Some(units), None) => Whole::Units(units),
        (None, Some(percent @ 0..=100)) => Whole::Percent(percent),
        (None, Some(percent)) => {
            faults.note(format!("{at}: percent is {percent}, over 100"));
            Whole::Percent(0)
        }
        _ => {
            faults.note(format!("{at}: say how much is dealt out of each SKU, with either units or percent"));
            Whole::Units(0)
        }
    };
    let release_at = raw.release.as_ref().map_or(0, |time| {
        moment(time).unwrap_or_else(|fault| {
            faults.note(format!("{at}: release {fault}"));
            0
        })
    });
    let part = |part: &RawPart| Part { channel: part.channel, weight: part.weight, cap: part.cap };
    let channels: Vec<Part> = raw.channels.iter().map(part).collect();
    if channels.is_empty() {
        faults.note(format!("{at}: it names no channel"));
    }
    for (before, part) in channels.iter().enumerate() {
        if channels[..before].iter().any(|other| other.channel == part.channel) {
            faults.note(format!("{at}: channel {} stands in it twice", part.channel));
        }
    }
    Allotment { skus: raw.skus.clone(), whole, channels, release_at }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
