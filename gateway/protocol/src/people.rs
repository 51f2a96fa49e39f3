//! Which numbers of a request stand for people: whoever keeps requests may put pseudonyms in their places.

use crate::body::Record;

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Person {
    /// A shopper.
    Shopper,
    /// A shopper's device.
    Device,
    /// Where goods are to be delivered.
    Address,
    /// Who pays.
    PayAccount,
}

/// What a client asks for. There is no default of what it names, so that none is forgotten.
pub trait Request: Record + Default {
    /// Puts another name in the place of each person's. A number that says that nobody is known, 0 of a device, an address or an
    /// account, stays.
    fn rename(&mut self, name: impl Fn(Person, u64) -> u64);
}

macro_rules! names_its_shopper {
    ($($request:ident),+) => {
        $(impl Request for crate::$request {
            fn rename(&mut self, name: impl Fn(Person, u64) -> u64) {
                self.user = name(Person::Shopper, self.user);
            }
        })+
    };
}

macro_rules! names_nobody {
    ($($request:ident),+) => {
        $(impl Request for crate::$request {
            fn rename(&mut self, _: impl Fn(Person, u64) -> u64) {}
        })+
    };
}

names_its_shopper!(
    Advance,
    BeginPay,
    Cancel,
    CancelLines,
    Confirm,
    ConfirmLines,
    Extend,
    FailPay,
    Fetch,
    ReadLine,
    ReadOrder,
    ReadProgress,
    Refund,
    Reserve,
    Watch
);

// A budget's, a campaign's or a SKU's `by` is who runs the shop.
names_nobody!(
    BindSku,
    FreezeSku,
    FundBudget,
    Inspect,
    IssueCoupons,
    PutPhase,
    PutPrice,
    PutSku,
    ReadBudget,
    ReadCampaign,
    ReadChannel,
    ReadChannels,
    ReadCoupon,
    ReadGoods,
    ReadPhase,
    ReadPrice,
    ReadShortfall,
    ReadStock,
    Rebalance,
    Restock,
    SetBudget,
    SetCampaign,
    SetChannel,
    SetLimits,
    SetOnHand,
    StopBudget
);

impl Request for crate::ReserveOrder {
    fn rename(&mut self, name: impl Fn(Person, u64) -> u64) {
        self.user = name(Person::Shopper, self.user);
        for (person, number) in [
            (Person::Device, &mut self.device),
            (Person::Address, &mut self.address),
            (Person::PayAccount, &mut self.pay_account),
        ] {
            if *number != 0 {
                *number = name(person, *number);
            }
        }
    }
}

impl Request for crate::ReserveClaims {
    fn rename(&mut self, name: impl Fn(Person, u64) -> u64) {
        self.order.rename(name);
    }
}

impl Request for crate::ReserveDiscounted {
    fn rename(&mut self, name: impl Fn(Person, u64) -> u64) {
        self.reserve.rename(name);
    }
}
