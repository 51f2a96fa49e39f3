//! Staying until an order that waits has its offer, or waits no more.

use std::process::ExitCode;
use std::time::Duration;

use doorbuster_client::{Client, Code, Error, Kept, OrderState, OrderView, Outcome, ReadOrder, Refusal};

use super::{Whose, show};
use crate::cli::connect::{ServerOptions, ask, refused};

/// How long it waits for a push before it looks by itself: a lost one costs no more.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

pub(super) fn run(whose: Whose, server: &ServerOptions) -> Result<ExitCode, ExitCode> {
    Ok(match ask(server, async |client| until_settled(&client, whose).await)? {
        Outcome::Done(order) => show(server, &order),
        Outcome::Refused(refusal) => refused(server, &refusal),
    })
}

/// How the order stands when it waits no more.
async fn until_settled(client: &Client, whose: Whose) -> Result<Outcome<OrderView>, Error> {
    let Whose { order, user } = whose;
    let mut pushes = client.pushes();
    loop {
        match client.watch(order, user).await? {
            Outcome::Done(Kept { state: OrderState::Waiting, .. }) => {
                // Whatever comes, the order itself is asked.
                drop(tokio::time::timeout(LOOK_AGAIN, pushes.next()).await);
            }
            // As many are watched as may be: reading now and then tells it, too.
            Outcome::Refused(refusal) if refusal.code == Code::CapacityExceeded => {
                match client.read_order(&ReadOrder { order, user }).await? {
                    Outcome::Done(read) if OrderState::from_byte(read.state) == Some(OrderState::Waiting) => {
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                    settled => return Ok(settled),
                }
            }
            Outcome::Done(_) => return client.read_order(&ReadOrder { order, user }).await,
            Outcome::Refused(refusal) => {
                return Ok(Outcome::Refused::<OrderView>(Refusal { order, ..refusal }));
            }
        }
    }
}
