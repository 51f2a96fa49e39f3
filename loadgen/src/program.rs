//! The program of a server of our own: this executable, a copy of it, or one that somebody names.
//!
//! This executable and its copies are the server when [`SERVE`] is their first argument; any other program must be a
//! `doorbuster` and is told to `serve`. A program that is named is asked for its version before anything is done with it, so
//! that a wrong path is refused on the spot and not in the middle of a drill.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use serde::Serialize;

use crate::exit::Failure;
use crate::target::{SERVE, end_with_parent};

/// First argument that makes this executable run another program in its place, which then ends with the drill. Hidden, as
/// [`SERVE`] is.
pub const IN_PLACE: &str = "__in-place";

/// Name of a copy of this executable.
const COPY: &str = "next-doorbuster-drill";

/// Longest wait for a program to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most bytes of a version's line that are read: whatever is longer is none.
const LONGEST_LINE: u64 = 200;

/// What a server of our own runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What it answers to `--version`.
    pub version: String,
    /// It is the drill's, which is a server only under [`SERVE`].
    #[serde(skip)]
    is_drill: bool,
}

impl Program {
    /// This executable.
    ///
    /// # Errors
    /// If the system doesn't say where it is.
    pub fn own() -> Result<Self, Failure> {
        let path =
            std::env::current_exe().map_err(|error| Failure::could_not("find this executable", &error))?;
        let version = concat!("doorbuster-drill ", env!("CARGO_PKG_VERSION")).to_owned();
        Ok(Self { path, version, is_drill: true })
    }

    /// A copy of this executable in a folder.
    ///
    /// # Errors
    /// If it can't be copied there, or doesn't run there.
    pub fn copied_into(folder: &Path) -> Result<Self, Failure> {
        let own = Self::own()?;
        let path = folder.join(COPY);
        let what = format!("copy {} to {}", own.path.display(), path.display());
        std::fs::copy(&own.path, &path).map_err(|error| Failure::could_not(&what, &error))?;
        let version = version_of(&path)
            .map_err(|why| Failure::could_not(&format!("run the copy {}", path.display()), &why))?;
        Ok(Self { path, version, ..own })
    }

    /// The program that `option` of the command line names.
    ///
    /// # Errors
    /// If it isn't a `doorbuster` or `doorbuster-drill` that runs.
    pub fn named(option: &str, path: &Path) -> Result<Self, Failure> {
        let refused = |why: &str| {
            let path = path.display();
            Failure::usage(format!("{option} {path}: {why}; name the executable of a doorbuster"))
        };
        // A name without a folder means this folder, and not a search along PATH.
        let path = std::path::absolute(path).map_err(|error| refused(&error.to_string()))?;
        let version = version_of(&path).map_err(|why| refused(&why))?;
        let unknown = format!("it answers {version:?} to --version");
        Self::that_says(path, version).ok_or_else(|| refused(&unknown))
    }

    /// The program that answers so when it is asked for its version; none if that is no doorbuster's answer.
    pub(crate) fn that_says(path: PathBuf, version: String) -> Option<Self> {
        let is_drill = match version.split_once(' ')?.0 {
            "doorbuster" => false,
            "doorbuster-drill" => true,
            _ => return None,
        };
        Some(Self { path, version, is_drill })
    }

    /// Whether it must have been named: it is no drill's executable.
    pub const fn is_named(&self) -> bool {
        !self.is_drill
    }

    /// A command that runs it as a server. Its arguments are those of `doorbuster serve`.
    ///
    /// # Errors
    /// If the system doesn't say where this executable is.
    pub(crate) fn serve(&self) -> Result<Command, Failure> {
        if self.is_drill {
            let mut command = Command::new(&self.path);
            command.arg(SERVE);
            return Ok(command);
        }
        // It wouldn't end with the drill by itself.
        let mut command = Command::new(Self::own()?.path);
        command.arg(IN_PLACE).arg(&self.path).arg("serve");
        Ok(command)
    }
}

/// Runs the program that the arguments begin with in the place of this one. Comes back only if that fails.
pub fn run_in_place(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    end_with_parent();
    let Some(program) = arguments.next() else { return Failure::usage("no program is named").print() };
    let error = Command::new(&program).args(arguments).exec();
    Failure::could_not(&format!("run {}", Path::new(&program).display()), &error).print()
}

/// The first line that a program prints when it is asked for its version.
fn version_of(path: &Path) -> Result<String, String> {
    let mut child = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("it doesn't run: {error}"))?;
    let output = child.stdout.take();
    let (found, answer) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = output.map(|output| BufReader::new(output.take(LONGEST_LINE)).read_line(&mut line));
        // Nobody listens any more if the wait was given up.
        drop(found.send(matches!(read, Some(Ok(_))).then_some(line)));
    });
    let answer = answer.recv_timeout(PATIENCE);
    // It has said what was asked, or never will.
    drop(child.kill());
    drop(child.wait());
    match answer {
        Ok(Some(line)) if !line.trim().is_empty() => Ok(line.trim().to_owned()),
        Ok(_) => Err("it answers nothing to --version".to_owned()),
        Err(_) => Err(format!("it doesn't answer to --version within {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> String {
        let failure = Program::named("--next-server", Path::new(path)).expect_err("no doorbuster");
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        failure.line
    }

    #[test]
    fn what_is_no_doorbuster_is_refused_with_its_path_and_why() {
        for (path, why) in [
            ("/nowhere/doorbuster", "it doesn't run: No such file"),
            ("/proc/version", "it doesn't run: Permission denied"),
            ("/bin/true", "to --version"),
        ] {
            let line = refused(path);
            assert!(line.starts_with(&format!("--next-server {path}: ")) && line.contains(why), "{line}");
            assert!(line.ends_with("name the executable of a doorbuster"), "{line}");
        }
    }
}
