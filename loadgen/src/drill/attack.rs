//! Somebody who attacks the server while shoppers shop: rubbish, frames that lie about their length, malformed requests,
//! guessed shoppers of orders that exist, and connections that never get to the end of their greeting.
//!
//! A server that encrypts is attacked on both sides of that: its port by bytes that are no TLS, the protocol inside by an attacker who
//! speaks it well. Where there are keys he has one: a stranger's requests are not even looked at.
//!
//! The shoppers' own figures say whether that harms anybody. What is looked at here is whether any of it takes effect.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use doorbuster_gateway::Stream;
use doorbuster_protocol::{
    Answer, Auth, Cancel, Confirm, HEADER_LEN, Header, Hello, Kind, MAGIC, OrderView, ReadOrder, VERSION,
    body,
};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::audit::Check;
use crate::journal::is_done;
use crate::net::{Control, Peer};
use crate::scenario::Attack;
use crate::worker::{AMOUNT, Progress};

/// Longest wait for the server to close a connection, or to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two bytes of a connection that sends slowly.
const DRIP: Duration = Duration::from_millis(500);

/// Bytes of a malformed message at most.
const RUBBISH: usize = 2_048;

/// What a connection does.
#[derive(Clone, Copy, Debug)]
enum Trick {
    /// Bytes without any sense.
    Rubbish,
    /// A header that claims the largest body there can be, and nothing behind it.
    Giant,
    /// A frame with a body that its kind can't have.
    Malformed,
    /// Half a frame, and the end.
    Half,
    /// Payments, cancels and reads of another shopper's order.
    Guess,
}

const TRICKS: [Trick; 5] = [Trick::Rubbish, Trick::Giant, Trick::Malformed, Trick::Half, Trick::Guess];

/// Attacks until its time is over, and says what came of it.
pub(super) fn run(attack: &Attack, peer: &Peer, seed: u64, start: Instant, progress: &Progress) -> Check {
    let mut check =
        Check::new("attack", "nothing that an attacker sends takes effect, and no order is shown to him");
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let begins = start + Duration::from_secs_f64(attack.at_seconds);
    std::thread::sleep(begins.saturating_duration_since(Instant::now()));
    let ends = begins + Duration::from_secs_f64(attack.seconds);
    let pause = Duration::from_secs_f64(1.0 / attack.connections_per_second);
    let doors = doors(peer);
    // Whoever is refused a connection has failed already.
    let connect = |(_, door): (u32, &Peer)| door.connect(PATIENCE).ok();
    let mut slow: Vec<Stream<TcpStream>> =
        (0..attack.slow_connections).zip(doors.iter().cycle()).filter_map(connect).collect();
    let mut drip_at = Instant::now();
    let mut due = begins;
    for (door, trick) in tricks(&doors).cycle() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if Instant::now() >= ends || progress.stop.load(Ordering::Relaxed) {
            break;
        }
        due += pause;
        if drip_at <= Instant::now() {
            drip_at += DRIP;
            // One that the server has closed is gone.
            slow.retain_mut(|stream| stream.write_all(&[0]).is_ok());
        }
        check.examined += 1;
        let guessed = match trick {
            Trick::Guess => guess(door, progress.an_order.load(Ordering::Relaxed), random.random()),
            Trick::Rubbish | Trick::Giant | Trick::Malformed | Trick::Half => {
                harass(door, trick, &mut random);
                None
            }
        };
        if let Some(fault) = guessed {
            check.faults.note(|| fault);
        }
    }
    check
}

/// The server as it is meant to be spoken to and, where that is encrypted, its bare port.
fn doors(peer: &Peer) -> Vec<Peer> {
    let below = peer.is_encrypted().then(|| peer.below());
    std::iter::once(peer.clone()).chain(below).collect()
}

/// Everything that is tried, in order. Who guesses says well-formed things, which bare ports of servers that encrypt never hear.
fn tricks(doors: &[Peer]) -> impl Iterator<Item = (&Peer, Trick)> + Clone {
    let all = doors.iter().enumerate().flat_map(|(nth, door)| TRICKS.map(|trick| (nth, door, trick)));
    all.filter(|(nth, _, trick)| *nth == 0 || !matches!(trick, Trick::Guess))
        .map(|(_, door, trick)| (door, trick))
}

/// Sends something that is no request, and waits until the server has enough of it.
fn harass(door: &Peer, trick: Trick, random: &mut Xoshiro256PlusPlus) {
    let Ok(mut stream) = door.connect(PATIENCE) else { return };
    // The server may close as soon as it has seen enough.
    drop(stream.write_all(&message(trick, door.proof(), random)));
    if !matches!(trick, Trick::Half) {
        drop(stream.read_to_end(&mut Vec::new()));
    }
}

/// What is sent, by somebody who has this key.
fn message(trick: Trick, proof: Option<Auth>, random: &mut Xoshiro256PlusPlus) -> Vec<u8> {
    let rubbish: Vec<u8> = (0..random.random_range(1..RUBBISH)).map(|_| random.random()).collect();
    let mut bytes = Vec::new();
    if let Some(proof) = proof {
        body::frame(Header::new(Kind::Auth, 0, 1), &[proof], &mut bytes);
    }
    let hello = Hello { magic: MAGIC, oldest: VERSION, newest: VERSION, features: 0, client: String::new() };
    body::frame(Header::new(Kind::Hello, 0, 1), std::slice::from_ref(&hello), &mut bytes);
    let greeting = bytes.len();
    // Its checksum is right, its body is none of a reserve.
    Header::new(Kind::Reserve, 1, 1).encode(&mut bytes, |body| body.extend_from_slice(&rubbish));
    match trick {
        Trick::Rubbish | Trick::Guess => rubbish,
        Trick::Malformed => bytes,
        Trick::Giant => {
            bytes.truncate(greeting + HEADER_LEN);
            // The first four bytes are the body's length.
            bytes.splice(greeting..greeting + 4, u32::MAX.to_le_bytes());
            bytes
        }
        Trick::Half => {
            bytes.truncate(greeting + HEADER_LEN / 2);
            bytes
        }
    }
}

/// Tries to read, cancel and pay another shopper's order; says what worked.
fn guess(door: &Peer, order: u64, user: u64) -> Option<String> {
    let mut control = Control::connect(door, "somebody").ok()?;
    let read: Vec<OrderView> = control.execute(Kind::ReadOrder, &[ReadOrder { order, user }]).ok()?;
    let cancel: Vec<Answer> = control.execute(Kind::Cancel, &[Cancel { order, user, reason: 1 }]).ok()?;
    let confirm = Confirm { order, user, payment_id: [7; 16], amount: AMOUNT };
    let confirm: Vec<Answer> = control.execute(Kind::Confirm, &[confirm]).ok()?;
    let worked = [
        ("read", read.iter().any(|view| is_done(view.code))),
        ("cancelled", cancel.iter().any(|answer| is_done(answer.code))),
        ("paid", confirm.iter().any(|answer| is_done(answer.code))),
    ];
    let (what, _) = worked.into_iter().find(|(_, worked)| *worked)?;
    Some(format!("order {order} was {what} by user {user}, whose it isn't"))
}

#[cfg(test)]
mod tests {
    use doorbuster_protocol::{Parsed, Reserve, parse};

    use super::*;

    #[test]
    fn no_trick_is_a_request() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        for trick in
            [Trick::Rubbish, Trick::Giant, Trick::Malformed, Trick::Half].into_iter().cycle().take(400)
        {
            let bytes = message(trick, None, &mut random);
            let Ok(Parsed::Frame { header, consumed, .. }) = parse(&bytes) else { continue };
            assert_eq!(header.kind, Kind::Hello, "{trick:?}");
            match parse(&bytes[consumed..]) {
                Ok(Parsed::Frame { header, body: content, .. }) => {
                    let read = body::read_one::<Reserve>(&header, content);
                    assert!(read.is_err(), "{trick:?}: {read:?}");
                }
                Ok(_) => assert!(matches!(trick, Trick::Half), "{trick:?}"),
                Err(_) => assert!(matches!(trick, Trick::Giant), "{trick:?}"),
            }
        }
    }

    #[test]
    fn who_has_a_key_shows_it_first() {
        let secret = format!("dbk_{:064}", 7).parse().expect("a key");
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let bytes = message(Trick::Malformed, Some(Auth { secret }), &mut random);
        let mut kinds = Vec::new();
        let mut rest = &bytes[..];
        while let Ok(Parsed::Frame { header, consumed, .. }) = parse(rest) {
            kinds.push(header.kind);
            rest = &rest[consumed..];
        }
        assert_eq!(kinds, [Kind::Auth, Kind::Hello, Kind::Reserve]);
    }

    #[test]
    fn a_bare_port_hears_everything_but_well_formed_requests() {
        let at = |port: u16| Peer::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(doors(&at(1)).len(), 1, "without encryption there is one door");
        let (doors, of) = ([at(1), at(2)], |port: u16| [port; 5]);
        let tried: Vec<(u16, bool)> =
            tricks(&doors).map(|(door, trick)| (door.at().port(), matches!(trick, Trick::Guess))).collect();
        assert!(tried.iter().map(|(port, _)| *port).eq(of(1).into_iter().chain(of(2).into_iter().skip(1))));
        assert_eq!(tried.iter().filter(|(_, guesses)| *guesses).collect::<Vec<_>>(), [&(1, true)]);
    }
}
