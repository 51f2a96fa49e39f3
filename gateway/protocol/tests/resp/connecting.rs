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
