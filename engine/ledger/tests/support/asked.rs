//! What somebody's wish in a history is, as a command.

use std::collections::BTreeMap;

use doorbuster_ledger::*;

use super::ask::{Ask, BudgetAsk, Named, funders};
use super::ask_after;
use super::groups::sku_of;
use super::operators;

/// An id that was just made, or (seldom) one that is too old or from the future. An `id` means the same request for some
/// seconds, so repeats and conflicts come up by themselves.
fn request(now: u64, id: u64, age: u64) -> RequestId {
    let made = match age {
        0 => now.saturating_sub(10_001),
        1 => now + 1_001,
        _ => now - now % 8_000,
    };
    let version = if id == 29 { 4 } else { 7 };
    RequestId::new((u128::from(made) << 80) | (version << 76) | (2 << 62) | u128::from(id))
}

/// What is asked of one ledger, or of all together with a list of lines.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    One(Command),
    Several(Composite, Vec<Line>),
    /// As `Several`, with a coupon.
    WithCoupon(Composite, Vec<Line>, CouponId),
    Budget(BudgetCommand, Vec<Funder>),
}

/// Lines as whoever asks must bring them: one a SKU, in ascending order.
fn lines(named: impl IntoIterator<Item = (u64, u32, bool)>) -> Vec<Line> {
    let mut lines = BTreeMap::<SkuId, Line>::new();
    for (sku, units, gift) in named {
        let sku = sku_of(sku);
        let line = lines.entry(sku).or_insert(Line { sku, ..Line::default() });
        line.units += units;
        line.gifts += if gift { units } else { 0 };
    }
    lines.into_values().collect()
}

/// A version of prices that is mostly the one that counts at first.
fn version_of(id: u64) -> u32 {
    match id % 4 {
        0 | 1 => 1,
        2 => 2,
        _ => 0,
    }
}

/// An order that was made, its shopper and what he asked for.
pub(crate) type Made = (OrderNumber, UserId, Vec<Line>);

pub(crate) fn command(ask: &Ask, now: u64, reserved: &[Made]) -> Option<Asked> {
    let nth = |pick: usize| reserved.get(reserved.len().checked_sub(pick + 1)?);
    let order = |pick: usize, wrong: bool| {
        nth(pick).map(|(order, user, _)| (*order, if wrong { UserId::new(99) } else { *user }))
    };
    let named = |pick: usize, named: &Named| {
        if let (true, Some((.., has))) = (named.less, nth(pick)) {
            let less = |(line, (_, less)): (&Line, &(u64, u32))| {
                (line.sku.raw(), line.units.saturating_sub(*less), false)
            };
            return lines(has.iter().zip(&named.units).map(less));
        }
        // The last that is said of a SKU counts.
        let units: BTreeMap<_, _> = named.units.iter().copied().collect();
        lines(units.into_iter().map(|(sku, units)| (sku, units, false)))
    };
    Some(Asked::One(match *ask {
        Ask::Put { .. } | Ask::Restock { .. } => return stock(ask, now),
        Ask::Reserve {
            channel,
            id,
            age,
            user,
            sku,
            quantity,
            hold,
            amount,
            tier,
            first,
            instead_of,
            wait,
            ref more,
            ref claims,
        } => {
            // Mostly the owner's own hold; seldom somebody else's.
            let old = instead_of.and_then(|pick| order(pick, false));
            let user = old.filter(|_| id % 8 != 0).map_or(UserId::new(user), |(_, user)| user);
            let several = old.is_some() || !more.is_empty();
            let lines = lines(std::iter::once((sku, quantity, false)).chain(more.iter().copied()));
            // A list is always in order; its first line names the order's home.
            let reserve = Reserve {
                request: request(now, id, age),
                user,
                sku: if several { lines[0].sku } else { sku_of(sku) },
                quantity: Quantity::new(quantity)?,
                amount: Amount::new(amount),
                hold_ms: [0, 20, 1_000, if id % 4 == 0 { 6_000 } else { 4_000 }][hold as usize],
                channel: ChannelId::new(channel),
                first_attempt: first,
                wait_ms: if lines.len() > 1 && id % 4 > 0 {
                    0
                } else {
                    [0, 1_000, 8_000, 30_000, 60_001][wait as usize]
                },
                terms: Terms { tier, price_version: version_of(id), ..Terms::default() },
                claim: claims.discount.and_then(|(budget, cents)| {
                    Some(Claim { budget: BudgetId::new(budget)?, amount: Amount::new(cents) })
                }),
            };
            let supersedes = old.map(|(order, _)| order);
            if let Some((batch, serial)) = claims.coupon {
                let coupon = CouponId::new((u64::from(batch) << 32) | u64::from(serial))?;
                let reserve = Reserve { sku: lines[0].sku, ..reserve };
                return Some(Asked::WithCoupon(Composite::Reserve { reserve, supersedes }, lines, coupon));
            }
            if several {
                return Some(Asked::Several(Composite::Reserve { reserve, supersedes }, lines));
            }
            Command::Reserve(reserve)
        }
        Ask::Budget(ref asked) => return about_budget(asked, now),
        Ask::SetChannel { .. } | Ask::Rebalance { .. } => return about_channel(ask, now),
        Ask::Confirm { pick, wrong_user, payment, amount, ref paid } => {
            let (order, user) = order(pick, wrong_user)?;
            let (payment, amount) = (PaymentId::new(payment), Amount::new(amount));
            let confirm = Confirm { order, user, payment, amount };
            if order.is_composite() || !paid.units.is_empty() {
                return Some(Asked::Several(Composite::Confirm(confirm), named(pick, paid)));
            }
            Command::Confirm(confirm)
        }
        Ask::Cancel { pick, wrong_user, amount, ref left } => {
            let (order, user) = order(pick, wrong_user)?;
            let cancel = Cancel { order, user, reason: 0 };
            if order.is_composite() || !left.units.is_empty() {
                let amount = Amount::new(amount);
                return Some(Asked::Several(Composite::Cancel { cancel, amount }, named(pick, left)));
            }
            Command::Cancel(cancel)
        }
        Ask::Sku(_) | Ask::Phase(..) | Ask::Activate(..) | Ask::Standing(..) => {
            return operators::asked(ask, now);
        }
        Ask::After(ref ask) => return ask_after::command(ask, now, reserved),
        Ask::BeginPay { .. } | Ask::FailPay { .. } | Ask::Extend { .. } => return keep(ask, now, reserved),
    }))
}

/// What is asked about a SKU's units.
fn stock(ask: &Ask, now: u64) -> Option<Asked> {
    Some(Asked::One(match *ask {
        Ask::Put { sku, units, user_limit, order_limit } => {
            Command::PutSku(PutSku { sku: sku_of(sku), units, user_limit, order_limit, by: now, reason: 1 })
        }
        Ask::Restock { id, age, sku, units, reason } => {
            let (request, sku) = (request(now, id, age), sku_of(sku));
            Command::Restock(Restock { request, sku, units, by: now, reason })
        }
        _ => return None,
    }))
}

fn about_channel(ask: &Ask, now: u64) -> Option<Asked> {
    Some(Asked::One(match *ask {
        Ask::SetChannel { sku, channel, guarantee, cap, release } => Command::SetChannel(SetChannel {
            sku: sku_of(sku),
            channel: ChannelId::new(channel),
            guarantee,
            // Seldom below the guarantee, which is refused.
            cap: cap.map(|cap| (guarantee + cap).saturating_sub(u64::from(cap == 0))),
            release_at: [None, Some(now + 300), Some(now + 9_000)][release].map(Timestamp::new),
            by: now,
            reason: 1,
        }),
        Ask::Rebalance { sku, from, to, units, keep, expected } => Command::Rebalance(Rebalance {
            sku: sku_of(sku),
            from: ChannelId::new(from),
            to: ChannelId::new(to),
            units,
            keep,
            expected,
            by: now,
            reason: 1,
        }),
        _ => return None,
    }))
}

fn about_budget(asked: &BudgetAsk, now: u64) -> Option<Asked> {
    let (by, reason) = (1, 2);
    Some(match *asked {
        BudgetAsk::Set { budget, funded, funders: list } => {
            let budget = BudgetId::new(budget)?;
            Asked::Budget(BudgetCommand::Set { budget, funded, by, reason }, funders(list))
        }
        BudgetAsk::Fund { budget, funded, expected } => {
            let budget = BudgetId::new(budget)?;
            Asked::Budget(BudgetCommand::Fund { budget, funded, expected, by, reason }, Vec::new())
        }
        BudgetAsk::Stop { budget } => {
            Asked::Budget(BudgetCommand::Stop { budget: BudgetId::new(budget)?, by, reason }, Vec::new())
        }
        BudgetAsk::Issue { batch, serials, uses, days } => {
            let (from, until) = [(now, now), (now + 500, now + 4_000), (0, u64::MAX)][days];
            let coupons = Coupons { serials, uses, from: Timestamp::new(from), until: Timestamp::new(until) };
            Asked::Budget(
                BudgetCommand::Issue { batch: CouponBatch::new(batch)?, coupons, by, reason },
                Vec::new(),
            )
        }
    })
}

/// What is asked of an open hold's time.
fn keep(ask: &Ask, now: u64, reserved: &[Made]) -> Option<Asked> {
    let order = |pick: usize, wrong: bool| {
        let (order, user, _) = reserved.get(reserved.len().checked_sub(pick + 1)?)?;
        Some((*order, if wrong { UserId::new(99) } else { *user }))
    };
    Some(Asked::One(match *ask {
        Ask::BeginPay { pick, wrong_user, payment, slow } => {
            let (order, user) = order(pick, wrong_user)?;
            let class = if slow { PayClass::Slow } else { PayClass::Fast };
            Command::BeginPay(BeginPay { order, user, payment: PaymentId::new(payment), class })
        }
        Ask::FailPay { pick, payment } => {
            let (order, user) = order(pick, false)?;
            Command::FailPay(FailPay { order, user, payment: PaymentId::new(payment) })
        }
        Ask::Extend { pick, more } => {
            let (order, user) = order(pick, false)?;
            Command::Extend(Extend { order, user, until: Timestamp::new(now + more) })
        }
        _ => return None,
    }))
}
