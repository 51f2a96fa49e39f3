//! What becomes of paid orders, by hand: what a warehouse does by machine.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use doorbuster_client::{
    Advance, Advanced, GoodsTo, LineUnits, OrderState, Outcome, ProgressView, ReadOrder, Refund, Step,
};

use super::Whose;
use crate::cli::connect::{ServerOptions, ask, refused};
use crate::cli::{fail, id, say};
use crate::sku::Sku;
use crate::utc::Utc;

const LINES: &str = "Lines are SKU=UNITS: so many units of the SKU have taken the step by now, since the order was paid. \
                     Without lines, all take it. So the same again changes nothing.";

/// Steps of paid orders.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AfterCommand {
    /// Say that the warehouse has begun to work on a paid order.
    #[command(after_help = "Example:\n  doorbuster order fulfil 4503599627370497 --user 1")]
    Fulfil(StepOptions),
    /// Say that units of a paid order have left the house.
    #[command(
        after_help = "Lines are SKU=UNITS: so many units of the SKU have left by now. Without lines, all have.\n\n\
                            Example:\n  doorbuster order ship 4503599627370497 --user 1 --line 7=2"
    )]
    Ship(LineOptions),
    /// Say that all that was shipped of an order has arrived.
    #[command(after_help = "Example:\n  doorbuster order deliver 4503599627370497 --user 1")]
    Deliver(StepOptions),
    /// Cancel units of a paid order that have not left the house.
    #[command(
        after_help = "Example:\n  doorbuster order cancel-paid 4503599627370497 --user 1 --line 7=1 --reason 4"
    )]
    CancelPaid(LineOptions),
    /// Say that units have come back.
    #[command(
        after_help = "Example:\n  doorbuster order return 4503599627370497 --user 1 --line 7=1 --to quarantine"
    )]
    Return {
        #[command(flatten)]
        lines: LineOptions,
        /// Where they go
        #[arg(long, value_enum, default_value_t = To::Stock)]
        to: To,
    },
    /// Say that money of a payment went back.
    #[command(
        after_help = "Example:\n  doorbuster order refund 4503599627370497 --user 1 --payment HEX --amount 500 --refund HEX"
    )]
    Refund {
        #[command(flatten)]
        step: StepOptions,
        /// The payment, 32 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = id::id)]
        payment: [u8; 16],
        /// What went back, minor units
        #[arg(long, value_name = "MINOR")]
        amount: u64,
        /// Names the refund, 32 hexadecimal digits. The same again is no second refund.
        #[arg(long, value_name = "HEX", value_parser = id::id)]
        refund: [u8; 16],
    },
    /// Say that nothing more is to come of an order.
    #[command(after_help = "Example:\n  doorbuster order close 4503599627370497 --user 1")]
    Close(StepOptions),
    /// Show what became of a paid order, line by line.
    #[command(after_help = "Example:\n  doorbuster order progress 4503599627370497 --user 1 --json")]
    Progress {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// An order, and who says so.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct StepOptions {
    #[command(flatten)]
    whose: Whose,
    /// Why, by your numbering
    #[arg(long, value_name = "N", default_value_t = 0)]
    reason: u32,
    /// Who says so, by your numbering
    #[arg(long, value_name = "N", default_value_t = 0)]
    by: u64,
    #[command(flatten)]
    server: ServerOptions,
}

/// The same, with lines.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct LineOptions {
    #[command(flatten)]
    step: StepOptions,
    #[arg(long = "line", value_name = "SKU=UNITS", value_parser = line, help = LINES)]
    lines: Vec<LineUnits>,
}

/// Where units go that come back.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum To {
    /// They are for sale again.
    Stock,
    /// They wait to be inspected.
    Quarantine,
    /// They are lost.
    Scrap,
}

impl From<To> for GoodsTo {
    fn from(to: To) -> Self {
        match to {
            To::Stock => Self::Stock,
            To::Quarantine => Self::Quarantine,
            To::Scrap => Self::Scrap,
        }
    }
}

fn line(text: &str) -> Result<LineUnits, String> {
    let parsed = text.split_once('=').and_then(|(sku, units)| {
        Some(LineUnits { sku: crate::sku::number(sku).ok()?, units: units.parse().ok()? })
    });
    parsed.ok_or_else(|| "write SKU=UNITS, such as 7=2".to_owned())
}

pub(super) fn run(command: &AfterCommand) -> Result<ExitCode, ExitCode> {
    match command {
        AfterCommand::Fulfil(step) => advance(step, Step::Fulfil, &[], 0),
        AfterCommand::Ship(lines) => advance(&lines.step, Step::Ship, &lines.lines, 0),
        AfterCommand::Deliver(step) => advance(step, Step::Deliver, &[], 0),
        AfterCommand::CancelPaid(lines) => advance(&lines.step, Step::Cancel, &lines.lines, 0),
        AfterCommand::Return { lines, to } => {
            advance(&lines.step, Step::Return, &lines.lines, GoodsTo::from(*to).byte())
        }
        AfterCommand::Close(step) => advance(step, Step::Close, &[], 0),
        AfterCommand::Refund { step, payment, amount, refund } => {
            let asked = Refund {
                order: step.whose.order,
                user: step.whose.user,
                payment_id: *payment,
                refund_id: *refund,
                amount: *amount,
                by: step.by,
                reason: step.reason,
            };
            let outcome = ask(&step.server, async |client| client.refund(&asked).await)?;
            Ok(told(&step.server, &outcome, "left of the payment, minor units"))
        }
        AfterCommand::Progress { whose, server } => {
            let read = ReadOrder { order: whose.order, user: whose.user };
            Ok(match ask(server, async |client| client.read_progress(&read).await)? {
                Outcome::Done(lines) => show(server, &lines),
                Outcome::Refused(refusal) => refused(server, &refusal),
            })
        }
    }
}

fn advance(options: &StepOptions, step: Step, lines: &[LineUnits], to: u8) -> Result<ExitCode, ExitCode> {
    let asked = Advance {
        order: options.whose.order,
        user: options.whose.user,
        by: options.by,
        reason: options.reason,
        step: step.byte(),
        to,
        lines: lines.to_vec(),
    };
    let outcome = ask(&options.server, async |client| client.advance(&asked).await)?;
    Ok(told(&options.server, &outcome, "units that took the step"))
}

fn told(server: &ServerOptions, outcome: &Outcome<Advanced>, units: &str) -> ExitCode {
    let Advanced { order, state, units: count, replayed } = match outcome {
        Outcome::Done(advanced) => *advanced,
        Outcome::Refused(refusal) => return refused(server, refusal),
    };
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "order": order.to_string(),
            "state": state.name(),
            "units": count,
            "replayed": replayed,
        }));
    } else if replayed {
        say(&format_args!("order {order} is {}, as before", state.name()));
    } else {
        say(&format_args!("order {order} is {}; {units}: {count}", state.name()));
    }
    ExitCode::SUCCESS
}

fn show(server: &ServerOptions, lines: &[ProgressView]) -> ExitCode {
    let Some(first) = lines.first() else { return fail(7, &"the server gave no line of the order") };
    let Some(state) = OrderState::from_byte(first.state) else {
        return fail(7, &format_args!("order {} is in a state that this version doesn't know", first.order));
    };
    if server.json {
        let line = |line: &ProgressView| {
            serde_json::json!({
                "sku": line.sku.to_string(),
                "units": line.units,
                "shipped": line.shipped,
                "cancelled": line.cancelled,
                "returned": line.returned,
                "missing": line.short,
            })
        };
        say(&serde_json::json!({
            "schema_version": 1,
            "order": first.order.to_string(),
            "state": state.name(),
            "paid_at_ms": first.paid_at,
            "delivered_at_ms": first.delivered_at,
            "return_until_ms": first.return_until,
            "paid": first.paid,
            "refunded": first.refunded,
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
        }));
        return ExitCode::SUCCESS;
    }
    let until = match first.return_until {
        0 => String::new(),
        until => format!(", returns until {}", Utc(until)),
    };
    say(&format_args!(
        "order {} is {}: {} paid at {}, {} of that paid back{until}",
        first.order,
        state.name(),
        first.paid,
        Utc(first.paid_at),
        first.refunded
    ));
    for line in lines {
        say(&format_args!(
            "  SKU {}: {} units; so far {} shipped, {} cancelled, {} returned; missing: {}",
            Sku(line.sku),
            line.units,
            line.shipped,
            line.cancelled,
            line.returned,
            line.short
        ));
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_sku_and_its_units() {
        assert_eq!(line("7=2"), Ok(LineUnits { sku: 7, units: 2 }));
        for text in ["", "7", "7=", "=2", "7=-1", "a=2"] {
            assert!(line(text).unwrap_err().contains("SKU=UNITS"), "{text}");
        }
    }
}
