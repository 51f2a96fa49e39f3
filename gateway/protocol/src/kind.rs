//! Which operation a frame carries.

use crate::error::ProtocolError;

macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident = $byte:literal, $name:literal;)+) => {
        /// A frame's kind. A batch holds operations of one kind; its answer has the same kind with the high bit set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$meta])* $variant = $byte,)+ }

        impl Kind {
            /// Every kind, requests first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The byte on the wire.
            pub const fn byte(self) -> u8 {
                match self { $(Self::$variant => $byte,)+ }
            }

            /// The name in documents, messages and metrics.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Reads the byte of a header.
            ///
            /// # Errors
            /// [`ProtocolError::UnknownKind`] where no kind has this byte.
            pub const fn from_byte(byte: u8) -> Result<Self, ProtocolError> {
                match byte {
                    $($byte => Ok(Self::$variant),)+
                    kind => Err(ProtocolError::UnknownKind { kind }),
                }
            }
        }
    };
}

kinds! {
    /// First frame of a connection, from the client: [`Hello`](crate::Hello).
    Hello = 0x01, "HELLO";
    /// Asks for an empty answer; carries nothing.
    Ping = 0x02, "PING";
    /// Says who the client is: [`Auth`](crate::Auth).
    Auth = 0x03, "AUTH";
    /// Holds units of one SKU: [`Reserve`](crate::Reserve).
    Reserve = 0x10, "RESERVE";
    /// Pays a hold: [`Confirm`](crate::Confirm).
    Confirm = 0x11, "CONFIRM";
    /// Gives a hold back: [`Cancel`](crate::Cancel).
    Cancel = 0x12, "CANCEL";
    /// Holds with a list of lines and risk hashes: [`ReserveOrder`](crate::ReserveOrder).
    ReserveOrder = 0x13, "RESERVE_ORDER";
    /// Keeps a hold while its shopper pays: [`BeginPay`](crate::BeginPay).
    BeginPay = 0x14, "BEGIN_PAY";
    /// Says that a payment came to nothing: [`FailPay`](crate::FailPay).
    FailPay = 0x15, "FAIL_PAY";
    /// Keeps a hold longer: [`Extend`](crate::Extend).
    Extend = 0x16, "EXTEND";
    /// Pays a part of a hold: [`ConfirmLines`](crate::ConfirmLines).
    ConfirmLines = 0x17, "CONFIRM_LINES";
    /// Gives a part of a hold back: [`CancelLines`](crate::CancelLines).
    CancelLines = 0x18, "CANCEL_LINES";
    /// Holds what an order claims with it, a discount and a coupon: [`ReserveClaims`](crate::ReserveClaims).
    ReserveClaims = 0x19, "RESERVE_CLAIMS";
    /// Holds units of one SKU together with a discount: [`ReserveDiscounted`](crate::ReserveDiscounted).
    ReserveDiscounted = 0x1A, "RESERVE_DISCOUNTED";
    /// Reads an order: [`ReadOrder`](crate::ReadOrder).
    ReadOrder = 0x20, "READ_ORDER";
    /// Reads a SKU's accounts: [`ReadStock`](crate::ReadStock).
    ReadStock = 0x21, "READ_STOCK";
    /// Reads the server's totals; carries nothing.
    ReadStatus = 0x22, "READ_STATUS";
    /// Reads one line of an order: [`ReadLine`](crate::ReadLine).
    ReadLine = 0x23, "READ_LINE";
    /// Reads events from a log position on: [`Fetch`](crate::Fetch).
    Fetch = 0x24, "FETCH";
    /// Reads what a channel may have: [`ReadChannel`](crate::ReadChannel).
    ReadChannel = 0x25, "READ_CHANNEL";
    /// Reads a campaign: [`ReadCampaign`](crate::ReadCampaign).
    ReadCampaign = 0x26, "READ_CAMPAIGN";
    /// Reads a phase of a campaign: [`ReadPhase`](crate::ReadPhase).
    ReadPhase = 0x27, "READ_PHASE";
    /// Reads a SKU's campaign and price: [`ReadPrice`](crate::ReadPrice).
    ReadPrice = 0x2D, "READ_PRICE";
    /// Reads a budget's accounts: [`ReadBudget`](crate::ReadBudget).
    ReadBudget = 0x28, "READ_BUDGET";
    /// Reads a coupon: [`ReadCoupon`](crate::ReadCoupon).
    ReadCoupon = 0x29, "READ_COUPON";
    /// Reads what became of a paid order: [`ReadProgress`](crate::ReadProgress).
    ReadProgress = 0x2A, "READ_PROGRESS";
    /// Reads where goods are: [`ReadGoods`](crate::ReadGoods).
    ReadGoods = 0x2B, "READ_GOODS";
    /// Reads which paid orders miss units: [`ReadShortfall`](crate::ReadShortfall).
    ReadShortfall = 0x2C, "READ_SHORTFALL";
    /// Reads which channels a SKU has: [`ReadChannels`](crate::ReadChannels).
    ReadChannels = 0x2E, "READ_CHANNELS";
    /// Reads how an order stands, and asks to be told if it waits: [`Watch`](crate::Watch).
    Watch = 0x2F, "WATCH";
    /// Sets a SKU up: [`PutSku`](crate::PutSku).
    PutSku = 0x30, "PUT_SKU";
    /// Adds or withdraws units: [`Restock`](crate::Restock).
    Restock = 0x31, "RESTOCK";
    /// Says what a channel may have of a SKU: [`SetChannel`](crate::SetChannel).
    SetChannel = 0x32, "SET_CHANNEL";
    /// Moves a part of a guarantee: [`Rebalance`](crate::Rebalance).
    Rebalance = 0x33, "REBALANCE";
    /// Writes a phase of a campaign's plan: [`PutPhase`](crate::PutPhase).
    PutPhase = 0x34, "PUT_PHASE";
    /// Lets a campaign follow a plan; pauses, resumes or ends it: [`SetCampaign`](crate::SetCampaign).
    SetCampaign = 0x35, "SET_CAMPAIGN";
    /// Lets a campaign sell a SKU: [`BindSku`](crate::BindSku).
    BindSku = 0x36, "BIND_SKU";
    /// Writes a SKU's price by a version: [`PutPrice`](crate::PutPrice).
    PutPrice = 0x37, "PUT_PRICE";
    /// Changes a SKU's limits: [`SetLimits`](crate::SetLimits).
    SetLimits = 0x3C, "SET_LIMITS";
    /// Freezes a SKU, or lets it be sold again: [`FreezeSku`](crate::FreezeSku).
    FreezeSku = 0x3D, "FREEZE_SKU";
    /// Sets a promotion budget up: [`SetBudget`](crate::SetBudget).
    SetBudget = 0x38, "SET_BUDGET";
    /// Puts money into a budget: [`FundBudget`](crate::FundBudget).
    FundBudget = 0x39, "FUND_BUDGET";
    /// Pays no further discounts out of a budget: [`StopBudget`](crate::StopBudget).
    StopBudget = 0x3A, "STOP_BUDGET";
    /// Sets a batch of coupons up: [`IssueCoupons`](crate::IssueCoupons).
    IssueCoupons = 0x3B, "ISSUE_COUPONS";
    /// Takes a paid order a step further: [`Advance`](crate::Advance).
    Advance = 0x40, "ADVANCE";
    /// Notes that money went back: [`Refund`](crate::Refund).
    Refund = 0x41, "REFUND";
    /// Says how many units were counted: [`SetOnHand`](crate::SetOnHand).
    SetOnHand = 0x42, "SET_ON_HAND";
    /// Moves units out of quarantine: [`Inspect`](crate::Inspect).
    Inspect = 0x43, "INSPECT";
    /// The server's answer to HELLO: [`Welcome`](crate::Welcome).
    Welcome = 0x81, "WELCOME";
    /// The answer to PING.
    Pong = 0x82, "PONG";
    /// The answer to AUTH: [`Access`](crate::Access).
    Authenticated = 0x83, "AUTHENTICATED";
    /// Answers to RESERVE.
    Reserved = 0x90, "RESERVED";
    /// Answers to CONFIRM.
    Confirmed = 0x91, "CONFIRMED";
    /// Answers to CANCEL.
    Cancelled = 0x92, "CANCELLED";
    /// Answers to `RESERVE_ORDER`.
    OrderReserved = 0x93, "ORDER_RESERVED";
    /// Answers to `BEGIN_PAY`.
    PayBegun = 0x94, "PAY_BEGUN";
    /// Answers to `FAIL_PAY`.
    PayFailed = 0x95, "PAY_FAILED";
    /// Answers to EXTEND.
    Extended = 0x96, "EXTENDED";
    /// Answers to `CONFIRM_LINES`.
    LinesConfirmed = 0x97, "LINES_CONFIRMED";
    /// Answers to `CANCEL_LINES`.
    LinesCancelled = 0x98, "LINES_CANCELLED";
    /// Answers to `RESERVE_CLAIMS`.
    ClaimsReserved = 0x99, "CLAIMS_RESERVED";
    /// Answers to `RESERVE_DISCOUNTED`.
    DiscountedReserved = 0x9A, "DISCOUNTED_RESERVED";
    /// Answers to `READ_ORDER`: [`OrderView`](crate::OrderView).
    OrderRead = 0xA0, "ORDER_READ";
    /// Answers to `READ_STOCK`: [`StockView`](crate::StockView).
    StockRead = 0xA1, "STOCK_READ";
    /// Answer to `READ_STATUS`: [`StatusView`](crate::StatusView).
    StatusRead = 0xA2, "STATUS_READ";
    /// Answers to `READ_LINE`: [`LineView`](crate::LineView).
    LineRead = 0xA3, "LINE_READ";
    /// Answer to FETCH: [`Fetched`](crate::Fetched).
    Fetched = 0xA4, "FETCHED";
    /// Answers to `READ_CHANNEL`: [`ChannelView`](crate::ChannelView).
    ChannelRead = 0xA5, "CHANNEL_READ";
    /// Answers to `READ_CAMPAIGN`: [`CampaignView`](crate::CampaignView).
    CampaignRead = 0xA6, "CAMPAIGN_READ";
    /// Answers to `READ_PHASE`: [`PhaseView`](crate::PhaseView).
    PhaseRead = 0xA7, "PHASE_READ";
    /// Answers to `READ_PRICE`: [`PriceView`](crate::PriceView).
    PriceRead = 0xAD, "PRICE_READ";
    /// Answers to `READ_BUDGET`: [`BudgetView`](crate::BudgetView).
    BudgetRead = 0xA8, "BUDGET_READ";
    /// Answers to `READ_COUPON`: [`CouponView`](crate::CouponView).
    CouponRead = 0xA9, "COUPON_READ";
    /// Answers to `READ_PROGRESS`: [`ProgressView`](crate::ProgressView).
    ProgressRead = 0xAA, "PROGRESS_READ";
    /// Answers to `READ_GOODS`: [`GoodsView`](crate::GoodsView).
    GoodsRead = 0xAB, "GOODS_READ";
    /// Answers to `READ_SHORTFALL`: [`ShortfallView`](crate::ShortfallView).
    ShortfallRead = 0xAC, "SHORTFALL_READ";
    /// Answers to `READ_CHANNELS`: [`ChannelsView`](crate::ChannelsView).
    ChannelsRead = 0xAE, "CHANNELS_READ";
    /// Answers to WATCH.
    Watched = 0xAF, "WATCHED";
    /// Answers to `PUT_SKU`.
    SkuPut = 0xB0, "SKU_PUT";
    /// Answers to RESTOCK.
    Restocked = 0xB1, "RESTOCKED";
    /// Answers to `SET_CHANNEL`.
    ChannelSet = 0xB2, "CHANNEL_SET";
    /// Answers to REBALANCE.
    Rebalanced = 0xB3, "REBALANCED";
    /// Answers to `PUT_PHASE`.
    PhasePut = 0xB4, "PHASE_PUT";
    /// Answers to `SET_CAMPAIGN`.
    CampaignSet = 0xB5, "CAMPAIGN_SET";
    /// Answers to `BIND_SKU`.
    SkuBound = 0xB6, "SKU_BOUND";
    /// Answers to `PUT_PRICE`.
    PricePut = 0xB7, "PRICE_PUT";
    /// Answers to `SET_LIMITS`.
    LimitsSet = 0xBC, "LIMITS_SET";
    /// Answers to `FREEZE_SKU`.
    FreezeSet = 0xBD, "FREEZE_SET";
    /// Answers to `SET_BUDGET`.
    BudgetSet = 0xB8, "BUDGET_SET";
    /// Answers to `FUND_BUDGET`.
    BudgetFunded = 0xB9, "BUDGET_FUNDED";
    /// Answers to `STOP_BUDGET`.
    BudgetStopped = 0xBA, "BUDGET_STOPPED";
    /// Answers to `ISSUE_COUPONS`.
    CouponsIssued = 0xBB, "COUPONS_ISSUED";
    /// Answers to ADVANCE.
    Advanced = 0xC0, "ADVANCED";
    /// Answers to REFUND.
    Refunded = 0xC1, "REFUNDED";
    /// Answers to `SET_ON_HAND`.
    OnHandSet = 0xC2, "ON_HAND_SET";
    /// Answers to INSPECT.
    Inspected = 0xC3, "INSPECTED";
    /// Orders that were watched wait no more: [`Push`](crate::Push). Answers nothing.
    Push = 0xF0, "PUSH";
    /// Frames were refused as a whole: [`Refused`](crate::Refused). Answers each of them.
    Refused = 0xF1, "REFUSED";
    /// How much the connection may have unanswered: [`Credit`](crate::Credit). Answers nothing.
    Credit = 0xF2, "CREDIT";
    /// The server closes soon: no new request will be taken on this connection.
    Goodbye = 0xFE, "GOODBYE";
    /// A fault that concerns the frame as a whole: [`Fault`](crate::Fault).
    Error = 0xFF, "ERROR";
}

impl Kind {
    /// Whether a client may send this kind.
    pub const fn is_request(self) -> bool {
        self.byte() & 0x80 == 0
    }

    /// The kind that answers this request kind; answers have none.
    pub const fn answer(self) -> Option<Self> {
        if !self.is_request() {
            return None;
        }
        match Self::from_byte(self.byte() | 0x80) {
            Ok(kind) => Some(kind),
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_its_answer_and_every_byte_its_kind() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_byte(kind.byte()), Ok(kind));
            assert_eq!(kind.answer().is_some(), kind.is_request(), "{}", kind.name());
        }
    }
}
