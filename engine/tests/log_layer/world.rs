//! A small log on a simulated disk, and what every test does with it.

use std::sync::Arc;

use doorbuster_engine::log::{
    BlockHeader, BlockPlace, LogError, LogOptions, Owner, Recovered, Scan, VisitError, Writer, recover, scan,
};
use doorbuster_engine::storage::{SimStorage, Storage};

/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;

/// Bytes of the tests' segments: a header page and 15 pages of blocks.
pub(crate) const SEGMENT: usize = 16 * PAGE;

/// The file of a segment.
pub(crate) fn segment(number: u64) -> String {
    format!("segment-{number:010}.log")
}

/// Small segments and blocks, so that a short history rolls over often.
pub(crate) fn options(owner: u64) -> LogOptions {
    let mut options = LogOptions::new(Owner::new(owner));
    options.segment_bytes = SEGMENT as u64;
    options.block_bytes = 4 * PAGE;
    options
}

/// A block that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) payload: Vec<u8>,
    pub(crate) count: u32,
}

pub(crate) fn shared(storage: &SimStorage) -> Arc<dyn Storage> {
    Arc::new(storage.clone())
}

pub(crate) fn collect(
    blocks: &mut Vec<Block>,
) -> impl FnMut(BlockPlace, &BlockHeader, &[u8]) -> Result<(), VisitError> {
    |_, header, payload| {
        blocks.push(Block { payload: payload.to_vec(), count: header.count });
        Ok(())
    }
}

/// Recovers, and answers the blocks with it.
pub(crate) fn open(storage: &SimStorage, owner: u64) -> Result<(Recovered, Vec<Block>), LogError> {
    let mut blocks = Vec::new();
    let scan = scan(storage, collect(&mut blocks))?;
    let recovered = recover(&shared(storage), &options(owner), scan)?;
    Ok((recovered, blocks))
}

/// Reads without repairing, and answers the blocks with it.
pub(crate) fn look(storage: &SimStorage) -> (Result<Scan, LogError>, Vec<Block>) {
    let mut blocks = Vec::new();
    let answer = scan(storage, collect(&mut blocks));
    (answer, blocks)
}

/// Writes a block of one event and syncs it.
pub(crate) fn append(writer: &mut Writer, payload: &[u8]) -> Result<(), LogError> {
    writer.begin()?;
    writer.push(payload, 1)?;
    writer.write(1_000)?;
    writer.sync()?;
    Ok(())
}

/// A log whose blocks were all synced, one by one. The first block of a log is the empty one of its first epoch.
pub(crate) fn log_of(storage: &SimStorage, payloads: &[Vec<u8>]) -> Recovered {
    let (mut recovered, _) = open(storage, 1).unwrap();
    for payload in payloads {
        append(&mut recovered.writer, payload).unwrap();
    }
    recovered
}
