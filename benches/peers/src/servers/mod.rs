//! The servers, each started for one measurement with a folder of its own and stopped after it.

pub(crate) mod doorbuster;
pub(crate) mod postgres;
pub(crate) mod redis;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::error::PeerError;
use crate::replies::reply_len;
use crate::speech::{Speech, Words};

/// How often a server that starts is asked whether it is there, at most.
const TRIES: u32 = 600;

/// How long between two of these.
const PAUSE: Duration = Duration::from_millis(50);

/// When an answer may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When what it says is synced to disk.
    Always,
    /// Before: a sync follows within a second.
    Second,
}

impl Durability {
    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Always => "synced before the answer",
            Self::Second => "synced each second",
        }
    }
}

/// A server that can be loaded.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How it is asked.
    pub(crate) speech: Speech,
    /// Its process.
    pub(crate) pid: Option<u32>,
}

/// A server's process, which ends with this.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Goes with it.
    _folder: tempfile::TempDir,
}

impl Process {
    /// Starts a program whose files are in a folder of its own.
    fn start(
        command: &mut Command,
        folder: tempfile::TempDir,
        remedy: &'static str,
    ) -> Result<Self, PeerError> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).spawn();
        let child = child.map_err(|error| PeerError::Program { program, error, remedy })?;
        Ok(Self { child, _folder: folder })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; its data goes with the folder.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A folder for a server's files.
fn folder() -> Result<tempfile::TempDir, PeerError> {
    let folder = tempfile::Builder::new().prefix("doorbuster-peers-").tempdir();
    folder.map_err(|error| PeerError::File { file: std::env::temp_dir(), error })
}

/// A port that is free now.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Sends commands of RESP and gives the last reply, without its end.
fn call(address: SocketAddr, commands: impl IntoIterator<Item = Vec<String>>) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_mins(1)))?;
    let (mut out, mut asked) = (Vec::new(), 0_u32);
    for command in commands {
        let mut words = Words::default();
        for word in &command {
            words.text(word);
        }
        words.put(&mut out);
        asked += 1;
    }
    let mut writer = stream.try_clone()?;
    // Beside the reading: a server stops reading from who doesn't.
    let writing = std::thread::spawn(move || writer.write_all(&out));
    let (mut came, mut chunk, mut last) = (Vec::new(), vec![0; 64 << 10], String::new());
    while asked > 0 {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        came.extend_from_slice(&chunk[..length]);
        let mut at = 0;
        while let Some(length) = reply_len(&came[at..]) {
            String::from_utf8_lossy(&came[at..at + length]).trim_end().clone_into(&mut last);
            if last.starts_with('-') {
                return Err(io::Error::other(last));
            }
            asked -= 1;
            at += length;
        }
        came.drain(..at);
    }
    writing.join().map_err(|_| io::Error::other("the writer panicked"))??;
    Ok(last)
}
