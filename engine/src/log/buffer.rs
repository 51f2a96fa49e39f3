//! The one block that is being filled.

use super::block::{BLOCK_HEADER_LEN, PAGE, padded_len};
use super::error::LogError;

/// Room for one block, allocated once and reused: header, payload, padding. It starts on a page boundary in memory,
/// so that the kernel copies whole pages (and so that direct IO, should it ever pay, could use it as it is).
#[derive(Debug)]
pub(super) struct BlockBuffer {
    memory: Vec<u8>,
    start: usize,
    capacity: usize,
    payload: usize,
    count: u32,
}

impl BlockBuffer {
    /// Room for blocks of up to `capacity` bytes, a multiple of [`PAGE`].
    pub(super) fn new(capacity: usize) -> Self {
        let memory = vec![0; capacity + PAGE];
        let start = memory.as_ptr().align_offset(PAGE) % PAGE;
        Self { memory, start, capacity, payload: 0, count: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.payload = 0;
        self.count = 0;
    }

    /// Payload bytes that still fit.
    pub(super) const fn room(&self) -> usize {
        self.capacity - BLOCK_HEADER_LEN - self.payload
    }

    pub(super) const fn payload_len(&self) -> usize {
        self.payload
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) const fn padded_len(&self) -> usize {
        padded_len(self.payload)
    }

    pub(super) fn push(&mut self, bytes: &[u8], count: u32) -> Result<(), LogError> {
        let full = LogError::BlockFull { need: bytes.len(), have: self.room() };
        if bytes.len() > self.room() {
            return Err(full);
        }
        self.count = self.count.checked_add(count).ok_or(full)?;
        let at = self.start + BLOCK_HEADER_LEN + self.payload;
        self.memory[at..at + bytes.len()].copy_from_slice(bytes);
        self.payload += bytes.len();
        Ok(())
    }

    /// Room for the header, then the payload.
    pub(super) fn unpadded_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + BLOCK_HEADER_LEN + self.payload]
    }

    /// The whole block; what the last block left behind this one's payload is zeroed.
    pub(super) fn padded(&mut self) -> &[u8] {
        let end = self.start + self.padded_len();
        self.memory[self.start + BLOCK_HEADER_LEN + self.payload..end].fill(0);
        &self.memory[self.start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_start_on_a_page_boundary_in_memory() {
        let mut buffer = BlockBuffer::new(2 * PAGE);
        assert_eq!(buffer.padded().as_ptr().align_offset(PAGE), 0);
        assert_eq!(buffer.padded().len(), PAGE);
    }

    #[test]
    fn padding_forgets_the_block_before() {
        let mut buffer = BlockBuffer::new(2 * PAGE);
        buffer.push(&[7; 3000], 1).unwrap();
        buffer.padded();
        buffer.clear();
        buffer.push(&[9; 10], 1).unwrap();
        assert!(buffer.padded()[BLOCK_HEADER_LEN + 10..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_push_that_does_not_fit_changes_nothing() {
        let mut buffer = BlockBuffer::new(PAGE);
        buffer.push(&[1; 100], 2).unwrap();
        let have = PAGE - BLOCK_HEADER_LEN - 100;
        let error = buffer.push(&vec![1; have + 1], 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("push {} bytes into a block that has room for {have}", have + 1)
        );
        assert_eq!((buffer.payload_len(), buffer.count(), buffer.room()), (100, 2, have));
        buffer.push(&vec![1; have], 1).unwrap();
        assert_eq!((buffer.room(), buffer.padded_len()), (0, PAGE));
    }
}
