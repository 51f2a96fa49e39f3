//! The log on the simulated disk, read by an auditor that shares no code with the engine.

use doorbuster_auditor::log::LogError;
use doorbuster_auditor::{Certificate, Certified, certify};
use doorbuster_engine::storage::{SimStorage, Storage};

/// Certifies what a program would find on the disk now. None where a machine died before there was a log, or where the log's
/// first segments were dropped after a snapshot.
///
/// # Errors
/// What the auditor says is wrong.
pub(super) fn audit(disk: &SimStorage) -> Result<Option<Certificate>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    for name in disk.list().map_err(|error| error.to_string())? {
        let content = disk.content(&name).unwrap_or_default();
        std::fs::write(folder.path().join(name), content).map_err(|error| error.to_string())?;
    }
    match certify(folder.path(), &mut |_, _| {}) {
        Ok(Certified::Sound(certificate)) => Ok(Some(certificate)),
        Err(LogError::NoManifest { .. } | LogError::Headless { .. }) => Ok(None),
        Ok(Certified::Contradicted(contradiction)) => Err(format!("the auditor: {contradiction}")),
        Err(error) => Err(format!("the auditor: {error}")),
    }
}
