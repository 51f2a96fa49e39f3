//! A record's fields by name.

use super::super::write::Writer;

/// A field's value, by how it is said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field<'a> {
    /// A number that names something: text, as it has 64 bits.
    Name(u64),
    /// A count or an amount.
    Count(u64),
    /// A number that may be below 0.
    Signed(i64),
    /// Milliseconds since 1970; 0: nothing.
    Time(u64),
    /// A bound; the greatest number there is: none, so nothing.
    Bound(u64),
    /// A word.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
    /// An id of 16 bytes, in hexadecimal digits; all zero: nothing.
    Id([u8; 16]),
    /// Numbers.
    Counts(&'a [u16]),
}

impl Field<'_> {
    pub(super) fn write(self, to: &mut Writer<'_>) {
        match self {
            Self::Name(number) => to.name(number),
            Self::Signed(number) => to.integer(number),
            Self::Time(0) | Self::Bound(u64::MAX) => to.null(),
            Self::Count(number) | Self::Time(number) | Self::Bound(number) => to.count(number),
            Self::Text(text) => to.text(text),
            Self::Flag(yes) => to.boolean(yes),
            Self::Id(id) if id == [0; 16] => to.null(),
            Self::Id(id) => to.text(&format!("{:032x}", u128::from_be_bytes(id))),
            Self::Counts(numbers) => {
                to.array(numbers.len());
                for number in numbers {
                    to.count(u64::from(*number));
                }
            }
        }
    }
}

/// A record that is said by its fields' names.
pub(super) trait Fields {
    /// The names, in order.
    const NAMES: &'static [&'static str];

    /// Hands over each field's value, in the order of the names.
    fn each(&self, to: &mut dyn FnMut(Field<'_>));
}

/// Writes a record as a map.
pub(super) fn write_fields<F: Fields>(record: &F, to: &mut Writer<'_>) {
    to.map(F::NAMES.len());
    write_entries(record, to);
}

/// Writes a record's names and values, into a map that was begun.
pub(super) fn write_entries<F: Fields>(record: &F, to: &mut Writer<'_>) {
    let mut names = F::NAMES.iter();
    record.each(&mut |field| {
        to.text(names.next().unwrap_or(&""));
        field.write(to);
    });
}

/// Says a record's fields: each by its name, how it is said, and its value.
macro_rules! fields {
    ($($type:ty { $($name:literal: $how:ident($value:expr)),+ $(,)? } as $this:ident;)+) => {
        $(impl $crate::resp::reply::fields::Fields for $type {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn each(&self, to: &mut dyn FnMut($crate::resp::reply::fields::Field<'_>)) {
                let $this = self;
                $(to($crate::resp::reply::fields::Field::$how($value));)+
            }
        })+
    };
}
pub(super) use fields;
