//! `doorbuster feed`.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use doorbuster_client::{EventKind, FeedEvent};
use doorbuster_protocol::feed::has_lines;

use super::source::{Source, SourceOptions, Wanted};
use super::{fail, warn};
use crate::utc::Utc;

/// How long a server is given to come back before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a request waits at the server for something new, with --follow.
const WAIT: Duration = Duration::from_secs(5);

/// Print what happened: events of the log, in order and without a gap.
#[derive(Clone, Debug, Args)]
pub(super) struct FeedOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// Log position to begin at: 0, or one more than the position of the last line that you have.
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    from: u64,
    /// Stay, and print what happens from now on, too.
    #[arg(long, conflicts_with = "data")]
    follow: bool,
    /// One line of JSON an event.
    #[arg(long)]
    json: bool,
    /// Only this order, and what concerns every order.
    #[arg(long, value_name = "N")]
    order: Option<u64>,
    /// Only this SKU and orders for it.
    #[arg(long, value_name = "SKU", value_parser = crate::sku::number)]
    sku: Option<u64>,
    /// Only this shopper's orders.
    #[arg(long, value_name = "N")]
    user: Option<u64>,
    /// Only this partition.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..4096))]
    partition: Option<u16>,
    /// Only this kind of event; may be repeated.
    #[arg(
        long,
        value_name = "KIND",
        ignore_case = true,
        value_parser = PossibleValuesParser::new(EventKind::ALL.iter().map(|kind| kind.name()))
    )]
    kind: Vec<String>,
    /// Stop after so many events.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(super) fn run(options: &FeedOptions) -> ExitCode {
    let wanted = Wanted {
        kinds: options.kind.iter().filter_map(|name| EventKind::from_name(&name.to_uppercase())).collect(),
        order: options.order,
        sku: options.sku,
        user: options.user,
        partition: options.partition,
    };
    let wait = if options.follow { WAIT } else { Duration::ZERO };
    let mut source = match Source::open(&options.source, options.from, &wanted, wait) {
        Ok(source) => source,
        Err(failure) => return fail(failure.code, &failure.message),
    };
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut lost = false;
    while left > 0 {
        match source.next_batch() {
            Ok(events) => {
                lost = false;
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                // Whoever read the lines may have gone, as `head` does: there is nobody left to tell.
                if print(events.iter().take(most), options.json).is_err() {
                    return ExitCode::SUCCESS;
                }
                left = left.saturating_sub(events.len() as u64);
            }
            Err(failure) if options.follow && failure.passing => {
                if !lost {
                    warn(&format_args!(
                        "{}; going on from position {} when it is back",
                        failure.message,
                        source.position()
                    ));
                }
                lost = true;
                std::thread::sleep(PAUSE);
            }
            Err(failure) => return fail(failure.code, &failure.message),
        }
        if source.at_end() && !options.follow {
            break;
        }
    }
    ExitCode::SUCCESS
}

fn print<'a>(events: impl Iterator<Item = &'a FeedEvent>, json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for event in events {
        if json {
            writeln!(out, "{}", as_json(event))?;
        } else {
            writeln!(out, "{}", as_text(event))?;
        }
    }
    out.flush()
}

/// The fields that say something, with their values. Numbers that name something are texts in JSON: many readers of it
/// keep only 53 bits of a number.
fn fields(event: &FeedEvent) -> Vec<(&'static str, serde_json::Value)> {
    use EventKind as K;
    let name = |number: u64| serde_json::Value::from(number.to_string());
    let hex = |bytes| serde_json::Value::from(super::id::written(bytes));
    let mut fields = Vec::new();
    let mut put = |field, there: bool, value: serde_json::Value| {
        if there {
            fields.push((field, value));
        }
    };
    let kind = event.kind();
    let placed = matches!(kind, Some(K::Reserved | K::Waitlisted));
    let whose = placed || of_line(event);
    let of_sku = has_sku(event);
    let to = if kind == Some(K::Superseded) { name(event.to) } else { event.to.into() };
    put("order", event.order != 0, name(event.order));
    put("user", whose, name(event.user));
    put("sku", of_sku, name(event.sku));
    let of_plan = matches!(kind, Some(K::PhasePut | K::PlanActivated | K::PhaseEntered));
    let of_phase = matches!(kind, Some(K::PhasePut | K::PhaseEntered));
    let counts = !of_plan && !matches!(kind, Some(K::PriceSet | K::SkuBound | K::LimitsSet | K::FreezeSet));
    put("units", counts && (of_sku || event.units != 0), event.units.into());
    put("gifts", event.gifts != 0, event.gifts.into());
    put("location", event.location != 0, event.location.into());
    put("pool", event.pool != 0, event.pool.into());
    put("amount", event.amount != 0 && !of_phase, event.amount.into());
    put("discount", placed && event.cap != 0, event.cap.into());
    put("budget", placed && event.to != 0, event.to.into());
    put("until_ms", event.until != 0, event.until.into());
    put("payment_id", event.payment_id != [0; 16], hex(event.payment_id));
    put("request_id", event.request_id != [0; 16], hex(event.request_id));
    put(
        "channel",
        (event.channel != 0 && !of_phase) || matches!(kind, Some(K::ChannelSet | K::Rebalanced)),
        event.channel.into(),
    );
    put("to", matches!(kind, Some(K::Superseded | K::Rebalanced)), to);
    put("cap", kind == Some(K::ChannelSet) && event.cap != u64::MAX, event.cap.into());
    put("campaign", of_campaign(kind), event.to.into());
    put("plan", of_plan, event.units.into());
    put("phase", of_phase, event.channel.into());
    put("version", kind == Some(K::PriceSet), event.units.into());
    put("frozen", kind == Some(K::FreezeSet), (event.units != 0).into());
    let by = wanted_by(event);
    put("by", by != 0, by.into());
    put("reason", event.reason != 0, event.reason.into());
    put("user_limit", event.user_limit != 0, event.user_limit.into());
    put("group_limit", of_phase && event.amount != 0, event.amount.into());
    put("order_limit", event.order_limit != 0, event.order_limit.into());
    fields
}

/// Who wanted it so, where it is something that a person decides; 0 where that isn't known.
fn wanted_by(event: &FeedEvent) -> u64 {
    use EventKind as K;
    match event.kind() {
        Some(
            K::SkuPut
            | K::Restocked
            | K::ChannelSet
            | K::Rebalanced
            | K::BudgetOpened
            | K::BudgetFunded
            | K::BudgetStopped
            | K::CouponsIssued
            | K::PhasePut
            | K::PlanActivated
            | K::CampaignStood
            | K::SkuBound
            | K::PriceSet
            | K::LimitsSet
            | K::FreezeSet,
        ) => event.user,
        Some(
            K::Fulfilling
            | K::Delivered
            | K::Closed
            | K::LineShipped
            | K::LineCancelled
            | K::LineReturned
            | K::PaidBack
            | K::Counted
            | K::Inspected,
        ) => event.to,
        _ => 0,
    }
}

/// Whether `to` names a campaign.
fn of_campaign(kind: Option<EventKind>) -> bool {
    use EventKind as K;
    matches!(kind, Some(K::PhasePut | K::PlanActivated | K::CampaignStood | K::PhaseEntered | K::SkuBound))
}

/// Whether it names a SKU.
fn has_sku(event: &FeedEvent) -> bool {
    use EventKind as K;
    match event.kind() {
        Some(K::Reserved | K::Waitlisted) => !has_lines(event.order),
        Some(
            K::SkuPut
            | K::Restocked
            | K::ChannelSet
            | K::Rebalanced
            | K::SkuBound
            | K::PriceSet
            | K::LimitsSet
            | K::FreezeSet,
        ) => true,
        _ => of_line(event),
    }
}

/// Whether it is about one line of an order that has several.
fn of_line(event: &FeedEvent) -> bool {
    use EventKind as K;
    let lines = [K::LineHeld, K::LineReleased, K::LineSold, K::LineCut, K::LineDropped];
    event.kind().is_some_and(|kind| lines.contains(&kind))
}

fn kind_name(event: &FeedEvent) -> String {
    event.kind().map_or_else(|| format!("KIND_{}", event.kind), |kind| kind.name().to_owned())
}

fn as_json(event: &FeedEvent) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    object.insert("position".to_owned(), event.position.into());
    object.insert("at_ms".to_owned(), event.at.into());
    object.insert("kind".to_owned(), kind_name(event).into());
    object.extend(fields(event).into_iter().map(|(field, value)| (field.to_owned(), value)));
    object.into()
}

fn as_text(event: &FeedEvent) -> String {
    let mut line = format!("{:>8}  {}  {:<17}", event.position, Utc(event.at), kind_name(event));
    for (field, value) in fields(event) {
        let written = match (field, value) {
            ("until_ms", value) => write!(line, " until {}", Utc(value.as_u64().unwrap_or_default())),
            ("request_id", _) => Ok(()),
            (field, serde_json::Value::String(text)) => write!(line, " {field} {text}"),
            (field, value) => write!(line, " {field} {value}"),
        };
        debug_assert!(written.is_ok(), "writing into a string can't fail");
    }
    line.trim_end().to_owned()
}
