//! Buys one unit of a SKU: hold it, pay it, read the order back.
//!
//! Start a server with `cargo run --release --bin doorbuster -- serve --dev`, then
//! `cargo run -p doorbuster-client --example buy -- 127.0.0.1:7700 1`.

use doorbuster_client::{Client, Confirm, Outcome, ReadOrder, Reserve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:7700".to_owned());
    let sku = args.next().map_or(Ok(1), |text| text.parse())?;
    let user = 42;

    let client = Client::connect(&address).await?;
    let wish = Reserve { user, sku, quantity: 1, amount: 9_900, ..Reserve::default() };
    let hold = match client.reserve(&wish).await? {
        Outcome::Done(hold) => hold,
        Outcome::Refused(refusal) => return Err(format!("not held: {}", refusal.code).into()),
    };
    let payment_id = client.new_request_id();
    match client.confirm(&Confirm { order: hold.order, user, payment_id, amount: 9_900 }).await? {
        Outcome::Done(_) => {}
        Outcome::Refused(refusal) => return Err(format!("not paid: {}", refusal.code).into()),
    }
    let order = client.read_order(&ReadOrder { order: hold.order, user }).await?;
    let stock = client.read_stock(sku).await?;
    std::io::Write::write_all(&mut std::io::stdout(), format!("{order:#?}\n{stock:#?}\n").as_bytes())?;
    Ok(())
}
