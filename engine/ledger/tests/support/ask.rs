//! What a history is made of: who asks what, and when time passes.

use doorbuster_ledger::*;
use proptest::prelude::*;

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
    pub(crate) discount: Option<(u32, u64)>,
    pub(crate) coupon: Option<(u32, u32)>,
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
    pub(crate) units: Vec<(u64, u32)>,
    pub(crate) less: bool,
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
