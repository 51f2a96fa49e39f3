//! Frames that wait for answers. A batch's operations may go to several shards; its answers leave in one frame, in
//! the order of the operations, when the last of them is there.

use std::time::Instant;

use doorbuster_protocol::{
    Answer, BudgetView, CampaignView, ChannelView, ChannelsView, Code, CouponView, GoodsView, Header, Kind,
    LineView, OrderView, PhaseView, PriceView, ProgressView, Record, ShortfallView, StockView, body,
};
use slab::Slab;

use super::verdict::{Verdict, Verdicts};
use crate::audit::Entry;

/// A frame of requests and the answers to it, as far as they are there.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) session: usize,
    pub(crate) generation: u32,
    pub(crate) kind: Kind,
    pub(crate) correlation: u64,
    pub(crate) count: u32,
    pub(crate) received: Instant,
    remaining: u32,
    /// What its operations came to.
    pub(crate) verdicts: Verdicts,
    /// What those of its operations are told that were looked up only, and nobody knew, and how long to wait in milliseconds;
    /// `None`: that they were shed.
    refusal: Option<(Code, u32)>,
    /// Where its line in the audit is written when it is answered.
    entry: Option<Box<Entry>>,
    body: Vec<u8>,
}

/// All frames of a reactor that wait.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    frames: Slab<Frame>,
    /// Operations of them that have no answer yet.
    unanswered: u64,
    spare: Vec<Vec<u8>>,
}

/// Buffers that are kept for the next frames.
const MAX_SPARE: usize = 1_024;

/// Capacity that a kept buffer may have: the answers to a batch of 2,048.
const KEEP_BODY: usize = 64 << 10;

/// Bytes of an answer of this kind.
fn answer_len(kind: Kind) -> usize {
    match kind {
        Kind::ReadOrder => OrderView::MIN_LEN,
        Kind::ReadChannel => ChannelView::MIN_LEN,
        Kind::ReadChannels => ChannelsView::MIN_LEN,
        Kind::ReadCampaign => CampaignView::MIN_LEN,
        Kind::ReadPhase => PhaseView::MIN_LEN,
        Kind::ReadPrice => PriceView::MIN_LEN,
        Kind::ReadLine => LineView::MIN_LEN,
        Kind::ReadStock => StockView::MIN_LEN,
        Kind::ReadProgress => ProgressView::MIN_LEN,
        Kind::ReadGoods => GoodsView::MIN_LEN,
        Kind::ReadShortfall => ShortfallView::MIN_LEN,
        Kind::ReadBudget => BudgetView::MIN_LEN,
        Kind::ReadCoupon => CouponView::MIN_LEN,
        _ => Answer::MIN_LEN,
    }
}

impl Frames {
    /// Expects answers to a frame of requests, and writes its line into the audit when they are there. The result names it in tokens.
    pub(crate) fn expect(
        &mut self,
        header: &Header,
        (session, generation): (usize, u32),
        received: Instant,
        entry: Option<Box<Entry>>,
    ) -> usize {
        let mut body = self.spare.pop().unwrap_or_default();
        body.resize(answer_len(header.kind) * header.count as usize, 0);
        self.unanswered += u64::from(header.count);
        self.frames.insert(Frame {
            session,
            generation,
            kind: header.kind,
            correlation: header.correlation,
            count: header.count,
            received,
            remaining: header.count,
            verdicts: Verdicts::default(),
            refusal: None,
            entry,
            body,
        })
    }

    /// Where an operation's answer goes, as a token for the engine.
    pub(crate) fn token(frame: usize, index: u32) -> u64 {
        ((frame as u64) << 32) | u64::from(index)
    }

    /// Puts an answer in its place. Returns the frame's name when that was the last one.
    #[inline]
    pub(crate) fn answer<R: Record>(&mut self, token: u64, verdict: Verdict, record: &R) -> Option<usize> {
        let name = usize::try_from(token >> 32).ok()?;
        let index = usize::try_from(token & 0xFFFF_FFFF).ok()?;
        let frame = self.frames.get_mut(name)?;
        debug_assert_eq!(R::MIN_LEN, answer_len(frame.kind), "the record fits the kind of its frame");
        let from = index * R::MIN_LEN;
        if let Some(place) = frame.body.get_mut(from..from + R::MIN_LEN) {
            body::put_at(record, place);
        }
        if frame.remaining > 0 {
            frame.remaining -= 1;
            frame.verdicts.note(verdict);
            self.unanswered -= 1;
        }
        (frame.remaining == 0).then_some(name)
    }

    /// Sets what an operation's frame tells those that are looked up only, with the wait in milliseconds.
    pub(crate) fn refuse(&mut self, token: u64, refusal: (Code, u32)) {
        let frame = usize::try_from(token >> 32).ok().and_then(|name| self.frames.get_mut(name));
        if let Some(frame) = frame {
            frame.refusal = Some(refusal);
        }
    }

    /// What [`refuse`](Self::refuse) set for an operation's frame.
    pub(crate) fn refusal(&self, token: u64) -> Option<(Code, u32)> {
        self.frames.get(usize::try_from(token >> 32).ok()?)?.refusal
    }

    /// The frame with this name.
    pub(crate) fn get(&self, name: usize) -> Option<&Frame> {
        self.frames.get(name)
    }

    /// Takes a frame out whose answers are all there and appends it to `out`, with the durable position that they
    /// have seen, and the load.
    pub(crate) fn finish(&mut self, name: usize, (position, load): (u64, u8), out: Option<&mut Vec<u8>>) {
        let Some(mut frame) = self.frames.try_remove(name) else { return };
        self.unanswered -= u64::from(frame.remaining);
        if let Some(entry) = frame.entry.take().filter(|_| frame.remaining == 0) {
            entry.tell(frame.kind, frame.count, &frame.body);
        }
        if let (Some(out), Some(kind)) = (out, frame.kind.answer()) {
            let mut header = Header::new(kind, frame.correlation, frame.count);
            header.time = position;
            header.class = load;
            header.encode(out, |body| body.extend_from_slice(&frame.body));
        }
        if self.spare.len() < MAX_SPARE && frame.body.capacity() <= KEEP_BODY {
            frame.body.clear();
            self.spare.push(frame.body);
        }
    }

    /// Operations that have no answer yet.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// Frames that wait.
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }
}
