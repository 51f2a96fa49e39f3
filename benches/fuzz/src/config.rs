//! The server's configuration.

use doorbuster_gateway::Config;

/// Name of the file in messages.
const FILE: &str = "doorbuster.toml";

/// Reads the bytes as a configuration, if they are text.
///
/// # Panics
/// One that is accepted has a value out of its range, or one that is refused isn't told in one line.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(FILE, text) {
        Ok(config) => {
            assert!(config.check().is_ok(), "{config:?}");
            let rules = config.rules();
            assert_eq!(u64::from(rules.default_hold_ms), config.rules.default_hold_ms);
            assert_eq!(u64::from(rules.max_hold_ms), config.rules.max_hold_ms);
            assert!((1..=rules.max_hold_ms).contains(&rules.default_hold_ms), "{rules:?}");
            assert_eq!(u64::from(rules.slow_pay_ms), config.rules.slow_pay_ms);
            assert!(config.shopper_limit().is_none_or(|limit| limit.remembered > 0), "{config:?}");
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
        }
    }
}
