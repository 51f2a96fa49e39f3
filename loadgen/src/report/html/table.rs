//! Tables that a narrow screen scrolls sideways, with heads that a screen reader tells for each cell.

use super::markup::Html;

/// How a cell looks.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Words, to the left.
    Words(String),
    /// A number, to the right.
    Figure(String),
    /// Good or bad, in a word.
    Good(String),
    /// See [`Self::Good`].
    Bad(String),
    /// Neither.
    Open(String),
    /// Words, and a list below them.
    List(String, Vec<String>),
}

/// A column's name; whether it has numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    /// Of words.
    Words(&'static str),
    /// Of numbers.
    Figure(&'static str),
}

/// Heads above heads: each with the number of columns that it is for; empty where there are none.
pub(super) type Groups = [(&'static str, usize)];

/// A table, of which the first column names the row.
pub(super) fn table(
    label: &str,
    groups: &Groups,
    heads: &[Head],
    rows: impl IntoIterator<Item = Vec<Cell>>,
    html: &mut Html,
) {
    // Who has no pointer scrolls it by the keyboard.
    let attributes = [("class", "table"), ("role", "region"), ("aria-label", label), ("tabindex", "0")];
    html.node("div", &attributes, |html| {
        html.node("table", &[], |html| {
            html.node("thead", &[], |html| {
                if !groups.is_empty() {
                    html.node("tr", &[("class", "groups")], |html| {
                        for (name, columns) in groups {
                            let span = columns.to_string();
                            let attributes = [("scope", "colgroup"), ("colspan", span.as_str())];
                            html.node("th", &attributes, |html| html.text(name));
                        }
                    });
                }
                html.node("tr", &[], |html| {
                    for head in heads {
                        let (class, name) = match head {
                            Head::Words(name) => ("words", name),
                            Head::Figure(name) => ("figure", name),
                        };
                        html.node("th", &[("scope", "col"), ("class", class)], |html| html.text(name));
                    }
                });
            });
            html.node("tbody", &[], |html| {
                for row in rows {
                    html.node("tr", &[], |html| {
                        row.iter().enumerate().for_each(|(nth, cell)| write(nth == 0, cell, html));
                    });
                }
            });
        });
    });
}

fn write(first: bool, cell: &Cell, html: &mut Html) {
    let (class, text) = match cell {
        Cell::Words(text) | Cell::List(text, _) => ("words", text),
        Cell::Figure(text) => ("figure", text),
        Cell::Good(text) => ("words good", text),
        Cell::Bad(text) => ("words bad", text),
        Cell::Open(text) => ("words open", text),
    };
    let attributes = [("class", class), ("scope", "row")];
    let (tag, attributes) = if first { ("th", &attributes[..]) } else { ("td", &attributes[..1]) };
    html.node(tag, attributes, |html| {
        html.text(text);
        if let Cell::List(_, items) = cell
            && !items.is_empty()
        {
            html.node("ul", &[], |html| items.iter().for_each(|item| html.say("li", "", item)));
        }
    });
}
