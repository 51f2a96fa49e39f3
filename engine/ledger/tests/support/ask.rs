//! What a history is made of: who asks what, and when time passes.

use std::collections::BTreeMap;

use doorbuster_ledger::*;
use proptest::prelude::*;

use super::groups::sku_of;
use super::operators;

use super::ask_after::{self, AskAfter};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Do(Ask),
    Pass(u64),
}

#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Put {
        sku: u64,
        units: u64,
        user_limit: u32,
        order_limit: u32,
    },
    Restock {
        id: u64,
        age: u64,
        sku: u64,
        units: i64,
        reason: u32,
    },
    SetChannel {
        sku: u64,
        channel: u16,
        guarantee: u64,
        /// Above the guarantee; none: no cap.
        cap: Option<u64>,
        release: usize,
    },
    Rebalance {
        sku: u64,
        from: u16,
        to: u16,
        units: u64,
        keep: u64,
        expected: u64,
    },
    Reserve {
        channel: u16,
        id: u64,
        age: u64,
        user: u64,
        sku: u64,
        quantity: u32,
        hold: u32,
        amount: u64,
        tier: u16,
        first: bool,
        instead_of: Option<usize>,
        wait: u32,
        /// Further lines: SKU, units, and whether they are gifts.
        more: Vec<(u64, u32, bool)>,
        claims: Claims,
    },
    Budget(BudgetAsk),
    Confirm {
        pick: usize,
        wrong_user: bool,
        payment: u128,
        amount: u64,
        /// Units of SKUs; none: all.
        paid: Named,
    },
    Cancel {
        pick: usize,
        wrong_user: bool,
        amount: u64,
        /// Units of SKUs; none: nothing is left.
        left: Named,
    },
    BeginPay {
        pick: usize,
        wrong_user: bool,
        payment: u128,
        slow: bool,
    },
    FailPay {
        pick: usize,
        payment: u128,
    },
    Extend {
        pick: usize,
        more: u64,
    },
    Sku(SkuCommand),
    /// A campaign's phase: which campaign, plan and phase, how many ms from now, and what it is like.
    Phase(u32, u32, u8, u64, u8),
    /// Which campaign, plan, how many phases, which policy, which plan before.
    Activate(u32, u32, u8, u8, u32),
    Standing(u32, Standing),
    After(AskAfter),
}

/// A budget and cents of it, and a coupon.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    discount: Option<(u32, u64)>,
    coupon: Option<(u32, u32)>,
}

#[derive(Clone, Debug)]
pub(crate) enum BudgetAsk {
    Set { budget: u32, funded: u64, funders: usize },
    Fund { budget: u32, funded: u64, expected: u64 },
    Stop { budget: u32 },
    Issue { batch: u32, serials: u32, uses: u32, days: usize },
}

/// Who may pay for a budget, with which shares; the last two lists can't be.
pub(crate) const FUNDERS: [&[(u32, u32)]; 4] =
    [&[(1, 40), (2, 50), (3, 10)], &[(7, 1)], &[], &[(1, 1), (2, 2), (1, 3)]];

pub(crate) fn funders(list: usize) -> Vec<Funder> {
    FUNDERS[list].iter().map(|&(id, share)| Funder { id: FunderId::new(id), share }).collect()
}

fn claims() -> impl Strategy<Value = Claims> {
    let budget = prop_oneof![8 => Just(1_u32), 4 => Just(2_u32), 1 => Just(3_u32)];
    let cents = prop_oneof![1 => Just(0_u64), 12 => 1_u64..9];
    let coupon = (
        prop_oneof![12 => Just(1_u32), 6 => Just(2_u32), 1 => Just(3_u32)],
        prop_oneof![6 => Just(0_u32), 3 => Just(1_u32), 1 => Just(2_u32)],
    );
    (prop::option::weighted(0.5, (budget, cents)), prop::option::weighted(0.4, coupon))
        .prop_map(|(discount, coupon)| Claims { discount, coupon })
}

fn budget() -> impl Strategy<Value = BudgetAsk> {
    prop_oneof![
        3 => (1_u32..5, 0_u64..30, 0_usize..4)
            .prop_map(|(budget, funded, funders)| BudgetAsk::Set { budget, funded, funders }),
        8 => (1_u32..3, prop_oneof![4 => 0_u64..6, 1 => 6_u64..16], prop_oneof![4 => Just(10_u64), 4 => Just(4_u64), 1 => 0_u64..16])
            .prop_map(|(budget, funded, expected)| BudgetAsk::Fund { budget, funded, expected }),
        2 => (1_u32..4).prop_map(|budget| BudgetAsk::Stop { budget }),
        2 => (1_u32..5, 0_u32..3, 0_u32..3, 0_usize..3)
            .prop_map(|(batch, serials, uses, days)| BudgetAsk::Issue { batch, serials, uses, days }),
    ]
}

/// Most want the same SKU.
fn wanted() -> impl Strategy<Value = u64> {
    prop_oneof![4 => Just(1_u64), 2 => Just(2_u64), 1 => 3_u64..5]
}

/// Mostly SKUs of which channels are guaranteed some.
fn rich() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(1_u64), 2 => Just(3_u64), 1 => 1_u64..5]
}

/// Mostly what a channel is guaranteed at the start.
fn guaranteed() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(2_u64), 2 => Just(4_u64), 1 => 0_u64..4]
}

/// Further lines of an order; most have none.
fn more() -> impl Strategy<Value = Vec<(u64, u32, bool)>> {
    prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec((1_u64..5, 1_u32..3, prop::bool::weighted(0.2)), 1..4),
    ]
}

/// A list of units: of any SKUs, or of the order's first lines with so many units less.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    units: Vec<(u64, u32)>,
    less: bool,
}

/// Mostly none are named.
fn named() -> impl Strategy<Value = Named> {
    let units = prop_oneof![2 => Just(Vec::new()), 3 => prop::collection::vec((1_u64..4, 0_u32..4), 1..4)];
    (units, prop::bool::weighted(0.7)).prop_map(|(units, less)| Named { units, less })
}

fn ask() -> impl Strategy<Value = Ask> {
    let reserve = (
        (0_u64..30, 0_u64..20),
        (1_u64..7, wanted(), 1_u32..4, 0_u32..4),
        (0_u64..3, 0_u16..2, 0_u16..3),
        any::<bool>(),
        prop::option::weighted(0.2, 0_usize..4),
        prop_oneof![1 => Just(0), 1 => 1_u32..5],
        (more(), claims()),
    );
    let reserve = reserve.prop_map(
        |(
            (id, age),
            (user, sku, quantity, hold),
            (amount, tier, channel),
            first,
            instead_of,
            wait,
            (more, claims),
        )| {
            // Seldom both, which is refused.
            let both = wait > 0 && id % 32 > 0;
            let claims = if both { Claims { discount: None, coupon: None } } else { claims };
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
                more,
                claims,
            }
        },
    );
    prop_oneof![
        1 => (1_u64..5, 0_u64..6, 0_u32..4, 0_u32..4)
            .prop_map(|(sku, units, user_limit, order_limit)| Ask::Put { sku, units, user_limit, order_limit }),
        1 => (0_u64..30, 0_u64..20, 1_u64..5, -4_i64..5, 0_u32..2)
            .prop_map(|(id, age, sku, units, reason)| Ask::Restock { id, age, sku, units, reason }),
        1 => (1_u64..5, 0_u16..3, 0_u64..5, prop::option::of(0_u64..4), 0_usize..3).prop_map(
            |(sku, channel, guarantee, cap, release)| Ask::SetChannel { sku, channel, guarantee, cap, release }
        ),
        1 => (rich(), 0_u16..2, 0_u16..3, 0_u64..4, 0_u64..2, guaranteed()).prop_map(
            |(sku, from, to, units, keep, expected)| Ask::Rebalance { sku, from, to, units, keep, expected }
        ),
        12 => reserve,
        1 => budget().prop_map(Ask::Budget),
        4 => (0_usize..12, prop::bool::weighted(0.1), 0_u128..3, 0_u64..3, named()).prop_map(
            |(pick, wrong_user, payment, amount, paid)| Ask::Confirm { pick, wrong_user, payment, amount, paid }
        ),
        3 => (0_usize..12, prop::bool::weighted(0.1), 0_u64..3, named()).prop_map(
            |(pick, wrong_user, amount, left)| Ask::Cancel { pick, wrong_user, amount, left }
        ),
        3 => (0_usize..5, prop::bool::weighted(0.1), 0_u128..4, prop::bool::weighted(0.3))
            .prop_map(|(pick, wrong_user, payment, slow)| Ask::BeginPay { pick, wrong_user, payment, slow }),
        1 => (0_usize..8, 1_u128..4).prop_map(|(pick, payment)| Ask::FailPay { pick, payment }),
        1 => (0_usize..8, 0_u64..7_000).prop_map(|(pick, more)| Ask::Extend { pick, more }),
        2 => operators::campaign(),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => ask().prop_map(Step::Do),
        1 => prop_oneof![4 => 0_u64..50, 2 => 300_u64..2_000, 1 => 10_000_u64..30_000].prop_map(Step::Pass),
    ]
}

/// As [`step`], of shoppers who mostly pay what they reserve, so that there is something after that.
pub(crate) fn paid_step() -> impl Strategy<Value = Step> {
    let buy = (0_u64..29, 1_u64..7, 1_u64..4, 1_u32..4, prop_oneof![3 => Just(Vec::new()), 2 => more()]);
    let no_claims = Claims { discount: None, coupon: None };
    let buy = (buy, prop_oneof![9 => Just(no_claims), 1 => claims()]);
    let reserve = buy.prop_map(|((id, user, sku, quantity, more), claims)| Ask::Reserve {
        channel: 0,
        id,
        age: 5,
        user,
        sku,
        quantity,
        hold: 3,
        amount: 3,
        tier: 0,
        first: false,
        instead_of: None,
        wait: if id % 5 == 0 && more.is_empty() { 3 } else { 0 },
        more,
        claims,
    });
    let confirm = (0_usize..3, 1_u128..3).prop_map(|(pick, payment)| Ask::Confirm {
        pick,
        wrong_user: false,
        payment,
        amount: 3,
        paid: Named { units: Vec::new(), less: false },
    });
    let ask = prop_oneof![
        6 => reserve,
        10 => confirm,
        30 => ask_after::ask().prop_map(Ask::After),
        1 => budget().prop_map(Ask::Budget),
        2 => ask(),
    ];
    prop_oneof![
        7 => ask.prop_map(Step::Do),
        1 => prop_oneof![6 => 0_u64..300, 2 => 300_u64..4_000, 2 => 6_000_u64..12_000].prop_map(Step::Pass),
    ]
}

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
