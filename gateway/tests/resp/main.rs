//! Clients of Redis at a real server: the same sale, in another language.

mod clients;
mod wire;

use std::io::Write;
use std::net::SocketAddr;

use doorbuster_client::Outcome;
use doorbuster_gateway::Setup;
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::ReadOrder;
use wire::{Client, Reply, command};

/// A port for clients of Redis; and no bound for what waits, as a machine that is busy would refuse.
fn with_resp(setup: &mut Setup) {
    setup.resp = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    setup.backlog_us = 0;
}

/// A server with SKU 10, so many units, two a shopper; and SKU 11.
fn server(units: u32) -> (Server, Client) {
    let server = Server::start_with(with_resp);
    let mut client = Client::connect(&server);
    assert_eq!(client.ask(&format!("SALE.PUTSKU 10 {units} USERLIMIT 2")).code(), "OK");
    assert_eq!(client.ask("SALE.PUTSKU 11 100").code(), "OK");
    (server, client)
}

fn order(reply: &Reply) -> String {
    assert_eq!(reply.code(), "OK", "{reply:?}");
    reply.field("order").text().to_owned()
}

#[test]
fn an_order_is_held_paid_and_read() {
    let (server, mut client) = server(100);
    let held = client.ask("SALE.RESERVE 42 10 2 AMOUNT 1998");
    let number = order(&held);
    assert_eq!(held.field("state").text(), "HELD");
    assert!(held.field("at").number() > 1_600_000_000_000);
    let amount = client.ask(&format!("SALE.CONFIRM {number} 42 pay-1 AMOUNT 1"));
    assert_eq!((amount.code(), amount.field("units").number()), ("AMOUNT_MISMATCH", 1_998));
    let paid = client.ask(&format!("SALE.CONFIRM {number} 42 pay-1 AMOUNT 1998"));
    assert_eq!((paid.code(), paid.field("state").text()), ("OK", "CONFIRMED"));
    assert_eq!(client.ask(&format!("SALE.CONFIRM {number} 42 pay-1 AMOUNT 1998")).code(), "REPLAYED");
    let read = client.ask(&format!("SALE.ORDER {number} 42"));
    assert_eq!((read.field("state").text(), read.field("sku").text()), ("CONFIRMED", "10"));
    assert_eq!(read.field("payment_id").text(), format!("{:0<32}", "7061792d31"));
    assert_eq!(client.ask(&format!("SALE.ORDER {number} 43")).code(), "OWNER_MISMATCH");
    let stock = client.ask("SALE.STOCK 10");
    assert_eq!((stock.field("available").number(), stock.field("sold").number()), (98, 2));
    server.stop();
}

#[test]
fn refusals_of_business_are_replies_and_bad_requests_are_errors() {
    let (server, mut client) = server(1);
    let id = "019abcde-0000-7000-8000-000000000001";
    assert_eq!(client.ask("SALE.RESERVE 1 10 3").code(), "USER_LIMIT");
    assert_eq!(client.ask("SALE.RESERVE 1 10 1").code(), "OK");
    let sold_out = client.ask("SALE.RESERVE 2 10 1");
    assert_eq!((sold_out.code(), sold_out.field("units").number()), ("SOLD_OUT", 1));
    assert_eq!(client.ask("SALE.RESERVE 2 99 1").code(), "UNKNOWN_SKU");
    let zero = client.ask("SALE.RESERVE 2 10 0");
    assert!(
        matches!(&zero, Reply::Error(text) if text.starts_with("BAD_REQUEST field=quantity ")),
        "{zero:?}"
    );
    let old = client.ask(&format!("SALE.RESERVE 2 10 1 ID {id}"));
    assert!(matches!(&old, Reply::Error(text) if text.starts_with("ID_")), "{old:?}");
    let wrong = client.ask("SALE.RESERVE two 10 1");
    assert!(
        matches!(&wrong, Reply::Error(text) if text.contains("user must be a whole number")),
        "{wrong:?}"
    );
    server.stop();
}

#[test]
fn a_pipeline_gets_its_replies_in_order_across_shards_and_kinds() {
    let (server, mut client) = server(100);
    let mut pipeline = Vec::new();
    for user in 1..=500 {
        let sku = 10 + user % 2;
        pipeline.extend(command(&format!("SALE.RESERVE {user} {sku} 1")));
        pipeline.extend(command(&format!("PING {user}")));
        pipeline.extend(command(&format!("SALE.STOCK {sku}")));
    }
    client.send(&pipeline);
    let mut sold = 0;
    for user in 1..=500 {
        let held = client.reply();
        sold += u32::from(held.code() == "OK");
        assert!(matches!(held.code(), "OK" | "SOLD_OUT"), "{held:?}");
        assert_eq!(client.reply(), Reply::Bulk(user.to_string()));
        assert_eq!(client.reply().field("sku").text(), (10 + user % 2).to_string());
    }
    assert_eq!(sold, 200, "all units, and not one more");
    server.stop();
}

#[test]
fn an_order_of_several_lines_is_one_and_its_waitlist_offers_by_push() {
    let (server, mut client) = server(1);
    let cart = client.ask("SALE.RESERVE 1 10 1 11 2");
    let number = order(&cart);
    let line = client.ask("SALE.RESERVE 2 10 1 11 1");
    assert_eq!(
        (line.code(), line.field("sku").text(), line.field("field").text()),
        ("SOLD_OUT", "10", "lines")
    );

    let mut waiting = Client::connect(&server);
    assert_eq!(waiting.ask("HELLO 3").list()[0].text(), "server");
    let waits = waiting.ask("SALE.WAITLIST 3 10 1 60000");
    assert_eq!(waits.code(), "WAITLISTED");
    let waits = waits.field("order").text().to_owned();
    assert_eq!(waiting.ask(&format!("SALE.WATCH {waits} 3")).code(), "OK");
    assert_eq!(client.ask(&format!("SALE.CANCEL {number} 1")).code(), "OK");
    let offer = waiting.reply();
    assert!(matches!(&offer, Reply::Push(_)), "{offer:?}");
    assert_eq!((offer.list()[0].text(), offer.field("order").text()), ("sale.order", waits.as_str()));
    assert_eq!(offer.field("state").text(), "HELD");
    let polled = client.ask(&format!("SALE.ORDER {waits} 3"));
    assert_eq!(polled.field("state").text(), "HELD", "RESP2 asks");
    server.stop();
}

#[test]
fn the_feed_is_read_from_a_position_on() {
    let (server, mut client) = server(5);
    let number = order(&client.ask("SALE.RESERVE 1 10 1"));
    let page = client.ask("SALE.FETCH 0 MAX 2");
    let next = page.field("next").number();
    assert_eq!((page.code(), page.field("events").list().len()), ("OK", 2));
    let rest = client.ask(&format!("SALE.FETCH {next} KINDS reserved"));
    let event = Reply::List(vec![Reply::Null, rest.field("events").list()[0].clone()]);
    assert_eq!((event.field("kind").text(), event.field("order").text()), ("RESERVED", number.as_str()));
    // A wait ends when something happens, and later replies stand behind it.
    let end = rest.field("next").number();
    let mut other = Client::connect(&server);
    client.send(&[command(&format!("SALE.FETCH {end} WAIT 10000")), command("PING behind")].concat());
    assert_eq!(other.ask("SALE.RESERVE 2 10 1").code(), "OK");
    assert_eq!(client.reply().field("events").list().len(), 1);
    assert_eq!(client.reply(), Reply::Bulk("behind".to_owned()));
    server.stop();
}

#[test]
fn a_feed_is_followed_by_pushes_as_things_happen() {
    let (server, mut client) = server(5);
    let mut follower = Client::connect(&server);
    assert_eq!(follower.ask("HELLO 3").list()[0].text(), "server");
    assert_eq!(follower.ask("SALE.FOLLOW 0 KINDS reserved confirmed"), Reply::Simple("OK".to_owned()));
    let number = order(&client.ask("SALE.RESERVE 1 10 1"));
    assert_eq!(client.ask(&format!("SALE.CONFIRM {number} 1 pay-1")).code(), "OK");
    for kind in ["RESERVED", "CONFIRMED"] {
        let event = follower.reply();
        assert!(matches!(&event, Reply::Push(_)) && event.list()[0].text() == "sale.event", "{event:?}");
        assert_eq!((event.field("kind").text(), event.field("order").text()), (kind, number.as_str()));
    }
    assert_eq!(follower.ask("PING"), Reply::Simple("PONG".to_owned()), "the connection is free for commands");
    server.stop();
}

#[test]
fn the_same_rules_of_overload_hold() {
    let server = Server::start_with(|setup| {
        with_resp(setup);
        setup.backlog_us = 1;
        setup.reactors = 1;
    });
    let mut client = Client::connect(&server);
    assert_eq!(client.ask("SALE.PUTSKU 10 100000").code(), "OK");
    let mut pipeline = Vec::new();
    // Two kinds in turn, so that each command is a frame of its own.
    for user in 1..=300 {
        pipeline.extend(command(&format!("SALE.RESERVE {user} 10 1")));
        pipeline.extend(command("SALE.STOCK 10"));
    }
    client.send(&pipeline);
    let replies: Vec<Reply> = (0..600).map(|_| client.reply()).collect();
    let shed = replies.iter().filter(|reply| reply.code() == "SHED").count();
    let held = replies.iter().step_by(2).filter(|reply| reply.code() == "OK").count();
    assert!(shed > 0 && held > 0, "{shed} shed, {held} held");
    let error = replies.iter().find(|reply| reply.code() == "SHED").map(Reply::text).unwrap_or_default();
    assert!(error.starts_with("SHED retry_after_ms="), "{error}");
    let totals = server.server().engine().totals();
    assert_eq!(totals.held, held as u64, "nothing that was refused was executed");
    server.stop();
}

#[test]
fn replies_that_are_longer_than_their_commands_wait_for_a_reader_and_all_come() {
    let (server, client) = server(5);
    let mut writer = client.writer();
    let sending = std::thread::spawn(move || {
        let mut commands = b"SALE.STOCK 10\r\n".to_vec();
        commands.extend(b"COMMAND DOCS\r\n".repeat(1_500));
        commands.extend(b"PING last\r\n");
        writer.write_all(&commands)
    });
    let mut client = client;
    assert_eq!(client.reply().code(), "OK");
    for _ in 0..1_500 {
        assert!(client.reply().list().len() > 80);
    }
    assert_eq!(client.reply(), Reply::Bulk("last".to_owned()));
    sending.join().expect("no panic").expect("all was taken");
    server.stop();
}

#[test]
fn what_is_no_protocol_is_told_so_and_no_other_connection_is_touched() {
    let (server, mut client) = server(5);
    for (bytes, says) in [
        (&b"*1\r\n:5\r\n"[..], "ERR Protocol error: expected '$', got ':'"),
        (b"*9999\r\n", "ERR Protocol error: invalid multibulk length"),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "ERR Protocol error: this is no HTTP server"),
    ] {
        let mut hostile = Client::connect(&server);
        hostile.send(bytes);
        let reply = hostile.reply();
        assert!(reply.text().starts_with(says), "{reply:?}");
        assert!(hostile.is_closed());
    }
    let mut polite = Client::connect(&server);
    assert_eq!(polite.ask("QUIT"), Reply::Simple("OK".to_owned()));
    assert!(polite.is_closed());
    assert_eq!(client.ask("PING"), Reply::Simple("PONG".to_owned()));
    server.stop();
}

#[test]
fn both_languages_speak_of_the_same_sale() {
    let (server, mut client) = server(5);
    let number = order(&client.ask("SALE.RESERVE 42 10 2"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seen = runtime.block_on(async {
        let native =
            doorbuster_client::Client::connect(&server.address().to_string()).await.expect("it listens");
        let order = number.parse().expect("a number");
        native.read_order(&ReadOrder { order, user: 42 }).await.expect("an answer")
    });
    assert!(matches!(&seen, Outcome::Done(order) if order.quantity == 2), "{seen:?}");
    server.stop();
}
