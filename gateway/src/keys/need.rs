//! What each kind of request needs: the one table of roles.

use doorbuster_protocol::{Kind, Role};

/// What a kind of request needs of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it greets, proves a key, or asks whether anybody is there.
    Nothing,
    /// To sell: holds, payments, and what a shop must know of its orders and goods.
    Sell,
    /// To read what shops read, too.
    ShopRead,
    /// To read what is for those who run a sale, or look on.
    HouseRead,
    /// To follow the feed.
    Follow,
    /// To run the sale.
    Operate,
    /// Nobody asks for it: it is an answer.
    Answer,
}

impl Need {
    /// What a kind needs.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Hello | Kind::Ping | Kind::Auth => Self::Nothing,
            Kind::Reserve
            | Kind::ReserveOrder
            | Kind::ReserveClaims
            | Kind::ReserveDiscounted
            | Kind::Confirm
            | Kind::ConfirmLines
            | Kind::Cancel
            | Kind::CancelLines
            | Kind::BeginPay
            | Kind::FailPay
            | Kind::Extend
            | Kind::Watch => Self::Sell,
            Kind::ReadOrder
            | Kind::ReadLine
            | Kind::ReadProgress
            | Kind::ReadStock
            | Kind::ReadPrice
            | Kind::ReadChannel
            | Kind::ReadChannels
            | Kind::ReadCampaign
            | Kind::ReadPhase
            | Kind::ReadCoupon => Self::ShopRead,
            Kind::ReadStatus | Kind::ReadBudget | Kind::ReadGoods | Kind::ReadShortfall => Self::HouseRead,
            Kind::Fetch => Self::Follow,
            Kind::PutSku
            | Kind::Restock
            | Kind::SetChannel
            | Kind::Rebalance
            | Kind::PutPhase
            | Kind::SetCampaign
            | Kind::BindSku
            | Kind::PutPrice
            | Kind::SetLimits
            | Kind::FreezeSku
            | Kind::SetBudget
            | Kind::FundBudget
            | Kind::StopBudget
            | Kind::IssueCoupons
            | Kind::Advance
            | Kind::Refund
            | Kind::SetOnHand
            | Kind::Inspect => Self::Operate,
            Kind::Welcome
            | Kind::Pong
            | Kind::Authenticated
            | Kind::Reserved
            | Kind::Confirmed
            | Kind::Cancelled
            | Kind::OrderReserved
            | Kind::PayBegun
            | Kind::PayFailed
            | Kind::Extended
            | Kind::LinesConfirmed
            | Kind::LinesCancelled
            | Kind::ClaimsReserved
            | Kind::DiscountedReserved
            | Kind::OrderRead
            | Kind::StockRead
            | Kind::StatusRead
            | Kind::LineRead
            | Kind::Fetched
            | Kind::ChannelRead
            | Kind::CampaignRead
            | Kind::PhaseRead
            | Kind::PriceRead
            | Kind::BudgetRead
            | Kind::CouponRead
            | Kind::ProgressRead
            | Kind::GoodsRead
            | Kind::ShortfallRead
            | Kind::ChannelsRead
            | Kind::Watched
            | Kind::SkuPut
            | Kind::Restocked
            | Kind::ChannelSet
            | Kind::Rebalanced
            | Kind::PhasePut
            | Kind::CampaignSet
            | Kind::SkuBound
            | Kind::PricePut
            | Kind::LimitsSet
            | Kind::FreezeSet
            | Kind::BudgetSet
            | Kind::BudgetFunded
            | Kind::BudgetStopped
            | Kind::CouponsIssued
            | Kind::Advanced
            | Kind::Refunded
            | Kind::OnHandSet
            | Kind::Inspected
            | Kind::Push
            | Kind::Refused
            | Kind::Credit
            | Kind::Goodbye
            | Kind::Error => Self::Answer,
        }
    }

    /// Whether a role has it.
    const fn is_met_by(self, role: Role) -> bool {
        match self {
            Self::Nothing | Self::ShopRead => true,
            Self::Sell => matches!(role, Role::Storefront | Role::Operator),
            Self::HouseRead => matches!(role, Role::Feed | Role::Observer | Role::Operator),
            Self::Follow => matches!(role, Role::Feed | Role::Operator),
            Self::Operate => matches!(role, Role::Operator),
            Self::Answer => false,
        }
    }
}

/// Whether a role may ask for a kind of request.
pub const fn may(role: Role, kind: Kind) -> bool {
    Need::of(kind).is_met_by(role)
}

/// Whether a role may look at metrics, at the live board, and at whatever else the admin port shows.
pub const fn may_look(role: Role) -> bool {
    matches!(role, Role::Observer | Role::Operator)
}
