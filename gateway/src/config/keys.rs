//! The one list of what can be configured. What is not here can't be set, and what is here is documented by it.

use super::MAX_REACTORS;
use super::key::{Key, Reload};
use super::kind::{Kind, Unit};

/// Longest hold that may be configured, milliseconds: a week.
const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// An hour, milliseconds.
const HOUR_MS: u64 = 60 * 60 * 1_000;

/// The longest month, milliseconds.
const MONTH_MS: u64 = 31 * 24 * HOUR_MS;

/// The longest year, milliseconds.
const YEAR_MS: u64 = 366 * 24 * HOUR_MS;

/// A key that takes effect at the next start.
const fn key(name: &'static str, kind: Kind, need: &'static str, meaning: &'static str) -> Key {
    Key { name, kind, need, reload: Reload::Restart, meaning, flag: None }
}

/// A key that takes effect when the configuration is read again.
const fn live(name: &'static str, kind: Kind, need: &'static str, meaning: &'static str) -> Key {
    Key { reload: Reload::Live, ..key(name, kind, need, meaning) }
}

/// A key with a flag of its own.
const fn flag(flag: &'static str, key: Key) -> Key {
    Key { flag: Some(flag), ..key }
}

const fn number(unit: Unit, least: u64, most: u64) -> Kind {
    Kind::Number { unit, least, most, step: 1, or_zero: false }
}

const fn count(least: u64, most: u64) -> Kind {
    number(Unit::Count, least, most)
}

const fn ms(least: u64, most: u64) -> Kind {
    number(Unit::Milliseconds, least, most)
}

const fn us(least: u64, most: u64) -> Kind {
    number(Unit::Microseconds, least, most)
}

const ADDRESS: &str = "an IP address and a port, such as \"127.0.0.1:7700\"";

const FILE: &str = "a file with a name in UTF-8, or \"off\"";

/// Every key, in the order of `config/doorbuster.toml`.
pub static KEYS: [Key; 50] = [
    flag(
        "--listen",
        key(
            "server.listen",
            Kind::Address { or_off: false },
            ADDRESS,
            "where clients connect; port 0 takes a free one",
        ),
    ),
    flag(
        "--resp",
        key(
            "server.resp",
            Kind::Address { or_off: true },
            "an IP address and a port, or \"off\"",
            "where [Redis clients](resp.md) connect",
        ),
    ),
    flag(
        "--admin",
        key(
            "server.admin",
            Kind::Address { or_off: false },
            ADDRESS,
            "where health, metrics and operators' wishes are served",
        ),
    ),
    key(
        "server.max_connections",
        count(1, 1_000_000),
        "1 to 1,000,000",
        "connections at most, dealt out evenly to the reactors",
    ),
    key(
        "server.max_connections_per_address",
        count(1, 1_000_000),
        "1 to 1,000,000",
        "those of them that come from one address, or one IPv6 network of 64 bits",
    ),
    flag(
        "--reactors",
        key(
            "server.reactors",
            count(0, MAX_REACTORS as u64),
            "0 (automatic) to 64",
            "threads that serve; 0: one a core",
        ),
    ),
    flag(
        "--shards",
        key(
            "server.shards",
            count(0, 64),
            "0 (automatic) to 64",
            "shards of the ledger; 0: as many as reactors, rounded up to a power of two; may change at each start",
        ),
    ),
    live(
        "server.drain_ms",
        ms(0, 600_000),
        "0 to 600,000 ms",
        "longest wait for answers on their way when stopping",
    ),
    live(
        "server.slow_reader_ms",
        ms(1, 600_000),
        "1 to 600,000 ms",
        "how long a connection may take nothing of its answers before it is closed",
    ),
    live(
        "server.release_alarm_ms",
        ms(1, HOUR_MS),
        "1 to 3,600,000 ms",
        "a hold whose units go back later than this past its deadline is an alarm",
    ),
    live(
        "server.price_alarm_ms",
        ms(0, 24 * HOUR_MS),
        "0 to 86,400,000 ms",
        "how long before prices begin to count a campaign must have all of them",
    ),
    live(
        "server.log_level",
        Kind::Filter,
        "error, warn, info, debug or trace, or a filter of tracing's EnvFilter, such as \"info,doorbuster_gateway=debug\"",
        "what is told on standard error; `DOORBUSTER_LOG` sets it, too",
    ),
    key(
        "tls.certificate",
        Kind::File,
        FILE,
        "the server's certificate in PEM, and behind it those that link it to one that clients trust: all ports are encrypted with \
         it, see [security.md](security.md#tls); its content is read again with the configuration",
    ),
    key("tls.key", Kind::File, FILE, "the certificate's private key in PEM; its content is read again, too"),
    key(
        "tls.client_ca",
        Kind::File,
        FILE,
        "certificates in PEM: who connects must show one that is signed by one of them",
    ),
    flag(
        "--data",
        key(
            "log.folder",
            Kind::Text,
            "a folder with a name in UTF-8",
            "the data folder; made if it does not exist",
        ),
    ),
    flag(
        "--durability",
        key(
            "log.durability",
            Kind::OneOf(&["always", "interval", "none"]),
            "\"always\", \"interval\" or \"none\"",
            "when an answer may leave, see [durability.md](durability.md)",
        ),
    ),
    key("log.interval_ms", ms(1, 60_000), "1 to 60,000 ms", "between syncs, for `interval`"),
    key(
        "log.segment_bytes",
        Kind::Number { unit: Unit::Bytes, least: 4 << 20, most: 4 << 30, step: 1 << 20, or_zero: false },
        "4 MiB to 4 GiB in whole MiB, in bytes",
        "a new segment of the log; two are prepared ahead",
    ),
    key(
        "log.recovery_grace_ms",
        ms(0, HOUR_MS),
        "0 to 3,600,000 ms",
        "after a restart no open hold ends earlier than this; 0: none moves",
    ),
    key(
        "log.shopper_key",
        Kind::File,
        FILE,
        "the key of the [pseudonyms](security.md#names-of-shoppers) that shoppers have in the log; what it is when a log begins stays",
    ),
    key(
        "snapshots.every_bytes",
        Kind::Number { unit: Unit::Bytes, least: 4 << 20, most: 1 << 40, step: 1, or_zero: true },
        "0 (never) or 4 MiB to 1 TiB, in bytes",
        "of log between two snapshots, or the last one's size if that is more",
    ),
    key("snapshots.keep", count(1, 16), "1 to 16", "snapshots that are kept"),
    key(
        "snapshots.keep_log_bytes",
        number(Unit::Bytes, 0, i64::MAX.cast_unsigned()),
        "0 (all of it) or any number of bytes",
        "of log that are kept before the oldest of them, in whole segments",
    ),
    key(
        "rules.default_hold_ms",
        ms(1, WEEK_MS),
        "1 ms to rules.max_hold_ms",
        "hold time where a request names none",
    ),
    key("rules.max_hold_ms", ms(1, WEEK_MS), "1 ms to a week", "longest hold time"),
    key(
        "rules.idempotency_window_ms",
        ms(1_000, MONTH_MS),
        "1 s to 31 days, in ms",
        "how long a request's repeat is recognised; after raising it, ids older than the former value may have been forgotten and \
         would be executed again",
    ),
    key(
        "rules.order_retention_ms",
        ms(1_000, MONTH_MS),
        "1 s to 31 days, in ms",
        "how long an ended order stays readable",
    ),
    key(
        "rules.paid_retention_ms",
        ms(0, YEAR_MS),
        "0 to 366 days, in ms",
        "how long a paid order stays readable of which nothing was heard since, if that is longer; see \
         [orders after payment](#orders-after-payment)",
    ),
    key(
        "rules.return_window_ms",
        ms(0, YEAR_MS),
        "0 to 366 days, in ms",
        "how long after its delivery units of an order may come back",
    ),
    key(
        "rules.future_tolerance_ms",
        ms(0, HOUR_MS),
        "0 to an hour, in ms",
        "how far ahead of the server's clock a request id may be",
    ),
    key(
        "rules.pay_pin_ms",
        ms(0, HOUR_MS),
        "0 to an hour, in ms",
        "how much longer a hold lasts once its payment has begun",
    ),
    key(
        "rules.slow_pay_ms",
        ms(0, WEEK_MS),
        "0 to a week, in ms",
        "how long a hold lasts from the beginning of a slow payment",
    ),
    key(
        "rules.pay_grace_ms",
        ms(0, HOUR_MS),
        "0 to an hour, in ms",
        "what a shopper has at least after a failed payment",
    ),
    key("rules.max_extensions", count(0, 100), "0 to 100", "how often a hold may be extended"),
    key(
        "rules.offer_ms",
        ms(1_000, WEEK_MS),
        "1 s to a week, in ms",
        "how long units that came back are held for the one who waited",
    ),
    key("rules.max_wait_ms", ms(0, WEEK_MS), "0 to a week, in ms", "longest wait for units; 0: none"),
    key("rules.max_waiting", count(0, 10_000_000), "0 to 10,000,000", "most orders that wait for one SKU"),
    key(
        "security.keys",
        Kind::Text,
        "a file, in the data folder unless its path starts with a slash",
        "the API keys, see [security.md](security.md#keys-and-roles); as soon as there is one, nothing but health is open without",
    ),
    key(
        "security.unprotected",
        Kind::OneOf(&["refuse", "allow"]),
        "\"refuse\" or \"allow\"",
        "what becomes of a server with a port that [other machines can reach](security.md#listening-beyond-this-machine), and without an \
         API key or a certificate: it doesn't start, or it does",
    ),
    live(
        "overload.backlog_us",
        us(0, 1_000_000),
        "0 to 1,000,000 us",
        "how much work may wait in a reactor before new holds are refused; 0: nothing is refused",
    ),
    live(
        "overload.shopper_per_second",
        number(Unit::PerSecond, 0, 100_000),
        "0 (no limit) to 100,000",
        "new holds that a shopper may ask for in the long run",
    ),
    live(
        "overload.shopper_burst",
        count(1, 100_000),
        "1 to 100,000",
        "new holds that a shopper may ask for at once",
    ),
    live(
        "overload.shoppers_remembered",
        count(1_024, 1 << 24),
        "1,024 to 16,777,216",
        "shoppers that each reactor remembers for that; a change forgets them",
    ),
    key(
        "overload.added_cost_us",
        us(0, 100_000),
        "0 to 100,000 us",
        "work that is added to each command, for rehearsals",
    ),
    live(
        "overload.loss_budget",
        Kind::Share,
        "\"0 %\" to \"100 %\"",
        "how much may be lost of each kind before less may wait",
    ),
    live(
        "overload.late_ms",
        ms(1, 60_000),
        "1 to 60,000 ms",
        "an answer that takes longer than this, from the read of its request, is late",
    ),
    key(
        "board.targets",
        Kind::File,
        FILE,
        "goals that the [board](board.md#goals) shows, a file as [reports.md](reports.md#goals) has it",
    ),
    key(
        "anomaly.rules",
        Kind::List,
        "a list of rules",
        "when the order rate is out of the ordinary, see [overload.md](overload.md#anomalies-and-emergency-plans)",
    ),
    key(
        "emergency.plans",
        Kind::List,
        "a list of plans",
        "what is done then, see [emergency plans](#emergency-plans)",
    ),
];
