//! The live board: what it serves, and what a browser makes of it.

mod chromium;
mod feed;
mod page;

use std::net::SocketAddr;
use std::sync::Arc;

use doorbuster_client::{
    BindSku, Client, Confirm, Phase, PutPhase, PutSku, Reserve, SetCampaign, SetChannel,
};
use doorbuster_engine::clock::ManualClock;
use doorbuster_engine::storage::SimStorage;
use doorbuster_gateway::http;
use doorbuster_gateway::testing::Server;
use doorbuster_ledger::Timestamp;

/// The server's time, which stands still.
const START: u64 = 1_700_000_000_000;

fn start() -> Server {
    start_with(None)
}

/// Goals of the shop's sale, whose T0 was an hour ago.
const GOALS: &str = r#"
name = "Double 11"
tiers = ["50 %", "100 %"]
t0 = 2023-11-14T21:13:20Z
[[category]]
name = "phones"
skus = [1]
units = 10
[[category]]
name = "cases"
skus = ["2-300"]
units = 70
[[channel]]
channel = 1
name = "own shop"
share = "40 %"
[[channel]]
channel = 2
name = "live"
share = "60 %"
[curve]
hours = ["50 %", "50 %"]
"#;

/// A server that shows these goals, from a file.
fn start_with(goals: Option<&std::path::Path>) -> Server {
    let clock = Arc::new(ManualClock::new(Timestamp::new(START)));
    Server::start_on(Arc::new(SimStorage::new(0)), clock, |setup| {
        setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        setup.reactors = 2;
        setup.targets = goals.map(std::path::Path::to_owned);
    })
}

fn admin(server: &Server) -> SocketAddr {
    server.server().admin().expect("it was set up")
}

/// The whole value of a series of `/metrics`, summed over those whose labels have all of `with`.
fn metric(server: &Server, name: &str, with: &[&str]) -> u64 {
    let (status, text) = http::get(admin(server), "/metrics").expect("an answer");
    assert_eq!(status, 200);
    let series = text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let named = series == name || series.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
        (named && with.iter().all(|label| series.contains(label))).then(|| value.parse::<u64>().ok())?
    });
    series.sum()
}

/// The campaign that the shop has, and when it goes live.
const CAMPAIGN: u32 = 4;
const T0: u64 = START + 3_725_000;

/// A shop with so many SKUs, 10 units of SKU 1, 20 of SKU 2 and so on; two channels share SKU 2, and the last SKU is sold by a campaign
/// that is still to begin.
async fn shop(server: &Server, skus: u64) -> Client {
    let client = Client::connect(&server.address().to_string()).await.expect("it listens");
    let put: Vec<_> = (1..=skus).map(|sku| PutSku { sku, units: 10 * sku, ..PutSku::default() }).collect();
    for outcome in client.put_skus(&put).await {
        outcome.expect("an answer").done().expect("it is set up");
    }
    for (channel, guarantee) in [(1, 12), (2, 4)] {
        let set = SetChannel { sku: 2, channel, guarantee, cap: u64::MAX, ..SetChannel::default() };
        client.set_channel(&set).await.expect("an answer").done().expect("it is allotted");
    }
    for (nth, start, stage) in [(0, START, 0), (1, T0, 1)] {
        let phase = Phase { start, stage, ..Phase::default() };
        let put = PutPhase { campaign: CAMPAIGN, plan: 1, nth, phase, ..PutPhase::default() };
        client.put_phases(&[put]).await.remove(0).expect("an answer").done().expect("it is written");
    }
    let follow = SetCampaign { campaign: CAMPAIGN, action: 1, plan: 1, phases: 2, ..SetCampaign::default() };
    client.set_campaign(&follow).await.expect("an answer").done().expect("the plan is whole");
    let bind = BindSku { sku: skus, campaign: CAMPAIGN, ..BindSku::default() };
    client.bind_skus(&[bind]).await.remove(0).expect("an answer").done().expect("both are there");
    client
}

/// 25 shoppers want a unit of SKU 1 and 15 one of SKU 2, of channels in turn; every other one who gets one pays, the first of them
/// too little at first.
async fn sale(client: &Client) {
    let wishes: Vec<_> = (0..40)
        .map(|user| Reserve {
            user,
            sku: if user < 25 { 1 } else { 2 },
            quantity: 1,
            amount: 700,
            channel: u16::try_from(1 + user % 2).expect("1 or 2"),
            ..Reserve::default()
        })
        .collect();
    let mut paid = Vec::new();
    for (user, answer) in (0..).zip(client.reserve_batch(&wishes).await) {
        if let Some(hold) = answer.expect("an answer").done().filter(|_| user % 2 == 0) {
            let payment_id = [user + 1; 16];
            paid.push(Confirm { order: hold.order, user: u64::from(user), payment_id, amount: 700 });
        }
    }
    let short = Confirm { amount: 1, payment_id: [99; 16], ..paid[0] };
    client.confirm(&short).await.expect("an answer").refusal().expect("it is too little");
    for answer in client.confirm_batch(&paid).await {
        answer.expect("an answer").done().expect("it is paid");
    }
}
