//! Where a key, a rule or a plan stands in a file, to be said in an error.

use crate::emergency::Fault;

/// The line, from 1, at which a rule or a plan begins, where each has a header of its own.
pub(super) fn line_of(text: &str, fault: &Fault) -> Option<usize> {
    let header = format!("[[{}]]", fault.list);
    let headers = (1..).zip(text.lines()).filter(|(_, line)| line.trim_start().starts_with(&header));
    headers.map(|(number, _)| number).nth(fault.nth)
}

/// Line and column, from 1, of the line that sets `key` ("table.name"), where it stands on a line of its own.
pub(super) fn place(text: &str, key: &str) -> Option<(usize, usize)> {
    let (table, name) = key.split_once('.')?;
    let mut inside = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let start = line.len() - line.trim_start().len();
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            header.split(']').next().unwrap_or_default().trim().clone_into(&mut inside);
        } else if let Some((left, _)) = line.split_once('=') {
            let left = left.trim();
            if (inside == table && left == name) || (inside.is_empty() && left == key) {
                return Some((number, start + 1));
            }
        }
    }
    None
}
