//! Cuts the seeds of binary formats out of what is there.

use std::path::Path;

use doorbuster_engine::log::record::decode;
use doorbuster_engine::log::{BlockHeader, PAGE};
use doorbuster_protocol::*;

/// Blocks that are kept of the log's.
const BLOCKS: usize = 3;

/// Bytes of each of a block's two headers: behind a segment's fields there are zeros.
const FIELDS: usize = 128;

/// Bytes of a snapshot's first entries that are kept with their number.
const ENTRIES: usize = 2_048;

/// Bytes in front of a piece's entries.
const PIECE_HEADER: usize = 16;

/// Writes the seeds anew if somebody asks for it.
pub(crate) fn anew_if_asked(seeds: &Path, log: &Path) {
    if std::env::var_os("UPDATE_SEEDS").is_none() {
        return;
    }
    let write = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(seeds.join(target)).unwrap();
        std::fs::write(seeds.join(target).join(name), bytes).unwrap();
    };
    frames(|name, bytes| write("frame", name, bytes));
    let segments =
        [1, 2, 3].map(|number| std::fs::read(log.join(format!("segment-{number:010}.log"))).unwrap());
    write("block", "segment-header", &segments[1][..FIELDS]);
    write("audit", "segment", &segments[1][..2 * PAGE]);
    let mut payloads = Vec::new();
    for segment in &segments {
        for page in 1..segment.len() / PAGE {
            if let Ok((header, payload)) = BlockHeader::parse(&segment[page * PAGE..]) {
                payloads.push(payload.to_vec());
                if payloads.len() <= BLOCKS {
                    write(
                        "block",
                        &format!("block-{}", payloads.len()),
                        &segment[page * PAGE..][..header.padded_len()],
                    );
                }
            }
        }
    }
    write("audit", "records", &payloads[..BLOCKS].concat());
    let mut rest = &payloads.concat()[..];
    while let Ok((_, used)) = decode(rest) {
        write("record", &format!("kind-{:02}", rest[0]), &rest[..used]);
        rest = &rest[used..];
    }
    snapshot(log, |name, bytes| write("snapshot", name, bytes));
}

/// A snapshot's file, and the front of its first piece's entries behind their number.
fn snapshot(log: &Path, write: impl Fn(&str, &[u8])) {
    let file = std::fs::read(log.join("snapshot-00000000000000000510.snap")).unwrap();
    let entries = &file[PAGE + PIECE_HEADER..];
    let mut seed = file[PAGE + 4..PAGE + 8].to_vec();
    seed.extend_from_slice(entries);
    write("all-entries", &seed);
    let mut seed = 16_u32.to_le_bytes().to_vec();
    seed.extend_from_slice(&entries[..entries.len().min(ENTRIES)]);
    write("some-entries", &seed);
}

/// A frame of each kind: of those with fixed fields one of zeros, and some that say more.
fn frames(write: impl Fn(&str, &[u8])) {
    for kind in Kind::ALL {
        let mut frame = Vec::new();
        Header::new(*kind, 1, 1).encode(&mut frame, |body| body.extend_from_slice(&[0; 64]));
        write(&format!("zeros-{}", kind.name().to_lowercase()), &frame);
    }
    let line = Line { sku: 7, quantity: 2, ..Line::default() };
    let order =
        ReserveOrder { user: 1, lines: vec![line, Line { sku: 8, ..line }], ..ReserveOrder::default() };
    one(&write, "order", &order);
    one(&write, "claims", &ReserveClaims { order: order.clone(), ..ReserveClaims::default() });
    one(&write, "reserve", &Reserve { user: 1, sku: 7, quantity: 2, ..Reserve::default() });
    let lines = vec![LineUnits { sku: 7, units: 1 }];
    one(&write, "confirm-lines", &ConfirmLines { order: 9, lines: lines.clone(), ..ConfirmLines::default() });
    one(&write, "cancel-lines", &CancelLines { order: 9, lines, ..CancelLines::default() });
    one(
        &write,
        "set-budget",
        &SetBudget { funders: vec![Funder { funder: 1, share: 1 }], ..SetBudget::default() },
    );
    one(
        &write,
        "hello",
        &Hello { magic: MAGIC, oldest: 1, newest: 1, features: 3, client: "shop".to_owned() },
    );
    one(&write, "fault", &Fault { code: 1104, retry_after_ms: 5, message: "no".to_owned() });
    one(&write, "fetched", &Fetched { events: vec![FeedEvent::default(); 2], ..Fetched::default() });
    one(&write, "put-phase", &PutPhase::default());
}

fn one<R: Record>(write: &impl Fn(&str, &[u8]), name: &str, record: &R) {
    let mut frame = Vec::new();
    body::frame(Header::new(R::KINDS[0], 7, 0), std::slice::from_ref(record), &mut frame);
    write(name, &frame);
}
