//! A log whose disk is slow: new holds are refused, payments go on, and holds are let in again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use doorbuster_engine::storage::{SimStorage, Storage, StorageError, StorageFile};
use doorbuster_gateway::testing::Server;
use doorbuster_protocol::{Code, Confirm, FLAG_FIRST_ATTEMPT, Kind};

use crate::breaker::{GET, breakers, crowd, http, of};
use crate::wire::Peer;
use crate::{SKU, code, connect, frame, read, wish};

/// Far above what counts as slow, so that a reactor that is kept from its clock for a while doesn't hide it.
const SLOW: Duration = Duration::from_millis(200);

/// A disk that takes its time to sync while it is told to.
#[derive(Clone, Debug)]
struct SlowDisk {
    disk: SimStorage,
    /// Written by the test, read by the journal's thread; nothing else hangs on it.
    slow: Arc<AtomicBool>,
}

#[derive(Debug)]
struct SlowFile {
    file: Box<dyn StorageFile>,
    slow: Arc<AtomicBool>,
}

impl SlowDisk {
    fn file(&self, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(SlowFile { file, slow: Arc::clone(&self.slow) })
    }
}

impl Storage for SlowDisk {
    fn list(&self) -> Result<Vec<String>, StorageError> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.disk.create(name).map(|file| self.file(file))
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>, StorageError> {
        self.disk.open(name).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<(), StorageError> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> Result<(), StorageError> {
        self.disk.sync_folder()
    }
}

impl StorageFile for SlowFile {
    fn length(&self) -> Result<u64, StorageError> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        self.file.write_at(offset, bytes)
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        if self.slow.load(Ordering::Relaxed) {
            std::thread::sleep(SLOW);
        }
        self.file.sync_data()
    }

    fn truncate(&self, length: u64) -> Result<(), StorageError> {
        self.file.truncate(length)
    }
}

#[test]
fn a_log_that_is_slow_takes_no_new_holds_but_payments_until_it_is_well() {
    let slow = Arc::new(AtomicBool::new(false));
    let disk = SlowDisk { disk: SimStorage::new(0), slow: Arc::clone(&slow) };
    let server = Server::start_with(|setup| {
        setup.storage = Arc::new(disk);
        setup.backlog_us = 0;
        setup.reactors = 1;
        setup.shards = 1;
        setup.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    });
    Peer::greeted(server.address()).put_sku(SKU, 1_000_000);
    let mut peer = connect(&server, 0);
    peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, 1, &wish(&server, 1)));
    let order = read(&mut peer, 1).answers[&1].order;

    slow.store(true, Ordering::Relaxed);
    // Sixty results that are slow are enough; the first to come after them are refused.
    let opened =
        (1..50).any(|round| crowd(&server, &mut peer, round * 1_000, 60).contains(&Code::BreakerOpen));
    assert!(opened, "3,000 slow results open it");
    let all = breakers(&http(&server, GET).1);
    let first = of(&all, "log", "reserve")["transitions"].as_array().expect("a list")[0].clone();
    assert_eq!((&first["to"], &first["reason"]), (&"OPEN".into(), &"slow-share".into()));
    assert_eq!(of(&all, "shard-0", "settle")["state"], "CLOSED");
    let payment_id = wish(&server, 20).request_id;
    peer.send(&frame(Kind::Confirm, 0, 2, &Confirm { order, user: 1, payment_id, amount: 0 }));
    assert_eq!(code(&read(&mut peer, 1).answers[&2]), Code::Ok);

    slow.store(false, Ordering::Relaxed);
    for number in 100_000.. {
        peer.send(&frame(Kind::Reserve, FLAG_FIRST_ATTEMPT, number, &wish(&server, number)));
        let answer = read(&mut peer, 1).answers[&number];
        if code(&answer) == Code::Ok {
            break;
        }
        assert_eq!((code(&answer), answer.retry_after_ms > 0), (Code::BreakerOpen, true));
    }
    server.stop();
}
