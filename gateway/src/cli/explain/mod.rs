//! `doorbuster explain`.

mod story;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use doorbuster_client::FeedEvent;

use self::story::{Story, Told};
use super::source::{Source, SourceOptions, Wanted};
use super::{fail, say};
use crate::utc::Utc;

/// What was asked for isn't in the log.
const NOT_THERE: u8 = 8;

/// Tell the whole story of an order or of a shopper from the log, in words that can be read out.
#[derive(Clone, Debug, Args)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["order", "user"])))]
pub(super) struct ExplainOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// The order; a restock's number does, too.
    #[arg(long, value_name = "N")]
    order: Option<u64>,
    /// The shopper.
    #[arg(long, value_name = "N")]
    user: Option<u64>,
    /// Decimals of the currency: 19900 minor units are 199.00 with 2.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=4))]
    decimals: u8,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &ExplainOptions) -> ExitCode {
    let wanted = Wanted { order: options.order, user: options.user, ..Wanted::default() };
    let mut events = Vec::new();
    let read = Source::open(&options.source, 0, &wanted, Duration::ZERO)
        .and_then(|mut source| source.read_all(|event| events.push(event)));
    if let Err(failure) = read {
        return fail(failure.code, &failure.message);
    }
    let mut story = Story::new(options.order, options.decimals);
    let told: Vec<Told> = events.iter().filter_map(|event| story.tell(event)).collect();
    if told.is_empty() {
        return fail(NOT_THERE, &nothing(options, &events));
    }
    if options.json {
        as_json(options, &story, &told);
    } else {
        as_text(options, &story, &told);
    }
    ExitCode::SUCCESS
}

/// Why there is no story.
fn nothing(options: &ExplainOptions, events: &[FeedEvent]) -> String {
    let whose = match (options.order, options.user) {
        (Some(order), _) => format!("order {order}"),
        (None, user) => format!("shopper {}", user.unwrap_or_default()),
    };
    let seen = if events.is_empty() { "" } else { " but what concerned every order" };
    format!(
        "nothing in the log is about {whose}{seen}; check the number, and whether this is the right server or folder"
    )
}

fn as_text(options: &ExplainOptions, story: &Story, told: &[Told]) {
    if let Some(user) = options.user {
        say(&format_args!("Shopper {user}, {}:", words::count(story.orders().count(), "order")));
    }
    for Told { at, order, sentence, .. } in told {
        match order {
            Some(order) if options.user.is_some() => {
                say(&format_args!("{}: order {order}: {sentence}", Utc(*at)));
            }
            _ => say(&format_args!("{}: {sentence}", Utc(*at))),
        }
    }
    for (order, stands) in story.orders() {
        if options.user.is_some() {
            say(&format_args!("Now: order {order}: {stands}"));
        } else {
            say(&format_args!("Now: {stands}"));
        }
    }
}

fn as_json(options: &ExplainOptions, story: &Story, told: &[Told]) {
    let name = |number: Option<u64>| number.map(|number| number.to_string());
    let sentences = told.iter().map(|Told { position, at, kind, order, sentence }| {
        serde_json::json!({
            "position": position,
            "at_ms": at,
            "at": Utc(*at).to_string(),
            "kind": kind.name(),
            "order": name(*order),
            "sentence": sentence,
        })
    });
    let orders = story
        .orders()
        .map(|(order, stands)| serde_json::json!({ "order": order.to_string(), "now": stands }));
    say(&serde_json::json!({
        "schema_version": 1,
        "order": name(options.order),
        "user": name(options.user),
        "story": sentences.collect::<Vec<_>>(),
        "orders": orders.collect::<Vec<_>>(),
    }));
}
