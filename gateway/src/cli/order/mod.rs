//! `doorbuster order`: by hand what a storefront does by machine.

mod after;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorbuster_client::{
    Cancel, Confirm, Hold, Line, OrderState, OrderView, Outcome, ReadOrder, Reserve, ReserveClaims,
    ReserveOrder,
};

use super::connect::{ServerOptions, ask, refused};
use super::{coupon, fail, id, say};
use crate::duration::Span;
use crate::sku::Sku;
use crate::utc::Utc;

/// Reserve, pay, give back and look at single orders.
#[derive(Debug, Subcommand)]
pub(super) enum OrderCommand {
    /// Hold units for a shopper.
    Reserve(ReserveOptions),
    /// Pay a hold.
    Pay {
        #[command(flatten)]
        whose: Whose,
        /// Amount paid, minor units
        #[arg(long, value_name = "MINOR", default_value_t = 0)]
        amount: u64,
        /// Names the payment, 32 hexadecimal digits; a fresh one unless given. The same again is no second payment.
        #[arg(long, value_name = "HEX", value_parser = id::id)]
        payment: Option<[u8; 16]>,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Give a hold, or a place in the waiting line, back.
    Cancel {
        #[command(flatten)]
        whose: Whose,
        /// Why, by your numbering
        #[arg(long, value_name = "N", default_value_t = 0)]
        reason: u32,
        #[command(flatten)]
        server: ServerOptions,
    },
    #[command(flatten)]
    After(after::AfterCommand),
    /// Stay until an order that waits has its units, or waits no more, and show how it stands.
    #[command(after_help = "Example:\n  doorbuster order watch 4503599627370497 --user 1")]
    Watch {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        server: ServerOptions,
    },
    /// Show how an order stands.
    Show {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        server: ServerOptions,
    },
}

/// An order and its shopper.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Whose {
    /// The order's number
    order: u64,
    /// The shopper that it belongs to
    #[arg(long, value_name = "N")]
    user: u64,
}

/// Hold units for a shopper.
#[derive(Clone, Debug, Args)]
pub(super) struct ReserveOptions {
    /// The shopper
    #[arg(long, value_name = "N")]
    user: u64,
    /// The SKU
    #[arg(long, value_name = "SKU", value_parser = crate::sku::number)]
    sku: u64,
    /// Units
    #[arg(long, value_name = "N", default_value_t = 1)]
    quantity: u32,
    /// Amount due, minor units; 0: any
    #[arg(long, value_name = "MINOR", default_value_t = 0)]
    amount: u64,
    /// How long to hold them, such as 90s; the server's default unless given
    #[arg(long, value_name = "TIME", value_parser = short_span)]
    hold: Option<u32>,
    /// How long to wait if there are too few, such as 30m; not at all unless given
    #[arg(long, value_name = "TIME", value_parser = short_span)]
    wait: Option<u32>,
    /// Stay until the order that waits has its units, or waits no more.
    #[arg(long, requires = "wait", conflicts_with = "bare")]
    watch: bool,
    /// The budget that pays a discount
    #[arg(long, value_name = "N", requires = "discount", conflicts_with = "wait")]
    budget: Option<u32>,
    /// The discount, minor units
    #[arg(long, value_name = "MINOR", requires = "budget")]
    discount: Option<u64>,
    /// A coupon, such as 5-17
    #[arg(long, value_name = "BATCH-SERIAL", value_parser = coupon::number, conflicts_with = "wait")]
    coupon: Option<u64>,
    #[command(flatten)]
    terms: Terms,
    /// Print the order's number and nothing else.
    #[arg(long, conflicts_with = "json")]
    bare: bool,
    #[command(flatten)]
    server: ServerOptions,
}

/// What a campaign may look at.
#[derive(Clone, Copy, Debug, Args)]
struct Terms {
    /// The version of prices that the amount is by; 0: none
    #[arg(long, value_name = "N", default_value_t = 0)]
    price_version: u32,
    /// The shopper's member tier
    #[arg(long, value_name = "N", default_value_t = 0)]
    tier: u16,
    /// The sales channel
    #[arg(long, value_name = "N", default_value_t = 0)]
    channel: u16,
    /// The campaign, for the log: which one counts is the SKU's
    #[arg(long, value_name = "N", default_value_t = 0)]
    campaign: u32,
}

/// Milliseconds that fit the protocol's fields: up to 49 days.
fn short_span(text: &str) -> Result<u32, String> {
    let span: Span = text.parse().map_err(|error: crate::duration::SpanError| error.to_string())?;
    u32::try_from(span.ms()).map_err(|_| format!("{text} is too long: at most 49d"))
}

pub(super) fn run(command: &OrderCommand) -> ExitCode {
    let done = match command {
        OrderCommand::Reserve(options) => reserve(options),
        OrderCommand::Pay { whose, amount, payment, server } => pay(*whose, *amount, *payment, server),
        OrderCommand::Cancel { whose, reason, server } => {
            let cancel = Cancel { order: whose.order, user: whose.user, reason: *reason };
            ask(server, async |client| client.cancel(&cancel).await).map(|outcome| match outcome {
                Outcome::Done(settled) => stands(server, settled.order, settled.state, 0, settled.replayed),
                Outcome::Refused(refusal) => refused(server, &refusal),
            })
        }
        OrderCommand::After(command) => after::run(command),
        OrderCommand::Watch { whose, server } => watch::run(*whose, server),
        OrderCommand::Show { whose, server } => {
            let read = ReadOrder { order: whose.order, user: whose.user };
            ask(server, async |client| client.read_order(&read).await).map(|outcome| match outcome {
                Outcome::Done(order) => show(server, &order),
                Outcome::Refused(refusal) => refused(server, &refusal),
            })
        }
    };
    done.unwrap_or_else(|code| code)
}

fn reserve(options: &ReserveOptions) -> Result<ExitCode, ExitCode> {
    let server = &options.server;
    let Terms { price_version, tier, channel, campaign } = options.terms;
    let outcome: Outcome<Hold> = ask(server, async |client| match options.wait {
        None if options.budget.is_none() && options.coupon.is_none() => {
            let wish = Reserve {
                user: options.user,
                sku: options.sku,
                quantity: options.quantity,
                amount: options.amount,
                hold_ms: options.hold.unwrap_or_default(),
                price_version,
                tier,
                channel,
                campaign,
                ..Reserve::default()
            };
            client.reserve(&wish).await
        }
        wait => {
            let wish = ReserveOrder {
                user: options.user,
                amount: options.amount,
                hold_ms: options.hold.unwrap_or_default(),
                wait_ms: wait.unwrap_or_default(),
                price_version,
                tier,
                channel,
                campaign,
                lines: vec![Line { sku: options.sku, quantity: options.quantity, ..Line::default() }],
                ..ReserveOrder::default()
            };
            let claims = ReserveClaims::of(wish)
                .discount(options.budget.unwrap_or_default(), options.discount.unwrap_or_default())
                .coupon(options.coupon.unwrap_or_default());
            if wait.is_some() {
                client.reserve_order(&claims.order).await
            } else {
                client.reserve_claims(&claims).await
            }
        }
    })?;
    Ok(match outcome {
        Outcome::Refused(refusal) => refused(server, &refusal),
        Outcome::Done(hold) if options.bare => {
            say(&hold.order);
            ExitCode::SUCCESS
        }
        Outcome::Done(hold) => {
            let code = stands(server, hold.order, hold.state, hold.expires_at, hold.replayed);
            if options.watch && hold.state == OrderState::Waiting {
                return watch::run(Whose { order: hold.order, user: options.user }, server);
            }
            code
        }
    })
}

fn pay(
    whose: Whose,
    amount: u64,
    payment: Option<[u8; 16]>,
    server: &ServerOptions,
) -> Result<ExitCode, ExitCode> {
    let (outcome, payment_id) = ask(server, async |client| {
        let payment_id = payment.unwrap_or_else(|| client.new_request_id());
        let pay = Confirm { order: whose.order, user: whose.user, payment_id, amount };
        Ok((client.confirm(&pay).await?, payment_id))
    })?;
    let payment = id::written(payment_id);
    Ok(match outcome {
        Outcome::Refused(refusal) => refused(server, &refusal),
        Outcome::Done(settled) if server.json => {
            say(&serde_json::json!({
                "schema_version": 1,
                "order": settled.order.to_string(),
                "state": settled.state.name(),
                "replayed": settled.replayed,
                "reacquired": settled.reacquired,
                "payment_id": payment,
            }));
            ExitCode::SUCCESS
        }
        Outcome::Done(settled) => {
            let how = match (settled.reacquired, settled.replayed) {
                (true, _) => ": its hold had ended, and its units were there to be taken again",
                (false, true) => ", as before",
                (false, false) => "",
            };
            say(&format_args!(
                "order {} is {} by payment {payment}{how}",
                settled.order,
                settled.state.name()
            ));
            ExitCode::SUCCESS
        }
    })
}

fn stands(server: &ServerOptions, order: u64, state: OrderState, until: u64, replayed: bool) -> ExitCode {
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "order": order.to_string(),
            "state": state.name(),
            "until_ms": until,
            "replayed": replayed,
        }));
    } else if until == 0 {
        say(&format_args!("order {order} is {}", state.name()));
    } else {
        say(&format_args!("order {order} is {} until {}", state.name(), Utc(until)));
    }
    ExitCode::SUCCESS
}

fn show(server: &ServerOptions, order: &OrderView) -> ExitCode {
    let Some(state) = OrderState::from_byte(order.state) else {
        return fail(7, &format_args!("order {} is in a state that this version doesn't know", order.order));
    };
    if server.json {
        say(&serde_json::json!({
            "schema_version": 1,
            "order": order.order.to_string(),
            "state": state.name(),
            "user": order.user.to_string(),
            "sku": order.sku.to_string(),
            "quantity": order.quantity,
            "amount": order.amount,
            "placed_at_ms": order.placed_at,
            "until_ms": order.expires_at,
            "ended_at_ms": order.ended_at,
            "refunds": order.refunds,
        }));
        return ExitCode::SUCCESS;
    }
    let when = match state {
        OrderState::Held | OrderState::Paying | OrderState::Waiting => {
            format!("until {}", Utc(order.expires_at))
        }
        _ => format!("since {}", Utc(order.ended_at)),
    };
    let (number, quantity, sku) = (order.order, order.quantity, Sku(order.sku));
    let refunds = match order.refunds {
        0 => String::new(),
        refunds => format!(", payments to be paid back: {refunds}"),
    };
    say(&format_args!("order {number} is {} {when}: {quantity} of SKU {sku}{refunds}", state.name()));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_fits_its_field() {
        assert_eq!(short_span("90s"), Ok(90_000));
        assert!(short_span("50d").unwrap_err().contains("at most 49d"));
        assert!(short_span("soon").unwrap_err().contains("is no length of time"));
    }
}
