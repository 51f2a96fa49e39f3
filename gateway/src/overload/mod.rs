//! Staying useful when there is too much to do.

pub(crate) mod admission;
mod class;

pub(crate) use admission::Admission;
pub(crate) use class::Class;
