//! The files of a data folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::PAGE;
use super::block::{BLOCK_HEADER, BLOCK_MAGIC};
use super::error::LogError;
use super::manifest::{MANIFEST, Manifest};
use super::segment::{file_name, file_number};
use crate::bytes::u32_at;

/// Most bytes of a segment's file: 4 GiB is the largest that can be configured.
const MAX_SEGMENT: u64 = 4 << 30;

/// A data folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    pub(super) manifest: Manifest,
    /// Numbers of the segments that are there, ascending.
    pub(super) segments: Vec<u64>,
}

impl Folder {
    /// Looks at the manifest and at the files' names.
    pub(super) fn open(path: &Path) -> Result<Self, LogError> {
        let manifest = path.join(MANIFEST);
        let manifest = match fs::read(&manifest) {
            Ok(bytes) => Manifest::parse(&bytes)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.is_dir() => {
                return Err(LogError::NoManifest { folder: path.to_path_buf() });
            }
            Err(error) => {
                let file = if path.is_dir() { manifest } else { path.to_path_buf() };
                return Err(LogError::Io { file, error });
            }
        };
        Ok(Self { segments: segments(path)?, path: path.to_path_buf(), manifest })
    }

    /// The bytes of a segment.
    pub(super) fn segment(&self, number: u64) -> Result<Vec<u8>, LogError> {
        let file = self.path.join(file_name(number));
        let failed = |error| LogError::Io { file: file.clone(), error };
        let length = fs::metadata(&file).map_err(failed)?.len();
        if length > MAX_SEGMENT {
            let what = format!("the file has {length} bytes, and no segment has more than {MAX_SEGMENT}");
            return Err(LogError::Damaged { file: file_name(number), offset: 0, lsn: 0, what });
        }
        fs::read(&file).map_err(failed)
    }

    /// Whether there is a file of this segment.
    pub(super) fn has(&self, number: u64) -> bool {
        self.path.join(file_name(number)).exists()
    }

    /// The first page of a segment, or less where the file is shorter.
    pub(super) fn front(&self, number: u64) -> Result<Vec<u8>, LogError> {
        use std::io::Read;
        let file = self.path.join(file_name(number));
        let failed = |error| LogError::Io { file: file.clone(), error };
        let mut page = Vec::with_capacity(PAGE);
        fs::File::open(&file).map_err(failed)?.take(PAGE as u64).read_to_end(&mut page).map_err(failed)?;
        Ok(page)
    }
}

fn segments(path: &Path) -> Result<Vec<u64>, LogError> {
    let failed = |error| LogError::Io { file: path.to_path_buf(), error };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        numbers.extend(file_number(&entry.map_err(failed)?.file_name().to_string_lossy()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Bytes of blocks in the log in `data`, without what its last segment has prepared ahead; none if it can't be read.
pub fn bytes(data: &Path) -> Option<u64> {
    let mut sum = 0;
    for number in segments(data).ok()? {
        let bytes = fs::read(data.join(file_name(number))).ok()?;
        let mut offset = PAGE;
        while let Some(block) = bytes.get(offset..).filter(|rest| rest.starts_with(BLOCK_MAGIC)) {
            let length = BLOCK_HEADER + u32_at(block, 80) as usize;
            offset += length.next_multiple_of(PAGE);
        }
        sum += (offset - PAGE) as u64;
    }
    Some(sum)
}
