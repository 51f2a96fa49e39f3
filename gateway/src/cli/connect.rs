//! One question to a running server.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use doorbuster_client::{Builder, Client, Code, Error, Refusal};

use super::trust::Trust;
use super::{fail, say};
use crate::utc::Utc;

/// Which server, and how to answer.
#[derive(Clone, Debug, Args)]
pub(super) struct ServerOptions {
    /// The server.
    #[arg(long, env = "DOORBUSTER_SERVER", default_value = "127.0.0.1:7700", value_name = "ADDRESS:PORT")]
    pub(super) server: SocketAddr,
    /// Answer as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    trust: Trust,
}

impl ServerOptions {
    /// A client of the server, as far as the flags say how it is to be.
    ///
    /// # Errors
    /// A line that says what is wrong with a flag.
    pub(super) fn builder(&self) -> Result<Builder, String> {
        self.trust.builder()
    }
}

/// Connects, asks, and gives the answer; what went wrong is said, and its exit code given.
pub(super) fn ask<T>(
    options: &ServerOptions,
    question: impl AsyncFnOnce(Client) -> Result<T, Error>,
) -> Result<T, ExitCode> {
    let server = options.server;
    let builder = options.builder().map_err(|fault| fail(2, &fault))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| fail(3, &format_args!("can't set up the network: {error}")))?;
    let asked = runtime.block_on(async {
        let client = builder.connections(1).connect(&server.to_string()).await?;
        question(client).await
    });
    asked.map_err(|error| match error {
        Error::Connect { .. } => fail(7, &format_args!("{error}; is `doorbuster serve` running there?")),
        error => match key_hint(&error) {
            Some(hint) => fail(7, &format_args!("can't ask {server}: {error}; {hint}")),
            None => fail(7, &format_args!("can't ask {server}: {error}")),
        },
    })
}

/// What somebody does about a server that has keys.
pub(super) const A_KEY: &str = "give one by --key-file or DOORBUSTER_KEY";

/// What somebody does about a key that isn't for this.
pub(super) const OTHER_KEY: &str = "give another by --key-file or DOORBUSTER_KEY";

/// What to do about an error that a key is behind.
pub(super) fn key_hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::Fault { code: Code::Unauthenticated, .. } => Some(A_KEY),
        Error::Denied { .. } | Error::Fault { code: Code::Forbidden, .. } => Some(OTHER_KEY),
        _ => None,
    }
}

/// Says that the server refused, and why.
pub(super) fn refused(options: &ServerOptions, refusal: &Refusal) -> ExitCode {
    if options.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "refused": refusal.code.name(),
            "class": refusal.code.class().name(),
            "field": refusal.field.map(doorbuster_client::Field::name),
            "order": (refusal.order != 0).then(|| refusal.order.to_string()),
            "at_ms": refusal.at,
            "units": refusal.units,
        }));
        return ExitCode::from(7);
    }
    let mut more = String::new();
    if let Some(field) = refusal.field {
        more = format!("{more}; field: {}", field.name());
    }
    if refusal.units != 0 || refusal.code == Code::Insufficient {
        more = format!("{more}; units: {}", refusal.units);
    }
    if refusal.at != 0 {
        more = format!("{more}; at: {}", Utc(refusal.at));
    }
    let meaning = refusal.code.meaning();
    let meaning = if more.is_empty() { meaning } else { meaning.trim_end_matches('.') };
    fail(7, &format_args!("refused: {}: {meaning}{more}", refusal.code))
}
