//! Flags that make up a configuration, together with the file and the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::config::{DurabilityName, Effective, Faults, Sources};

/// Flags override the environment (`DOORBUSTER_SECTION__KEY`), which overrides the file.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Layers {
    /// Configuration file (TOML); without one, the documented defaults hold.
    #[arg(long, env = "DOORBUSTER_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where clients connect [default: 127.0.0.1:7700].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where clients of Redis connect [default: nowhere].
    #[arg(long, value_name = "ADDRESS:PORT")]
    resp: Option<SocketAddr>,
    /// Where health, metrics and operators' wishes are served [default: 127.0.0.1:7701].
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
    /// Data folder; made if it does not exist [default: doorbuster-data].
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// When an answer may leave [default: always].
    #[arg(long, value_enum)]
    durability: Option<DurabilityName>,
    /// Shards of the ledger; 0 chooses by the number of cores.
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
    /// Threads that serve connections; 0 chooses by the number of cores.
    #[arg(long, value_name = "N")]
    reactors: Option<usize>,
    /// Any key of the configuration, such as `rules.offer_ms=10m`; may be given again. `doorbuster config show` lists them.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

/// Splits a key from its value.
fn assignment(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| key.contains('.'));
    let (key, value) = parts.ok_or("write SECTION.KEY=VALUE, such as rules.offer_ms=10m")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl Layers {
    /// What they name, to be read now and again later.
    pub(super) fn sources(&self) -> Sources {
        let address = |address: Option<SocketAddr>| address.map(|address| address.to_string());
        let own = [
            ("--listen", "server.listen", address(self.listen)),
            ("--resp", "server.resp", address(self.resp)),
            ("--admin", "server.admin", address(self.admin)),
            ("--data", "log.folder", self.data.as_ref().map(|folder| folder.display().to_string())),
            (
                "--durability",
                "log.durability",
                self.durability.and_then(|level| Some(level.to_possible_value()?.get_name().to_owned())),
            ),
            ("--shards", "server.shards", self.shards.map(|shards| shards.to_string())),
            ("--reactors", "server.reactors", self.reactors.map(|reactors| reactors.to_string())),
        ];
        let own =
            own.into_iter().filter_map(|(flag, key, value)| Some((flag.to_owned(), key.to_owned(), value?)));
        let set = self.set.iter().map(|(key, value)| ("--set".to_owned(), key.clone(), value.clone()));
        Sources { file: self.config.clone(), flags: set.chain(own).collect() }
    }

    /// The configuration that they make up.
    pub(super) fn read(&self) -> Result<Effective, Faults> {
        self.sources().read()
    }
}
