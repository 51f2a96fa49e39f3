//! How late a server of our own ended its holds: its histogram, read from its metrics before and after.

use std::net::SocketAddr;

use doorbuster_gateway::http;

use crate::health::lossy;

/// Name of the histogram.
const BUCKET: &str = "doorbuster_release_lag_seconds_bucket{le=\"";

/// Counts up to each bound, which include those of the smaller ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReleaseLag {
    /// Bound in milliseconds (the last one is infinite), and count.
    buckets: Vec<(f64, u64)>,
}

/// What came of it. Percentiles are bounds of the server's buckets: the real ones are at most as large.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct LagReport {
    /// Holds that ran out.
    pub holds: u64,
    /// Median, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile, milliseconds.
    pub p99_ms: f64,
    /// The bucket of the largest, milliseconds; none if it is above every bound.
    pub max_ms: Option<f64>,
}

impl ReleaseLag {
    /// Asks the server's admin port; none if it can't be asked.
    pub fn ask(admin: SocketAddr) -> Option<Self> {
        let (_, text) = http::get(admin, "/metrics").ok()?;
        Some(Self::read(&text))
    }

    fn read(text: &str) -> Self {
        let bucket = |line: &str| {
            let (bound, count) = line.strip_prefix(BUCKET)?.split_once("\"} ")?;
            let seconds = if bound == "+Inf" { f64::INFINITY } else { bound.parse::<f64>().ok()? };
            Some((seconds * 1e3, count.trim().parse().ok()?))
        };
        Self { buckets: text.lines().filter_map(bucket).collect() }
    }

    /// What was added since `before`; none if no hold ran out.
    pub fn since(&self, before: &Self) -> Option<LagReport> {
        let earlier = |bound: f64| {
            before
                .buckets
                .iter()
                .find(|(found, _)| found.total_cmp(&bound).is_eq())
                .map_or(0, |(_, count)| *count)
        };
        let buckets: Vec<(f64, u64)> = self
            .buckets
            .iter()
            .map(|(bound, count)| (*bound, count.saturating_sub(earlier(*bound))))
            .collect();
        let holds = buckets.last().map(|(_, all)| *all).filter(|all| *all > 0)?;
        let at = |quantile: f64| {
            let wanted = lossy(holds) * quantile;
            buckets
                .iter()
                .find(|(_, count)| lossy(*count) >= wanted)
                .map_or(f64::INFINITY, |(bound, _)| *bound)
        };
        let max_ms = Some(at(1.0)).filter(|ms| ms.is_finite());
        Some(LagReport { holds, p50_ms: at(0.5), p99_ms: at(0.99), max_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(counts: [u64; 3]) -> ReleaseLag {
        let text = format!(
            "HTTP/1.0 200 OK\r\n\r\n# TYPE doorbuster_release_lag_seconds histogram\n\
             {BUCKET}0.008\"}} {}\n{BUCKET}0.02\"}} {}\n{BUCKET}+Inf\"}} {}\n# EOF\n",
            counts[0], counts[1], counts[2]
        );
        ReleaseLag::read(&text)
    }

    #[test]
    fn percentiles_are_those_of_what_came_since() {
        let lag = read([1_100, 1_190, 1_200]).since(&read([1_000, 1_000, 1_000])).expect("holds");
        assert_eq!((lag.holds, lag.max_ms), (200, None));
        assert!((lag.p50_ms - 8.0).abs() < 1e-9 && lag.p99_ms.is_infinite(), "{lag:?}");
        let lag = read([98, 100, 100]).since(&ReleaseLag::default()).expect("holds");
        assert!((lag.p99_ms - 20.0).abs() < 1e-9 && lag.max_ms == Some(20.0), "{lag:?}");
    }

    #[test]
    fn a_server_without_expiries_or_histogram_says_nothing() {
        assert_eq!(read([5, 5, 5]).since(&read([5, 5, 5])), None);
        assert_eq!(ReleaseLag::read("HTTP/1.0 404 Not Found\r\n\r\n").since(&ReleaseLag::default()), None);
    }
}
