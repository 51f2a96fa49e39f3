//! Who used the processors while we measured.
//!
//! A figure from a machine where somebody else compiles is worth nothing, and neither is a latency that the
//! generator itself caused. Both are measured beside every run and printed with it.

use std::fs;
use std::time::Instant;

use crate::machine::Machine;

/// Ticks a second in `/proc`: fixed by Linux's interface to user space on all architectures in use.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time since the machine started, in ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    busy: u64,
    stolen: u64,
    own: u64,
    server: u64,
}

/// Measures processor use from its start on.
#[derive(Debug)]
pub struct CpuMeter {
    began: Instant,
    before: Ticks,
    server: Option<u32>,
}

/// Processor use over a stretch of time, in cores (1.0 = one core all the time).
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct CpuUse {
    /// Cores of the machine.
    pub cores: f64,
    /// This process.
    pub generator_cores: f64,
    /// The server's process, where it is ours.
    pub server_cores: f64,
    /// Everybody else, a remote target's share of this machine included.
    pub others_cores: f64,
    /// Time that the hypervisor gave to other machines.
    pub stolen_cores: f64,
}

impl CpuMeter {
    /// Starts; `server` is the server's process id if it runs here.
    pub fn start(server: Option<u32>) -> Self {
        Self { began: Instant::now(), before: read(server), server }
    }

    /// Use since the start. Zeros where the system has no `/proc`.
    pub fn stop(&self) -> CpuUse {
        self.stop_with(self.server, 0)
    }

    /// The same where the server is another process by now, and those before it used so many ticks, from their start on.
    pub fn stop_with(&self, server: Option<u32>, ticks_before: u64) -> CpuUse {
        let mut after = read(server);
        after.server += ticks_before;
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let cores =
            |after: u64, before: u64| lossy(after.saturating_sub(before)) / TICKS_PER_SECOND / seconds;
        let own = cores(after.own, self.before.own);
        let server = cores(after.server, self.before.server);
        CpuUse {
            cores: lossy(Machine::here().cores as u64),
            generator_cores: own,
            server_cores: server,
            others_cores: (cores(after.busy, self.before.busy) - own - server).max(0.0),
            stolen_cores: cores(after.stolen, self.before.stolen),
        }
    }
}

/// Processor time that a process has used, in ticks.
pub fn ticks_of(pid: u32) -> u64 {
    fs::read_to_string(format!("/proc/{pid}/stat")).map_or(0, |text| process(&text))
}

/// A count as a float; counts here stay far below 2^52, where it is exact.
#[expect(clippy::cast_precision_loss, reason = "shown to people with two digits")]
pub fn lossy(count: u64) -> f64 {
    count as f64
}

fn read(server: Option<u32>) -> Ticks {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let (busy, stolen) = machine(&text);
    Ticks { busy, stolen, own: ticks_of(std::process::id()), server: server.map_or(0, ticks_of) }
}

/// Busy and stolen ticks from the first line of `/proc/stat`.
fn machine(text: &str) -> (u64, u64) {
    let numbers: Vec<u64> =
        text.lines().next().unwrap_or_default().split_whitespace().skip(1).flat_map(str::parse).collect();
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    // user, nice, system, (idle, iowait,) irq, softirq; then steal.
    (at(0) + at(1) + at(2) + at(5) + at(6), at(7))
}

/// User and system ticks from `/proc/PID/stat`; the command's name may hold blanks and parentheses.
fn process(text: &str) -> u64 {
    let behind_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_figures_are_read_whatever_a_process_calls_itself() {
        let text = "cpu  100 10 50 9999 999 5 5 7 0 0\ncpu0 1 1 1\ncpu1 1 1 1\nintr 5\n";
        assert_eq!(machine(text), (170, 7));
        assert_eq!(process("42 (a) b (c) S 1 1 1 0 -1 4 0 0 0 0 30 12 0 0 20 0 1 0"), 42);
    }
}
