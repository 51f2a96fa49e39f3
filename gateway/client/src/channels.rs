//! What a SKU's sales channels have of it, all at once.

use doorbuster_protocol::{ChannelView, ChannelsView, Kind, ReadChannel, ReadChannels};

use crate::client::{Client, only};
use crate::error::Error;
use crate::outcome::{Outcome, view};

impl Client {
    /// Reads a part of the list of channels that a SKU has something to say about.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_channels(&self, request: &ReadChannels) -> Result<Outcome<ChannelsView>, Error> {
        let answers =
            self.operate::<_, ChannelsView>(Kind::ReadChannels, std::slice::from_ref(request)).await;
        Ok(view(only(answers)?)?)
    }

    /// Reads what up to `most` sales channels may have of a SKU, and have: those with rules for it, and those that have units
    /// of it, by their number. Not all of one moment: a page of them is read after another.
    ///
    /// # Errors
    /// As [`Client::read_order`].
    pub async fn read_channel_levels(
        &self,
        sku: u64,
        most: usize,
    ) -> Result<Outcome<Vec<ChannelView>>, Error> {
        let mut levels = Vec::new();
        let mut first = Some(0);
        while let Some(from) = first {
            let page = match self.read_channels(&ReadChannels { sku, first: from }).await? {
                Outcome::Done(page) => page,
                Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
            };
            let listed = page.channels.iter().take(usize::from(page.count).min(most - levels.len()));
            let asked: Vec<_> = listed.map(|&channel| ReadChannel { sku, channel }).collect();
            if asked.is_empty() {
                break;
            }
            for answer in self.operate::<_, ChannelView>(Kind::ReadChannel, &asked).await {
                match view(answer?)? {
                    Outcome::Done(level) => levels.push(level),
                    Outcome::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
                }
            }
            let last = asked.last().map_or(0, |asked| asked.channel);
            first = last.checked_add(1).filter(|_| page.more != 0);
        }
        Ok(Outcome::Done(levels))
    }
}
