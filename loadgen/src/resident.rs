//! The resident memory of a server of our own, over time, and whether it grows.

use std::fs;

use crate::health::lossy;

/// Bytes of a MiB.
const MIB: f64 = 1_048_576.0;

/// Samples over time.
#[derive(Clone, Debug, Default)]
pub struct Resident {
    /// Seconds since the start, and bytes.
    samples: Vec<(f64, u64)>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ResidentReport {
    /// At the first look, MiB.
    pub first_mib: f64,
    /// At the last look, MiB.
    pub last_mib: f64,
    /// The most, MiB.
    pub most_mib: f64,
    /// Growth over the second half of the phases, by a straight line through it (least squares), MiB.
    pub growth_mib: f64,
}

/// One look at it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct MemoryRow {
    /// Seconds since the start.
    pub at_s: f64,
    /// MiB.
    pub resident_mib: f64,
}

impl Resident {
    /// Adds a sample, if there is one.
    pub fn extend(&mut self, at_s: f64, bytes: Option<u64>) {
        self.samples.extend(bytes.map(|bytes| (at_s, bytes)));
    }

    /// Every sample, in the order of time.
    pub fn rows(&self) -> Vec<MemoryRow> {
        let row = |&(at_s, bytes): &(f64, u64)| MemoryRow { at_s, resident_mib: lossy(bytes) / MIB };
        self.samples.iter().map(row).collect()
    }

    /// Sums up; none without three samples in the second half of `length_s`.
    pub fn report(&self, length_s: f64) -> Option<ResidentReport> {
        let mib = |bytes: u64| lossy(bytes) / MIB;
        let half: Vec<(f64, f64)> = self
            .samples
            .iter()
            .filter(|(at, _)| (length_s / 2.0..=length_s).contains(at))
            .map(|(at, bytes)| (*at, mib(*bytes)))
            .collect();
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        let most = self.samples.iter().map(|(_, bytes)| *bytes).max()?;
        if half.len() < 3 {
            return None;
        }
        Some(ResidentReport {
            first_mib: mib(first.1),
            last_mib: mib(last.1),
            most_mib: mib(most),
            growth_mib: slope(&half) * length_s / 2.0,
        })
    }
}

/// Slope of the line with the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = lossy(points.len() as u64);
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|point| point.0), mean(|point| point.1));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    if variance > 0.0 { covariance / variance } else { 0.0 }
}

/// Resident bytes of a process; none where the system has no `/proc`.
pub fn of(pid: u32) -> Option<u64> {
    fs::read_to_string(format!("/proc/{pid}/status")).ok().and_then(|text| read(&text))
}

fn read(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figure_is_read() {
        assert_eq!(read("Name:\tdoorbuster\nVmRSS:\t   13816 kB\nThreads:\t7\n"), Some(13_816 * 1_024));
        assert_eq!(read("Name:\tdoorbuster\n"), None);
    }

    fn of_mib(samples: impl Iterator<Item = (u32, f64)>) -> ResidentReport {
        let mut resident = Resident::default();
        for (at, mib) in samples {
            let bytes = (0..=u64::MAX >> 20).find(|count| lossy(*count) >= mib).expect("small") << 20;
            resident.extend(f64::from(at), Some(bytes));
        }
        resident.report(100.0).expect("samples")
    }

    #[test]
    fn what_grew_in_the_first_half_and_then_stayed_is_no_growth() {
        let report = of_mib((0..=100).map(|at| (at, f64::from(at.min(40)))));
        assert!(report.growth_mib.abs() < 1e-9, "{report:?}");
        assert!((report.most_mib - 40.0).abs() < 1e-9 && report.first_mib.abs() < 1e-9, "{report:?}");
    }

    #[test]
    fn what_goes_on_growing_is_measured_over_the_second_half() {
        let report = of_mib((0..=100).map(|at| (at, 10.0 + 2.0 * f64::from(at))));
        assert!((report.growth_mib - 100.0).abs() < 1e-6, "{report:?}");
    }

    #[test]
    fn a_drill_that_was_too_short_says_nothing() {
        let mut resident = Resident::default();
        resident.extend(0.0, Some(1));
        resident.extend(1.0, Some(1));
        assert_eq!(resident.report(1.0), None);
    }
}
