//! The first words of error replies.
//!
//! A Redis client takes some of them for something that its server did: it follows MOVED to another server, waits at LOADING, and
//! asks for a script to be killed at BUSY. None of ours may begin like one of those,
//! but where it means the same.

use crate::code::{Class, Code};

/// First words that Redis clients act on, and those that its servers send.
pub const RESERVED_PREFIXES: &[&str] = &[
    "ASK",
    "BUSY",
    "BUSYGROUP",
    "BUSYKEY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "DENIED",
    "ERR",
    "EXECABORT",
    "INPROG",
    "IOERR",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOGOODSLAVE",
    "NOPERM",
    "NOPROTO",
    "NOREPLICAS",
    "NOSCRIPT",
    "NOTBUSY",
    "NOTREADY",
    "OOM",
    "READONLY",
    "STALE",
    "TRYAGAIN",
    "UNBLOCKED",
    "UNKILLABLE",
    "WRONGPASS",
    "WRONGTYPE",
];

/// What a Redis server says to a client that has not proved who it is: ours mean the same.
const NO_KEY: &str = "NOAUTH";

/// What a Redis server says to a client that may not do what it asks for: ours mean the same.
const NO_RIGHT: &str = "NOPERM";

/// The first word of the error reply for a code; `None` for those that are replies like any other: what a sale decides.
pub fn prefix(code: Code) -> Option<&'static str> {
    // Requests that are no good, what the server could not do just now, and its own end.
    let is_error = code.class() == Class::Retry || matches!(code.number(), 1100..=1199 | 1900..);
    is_error.then(|| match code.name() {
        "BUSY" => "AT_CAPACITY",
        "BUSY_SKU" => "SKU_QUEUED",
        "UNAUTHENTICATED" => NO_KEY,
        "FORBIDDEN" => NO_RIGHT,
        name => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_first_word_means_something_else_to_a_redis_client() {
        let ours = Code::ALL.iter().filter_map(|&code| prefix(code));
        for prefix in ours.filter(|prefix| ![NO_KEY, NO_RIGHT].contains(prefix)) {
            let taken = RESERVED_PREFIXES.iter().find(|reserved| prefix.starts_with(*reserved));
            assert_eq!(taken, None, "{prefix}");
        }
    }

    #[test]
    fn what_a_sale_decides_is_no_error() {
        for code in [Code::Ok, Code::SoldOut, Code::UserLimit, Code::NoSuchOrder, Code::RefundRequired] {
            assert_eq!(prefix(code), None, "{code}");
        }
        assert_eq!([Code::Shed, Code::Busy].map(prefix), [Some("SHED"), Some("AT_CAPACITY")]);
    }
}
