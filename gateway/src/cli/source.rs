//! Where `feed`, `explain` and `audit` read events: from a running server, or from a data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use doorbuster_client::{Client, Error, EventKind, Feed, FeedEvent, ReadStock, StockView};
use doorbuster_engine::log::{Cursor, LogError};
use doorbuster_engine::storage::ReadOnlyFolder;
use doorbuster_protocol::feed::by;
use doorbuster_protocol::people::Person;
use doorbuster_protocol::{Code, Fetch};

use super::connect::key_hint;
use super::trust::Trust;
use crate::feed::FeedReader;
use crate::pseudonyms::{PseudonymError, Pseudonyms};

/// Which of the two.
#[derive(Clone, Debug, Args)]
pub(super) struct SourceOptions {
    /// The running server that is asked.
    #[arg(
        long,
        visible_alias = "target",
        env = "DOORBUSTER_SERVER",
        default_value = "127.0.0.1:7700",
        value_name = "ADDRESS:PORT"
    )]
    server: SocketAddr,
    /// Read a data folder instead, and ask no server. One may run on it meanwhile; its newest events may then be missing.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Of a folder in whose log shoppers have pseudonyms, the file with their key: --user is then what clients call a shopper.
    #[arg(long, env = "DOORBUSTER_SHOPPER_KEY", value_name = "FILE", requires = "data")]
    shopper_key: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
}

/// Which events are wanted; all that are named must fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) kinds: Vec<EventKind>,
    pub(super) order: Option<u64>,
    pub(super) sku: Option<u64>,
    pub(super) user: Option<u64>,
    pub(super) partition: Option<u16>,
}

/// Why there is nothing more, and the exit code that says so.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) message: String,
    /// It may be tried again.
    pub(super) passing: bool,
}

/// Events, batch by batch.
#[derive(Debug)]
pub(super) struct Source {
    from: From,
}

#[derive(Debug)]
enum From {
    Server { runtime: tokio::runtime::Runtime, address: SocketAddr, client: Client, feed: Box<Feed> },
    Folder { reader: Box<FeedReader>, ask: Fetch, until: u64 },
}

impl Source {
    /// Begins at a position. `wait`: how long a server may wait for something new.
    pub(super) fn open(
        options: &SourceOptions,
        from: u64,
        wanted: &Wanted,
        wait: Duration,
    ) -> Result<Self, Failure> {
        let from = match &options.data {
            Some(folder) => in_folder(folder, options.shopper_key.as_deref(), from, wanted)?,
            None => at_server(options, from, wanted, wait)?,
        };
        Ok(Self { from })
    }

    /// The next events; may be none.
    pub(super) fn next_batch(&mut self) -> Result<Vec<FeedEvent>, Failure> {
        match &mut self.from {
            From::Server { runtime, address, feed, .. } => {
                runtime.block_on(feed.next_batch()).map_err(|error| refused(*address, &error))
            }
            From::Folder { reader, ask, until } => {
                let turn = reader.turn(ask, *until).map_err(|error| unreadable(&error))?;
                ask.from = turn.next;
                if turn.answer.code == Code::Ok.number() {
                    return Ok(turn.answer.events);
                }
                let code = Code::from_number(turn.answer.code).unwrap_or(Code::InvariantViolation);
                let error = Error::Feed { code, from: ask.from, durable: *until };
                Err(Failure { code: 7, message: error.to_string(), passing: false })
            }
        }
    }

    /// Where to begin again.
    pub(super) fn position(&self) -> u64 {
        match &self.from {
            From::Server { feed, .. } => feed.position(),
            From::Folder { ask, .. } => ask.from,
        }
    }

    /// Whether everything has come that was there at the last answer.
    pub(super) fn at_end(&self) -> bool {
        match &self.from {
            From::Server { feed, .. } => feed.at_end(),
            From::Folder { ask, until, .. } => ask.from >= *until,
        }
    }

    /// What the server says of these SKUs, so many in a frame; `None` from a folder.
    pub(super) fn stocks(&mut self, skus: &[u64], chunk: usize) -> Result<Option<Vec<StockView>>, Failure> {
        let From::Server { runtime, address, client, .. } = &self.from else { return Ok(None) };
        let mut stocks = Vec::with_capacity(skus.len());
        for few in skus.chunks(chunk) {
            let asked: Vec<ReadStock> = few.iter().map(|sku| ReadStock { sku: *sku }).collect();
            for answer in runtime.block_on(client.read_stock_batch(&asked)) {
                let stock = answer.map_err(|error| refused(*address, &error))?;
                stocks.extend(stock.done());
            }
        }
        Ok(Some(stocks))
    }

    /// Whether the server has decided nothing behind where this stands.
    pub(super) fn is_current(&mut self) -> Result<bool, Failure> {
        let From::Server { runtime, address, client, feed } = &self.from else { return Ok(true) };
        let status = runtime.block_on(client.status()).map_err(|error| refused(*address, &error))?;
        Ok(status.decided == feed.position())
    }

    /// Hands everything up to the end to `each`.
    pub(super) fn read_all(&mut self, mut each: impl FnMut(FeedEvent)) -> Result<(), Failure> {
        loop {
            self.next_batch()?.into_iter().for_each(&mut each);
            if self.at_end() {
                return Ok(());
            }
        }
    }
}

fn at_server(options: &SourceOptions, from: u64, wanted: &Wanted, wait: Duration) -> Result<From, Failure> {
    let address = options.server;
    let builder = options.trust.builder().map_err(|message| Failure { code: 2, message, passing: false })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure { code: 3, message: format!("can't set up the network: {error}"), passing: false }
    })?;
    let client = runtime
        .block_on(builder.connections(1).connect(&address.to_string()))
        .map_err(|error| refused(address, &error))?;
    let mut feed = client.feed(from).wait(wait).kinds(&wanted.kinds);
    if let Some(order) = wanted.order {
        feed = feed.order(order);
    }
    if let Some(sku) = wanted.sku {
        feed = feed.sku(sku);
    }
    if let Some(user) = wanted.user {
        feed = feed.user(user);
    }
    if let Some(partition) = wanted.partition {
        feed = feed.partition(partition);
    }
    Ok(From::Server { runtime, address, client, feed: Box::new(feed) })
}

fn refused(address: SocketAddr, error: &Error) -> Failure {
    let hint = match error {
        Error::Connect { .. } => {
            "; is `doorbuster serve` running there? --data reads a folder without it".to_owned()
        }
        error => key_hint(error).map_or_else(String::new, |hint| format!("; {hint}")),
    };
    Failure {
        code: 7,
        message: format!("can't read events from {address}: {error}{hint}"),
        passing: matches!(error, Error::Unavailable { .. }),
    }
}

/// What a shopper is called in a folder's log.
fn name_in(folder: &Path, key: Option<&Path>, user: u64) -> Result<u64, PseudonymError> {
    let pseudonyms = key.map(Pseudonyms::read).transpose()?;
    Pseudonyms::bind(pseudonyms.as_ref(), folder, true)?;
    Ok(pseudonyms.map_or(user, |pseudonyms| pseudonyms.of(Person::Shopper, user)))
}

fn in_folder(folder: &Path, key: Option<&Path>, from: u64, wanted: &Wanted) -> Result<From, Failure> {
    let user = wanted.user.map(|user| name_in(folder, key, user)).transpose();
    let user = user.map_err(|error| Failure { code: 2, message: error.to_string(), passing: false })?;
    let unusable = |error| Failure { code: 4, message: format!("can't {error}"), passing: false };
    let storage = ReadOnlyFolder::open(folder).map_err(unusable)?;
    let served = storage.is_served();
    let mut cursor = Cursor::open(Arc::new(storage)).map_err(|error| unreadable(&error))?;
    let end = cursor.end(!served).map_err(|error| unreadable(&error))?;
    if let Some(fault) = end.behind.filter(|_| !served) {
        super::warn(&format_args!(
            "behind position {} of {} stand bytes that are no whole block ({fault}): a write that a crash cut short, \
             or damage; `doorbuster serve` tells which",
            end.lsn,
            folder.display()
        ));
    }
    let field = |value: Option<u64>, bit| if value.is_some() { bit } else { 0 };
    let ask = Fetch {
        from,
        kinds: wanted.kinds.iter().fold(0, |bits, kind| bits | kind.bit()),
        order: wanted.order.unwrap_or_default(),
        sku: wanted.sku.unwrap_or_default(),
        user: user.unwrap_or_default(),
        partition: wanted.partition.unwrap_or_default(),
        by: field(wanted.order, by::ORDER)
            | field(wanted.sku, by::SKU)
            | field(user, by::USER)
            | field(wanted.partition.map(u64::from), by::PARTITION),
        ..Fetch::default()
    };
    Ok(From::Folder { reader: Box::new(FeedReader::new(cursor)), ask, until: end.lsn.get() })
}

fn unreadable(error: &LogError) -> Failure {
    let code = if matches!(error, LogError::Storage(_) | LogError::NewerVersion { .. }) { 4 } else { 5 };
    Failure { code, message: format!("can't {error}"), passing: false }
}
