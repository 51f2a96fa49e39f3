//! `/metrics`, read back: for commands that show how a server does.

use std::collections::BTreeMap;

/// One sample.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// What a server counted, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    samples: Vec<Sample>,
}

impl Figures {
    /// Reads the text. A line that is no sample is left out: a later server may say more than is known here.
    pub(super) fn read(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect();
        Self { samples }
    }

    /// All samples of a figure, with their labels' values by name.
    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// All of a figure together.
    pub(super) fn sum(&self, name: &str) -> f64 {
        self.of(name).map(|sample| sample.value).sum()
    }

    /// The most of a figure.
    pub(super) fn most(&self, name: &str) -> f64 {
        self.of(name).map(|sample| sample.value).fold(0.0, f64::max)
    }

    /// A figure by the value of one of its labels, the rest added up.
    pub(super) fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for sample in self.of(name) {
            if let Some(value) = sample.label(label) {
                *sums.entry(value.to_owned()).or_insert(0.0) += sample.value;
            }
        }
        sums
    }

    /// As [`by`](Self::by), of samples alone whose other label has this value.
    pub(super) fn by_where(&self, name: &str, label: &str, other: (&str, &str)) -> BTreeMap<String, f64> {
        let fits = |sample: &&Sample| sample.label(other.0) == Some(other.1);
        let samples = self.of(name).filter(fits).cloned().collect();
        Self { samples }.by(name, label)
    }

    /// The first value of a label of a figure.
    pub(super) fn label<'a>(&'a self, name: &'a str, label: &str) -> Option<&'a str> {
        self.of(name).find_map(|sample| sample.label(label))
    }

    /// The time that a share of a histogram's samples is within, seconds; since `before`, where there is one. `None`: there were no
    /// samples. It is the bound of a bucket, so the truth is between it and the bound below.
    pub(super) fn quantile(
        &self,
        before: Option<&Self>,
        histogram: &str,
        only: Option<(&str, &str)>,
        share: f64,
    ) -> Option<f64> {
        let name = format!("{histogram}_bucket");
        let counts = |figures: &Self| match only {
            Some(only) => figures.by_where(&name, "le", only),
            None => figures.by(&name, "le"),
        };
        let (now, then) = (counts(self), before.map(counts).unwrap_or_default());
        let mut bounds: Vec<(f64, f64)> = now
            .into_iter()
            .filter_map(|(bound, count)| {
                let seconds = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
                Some((seconds, count - then.get(&bound).copied().unwrap_or(0.0)))
            })
            .collect();
        bounds.sort_by(|one, other| one.0.total_cmp(&other.0));
        let all = bounds.last().map(|(_, count)| *count).filter(|all| *all > 0.0)?;
        bounds.into_iter().find(|(_, count)| *count >= share * all).map(|(bound, _)| bound)
    }
}

impl Sample {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `name{label="value",...} number`.
fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = match line.split_once('{') {
        Some((name, rest)) => (name, rest.rsplit_once("} ")?),
        None => line.split_once(' ').map(|(name, value)| (name, ("", value)))?,
    };
    let (labels, value) = rest;
    let label = |text: &str| {
        let (name, value) = text.split_once("=\"")?;
        Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
    };
    let labels = labels.split("\",").filter_map(label).collect();
    let value = value.split(' ').next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// A time as people read it: `0.35 ms`, `2.0 s`.
pub(super) fn time(seconds: Option<f64>) -> String {
    match seconds {
        None => "-".to_owned(),
        Some(seconds) if seconds.is_infinite() => "over 5 s".to_owned(),
        Some(seconds) if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
        Some(seconds) => format!("{seconds:.1} s"),
    }
}

/// A count with its thousands apart: `12,345`.
pub(super) fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP doorbuster_requests Operations answered.\n# TYPE doorbuster_requests counter\n\
        doorbuster_requests_total{op=\"RESERVE\",outcome=\"RESERVED\"} 12\n\
        doorbuster_requests_total{op=\"RESERVE\",outcome=\"SOLD_OUT\"} 3\n\
        doorbuster_requests_total{op=\"CONFIRM\",outcome=\"PAID\"} 5\n\
        doorbuster_load_ratio{reactor=\"0\"} 0.25\ndoorbuster_load_ratio{reactor=\"1\"} 0.5\n\
        doorbuster_skus 3\nnonsense\n\
        doorbuster_took_seconds_bucket{le=\"0.001\",op=\"RESERVE\"} 90\n\
        doorbuster_took_seconds_bucket{le=\"0.01\",op=\"RESERVE\"} 99\n\
        doorbuster_took_seconds_bucket{le=\"+Inf\",op=\"RESERVE\"} 100\n# EOF\n";

    #[test]
    fn figures_are_read_back_and_added_up() {
        let figures = Figures::read(TEXT);
        let name = "doorbuster_requests_total";
        let pairs = |found: BTreeMap<String, f64>| -> Vec<(String, u64)> {
            found.into_iter().map(|(label, value)| (label, format!("{value}").parse().unwrap())).collect()
        };
        assert_eq!(pairs(figures.by(name, "op")), [("CONFIRM".to_owned(), 5), ("RESERVE".to_owned(), 15)]);
        let reserve = figures.by_where(name, "outcome", ("op", "RESERVE"));
        assert_eq!(pairs(reserve), [("RESERVED".to_owned(), 12), ("SOLD_OUT".to_owned(), 3)]);
        assert!((figures.most("doorbuster_load_ratio") - 0.5).abs() < 1e-9);
        assert!((figures.sum("doorbuster_skus") - 3.0).abs() < 1e-9 && figures.sum("unknown").abs() < 1e-9);
        assert_eq!(figures.label(name, "op"), Some("RESERVE"));
    }

    #[test]
    fn a_quantile_is_the_bound_that_it_is_within_since_a_moment() {
        let now = Figures::read(TEXT);
        let of = |before, share| now.quantile(before, "doorbuster_took_seconds", None, share);
        assert_eq!(
            [of(None, 0.5), of(None, 0.99), of(None, 1.0)],
            [Some(0.001), Some(0.01), Some(f64::INFINITY)]
        );
        let before = Figures::read(&TEXT.replace("} 99", "} 90").replace("} 100", "} 90"));
        assert_eq!(of(Some(&before), 0.5), Some(0.01), "of ten since then nine took up to 10 ms");
        assert_eq!((of(Some(&now), 0.5), time(of(Some(&now), 0.5))), (None, "-".to_owned()));
        assert_eq!(now.quantile(None, "doorbuster_took_seconds", Some(("op", "READ")), 0.5), None);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!([0.0, 999.4, 1_000.0, 1_234_567.0].map(count), ["0", "999", "1,000", "1,234,567"]);
        let times = [Some(0.000_35), Some(0.05), Some(2.0), Some(f64::INFINITY)].map(time);
        assert_eq!(times, ["0.35 ms", "50.00 ms", "2.0 s", "over 5 s"]);
    }
}
