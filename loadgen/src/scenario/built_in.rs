//! The scenarios that the executable brings along, so that it needs no file.

/// A scenario by name.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// Its name, as its file says it.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$(BuiltIn { name: $name, text: include_str!(concat!("../../../config/scenarios/", $name, ".toml")) }),+]
    };
}

/// All of them, the default first.
pub const BUILT_IN: &[BuiltIn] = built_in![
    "doors-open",
    "single-hot",
    "pay-chaos",
    "restock-waves",
    "multi-line",
    "channels",
    "price-cutover",
    "coupon-run",
    "soak",
    "baseline",
    "t0-spike",
    "spof",
    "upgrade",
    "security",
    "backup",
    "emergency",
    "overload-2",
    "overload-5",
    "overload-10",
    "herd",
    "retry-storm",
    "hot-shift",
    "slow-disk",
    "brownout",
];

/// The default scenario.
pub const DOORS_OPEN: &str = BUILT_IN[0].text;

/// The one with this name.
pub(super) fn find(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|built_in| built_in.name == name)
}

/// Their names, for messages.
pub(super) fn names() -> String {
    BUILT_IN.iter().map(|built_in| built_in.name).collect::<Vec<_>>().join(", ")
}
