//! Shoppers who keep an account of every answer, and the audit that holds it against a server: nothing acknowledged may be
//! missing, nothing may be there that was not asked for, and no unit may be sold twice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use doorbuster_client::{
    Cancel, Client, Code, Confirm, OrderState, Outcome, PutSku, ReadOrder, ReadStock, RequestId, Reserve,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tokio::task::JoinHandle;

const SKUS: u64 = 8;
/// Units of every SKU but the first, which sells out soon.
const UNITS: u64 = 1_000_000;
const FEW: u64 = 300;
const USER_LIMIT: u32 = 3;
const USERS: u64 = 20_000;

/// Shoppers at the same time.
const SHOPPERS: u64 = 24;

fn units(sku: u64) -> u64 {
    if sku == 1 { FEW } else { UNITS }
}

/// What is known of one order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) reserve: Reserve,
    state: OrderState,
    /// What was sent last and not answered, if anything.
    unsure: Option<OrderState>,
}

/// The shoppers' common account.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) orders: BTreeMap<u64, Known>,
    /// Reserves that were sent and not answered.
    pub(crate) unanswered: Vec<Reserve>,
    /// Effects.
    pub(crate) acknowledged: u64,
}

/// The account as the shoppers share it: they are tasks of one thread.
pub(crate) type Shared = Rc<RefCell<Account>>;

fn id(rng: &mut Xoshiro256PlusPlus, now_ms: u64) -> RequestId {
    let tail = rng.random::<u128>() & ((0xFFF << 64) | ((1 << 62) - 1));
    ((u128::from(now_ms) << 80) | (7 << 76) | (2 << 62) | tail).to_be_bytes()
}

fn payment(order: u64) -> [u8; 16] {
    (u128::from(order) | 1 << 127).to_be_bytes()
}

pub(crate) async fn connect(address: &str) -> Client {
    let client = Client::builder().timeout(Duration::from_secs(5)).connect(address).await;
    client.expect("a server that says it is ready takes connections")
}

/// A reserve of some shopper's own.
pub(crate) fn wish(client: &Client, shopper: u64, rng: &mut Xoshiro256PlusPlus) -> Reserve {
    Reserve {
        request_id: id(rng, client.server_now_ms()),
        user: rng.random_range(0..USERS) * SHOPPERS + shopper,
        sku: rng.random_range(1..=SKUS),
        quantity: rng.random_range(1..=2),
        hold_ms: 600_000,
        ..Reserve::default()
    }
}

/// Sets the SKUs up.
pub(crate) async fn put_stock(client: &Client) {
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
}

/// Shoppers who shop at the same time.
pub(crate) struct Crowd {
    account: Shared,
    stop: Rc<Cell<bool>>,
    shoppers: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Lets them begin.
    pub(crate) fn start(client: &Client, rng: &mut Xoshiro256PlusPlus, account: &Shared) -> Self {
        let stop = Rc::new(Cell::new(false));
        let shoppers = (0..SHOPPERS)
            .map(|shopper| {
                let rng = Xoshiro256PlusPlus::seed_from_u64(rng.random());
                let (account, stop) = (Rc::clone(account), Rc::clone(&stop));
                tokio::task::spawn_local(shop(client.clone(), shopper, rng, account, stop))
            })
            .collect();
        Self { account: Rc::clone(account), stop, shoppers }
    }

    /// Waits until so many effects are acknowledged, or nobody shops any more.
    pub(crate) async fn until(&self, acknowledged: u64) {
        while self.account.borrow().acknowledged < acknowledged
            && self.shoppers.iter().any(|shopper| !shopper.is_finished())
        {
            tokio::task::yield_now().await;
        }
    }

    /// Breaks off whatever they do.
    pub(crate) async fn break_off(self) {
        self.shoppers.iter().for_each(JoinHandle::abort);
        self.end().await;
    }

    /// Lets them finish what they have begun.
    pub(crate) async fn finish(self) {
        self.stop.set(true);
        self.end().await;
    }

    /// Waits until none gets an answer any more.
    pub(crate) async fn end(self) {
        for shopper in self.shoppers {
            // Cancelled is what was asked for; a panic is a finding.
            if let Err(error) = shopper.await {
                assert!(error.is_cancelled(), "{error}");
            }
        }
    }
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
        let reserve = wish(&client, shopper, &mut rng);
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
pub(crate) async fn audit(client: &Client, account: &mut Account) {
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
