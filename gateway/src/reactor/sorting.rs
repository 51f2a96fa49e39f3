//! Where an operation goes, once it is read: to a shard, to the desk, or back with an answer that nobody has to be asked for.

use doorbuster_engine::planted::{Bug, is_planted};
use doorbuster_engine::shard::Request;
use doorbuster_engine::{Engine, SoldOut};
use doorbuster_ledger::{Command, Composite, Line, Outcome, Refusal, Reserve, SkuId, Timestamp, UserId};
use doorbuster_protocol::{Answer, Code};

use super::frames::Frames;
use super::gate::Entry;
use crate::convert::{self, Ask};
use crate::emergency::Standing;
use crate::overload::anomaly::Counts;
use crate::overload::{Micros, Moment, Shoppers};

/// See the module's doc. For the operations of one frame.
pub(super) struct Sorter<'a> {
    pub(super) engine: &'a Engine,
    pub(super) frames: &'a mut Frames,
    pub(super) shoppers: Option<&'a mut Shoppers>,
    /// Which queues there are.
    pub(super) standing: &'a Standing,
    /// Where new holds are counted, if anybody looks at that.
    pub(super) counts: Option<&'a Counts>,
    pub(super) wall: Timestamp,
    pub(super) moment: Moment,
    pub(super) entry: Entry,
    /// Operations that the sold-out directory answered.
    pub(super) sold_out: u64,
}

impl Sorter<'_> {
    /// The number of the batch that an operation goes into (the desk's stands behind the shards'), and what is asked there. `firsts`
    /// says where its lines and its funders begin in the lists of the batch.
    ///
    /// # Errors
    /// Its answer, if that is known.
    #[inline]
    pub(super) fn sort(
        &mut self,
        token: u64,
        ask: &Ask,
        firsts: (u32, u32),
        lines: &[Line],
    ) -> Result<(usize, Request), Answer> {
        let desk = self.engine.shards();
        match *ask {
            Ask::Shard(partition, request) => {
                let mut entry = self.entry;
                if let Request::Command(Command::Reserve(reserve)) = &request {
                    if let Some(counts) = self.counts {
                        counts.note(reserve.sku.raw(), reserve.channel.raw(), reserve.terms.tier);
                    }
                    self.look_up(reserve)?;
                    entry = self.may_ask(token, reserve, |sku| sku == reserve.sku)?;
                }
                Ok((self.engine.shard_of(partition), entry.recalled(request)))
            }
            Ask::All(request) => Ok((desk, request)),
            Ask::Desk(command, count) => {
                let entry = self.several(token, &command, of(lines, firsts.0))?;
                let coupon = None;
                let request = Request::Composite { command, first: firsts.0, count, coupon, recall: false };
                Ok((desk, entry.recalled(request)))
            }
            Ask::WithCoupon(command, count, coupon) => {
                let entry = self.several(token, &command, of(lines, firsts.0))?;
                let request = Request::Composite { command, first: firsts.0, count, coupon, recall: false };
                Ok((desk, entry.recalled(request)))
            }
            Ask::Budget(command, count) => Ok((desk, Request::Budget { command, first: firsts.1, count })),
        }
    }

    /// Answers a plain first attempt for a SKU of which the directory knows that it is sold out.
    #[inline]
    fn look_up(&mut self, reserve: &Reserve) -> Result<(), Answer> {
        let first = reserve.first_attempt || is_planted(Bug::DirectoryAnswersRepeats);
        if !first || reserve.wait_ms != 0 {
            return Ok(());
        }
        match self.engine.sold_out(reserve.sku, self.wall) {
            None => Ok(()),
            Some(SoldOut { holds, next_expiry }) => {
                self.sold_out += 1;
                Err(convert::outcome(&Outcome::Refused(Refusal::SoldOut { holds, next_expiry })))
            }
        }
    }

    /// How a command for several shards comes in. What its lines ask for is counted.
    fn several(&mut self, token: u64, command: &Composite, lines: &[Line]) -> Result<Entry, Answer> {
        let Composite::Reserve { reserve, .. } = command else { return Ok(self.entry) };
        if let Some(counts) = self.counts {
            counts.note_order(reserve.channel.raw(), reserve.terms.tier);
            for line in lines {
                counts.note_line(line.sku.raw());
            }
        }
        self.may_ask(token, reserve, |sku| lines.iter().any(|line| line.sku == sku))
    }

    /// How a new hold comes in. Where it may not, a first attempt is refused, and what may be a repeat is looked up.
    #[inline]
    fn may_ask(
        &mut self,
        token: u64,
        reserve: &Reserve,
        is_for: impl Fn(SkuId) -> bool,
    ) -> Result<Entry, Answer> {
        let Some(refused) = self.may_not(reserve.user, is_for) else { return Ok(self.entry) };
        if reserve.first_attempt {
            return Err(refused.answer());
        }
        self.frames.refuse(token, (refused.code, refused.retry_after_ms));
        Ok(Entry::Repeat)
    }

    /// Whether a shopper asks for new holds more often than he may.
    #[inline]
    fn too_often(&mut self, user: UserId) -> Option<Refused> {
        let wait = self.shoppers.as_mut()?.ask(user.raw(), self.moment).err()?;
        Some(Refused::after(Code::RateLimited, wait))
    }

    /// Whether an order of a shopper may not come in now: he asks too often, or a queue has no turn for it yet. `is_for` says
    /// whether it is for a SKU.
    #[inline]
    fn may_not(&mut self, user: UserId, is_for: impl Fn(SkuId) -> bool) -> Option<Refused> {
        let refused = self.too_often(user);
        if refused.is_some() || self.standing.has_no_queue() {
            return refused;
        }
        let wait = self.standing.ask(is_for, self.moment).err()?;
        Some(Refused::after(Code::BusySku, wait))
    }
}

/// Why an order is not let in, and when it may be.
struct Refused {
    code: Code,
    retry_after_ms: u32,
}

impl Refused {
    fn after(code: Code, wait: Micros) -> Self {
        Self { code, retry_after_ms: u32::try_from(wait.us().div_ceil(1_000)).unwrap_or(u32::MAX) }
    }

    fn answer(&self) -> Answer {
        Answer { retry_after_ms: self.retry_after_ms, ..Answer::of(self.code) }
    }
}

/// The lines of an order, which are the last of the list.
fn of(lines: &[Line], first: u32) -> &[Line] {
    usize::try_from(first).ok().and_then(|first| lines.get(first..)).unwrap_or_default()
}
