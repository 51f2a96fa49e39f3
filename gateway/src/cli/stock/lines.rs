//! A file whose lines have a bound: parsers keep a line whole, so one without end would fill the memory.

use std::io::{self, Read};

/// Longest line, bytes. A line of a stock file has at most a hundred; a file without line ends isn't one.
pub(super) const MAX_LINE: usize = 64 << 10;

/// Passes on what it reads and fails at a line beyond [`MAX_LINE`].
#[derive(Debug)]
pub(super) struct BoundedLines<R> {
    input: R,
    /// Whether a line's end between quotes is part of the line, as in CSV.
    quotes: bool,
    quoted: bool,
    /// Bytes since the last line's end.
    length: usize,
}

impl<R: Read> BoundedLines<R> {
    /// `quotes`: a line's end between quotes is part of the line, as in CSV.
    pub(super) fn new(input: R, quotes: bool) -> Self {
        Self { input, quotes, quoted: false, length: 0 }
    }
}

impl<R: Read> Read for BoundedLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        for &byte in buffer.get(..count).unwrap_or_default() {
            self.quoted ^= self.quotes && byte == b'"';
            if byte == b'\n' && !self.quoted {
                self.length = 0;
                continue;
            }
            self.length += 1;
            if self.length > MAX_LINE {
                let why = if self.quoted { ": a quote in it has no end" } else { "" };
                return Err(io::Error::other(format!("a line is longer than {MAX_LINE} bytes{why}")));
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text in pieces of this size.
    fn read(text: &[u8], piece: usize) -> io::Result<usize> {
        let mut input = BoundedLines::new(text, true);
        let mut buffer = vec![0; piece];
        let mut all = 0;
        loop {
            match input.read(&mut buffer)? {
                0 => return Ok(all),
                count => all += count,
            }
        }
    }

    #[test]
    fn a_line_of_the_longest_length_passes_and_one_byte_more_fails() {
        for piece in [7, 4_096, 1 << 20] {
            for before in ["", "a\n", "\n\n"] {
                let fits = [before.as_bytes(), &vec![b'x'; MAX_LINE], b"\nb\n"].concat();
                assert_eq!(read(&fits, piece).expect("fits"), fits.len());
                for after in ["", "\nb\n"] {
                    let long = [before.as_bytes(), &vec![b'x'; MAX_LINE + 1], after.as_bytes()].concat();
                    let error = read(&long, piece).expect_err("too long");
                    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
                }
            }
        }
    }
}
