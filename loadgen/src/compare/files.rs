//! Finding and reading what is compared.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::verdict::Figure;
use super::{curve, drill};
use crate::exit::Failure;

/// Names of the files, by what they are of.
const NAMES: [&str; 2] = ["report.json", "curve.json"];

/// Largest file, bytes: it is read whole. A drill of a day is some 20 MB.
const MOST_BYTES: u64 = 256 << 20;

/// What a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A drill's report.
    Drill,
    /// A curve of `knee`.
    Curve,
}

/// Whether a run counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Sound,
    /// It does, and it broke correctness.
    Broken,
    /// It doesn't, for this reason.
    LeftOut(String),
}

/// A file that was read.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    pub(super) standing: Standing,
    /// What must be the same on both sides, by name; null where it is unknown.
    pub(super) set_up: Vec<(&'static str, Value)>,
    /// Cores that somebody else used meanwhile; 0 where it is unknown.
    pub(super) others_cores: f64,
    /// Arrivals a second that the calibration settled on; none where the rate was given.
    pub(super) calibrated_peak: Option<f64>,
    /// Measured values; several of the same metric are repeats.
    pub(super) figures: Vec<Figure>,
    /// Points that don't count.
    pub(super) without: usize,
}

/// Reads every run of a side: a file, a folder, or several with commas between.
pub(super) fn read(side: &str) -> Result<Vec<Run>, Failure> {
    let whole = Path::new(side);
    // A name with a comma in it is one name if it is there.
    let parts: Vec<&Path> = if whole.exists() {
        vec![whole]
    } else {
        side.split(',').map(|part| Path::new(part.trim())).collect()
    };
    let mut runs = Vec::new();
    for part in parts {
        for file in found(part)? {
            runs.push(read_file(&file)?);
        }
    }
    Ok(runs)
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::could_not(&format!("read {}", path.display()), why)
}

/// The files that a path means.
fn found(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if meta.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let within = |folder: &Path| NAMES.map(|name| folder.join(name)).into_iter().find(|file| file.is_file());
    if let Some(file) = within(path) {
        return Ok(vec![file]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut files: Vec<PathBuf> = entries
        .map_err(|error| unreadable(path, &error))?
        .iter()
        .filter_map(|entry| within(&entry.path()))
        .collect();
    files.sort();
    if files.is_empty() {
        let [report, curve] = NAMES;
        return Err(unreadable(
            path,
            &format_args!("neither it nor its subfolders have a {report} or {curve}"),
        ));
    }
    Ok(files)
}

fn read_file(path: &Path) -> Result<Run, Failure> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    if size > MOST_BYTES {
        return Err(unreadable(path, &format_args!("{size} bytes is over the limit of {MOST_BYTES}")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| unreadable(path, &error))?;
    let run = if json.get("points").is_some() {
        curve::run(path, json)
    } else if json.get("settings").is_some() {
        drill::run(path, json)
    } else {
        return Err(unreadable(path, &"it is neither a drill's report nor a curve"));
    };
    run.map_err(|why| unreadable(path, &why))
}

/// Refuses a file of a version that isn't known.
pub(super) fn check_version(json: &Value, known: u32) -> Result<(), String> {
    match json.get("schema_version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(known) => Ok(()),
        Some(version) => Err(format!("its schema_version is {version}, and this program knows {known}")),
        None => Err("it has no schema_version".to_owned()),
    }
}
