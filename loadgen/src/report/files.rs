//! The report's files.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use doorbuster_protocol::Code;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use super::model::Report;
use super::{html, junit, text};
use crate::health::lossy;
use crate::recorder::Recorder;

/// Nanoseconds in the unit that the histogram files are shown in: milliseconds.
const NANOS_PER_MS: f64 = 1_000_000.0;

/// Steps to each halving of the distance to 100 %, as `HdrHistogram`'s own tools print.
const TICKS_PER_HALF: u32 = 5;

/// Writes everything into `folder`, which is made if it isn't there.
///
/// # Errors
/// The first file that can't be written.
pub fn write(folder: &Path, report: &Report, recorder: &Recorder) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("report.txt"), text::render(report, Some(folder)))?;
    let json = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    fs::write(folder.join("report.json"), json + "\n")?;
    fs::write(folder.join("report.html"), html::render(report))?;
    fs::write(folder.join("junit.xml"), junit::render(report))?;
    for ((operation, number), latency) in &recorder.latency {
        let code =
            Code::from_number(*number).map_or_else(|| number.to_string(), |code| code.name().to_lowercase());
        let file = folder.join(format!("{}-{code}.hgrm", operation.name()));
        percentiles(&latency.response_ns, BufWriter::new(File::create(file)?))?;
    }
    let started = Duration::from_millis(report.settings.started_at_unix_ms);
    intervals(recorder, started, BufWriter::new(File::create(folder.join("reserve.hlog"))?))
}

/// Where a report goes that nobody has named a folder for: `target/drill/NAME-TIME` where there is a build folder, which version
/// control ignores; else `drill-report/…`.
pub fn default_folder(name: &str, unix_ms: u64) -> PathBuf {
    let base = if Path::new("target").is_dir() { "target/drill" } else { "drill-report" };
    Path::new(base).join(format!("{name}-{unix_ms}"))
}

/// The percentile distribution that `HdrHistogram`'s plotter reads.
fn percentiles(nanos: &Histogram<u64>, mut out: impl io::Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    writeln!(out)?;
    for value in nanos.iter_quantiles(TICKS_PER_HALF) {
        let at = lossy(value.value_iterated_to()) / NANOS_PER_MS;
        let quantile = value.quantile_iterated_to();
        let count = nanos.count_between(0, value.value_iterated_to());
        if quantile < 1.0 {
            writeln!(out, "{at:12.3} {quantile:2.12} {count:10} {:14.2}", 1.0 / (1.0 - quantile))?;
        } else {
            writeln!(out, "{at:12.3} {quantile:2.12} {count:10}            inf")?;
        }
    }
    let (mean, deviation) = (nanos.mean() / NANOS_PER_MS, nanos.stdev() / NANOS_PER_MS);
    writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]")?;
    writeln!(
        out,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        lossy(nanos.max()) / NANOS_PER_MS,
        nanos.len()
    )?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {:12}]", nanos.buckets(), 2048)?;
    out.flush()
}

/// The interval log that `HdrHistogram`'s log processors read: a histogram a second.
fn intervals(recorder: &Recorder, started: Duration, out: impl io::Write) -> io::Result<()> {
    let mut out = out;
    let mut serializer = V2DeflateSerializer::new();
    let base = UNIX_EPOCH + started;
    {
        let mut log = IntervalLogWriterBuilder::new()
            .add_comment("response times of reserves that got units, nanoseconds; maxima in milliseconds")
            .with_start_time(base)
            .with_base_time(base)
            .with_max_value_divisor(NANOS_PER_MS)
            .begin_log_with(&mut out, &mut serializer)?;
        for (at, second) in (0..).zip(&recorder.seconds) {
            log.write_histogram(&second.reserve_ns, Duration::from_secs(at), Duration::from_secs(1), None)
                .map_err(|error| io::Error::other(error.to_string()))?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::{Limits, Operation};
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn an_interval_log_reads_back_with_its_counts() {
        let mut recorder = Recorder::new(Limits { reserve_ns: 1, confirm_ns: 1 }, Vec::new());
        for second in [0, 2, 2] {
            let at = second * 1_000_000_000 + 10;
            recorder.answered(Operation::Reserve, Code::Ok.number(), at, at, at + 5_000);
        }
        let mut bytes = Vec::new();
        intervals(&recorder, Duration::from_secs(1_000), &mut bytes).expect("written");
        let mut counts = Vec::new();
        for entry in IntervalLogIterator::new(&bytes) {
            if let LogEntry::Interval(interval) = entry.expect("sound") {
                counts.push(interval.encoded_histogram().len());
            }
        }
        assert_eq!(counts.len(), 3);
        assert!(counts[2] >= counts[1], "the third second has two answers, the second none");
    }

    #[test]
    fn a_percentile_file_ends_at_the_maximum_with_all_counts() {
        let mut histogram = crate::saturate::histogram();
        (1..=100_u64).for_each(|ms| histogram.saturating_record(ms * 1_000_000));
        let mut bytes = Vec::new();
        percentiles(&histogram, &mut bytes).expect("written");
        let text = String::from_utf8(bytes).expect("text");
        let last = text.lines().rfind(|line| line.ends_with("inf")).expect("a last line");
        assert!(last.contains("1.000000000000") && last.contains(" 100 "), "{last}");
    }
}
