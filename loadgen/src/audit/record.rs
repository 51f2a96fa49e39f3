//! The log's records, as `docs/durability.md` lays them out: a kind's byte, then fields of fixed width.

use super::after::{self, After};
use super::budgets;
use super::log::{u16_at, u32_at, u64_at};

/// The bit of an order's number that says that its units are written line by line.
const SEVERAL_LINES: u32 = 51;

/// What an audit needs of a record. Times are milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A SKU was set up.
    Put { sku: u64, units: u64 },
    /// Units were added or withdrawn.
    Restocked { sku: u64, units: i64 },
    /// A hold was granted.
    Reserved { placed: Placed },
    /// An order was placed that waits for units, and gives up then.
    Waitlisted { placed: Placed, until: u64 },
    /// An order that waited got its units.
    Offered { order: u64, at: u64 },
    /// A hold was paid.
    Confirmed { paid: Paid, at: u64 },
    /// A payment came after a hold's end and took its units again.
    Reacquired { paid: Paid, at: u64 },
    /// A payment bought nothing.
    RefundRequired { paid: Paid },
    /// A hold was given back.
    Cancelled { order: u64, at: u64 },
    /// A hold or a wait ran out.
    Expired { order: u64, at: u64 },
    /// An order that had ended left memory.
    Evicted { order: u64, at: u64 },
    /// A hold gave its place to another.
    Superseded { order: u64, at: u64 },
    /// Part of an order was given back for good.
    Cut { order: u64, units: u32, at: u64 },
    /// Something became of a line of an order that has several.
    Leg { change: LegChange, leg: Leg },
    /// What a sales channel may have of a SKU was set.
    Channel { sku: u64, channel: u16, rules: Rules, at: u64 },
    /// Part of a guarantee went from one channel to another.
    Moved { sku: u64, from: u16, to: u16, units: u64, at: u64 },
    /// What a campaign says was changed.
    Campaign(CampaignChange),
    /// Something became of a paid order, or of goods.
    After(After),
    /// Something became of a promotion budget or a coupon.
    Budget(budgets::Entry),
    /// Anything that moves no units.
    Other,
}

/// An order as it was placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) order: u64,
    pub(super) request_id: [u8; 16],
    pub(super) user: u64,
    /// The only SKU, or the lowest one.
    pub(super) sku: u64,
    /// Units of all lines.
    pub(super) quantity: u32,
    pub(super) at: u64,
    pub(super) channel: u16,
    pub(super) amount: u64,
    /// The version of prices that it was placed by; 0: none.
    pub(super) price_version: u32,
    /// The discount that it claims.
    pub(super) claim: Option<Claim>,
}

/// A discount that an order claims from a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) budget: u32,
    pub(super) cents: u64,
}

/// A change of what campaigns say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CampaignChange {
    /// A phase was written.
    Phase { campaign: u32, plan: u32, nth: u8, start: u64, stage: u8, price_version: u32 },
    /// A plan is followed. Policy 0: other versions than the one that counts are refused.
    Plan { campaign: u32, plan: u32, phases: u8, policy: u8, at: u64 },
    /// 0 running, 1 paused, 2 ended.
    Standing { campaign: u32, standing: u8 },
    /// A campaign sells a SKU; 0: none does.
    Bound { sku: u64, campaign: u32 },
    /// A SKU has a price.
    Price { sku: u64, version: u32, floor: u64, ceiling: u64 },
}

/// A payment for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paid {
    pub(super) order: u64,
    pub(super) payment_id: [u8; 16],
    pub(super) amount: u64,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegChange {
    /// Its units were held.
    Held,
    /// They went back.
    Back,
    /// They were paid.
    Paid,
    /// Some went back for good.
    Cut,
    /// All of them did.
    Dropped,
}

/// A line of an order that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) order: u64,
    pub(super) sku: u64,
    pub(super) user: u64,
    pub(super) units: u32,
    /// How many of them are given for nothing; known where they are held.
    pub(super) gifts: u32,
    pub(super) channel: u16,
    pub(super) at: u64,
}

/// What a sales channel may have of a SKU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) guarantee: u64,
    /// 2^64 − 1: no limit.
    pub(super) cap: u64,
    /// 2^64 − 1: never.
    pub(super) release_at: u64,
}

/// Whether an order's units are written line by line.
pub(super) fn has_legs(order: u64) -> bool {
    order >> SEVERAL_LINES & 1 == 1
}

/// A record's fields by their offsets, where there are as many.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn long(self, at: usize) -> Option<u64> {
        self.0.get(at..at + 8).map(|bytes| u64_at(bytes, 0))
    }

    fn int(self, at: usize) -> Option<u32> {
        self.0.get(at..at + 4).map(|bytes| u32_at(bytes, 0))
    }

    fn short(self, at: usize) -> Option<u16> {
        self.0.get(at..at + 2).map(|bytes| u16_at(bytes, 0))
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    /// Ids are numbers in the log, least byte first; on the wire they stand the other way round.
    fn id(self, at: usize) -> Option<[u8; 16]> {
        let mut id = *self.0.get(at..at + 16)?.first_chunk::<16>()?;
        id.reverse();
        Some(id)
    }

    fn claim(self, at: usize) -> Option<Claim> {
        Some(Claim { budget: self.int(at)?, cents: self.long(at + 4)? })
    }

    /// The entry, if all of its bytes are there.
    fn whole(self, length: usize, entry: Entry) -> Option<(Entry, usize)> {
        (self.0.len() >= length).then_some((entry, length))
    }
}

/// Reads a record about a campaign.
fn campaign(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    let (long, int, byte) = (|at| fields.long(at), |at| fields.int(at), |at| fields.byte(at));
    let whole = |length, entry| fields.whole(length, entry);
    match kind {
        // Lists its channels behind the other fields.
        40 => {
            let (campaign, plan, nth, start, stage) = (int(0)?, int(4)?, byte(8)?, long(9)?, byte(17)?);
            let change = CampaignChange::Phase { campaign, plan, nth, start, stage, price_version: int(32)? };
            let channels = usize::try_from(long(40)?).ok().filter(|count| *count <= 8)?;
            whole(40 + 8 + 2 * channels + 20, Entry::Campaign(change))
        }
        41 => {
            let (campaign, plan, phases, policy) = (int(0)?, int(4)?, byte(8)?, byte(9)?);
            let change = CampaignChange::Plan { campaign, plan, phases, policy, at: long(26)? };
            whole(34, Entry::Campaign(change))
        }
        42 => whole(25, Entry::Campaign(CampaignChange::Standing { campaign: int(0)?, standing: byte(4)? })),
        43 => whole(17, Entry::Other),
        44 => whole(32, Entry::Campaign(CampaignChange::Bound { sku: long(0)?, campaign: int(8)? })),
        45 => {
            let (sku, version, floor, ceiling) = (long(0)?, int(8)?, long(28)?, long(36)?);
            whole(64, Entry::Campaign(CampaignChange::Price { sku, version, floor, ceiling }))
        }
        46 => whole(36, Entry::Other),
        76 => whole(29, Entry::Other),
        _ => None,
    }
}

/// Reads a record that places an order.
fn order(kind: u8, fields: Fields<'_>) -> Option<(Entry, usize)> {
    /// Bytes of a list's length and its one line.
    const LINE: usize = 8 + 16;
    const LINES: usize = 8 + 16 + 8 + 8 + 8 + 4 + 4 + 2 + 4 + 4 + 2 + 8 + 8 + 8;
    let (long, int, short) = (|at| fields.long(at), |at| fields.int(at), |at| fields.short(at));
    if matches!(kind, 3 | 47 | 48) {
        // Kind 47 names a campaign, a version of prices and a tier behind the fields of kind 3, and kind 48 a discount behind
        // those.
        let (length, price_version, claim) = match kind {
            3 => (70, 0, None),
            47 => (80, int(74)?, None),
            _ => (92, int(74)?, Some(fields.claim(80)?)),
        };
        let placed = Placed {
            order: long(0)?,
            request_id: fields.id(8)?,
            user: long(24)?,
            sku: long(32)?,
            quantity: int(56)?,
            at: long(40)?,
            channel: short(68)?,
            amount: long(48)?,
            price_version,
            claim,
        };
        return fields.whole(length, Entry::Reserved { placed });
    }
    // Kind 18 names the longest wait first, kinds 20 and 49 how its deadline was moved, and kind 49 a discount last.
    let start = match kind {
        18 => 4,
        20 | 49 => 1,
        _ => 0,
    };
    let end = start + LINES + LINE;
    let (length, claim) = if kind == 49 { (end + 12, Some(fields.claim(end)?)) } else { (end, None) };
    let at = long(start + 32)?;
    let placed = Placed {
        order: long(start)?,
        request_id: fields.id(start + 8)?,
        user: long(start + 24)?,
        sku: long(start + LINES + 8)?,
        quantity: int(start + LINES + 16)?,
        at,
        channel: short(start + 56)?,
        amount: long(start + 40)?,
        price_version: int(start + 62)?,
        claim,
    };
    let entry = if kind == 18 {
        Entry::Waitlisted { placed, until: at.saturating_add(u64::from(int(0)?)) }
    } else {
        Entry::Reserved { placed }
    };
    // Lines beyond the first have records of their own.
    if long(start + LINES)? == 1 { fields.whole(length, entry) } else { None }
}

/// Reads a record of this kind; gives it and the bytes of its fields.
pub(super) fn entry(kind: u8, fields: &[u8]) -> Option<(Entry, usize)> {
    let all = Fields(fields);
    let (long, int, short) = (|at| all.long(at), |at| all.int(at), |at| all.short(at));
    let paid = || Some(Paid { order: long(0)?, payment_id: all.id(8)?, amount: long(24)? });
    let whole = |length, entry| all.whole(length, entry);
    match kind {
        1 => whole(44, Entry::Put { sku: long(0)?, units: long(8)? }),
        2 => whole(60, Entry::Restocked { sku: long(24)?, units: long(32)?.cast_signed() }),
        3 | 4 | 18 | 20 | 47..=49 => order(kind, all),
        5 => whole(40, Entry::Confirmed { paid: paid()?, at: long(32)? }),
        6 => whole(20, Entry::Cancelled { order: long(0)?, at: long(12)? }),
        7 => whole(16, Entry::Expired { order: long(0)?, at: long(8)? }),
        8 => whole(16, Entry::Evicted { order: long(0)?, at: long(8)? }),
        9 | 10 => whole(16, Entry::Other),
        11 | 16 => whole(40, Entry::Other),
        12 | 13 => whole(24, Entry::Other),
        14 => whole(40, Entry::Reacquired { paid: paid()?, at: long(32)? }),
        15 => whole(40, Entry::RefundRequired { paid: paid()? }),
        19 => whole(24, Entry::Offered { order: long(0)?, at: long(16)? }),
        21 => whole(24, Entry::Superseded { order: long(0)?, at: long(16)? }),
        22 => whole(28, Entry::Cut { order: long(0)?, units: int(8)?, at: long(20)? }),
        23 => {
            let (order, sku, user, units, gifts) = (long(0)?, long(8)?, long(16)?, int(24)?, int(28)?);
            let leg = Leg { order, sku, user, units, gifts, channel: short(36)?, at: long(46)? };
            whole(54, Entry::Leg { change: LegChange::Held, leg })
        }
        24..=26 | 29 => {
            let change = match kind {
                24 => LegChange::Back,
                25 => LegChange::Paid,
                26 => LegChange::Cut,
                _ => LegChange::Dropped,
            };
            let (order, sku, user, units) = (long(0)?, long(8)?, long(16)?, int(24)?);
            let leg = Leg { order, sku, user, units, gifts: 0, channel: short(28)?, at: long(30)? };
            whole(38, Entry::Leg { change, leg })
        }
        27 => {
            let rules = Rules { guarantee: long(10)?, cap: long(18)?, release_at: long(26)? };
            whole(54, Entry::Channel { sku: long(0)?, channel: short(8)?, rules, at: long(46)? })
        }
        28 => {
            let (sku, from, to, units) = (long(0)?, short(8)?, short(10)?, long(12)?);
            whole(40, Entry::Moved { sku, from, to, units, at: long(32)? })
        }
        40..=46 | 76 => campaign(kind, Fields(fields)),
        50..=61 => after::entry(kind, fields).map(|(after, length)| (Entry::After(after), length)),
        65..=75 => budgets::entry(kind, fields).map(|(entry, length)| (Entry::Budget(entry), length)),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record of this kind with these fields, each a number and its width in bytes.
    pub(in crate::audit) fn record(kind: u8, fields: &[(u64, usize)]) -> Vec<u8> {
        let bytes = fields.iter().flat_map(|(number, width)| number.to_le_bytes()[..*width].to_vec());
        std::iter::once(kind).chain(bytes).collect()
    }

    /// Number of an order with several lines.
    pub(in crate::audit) const fn several(number: u64) -> u64 {
        number | 1 << SEVERAL_LINES
    }

    /// The order's own record, of kind 20; the request's id is the user's number in each byte, but for the first: 0x55.
    pub(in crate::audit) fn opened(order: u64, user: u8, sku: u64, quantity: u32) -> Vec<u8> {
        let mut id = [user; 16];
        id[15] = 0x55;
        let mut bytes = record(20, &[(0, 1), (order, 8)]);
        bytes.extend(id);
        bytes.extend(record(0, &[(u64::from(user), 8)]).split_off(1));
        bytes.extend([0; 60]);
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(sku.to_le_bytes());
        bytes.extend(quantity.to_le_bytes());
        bytes.extend([0; 4]);
        assert_eq!(bytes.len(), 118);
        bytes
    }

    /// A line's record of kind 23.
    pub(in crate::audit) fn leg_held(order: u64, user: u8, sku: u64, units: u32) -> Vec<u8> {
        let (user, units) = (u64::from(user), u64::from(units));
        let fields =
            [(order, 8), (sku, 8), (user, 8), (units, 4), (0, 4), (0, 2), (0, 2), (0, 2), (0, 8), (0, 8)];
        record(23, &fields)
    }

    /// A line's record of kind 24, 25, 26 or 29.
    pub(in crate::audit) fn leg_ended(kind: u8, order: u64, user: u8, sku: u64, units: u32) -> Vec<u8> {
        let (user, units) = (u64::from(user), u64::from(units));
        record(kind, &[(order, 8), (sku, 8), (user, 8), (units, 4), (0, 2), (0, 8)])
    }

    fn read(bytes: &[u8]) -> Entry {
        let (entry, used) = entry(bytes[0], &bytes[1..]).expect("whole");
        assert_eq!(used, bytes.len() - 1, "every byte of the record");
        assert_eq!(super::entry(bytes[0], &bytes[1..bytes.len() - 1]), None, "one byte less");
        entry
    }

    #[test]
    fn an_order_that_was_opened_is_read_field_by_field() {
        let Entry::Reserved { placed } = read(&opened(several(7), 3, 9, 4)) else { panic!("a hold") };
        assert_eq!((placed.order, placed.user, placed.sku, placed.quantity), (several(7), 3, 9, 4));
        assert_eq!((placed.request_id[0], placed.request_id[15]), (0x55, 3));
        assert!(has_legs(placed.order) && !has_legs(7));
    }

    #[test]
    fn an_order_by_prices_is_read_field_by_field() {
        let fields = [
            (1, 8),
            (0, 8),
            (0, 8),
            (2, 8),
            (3, 8),
            (4, 8),
            (5, 8),
            (6, 4),
            (0, 4),
            (0, 4),
            (7, 2),
            (8, 4),
            (9, 4),
            (10, 2),
        ];
        let Entry::Reserved { placed } = read(&record(47, &fields)) else { panic!("a hold") };
        let expected = Placed {
            order: 1,
            request_id: [0; 16],
            user: 2,
            sku: 3,
            quantity: 6,
            at: 4,
            channel: 7,
            amount: 5,
            price_version: 9,
            claim: None,
        };
        assert_eq!(placed, expected);
        let claimed = [&fields[..], &[(11, 4), (12, 8)]].concat();
        let Entry::Reserved { placed } = read(&record(48, &claimed)) else { panic!("a hold") };
        let claim = Some(Claim { budget: 11, cents: 12 });
        assert_eq!(placed, Placed { claim, ..expected });
    }

    #[test]
    fn an_order_that_was_opened_with_a_discount_is_read_field_by_field() {
        let mut bytes = opened(several(7), 3, 9, 4);
        bytes[0] = 49;
        bytes.extend(record(0, &[(11, 4), (12, 8)]).split_off(1));
        let Entry::Reserved { placed } = read(&bytes) else { panic!("a hold") };
        assert_eq!((placed.order, placed.sku, placed.quantity), (several(7), 9, 4));
        assert_eq!(placed.claim, Some(Claim { budget: 11, cents: 12 }));
    }

    #[test]
    fn lines_are_read_field_by_field() {
        let held =
            record(23, &[(1, 8), (2, 8), (3, 8), (4, 4), (5, 4), (6, 2), (7, 2), (8, 2), (9, 8), (10, 8)]);
        assert_eq!(held.len(), 55);
        let leg = Leg { order: 1, sku: 2, user: 3, units: 4, gifts: 5, channel: 8, at: 10 };
        assert_eq!(read(&held), Entry::Leg { change: LegChange::Held, leg });
        let leg = Leg { gifts: 0, ..leg };
        let ends =
            [(24, LegChange::Back), (25, LegChange::Paid), (26, LegChange::Cut), (29, LegChange::Dropped)];
        for (kind, change) in ends {
            let ended = record(kind, &[(1, 8), (2, 8), (3, 8), (4, 4), (8, 2), (10, 8)]);
            assert_eq!((ended.len(), read(&ended)), (39, Entry::Leg { change, leg }));
        }
    }

    #[test]
    fn cuts_and_replaced_holds_are_read_field_by_field() {
        assert_eq!(read(&record(21, &[(1, 8), (2, 8), (3, 8)])), Entry::Superseded { order: 1, at: 3 });
        let cut = record(22, &[(1, 8), (2, 4), (3, 8), (4, 8)]);
        assert_eq!(read(&cut), Entry::Cut { order: 1, units: 2, at: 4 });
    }

    #[test]
    fn rules_of_channels_are_read_field_by_field() {
        let set = record(27, &[(1, 8), (2, 2), (3, 8), (4, 8), (5, 8), (7, 8), (8, 4), (6, 8)]);
        let rules = Rules { guarantee: 3, cap: 4, release_at: 5 };
        assert_eq!(read(&set), Entry::Channel { sku: 1, channel: 2, rules, at: 6 });
        let moved = record(28, &[(1, 8), (2, 2), (3, 2), (4, 8), (7, 8), (5, 4), (6, 8)]);
        assert_eq!(read(&moved), Entry::Moved { sku: 1, from: 2, to: 3, units: 4, at: 6 });
    }

    #[test]
    fn what_campaigns_say_is_read_field_by_field() {
        let phase = [
            (1, 4),
            (2, 4),
            (3, 1),
            (4, 8),
            (1, 1),
            (6, 2),
            (7, 4),
            (8, 4),
            (15, 4),
            (9, 4),
            (10, 2),
            (11, 2),
            (2, 8),
            (12, 2),
            (13, 2),
            (15, 8),
            (16, 4),
            (14, 8),
        ];
        let change =
            CampaignChange::Phase { campaign: 1, plan: 2, nth: 3, start: 4, stage: 1, price_version: 9 };
        assert_eq!(read(&record(40, &phase)), Entry::Campaign(change));
        let plan = [(1, 4), (2, 4), (3, 1), (1, 1), (5, 4), (6, 8), (7, 4), (8, 8)];
        let change = CampaignChange::Plan { campaign: 1, plan: 2, phases: 3, policy: 1, at: 8 };
        assert_eq!(read(&record(41, &plan)), Entry::Campaign(change));
        let standing = record(42, &[(1, 4), (2, 1), (3, 8), (4, 4), (5, 8)]);
        assert_eq!(read(&standing), Entry::Campaign(CampaignChange::Standing { campaign: 1, standing: 2 }));
        assert_eq!(read(&record(43, &[(1, 4), (2, 4), (3, 1), (4, 8)])), Entry::Other);
        let bound = record(44, &[(1, 8), (2, 4), (3, 8), (4, 4), (5, 8)]);
        assert_eq!(read(&bound), Entry::Campaign(CampaignChange::Bound { sku: 1, campaign: 2 }));
        let price = record(45, &[(1, 8), (2, 4), (3, 8), (4, 8), (5, 8), (6, 8), (8, 8), (9, 4), (7, 8)]);
        let change = CampaignChange::Price { sku: 1, version: 2, floor: 5, ceiling: 6 };
        assert_eq!(read(&price), Entry::Campaign(change));
        assert_eq!(read(&record(46, &[(1, 8), (2, 4), (3, 4), (4, 8), (5, 4), (6, 8)])), Entry::Other);
        assert_eq!(read(&record(76, &[(1, 8), (1, 1), (4, 8), (5, 4), (6, 8)])), Entry::Other);
    }

    #[test]
    fn kinds_that_there_are_not_are_not_read() {
        assert_eq!([0, 17, 30].map(|kind| entry(kind, &[0; 300])), [None; 3]);
    }

    #[test]
    fn any_bytes_at_all_are_read_without_a_panic() {
        for length in 0..200 {
            for kind in 0..80 {
                entry(kind, &vec![0xFF; length]);
            }
        }
    }
}
