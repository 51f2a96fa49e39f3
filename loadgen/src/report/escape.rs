//! Text in XML and HTML.

/// The same text, in which nothing is markup any more, between tags and between quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_break_the_document() {
        assert_eq!(escape("a<b> & \"c\"\n'd'"), "a&lt;b&gt; &amp; &quot;c&quot;&#10;&#39;d&#39;");
    }
}
