//! Bytes to records and back: the wire's frames and the log's records, a batch of 64 at a time.
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use doorbuster_benches::{Crowd, START};
use doorbuster_engine::log::record;
use doorbuster_ledger::{Event, OrderNumber, Reserved, Timestamp};
use doorbuster_protocol::{Answer, Code, Header, Kind, Parsed, Reserve, body, parse};

const BATCH: u64 = 64;

fn wire(c: &mut Criterion) {
    let reserves: Vec<Reserve> =
        (0..BATCH).map(|user| Reserve { user, sku: 1, quantity: 1, ..Reserve::default() }).collect();
    let answers = vec![Answer::of(Code::Ok); 64];
    let mut frame = Vec::new();
    body::frame(Header::new(Kind::Reserve, 1, 0), &reserves, &mut frame);
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(BATCH));
    let mut out = Vec::new();
    group.bench_function("encode/reserve", |b| {
        b.iter(|| {
            out.clear();
            body::frame(Header::new(Kind::Reserve, 1, 0), black_box(&reserves), &mut out);
        });
    });
    group.bench_function("decode/reserve", |b| {
        b.iter(|| {
            let Ok(Parsed::Frame { header, body, .. }) = parse(black_box(&frame)) else { unreachable!() };
            let mut units = 0;
            body::read(&header, body, |reserve: Reserve| units += reserve.quantity)
                .expect("a sound frame reads");
            units
        });
    });
    group.bench_function("encode/answer", |b| {
        b.iter(|| {
            out.clear();
            body::frame(Header::new(Kind::Reserved, 1, 0), black_box(&answers), &mut out);
        });
    });
    group.finish();
}

fn log(c: &mut Criterion) {
    let mut crowd = Crowd::new(1, 1_000_000, 1_000, 0);
    let events: Vec<Event> = (0..BATCH)
        .map(|number| {
            let reserve = crowd.reserve(Timestamp::new(START));
            Event::Reserved(Reserved {
                number: OrderNumber::new(number),
                request: reserve.request,
                user: reserve.user,
                sku: reserve.sku,
                quantity: reserve.quantity,
                amount: reserve.amount,
                at: Timestamp::new(START),
                asked_hold_ms: 0,
                hold_ms: 300_000,
                channel: reserve.channel,
                moves: 0,
                wait_ms: 0,
                terms: reserve.terms,
                claim: reserve.claim,
            })
        })
        .collect();
    let mut bytes = Vec::new();
    let mut group = c.benchmark_group("codec");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("encode/log_record", |b| {
        b.iter(|| {
            bytes.clear();
            for event in black_box(&events) {
                record::encode_event(event, &mut bytes);
            }
        });
    });
    group.bench_function("decode/log_record", |b| {
        b.iter(|| {
            let mut rest = black_box(bytes.as_slice());
            while let Ok((record, used)) = record::decode(rest) {
                black_box(record);
                rest = &rest[used..];
            }
        });
    });
    group.finish();
}

criterion_group!(benches, wire, log);
criterion_main!(benches);
