//! The drill's scenarios.

use doorbuster_loadgen::exit::Exit;
use doorbuster_loadgen::scenario;

/// Name of the file in messages.
const FILE: &str = "sale.toml";

/// Reads the bytes as a scenario, if they are text.
///
/// # Panics
/// One that is accepted has a value out of its range or no sound length, or one that is refused isn't told in one line that begins with
/// file and line number.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match scenario::parse(FILE, text) {
        Ok(found) => {
            assert_eq!(scenario::fault(&found), None);
            assert!(found.phases_seconds().is_finite() && found.phases_seconds() > 0.0, "{found:?}");
            assert!(found.tail_seconds().is_finite() && found.tail_seconds() >= 0.0, "{found:?}");
            assert!(scenario::highest_phase(&found) < found.phases.len(), "{found:?}");
        }
        Err(failure) => {
            let line = &failure.line;
            assert_eq!(failure.exit, Exit::Usage, "{line}");
            assert!(line.starts_with("sale.toml:") && !line.contains('\n'), "{line:?}");
        }
    }
}
