//! The client against servers that follow a script, over real sockets.

mod script;

use std::time::Duration;

use doorbuster_client::{Backoff, Builder, Client, Code, Confirm, Error, Outcome, Reserve, RetryBudget};
use doorbuster_protocol::{
    Answer, Confirm as WireConfirm, Credit, FLAG_FIRST_ATTEMPT, Header, Kind, Record, Refused,
    Reserve as Wire, body,
};
use script::{Script, answers};

/// One connection, no pauses worth waiting for, and a time limit that no test reaches unless it means to.
fn builder() -> Builder {
    Client::builder()
        .connections(1)
        .timeout(Duration::from_secs(30))
        .backoff(Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(1) })
}

fn wish(user: u64) -> Reserve {
    Reserve { user, sku: 1, quantity: 1, ..Reserve::default() }
}

fn held(order: u64) -> Answer {
    Answer { order, at: 99, state: 1, ..Answer::of(Code::Ok) }
}

fn busy() -> Answer {
    Answer { retry_after_ms: 1, ..Answer::of(Code::Busy) }
}

#[tokio::test]
async fn answers_out_of_order_reach_those_who_asked() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let mut seen = Vec::new();
        while seen.iter().map(|(header, _): &(Header, _)| header.count).sum::<u32>() < 8 {
            seen.push(peer.read());
        }
        for (header, body) in seen.iter().rev() {
            let users: Vec<Answer> =
                script::records::<Wire>(header, body).iter().map(|r| held(r.user)).collect();
            peer.write(&answers(header, &users));
        }
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let wishes: Vec<Reserve> = (0..8).map(wish).collect();
    let tasks = wishes.into_iter().map(|wish| {
        let client = client.clone();
        tokio::spawn(async move { (wish.user, client.reserve(&wish).await) })
    });
    for task in tasks.collect::<Vec<_>>() {
        let (user, outcome) = task.await.expect("no panic");
        assert_eq!(outcome.expect("answered").done().expect("held").order, user);
    }
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn a_retry_keeps_the_id_and_clears_the_first_attempt_flag() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (first, body) = peer.read();
        let original = script::records::<Wire>(&first, &body);
        peer.write(&answers(&first, &[busy()]));
        let (second, body) = peer.read();
        assert_ne!(first.flags & FLAG_FIRST_ATTEMPT, 0);
        assert_eq!(second.flags & FLAG_FIRST_ATTEMPT, 0);
        assert_ne!(original[0].request_id, [0; 16], "the client makes an id");
        assert_eq!(original, script::records::<Wire>(&second, &body));
        peer.write(&answers(&second, &[held(7)]));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    assert_eq!(client.reserve(&wish(1)).await.expect("answered").done().expect("held").order, 7);
    drop(client);
    script.finish().await;
}

/// An application that was told `Uncertain` repeats the request with the id that it kept. The server must then look the
/// id up, also where the SKU has sold out since.
#[tokio::test]
async fn an_id_that_the_application_brings_is_never_a_first_attempt() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (header, _) = peer.read();
        assert_eq!(header.flags & FLAG_FIRST_ATTEMPT, 0);
        peer.write(&answers(&header, &[held(7)]));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let kept = Reserve { request_id: client.new_request_id(), ..wish(1) };
    assert_eq!(client.reserve(&kept).await.expect("answered").done().expect("held").order, 7);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn only_the_operations_that_were_told_to_are_sent_again() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (first, body) = peer.read();
        let all = script::records::<Wire>(&first, &body);
        peer.write(&answers(&first, &[held(1), busy(), Answer::of(Code::SoldOut)]));
        let (second, body) = peer.read();
        assert_eq!(script::records::<Wire>(&second, &body), [all[1]]);
        peer.write(&answers(&second, &[held(2)]));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let results = client.reserve_batch(&[wish(1), wish(2), wish(3)]).await;
    let orders: Vec<Option<u64>> =
        results.into_iter().map(|r| r.expect("answered").done().map(|hold| hold.order)).collect();
    assert_eq!(orders, [Some(1), Some(2), None]);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn final_and_later_codes_are_never_sent_again() {
    let codes: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| !matches!(code.class().name(), "RETRY" | "DONE")).collect();
    let scripted = codes.clone();
    let script = Script::start(move |peers| {
        let mut peer = peers.accept();
        for code in scripted {
            let (header, _) = peer.read();
            assert_ne!(header.flags & FLAG_FIRST_ATTEMPT, 0, "{code} was retried");
            peer.write(&answers(&header, &[Answer::of(code)]));
        }
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    for code in codes {
        match client.reserve(&wish(1)).await.expect("answered") {
            Outcome::Refused(refusal) => assert_eq!(refusal.code, code),
            Outcome::Done(hold) => panic!("{code} became {hold:?}"),
        }
    }
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn the_budget_stops_a_retry_storm() {
    // 40 requests, all refused with BUSY. Two retries are in the bucket, 40 first attempts pay for four more.
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let mut operations = 0;
        while let Some((header, _)) = peer.read_or_end() {
            operations += header.count;
            peer.write(&answers(&header, &[busy()]));
        }
        assert_eq!(operations, 40 + 6);
    });
    let client = builder()
        .retry_budget(RetryBudget::with_retries(2))
        .hold_back(false)
        .connect(&script.address)
        .await
        .expect("ok");
    for user in 0..40 {
        let outcome = client.reserve(&wish(user)).await.expect("answered");
        assert_eq!(outcome.refusal().expect("refused").code, Code::Busy);
    }
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn what_would_be_refused_is_held_back_but_never_a_payment() {
    const WISHES: u32 = 200;
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let mut reserves = 0;
        while let Some((header, _)) = peer.read_or_end() {
            let answer = if header.kind == Kind::Reserve {
                reserves += header.count;
                Answer::of(Code::Shed)
            } else {
                Answer { order: 5, state: 2, ..Answer::of(Code::Ok) }
            };
            peer.write(&answers(&header, &[answer]));
        }
        assert!((10..WISHES / 2).contains(&reserves), "{reserves} were sent");
    });
    let client =
        builder().retry_budget(RetryBudget::with_retries(0)).connect(&script.address).await.expect("ok");
    let mut held_back = 0;
    for user in 0..u64::from(WISHES) {
        match client.reserve(&wish(user)).await {
            Ok(outcome) => assert_eq!(outcome.refusal().expect("refused").code, Code::Shed),
            Err(error) => {
                assert_eq!(error, Error::HeldBack);
                held_back += 1;
            }
        }
        let paid = client.confirm(&Confirm { order: 5, user, payment_id: [3; 16], amount: 0 }).await;
        assert!(paid.expect("answered").done().is_some());
    }
    assert!(held_back > 0);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn frames_that_are_refused_together_are_retried_each() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (first, _) = peer.read();
        let refused = Refused {
            first: first.correlation,
            frames: 1,
            operations: first.count,
            retry_after_ms: 1,
            code: Code::Shed.number(),
            reserved: 0,
        };
        peer.write(&frame(Kind::Refused, &refused));
        let (second, body) = peer.read();
        assert_eq!(second.flags & FLAG_FIRST_ATTEMPT, 0);
        let users: Vec<Answer> =
            script::records::<Wire>(&second, &body).iter().map(|r| held(r.user)).collect();
        peer.write(&answers(&second, &users));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    assert_eq!(client.reserve(&wish(7)).await.expect("answered").done().expect("held").order, 7);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn a_refusal_of_frames_that_nobody_sent_ends_the_connection_and_nothing_else() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        peer.read();
        let refused =
            Refused { first: u64::MAX, frames: u32::MAX, code: Code::Shed.number(), ..Refused::default() };
        peer.write(&frame(Kind::Refused, &refused));
        peer.until_closed();
        let mut peer = peers.accept();
        let (header, body) = peer.read();
        let users: Vec<Answer> =
            script::records::<Wire>(&header, &body).iter().map(|r| held(r.user)).collect();
        peer.write(&answers(&header, &users));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let lost = client.reserve(&wish(7)).await.expect_err("the stream can't be trusted");
    assert!(matches!(lost, Error::Protocol(_)), "{lost}");
    assert_eq!(client.reserve(&wish(7)).await.expect("answered").done().expect("held").order, 7);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn no_more_is_unanswered_than_the_credit_allows() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        peer.write(&frame(Kind::Credit, &Credit { operations: 1, ..Credit::default() }));
        for _ in 0..9 {
            let (header, body) = peer.read();
            assert_eq!(header.count, 1);
            let users: Vec<Answer> =
                script::records::<Wire>(&header, &body).iter().map(|r| held(r.user)).collect();
            peer.write(&answers(&header, &users));
        }
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    // The credit came before this answer.
    assert!(client.reserve(&wish(9)).await.expect("answered").done().is_some());
    let tasks = (0..8).map(|user| {
        let client = client.clone();
        tokio::spawn(async move { client.reserve(&wish(user)).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert!(task.await.expect("no panic").expect("answered").done().is_some());
    }
    drop(client);
    script.finish().await;
}

/// A frame that answers nothing.
fn frame<R: Record>(kind: Kind, record: &R) -> Vec<u8> {
    let mut bytes = Vec::new();
    body::frame(Header::new(kind, 0, 1), std::slice::from_ref(record), &mut bytes);
    bytes
}

#[tokio::test]
async fn a_lost_connection_is_retried_over_a_new_one_with_the_same_payment() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (header, body) = peer.read();
        let first = script::records::<WireConfirm>(&header, &body);
        drop(peer);
        let mut peer = peers.accept();
        let (header, body) = peer.read();
        assert_eq!(header.flags & FLAG_FIRST_ATTEMPT, 0);
        assert_eq!(script::records::<WireConfirm>(&header, &body), first);
        peer.write(&answers(&header, &[Answer { order: 5, state: 2, ..Answer::of(Code::Replayed) }]));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let paid = client.confirm(&Confirm { order: 5, user: 1, payment_id: [3; 16], amount: 0 }).await;
    assert!(paid.expect("answered").done().expect("paid").replayed);
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn a_half_frame_and_a_close_leave_the_outcome_uncertain() {
    let script = Script::start(|peers| {
        for _ in 0..3 {
            let mut peer = peers.accept();
            let (header, _) = peer.read();
            peer.write(&answers(&header, &[held(1)])[..40]);
        }
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let error = client.reserve(&wish(1)).await.expect_err("no whole answer");
    assert!(matches!(error, Error::Uncertain { tries: 3, .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_at_the_deadline() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        peer.read();
        peer.until_closed();
    });
    let client =
        builder().timeout(Duration::from_millis(20)).connect(&script.address).await.expect("connects");
    let error = client.reserve(&wish(1)).await.expect_err("no answer");
    assert!(
        matches!(error, Error::Uncertain { tries: 1, .. } | Error::Unavailable { tries: 1, .. }),
        "{error:?}"
    );
    drop(client);
}

#[tokio::test]
async fn reads_are_never_uncertain() {
    let script = Script::start(|peers| {
        for _ in 0..3 {
            peers.accept().read();
        }
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let error = client.read_stock(1).await.expect_err("no answer");
    assert!(matches!(error, Error::Unavailable { tries: 3, .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_fault_frame_surfaces_with_its_code_and_message() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (header, _) = peer.read();
        peer.write(&script::fault(header.correlation, Code::TooLarge, "batch of 9 is over 8"));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let error = client.reserve(&wish(1)).await.expect_err("refused");
    assert_eq!(
        error,
        Error::Fault {
            code: Code::TooLarge,
            message: "batch of 9 is over 8".to_owned(),
            retry_after: Duration::ZERO
        }
    );
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn an_answer_that_breaks_the_protocol_is_an_error_and_not_a_panic() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept();
        let (header, _) = peer.read();
        // One answer too many for what was asked.
        peer.write(&answers(&header, &[held(1), held(2)]));
        peer.until_closed();
    });
    let client = builder().connect(&script.address).await.expect("connects");
    let error = client.reserve(&wish(1)).await.expect_err("malformed");
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    drop(client);
    script.finish().await;
}

#[tokio::test]
async fn a_refused_greeting_says_why() {
    let script = Script::start(|peers| {
        let mut peer = peers.accept_ungreeted();
        peer.read();
        peer.write(&script::fault(0, Code::VersionMismatch, "only version 9"));
        peer.until_closed();
    });
    let error = builder().connect(&script.address).await.expect_err("refused");
    assert!(error.to_string().contains("only version 9"), "{error}");
    assert_eq!(Kind::Hello.answer(), Some(Kind::Welcome));
    script.finish().await;
}

#[tokio::test]
async fn nobody_listening_is_said_at_once() {
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
        listener.local_addr().expect("bound").to_string()
    };
    let error = builder().connect(&address).await.expect_err("nobody there");
    assert!(matches!(&error, Error::Connect { address: named, .. } if *named == address), "{error:?}");
}
