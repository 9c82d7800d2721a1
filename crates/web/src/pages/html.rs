//! Putting text into pages.

use super::assets::STYLE;

/// Text as it stands in HTML, between tags or in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The head that pages for people have in common, with a title and what else is said of the page.
pub fn head(title: &str, about: &str) -> String {
    fill(include_str!("assets/head.html"), &[("title", title), ("about", about), ("style", STYLE.version())])
}

/// A page with what belongs into its places, such as `{{style}}`: HTML already. What is put in is not looked at again.
pub fn fill(page: &str, places: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(2 * page.len());
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, after) = behind.split_once("}}").unwrap_or((behind, ""));
        filled.push_str(before);
        filled.push_str(places.iter().find(|(place, _)| *place == name).map_or("", |(_, text)| *text));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<a href=\"x\">Stone & Sons'</a>"), "&lt;a href=&quot;x&quot;&gt;Stone &amp; Sons&#39;&lt;/a&gt;");
    }

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(fill("<p>{{a}}, {{b}}</p>{{c}}", &[("a", "{{b}}"), ("b", "2")]), "<p>{{b}}, 2</p>");
    }
}
