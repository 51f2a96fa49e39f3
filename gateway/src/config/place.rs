//! Where a rule or a plan stands in a file, to be said in an error.

use crate::emergency::Fault;

/// The line, from 1, at which a rule or a plan begins, where each has a header of its own.
pub(super) fn line_of(text: &str, fault: &Fault) -> Option<usize> {
    let header = format!("[[{}]]", fault.list);
    let headers = (1..).zip(text.lines()).filter(|(_, line)| line.trim_start().starts_with(&header));
    headers.map(|(number, _)| number).nth(fault.nth)
}
