//! From calls to frames: what waits at the same time and is of one kind leaves in one frame.
//!
//! There is no linger timer. While the writer is busy with one write, calls queue up; the next write takes all of
//! them. A lone request therefore leaves at once, and a crowd is batched by its own pressure.

use std::collections::HashMap;

use doorbuster_protocol::{Fault, Header, Kind, MAX_BODY, ProtocolError};
use tokio::sync::oneshot;

/// One or more operations of one kind, with the place that their answers go to.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    /// Server milliseconds; part of what calls must share to share a frame.
    pub(crate) deadline_ms: u64,
    /// Operations in `body`; 0 for the kinds that carry nothing.
    pub(crate) count: u32,
    /// Bytes of one answer; `None` where answers differ in length: such a call has its frame for itself.
    pub(crate) answer_len: Option<usize>,
    /// Encoded records.
    pub(crate) body: Vec<u8>,
    /// Gets the bytes of exactly this call's answers.
    pub(crate) reply: oneshot::Sender<Result<Vec<u8>, Loss>>,
}

/// Why a call has no answer.
#[derive(Clone, Debug)]
pub(crate) enum Loss {
    /// It never left this machine.
    NotSent(String),
    /// It left, and the connection ended before an answer came.
    Lost(String),
    /// The server refused the frame.
    Fault(Fault),
    /// The answer is malformed.
    Protocol(ProtocolError),
}

/// Calls that will share a frame.
#[derive(Debug)]
struct Group {
    kind: Kind,
    flags: u8,
    deadline_ms: u64,
    count: u32,
    body: Vec<u8>,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// Answer bytes that belong to this call; `None`: all that come.
    answer_bytes: Option<usize>,
    reply: oneshot::Sender<Result<Vec<u8>, Loss>>,
}

/// A frame that is ready to be written.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) correlation: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) sent: Sent,
}

/// A frame that waits for its answer.
#[derive(Debug)]
pub(crate) struct Sent {
    kind: Kind,
    /// Operations, at least 1: what counts against the bound of unanswered ones.
    weight: usize,
    waiting: Vec<Waiting>,
}

/// Packs calls into as few frames as bounds allow; the order within a kind is kept.
pub(crate) fn pack(
    calls: impl Iterator<Item = Call>,
    max_batch: u32,
    next_correlation: &mut u64,
) -> Vec<Frame> {
    let mut groups: Vec<Group> = Vec::new();
    for call in calls {
        let room = |group: &&mut Group| {
            call.count > 0
                && call.answer_len.is_some()
                && group.kind == call.kind
                && group.flags == call.flags
                && group.deadline_ms == call.deadline_ms
                && group.count.saturating_add(call.count) <= max_batch
                && group.body.len() + call.body.len() <= MAX_BODY as usize
        };
        let answer_bytes = call.answer_len.map(|length| length * call.count.max(1) as usize);
        let waiting = Waiting { answer_bytes, reply: call.reply };
        if let Some(group) = groups.iter_mut().rev().find(room) {
            group.count += call.count;
            group.body.extend_from_slice(&call.body);
            group.waiting.push(waiting);
        } else {
            groups.push(Group {
                kind: call.kind,
                flags: call.flags,
                deadline_ms: call.deadline_ms,
                count: call.count,
                body: call.body,
                waiting: vec![waiting],
            });
        }
    }
    groups
        .into_iter()
        .map(|group| {
            let correlation = *next_correlation;
            *next_correlation += 1;
            let mut header = Header::new(group.kind, correlation, group.count);
            header.flags = group.flags;
            header.time = group.deadline_ms;
            let mut bytes = Vec::with_capacity(doorbuster_protocol::HEADER_LEN + group.body.len());
            header.encode(&mut bytes, |out| out.extend_from_slice(&group.body));
            let weight = group.count.max(1) as usize;
            Frame { correlation, bytes, sent: Sent { kind: group.kind, weight, waiting: group.waiting } }
        })
        .collect()
}

/// Frames that were sent and not yet answered.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    frames: HashMap<u64, Sent>,
    operations: usize,
}

impl Pending {
    /// Whether `frame` may leave without exceeding `bound` unanswered operations. A frame that alone is over the
    /// bound may leave when nothing else is out.
    pub(crate) fn has_room(&self, frame: &Frame, bound: usize) -> bool {
        self.operations == 0 || self.operations + frame.sent.weight <= bound
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn insert(&mut self, correlation: u64, sent: Sent) {
        self.operations += sent.weight;
        self.frames.insert(correlation, sent);
    }

    /// Hands an answer frame to those who wait for it.
    ///
    /// # Errors
    /// If nobody waits for it or if it isn't the answer to what was asked: the stream can't be trusted.
    pub(crate) fn answer(&mut self, header: &Header, body: &[u8]) -> Result<(), ProtocolError> {
        let broken = |reason| ProtocolError::Body { kind: header.kind.name(), index: 0, reason };
        let sent = self.take(header.correlation).ok_or(broken("answers nothing that was asked"))?;
        let bytes_of = |waiting: &Waiting| waiting.answer_bytes.unwrap_or(body.len());
        let expected: usize = sent.waiting.iter().map(bytes_of).sum();
        if Some(header.kind) != sent.kind.answer() || body.len() != expected {
            let fault = broken("is not the answer to what was asked");
            sent.fail(&Loss::Protocol(fault.clone()));
            return Err(fault);
        }
        let mut rest = body;
        for waiting in sent.waiting {
            let (own, behind) = rest.split_at(bytes_of(&waiting));
            rest = behind;
            // A caller that gave up dropped its end; the answer has nowhere to go.
            drop(waiting.reply.send(Ok(own.to_vec())));
        }
        Ok(())
    }

    /// Tells those who wait for one frame that it was refused as a whole; false if nobody waits for it.
    pub(crate) fn refuse(&mut self, correlation: u64, fault: Fault) -> bool {
        self.take(correlation).map(|sent| sent.fail(&Loss::Fault(fault))).is_some()
    }

    /// Tells everybody that the connection is gone.
    pub(crate) fn fail_all(&mut self, loss: &Loss) {
        self.operations = 0;
        self.frames.drain().for_each(|(_, sent)| sent.fail(loss));
    }

    fn take(&mut self, correlation: u64) -> Option<Sent> {
        let sent = self.frames.remove(&correlation)?;
        self.operations -= sent.weight;
        Some(sent)
    }
}

impl Sent {
    fn fail(self, loss: &Loss) {
        for waiting in self.waiting {
            drop(waiting.reply.send(Err(loss.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(kind: Kind, count: u32, deadline_ms: u64) -> Call {
        let (reply, _) = oneshot::channel();
        Call {
            kind,
            flags: 0,
            deadline_ms,
            count,
            answer_len: Some(32),
            body: vec![0; 64 * count as usize],
            reply,
        }
    }

    fn packed(calls: Vec<Call>) -> Vec<(Kind, usize)> {
        pack(calls.into_iter(), 100, &mut 0)
            .into_iter()
            .map(|frame| (frame.sent.kind, frame.sent.weight))
            .collect()
    }

    #[test]
    fn calls_of_one_kind_and_deadline_share_a_frame() {
        let calls = vec![call(Kind::Reserve, 1, 5), call(Kind::Cancel, 1, 5), call(Kind::Reserve, 2, 5)];
        assert_eq!(packed(calls), [(Kind::Reserve, 3), (Kind::Cancel, 1)]);
        assert_eq!(packed(vec![call(Kind::Reserve, 1, 5), call(Kind::Reserve, 1, 6)]).len(), 2);
    }

    #[test]
    fn calls_whose_answers_differ_in_length_share_no_frame() {
        let fetch = || Call { answer_len: None, ..call(Kind::Fetch, 1, 5) };
        assert_eq!(packed(vec![fetch(), fetch()]), [(Kind::Fetch, 1), (Kind::Fetch, 1)]);
    }

    #[test]
    fn a_frame_never_exceeds_the_servers_batch_and_empty_kinds_stay_alone() {
        assert_eq!(packed(vec![call(Kind::Reserve, 60, 5), call(Kind::Reserve, 60, 5)]).len(), 2);
        assert_eq!(packed(vec![call(Kind::Ping, 0, 5), call(Kind::Ping, 0, 5)]).len(), 2);
    }
}
