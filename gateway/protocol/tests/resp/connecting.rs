//! What client libraries say when they connect.

use super::*;

#[test]
fn redis_py_connects() {
    let mut peer = Peer::new();
    peer.say("HELLO 3\n");
    let heard = peer.heard();
    assert!(heard.starts_with("%7 $6 server $10 doorbuster $7 version"), "{heard}");
    assert!(
        heard.contains("$5 proto :3 $2 id :7 $4 mode $10 standalone $4 role $6 master $7 modules *0"),
        "{heard}"
    );
    peer.say("CLIENT SETNAME shop\nCLIENT SETINFO LIB-NAME redis-py\nCLIENT SETINFO LIB-VER 5.0\nCLIENT GETNAME\nSELECT 0\n");
    assert_eq!(peer.heard(), "+OK +OK +OK $4 shop +OK ");
}

#[test]
fn ioredis_finds_that_nothing_is_loading() {
    let mut peer = Peer::new();
    peer.say("INFO\n").answer(0);
    let heard = peer.heard();
    assert!(heard.contains(" loading:0 ") && heard.contains(" redis_mode:standalone "), "{heard}");
    assert!(heard.contains(" skus:3 "), "{heard}");
}

#[test]
fn redis_benchmark_and_redis_cli_ask_for_settings_and_commands() {
    let mut peer = Peer::new();
    peer.say("CONFIG GET save\nCONFIG GET appendonly\nCOMMAND COUNT\nCONFIG SET save 1\n");
    let heard = peer.heard();
    assert!(heard.starts_with("*2 $4 save $0  *2 $10 appendonly $3 yes :"), "{heard}");
    assert!(heard.contains("-ERR CONFIG knows GET; a server is set up by its file"), "{heard}");
    peer.say("COMMAND DOCS sale.stock nonsense\n");
    let heard = peer.heard();
    assert!(heard.starts_with("*2 $10 SALE.STOCK *6 $7 summary $58 Says how many units"), "{heard}");
    assert!(heard.contains("$5 usage $14 SALE.STOCK sku"), "{heard}");
    peer.say("COMMAND INFO SALE.STOCK nonsense\n");
    assert_eq!(peer.heard(), "*2 *10 $10 SALE.STOCK :-1 *1 +fast :0 :0 :0 *0 *0 *0 *0 $-1 ");
    peer.say("COMMAND\n");
    assert!(peer.heard().starts_with("*4"));
}

#[test]
fn versions_are_agreed_on_and_given_up() {
    let mut peer = Peer::new();
    peer.say("SALE.STOCK 10\nHELLO 3\nSALE.STOCK 10\nRESET\nSALE.STOCK 10\n");
    peer.answer(0).answer(0).answer(0);
    let heard = peer.heard();
    let replies = ["*2 $2 OK *22", "%7 $6 server", "*2 $2 OK %11", "+RESET", "*2 $2 OK *22"];
    let mut at = 0;
    for reply in replies {
        at += heard[at..].find(reply).unwrap_or_else(|| panic!("{reply} in {heard}")) + 1;
    }
    peer.say("HELLO 4\nHELLO x\nHELLO 3 AUTH a b\nAUTH secret\nSELECT 1\nHELLO 2 SETNAME\n");
    let heard = peer.heard();
    assert_eq!(heard.matches("-NOPROTO unsupported protocol version").count(), 2, "{heard}");
    assert_eq!(heard.matches("-ERR AUTH called without any password configured").count(), 2, "{heard}");
    assert!(heard.contains("-ERR DB index is out of range"), "{heard}");
    assert!(heard.contains("-ERR a connection's name has 1 to 64"), "{heard}");
}

#[test]
fn a_connection_ends_after_its_last_reply() {
    let mut peer = Peer::new();
    peer.say("SALE.STOCK 10\nQUIT\nPING\n");
    assert!(peer.ended);
    assert_eq!(peer.heard(), "");
    assert!(peer.answer(0).heard().ends_with("+OK "), "and nothing behind it");
}

#[test]
fn what_is_no_protocol_ends_the_connection_with_a_reason() {
    let mut peer = Peer::new();
    peer.say("SALE.STOCK 10\n").send(b"*1\r\n:5\r\n").say("PING\n");
    assert!(peer.ended);
    let heard = peer.answer(0).heard();
    assert!(heard.ends_with("-ERR Protocol error: expected '$', got ':' "), "{heard}");
}

const KEY: &str = "dbk_00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[test]
fn without_a_key_only_what_greets_proves_or_ends_is_obeyed() {
    let mut peer = Peer { verdict: Some(Verdict::Wrong), ..Peer::new() };
    peer.translator.lock(true);
    for line in [
        "SALE.STOCK 10",
        "sale.nonsense",
        "SALE.STOCK",
        "INFO",
        "CONFIG GET save",
        "COMMAND",
        "ECHO x",
        "CLIENT ID",
    ] {
        peer.say(&format!("{line}\n"));
        assert!(peer.heard().starts_with("-NOAUTH Authentication required."), "{line}");
    }
    assert!(peer.frames.is_empty(), "nothing was asked of the server");
    peer.say("PING\nHELLO 2\nRESET\n");
    let heard = peer.heard();
    assert!(heard.starts_with("+PONG *14 $6 server") && heard.ends_with("+RESET "), "{heard}");
    peer.say(&format!("AUTH {KEY}\nSALE.STOCK 10\n"));
    let heard = peer.heard();
    assert!(
        heard.starts_with("-WRONGPASS invalid username-password pair") && heard.contains(" -NOAUTH "),
        "{heard}"
    );
    assert!(!heard.contains(KEY), "{heard}");
    peer.verdict = Some(Verdict::Granted);
    peer.say(&format!("AUTH {KEY}\nSALE.STOCK 10\n")).answer(0);
    assert!(peer.heard().starts_with("+OK *2 $2 OK "));
    peer.say("QUIT\n");
    assert!(peer.ended);
}

#[test]
fn a_key_is_looked_at_behind_the_commands_before_it_and_before_those_behind_it() {
    let mut peer = Peer { verdict: Some(Verdict::Granted), ..Peer::new() };
    peer.say(&format!("SALE.STOCK 10\nAUTH shop {KEY}\nSALE.STOCK 10\n"));
    assert_eq!(peer.frames.len(), 2, "the frame before it and the one behind it");
    assert_eq!(peer.heard(), "", "replies keep their order");
    peer.answer(0);
    assert!(peer.heard().ends_with("+OK "));
    assert_eq!(peer.proofs, [("shop".to_owned(), true)]);
}

#[test]
fn a_greeting_with_a_key_takes_effect_if_the_key_counts() {
    let mut peer = Peer { verdict: Some(Verdict::Wrong), ..Peer::new() };
    peer.say(&format!("HELLO 3 AUTH default {KEY} SETNAME shop\nCLIENT GETNAME\n"));
    let heard = peer.heard();
    assert!(heard.starts_with("-WRONGPASS ") && heard.contains("-NOAUTH "), "{heard}");
    peer.verdict = Some(Verdict::Granted);
    peer.say(&format!("HELLO 3 SETNAME shop AUTH default {KEY}\nCLIENT GETNAME\n"));
    let heard = peer.heard();
    assert!(heard.starts_with("%7 $6 server") && heard.ends_with("$4 shop "), "{heard}");
    assert_eq!(peer.proofs, [("default".to_owned(), true), ("default".to_owned(), true)]);
}

#[test]
fn what_is_no_key_is_passed_on_as_none_and_a_wrong_command_is_told_how_it_is_written() {
    let mut peer = Peer { verdict: Some(Verdict::Wrong), ..Peer::new() };
    peer.say("AUTH secret\nHELLO 3 AUTH shop dbk_12\nAUTH\nAUTH a b c\nHELLO 3 AUTH shop\n");
    assert_eq!(peer.proofs, [(String::new(), false), ("shop".to_owned(), false)]);
    let heard = peer.heard();
    assert_eq!(heard.matches("-WRONGPASS ").count(), 2, "{heard}");
    assert_eq!(heard.matches("-ERR syntax error: AUTH [name] key").count(), 2, "{heard}");
    assert!(heard.contains("-ERR syntax error: HELLO [2|3] [AUTH name key] [SETNAME name]"), "{heard}");
    assert!(!heard.contains("secret") && !heard.contains("dbk_12"), "{heard}");
}
