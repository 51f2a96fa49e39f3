//! A small file system of a test's own: an ext4 image, mounted where only the server sees it.
//!
//! Each server runs in a mount namespace of its own, which the image is mounted in. The namespace ends with the server, however
//! that ends, and the mount and its loop device with it: nothing is left behind on the machine. This needs root, or what allows
//! it to mount; where that isn't allowed, tests say so and leave it at a simulated disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{BINARY, Ended, Server, arguments};

/// Size of the image: room for five segments of the least size beside the ballast.
const IMAGE_BYTES: u64 = 48 << 20;

/// What an operator can remove to make room: two segments and a half.
const BALLAST_BYTES: u64 = 10 << 20;

/// Bytes of a segment: the least that the configuration allows.
const CONFIG: &str = "[log]\nsegment_bytes = 4194304\n";

/// Mounts the image, the first argument, at the second, and does what the others say.
const MOUNTED: &str = "mount -o loop \"$0\" \"$1\" && shift && exec \"$@\"";

/// See the module's doc.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Makes one in a folder, or says why the machine doesn't let it.
    pub(crate) fn make(folder: &Path) -> Result<Self, String> {
        let disk = Self { folder: folder.to_owned() };
        std::fs::create_dir(disk.mount_point()).unwrap();
        std::fs::write(disk.config(), CONFIG).unwrap();
        std::fs::File::create(disk.image()).unwrap().set_len(IMAGE_BYTES).unwrap();
        let mut format = Command::new("mkfs.ext4");
        does(format.args(["-q", "-m", "0"]).arg(disk.image()))?;
        let ballast = BALLAST_BYTES.to_string();
        // The shell's own redirection: it is the shell that sees the disk.
        let mut fill = disk.mounted(Path::new("sh"));
        fill.args(["-c", "head -c \"$0\" /dev/zero > \"$1\"", &ballast]);
        does(fill.arg(disk.ballast()))?;
        Ok(disk)
    }

    /// A program that sees the disk.
    fn mounted(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", MOUNTED]);
        command.arg(self.image()).arg(self.mount_point()).arg(program);
        command
    }

    /// Starts a server on it.
    pub(crate) fn serve(&self) -> Result<Server, Ended> {
        let mut command = self.mounted(Path::new(BINARY));
        command.args(arguments()).arg(self.data()).arg("--config").arg(self.config());
        Server::try_start(command, &self.errors())
    }

    /// Tries to start a server on it where nobody may write.
    pub(crate) fn serve_read_only(&self) -> Result<Server, Ended> {
        let script = "mount -o remount,ro \"$0\" && exec \"$@\"";
        let mut command = self.mounted(Path::new("sh"));
        command.args(["-c", script]).arg(self.mount_point()).arg(BINARY);
        command.args(arguments()).arg(self.data()).arg("--config").arg(self.config());
        Server::try_start(command, &self.errors())
    }

    /// Does to a server's disk what the kernel does after an error that it can't put right: the file system's journal is
    /// stopped, and nothing can be written any more.
    pub(crate) fn make_read_only(&self, server: &Server) {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", server.pid()));
        does(command.args(["mount", "-o", "remount,abort"]).arg(self.mount_point())).unwrap();
    }

    /// Makes room, as an operator would.
    pub(crate) fn remove_ballast(&self) {
        does(self.mounted(Path::new("rm")).arg(self.ballast())).unwrap();
    }

    /// What the server's own audit says of the folder.
    pub(crate) fn certify(&self) {
        let mut command = self.mounted(Path::new(BINARY));
        does(command.arg("audit").arg("--data").arg(self.data())).unwrap();
    }

    /// Where a server's standard error is.
    pub(crate) fn errors(&self) -> PathBuf {
        self.folder.join("errors")
    }

    fn image(&self) -> PathBuf {
        self.folder.join("image")
    }

    fn config(&self) -> PathBuf {
        self.folder.join("server.toml")
    }

    fn mount_point(&self) -> PathBuf {
        self.folder.join("disk")
    }

    fn ballast(&self) -> PathBuf {
        self.mount_point().join("ballast")
    }

    fn data(&self) -> PathBuf {
        self.mount_point().join("data")
    }
}

/// Runs a command to its end; what it says if it fails.
fn does(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} doesn't run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {} ({})", String::from_utf8_lossy(&output.stderr).trim(), output.status))
}
