use std::collections::VecDeque;
use std::io::ErrorKind;

use parking_lot::Mutex;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::*;

/// Both ends of a line, which carries at most so many bytes a step each way.
#[derive(Debug, Default)]
struct Line {
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    /// What the server may still read and write in this step.
    room: (usize, usize),
    ended: bool,
}

/// The server's end.
#[derive(Clone, Debug, Default)]
struct End(Arc<Mutex<Line>>);

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut line = self.0.lock();
        let length = buffer.len().min(line.up.len()).min(line.room.0);
        if length == 0 {
            return if line.ended && line.up.is_empty() { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        line.room.0 -= length;
        for (to, byte) in buffer.iter_mut().zip(line.up.drain(..length)) {
            *to = byte;
        }
        drop(line);
        Ok(length)
    }
}

impl Write for End {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.0.lock();
        let length = bytes.len().min(line.room.1);
        if length == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        line.room.1 -= length;
        line.down.extend(&bytes[..length]);
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
    let end = End::default();
    (client, Encrypted::new(end.clone(), Arc::new(server)).unwrap(), end)
}

/// Moves what the client wants to write onto the line, and what came to it into the client.
fn serve_client(client: &mut ClientConnection, end: &End, got: &mut Vec<u8>) {
    let mut line = end.0.lock();
    let mut sent = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut sent).unwrap();
    }
    line.up.extend(sent);
    let came: Vec<u8> = line.down.drain(..).collect();
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
        let pattern = |length: usize| (0..=250_u8).cycle().take(length).collect::<Vec<u8>>();
        let (asked, answered) = (pattern(up), pattern(down));
        let (mut left, mut said) = (&asked[..], 0);
        let (mut heard, mut got) = (Vec::<u8>::new(), Vec::new());
        // The end of the steps that were drawn lets everything through.
        let all = steps.into_iter().chain(std::iter::repeat_n((1 << 20, 1 << 20, 70_000), 40));
        for (reads, writes, buffer) in all {
            left = &left[client.writer().write(left).unwrap()..];
            serve_client(&mut client, &end, &mut got);
            end.0.lock().room = (reads, writes);
            let mut buffer = vec![0; buffer];
            loop {
                match server.read(&mut buffer) {
                    Ok(length) => heard.extend(&buffer[..length]),
                    Err(error) => {
                        prop_assert_eq!(error.kind(), ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
            if server.is_established() {
                while said < answered.len() {
                    match server.write(&answered[said..]) {
                        Ok(length) => said += length,
                        Err(error) => {
                            prop_assert_eq!(error.kind(), ErrorKind::WouldBlock);
                            break;
                        }
                    }
                }
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
        prop_assert_eq!(server.read(&mut [0; 8]).unwrap(), 0, "the line ended");
    }
}

#[test]
fn what_a_blocked_line_did_not_take_is_not_counted_as_written() {
    let (mut client, mut server, end) = pair();
    let mut got = Vec::new();
    while !server.is_established() || client.is_handshaking() {
        serve_client(&mut client, &end, &mut got);
        end.0.lock().room = (usize::MAX, usize::MAX);
        assert_eq!(server.read(&mut [0; 64]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    end.0.lock().room = (0, 10);
    assert_eq!(server.write(b"a long answer").unwrap_err().kind(), ErrorKind::WouldBlock);
    end.0.lock().room = (0, usize::MAX);
    assert_eq!(server.write(b"a long answer").unwrap(), 13);
    serve_client(&mut client, &end, &mut got);
    assert_eq!(got, b"a long answer");
}

#[test]
fn garbage_is_an_error_and_the_peer_is_told() {
    let (_, mut server, end) = pair();
    end.0.lock().room = (usize::MAX, usize::MAX);
    end.0.lock().up.extend([22, 3, 3, 0, 5, 1, 0, 0, 1, 9]);
    assert_eq!(server.read(&mut [0; 64]).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(end.0.lock().down.front(), Some(&21), "an alert");
}
