//! Answers to replies: a code by its name, and what goes with it by its fields' names.

mod fields;
mod views;

use self::fields::{Field as Named, Fields, write_fields};
use super::command::Form;
use super::error::prefix;
use super::write::{Version, Writer};
use crate::answer::{Answer, Field, OrderState, StatusView};
use crate::body::{self, Record};
use crate::code::{Class, Code};
use crate::feed::Fetched;
use crate::frame::Header;
use crate::hello::Fault;
use crate::kind::Kind;
use crate::watch::Push;

/// Writes a reply for each answer of a frame. Returns how many it wrote.
pub(super) fn answers(header: &Header, bytes: &[u8], form: Form, to: &mut Writer<'_>) -> u32 {
    let mut written = 0_u32;
    let mut count = || written = written.saturating_add(1);
    // What a server sends is whole; of what is not, replies are missing, and the caller sees that.
    let kind = header.kind;
    let _whole = if kind == Kind::StatusRead {
        body::read_each(header, bytes, |view: &StatusView| {
            count();
            match form {
                Form::Fields | Form::Pushes => views::write(view, to),
                Form::Info => to.text(&views::info(view)),
            }
        })
    } else if kind == Kind::Fetched {
        body::read_each(header, bytes, |fetched: &Fetched| {
            count();
            views::fetched(fetched, to);
        })
    } else if Answer::KINDS.contains(&kind) {
        body::read_each(header, bytes, |given: &Answer| {
            count();
            answer(given, to);
        })
    } else {
        views::each(kind, header, bytes, to, count)
    };
    written
}

/// The reply to a writing operation: of its fields, those that are not 0.
fn answer(given: &Answer, to: &mut Writer<'_>) {
    let Some(code) = known(given.code, to) else { return };
    let field = Field::from_byte(given.field);
    if let Some(prefix) = prefix(code) {
        return complain(prefix, field.map(Field::name), given.retry_after_ms, code.meaning(), to);
    }
    // Where a line is refused, `order` is its SKU.
    let order = if code.class() != Class::Done && field == Some(Field::Lines) { "sku" } else { "order" };
    let state = OrderState::from_byte(given.state);
    let fields = [
        (order, Named::Name(given.order), given.order != 0),
        ("state", Named::Text(state.map_or("", OrderState::name)), state.is_some()),
        ("field", Named::Text(field.map_or("", Field::name)), field.is_some()),
        ("at", Named::Count(given.at), given.at != 0),
        ("units", Named::Count(given.units), given.units != 0),
    ];
    to.array(2);
    to.text(code.name());
    let said = fields.iter().filter(|(.., said)| *said);
    to.map(said.clone().count());
    for (name, value, _) in said {
        to.text(name);
        value.write(to);
    }
}

/// The code of this number. Of one that is not in the table, an error is written.
fn known(number: u16, to: &mut Writer<'_>) -> Option<Code> {
    let code = Code::from_number(number);
    if code.is_none() {
        to.error("ERR", "the server's answer is not in this protocol's table of codes");
    }
    code
}

/// An error reply. What programs want of it stands in front, as `name=value`.
fn complain(prefix: &str, field: Option<&str>, retry_after_ms: u32, text: &str, to: &mut Writer<'_>) {
    let field = field.map(|field| format!("field={field} ")).unwrap_or_default();
    let wait = if retry_after_ms > 0 { format!("retry_after_ms={retry_after_ms} ") } else { String::new() };
    to.error(prefix, &format!("{field}{wait}{text}"));
}

/// The reply to each command of a frame that was refused as a whole.
pub(super) fn refused(number: u16, retry_after_ms: u32, message: &str, to: &mut Writer<'_>) {
    let Some(code) = known(number, to) else { return };
    let text = if message.is_empty() { code.meaning() } else { message };
    complain(prefix(code).unwrap_or("ERR"), None, retry_after_ms, text, to);
}

/// As [`refused`], by what an error frame says.
pub(super) fn fault(fault: &Fault, to: &mut Writer<'_>) {
    refused(fault.code, fault.retry_after_ms, &fault.message, to);
}

/// What is told without having been asked for. Version 2 has no way to tell it.
pub(super) fn push(push: &Push, to: &mut Writer<'_>) {
    if to.version() == Version::Three {
        to.push(2);
        to.text("sale.order");
        write_fields(push, to);
    }
}

/// Each event of a page, told without having been asked for.
pub(super) fn events(page: &Fetched, to: &mut Writer<'_>) {
    for event in &page.events {
        to.push(2);
        to.text("sale.event");
        write_fields(event, to);
    }
}

/// Tells that no more events come, why, and which position was not told.
pub(super) fn end_of_feed(code: u16, next: u64, to: &mut Writer<'_>) {
    to.push(3);
    to.text("sale.end");
    to.text(Code::from_number(code).map_or("ERR", |code| prefix(code).unwrap_or(code.name())));
    to.count(next);
}

impl Fields for Push {
    const NAMES: &'static [&'static str] = &["order", "user", "sku", "quantity", "state", "expires_at", "at"];

    fn each(&self, to: &mut dyn FnMut(Named<'_>)) {
        to(Named::Name(self.order));
        to(Named::Name(self.user));
        to(Named::Name(self.sku));
        to(Named::Count(self.quantity.into()));
        to(Named::Text(OrderState::from_byte(self.state).map_or("", OrderState::name)));
        to(Named::Time(self.expires_at));
        to(Named::Time(self.at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(version: Version, write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Writer::new(&mut out, version));
        String::from_utf8(out).unwrap().replace("\r\n", " ")
    }

    #[test]
    fn a_success_and_a_refusal_of_business_are_a_name_and_a_map() {
        let held = Answer { state: OrderState::Held.byte(), order: u64::MAX, at: 5, ..Answer::of(Code::Ok) };
        assert_eq!(
            written(Version::Three, |to| answer(&held, to)),
            "*2 $2 OK %3 $5 order $20 18446744073709551615 $5 state $4 HELD $2 at :5 "
        );
        let sold_out = Answer { units: 3, ..Answer::of(Code::SoldOut) };
        assert_eq!(written(Version::Two, |to| answer(&sold_out, to)), "*2 $8 SOLD_OUT *2 $5 units :3 ");
        let line = Answer { field: Field::Lines.byte(), order: 7, ..Answer::of(Code::SoldOut) };
        assert_eq!(
            written(Version::Two, |to| answer(&line, to)),
            "*2 $8 SOLD_OUT *4 $3 sku $1 7 $5 field $5 lines "
        );
    }

    #[test]
    fn bad_requests_and_overload_are_errors() {
        let bad = Answer { field: Field::Quantity.byte(), ..Answer::of(Code::BadRequest) };
        let text = written(Version::Two, |to| answer(&bad, to));
        assert!(
            text.starts_with("-BAD_REQUEST field=quantity The frame or a field in it is malformed"),
            "{text}"
        );
        let shed = Answer { retry_after_ms: 20, ..Answer::of(Code::Shed) };
        assert_eq!(
            written(Version::Three, |to| answer(&shed, to)),
            "-SHED retry_after_ms=20 More waits than the server can do in time; nothing was executed. "
        );
        let text = written(Version::Three, |to| refused(Code::Busy.number(), 7, "", to));
        assert!(text.starts_with("-AT_CAPACITY retry_after_ms=7 The server is at a bound"), "{text}");
        assert!(written(Version::Two, |to| refused(1, 0, "", to)).starts_with("-ERR the server's answer"));
    }

    #[test]
    fn pushes_are_for_version_3() {
        let offer = Push { order: 9, state: OrderState::Held.byte(), quantity: 2, ..Push::default() };
        assert_eq!(written(Version::Two, |to| push(&offer, to)), "");
        let text = written(Version::Three, |to| push(&offer, to));
        assert!(text.starts_with(">2 $10 sale.order %7 $5 order $1 9 $4 user"), "{text}");
        assert!(text.contains("$5 state $4 HELD $10 expires_at _ "), "{text}");
    }
}
