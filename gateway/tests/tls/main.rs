//! Encrypted connections to a real server: on every port, by every client of ours, and by nobody who may not.
#![expect(clippy::unwrap_used, reason = "a helper of tests reports by panicking, as a test does")]

mod papers;
mod raw;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use doorbuster_client::{Client, Error, PutSku, Reserve, Tls, TlsError};
use doorbuster_gateway::testing::Server;
use doorbuster_gateway::{ServerError, Setup, TlsFiles, http};
use papers::Authority;
use raw::{Line, Versions};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// A server with all three ports, whose certificate one authority has signed.
struct World {
    server: Server,
    authority: Authority,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self::with(|_, _, _| {})
    }

    fn with(adjust: impl FnOnce(&mut Setup, &mut TlsFiles, &Path)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::new("ours");
        let (certificate, key) =
            authority.sign(&["127.0.0.1", "shop.example"]).write(folder.path(), "server");
        let mut files = TlsFiles { certificate, key, clients: None };
        let server = Server::start_with(|setup| {
            setup.resp = Some(ANYWHERE);
            setup.admin = Some(ANYWHERE);
            setup.backlog_us = 0;
            adjust(setup, &mut files, folder.path());
            setup.tls = Some(files);
        });
        Self { server, authority, folder }
    }

    fn tls(&self) -> Tls {
        Tls::trusting(self.authority.pem().as_bytes()).expect("an authority")
    }

    async fn client(&self, tls: Option<Tls>) -> Result<Client, Error> {
        let builder = Client::builder().connections(1);
        let builder = match tls {
            Some(tls) => builder.tls(tls),
            None => builder,
        };
        builder.connect(&self.server.address().to_string()).await
    }

    fn resp(&self) -> SocketAddr {
        self.server.server().resp().expect("it was set up")
    }

    fn line(&self, to: SocketAddr, versions: Versions) -> Line {
        Line::connect(to, &self.authority, versions)
    }

    fn metric(&self, name: &str) -> u64 {
        let port = http::Port {
            tls: Some(self.tls()),
            ..self.server.server().admin().expect("it was set up").into()
        };
        let (status, text) = http::get(port, "/metrics").expect("an answer");
        assert_eq!(status, 200);
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("{name} is not in {text}"))
    }
}

/// What connecting came to, in words.
async fn refusal(world: &World, tls: Option<Tls>) -> String {
    world.client(tls).await.expect_err("nobody is let in like that").to_string()
}

#[tokio::test]
async fn our_client_holds_units_over_an_encrypted_connection() {
    let world = World::new();
    let client = world.client(Some(world.tls())).await.expect("a server");
    client.put_sku(&PutSku { sku: 7, units: 1_000, ..PutSku::default() }).await.expect("an answer");
    let wishes: Vec<Reserve> =
        (1..=2_000).map(|user| Reserve { user, sku: 7, quantity: 1, ..Reserve::default() }).collect();
    let answers = client.reserve_batch(&wishes).await;
    let held = answers.into_iter().filter(|answer| answer.as_ref().expect("an answer").done().is_some());
    assert_eq!(held.count(), 1_000);
    world.server.stop();
}

#[test]
fn both_versions_are_spoken_and_nothing_older() {
    let world = World::new();
    for versions in [Versions::Only12, Versions::Only13] {
        let mut line = world.line(world.resp(), versions);
        line.write_all(b"PING\r\n").unwrap();
        assert_eq!(line.next(7), b"+PONG\r\n", "{versions:?}");
    }
    // A greeting of TLS 1.1, by hand: a fatal alert answers.
    let mut old = TcpStream::connect(world.resp()).unwrap();
    old.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0xC0, 0x14, 1, 0]);
    old.write_all(&hello).unwrap();
    let mut answer = Vec::new();
    old.read_to_end(&mut answer).unwrap();
    assert_eq!((answer[0], answer[5]), (21, 2), "{answer:?}");
    world.server.stop();
}

#[test]
fn bytes_that_come_one_by_one_are_put_together() {
    let world = World::new();
    let mut line = world.line(world.resp(), Versions::Only13);
    line.drip(b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n");
    assert_eq!(line.next(11), b"$5\r\nhello\r\n");
    world.server.stop();
}

#[test]
fn a_client_that_reads_late_gets_every_byte_in_order() {
    let world = World::new();
    let mut line = world.line(world.resp(), Versions::Only13);
    let words: Vec<String> = (0..2_000).map(|nth| format!("{nth:08}").repeat(500)).collect();
    let asked: Vec<String> =
        words.iter().map(|word| format!("*2\r\n$4\r\nECHO\r\n$4000\r\n{word}\r\n")).collect();
    // More than the buffers of both sides hold, so that the server stops in the middle of a record, and stops reading.
    let writer = line.write_aside(asked.concat().as_bytes());
    for word in words {
        assert_eq!(line.next(4_009), format!("$4000\r\n{word}\r\n").into_bytes());
    }
    writer.join().unwrap();
    world.server.stop();
}

#[test]
fn hundreds_that_come_at_once_all_get_their_turn() {
    let world = World::new();
    let mut lines: Vec<Line> = (0..200).map(|_| world.line(world.resp(), Versions::Only13)).collect();
    // All greet before any waits for what the server says to that.
    for line in &mut lines {
        line.greet();
    }
    for line in &mut lines {
        line.write_all(b"PING\r\n").unwrap();
        assert_eq!(line.next(7), b"+PONG\r\n");
    }
    world.server.stop();
}

#[test]
fn who_leaves_is_told_farewell() {
    let world = World::new();
    let mut line = world.line(world.resp(), Versions::Only13);
    line.write_all(b"QUIT\r\n").unwrap();
    assert_eq!(line.next(5), b"+OK\r\n");
    // The library takes an end without a farewell for a line that somebody cut.
    assert_eq!(line.read(&mut [0; 1]).expect("a farewell"), 0);
    world.server.stop();
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_said() {
    let world = World::new();
    let plain = refusal(&world, None).await;
    assert!(
        plain.ends_with("closed the connection before its greeting (does it want an encrypted one?)"),
        "{plain}"
    );

    let stranger = Tls::trusting(Authority::new("a stranger's").pem().as_bytes()).unwrap();
    let stranger = refusal(&world, Some(stranger)).await;
    assert!(
        stranger.contains("no encrypted connection: invalid peer certificate: UnknownIssuer"),
        "{stranger}"
    );

    let other = refusal(&world, Some(world.tls().expecting("other.example").unwrap())).await;
    assert!(other.contains("not valid for name \"other.example\""), "{other}");
    assert!(world.client(Some(world.tls().expecting("shop.example").unwrap())).await.is_ok());
    // Each is counted when its connection has ended, which an answer on a later one shows.
    while world.metric("doorbuster_connections_refused_total{reason=\"tls\"}") < 3 {}
    world.server.stop();
}

#[tokio::test]
async fn a_server_that_does_not_encrypt_is_not_spoken_to_in_secret() {
    let world = World::new();
    let server = Server::start();
    let client = Client::builder().tls(world.tls()).connect(&server.address().to_string()).await;
    let why = client.expect_err("it speaks no TLS").to_string();
    assert!(why.contains("no encrypted connection: "), "{why}");
    server.stop();
    world.server.stop();
}

#[tokio::test]
async fn clients_that_must_show_a_certificate_are_let_in_with_a_good_one_alone() {
    let trusted = Authority::new("of clients");
    let world = World::with(|_, files, folder| {
        let clients = folder.join("clients.pem");
        std::fs::write(&clients, trusted.pem()).unwrap();
        files.clients = Some(clients);
    });
    let showing = |authority: &Authority| {
        let papers = authority.sign(&["storefront"]);
        world.tls().showing(papers.certificate.as_bytes(), papers.key.as_bytes()).unwrap()
    };
    let nothing = refusal(&world, Some(world.tls())).await;
    assert!(nothing.contains("CertificateRequired"), "{nothing}");
    let unknown = refusal(&world, Some(showing(&Authority::new("a stranger's")))).await;
    assert!(unknown.contains("UnknownCA"), "{unknown}");
    let client = world.client(Some(showing(&trusted))).await.expect("it is let in");
    assert_eq!(client.status().await.expect("an answer").skus, 0);

    let admin = world.server.server().admin().expect("it was set up");
    let without = http::Port { tls: Some(world.tls()), ..admin.into() };
    assert!(http::get(without, "/healthz").is_err());
    let with = http::Port { tls: Some(showing(&trusted)), ..admin.into() };
    assert_eq!(http::get(with, "/healthz").unwrap(), (200, "ok\n".to_owned()));
    world.server.stop();
}

#[test]
fn the_admin_port_answers_while_others_take_their_time_to_agree() {
    let world = World::new();
    let admin = world.server.server().admin().expect("it was set up");
    let slow: Vec<TcpStream> = (0..10).map(|_| TcpStream::connect(admin).unwrap()).collect();
    assert_eq!(world.metric("doorbuster_connections_refused_total{reason=\"address\"}"), 0);
    drop(slow);
    world.server.stop();
}

#[test]
fn who_agrees_on_no_keys_for_ten_seconds_is_cut_off() {
    let world = World::new();
    // The port of Redis's clients: nobody greets there, and who says nothing may stay.
    let mut silent = TcpStream::connect(world.resp()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    silent.read_to_end(&mut Vec::new()).expect("an end, and no silence");
    world.server.stop();
}

#[test]
fn garbage_instead_of_a_greeting_ends_that_connection_and_no_other() {
    let world = World::new();
    let mut good = world.line(world.resp(), Versions::Only13);
    for garbage in [&[0_u8; 64][..], &[255; 64], b"PING\r\n", &[22, 3, 1, 255, 255, 1, 2, 3]] {
        let mut bad = TcpStream::connect(world.resp()).unwrap();
        bad.set_read_timeout(Some(PATIENCE)).unwrap();
        bad.write_all(garbage).unwrap();
        let mut rest = Vec::new();
        let ended = bad.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    good.write_all(b"PING\r\n").unwrap();
    assert_eq!(good.next(7), b"+PONG\r\n");
    world.server.stop();
}

#[test]
fn one_address_holds_no_more_connections_than_it_may() {
    let world = World::with(|setup, _, _| setup.max_connections_per_address = 2);
    let mut first = world.line(world.resp(), Versions::Only13);
    first.write_all(b"PING\r\n").unwrap();
    assert_eq!(first.next(7), b"+PONG\r\n");
    let _second = TcpStream::connect(world.resp()).unwrap();
    let mut third = TcpStream::connect(world.resp()).unwrap();
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(third.read(&mut [0; 1]).expect("an end, and no silence"), 0);
    assert_eq!(world.metric("doorbuster_connections_refused_total{reason=\"address\"}"), 1);
    world.server.stop();
}

/// Starts a server that must not start, and gives the reason.
fn fault(files: TlsFiles) -> (u8, String) {
    let storage = std::sync::Arc::new(doorbuster_engine::storage::SimStorage::new(0));
    let clock = std::sync::Arc::new(doorbuster_engine::clock::SystemClock);
    let mut setup = Setup::on_storage(storage, clock);
    setup.tls = Some(files);
    let error: ServerError = doorbuster_gateway::Server::start(setup).expect_err("it must not start");
    (error.exit_code(), error.to_string())
}

#[test]
fn files_that_are_of_no_use_are_named_with_the_reason() {
    let world = World::new();
    let path = world.folder.path();
    let good =
        || TlsFiles { certificate: path.join("server.pem"), key: path.join("server-key.pem"), clients: None };
    let (code, missing) = fault(TlsFiles { certificate: path.join("none.pem"), ..good() });
    assert!(
        missing.starts_with("can't read certificate ") && missing.contains("none.pem: No such file"),
        "{missing}"
    );
    assert_eq!(code, 2);
    let (_, swapped) = fault(TlsFiles { certificate: path.join("server-key.pem"), ..good() });
    assert!(
        swapped.ends_with("holds no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----"),
        "{swapped}"
    );
    let (_, no_key) = fault(TlsFiles { key: path.join("server.pem"), ..good() });
    assert!(no_key.contains("holds no private key in PEM"), "{no_key}");
    world.authority.sign(&["127.0.0.1"]).write(path, "other");
    let (_, unlike) = fault(TlsFiles { key: path.join("other-key.pem"), ..good() });
    assert!(unlike.contains("the certificate ") && unlike.contains("KeyMismatch"), "{unlike}");
    std::fs::write(path.join("bad.pem"), "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
        .unwrap();
    let (_, garbled) = fault(TlsFiles { clients: Some(path.join("bad.pem")), ..good() });
    assert!(garbled.starts_with("client authority ") && garbled.contains("bad.pem: "), "{garbled}");
    world.server.stop();
}

#[test]
fn a_client_is_told_what_is_wrong_with_its_files() {
    let authority = Authority::new("ours");
    let papers = authority.sign(&["storefront"]);
    assert_eq!(Tls::trusting(b"").unwrap_err(), TlsError::Empty("certificate of an authority"));
    let tls = Tls::trusting(authority.pem().as_bytes()).unwrap();
    let unlike =
        tls.clone().showing(papers.certificate.as_bytes(), authority.sign(&["other"]).key.as_bytes());
    assert!(unlike.unwrap_err().to_string().starts_with("certificate and key: "));
    let keyless = tls.clone().showing(papers.certificate.as_bytes(), b"");
    assert!(keyless.unwrap_err().to_string().starts_with("private key: "));
    assert!(tls.expecting("not a name").unwrap_err().to_string().starts_with("server name: "));
}
