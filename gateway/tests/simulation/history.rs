//! From what clients saw to a history of each SKU, and the verdict about it.
//!
//! A SKU's history can be judged by itself: what is linearizable object by object is linearizable (Herlihy and Wing's locality).
//! An order over several SKUs is an operation of each.
//!
//! What is said of copies: an operation may have happened at any time since its first copy was sent, but what an answer says of
//! the state was so between the sending of the copy that it answers and its arrival. Where several copies were sent and the last
//! one was refused, an earlier one may still be on its way and do something later, though never earlier: a refusal says that
//! nothing had been decided under the request by then.

use std::collections::BTreeMap;

use doorbuster_protocol::{Answer, Code, Field, OrderState};

use crate::client::Seen;
use crate::deeds::{Asked, Deed, Said};
use crate::linearize::{Operation, Verdict, check};
use crate::stock_model::{Action, Place, StockModel};

/// The rules of the server that histories depend on, milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) default_hold: u64,
    pub(crate) offer: u64,
}

/// What was judged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) histories: u64,
    pub(crate) operations: u64,
    pub(crate) undecided: u64,
}

/// What the clock showed, and from when on.
#[derive(Debug, Default)]
pub(crate) struct Readings(pub(crate) Vec<(u64, u64)>);

impl Readings {
    /// The least that it has shown since a moment.
    fn least_since(&self, moment: u64) -> u64 {
        let from = self.0.partition_point(|(at, _)| *at <= moment).saturating_sub(1);
        self.0[from..].iter().map(|(_, ms)| *ms).min().unwrap_or(0)
    }

    /// The first moment when it showed a time or a later one.
    fn reaches(&self, ms: u64) -> Option<u64> {
        self.0.iter().find(|(_, shown)| *shown >= ms).map(|(at, _)| *at)
    }
}

/// An order, or a request for one.
struct Order<'a> {
    deed: &'a Deed,
    lines: Vec<(u64, u64)>,
}

/// A SKU's history in the making.
struct Shelf {
    sku: u64,
    stocked: u64,
    units: Vec<u64>,
    /// Where an order stands among those of this SKU.
    orders: BTreeMap<usize, usize>,
    operations: Vec<Operation<Action>>,
}

/// Judges a history that began when these SKUs had so many free units.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn judge(
    seen: &Seen,
    readings: &Readings,
    times: Times,
    skus: &[(u64, u64)],
) -> Result<Judged, String> {
    let mut orders = Vec::new();
    let mut numbers = BTreeMap::new();
    for deed in seen.deeds.iter().filter(|deed| !deed.sent.is_empty()) {
        let lines = deed.asked.lines();
        if lines.is_empty() {
            continue;
        }
        if let Some(number) = number(deed)
            && numbers.insert(number, orders.len()).is_some()
        {
            return Err(format!("order {number} was given out for two requests"));
        }
        orders.push(Order { deed, lines });
    }
    let mut judged = Judged::default();
    for &(sku, stocked) in skus {
        let mut shelf = Shelf::new(sku, stocked, &orders);
        for (at, order) in orders.iter().enumerate().filter(|(_, order)| order.has(sku)) {
            shelf.placed(at, order, seen)?;
        }
        for deed in seen.deeds.iter().filter(|deed| !deed.sent.is_empty()) {
            shelf.deed(deed, seen, &numbers, &orders)?;
        }
        for (at, order) in orders.iter().enumerate().filter(|(_, order)| order.has(sku)) {
            shelf.by_itself(at, order, seen, readings, times);
        }
        judged.histories += 1;
        judged.operations += shelf.operations.len() as u64;
        let model = StockModel { units: shelf.units };
        match check(&model, model.start(stocked), &shelf.operations) {
            Verdict::Linearizable => {}
            Verdict::Undecided => judged.undecided += 1,
            Verdict::Broken(why) => return Err(format!("SKU {sku} has no linear history: {why}")),
        }
    }
    Ok(judged)
}

/// The number of the order that a request came to, if its client was told.
pub(crate) fn number(deed: &Deed) -> Option<u64> {
    let (_, Said::Answer(answer)) = deed.said? else { return None };
    let placed = [Code::Ok, Code::Waitlisted, Code::Replayed].map(Code::number).contains(&answer.code);
    (!deed.asked.lines().is_empty() && placed).then_some(answer.order)
}

impl Order<'_> {
    fn has(&self, sku: u64) -> bool {
        self.lines.iter().any(|line| line.0 == sku)
    }

    fn answer(&self) -> Option<(Code, Answer)> {
        let (_, Said::Answer(answer)) = self.deed.said? else { return None };
        Some((Code::from_number(answer.code)?, answer))
    }
}

/// What is seen where an order's state is read.
fn place(state: u8) -> Result<Place, String> {
    match OrderState::from_byte(state) {
        Some(OrderState::Held | OrderState::Paying) => Ok(Place::Held),
        Some(OrderState::Waiting) => Ok(Place::Waiting),
        Some(OrderState::Confirmed) => Ok(Place::Sold),
        Some(OrderState::Cancelled) => Ok(Place::Cancelled),
        Some(OrderState::Expired) => Ok(Place::Expired),
        Some(OrderState::Lapsed) => Ok(Place::Lapsed),
        _ => Err(format!("no order here can be in state {state}")),
    }
}

/// The places that a refusal about an order speaks of.
fn refused(asked: &Asked, code: Code) -> Option<Vec<Place>> {
    let late = vec![Place::Held, Place::Expired, Place::Lapsed];
    match code {
        Code::HoldExpired if matches!(asked, Asked::Cancel(_)) => Some([late, vec![Place::Waiting]].concat()),
        Code::HoldExpired => Some(late),
        Code::AlreadyConfirmed => Some(vec![Place::Sold]),
        Code::AlreadyCancelled => Some(vec![Place::Cancelled]),
        Code::StillWaiting => Some(vec![Place::Waiting]),
        Code::ExtendLimit | Code::PaymentUnderWay => Some(vec![Place::Held]),
        Code::NoSuchOrder => Some(vec![Place::Unknown]),
        _ => None,
    }
}

impl Shelf {
    fn new(sku: u64, stocked: u64, orders: &[Order<'_>]) -> Self {
        let (mut units, mut own) = (Vec::new(), BTreeMap::new());
        for (at, order) in orders.iter().enumerate() {
            if let Some((_, wanted)) = order.lines.iter().find(|line| line.0 == sku) {
                own.insert(at, units.len());
                units.push(*wanted);
            }
        }
        Self { sku, stocked, units, orders: own, operations: Vec::new() }
    }

    /// What happened between two moments.
    fn add(&mut self, called: u64, ended: u64, action: Action) {
        self.operations.push(Operation { called, ended, happened: true, action });
    }

    /// What may have happened between two moments.
    fn perhaps(&mut self, called: u64, ended: u64, action: Action) {
        self.operations.push(Operation { called, ended, happened: false, action });
    }

    /// What became of a request for a hold.
    fn placed(&mut self, at: usize, order: &Order<'_>, seen: &Seen) -> Result<(), String> {
        let (deed, own) = (order.deed, self.orders[&at]);
        let may_wait = deed.asked.times().0 > 0;
        let placed = if may_wait { Action::Placed(own) } else { Action::Hold(own) };
        let (Some((code, answer)), Some((answered, _))) = (order.answer(), deed.said) else {
            self.perhaps(deed.first(), seen.dies(deed.latest()), placed);
            return Ok(());
        };
        match code {
            Code::Ok => self.add(deed.first(), answered, Action::Hold(own)),
            Code::Waitlisted => self.add(deed.first(), answered, Action::Wait(own)),
            Code::Replayed => {
                self.add(deed.first(), answered, placed);
                self.add(deed.latest(), answered, Action::See(own, vec![place(answer.state)?]));
            }
            _ => {
                let of_this = answer.field != Field::Lines.byte() || answer.order == self.sku;
                let left = match code {
                    Code::SoldOut if of_this => Some(0),
                    Code::Insufficient if of_this => Some(answer.units),
                    Code::SoldOut | Code::Insufficient | Code::AlreadyWaiting | Code::WaitlistFull => None,
                    _ => return Err(format!("{:?} was answered with {}", deed.asked, code.name())),
                };
                self.add(deed.latest(), answered, Action::Refuse(own, left));
                if let Some(until) = seen.lingers(deed) {
                    self.perhaps(deed.latest(), until, placed);
                }
            }
        }
        Ok(())
    }

    /// What may have become of an order by itself.
    fn by_itself(&mut self, at: usize, order: &Order<'_>, seen: &Seen, readings: &Readings, times: Times) {
        let (deed, own) = (order.deed, self.orders[&at]);
        let (wait_ms, hold_ms) = order.deed.asked.times();
        let hold = if hold_ms == 0 { times.default_hold } else { u64::from(hold_ms) };
        let held_at_once = order.answer().is_some_and(|(code, _)| code == Code::Ok);
        let pushed = |state: OrderState| {
            let number = number(deed);
            let mut pushes = seen.pushes.iter().filter(|push| Some(push.order) == number);
            pushes.find(|push| push.state == state.byte()).map(|push| push.at)
        };
        let fate = self.fate(own);
        let least = readings.least_since(deed.first());
        let (answer, waits) = (order.answer(), wait_ms > 0 && !held_at_once);
        let hold_ends = match answer {
            Some((Code::Ok, answer)) => answer.at,
            _ if waits => least + hold.min(times.offer),
            _ => least + hold,
        };
        let late = self.operations.iter().any(|operation| match operation.action {
            Action::PayLate(order) | Action::PayEither(order) => order == own,
            _ => false,
        });
        let expires = match fate {
            Some(Place::Expired) | None => true,
            Some(Place::Sold) => late,
            Some(_) => false,
        };
        if expires && let Some(from) = readings.reaches(hold_ends) {
            self.by(from, self.first_seen(own, Place::Expired), Action::Expire(own));
        }
        if !waits {
            return;
        }
        let wait_ends = match answer {
            Some((Code::Waitlisted, answer)) => answer.at,
            _ => least + u64::from(wait_ms),
        };
        if matches!(fate, Some(Place::Lapsed) | None)
            && let Some(from) = readings.reaches(wait_ends)
        {
            let by = self.first_seen(own, Place::Lapsed).into_iter().chain(pushed(OrderState::Lapsed)).min();
            self.by(from, by, Action::Lapse(own));
        }
        if fate != Some(Place::Lapsed) {
            // Who is only known to hold units may have had them at once.
            let waited = answer.is_some_and(|(code, _)| code == Code::Waitlisted);
            let seen_held = self.first_seen(own, Place::Held).filter(|_| waited);
            let by = seen_held.into_iter().chain(pushed(OrderState::Held)).min();
            self.by(deed.first(), by, Action::Offer(own));
        }
    }

    /// What has happened by a moment, if one is known.
    fn by(&mut self, called: u64, by: Option<u64>, action: Action) {
        match by {
            Some(by) => self.add(called, by, action),
            None => self.perhaps(called, u64::MAX, action),
        }
    }

    /// Where an order was seen last.
    fn fate(&self, own: usize) -> Option<Place> {
        let seen = self.operations.iter().filter_map(|operation| match &operation.action {
            Action::See(order, places) if *order == own && places.len() == 1 => {
                Some((operation.called, places[0]))
            }
            _ => None,
        });
        seen.max_by_key(|(called, _)| *called).map(|(_, place)| place)
    }

    /// When an order was first known to be in a place.
    fn first_seen(&self, own: usize, place: Place) -> Option<u64> {
        let seen = self.operations.iter().filter_map(|operation| match &operation.action {
            Action::See(order, places) if *order == own && *places == [place] => Some(operation.ended),
            _ => None,
        });
        seen.min()
    }

    /// What an operation did here that is no request for a hold.
    fn deed(
        &mut self,
        deed: &Deed,
        seen: &Seen,
        numbers: &BTreeMap<u64, usize>,
        orders: &[Order<'_>],
    ) -> Result<(), String> {
        let dies = seen.dies(deed.latest());
        let answered = deed.said.map_or(dies, |(moment, _)| moment);
        match (&deed.asked, deed.said) {
            (Asked::Restock(restock), said) if restock.sku == self.sku => {
                let done = [None, Some(Code::Ok.number()), Some(Code::Replayed.number())];
                if !done.contains(&said.map(|(_, said)| said.code())) {
                    return Err(format!("{restock:?} was answered with {said:?}"));
                }
                let added = Action::Add(restock.units.unsigned_abs());
                match said {
                    Some(_) => self.add(deed.first(), answered, added),
                    None => self.perhaps(deed.first(), dies, added),
                }
                return Ok(());
            }
            (Asked::ReadStock(read), Some((_, Said::Stock(view)))) if read.sku == self.sku => {
                if view.code != Code::Ok.number() {
                    return Err(format!("SKU {} is gone, which had {} units", self.sku, self.stocked));
                }
                let doorbuster_protocol::StockView { available, held, sold, waiting, .. } = view;
                self.add(deed.latest(), answered, Action::Level { available, held, sold, waiting });
                return Ok(());
            }
            _ => {}
        }
        let Some(&at) = deed.asked.order().and_then(|number| numbers.get(&number)) else { return Ok(()) };
        let Some(&own) = self.orders.get(&at) else { return Ok(()) };
        let again = deed.sent.len() > 1;
        let Some((_, said)) = deed.said else {
            match deed.asked {
                Asked::Cancel(_) => {
                    self.perhaps(deed.first(), dies, Action::Cancel { order: own, again: false });
                }
                Asked::Confirm(_) => self.perhaps(deed.first(), dies, Action::PayEither(own)),
                _ => {}
            }
            return Ok(());
        };
        let code = Code::from_number(said.code()).ok_or("an unknown code")?;
        let state = match said {
            Said::Answer(answer) => answer.state,
            Said::Order(view) => view.state,
            Said::Stock(_) => 0,
        };
        if let Some(places) = refused(&deed.asked, code) {
            self.add(deed.latest(), answered, Action::See(own, places));
            // Unlike a hold, it may have been undone since: by a payment that took the units again.
            if again && let Asked::Cancel(_) = deed.asked {
                self.perhaps(deed.first(), dies, Action::Cancel { order: own, again: false });
            }
            return Ok(());
        }
        let alone = orders[at].lines.len() == 1;
        let action = match (&deed.asked, code) {
            (Asked::Cancel(_), Code::Ok) => Action::Cancel { order: own, again: false },
            (Asked::Cancel(_), Code::Replayed) => Action::Cancel { order: own, again: true },
            (Asked::Confirm(_), Code::Ok) => Action::Pay(own),
            (Asked::Confirm(_), Code::Reacquired) => Action::PayLate(own),
            (Asked::Confirm(_), Code::Replayed) => Action::PayEither(own),
            (Asked::Confirm(_), Code::RefundRequired) => Action::Refund { order: own, alone },
            (
                Asked::ReadOrder(_)
                | Asked::Watch(_)
                | Asked::BeginPay(_)
                | Asked::FailPay(_)
                | Asked::Extend(_),
                Code::Ok | Code::Replayed,
            ) => {
                self.add(deed.latest(), answered, Action::See(own, vec![place(state)?]));
                return Ok(());
            }
            _ => return Err(format!("{:?} was answered with {}", deed.asked, code.name())),
        };
        self.add(deed.first(), answered, action);
        Ok(())
    }
}
