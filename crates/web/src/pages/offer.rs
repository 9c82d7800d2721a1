//! What a script of ours offers beside a form: a button, and what came of it. Where no script runs, the form is there alone.

use super::html::{escape, fill};
use super::script::{Script, attributes};

/// What a browser may load for a page with such an offer: our files, and answers of this server. Its form goes to this server.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                                 frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// An offer. All of it is text: what is HTML in it is shown as it stands.
pub struct Offer<'a> {
    /// What the script is told to do.
    pub act: &'a str,
    /// What the button says.
    pub button: &'a str,
    /// What the script says of what came of it, by name.
    pub words: &'a [(&'a str, &'a str)],
    /// What is said where no script runs.
    pub without: &'a str,
    /// The script, and where it is served.
    pub script: (&'a Script, &'a str),
}

impl Offer<'_> {
    /// What stands in the head of a page.
    pub(super) fn head(&self) -> String {
        let (script, path) = self.script;
        format!("<script src=\"{}\" defer></script>\n", script.address(path))
    }

    /// What stands before the form. The script shows it.
    pub(super) fn html(&self) -> String {
        let [act, button, without] = [self.act, self.button, self.without].map(escape);
        let words = attributes(self.words);
        let places = [("act", &*act), ("words", &*words), ("button", &*button), ("without", &*without)];
        fill(include_str!("assets/offer.html"), &places)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new("'use strict';"));

    #[test]
    fn what_is_offered_is_text_and_hidden_until_the_script_shows_it() {
        let offer = Offer {
            act: "show",
            button: "<b>",
            words: &[("done", "\"<i>\"")],
            without: "a & b",
            script: (&SCRIPT, "/auth/x.js"),
        };
        let html = offer.html();
        assert!(
            html.contains("data-act=\"show\" data-done=\"&quot;&lt;i&gt;&quot;\" hidden") && html.contains(">&lt;b&gt;<"),
            "{html}"
        );
        assert!(html.contains("<noscript><p>a &amp; b</p></noscript>") && !html.contains("{{"), "{html}");
        assert!(offer.head().starts_with("<script src=\"/auth/x.js?v="), "{}", offer.head());
        assert!(POLICY.contains("script-src 'self'") && POLICY.contains("form-action 'self'") && !POLICY.contains("unsafe"));
    }
}
