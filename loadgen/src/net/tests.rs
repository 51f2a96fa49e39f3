//! Connections to a real server that encrypts, and to others that only seem to.

#[path = "../../../gateway/tests/tls/papers.rs"]
mod papers;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use doorbuster_client::Tls;
use doorbuster_gateway::TlsFiles;
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{
    Code, Header, Hello, Kind, Parsed, PutSku, ReadStock, StockView, Welcome, body, parse,
};

use super::*;
use papers::Authority;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// SKUs of a frame, and frames: more answers than all buffers of a connection hold.
const SKUS: u64 = 64;
const FRAMES: u64 = 60;

/// A server with a certificate for a name that it isn't reached by.
struct World {
    server: Server,
    authority: Authority,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::asking(None)
    }

    /// One that asks clients for a certificate, too.
    fn asking(clients: Option<&Authority>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("ours");
        let (certificate, key) = authority.sign(&["sale.example"]).write(folder.path(), "server");
        let clients = clients.map(|trusted| {
            let file = folder.path().join("clients.pem");
            std::fs::write(&file, trusted.pem()).expect("written");
            file
        });
        let server = Server::start_with(|setup| {
            setup.backlog_us = 0;
            setup.tls = Some(TlsFiles { certificate, key, clients });
        });
        Self { server, authority, _folder: folder }
    }

    fn peer(&self) -> Peer {
        self.peer_at(self.server.address())
    }

    fn peer_at(&self, at: SocketAddr) -> Peer {
        Peer::new("sale.example:7700", at, Some(trusting(&self.authority)), None)
    }
}

fn trusting(authority: &Authority) -> Tls {
    Tls::trusting(authority.pem().as_bytes()).expect("an authority")
}

/// Passes bytes on to `to` in pieces of these lengths, over and over, each way; runs until the test's process ends.
fn relay(to: SocketAddr, pieces: &'static [usize]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    let pass = |mut from: TcpStream, mut to: TcpStream, pieces: &'static [usize]| {
        to.set_nodelay(true).expect("a socket");
        let mut buffer = vec![0; pieces.iter().copied().max().expect("pieces")];
        for piece in pieces.iter().cycle() {
            match from.read(&mut buffer[..*piece]) {
                Ok(read) if read > 0 && to.write_all(&buffer[..read]).is_ok() => {}
                _ => break,
            }
        }
        // The other side may have gone first.
        drop(to.shutdown(Shutdown::Write));
    };
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let server = TcpStream::connect(to).expect("the server");
            let (back, forth) = (client.try_clone().expect("open"), server.try_clone().expect("open"));
            std::thread::spawn(move || pass(client, forth, pieces));
            std::thread::spawn(move || pass(server, back, pieces));
        }
    });
    at
}

/// Asks for everything at once, listens only when the poller says so, and checks every answer.
fn every_answer_comes(peer: &Peer) {
    let (mut link, _) = Link::connect(peer, "test").expect("a greeting");
    let poller = Poller::new().expect("an epoll instance");
    poller.add(link.stream(), 0).expect("watched");
    let asked: Vec<ReadStock> = (1..=SKUS).map(|sku| ReadStock { sku }).collect();
    for correlation in 1..=FRAMES {
        body::frame(Header::new(Kind::ReadStock, correlation, 0), &asked, link.out());
    }
    let mut answered = Vec::new();
    let mut ready = Vec::new();
    let began = Instant::now();
    while answered.len() < usize::try_from(FRAMES).expect("few") {
        assert!(began.elapsed() < PATIENCE, "{} of {FRAMES} answers came", answered.len());
        let flushed = link.flush().expect("open");
        poller.want_write(link.stream(), 0, !flushed).expect("watched");
        poller.wait(Duration::from_millis(20), &mut ready).expect("watched");
        if ready.is_empty() {
            continue;
        }
        let received = link.receive(|header, content| {
            let mut skus = Vec::new();
            body::read(header, content, |view: StockView| skus.push((view.sku, view.stocked)))?;
            assert!(skus.into_iter().eq((1..=SKUS).map(|sku| (sku, 10 * sku))), "of {}", header.correlation);
            answered.push(header.correlation);
            Ok(())
        });
        received.expect("open");
    }
    answered.sort_unstable();
    assert!(answered.into_iter().eq(1..=FRAMES));
}

#[test]
fn answers_come_whole_however_the_line_cuts_them() {
    let world = World::new();
    let plain = Server::start_with(|setup| setup.backlog_us = 0);
    for peer in [world.peer(), plain.address().into()] {
        let skus: Vec<PutSku> =
            (1..=SKUS).map(|sku| PutSku { sku, units: 10 * sku, ..PutSku::default() }).collect();
        let mut control = Control::connect(&peer, "test").expect("a greeting");
        let put: Vec<doorbuster_protocol::Answer> = control.execute(Kind::PutSku, &skus).expect("an answer");
        assert_eq!(put.len(), skus.len());
        every_answer_comes(&peer);
        for pieces in [&[1][..], &[3, 1, 7], &[5, 16_389, 1], &[1 << 20]] {
            let at = relay(peer.at(), pieces);
            every_answer_comes(&if peer.is_encrypted() { world.peer_at(at) } else { at.into() });
        }
    }
    world.server.stop();
    plain.stop();
}

/// What connecting comes to, in words; a link's are a control's.
fn refusal(peer: &Peer) -> String {
    let link = Link::connect(peer, "test").expect_err("no link").to_string();
    assert_eq!(Control::connect(peer, "test").expect_err("no control").to_string(), link);
    link
}

#[test]
fn a_certificate_is_for_the_name_that_was_asked_for() {
    let world = World::new();
    let (at, tls) = (world.server.address(), trusting(&world.authority));
    assert!(Link::connect(&world.peer(), "test").is_ok());
    let named = tls.clone().expecting("sale.example").expect("a name");
    assert!(Link::connect(&Peer::new(&at.to_string(), at, Some(named), None), "test").is_ok());
    let by_address = refusal(&Peer::new(&at.to_string(), at, Some(tls), None));
    assert!(by_address.starts_with("no encrypted connection: invalid peer certificate: "), "{by_address}");
    assert!(
        by_address.ends_with("; --tls-name says whom it is for, where that isn't whom --target names"),
        "{by_address}"
    );
    assert_eq!(world.peer().to_string(), format!("sale.example:7700 ({at})"));
    assert_eq!(Peer::from(at).to_string(), at.to_string());
    world.server.stop();
}

#[test]
fn why_there_is_no_encrypted_connection_is_said_with_what_to_do() {
    let world = World::new();
    let at = world.server.address();
    let stranger = Peer::new("sale.example:7700", at, Some(trusting(&Authority::new("a stranger's"))), None);
    let plain = Server::start();
    let clients = Authority::new("of clients");
    let asking = World::asking(Some(&clients));
    for (peer, words) in [
        (
            Peer::from(at),
            "the server closed the connection before its greeting (does it want an encrypted one? give --tls-ca)",
        ),
        (
            stranger,
            "invalid peer certificate: UnknownIssuer; --tls-ca names the file with who has signed the server's certificate",
        ),
        (world.peer_at(plain.address()), "; if that port encrypts nothing, leave --tls-ca out"),
        (
            asking.peer(),
            "CertificateRequired; --tls-certificate and --tls-key show one, where the server asks for it",
        ),
    ] {
        let line = refusal(&peer);
        assert!(line.ends_with(words), "{line}");
        assert_eq!(line.lines().count(), 1);
    }
    let papers = clients.sign(&["drill"]);
    let shown = trusting(&asking.authority).showing(papers.certificate.as_bytes(), papers.key.as_bytes());
    let at = asking.server.address();
    let peer = Peer::new("sale.example:7700", at, Some(shown.expect("both are good")), None);
    assert!(Control::connect(&peer, "test").is_ok());
    // The kernel takes the connection; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = world.peer_at(silent.local_addr().expect("bound"));
    let line = peer.connect(Duration::from_millis(1)).expect_err("silence").to_string();
    assert!(line.contains("took too long to agree on keys"), "{line}");
    for server in [world.server, plain, asking.server] {
        server.stop();
    }
}

/// Takes the next whole frame of requests from a client.
fn next_frame(client: &mut TcpStream, input: &mut Vec<u8>) -> (Header, Vec<u8>) {
    loop {
        if let Parsed::Frame { header, body: content, consumed } = parse(input).expect("a frame") {
            let taken = (header, content.to_vec());
            input.drain(..consumed);
            return taken;
        }
        let mut chunk = [0; 4_096];
        let read = client.read(&mut chunk).expect("a request");
        assert_ne!(read, 0, "the client went");
        input.extend_from_slice(&chunk[..read]);
    }
}

#[test]
fn stock_that_a_busy_server_did_not_read_is_asked_for_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("bound");
    // Reads only the even SKUs the first time, and only every fourth of the rest the second time.
    let busy = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a connection");
        let (mut input, mut output) = (Vec::new(), Vec::new());
        let welcome = Welcome {
            version: doorbuster_protocol::VERSION,
            durability: 0,
            features: 0,
            now_ms: 1,
            log_id: [0; 16],
            max_batch: 64,
            max_body: 1 << 20,
            max_in_flight: 64,
            idempotency_window_ms: 0,
            default_hold_ms: 0,
            max_hold_ms: 0,
            server: String::new(),
        };
        let (hello, content) = next_frame(&mut client, &mut input);
        let _: Hello = body::read_one(&hello, &content).expect("a greeting");
        body::frame(Header::new(Kind::Welcome, hello.correlation, 0), &[welcome], &mut output);
        let mut asked = Vec::new();
        for period in [2, 4, 1] {
            client.write_all(&output).expect("open");
            output.clear();
            let (header, content) = next_frame(&mut client, &mut input);
            let mut skus: Vec<u64> = Vec::new();
            body::read(&header, &content, |read: ReadStock| skus.push(read.sku)).expect("reads");
            let views: Vec<StockView> = (0..)
                .zip(&skus)
                .map(|(nth, &sku)| match nth % period {
                    0 => StockView { code: Code::Ok.number(), sku, held: sku, ..StockView::default() },
                    _ => StockView { code: Code::Shed.number(), sku, ..StockView::default() },
                })
                .collect();
            body::frame(Header::new(Kind::StockRead, header.correlation, 0), &views, &mut output);
            asked.push(skus);
        }
        client.write_all(&output).expect("open");
        asked
    });
    let mut control = Control::connect(&at.into(), "test").expect("a greeting");
    let asked: Vec<ReadStock> = (0..12).map(|sku| ReadStock { sku }).collect();
    let views = control.stock(&asked).expect("an answer at last");
    assert!(views.iter().map(|view| (view.sku, view.held)).eq((0..12).map(|sku| (sku, sku))));
    let asked = busy.join().expect("the server's part");
    assert_eq!(asked[1], [1, 3, 5, 7, 9, 11]);
    assert_eq!(asked[2], [3, 5, 7, 11]);
}
