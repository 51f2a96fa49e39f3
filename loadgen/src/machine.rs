//! The machine that a drill ran on: figures of two machines say nothing about each other.

use std::fs;

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Machine {
    /// Processor cores, whichever this process keeps to.
    pub cores: usize,
    /// The processor's model, as the kernel names it; none where it doesn't.
    pub cpu: Option<String>,
}

impl Machine {
    /// The machine on which this runs.
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cores =
            cores(&cpuinfo).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        Self { cores, cpu: model(&cpuinfo) }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cores of {}", self.cores, self.cpu.as_deref().unwrap_or("an unknown model"))
    }
}

/// Processors that the kernel lists; none where it doesn't.
fn cores(cpuinfo: &str) -> Option<usize> {
    let is_core = |line: &&str| line.split(':').next().is_some_and(|key| key.trim() == "processor");
    Some(cpuinfo.lines().filter(is_core).count()).filter(|cores| *cores > 0)
}

/// The first processor's model; not every architecture says one.
fn model(cpuinfo: &str) -> Option<String> {
    let of = |line: &str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name" && !value.trim().is_empty()).then(|| value.trim().to_owned())
    };
    cpuinfo.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_processors_are_counted_and_named_where_it_says_so() {
        let core = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2.00GHz\nflags\t\t: fpu\n\n";
        assert_eq!((cores(&core.repeat(2)), model(core).as_deref()), (Some(2), Some("Some CPU @ 2.00GHz")));
        let other = "processor\t: 0\nBogoMIPS\t: 50.00\nmodel name\t:\n";
        assert_eq!((cores(other), model(other)), (Some(1), None));
        assert_eq!((cores(""), model("")), (None, None));
    }
}
