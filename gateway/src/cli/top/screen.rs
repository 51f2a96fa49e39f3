//! The terminal while `top` runs, and its way back to what it was.

use std::io::{self, Write};
use std::time::Duration;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

use super::ended::Ended;
use super::frame::Size;

/// Another screen, an invisible cursor; and what takes that back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Ctrl-C and Ctrl-D, as a terminal gives them that makes no signals of them.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// What somebody typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Nothing that counts.
    None,
    /// That it is enough.
    Quit,
}

/// A terminal that shows frames. Dropped, it is what it was.
#[derive(Debug)]
pub(super) struct Screen {
    input: io::Stdin,
    output: io::Stdout,
    before: Termios,
}

impl Screen {
    /// Takes the terminal over: keys come one by one, and Ctrl-C as a key, so that the terminal is always given back.
    ///
    /// # Errors
    /// It is no terminal.
    pub(super) fn open() -> io::Result<Self> {
        let (input, output) = (io::stdin(), io::stdout());
        let before = tcgetattr(&input)?;
        let mut wanted = before.clone();
        wanted.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        wanted.special_codes[SpecialCodeIndex::VMIN] = 0;
        // A tenth of a second each: the one unit that terminals wait in.
        wanted.special_codes[SpecialCodeIndex::VTIME] = 1;
        tcsetattr(&input, OptionalActions::Now, &wanted)?;
        let screen = Self { input, output, before };
        screen.write(ENTER)?;
        Ok(screen)
    }

    /// How large it is, as far as it says so.
    pub(super) fn size(&self) -> Size {
        let size = tcgetwinsize(&self.output).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        size.map_or_else(Size::default, |size| Size { columns: size.ws_col.into(), rows: size.ws_row.into() })
    }

    /// Waits for a key that counts, so long at most; a signal that ends programs is such a key.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn wait(&self, longest: Duration, ended: &Ended) -> io::Result<Key> {
        let tenths = longest.as_millis().div_ceil(100);
        for _ in 0..tenths {
            let mut keys = [0; 16];
            let typed = match rustix::io::read(&self.input, &mut keys) {
                // A signal came; the next look says which.
                Err(rustix::io::Errno::INTR) => 0,
                typed => typed?,
            };
            if ended.is_set() {
                return Ok(Key::Quit);
            }
            let quits = |key: &u8| matches!(*key, b'q' | b'Q' | CTRL_C | CTRL_D);
            if keys.get(..typed).is_some_and(|keys| keys.iter().any(quits)) {
                return Ok(Key::Quit);
            }
        }
        Ok(Key::None)
    }

    /// Writes a frame over the one before, in one piece.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn draw(&self, frame: &str) -> io::Result<()> {
        // "\x1b[K" clears what a longer line left, "\x1b[J" what more lines left.
        let lines = frame.replace('\n', "\x1b[K\r\n");
        self.write(&format!("\x1b[H{lines}\x1b[K\x1b[J"))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let mut out = self.output.lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let left = self.write(LEAVE);
        let restored = tcsetattr(&self.input, OptionalActions::Now, &self.before);
        if left.is_err() || restored.is_err() {
            tracing::debug!("the terminal is gone, and needs nothing more");
        }
    }
}
