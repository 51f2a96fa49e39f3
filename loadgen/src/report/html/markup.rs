//! Markup that is well-formed and escaped because nothing else can be said.

use crate::report::escape::escape;

/// An attribute's name and value.
pub(super) type Attribute<'a> = (&'static str, &'a str);

/// Some elements, one after another.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// An element with what `inside` puts into it.
    pub(super) fn node(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        inside: impl FnOnce(&mut Self),
    ) {
        self.begin(tag, attributes);
        self.out.push('>');
        inside(self);
        self.out.extend(["</", tag, ">"]);
        if is_block(tag) {
            self.out.push('\n');
        }
    }

    /// An element without anything in it.
    pub(super) fn leaf(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.begin(tag, attributes);
        self.out.push_str("/>");
    }

    /// Text, whatever is in it.
    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(&escape(text));
    }

    /// An element with a text; `class` may be empty.
    pub(super) fn say(&mut self, tag: &'static str, class: &str, text: &str) {
        let class = [("class", class)];
        self.node(tag, if class[0].1.is_empty() { &[] } else { &class }, |html| html.text(text));
    }

    /// The style sheet, which is ours and needs no escape.
    pub(super) fn style(&mut self, sheet: &'static str) {
        self.out.extend(["<style>\n", sheet, "</style>\n"]);
    }

    /// What was said.
    pub(super) fn into_text(self) -> String {
        self.out
    }

    fn begin(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.out.extend(["<", tag]);
        for (name, value) in attributes {
            self.out.extend([" ", name, "=\"", &escape(value), "\""]);
        }
    }
}

/// Whether a line ends behind it, for those who read the source.
fn is_block(tag: &str) -> bool {
    !matches!(tag, "a" | "b" | "code" | "span" | "td" | "th" | "title" | "text" | "h1" | "h2" | "h3" | "dt")
}
