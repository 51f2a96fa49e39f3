//! An upgrade: another program takes the server's place, watched from outside.
//!
//! What a supervisor would do is done: SIGTERM, wait until the process is gone, start the next program on the same data and the
//! same addresses. Meanwhile somebody knocks at the port all the time, so that the report can say how long new connections
//! were refused. A second upgrade goes back to the first program: the way back is worth a rehearsal, too.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Request;
use crate::exit::Failure;
use crate::program::Program;
use crate::scenario::FaultKind;
use crate::target::Target;
use crate::worker::Progress;

/// Time between two knocks: the precision of when connections were refused. A thousand a second are nothing to a server.
const KNOCK_EVERY: Duration = Duration::from_millis(1);

/// Longest wait for a knock to be heard: on the same machine it is heard or refused at once.
const KNOCK_PATIENCE: Duration = Duration::from_millis(250);

/// Another program took the server's place.
#[derive(Clone, Debug)]
pub struct Swap {
    /// What ran before.
    pub from: Program,
    /// What ran afterwards.
    pub to: Program,
    /// From the request to stop until the process was gone, seconds.
    pub stop_s: f64,
    /// From the start of the next process until it listened and had recovered, seconds.
    pub start_s: f64,
    /// From when until when new connections were refused, seconds since the start; none were where it is none.
    pub refused_s: Option<(f64, f64)>,
}

/// The program that an upgrade puts in the place of the first one.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) program: Program,
    /// Where the copy lies, if it is one; removed when dropped.
    _folder: Option<TempDir>,
}

impl Next {
    /// The one that the command line names, or a copy of this executable; none where the scenario swaps none.
    pub(super) fn of(request: &Request) -> Result<Option<Self>, Failure> {
        let upgrades = request.scenario.faults.iter().any(|fault| fault.kind == FaultKind::Upgrade);
        match &request.next_server {
            Some(path) if !upgrades => Err(Failure::usage(format!(
                "--next-server {}: the scenario {} puts no other server in the place of the first; run upgrade, or give it a \
                 [[faults]] table with kind = \"upgrade\"",
                path.display(),
                request.scenario.name
            ))),
            Some(path) => {
                let program = Program::named("--next-server", path)?;
                Ok(Some(Self { program, _folder: None }))
            }
            None if upgrades => {
                let folder = tempfile::Builder::new().prefix("doorbuster-next-").tempdir();
                let folder = folder.map_err(|error| Failure::could_not("make a folder", &error))?;
                let program = Program::copied_into(folder.path())?;
                Ok(Some(Self { program, _folder: Some(folder) }))
            }
            None => Ok(None),
        }
    }
}

/// Swaps the server's program for `next`.
pub(super) fn swap(
    target: &mut Target,
    next: &Program,
    start: Instant,
    progress: &Progress,
) -> Result<Swap, String> {
    let from = target.program().map_err(|failure| failure.line)?;
    let (address, gone, over) = (target.peer().at(), AtomicBool::new(false), AtomicBool::new(false));
    let (replaced, refused_s) = std::thread::scope(|scope| {
        let knocking = scope.spawn(|| knock(address, start, &gone, &over));
        // On this thread: a server that it starts ends with the thread that started it.
        let replaced = replace(target, next, &gone, progress);
        over.store(true, Ordering::Relaxed);
        (replaced, knocking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (stop, start) = replaced.map_err(|failure| failure.line)?;
    let (stop_s, start_s) = (stop.as_secs_f64(), start.as_secs_f64());
    Ok(Swap { from, to: next.clone(), stop_s, start_s, refused_s })
}

/// Stops the server and starts the next one; how long each took.
fn replace(
    target: &mut Target,
    next: &Program,
    gone: &AtomicBool,
    progress: &Progress,
) -> Result<(Duration, Duration), Failure> {
    progress.down.store(true, Ordering::Release);
    let asked = Instant::now();
    target.stop()?;
    let stopped = Instant::now();
    gone.store(true, Ordering::Relaxed);
    target.change_program(next.clone());
    target.restart()?;
    progress.down.store(false, Ordering::Release);
    Ok((stopped - asked, stopped.elapsed()))
}

/// Connects again and again until the first process is gone and the next one listens, or all is over; from when until when that
/// was refused, seconds since the start. Who listens and doesn't serve yet is left alone: its queue is for shoppers.
fn knock(address: SocketAddr, start: Instant, gone: &AtomicBool, over: &AtomicBool) -> Option<(f64, f64)> {
    let mut refused: Option<(f64, f64)> = None;
    while !over.load(Ordering::Relaxed) {
        let (at_s, was_gone) = (start.elapsed().as_secs_f64(), gone.load(Ordering::Relaxed));
        match TcpStream::connect_timeout(&address, KNOCK_PATIENCE) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                refused.get_or_insert((at_s, at_s)).1 = at_s + KNOCK_EVERY.as_secs_f64();
            }
            Ok(_) if was_gone => break,
            // Heard; or broken off, as what waits at a port is when it is closed.
            Ok(_) | Err(_) => {}
        }
        std::thread::sleep(KNOCK_EVERY);
    }
    refused
}
