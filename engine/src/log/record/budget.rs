//! The records of budgets and coupons, kinds 65 to 75. There is no kind 71.

use bincode::{Decode, Encode};
use doorbuster_ledger::{
    BudgetEvent, BudgetId, CouponBatch, CouponId, CouponUse, Coupons, Event, Funder, FunderId, OrderNumber,
    PartitionId, Timestamp,
};

use super::decode::take;
use super::encode::put;
use super::{Record, RecordError};

pub(super) const FIRST: u8 = OPENED;
pub(super) const LAST: u8 = COUPON_REDEEMED;

const OPENED: u8 = 65;
const FUNDER_ADDED: u8 = 66;
const FUNDED: u8 = 67;
const STOPPED: u8 = 68;
const DRAINED: u8 = 69;
const FILLED: u8 = 70;
const ISSUED: u8 = 72;
const COUPON_HELD: u8 = 73;
const COUPON_RELEASED: u8 = 74;
const COUPON_REDEEMED: u8 = 75;

/// Also the body of [`STOPPED`].
#[derive(Encode, Decode)]
struct OpenedBody {
    budget: u32,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct FunderBody {
    budget: u32,
    funder: u32,
    share: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct FundedBody {
    budget: u32,
    funded: u64,
    by: u64,
    reason: u32,
    at: u64,
}

#[derive(Encode, Decode)]
struct DrainedBody {
    budget: u32,
    cents: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct FilledBody {
    budget: u32,
    partition: u16,
    cents: u64,
    at: u64,
}

#[derive(Encode, Decode)]
struct IssuedBody {
    batch: u32,
    serials: u32,
    uses: u32,
    from: u64,
    until: u64,
    by: u64,
    reason: u32,
    at: u64,
}

/// Of the three that concern one use.
#[derive(Encode, Decode)]
struct CouponBody {
    coupon: u64,
    order: u64,
    at: u64,
}

/// Appends the record of an event.
pub(super) fn encode(event: &BudgetEvent, out: &mut Vec<u8>) {
    match *event {
        BudgetEvent::Opened { budget, by, reason, at } => {
            put(OPENED, &OpenedBody { budget: budget.raw(), by, reason, at: at.raw() }, out);
        }
        BudgetEvent::FunderAdded { budget, funder, at } => {
            let (funder, share) = (funder.id.raw(), funder.share);
            put(FUNDER_ADDED, &FunderBody { budget: budget.raw(), funder, share, at: at.raw() }, out);
        }
        BudgetEvent::Funded { budget, funded, by, reason, at } => {
            put(FUNDED, &FundedBody { budget: budget.raw(), funded, by, reason, at: at.raw() }, out);
        }
        BudgetEvent::Stopped { budget, by, reason, at } => {
            put(STOPPED, &OpenedBody { budget: budget.raw(), by, reason, at: at.raw() }, out);
        }
        BudgetEvent::Drained { budget, cents, at } => {
            put(DRAINED, &DrainedBody { budget: budget.raw(), cents, at: at.raw() }, out);
        }
        BudgetEvent::Filled { budget, partition, cents, at } => {
            let (budget, partition) = (budget.raw(), partition.raw());
            put(FILLED, &FilledBody { budget, partition, cents, at: at.raw() }, out);
        }
        BudgetEvent::Issued { batch, coupons, by, reason, at } => {
            let Coupons { serials, uses, from, until } = coupons;
            let (batch, from, until) = (batch.raw(), from.raw(), until.raw());
            put(ISSUED, &IssuedBody { batch, serials, uses, from, until, by, reason, at: at.raw() }, out);
        }
        BudgetEvent::CouponHeld(ref of) => put(COUPON_HELD, &coupon_body(of), out),
        BudgetEvent::CouponReleased(ref of) => put(COUPON_RELEASED, &coupon_body(of), out),
        BudgetEvent::CouponRedeemed(ref of) => put(COUPON_REDEEMED, &coupon_body(of), out),
    }
}

fn coupon_body(of: &CouponUse) -> CouponBody {
    CouponBody { coupon: of.coupon.raw(), order: of.order.raw(), at: of.at.raw() }
}

/// Reads the fields of a record of this kind.
pub(super) fn decode(kind: u8, rest: &[u8]) -> Result<(Record, usize), RecordError> {
    let budget = |raw| BudgetId::new(raw).ok_or(RecordError::Impossible { kind, field: "budget" });
    let (event, used) = match kind {
        OPENED | STOPPED => {
            let (OpenedBody { budget: raw, by, reason, at }, used) = take(kind, rest)?;
            let (budget, at) = (budget(raw)?, Timestamp::new(at));
            let event = if kind == OPENED {
                BudgetEvent::Opened { budget, by, reason, at }
            } else {
                BudgetEvent::Stopped { budget, by, reason, at }
            };
            (event, used)
        }
        FUNDER_ADDED => {
            let (FunderBody { budget: raw, funder, share, at }, used) = take(kind, rest)?;
            let (budget, at) = (budget(raw)?, Timestamp::new(at));
            (
                BudgetEvent::FunderAdded { budget, funder: Funder { id: FunderId::new(funder), share }, at },
                used,
            )
        }
        FUNDED => {
            let (FundedBody { budget: raw, funded, by, reason, at }, used) = take(kind, rest)?;
            let (budget, at) = (budget(raw)?, Timestamp::new(at));
            (BudgetEvent::Funded { budget, funded, by, reason, at }, used)
        }
        DRAINED => {
            let (DrainedBody { budget: raw, cents, at }, used) = take(kind, rest)?;
            (BudgetEvent::Drained { budget: budget(raw)?, cents, at: Timestamp::new(at) }, used)
        }
        FILLED => {
            let (FilledBody { budget: raw, partition, cents, at }, used) = take(kind, rest)?;
            let partition =
                PartitionId::new(partition).ok_or(RecordError::Impossible { kind, field: "partition" })?;
            (BudgetEvent::Filled { budget: budget(raw)?, partition, cents, at: Timestamp::new(at) }, used)
        }
        ISSUED => {
            let (body, used): (IssuedBody, _) = take(kind, rest)?;
            let batch =
                CouponBatch::new(body.batch).ok_or(RecordError::Impossible { kind, field: "batch" })?;
            let coupons = Coupons {
                serials: body.serials,
                uses: body.uses,
                from: Timestamp::new(body.from),
                until: Timestamp::new(body.until),
            };
            let IssuedBody { by, reason, at, .. } = body;
            (BudgetEvent::Issued { batch, coupons, by, reason, at: Timestamp::new(at) }, used)
        }
        COUPON_HELD | COUPON_RELEASED | COUPON_REDEEMED => {
            let (body, used): (CouponBody, _) = take(kind, rest)?;
            let coupon =
                CouponId::new(body.coupon).ok_or(RecordError::Impossible { kind, field: "coupon" })?;
            let of = CouponUse { coupon, order: OrderNumber::new(body.order), at: Timestamp::new(body.at) };
            let event = match kind {
                COUPON_HELD => BudgetEvent::CouponHeld(of),
                COUPON_RELEASED => BudgetEvent::CouponReleased(of),
                _ => BudgetEvent::CouponRedeemed(of),
            };
            (event, used)
        }
        kind => return Err(RecordError::UnknownKind { kind }),
    };
    Ok((Record::Event(Event::Budget(event)), used))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::new(0x0000_018B_CFE5_6800);

    /// One record of each kind.
    pub(in crate::log::record) fn samples() -> Vec<Record> {
        let budget = BudgetId::new(1).unwrap();
        let (by, reason, at) = (2, 3, AT);
        let order = OrderNumber::new(0x0050_0000_0000_0009);
        let of = CouponUse { coupon: CouponId::new((4 << 32) | 5).unwrap(), order, at };
        let funder = Funder { id: FunderId::new(6), share: 7 };
        let (from, until) = (Timestamp::new(8), Timestamp::new(9));
        let events = [
            BudgetEvent::Opened { budget, by, reason, at },
            BudgetEvent::FunderAdded { budget, funder, at },
            BudgetEvent::Funded { budget, funded: 11, by, reason, at },
            BudgetEvent::Stopped { budget, by, reason, at },
            BudgetEvent::Drained { budget, cents: 12, at },
            BudgetEvent::Filled { budget, partition: PartitionId::new(13).unwrap(), cents: 14, at },
            BudgetEvent::Issued {
                batch: CouponBatch::new(4).unwrap(),
                coupons: Coupons { serials: 15, uses: 16, from, until },
                by,
                reason,
                at,
            },
            BudgetEvent::CouponHeld(of),
            BudgetEvent::CouponReleased(of),
            BudgetEvent::CouponRedeemed(of),
        ];
        events.into_iter().map(|event| Record::Event(Event::Budget(event))).collect()
    }

    fn bytes(kind: u8) -> Vec<u8> {
        let mut all = samples().into_iter().map(|record| {
            let mut bytes = Vec::new();
            super::super::encode(&record, &mut bytes);
            bytes
        });
        all.find(|bytes| bytes[0] == kind).unwrap()
    }

    #[test]
    fn a_batch_of_coupons_has_these_bytes() {
        let golden = [
            &[72][..],
            &[4, 0, 0, 0],
            &[15, 0, 0, 0],
            &[16, 0, 0, 0],
            &[8, 0, 0, 0, 0, 0, 0, 0],
            &[9, 0, 0, 0, 0, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            &[3, 0, 0, 0],
            &[0, 0x68, 0xE5, 0xCF, 0x8B, 0x01, 0, 0],
        ]
        .concat();
        assert_eq!(bytes(ISSUED), golden);
    }

    #[test]
    fn names_of_nothing_and_partitions_that_are_not_are_refused() {
        let cases = [
            (OPENED, 1, 4, "budget"),
            (FILLED, 5, 2, "partition"),
            (ISSUED, 1, 4, "batch"),
            (COUPON_HELD, 1, 8, "coupon"),
        ];
        for (kind, at, length, field) in cases {
            let mut bytes = bytes(kind);
            let byte = if kind == FILLED { 0xFF } else { 0 };
            bytes[at..at + length].fill(byte);
            assert_eq!(super::super::decode(&bytes), Err(RecordError::Impossible { kind, field }));
        }
    }
}
