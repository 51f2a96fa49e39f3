//! A length field that lies costs no memory. A test program of its own, as it looks at the whole process.

use doorbuster_protocol::{Fetched, Header, Hello, Kind, ReserveOrder, Welcome, body};

/// Most memory that refusing a lie may cost: a record's bound of 1 MiB, and slack for the allocator's own arenas.
const SLACK_KIB: u64 = 32 << 10;

/// The most virtual memory that this process ever had, KiB; `None` where the system doesn't say.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmPeak:")?.split_whitespace().next()?.parse().ok())
}

#[test]
fn a_length_that_lies_is_refused_without_memory_for_it() {
    let before = peak_kib();
    for shift in 6..64 {
        for length in [1_u64 << shift, (1 << shift) + 1, u64::MAX >> (63 - shift)] {
            let mut order = vec![0; 72];
            order.extend_from_slice(&length.to_le_bytes());
            order.extend_from_slice(&[0; 64]);
            let read = body::read(&Header::new(Kind::ReserveOrder, 0, 1), &order, |_: ReserveOrder| {});
            assert!(read.is_err(), "{length} lines");
            let header = Header::new(Kind::ReserveOrder, 0, 1);
            assert!(body::read_each(&header, &order, |_: &ReserveOrder| {}).is_err(), "{length} lines");

            let mut hello = b"DOORBSTR\x01\x01\0\0\0\0\0\0\0\0".to_vec();
            hello.extend_from_slice(&length.to_le_bytes());
            hello.extend_from_slice(b"short");
            assert!(
                body::read_one::<Hello>(&Header::new(Kind::Hello, 0, 1), &hello).is_err(),
                "{length} bytes"
            );

            let mut fetched = vec![0; 40];
            fetched.extend_from_slice(&length.to_le_bytes());
            fetched.extend_from_slice(&[0; 128]);
            let read = body::read_one::<Fetched>(&Header::new(Kind::Fetched, 0, 1), &fetched);
            assert!(read.is_err(), "{length} events");

            let mut welcome = vec![0; 62];
            welcome.extend_from_slice(&length.to_le_bytes());
            assert!(body::read_one::<Welcome>(&Header::new(Kind::Welcome, 0, 1), &welcome).is_err());
        }
    }
    if let (Some(before), Some(after)) = (before, peak_kib()) {
        assert!(after - before < SLACK_KIB, "{} KiB were asked for", after - before);
    }
}
