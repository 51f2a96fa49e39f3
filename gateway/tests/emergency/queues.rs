//! A queue holds up new holds, and nothing that was promised.

use doorbuster_gateway::Action;
use doorbuster_protocol::{
    Answer, Cancel, Code, Confirm, FLAG_FIRST_ATTEMPT, Header, Kind, Line, Reserve, ReserveOrder, body,
};

use crate::wire::Peer;
use crate::{Crowd, SKU, code, few, granted, plan, start};

fn queue(all: bool) -> Action {
    Action::Queue { sku: None, all, per_second: few(1), burst: few(1) }
}

fn frame(flags: u8, wishes: &[Reserve]) -> Vec<u8> {
    let mut bytes = Vec::new();
    body::frame(Header { flags, ..Header::new(Kind::Reserve, 2, 1) }, wishes, &mut bytes);
    bytes
}

fn order(cart: &ReserveOrder) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = Header { flags: FLAG_FIRST_ATTEMPT, ..Header::new(Kind::ReserveOrder, 3, 1) };
    body::frame(header, std::slice::from_ref(cart), &mut bytes);
    bytes
}

#[test]
fn beyond_its_pace_new_holds_are_told_their_turn_and_all_else_goes_on() {
    let server = start(vec![plan("queue", vec![queue(false)])], Vec::new());
    Peer::greeted(server.address()).put_sku(8, 10);
    let mut crowd = Crowd::of(&server);
    let wishes: Vec<_> = (0..3).map(|_| crowd.wish(&server, SKU)).collect();
    let held = crowd.ask(Kind::Reserve, FLAG_FIRST_ATTEMPT, &wishes);
    granted(&server, r#"{"do":"run","plan":"queue","sku":7}"#);

    let crowded = crowd.come(&server, SKU, 50);
    let refused: Vec<_> = crowded.iter().filter(|answer| code(answer) == Code::BusySku).collect();
    assert!(refused.len() >= 40, "{crowded:?}");
    let turns: Vec<u32> = refused.iter().map(|answer| answer.retry_after_ms).collect();
    assert!(turns.windows(2).all(|pair| pair[0] <= pair[1]) && turns[0] < turns[9], "{turns:?}");
    assert_eq!(crowd.one(&server, 8), Code::Ok, "another SKU is not held up");

    let (unknown, first) = (crowd.wish(&server, SKU), crowd.wish(&server, 8));
    let again = crowd.ask(Kind::Reserve, 0, &wishes);
    assert!(
        again
            .iter()
            .zip(&held)
            .all(|(again, held)| (code(again), again.order) == (Code::Replayed, held.order))
    );
    let confirm = Confirm { order: held[0].order, user: 1, payment_id: [1; 16], amount: 0 };
    assert_eq!(code(&crowd.ask(Kind::Confirm, 0, &[confirm])[0]), Code::Ok);
    let cancel = Cancel { order: held[1].order, user: 2, reason: 0 };
    assert_eq!(code(&crowd.ask(Kind::Cancel, 0, &[cancel])[0]), Code::Ok);

    // Whoever comes in the same pass behind two others surely has no turn.
    let others = [crowd.wish(&server, SKU), crowd.wish(&server, SKU)];
    let others = frame(FLAG_FIRST_ATTEMPT, &others);
    let mut behind = |asked: Vec<u8>| {
        crowd.peer.send(&[others.clone(), asked].concat());
        crowd.peer.frame();
        let (header, content) = crowd.peer.frame();
        code(&body::read_one::<Answer>(&header, &content).expect("whole answers"))
    };
    assert_eq!(behind(frame(0, &[unknown])), Code::BusySku, "it was never decided");
    let line = |sku| Line { sku, quantity: 1, ..Line::default() };
    let cart = ReserveOrder {
        request_id: first.request_id,
        user: first.user,
        lines: vec![line(SKU), line(8)],
        ..ReserveOrder::default()
    };
    assert_eq!(behind(order(&cart)), Code::BusySku);
    granted(&server, r#"{"do":"revert","run":1}"#);
    assert!(crowd.come(&server, SKU, 50).iter().all(|answer| code(answer) == Code::Ok));
    server.stop();
}

#[test]
fn a_queue_for_all_holds_up_every_sku() {
    let server = start(vec![plan("queue", vec![queue(true)])], Vec::new());
    Peer::greeted(server.address()).put_sku(8, 10);
    granted(&server, r#"{"do":"run","plan":"queue"}"#);
    let mut crowd = Crowd::of(&server);
    crowd.come(&server, SKU, 1);
    assert!(crowd.come(&server, 8, 5).iter().any(|answer| code(answer) == Code::BusySku));
    server.stop();
}
