use std::collections::VecDeque;
use std::io::ErrorKind;

use parking_lot::Mutex;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;

/// The ends of a line.
const SERVER: usize = 0;
const CLIENT: usize = 1;

/// Both ways of a line, by the end that they lead to. It carries at most so many bytes a step.
#[derive(Debug, Default)]
struct Line {
    ways: [VecDeque<u8>; 2],
    /// What each end may still read and write in this step.
    room: [(usize, usize); 2],
    ended: bool,
}

/// One of its ends.
#[derive(Clone, Debug)]
struct End(Arc<Mutex<Line>>, usize);

impl End {
    fn may(&self, reads: usize, writes: usize) {
        self.0.lock().room[self.1] = (reads, writes);
    }

    fn is_readable(&self) -> bool {
        let line = self.0.lock();
        line.room[self.1].0 > 0 && !line.ways[self.1].is_empty()
    }
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut line = self.0.lock();
        let length = buffer.len().min(line.ways[self.1].len()).min(line.room[self.1].0);
        if length == 0 {
            let over = line.ended && line.ways[self.1].is_empty();
            return if over { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        line.room[self.1].0 -= length;
        for (to, byte) in buffer.iter_mut().zip(line.ways[self.1].drain(..length)) {
            *to = byte;
        }
        drop(line);
        Ok(length)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.0.lock();
        let length = bytes.len().min(line.room[self.1].1);
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        line.room[self.1].1 -= length;
        line.ways[1 - self.1].extend(&bytes[..length]);
        drop(line);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A client and a server that trust each other.
fn pair() -> (ClientConnection, Encrypted<End>, End) {
    let provider = || Arc::new(ring::default_provider());
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["shop.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let client = Arc::new(client.with_root_certificates(roots).with_no_client_auth());
    let client = ClientConnection::new(client, ServerName::try_from("shop.example").unwrap()).unwrap();
    let server =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = server.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let end = End(Arc::default(), SERVER);
    (client, Encrypted::server(end.clone(), Arc::new(server)).unwrap(), end)
}

/// Moves what the client wants to write onto the line, and what came to it into the client.
fn serve_client(client: &mut ClientConnection, end: &End, got: &mut Vec<u8>) {
    let mut line = end.0.lock();
    let mut sent = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut sent).unwrap();
    }
    line.ways[SERVER].extend(sent);
    let came: Vec<u8> = line.ways[CLIENT].drain(..).collect();
    drop(line);
    let mut came = &came[..];
    while !came.is_empty() {
        client.read_tls(&mut came).unwrap();
        let state = client.process_new_packets().unwrap();
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        client.reader().read_exact(&mut plain).unwrap();
        got.extend(plain);
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=250_u8).cycle().take(length).collect()
}

/// Writes what the line takes, and says how far that is.
fn write_on(stream: &mut Encrypted<End>, bytes: &[u8], mut said: usize) -> usize {
    while said < bytes.len() {
        match stream.write(&bytes[said..]) {
            Ok(length) => said += length,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
    said
}

/// Reads until nothing more has come.
fn drain(stream: &mut Encrypted<End>, buffer: &mut [u8], heard: &mut Vec<u8>) {
    loop {
        match stream.drain(buffer) {
            Ok(length) => heard.extend(&buffer[..length]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                break;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the line carries a step, and however small the reader's buffer is, both sides get what the other one has said, and
    /// nothing twice.
    #[test]
    fn bytes_arrive_as_they_were_said(
        up in 0_usize..100_000,
        down in 0_usize..100_000,
        steps in proptest::collection::vec((0_usize..40_000, 0_usize..40_000, 1_usize..70_000), 1..50),
    ) {
        let (mut client, mut server, end) = pair();
        let (asked, answered) = (pattern(up), pattern(down));
        let (mut left, mut said) = (&asked[..], 0);
        let (mut heard, mut got) = (Vec::<u8>::new(), Vec::new());
        // The end of the steps that were drawn lets everything through.
        let all = steps.into_iter().chain(std::iter::repeat_n((1 << 20, 1 << 20, 70_000), 40));
        for (reads, writes, buffer) in all {
            left = &left[client.writer().write(left).unwrap()..];
            serve_client(&mut client, &end, &mut got);
            end.may(reads, writes);
            drain(&mut server, &mut vec![0; buffer], &mut heard);
            if server.is_established() {
                said = write_on(&mut server, &answered, said);
            }
            match server.flush() {
                Ok(()) => {}
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            serve_client(&mut client, &end, &mut got);
        }
        prop_assert_eq!(heard, asked);
        prop_assert_eq!(got, answered);
        end.0.lock().ended = true;
        prop_assert_eq!(server.drain(&mut [0; 8]).unwrap(), 0, "the line ended");
    }

    /// The client's end hears everything that way too if it is asked as long as the line has something, and again after a full buffer.
    #[test]
    fn who_reads_while_the_line_has_something_misses_nothing(
        up in 0_usize..100_000,
        down in 0_usize..100_000,
        steps in proptest::collection::vec((0_usize..40_000, 0_usize..40_000, 1_usize..70_000), 1..50),
    ) {
        let (tls, mut server, end) = pair();
        let other = End(Arc::clone(&end.0), CLIENT);
        let mut client = Encrypted::of(other.clone(), tls);
        let (asked, answered) = (pattern(up), pattern(down));
        let (mut heard, mut got) = (Vec::<u8>::new(), Vec::<u8>::new());
        let (mut said, mut told) = (0, 0);
        let all = steps.into_iter().chain(std::iter::repeat_n((1 << 20, 1 << 20, 70_000), 40));
        for (reads, writes, buffer) in all {
            end.may(usize::MAX, usize::MAX);
            drain(&mut server, &mut [0; 4_096], &mut heard);
            if server.is_established() {
                told = write_on(&mut server, &answered, told);
            }
            other.may(reads, writes);
            // Nothing is said before there are keys to say it with.
            if client.is_established() {
                said = write_on(&mut client, &asked, said);
            } else {
                drop(client.flush());
            }
            let mut buffer = vec![0; buffer];
            let mut full = false;
            while full || other.is_readable() {
                match client.read(&mut buffer) {
                    Ok(length) => {
                        got.extend(&buffer[..length]);
                        full = length == buffer.len();
                    }
                    Err(error) => {
                        prop_assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        full = false;
                    }
                }
            }
        }
        prop_assert_eq!(heard, asked);
        prop_assert_eq!(got, answered);
    }
}

#[test]
fn what_a_blocked_line_did_not_take_is_not_counted_as_written() {
    let (mut client, mut server, end) = pair();
    let mut got = Vec::new();
    while !server.is_established() || client.is_handshaking() {
        serve_client(&mut client, &end, &mut got);
        end.may(usize::MAX, usize::MAX);
        assert_eq!(server.drain(&mut [0; 64]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    end.may(0, 10);
    assert_eq!(server.write(b"a long answer").unwrap_err().kind(), ErrorKind::WouldBlock);
    end.may(0, usize::MAX);
    assert_eq!(server.write(b"a long answer").unwrap(), 13);
    serve_client(&mut client, &end, &mut got);
    assert_eq!(got, b"a long answer");
}

#[test]
fn garbage_is_an_error_and_the_peer_is_told() {
    let (_, mut server, end) = pair();
    end.may(usize::MAX, usize::MAX);
    end.0.lock().ways[SERVER].extend([22, 3, 3, 0, 5, 1, 0, 0, 1, 9]);
    assert_eq!(server.drain(&mut [0; 64]).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(end.0.lock().ways[CLIENT].front(), Some(&21), "an alert");
}
