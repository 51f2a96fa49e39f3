//! A naive server over the protocol, which can be told to lie: what the audit must notice.
//!
//! One thread a connection, one lock around everything, no expiry: holds stay open.

use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use doorbuster_protocol::{
    Answer, BeginPay, Cancel, Code, Confirm, FailPay, Header, Kind, MAX_BATCH, MAX_BODY, OrderState,
    OrderView, Parsed, PutSku, ReadOrder, ReadStock, Record, Reserve, StatusView, StockView, Welcome, body,
    parse,
};

/// What the server gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Nothing.
    None,
    /// Every tenth order is acknowledged and thrown away.
    ForgetsOrders,
    /// Stock never runs out.
    Oversells,
    /// A repeated request makes a second order.
    ForgetsIds,
    /// Payments to be refunded are acknowledged and not counted.
    ForgetsRefunds,
    /// Nothing is ever decided.
    AlwaysBusy,
}

#[derive(Debug, Default)]
struct State {
    stock: HashMap<u64, StockView>,
    orders: HashMap<u64, OrderView>,
    requests: HashMap<[u8; 16], u64>,
    refunds: HashSet<(u64, [u8; 16])>,
    last: u64,
}

/// The server.
#[derive(Debug)]
pub(crate) struct Liar {
    lie: Lie,
    state: Mutex<State>,
}

impl Liar {
    /// Starts on a free port and gives the address; runs until the test's process ends.
    pub(crate) fn start(lie: Lie) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let server = Arc::new(Self { lie, state: Mutex::default() });
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream.expect("a connection")));
            }
        });
        address
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_nodelay(true).expect("a socket");
        let mut input = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            let mut out = Vec::new();
            while let Parsed::Frame { header, body, consumed } = parse(&input).expect("a sound frame") {
                self.answer(&header, body, &mut out);
                input.drain(..consumed);
            }
            let written = stream.write_all(&out);
            match (written, stream.read(&mut chunk)) {
                (Ok(()), Ok(read)) if read > 0 => input.extend_from_slice(&chunk[..read]),
                _ => return,
            }
        }
    }

    fn answer(&self, header: &Header, content: &[u8], out: &mut Vec<u8>) {
        self.decide(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), header, content, out);
    }

    fn decide(&self, state: &mut State, header: &Header, content: &[u8], out: &mut Vec<u8>) {
        match header.kind {
            Kind::Hello => put(header, &[welcome()], out),
            Kind::ReadStatus => {
                let skus = state.stock.len() as u64;
                put(header, &[StatusView { code: Code::Ok.number(), skus, ..StatusView::default() }], out);
            }
            Kind::PutSku => each(header, content, out, |sku: PutSku| {
                let (units, user_limit) = (sku.units, sku.user_limit);
                let code = Code::Ok.number();
                let sku = sku.sku;
                let view = StockView {
                    code,
                    sku,
                    user_limit,
                    available: units,
                    stocked: units,
                    ..Default::default()
                };
                state.stock.insert(sku, view);
                Answer::of(Code::Ok)
            }),
            Kind::ReadStock => each(header, content, out, |read: ReadStock| state.stock[&read.sku]),
            Kind::ReadOrder => each(header, content, out, |read: ReadOrder| {
                let missing = OrderView { code: Code::NoSuchOrder.number(), ..OrderView::default() };
                state.orders.get(&read.order).copied().unwrap_or(missing)
            }),
            _ if self.lie == Lie::AlwaysBusy => {
                let answers = vec![Answer::of(Code::Busy); header.count as usize];
                put(header, &answers, out);
            }
            Kind::Reserve => each(header, content, out, |reserve: Reserve| self.reserve(state, &reserve)),
            Kind::Confirm => each(header, content, out, |confirm: Confirm| self.confirm(state, &confirm)),
            // Holds stay open here: there is nothing to keep.
            Kind::BeginPay => each(header, content, out, |_: BeginPay| Answer::of(Code::Ok)),
            Kind::FailPay => each(header, content, out, |_: FailPay| Answer::of(Code::Ok)),
            Kind::Cancel => {
                each(header, content, out, |cancel: Cancel| {
                    settle(state, cancel.order, OrderState::Cancelled)
                });
            }
            other => panic!("the drill sent {}", other.name()),
        }
    }

    fn confirm(&self, state: &mut State, confirm: &Confirm) -> Answer {
        let Some(order) = state.orders.get_mut(&confirm.order) else { return Answer::of(Code::NoSuchOrder) };
        if order.state != OrderState::Held.byte() {
            if order.payment_id == confirm.payment_id {
                return Answer::of(Code::Replayed);
            }
            // Each once: a second copy would count again.
            if state.refunds.insert((confirm.order, confirm.payment_id)) && self.lie != Lie::ForgetsRefunds {
                order.refunds += 1;
            }
            return Answer::of(Code::RefundRequired);
        }
        order.payment_id = confirm.payment_id;
        settle(state, confirm.order, OrderState::Confirmed)
    }

    fn reserve(&self, state: &mut State, reserve: &Reserve) -> Answer {
        if let Some(&order) = state.requests.get(&reserve.request_id).filter(|_| self.lie != Lie::ForgetsIds)
        {
            return Answer { order, state: OrderState::Held.byte(), ..Answer::of(Code::Replayed) };
        }
        let mine = |order: &&OrderView| {
            let open = [OrderState::Held.byte(), OrderState::Confirmed.byte()].contains(&order.state);
            open && order.user == reserve.user && order.sku == reserve.sku
        };
        let stock = state.stock.get_mut(&reserve.sku).expect("set up");
        if stock.available == 0 && self.lie != Lie::Oversells {
            return Answer::of(Code::SoldOut);
        }
        let limit = stock.user_limit as usize;
        if limit > 0 && state.orders.values().filter(mine).count() >= limit {
            return Answer::of(Code::UserLimit);
        }
        stock.available = stock.available.saturating_sub(1);
        stock.held += 1;
        state.last += 1;
        let order = state.last;
        state.requests.insert(reserve.request_id, order);
        let view = OrderView {
            code: Code::Ok.number(),
            state: OrderState::Held.byte(),
            quantity: reserve.quantity,
            order,
            user: reserve.user,
            sku: reserve.sku,
            amount: reserve.amount,
            request_id: reserve.request_id,
            ..OrderView::default()
        };
        if self.lie != Lie::ForgetsOrders || !order.is_multiple_of(10) {
            state.orders.insert(order, view);
        }
        Answer { order, state: OrderState::Held.byte(), ..Answer::of(Code::Ok) }
    }
}

fn settle(state: &mut State, number: u64, to: OrderState) -> Answer {
    let Some(order) = state.orders.get_mut(&number) else { return Answer::of(Code::NoSuchOrder) };
    order.state = to.byte();
    let stock = state.stock.get_mut(&order.sku).expect("set up");
    stock.held -= 1;
    if to == OrderState::Confirmed {
        stock.sold += 1;
    } else {
        stock.available += 1;
    }
    Answer { order: number, state: to.byte(), ..Answer::of(Code::Ok) }
}

fn each<R: Record, A: Record>(
    header: &Header,
    content: &[u8],
    out: &mut Vec<u8>,
    mut decide: impl FnMut(R) -> A,
) {
    let mut answers = Vec::new();
    body::read(header, content, |request| answers.push(decide(request))).expect("a sound body");
    put(header, &answers, out);
}

fn put<A: Record>(header: &Header, answers: &[A], out: &mut Vec<u8>) {
    let kind = header.kind.answer().expect("a request");
    body::frame(Header::new(kind, header.correlation, 0), answers, out);
}

fn welcome() -> Welcome {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Welcome {
        version: 1,
        durability: 2,
        features: 0,
        now_ms: u64::try_from(now.as_millis()).expect("before the year 584 million"),
        log_id: [7; 16],
        max_batch: MAX_BATCH,
        max_body: MAX_BODY,
        max_in_flight: 1 << 20,
        idempotency_window_ms: 86_400_000,
        default_hold_ms: 60_000,
        max_hold_ms: 600_000,
        server: "liar".to_owned(),
    }
}
