//! RESP: what a client of Redis may send, and the frames that come of it.

use doorbuster_protocol::resp::{Facts, Next, Translator, Verdict, Version, Writer};
use doorbuster_protocol::{Fault, HEADER_LEN, Header, Kind, MAX_BODY, body};

use crate::frame;

/// Bytes of commands that are taken for one that might still end: beyond, the connection would have been closed.
const MOST: usize = 64 << 10;

/// Reads bytes as a connection's, all at once and in two pieces, and refuses each frame that comes of them.
///
/// # Panics
/// A frame is one that the server's side of the native protocol can't read; or pieces come to other frames, or to other replies,
/// than the whole; or a frame's place is never given free.
pub fn check(bytes: &[u8]) {
    let whole = Heard::of(&[bytes]);
    for cut in [bytes.len() / 2, bytes.len() / 3] {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(Heard::of(&[front, back]), whole, "cut at {cut}");
    }
    text(bytes);
}

/// What came of a connection's bytes.
#[derive(Debug, PartialEq)]
struct Heard {
    /// Each frame's kind and body. How many commands stand in one depends on the pieces.
    records: Vec<(Kind, Vec<u8>)>,
    replies: Vec<u8>,
    ended: bool,
}

impl Heard {
    fn of(pieces: &[&[u8]]) -> Self {
        let mut translator = Translator::new(Facts { connection: 1 });
        let mut heard = Self { records: Vec::new(), replies: Vec::new(), ended: false };
        let mut input = Vec::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            let mut used = 0;
            loop {
                match translator.read(&input, &mut used, 1) {
                    Next::Frame { header, body } => {
                        assert!(body.len() <= MAX_BODY as usize, "{header:?} has {} bytes", body.len());
                        let mut sent = Vec::new();
                        header.encode(&mut sent, |out| out.extend_from_slice(body));
                        frame::check(&sent);
                        readable(&header, body);
                        match heard.records.last_mut() {
                            Some((kind, records)) if *kind == header.kind => records.extend_from_slice(body),
                            _ => heard.records.push((header.kind, body.to_vec())),
                        }
                        translator.write(&refusal(&header), &mut heard.replies);
                    }
                    Next::Judge(proof) => {
                        // A server that takes any key, and closes its door behind what is none.
                        let verdict = if proof.secret.is_some() { Verdict::Granted } else { Verdict::Wrong };
                        translator.judged(verdict);
                        translator.lock(verdict == Verdict::Wrong);
                    }
                    Next::Wait => break,
                    Next::Full => translator.write(&[], &mut heard.replies),
                    Next::End => {
                        heard.ended = true;
                        break;
                    }
                }
            }
            if let Some((header, body)) = translator.follow() {
                assert!(frame::reads(&header, &body), "{header:?} can't be read");
            }
            assert!(used <= input.len());
            input.drain(..used);
            assert!(heard.ended || input.len() <= MOST, "{} bytes are kept", input.len());
        }
        translator.write(&[], &mut heard.replies);
        assert_eq!(translator.early(), 0, "every frame was answered, so nothing waits");
        heard
    }
}

/// The server doesn't refuse a frame for how it is written.
fn readable(header: &Header, bytes: &[u8]) {
    let mut again = Vec::new();
    header.encode(&mut again, |out| out.extend_from_slice(bytes));
    assert_eq!(again.len(), HEADER_LEN + bytes.len());
    assert!(header.count > 0, "{header:?} asks for nothing");
    assert!(frame::reads(header, bytes), "{header:?} can't be read");
}

/// A server that is stopping.
fn refusal(header: &Header) -> Vec<u8> {
    let fault = Fault { code: 1507, retry_after_ms: 0, message: "no".to_owned() };
    let mut out = Vec::new();
    Header::new(Kind::Error, header.correlation, 1).encode(&mut out, |to| body::put(&fault, to));
    out
}

/// No text ends a line that it stands in.
fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for version in [Version::Two, Version::Three] {
        let mut out = Vec::new();
        Writer::new(&mut out, version).error("ERR", &text);
        assert_eq!(out.iter().position(|&byte| byte == b'\n'), Some(out.len() - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_records_however_they_come() {
        let heard = Heard::of(&[b"SALE.STOCK 1\r\nSALE.ST", b"OCK 2\r\nQUIT\r\n"]);
        assert_eq!(heard.records.len(), 1);
        assert!(heard.ended && heard.replies.ends_with(b"+OK\r\n"));
    }
}
