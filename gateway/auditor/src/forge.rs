//! Logs written byte by byte as the layout is documented, by hand and not by the engine: for tests of this crate and of
//! those who use it, which need logs that the engine would never write.
//!
//! Checksums and hashes are right, unless somebody changes a byte afterwards: what is forged is what the records say.

use std::path::Path;

use crate::log::{BLOCK_HEADER, BLOCK_MAGIC, Hash, MANIFEST, PAGE, SEGMENT_MAGIC, TITLE, file_name};

/// Most bytes of records that [`Forger::records`] puts into a block.
const FULL: usize = 3_000;

/// A record of this kind with these fields, each a number and its width in bytes.
pub fn record(kind: u8, fields: &[(u64, usize)]) -> Vec<u8> {
    let bytes = fields.iter().flat_map(|(number, width)| number.to_le_bytes()[..*width].to_vec());
    std::iter::once(kind).chain(bytes).collect()
}

/// Number of an order with several lines.
pub const fn several(number: u64) -> u64 {
    number | 1 << 51
}

/// A SKU with so many units is set up.
pub fn put(sku: u64, units: u64) -> Vec<u8> {
    put_with(sku, units, 0, 0)
}

/// The same, with limits for a shopper and an order.
pub fn put_with(sku: u64, units: u64, user_limit: u64, order_limit: u64) -> Vec<u8> {
    record(1, &[(sku, 8), (units, 8), (user_limit, 4), (order_limit, 4), (0, 8), (0, 4), (0, 8)])
}

/// The id of a user's request: the user's number in each byte, but for the first on the wire, which is 0x55.
fn request(user: u64) -> [u8; 16] {
    let mut id = [user.to_le_bytes()[0]; 16];
    id[15] = 0x55;
    id
}

/// A plain hold, of kind 3.
#[derive(Clone, Copy, Debug)]
pub struct Hold {
    /// The order's number.
    pub order: u64,
    /// The shopper.
    pub user: u64,
    /// The SKU.
    pub sku: u64,
    /// Units.
    pub units: u32,
    /// When, milliseconds.
    pub at: u64,
    /// For how long, milliseconds.
    pub hold_ms: u32,
    /// What is due; 0: any amount.
    pub amount: u64,
    /// The sales channel.
    pub channel: u16,
    /// The request's id, least byte first; none: the user's own one.
    pub request: Option<[u8; 16]>,
}

impl Hold {
    /// A unit for 50 milliseconds from 0 on.
    pub const fn new(order: u64, user: u64, sku: u64) -> Self {
        Self { order, user, sku, units: 1, at: 0, hold_ms: 50, amount: 0, channel: 0, request: None }
    }

    /// The record.
    pub fn record(self) -> Vec<u8> {
        let Self { order, user, sku, units, at, hold_ms, amount, channel, request: id } = self;
        let mut bytes = record(3, &[(order, 8)]);
        bytes.extend(id.unwrap_or_else(|| request(user)));
        let rest = [
            (user, 8),
            (sku, 8),
            (at, 8),
            (amount, 8),
            (units.into(), 4),
            (0, 4),
            (hold_ms.into(), 4),
            (channel.into(), 2),
        ];
        bytes.extend(&record(0, &rest)[1..]);
        bytes
    }
}

/// A plain hold of one unit at 0, for 50 milliseconds.
pub fn reserved(order: u64, user: u64, sku: u64) -> Vec<u8> {
    Hold::new(order, user, sku).record()
}

/// The own record, of kind 20, of an order with several lines, held for 50 milliseconds.
pub fn opened(order: u64, user: u8, sku: u64, quantity: u32) -> Vec<u8> {
    let mut bytes = record(20, &[(0, 1), (order, 8)]);
    bytes.extend(request(user.into()));
    let rest = [
        (user.into(), 8),
        (0, 8),
        (0, 8),
        (0, 4),
        (50, 4),
        (0, 2),
        (0, 4),
        (0, 4),
        (0, 2),
        (0, 8),
        (0, 8),
        (0, 8),
    ];
    bytes.extend(&record(0, &rest)[1..]);
    bytes.extend(&record(0, &[(1, 8), (sku, 8), (quantity.into(), 4), (0, 4)])[1..]);
    bytes
}

/// A line's record of kind 23.
pub fn leg_held(order: u64, user: u8, sku: u64, units: u32) -> Vec<u8> {
    let (user, units) = (u64::from(user), u64::from(units));
    record(23, &[(order, 8), (sku, 8), (user, 8), (units, 4), (0, 4), (0, 2), (0, 2), (0, 2), (0, 8), (0, 8)])
}

/// A line's record of kind 24, 25, 26 or 29.
pub fn leg_ended(kind: u8, order: u64, user: u8, sku: u64, units: u32) -> Vec<u8> {
    let (user, units) = (u64::from(user), u64::from(units));
    record(kind, &[(order, 8), (sku, 8), (user, 8), (units, 4), (0, 2), (0, 8)])
}

/// A payment of kind 5, 14, 15 or 16 for an order.
pub fn paid(kind: u8, order: u64, payment: u64, amount: u64, at: u64) -> Vec<u8> {
    record(kind, &[(order, 8), (payment, 8), (0, 8), (amount, 8), (at, 8)])
}

/// Writes a log into a folder.
#[derive(Debug)]
pub struct Forger {
    /// The segments' bytes so far, of which the last is open.
    segments: Vec<Vec<u8>>,
    number: u64,
    lsn: u64,
    previous: (u32, [u8; 32]),
    /// What blocks say of themselves.
    log_id: u128,
    epoch: u64,
    durable: u64,
}

impl Default for Forger {
    fn default() -> Self {
        Self::new()
    }
}

impl Forger {
    /// A log of one segment without a block.
    pub fn new() -> Self {
        let mut forger = Self {
            segments: Vec::new(),
            number: 0,
            lsn: 0,
            previous: (0, [0; 32]),
            log_id: 0x0F1E_2D3C,
            epoch: 1,
            durable: 0,
        };
        forger.begin_segment();
        forger
    }

    /// A log of these blocks, each a list of records.
    pub fn of(blocks: &[Vec<Vec<u8>>]) -> Self {
        let mut forger = Self::new();
        for records in blocks {
            forger.block(records);
        }
        forger
    }

    /// Goes on in another segment.
    pub fn begin_segment(&mut self) {
        let mut page = vec![0; PAGE];
        page[..8].copy_from_slice(SEGMENT_MAGIC);
        page[8] = 1;
        page[12..16].copy_from_slice(&self.previous.0.to_le_bytes());
        page[16..32].copy_from_slice(&self.log_id.to_le_bytes());
        page[32..40].copy_from_slice(&(self.segments.len() as u64 + 1).to_le_bytes());
        page[40..48].copy_from_slice(&self.epoch.to_le_bytes());
        page[56..64].copy_from_slice(&self.number.to_le_bytes());
        page[64..72].copy_from_slice(&self.lsn.to_le_bytes());
        page[72..104].copy_from_slice(&self.previous.1);
        let checksum = crc32c::crc32c(&page[..124]);
        page[124..128].copy_from_slice(&checksum.to_le_bytes());
        self.durable = self.number;
        self.segments.push(page);
    }

    /// Writes a block of these records; all blocks before it are durable.
    ///
    /// # Panics
    /// There are more bytes of records than fit a block.
    pub fn block(&mut self, records: &[Vec<u8>]) {
        let payload = records.concat();
        let count = u32::try_from(records.len()).expect("a block has fewer records than bytes");
        let length = u32::try_from(payload.len()).expect("a block is below 1 MiB");
        let mut block = vec![0; BLOCK_HEADER];
        block[..8].copy_from_slice(BLOCK_MAGIC);
        block[8] = 1;
        block[12..16].copy_from_slice(&count.to_le_bytes());
        block[16..32].copy_from_slice(&self.log_id.to_le_bytes());
        block[32..40].copy_from_slice(&self.epoch.to_le_bytes());
        block[48..56].copy_from_slice(&self.number.to_le_bytes());
        block[56..64].copy_from_slice(&self.lsn.to_le_bytes());
        block[64..72].copy_from_slice(&(1 + self.number).to_le_bytes());
        block[72..80].copy_from_slice(&self.durable.to_le_bytes());
        block[80..84].copy_from_slice(&length.to_le_bytes());
        block[84..88].copy_from_slice(&self.previous.0.to_le_bytes());
        block[88..120].copy_from_slice(&self.previous.1);
        let checksum = crc32c::crc32c_append(crc32c::crc32c(&block[..124]), &payload);
        block[124..].copy_from_slice(&checksum.to_le_bytes());
        block.extend(payload);
        self.previous = (checksum, Hash::of(&block).0);
        self.number += 1;
        self.durable = self.number;
        self.lsn += u64::from(count);
        block.resize(block.len().next_multiple_of(PAGE), 0);
        if let Some(segment) = self.segments.last_mut() {
            segment.extend(block);
        }
    }

    /// Writes these records in order, as many a block as fit a page.
    pub fn records(&mut self, records: &[Vec<u8>]) {
        let mut block: Vec<Vec<u8>> = Vec::new();
        for record in records {
            if block.iter().map(Vec::len).sum::<usize>() + record.len() > FULL {
                self.block(&std::mem::take(&mut block));
            }
            block.push(record.clone());
        }
        if !block.is_empty() {
            self.block(&block);
        }
    }

    /// The segments' bytes, to be changed.
    pub fn segments_mut(&mut self) -> &mut Vec<Vec<u8>> {
        &mut self.segments
    }

    /// Writes manifest and segments into a folder; behind the last block there is room.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let covered = format!("{TITLE}\nversion 1\nlog {:032x}\nsegment 1\n", self.log_id);
        let checksum = crc32c::crc32c(covered.as_bytes());
        std::fs::write(folder.join(MANIFEST), format!("{covered}checksum {checksum:08x}\n"))?;
        for (number, bytes) in (1..).zip(&self.segments) {
            let mut bytes = bytes.clone();
            bytes.resize(bytes.len() + 4 * PAGE, 0);
            std::fs::write(folder.join(file_name(number)), bytes)?;
        }
        Ok(())
    }
}
