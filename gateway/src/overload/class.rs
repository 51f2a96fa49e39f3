//! What comes first when not everything can be done.

use doorbuster_protocol::Kind;

/// A class of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// What operators do: setting a sale up. Never refused: there is little of it, and it may be what ends the trouble.
    Operate,
    /// Money that was promised or paid: payments, cancels, and what follows a payment.
    Settle,
    /// New holds.
    Reserve,
    /// What changes nothing.
    Read,
}

impl Class {
    /// How many there are.
    pub(crate) const COUNT: usize = 4;

    /// Its place where something is kept for each class.
    #[inline]
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// As operators write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Operate => "operate",
            Self::Settle => "settle",
            Self::Reserve => "reserve",
            Self::Read => "read",
        }
    }

    /// Whether a breaker of this class opens because answers are slow. Where money was promised, late is better than never.
    pub(crate) const fn opens_when_slow(self) -> bool {
        match self {
            Self::Read | Self::Reserve => true,
            Self::Settle | Self::Operate => false,
        }
    }

    /// The class of a kind of request.
    #[inline]
    pub(crate) const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Reserve | Kind::ReserveOrder | Kind::ReserveClaims | Kind::ReserveDiscounted => {
                Self::Reserve
            }
            Kind::ReadOrder
            | Kind::ReadStock
            | Kind::ReadLine
            | Kind::ReadChannel
            | Kind::ReadChannels
            | Kind::ReadCampaign
            | Kind::ReadPhase
            | Kind::ReadPrice
            | Kind::ReadBudget
            | Kind::ReadCoupon
            | Kind::ReadProgress
            | Kind::ReadGoods
            | Kind::ReadShortfall
            | Kind::Watch => Self::Read,
            Kind::Confirm
            | Kind::Cancel
            | Kind::ConfirmLines
            | Kind::CancelLines
            | Kind::BeginPay
            | Kind::FailPay
            | Kind::Extend
            | Kind::Advance
            | Kind::Refund => Self::Settle,
            _ => Self::Operate,
        }
    }
}
