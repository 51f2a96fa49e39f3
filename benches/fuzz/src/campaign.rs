//! Campaign files.

use doorbuster_gateway::cli::read_campaign;

/// Reads the bytes as a campaign's file, if they are text; lists that it names are not looked for.
///
/// # Panics
/// One that is refused isn't told in words.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(faults) = read_campaign(text) {
        assert!(faults.contains("campaign.toml"), "{faults:?}");
    }
}
