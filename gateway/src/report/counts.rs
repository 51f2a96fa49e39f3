//! What is counted, of a time, a channel or all of it. Everything in here adds up: the sections of a report sum to the whole.

use serde::Serialize;

use super::deed::{Payment, Step, Went, What, Why};

/// Units that went back later than this past their hold's deadline count as late: the default of `server.release_alarm_ms`.
pub(super) const LATE_MS: u64 = 1_000;

macro_rules! counts {
    ($($(#[$meta:meta])* $field:ident,)+) => {
        /// See the module's doc. Money is in minor units.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub(super) struct Counts { $($(#[$meta])* pub(super) $field: u64,)+ }

        impl Counts {
            /// Adds what another time or channel had.
            pub(super) fn add(&mut self, other: &Self) {
                $(self.$field = self.$field.saturating_add(other.$field);)+
            }
        }
    };
}

counts! {
    /// Holds given at once.
    holds,
    /// Orders that joined a waiting line.
    waits,
    /// Holds given to who waited.
    offers,
    /// Orders paid while their hold lasted.
    paid_in_time,
    /// Orders paid after it, whose units were still there.
    reacquired,
    /// Offers that were paid.
    offers_taken,
    /// Offers that ran out.
    offers_lapsed,
    /// Holds given back by their shopper.
    cancelled,
    /// Holds that ran out.
    expired,
    /// Holds in whose place another one came.
    superseded,
    /// Waits given up by their shopper.
    left,
    /// Waits in vain.
    lapsed,
    /// Units that went into holds.
    held_units,
    /// Units of holds that ran out.
    unpaid_units,
    /// Units of holds that ran out while somebody waited for that SKU.
    unpaid_wanted_units,
    /// Units that were paid.
    sold_units,
    /// What was paid for them.
    revenue,
    /// Discounts of paid orders, which budgets pay.
    discounts,
    /// Units that orders wanted to wait for.
    wanted_units,
    /// Units for which somebody waited in vain.
    missed_units,
    /// Those of them of which as many were free when the wait ended.
    missed_free_units,
    /// Paid units that went back to stock before they were shipped.
    taken_back_units,
    /// Units that came back from shoppers.
    returned_units,
    /// Units shipped.
    shipped_units,
    /// Paid units that turned out to be missing.
    short_units,
    /// Missing units that were found or replaced.
    covered_units,
    /// Payments that bought nothing, as the hold had ended.
    refunds_late,
    /// Payments that bought nothing, as the order was paid already.
    refunds_twice,
    /// Payments that bought nothing, as the order only waited.
    refunds_waited,
    /// What these payments came to.
    refund_due,
    /// Times that money went back.
    paid_back,
    /// How much.
    paid_back_amount,
    /// Payments of a wrong amount, which were refused.
    mismatched,
    /// Holds whose units went back late.
    late_releases,
}

impl Counts {
    /// Counts a deed.
    pub(super) fn note(&mut self, what: &What) {
        match *what {
            What::Order(step) => self.note_order(step),
            What::Units { units, went, .. } => self.note_units(units, went),
        }
    }

    fn note_order(&mut self, step: Step) {
        match step {
            Step::Held { .. } => self.holds += 1,
            Step::Waited => self.waits += 1,
            Step::Offered => self.offers += 1,
            Step::Paid(payment) => {
                self.paid_in_time += 1;
                self.note_payment(payment);
            }
            Step::Reacquired(payment) => {
                self.reacquired += 1;
                self.note_payment(payment);
            }
            Step::Cancelled => self.cancelled += 1,
            Step::Expired { offered, lag_ms } => {
                self.expired += 1;
                self.offers_lapsed += u64::from(offered);
                self.late_releases += u64::from(lag_ms > LATE_MS);
            }
            Step::Superseded => self.superseded += 1,
            Step::Left => self.left += 1,
            Step::Lapsed => self.lapsed += 1,
            Step::RefundDue { amount, why } => {
                *match why {
                    Why::Late => &mut self.refunds_late,
                    Why::Twice => &mut self.refunds_twice,
                    Why::Waited => &mut self.refunds_waited,
                } += 1;
                self.refund_due = self.refund_due.saturating_add(amount);
            }
            Step::PaidBack { amount } => {
                self.paid_back += 1;
                self.paid_back_amount = self.paid_back_amount.saturating_add(amount);
            }
            Step::Mismatched => self.mismatched += 1,
        }
    }

    fn note_payment(&mut self, Payment { offered, discount, .. }: Payment) {
        self.offers_taken += u64::from(offered);
        self.discounts = self.discounts.saturating_add(discount);
    }

    fn note_units(&mut self, units: u64, went: Went) {
        match went {
            Went::Held => self.held_units += units,
            Went::Unpaid { wanted } => {
                self.unpaid_units += units;
                self.unpaid_wanted_units += if wanted { units } else { 0 };
            }
            Went::Sold { amount } => {
                self.sold_units += units;
                self.revenue = self.revenue.saturating_add(amount);
            }
            Went::Wanted => self.wanted_units += units,
            Went::Missed { free } => {
                self.missed_units += units;
                self.missed_free_units += if free { units } else { 0 };
            }
            Went::Cancelled => self.taken_back_units += units,
            Went::Returned => self.returned_units += units,
            Went::Shipped => self.shipped_units += units,
            Went::Shorted => self.short_units += units,
            Went::Covered => self.covered_units += units,
            Went::Freed | Went::Granted => {}
        }
    }

    /// Orders that were paid, in time or later.
    pub(super) fn paid(&self) -> u64 {
        self.paid_in_time + self.reacquired
    }

    /// Payments that bought nothing.
    pub(super) fn refunds(&self) -> u64 {
        self.refunds_late + self.refunds_twice + self.refunds_waited
    }

    /// Holds that ended because the shopper didn't want or didn't pay. One that was swapped for another is none.
    pub(super) fn unpaid(&self) -> u64 {
        self.cancelled + self.expired
    }
}
