//! What must hold of any bytes that Doorbuster reads.
//!
//! ```text
//! benches/fuzz/targets   cargo-fuzz: bytes that libFuzzer makes up  ─┐
//! benches/fuzz/tests     cargo test: bytes that are kept in seeds/  ─┴─► check(bytes) ─► nothing, or a panic that says what is wrong
//! ```
//!
//! Each module is one format and has one function `check`, which takes any bytes and returns. It panics where the code that
//! reads the format breaks a promise: reading never panics by itself, what is read is written again as the same bytes or reads
//! back as the same value, and a refusal is told in words.
//!
//! Most formats have a checksum that no fuzzer guesses. Their checks look at the bytes as they are, and then once more with the
//! checksums set right, so that what stands behind them is reached.

pub mod audit;
pub mod block;
pub mod campaign;
pub mod config;
pub mod frame;
pub mod record;
pub mod resp;
pub mod scenario;
pub mod snapshot;

/// A format, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of its module, its program and its folder of seeds.
    pub name: &'static str,
    /// Panics if the bytes make the code that reads them break a promise.
    pub check: fn(&[u8]),
    /// Folders of files of this format that are kept for another reason, from the repository's root.
    pub elsewhere: &'static [&'static str],
}

/// Every format.
pub const TARGETS: &[Target] = &[
    Target { name: "frame", check: frame::check, elsewhere: &[] },
    Target { name: "resp", check: resp::check, elsewhere: &[] },
    Target { name: "record", check: record::check, elsewhere: &[] },
    Target { name: "block", check: block::check, elsewhere: &["engine/tests/fixtures/log-v1"] },
    Target { name: "snapshot", check: snapshot::check, elsewhere: &["engine/tests/fixtures/log-v1"] },
    Target { name: "audit", check: audit::check, elsewhere: &["engine/tests/fixtures/log-v1"] },
    Target { name: "config", check: config::check, elsewhere: &["config"] },
    Target { name: "campaign", check: campaign::check, elsewhere: &["config/campaigns"] },
    Target { name: "scenario", check: scenario::check, elsewhere: &["config/scenarios"] },
];
