//! Commands to records.
//!
//! One table says what there is: a command's name, how it is written, what it does, and how its arguments become a record of the
//! native protocol. Help, `COMMAND DOCS` and docs/resp.md are made of it.

mod after;
mod operate;
mod order;
mod read;

use std::ops::Range;

use super::arguments::{Arguments, Complaint, Found, is};
use crate::body::{self, Record};
use crate::frame::FLAG_FIRST_ATTEMPT;
use crate::kind::Kind;

/// A command.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// Its arguments: values in small letters, options in brackets.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What an operation is given as: read from the arguments, appended to a body.
    read: fn(&mut Arguments<'_>, &mut Vec<u8>) -> Result<Kind, Complaint>,
}

impl Spec {
    /// How it is written, without its options.
    pub(super) fn brief(&self) -> String {
        let Self { name, usage, .. } = self;
        match usage.split_once(" [") {
            Some((values, _)) => format!("{name} {values} …, and options: see COMMAND DOCS {name}"),
            None => format!("{name} {usage}"),
        }
    }
}

/// All commands that are operations. Those of most requests come first, as they are looked for in this order.
pub static COMMANDS: &[&[Spec]] = &[
    order::COMMANDS,
    order::PLAIN,
    read::PLAIN,
    read::COMMANDS,
    after::COMMANDS,
    after::PLAIN,
    operate::PLAIN,
    operate::COMMANDS,
];

/// How the answer to an operation is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// By its record's fields.
    #[default]
    Fields,
    /// As Redis says how it is, in sections of lines: INFO.
    Info,
    /// By pushes, now and from then on: `SALE.FOLLOW`.
    Pushes,
}

/// An operation, whose record was appended to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) kind: Kind,
    pub(super) flags: u8,
    /// How long somebody waits for the answer, milliseconds; 0: for ever.
    pub(super) within_ms: u32,
    pub(super) form: Form,
}

/// What a command came to.
#[derive(Debug)]
pub(super) enum Asked<'a> {
    /// An operation.
    Operation(Operation),
    /// Something about the connection, or a command that there isn't: with its name.
    Other(&'a [u8], Arguments<'a>),
    /// Nothing to do.
    Nothing,
}

/// Reads a command, whose arguments stand at `at`, and appends the record of an operation to `body`.
///
/// # Errors
/// What to tell the client; `body` is as it was.
pub(super) fn read<'a>(
    input: &'a [u8],
    at: &'a [Range<usize>],
    body: &mut Vec<u8>,
) -> Result<Asked<'a>, (&'static Spec, Complaint)> {
    let mut arguments = Arguments::new(input, at);
    let Some(name) = arguments.word() else { return Ok(Asked::Nothing) };
    let Some(spec) = find(name) else { return Ok(Asked::Other(name, arguments)) };
    let mark = body.len();
    match (spec.read)(&mut arguments, body) {
        Ok(kind) => {
            let flags = if arguments.first { FLAG_FIRST_ATTEMPT } else { 0 };
            let (within_ms, form) = (arguments.within_ms, arguments.form);
            Ok(Asked::Operation(Operation { kind, flags, within_ms, form }))
        }
        Err(complaint) => {
            body.truncate(mark);
            Err((spec, complaint))
        }
    }
}

/// The command of this name, in capitals or not.
pub(super) fn find(name: &[u8]) -> Option<&'static Spec> {
    COMMANDS.iter().flat_map(|group| group.iter()).find(|spec| is(name, spec.name))
}

/// Appends a record that is within its ranges.
fn put<R: Record>(record: &R, body: &mut Vec<u8>) -> Result<Kind, Complaint> {
    record.validate().map_err(Complaint::Rule)?;
    body::put(record, body);
    Ok(const {
        match R::KINDS {
            [kind] => *kind,
            _ => panic!("what is asked for is of one kind"),
        }
    })
}

/// An option that the command doesn't have.
fn unknown(option: &[u8]) -> Complaint {
    Complaint::Option { found: Found::new(option) }
}

/// Commands whose arguments are a record's fields: those that must be there, in their order, and options.
macro_rules! plain {
    ($($name:literal, $summary:literal, $type:ident { $($field:ident),* } [$($option:literal $place:ident),*];)+) => {
        &[$($crate::resp::command::Spec {
            name: $name,
            usage: concat!($(stringify!($field), " ",)* $("[", $option, " ", stringify!($place), "] ",)*).trim_ascii_end(),
            summary: $summary,
            read: |arguments, body| {
                let mut record = $type::default();
                $(arguments.fill(stringify!($field), &mut record.$field)?;)*
                arguments.options(|_option, _arguments| {
                    Ok(false $(|| _arguments.fill_if(_option, $option, &mut record.$place)?)*)
                })?;
                $crate::resp::command::put(&record, body)
            },
        }),+]
    };
}
use plain;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::parse;

    /// What a line comes to: kind, flags and the record's bytes, or the complaint.
    pub(in crate::resp) fn asked(line: &str) -> Result<(Kind, u8, u32, Vec<u8>), String> {
        let line = format!("{line}\r\n");
        let mut at = Vec::new();
        parse(line.as_bytes(), &mut at).unwrap().unwrap();
        let mut body = Vec::new();
        match read(line.as_bytes(), &at, &mut body) {
            Ok(Asked::Operation(Operation { kind, flags, within_ms, .. })) => {
                Ok((kind, flags, within_ms, body))
            }
            Ok(other) => panic!("{line} is {other:?}"),
            Err((spec, complaint)) => {
                assert!(body.is_empty(), "{line} left bytes");
                Err(format!("{}: {complaint}", spec.name))
            }
        }
    }

    /// The record that a line comes to.
    pub(in crate::resp) fn record<R: Record>(line: &str) -> (R, Kind, u8) {
        let (kind, flags, _, body) = asked(line).unwrap();
        let header = crate::Header::new(kind, 1, 1);
        (body::read_one(&header, &body).unwrap(), kind, flags)
    }

    /// Each command as it is at its shortest.
    const SHORTEST: &[&str] = &[
        "SALE.RESERVE 1 2 3",
        "SALE.RESERVE 1 2 3 4 5",
        "SALE.RESERVE 1 2 3 COUPON 4-5",
        "SALE.RESERVE 1 2 3 DISCOUNT 4 5",
        "SALE.CONFIRM 1 2 a",
        "SALE.CONFIRM 1 2 a LINES 3 4",
        "SALE.CANCEL 1 2",
        "SALE.CANCEL 1 2 LINES 3 4",
        "SALE.WAITLIST 1 2 3 4",
        "SALE.BEGINPAY 1 2 a",
        "SALE.FAILPAY 1 2 a",
        "SALE.EXTEND 1 2 3",
        "SALE.STOCK 1",
        "SALE.ORDER 1 2",
        "SALE.LINE 1 2 3",
        "SALE.WATCH 1 2",
        "SALE.PRICE 1",
        "SALE.CHANNEL 1 2",
        "SALE.CHANNELS 1",
        "SALE.CAMPAIGN 1",
        "SALE.PHASE 1 2 3",
        "SALE.BUDGET 1",
        "SALE.COUPON 1-2",
        "SALE.FETCH 1",
        "SALE.FOLLOW 1",
        "SALE.STATUS",
        "SALE.ADVANCE 1 2 SHIP",
        "SALE.INSPECT 1 2 3 STOCK",
        "SALE.REFUND 1 2 a b 3",
        "SALE.ONHAND 1 2 3 4",
        "SALE.PROGRESS 1 2 3",
        "SALE.GOODS 1",
        "SALE.SHORTFALL 1",
        "SALE.PUTSKU 1 2",
        "SALE.RESTOCK 1 2",
        "SALE.LIMITS 1 2 3",
        "SALE.FREEZE 1 YES",
        "SALE.SETCHANNEL 1 2",
        "SALE.REBALANCE 1 2 3 4",
        "SALE.BIND 1 2",
        "SALE.PUTPRICE 1 2 3 3 3",
        "SALE.PUTPHASE 1 2 3 4 LIVE",
        "SALE.SETCAMPAIGN 1 PAUSE",
        "SALE.SETBUDGET 1 2 3 4",
        "SALE.FUNDBUDGET 1 2 3",
        "SALE.STOPBUDGET 1",
        "SALE.ISSUECOUPONS 1 2",
    ];

    #[test]
    fn names_are_unlike_each_other_and_every_kind_of_operation_can_be_asked_for() {
        let all: Vec<&Spec> = COMMANDS.iter().flat_map(|group| group.iter()).collect();
        for spec in &all {
            assert!(std::ptr::eq(find(spec.name.to_lowercase().as_bytes()).unwrap(), *spec), "{}", spec.name);
            assert!(spec.summary.ends_with('.') && spec.name.starts_with("SALE."), "{}", spec.name);
            let begins = |line: &&str| line.split(' ').next() == Some(spec.name);
            assert!(SHORTEST.iter().any(begins), "{} is not among the shortest", spec.name);
        }
        let kinds: Vec<Kind> = SHORTEST.iter().map(|line| asked(line).unwrap().0).collect();
        let operations = Kind::ALL.iter().filter(|kind| kind.answer().is_some());
        for kind in operations.filter(|kind| !matches!(kind, Kind::Hello | Kind::Ping | Kind::Auth)) {
            assert!(kinds.contains(kind), "{} can't be asked for", kind.name());
        }
    }

    #[test]
    fn a_command_that_is_cut_short_says_what_is_missing() {
        for line in SHORTEST.iter().filter(|line| **line != "SALE.STATUS") {
            let words: Vec<&str> = line.split(' ').collect();
            for cut in 1..words.len() {
                // What is left may be whole by itself.
                if let Err(complaint) = asked(&words[..cut].join(" ")) {
                    assert!(complaint.ends_with(" is missing"), "{line}: {complaint}");
                }
            }
        }
    }

    #[test]
    fn a_missing_a_wrong_and_an_unknown_argument_are_named() {
        let complaint = |line: &str| asked(line).unwrap_err();
        assert_eq!(complaint("SALE.STOCK"), "SALE.STOCK: sku is missing");
        assert_eq!(
            complaint("sale.stock x"),
            "SALE.STOCK: sku must be a whole number, 0 to 18446744073709551615, and is 'x'"
        );
        assert_eq!(complaint("SALE.STOCK 1 2"), "SALE.STOCK: '2' is none of the command's options");
        assert_eq!(complaint("SALE.STOCK 1 WITHIN"), "SALE.STOCK: WITHIN is missing");
    }

    #[test]
    fn options_that_go_with_every_command_are_taken_anywhere() {
        let (kind, flags, within_ms, _) = asked("SALE.CONFIRM 1 2 pay-1 WITHIN 250 AMOUNT 5 FIRST").unwrap();
        assert_eq!((kind, flags, within_ms), (Kind::Confirm, FLAG_FIRST_ATTEMPT, 250));
    }
}
