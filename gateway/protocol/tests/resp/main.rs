//! A connection that speaks RESP, against a server that is played here: it answers frames in any order.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod connecting;
mod document;
mod order;

use doorbuster_protocol::resp::{Facts, Next, Translator, Verdict};
use doorbuster_protocol::{Answer, Code, Header, Kind, Record, Reserve, StatusView, StockView, body};

/// The server's time.
const NOW: u64 = 1_700_000_000_000;

/// A connection, and the frames that came of it and were not answered.
#[derive(Default)]
struct Peer {
    translator: Translator,
    input: Vec<u8>,
    frames: Vec<(Header, Vec<u8>)>,
    replies: Vec<u8>,
    ended: bool,
    /// What is found about a key; without one the server has none.
    verdict: Option<Verdict>,
    /// The names that came with keys, and whether what came was one.
    proofs: Vec<(String, bool)>,
}

impl Peer {
    fn new() -> Self {
        Self { translator: Translator::new(Facts { connection: 7 }), ..Self::default() }
    }

    /// Sends lines of words.
    fn say(&mut self, lines: &str) -> &mut Self {
        self.send(lines.replace('\n', "\r\n").as_bytes())
    }

    /// Sends bytes, and lets go what is there.
    fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.input.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            match self.translator.read(&self.input, &mut used, NOW) {
                Next::Frame { header, body } => self.frames.push((header, body.to_vec())),
                Next::Judge(proof) => {
                    let name = String::from_utf8(proof.name).unwrap();
                    self.proofs.push((name, proof.secret.is_some()));
                    let verdict = self.verdict.unwrap_or(Verdict::NoKeys);
                    self.translator.lock(verdict == Verdict::Wrong);
                    self.translator.judged(verdict);
                }
                Next::Wait => break,
                Next::Full => self.translator.write(&[], &mut self.replies),
                Next::End => {
                    self.ended = true;
                    break;
                }
            }
        }
        self.input.drain(..used);
        self.translator.write(&[], &mut self.replies);
        self
    }

    /// Answers the frame that has waited so long as this many came before it.
    fn answer(&mut self, nth: usize) -> &mut Self {
        let (header, _) = self.frames.remove(nth);
        let mut frame = Vec::new();
        answer(&header, &mut frame);
        self.translator.write(&frame, &mut self.replies);
        self
    }

    /// What has been replied since the last look, a blank for each line's end.
    fn heard(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.replies)).unwrap().replace("\r\n", " ")
    }
}

/// Answers a frame: each hold with an order by the frame's and its own number, each read with so many units.
fn answer(header: &Header, out: &mut Vec<u8>) {
    let kind = header.kind.answer().unwrap();
    let back = Header::new(kind, header.correlation, header.count);
    let numbers = (0..u64::from(header.count)).map(|nth| header.correlation * 1_000 + nth);
    if header.kind == Kind::ReadStock {
        let views: Vec<_> =
            numbers.map(|sku| StockView { code: Code::Ok.number(), sku, ..StockView::default() }).collect();
        body::frame(back, &views, out);
    } else if header.kind == Kind::ReadStatus {
        let view = StatusView { code: Code::Ok.number(), skus: 3, now_ms: NOW, ..StatusView::default() };
        body::frame(back, &[view], out);
    } else {
        assert!(Answer::KINDS.contains(&kind), "{kind:?}");
        let answers: Vec<_> = numbers.map(|order| Answer { order, ..Answer::of(Code::Ok) }).collect();
        body::frame(back, &answers, out);
    }
}

/// The records of a frame of holds.
fn reserves((header, bytes): &(Header, Vec<u8>)) -> Vec<Reserve> {
    let mut found = Vec::new();
    body::read(header, bytes, |reserve| found.push(reserve)).unwrap();
    found
}
