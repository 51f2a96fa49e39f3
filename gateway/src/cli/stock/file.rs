//! Files that list SKUs: read whole and checked before anything is sent.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use doorbuster_protocol::PutSku;
use serde::Deserialize;

use super::lines::BoundedLines;
use crate::cli::progress::Progress;
use crate::cli::who::Who;
use crate::sku::Sku;

/// Most SKUs of one file. It is held whole: 0.9 GB at this bound.
const MAX_SKUS: usize = 10_000_000;

/// Lines between two looks whether it is time to say how far it is.
const TOLD_EVERY: u64 = 4_096;

/// Most units of one SKU, as the server has it.
const MAX_UNITS: u64 = doorbuster_ledger::MAX_UNITS;

/// Faults that are listed; a file with more is reported with their number.
const MAX_FAULTS: usize = 20;

/// One SKU of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(deserialize_with = "crate::sku::field")]
    sku: u64,
    units: u64,
    #[serde(default)]
    user_limit: u32,
    #[serde(default)]
    order_limit: u32,
}

/// SKUs with the lines that they stand on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StockFile {
    pub(super) skus: Vec<PutSku>,
    pub(super) lines: Vec<u64>,
}

impl StockFile {
    /// The same, as the log will tell of it.
    pub(super) fn wanted_by(mut self, Who { by, reason }: Who) -> Self {
        for sku in &mut self.skus {
            (sku.by, sku.reason) = (by, reason);
        }
        self
    }
}

/// A file that can't be imported.
#[derive(Debug)]
pub(super) enum FileError {
    Open { file: PathBuf, error: std::io::Error },
    Format { file: PathBuf },
    Faults { file: PathBuf, faults: Vec<(u64, String)>, more: u64 },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { file, error } => write!(f, "can't read {}: {error}", file.display()),
            Self::Format { file } => {
                write!(f, "{}: the name must end in .csv or .jsonl, to say what is in it", file.display())
            }
            Self::Faults { file, faults, more } => {
                for (line, fault) in faults {
                    writeln!(f, "{}, line {line}: {fault}", file.display())?;
                }
                if *more > 0 {
                    writeln!(f, "… and {more} more")?;
                }
                write!(f, "nothing was imported; mend these lines and try again")
            }
        }
    }
}

/// Reads `path`, CSV with a header line or JSON lines by its ending, and says on `progress` how far it is.
pub(super) fn read(path: &Path, progress: &mut Progress) -> Result<StockFile, FileError> {
    let open = |quotes| {
        std::fs::File::open(path)
            .map(|file| std::io::BufReader::new(BoundedLines::new(file, quotes)))
            .map_err(|error| FileError::Open { file: path.to_owned(), error })
    };
    let mut reading = Reading::new(progress);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => reading.csv(open(true)?),
        Some("jsonl") => reading.jsonl(open(false)?),
        _ => return Err(FileError::Format { file: path.to_owned() }),
    }
    if reading.faults.is_empty() {
        Ok(reading.found)
    } else {
        Err(FileError::Faults { file: path.to_owned(), faults: reading.faults, more: reading.more })
    }
}

#[derive(Debug)]
struct Reading<'a> {
    found: StockFile,
    /// The line of each SKU.
    seen: HashMap<u64, u64>,
    faults: Vec<(u64, String)>,
    more: u64,
    /// [`MAX_SKUS`], or fewer in a test.
    most: usize,
    progress: &'a mut Progress,
}

impl<'a> Reading<'a> {
    fn new(progress: &'a mut Progress) -> Self {
        let found = StockFile { skus: Vec::new(), lines: Vec::new() };
        Self { found, seen: HashMap::new(), faults: Vec::new(), more: 0, most: MAX_SKUS, progress }
    }

    fn csv(&mut self, input: impl BufRead) {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return self.fault(1, plain(&error)),
        };
        if !header.iter().any(|column| column == "sku") || !header.iter().any(|column| column == "units") {
            return self.fault(
                1,
                "the header must name the columns sku and units (and may name user_limit, order_limit)"
                    .to_owned(),
            );
        }
        let mut record = csv::StringRecord::new();
        loop {
            if self.is_full() {
                return;
            }
            let begins = reader.position().line();
            match reader.read_record(&mut record) {
                Ok(false) => return,
                Ok(true) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    match record.deserialize(Some(&header)) {
                        Ok(row) => self.row(line, row),
                        Err(error) => self.fault(line, plain(&error)),
                    }
                }
                Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                    // An error of reading carries no place. What it cut short begins here.
                    return self.fault(begins, plain(&error));
                }
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.fault(line, plain(&error));
                }
            }
        }
    }

    fn jsonl(&mut self, input: impl BufRead) {
        for (line, text) in (1..).zip(input.lines()) {
            if self.is_full() {
                return;
            }
            match text {
                Ok(text) if text.trim().is_empty() => {}
                Ok(text) => match serde_json::from_str(&text) {
                    Ok(row) => self.row(line, row),
                    Err(error) => self.fault(line, strip_place(&error.to_string())),
                },
                Err(error) => return self.fault(line, error.to_string()),
            }
        }
    }

    /// Whether nothing more is taken, because a fault of the file as a whole was found.
    fn is_full(&self) -> bool {
        self.found.skus.len() > self.most
    }

    fn row(&mut self, line: u64, row: Row) {
        if line.is_multiple_of(TOLD_EVERY) {
            self.progress.say(format_args!("checking the file: {line} lines so far"));
        }
        if row.units > MAX_UNITS {
            return self.fault(line, format!("units is {}, over the limit of {MAX_UNITS}", row.units));
        }
        let first = *self.seen.entry(row.sku).or_insert(line);
        if first != line {
            return self.fault(line, format!("SKU {} stands on line {first} already", Sku(row.sku)));
        }
        self.found.lines.push(line);
        self.found.skus.push(PutSku {
            sku: row.sku,
            units: row.units,
            user_limit: row.user_limit,
            order_limit: row.order_limit,
            ..PutSku::default()
        });
        if self.is_full() {
            let fault = format!("more than {} SKUs; import them in several files", self.most);
            self.fault(line, fault);
        }
    }

    fn fault(&mut self, line: u64, fault: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push((line, fault));
        } else {
            self.more += 1;
        }
    }
}

/// A CSV error without the place, which stands in front already.
fn plain(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields, but the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// A JSON error without its "at line 1 column 7": the line is of the file, not of the value.
fn strip_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let error = read(&path, &mut Progress::start()).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "")
    }

    #[test]
    fn both_formats_give_the_same_skus() {
        let folder = tempfile::tempdir().unwrap();
        let (csv, jsonl) = (folder.path().join("a.csv"), folder.path().join("a.jsonl"));
        std::fs::write(&csv, "sku, units, user_limit\n1, 10, 2\n2, 20, 0\n").unwrap();
        std::fs::write(&jsonl, "{\"sku\":1,\"units\":10,\"user_limit\":2}\n\n{\"sku\":2,\"units\":20}\n")
            .unwrap();
        let read = |path| read(path, &mut Progress::start()).unwrap();
        assert_eq!(read(&csv).skus, read(&jsonl).skus);
        assert_eq!(read(&jsonl).lines, [1, 3]);
    }

    #[test]
    fn a_quote_without_end_does_not_fill_the_memory() {
        let error = faults("a.csv", &format!("sku,units\n\"1,10\n{}", "2,10\n".repeat(1_000_000)));
        assert!(
            error.contains("line 2: a line is longer than 65536 bytes: a quote in it has no end"),
            "{error}"
        );
    }

    #[test]
    fn every_faulty_line_is_named_and_nothing_is_taken() {
        let error = faults("a.csv", "sku,units\n1,10\nx,10\n1,5\n3\n4,99999999999999\n");
        assert!(error.contains("/a.csv, line 3: \"x\" names no SKU; write a number"), "{error}");
        assert!(error.contains("/a.csv, line 4: SKU 1 stands on line 2 already"), "{error}");
        assert!(error.contains("/a.csv, line 5: 1 fields, but the header has 2"), "{error}");
        assert!(error.contains("/a.csv, line 6: units is 99999999999999, over the limit"), "{error}");
        assert!(error.ends_with("nothing was imported; mend these lines and try again"), "{error}");
    }

    #[test]
    fn unknown_keys_and_endings_and_missing_columns_are_said() {
        assert!(faults("a.jsonl", "{\"sku\":1,\"unit\":10}\n").contains("line 1: unknown field `unit`"));
        assert!(
            faults("a.csv", "id,units\n1,2\n")
                .contains("line 1: the header must name the columns sku and units")
        );
        assert!(faults("a.xlsx", "").contains("the name must end in .csv or .jsonl"));
    }
    #[test]
    fn a_line_without_an_end_is_a_fault_of_its_line() {
        let endless = "9".repeat(100_000);
        for name in ["a.csv", "a.jsonl"] {
            let first = if name == "a.csv" { "sku,units" } else { "{\"sku\":1,\"units\":1}" };
            let error = faults(name, &format!("{first}\n{endless}"));
            assert!(error.contains("line 2: a line is longer than 65536 bytes"), "{error}");
        }
        assert!(faults("a.csv", &endless).contains("line 1: a line is longer than 65536 bytes"));
    }

    #[test]
    fn more_skus_than_a_file_may_have_are_a_fault_that_ends_the_reading() {
        let mut progress = Progress::start();
        let mut reading = Reading::new(&mut progress);
        reading.most = 1;
        let line = |sku: u64| format!("{{\"sku\":{sku},\"units\":1}}\n");
        reading.jsonl([line(1), line(2), line(2), line(3)].concat().as_bytes());
        let fault = "more than 1 SKUs; import them in several files".to_owned();
        assert_eq!((reading.faults, reading.found.skus.len()), (vec![(2, fault)], 2));
    }
}
