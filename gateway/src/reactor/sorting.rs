//! Where an operation goes, once it is read: to a shard, to the desk, or back with an answer that nobody has to be asked for.

use doorbuster_engine::shard::Request;
use doorbuster_engine::{Engine, SoldOut};
use doorbuster_ledger::{Command, Composite, Outcome, Refusal, Reserve, Timestamp, UserId};
use doorbuster_protocol::{Answer, Code};

use super::frames::Frames;
use super::gate::Entry;
use crate::convert::{self, Ask};
use crate::overload::{Moment, Shoppers};

/// See the module's doc. For the operations of one frame.
pub(super) struct Sorter<'a> {
    pub(super) engine: &'a Engine,
    pub(super) frames: &'a mut Frames,
    pub(super) shoppers: Option<&'a mut Shoppers>,
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
    ) -> Result<(usize, Request), Answer> {
        let desk = self.engine.shards();
        match *ask {
            Ask::Shard(partition, request) => {
                let mut entry = self.entry;
                if let Request::Command(Command::Reserve(reserve)) = &request {
                    self.look_up(reserve)?;
                    if let Some(refused) = self.too_often(reserve.user) {
                        if reserve.first_attempt {
                            return Err(refused);
                        }
                        self.frames.refuse(token, (Code::RateLimited, refused.retry_after_ms));
                        entry = Entry::Repeat;
                    }
                }
                Ok((self.engine.shard_of(partition), entry.recalled(request)))
            }
            Ask::All(request) => Ok((desk, request)),
            Ask::Desk(command, count) => {
                self.may_ask(&command)?;
                Ok((desk, Request::Composite { command, first: firsts.0, count, coupon: None }))
            }
            Ask::WithCoupon(command, count, coupon) => {
                self.may_ask(&command)?;
                Ok((desk, Request::Composite { command, first: firsts.0, count, coupon }))
            }
            Ask::Budget(command, count) => Ok((desk, Request::Budget { command, first: firsts.1, count })),
        }
    }

    /// Answers a plain first attempt for a SKU of which the directory knows that it is sold out.
    #[inline]
    fn look_up(&mut self, reserve: &Reserve) -> Result<(), Answer> {
        if !reserve.first_attempt || reserve.wait_ms != 0 {
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

    /// Refuses the first attempt at an order of several lines, where its shopper asks too often. A repeat of one can't be looked
    /// up at one shard, and is let in.
    fn may_ask(&mut self, command: &Composite) -> Result<(), Answer> {
        match command {
            Composite::Reserve { reserve, .. } if reserve.first_attempt => {
                self.too_often(reserve.user).map_or(Ok(()), Err)
            }
            _ => Ok(()),
        }
    }

    /// The answer to a shopper who asks for new holds more often than he may.
    #[inline]
    fn too_often(&mut self, user: UserId) -> Option<Answer> {
        let wait = self.shoppers.as_mut()?.ask(user.raw(), self.moment).err()?;
        let retry_after_ms = u32::try_from(wait.us().div_ceil(1_000)).unwrap_or(u32::MAX);
        Some(Answer { retry_after_ms, ..Answer::of(Code::RateLimited) })
    }
}
