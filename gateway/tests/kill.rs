//! `kill -9` of the real server on a real disk, under load, at seeded moments; after each restart every answer that
//! was given is held against what the server has. Nothing acknowledged may be missing, nothing may be there that was
//! not asked for, and no unit may be sold twice.
#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]
#![expect(clippy::await_holding_refcell_ref, reason = "nobody else runs while the account is audited")]

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use doorbuster_client::{
    Cancel, Client, Code, Confirm, OrderState, Outcome, PutSku, ReadOrder, ReadStock, RequestId, Reserve,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Kills in every run of the tests; `DOORBUSTER_KILLS` makes more, `DOORBUSTER_SEED` others.
const KILLS: u32 = 20;
const SEED: u64 = 20_251_111;

const SKUS: u64 = 8;
/// Units of every SKU but the first, which sells out soon.
const UNITS: u64 = 1_000_000;
const FEW: u64 = 300;
const USER_LIMIT: u32 = 3;
const USERS: u64 = 20_000;

/// Shoppers at the same time.
const SHOPPERS: u64 = 24;

fn from_environment<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn units(sku: u64) -> u64 {
    if sku == 1 { FEW } else { UNITS }
}

/// A server process that is killed when it goes out of scope.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_doorbuster"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--ready-line", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("the server's binary starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("it says it is ready");
        let ready: serde_json::Value = serde_json::from_str(&line).expect("the ready line is JSON");
        Self { process, address: ready["listen"].as_str().expect("it names its address").to_owned() }
    }

    fn kill(&mut self) {
        self.process.kill().expect("the server can be killed");
        self.process.wait().expect("a killed server ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What is known of one order.
#[derive(Clone, Copy, Debug)]
struct Known {
    reserve: Reserve,
    state: OrderState,
    /// What was sent last and not answered, if anything.
    unsure: Option<OrderState>,
}

/// The shoppers' common account.
#[derive(Default)]
struct Account {
    orders: BTreeMap<u64, Known>,
    /// Reserves that were sent and not answered.
    unanswered: Vec<Reserve>,
    acknowledged: u64,
}

/// The account as the shoppers share it: they are tasks of one thread.
type Shared = Rc<RefCell<Account>>;

fn id(rng: &mut Xoshiro256PlusPlus, now_ms: u64) -> RequestId {
    let tail = rng.random::<u128>() & ((0xFFF << 64) | ((1 << 62) - 1));
    ((u128::from(now_ms) << 80) | (7 << 76) | (2 << 62) | tail).to_be_bytes()
}

fn payment(order: u64) -> [u8; 16] {
    (u128::from(order) | 1 << 127).to_be_bytes()
}

async fn connect(address: &str) -> Client {
    let client = Client::builder().timeout(Duration::from_secs(5)).connect(address).await;
    client.expect("a server that says it is ready takes connections")
}

/// Reserves, pays and cancels until somebody says stop.
async fn shop(
    client: Client,
    shopper: u64,
    mut rng: Xoshiro256PlusPlus,
    account: Shared,
    stop: Rc<Cell<bool>>,
) {
    while !stop.get() {
        let reserve = Reserve {
            request_id: id(&mut rng, client.server_now_ms()),
            user: rng.random_range(0..USERS) * SHOPPERS + shopper,
            sku: rng.random_range(1..=SKUS),
            quantity: rng.random_range(1..=2),
            hold_ms: 600_000,
            ..Reserve::default()
        };
        account.borrow_mut().unanswered.push(reserve);
        let Ok(answer) = client.reserve(&reserve).await else { return };
        account.borrow_mut().unanswered.retain(|waiting| waiting.request_id != reserve.request_id);
        let Outcome::Done(hold) = answer else { continue };
        {
            let mut account = account.borrow_mut();
            account.acknowledged += 1;
            let twice =
                account.orders.insert(hold.order, Known { reserve, state: OrderState::Held, unsure: None });
            assert!(twice.is_none(), "order {} was given out twice", hold.order);
        }
        let (order, user) = (hold.order, reserve.user);
        let next = match rng.random_range(0..4) {
            0 | 1 => OrderState::Confirmed,
            2 => OrderState::Cancelled,
            _ => continue,
        };
        account.borrow_mut().orders.get_mut(&order).unwrap().unsure = Some(next);
        let answer = if next == OrderState::Confirmed {
            client.confirm(&Confirm { order, user, payment_id: payment(order), amount: 0 }).await
        } else {
            client.cancel(&Cancel { order, user, reason: 0 }).await
        };
        let Ok(answer) = answer else { return };
        assert!(matches!(answer, Outcome::Done(_)), "a hold of the shopper's own can be ended: {answer:?}");
        let mut account = account.borrow_mut();
        account.acknowledged += 1;
        let known = account.orders.get_mut(&order).unwrap();
        (known.state, known.unsure) = (next, None);
    }
}

/// Holds the account against the server: asks again what got no answer, then compares every order and every SKU.
async fn audit(client: &Client, account: &mut Account) {
    for reserve in std::mem::take(&mut account.unanswered) {
        match client.reserve(&reserve).await.expect("a healthy server answers") {
            Outcome::Done(hold) => {
                let known = Known { reserve, state: hold.state, unsure: None };
                assert!(account.orders.insert(hold.order, known).is_none(), "order {} twice", hold.order);
            }
            Outcome::Refused(refusal) => {
                let expected = [Code::SoldOut, Code::Insufficient, Code::UserLimit];
                assert!(expected.contains(&refusal.code), "{refusal:?}");
            }
        }
    }
    let reads: Vec<_> =
        account.orders.iter().map(|(&order, known)| ReadOrder { order, user: known.reserve.user }).collect();
    let mut held = BTreeMap::<u64, u64>::new();
    let mut sold = BTreeMap::<u64, u64>::new();
    let mut by_user = BTreeMap::<(u64, u64), u32>::new();
    for read in reads.chunks(2_048) {
        for (answer, asked) in client.read_order_batch(read).await.into_iter().zip(read) {
            let view = match answer.expect("a healthy server answers") {
                Outcome::Done(view) => view,
                Outcome::Refused(refusal) => {
                    panic!("acknowledged order {} is gone: {}", asked.order, refusal.code)
                }
            };
            let known = account.orders.get_mut(&asked.order).unwrap();
            let content = (view.request_id, view.sku, view.quantity);
            assert_eq!(content, (known.reserve.request_id, known.reserve.sku, known.reserve.quantity));
            let state = OrderState::from_byte(view.state).expect("a known state");
            let explained = state == known.state || Some(state) == known.unsure;
            assert!(
                explained,
                "order {} was acknowledged as {:?} and is {state:?}",
                asked.order, known.state
            );
            (known.state, known.unsure) = (state, None);
            let units = match state {
                OrderState::Held => held.entry(view.sku),
                OrderState::Confirmed => sold.entry(view.sku),
                _ => continue,
            };
            *units.or_default() += u64::from(view.quantity);
            *by_user.entry((view.user, view.sku)).or_default() += view.quantity;
        }
    }
    assert!(by_user.values().all(|&units| units <= USER_LIMIT), "a shopper has more than the limit");
    let asked: Vec<_> = (1..=SKUS).map(|sku| ReadStock { sku }).collect();
    for answer in client.read_stock_batch(&asked).await {
        let stock = answer.expect("a healthy server answers").done().expect("the SKU is there");
        assert_eq!(stock.stocked, units(stock.sku), "SKU {}", stock.sku);
        assert_eq!(
            stock.available + stock.held + stock.sold,
            units(stock.sku),
            "SKU {}: units are conserved",
            stock.sku
        );
        // Every order is known by now, so an effect without a request would show here.
        let known = (held.get(&stock.sku).copied().unwrap_or(0), sold.get(&stock.sku).copied().unwrap_or(0));
        assert_eq!(
            (stock.held, stock.sold),
            known,
            "SKU {}: held and sold are what was asked for",
            stock.sku
        );
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed_under_load() {
    let seed = from_environment("DOORBUSTER_SEED", SEED);
    let kills: u32 = from_environment("DOORBUSTER_KILLS", KILLS);
    println!("seed {seed}, {kills} kills");
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder takes a folder");
    let data = folder.path().join("data");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let account = Shared::default();
    let mut total = 0;
    for kill in 0..=kills {
        let mut server = Server::start(&data);
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let client = connect(&server.address).await;
            if kill == 0 {
                let skus = (1..=SKUS).map(|sku| PutSku {
                    sku,
                    units: units(sku),
                    user_limit: USER_LIMIT,
                    order_limit: 0,
                    ..PutSku::default()
                });
                for put in client.put_skus(&skus.collect::<Vec<_>>()).await {
                    assert!(matches!(put, Ok(Outcome::Done(_))));
                }
            } else {
                audit(&client, &mut account.borrow_mut()).await;
            }
            total += account.borrow().acknowledged;
            account.borrow_mut().acknowledged = 0;
            if kill == kills {
                return;
            }
            // The moment is a number of answers, so that it falls anywhere in the server's work but never before it.
            let moment = rng.random_range(1..800);
            let stop = Rc::new(Cell::new(false));
            let shoppers: Vec<_> = (0..SHOPPERS)
                .map(|shopper| {
                    let rng = Xoshiro256PlusPlus::seed_from_u64(rng.random());
                    let (account, stop) = (Rc::clone(&account), Rc::clone(&stop));
                    tokio::task::spawn_local(shop(client.clone(), shopper, rng, account, stop))
                })
                .collect();
            while account.borrow().acknowledged < moment
                && shoppers.iter().any(|shopper| !shopper.is_finished())
            {
                tokio::task::yield_now().await;
            }
            server.kill();
            stop.set(true);
            for shopper in shoppers {
                shopper.abort();
                // Cancelled is what was asked for; a panic is a finding.
                if let Err(error) = shopper.await {
                    assert!(error.is_cancelled(), "{error}");
                }
            }
        });
    }
    println!("{total} acknowledged effects, {} orders", account.borrow().orders.len());
    assert!(total > u64::from(kills) * 100, "the server was killed while it worked");
}
