//! docs/resp.md lists the commands that there are. `UPDATE_DOCS=1` writes the lists into the page.

use std::fmt::Write;

use doorbuster_protocol::resp::{COMMANDS, prefix};
use doorbuster_protocol::{Class, Code};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/resp.md");

/// What stands in front of a list that is printed from the code, and behind it.
const MARKS: [(&str, &str); 2] =
    [("<!-- commands -->\n", "<!-- end of commands -->"), ("<!-- errors -->\n", "<!-- end of errors -->")];

fn commands() -> String {
    let mut list = String::new();
    for spec in COMMANDS.iter().flat_map(|group| group.iter()) {
        let usage = format!("{} {}", spec.name, spec.usage);
        writeln!(list, "* `{}`\\\n  {}", usage.trim_end(), spec.summary).unwrap();
    }
    list
}

fn errors() -> String {
    let mut table = "| first word | code | repeat it? |\n|---|---|---|\n".to_owned();
    for &code in Code::ALL {
        if let Some(word) = prefix(code) {
            let again = if code.class() == Class::Retry { "yes, with the same id" } else { "no" };
            writeln!(table, "| `{word}` | {} | {again} |", code.name()).unwrap();
        }
    }
    table
}

#[test]
fn the_page_lists_every_command_and_every_error() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut expected = page.clone();
    for ((begin, end), list) in MARKS.into_iter().zip([commands(), errors()]) {
        let from = expected.find(begin).unwrap_or_else(|| panic!("{begin}")) + begin.len();
        let to = expected.find(end).unwrap_or_else(|| panic!("{end}"));
        expected.replace_range(from..to, &list);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &expected).unwrap();
    } else {
        assert!(page == expected, "docs/resp.md is out of date; run with UPDATE_DOCS=1");
    }
}
