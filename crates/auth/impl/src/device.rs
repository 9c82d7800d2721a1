//! What a program calls itself, as a few words for people: `Firefox on Windows`. A guess of what anybody may claim; nothing is decided by it.

/// So much of a name that is none of ours is shown.
const MOST: usize = 40;

/// The mark of each browser, in the order in which they are looked for: most claim to be others as well.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The mark of each system, likewise.
const SYSTEMS: &[(&str, &str)] = &[
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
];

/// The device of a `User-Agent`, if it says anything.
pub(crate) fn label(agent: &str) -> Option<String> {
    let marked = |marks: &[(&str, &'static str)]| marks.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    let program = marked(BROWSERS).map(str::to_owned).or_else(|| named(agent));
    match (program, marked(SYSTEMS)) {
        (Some(program), Some(system)) => Some(format!("{program} on {system}")),
        (Some(one), None) => Some(one),
        (None, Some(system)) => Some(system.to_owned()),
        (None, None) => None,
    }
}

/// The name of a program that is no browser, such as `curl` of `curl/8.5.0`.
fn named(agent: &str) -> Option<String> {
    let name = agent.split(['/', ' ', '(', ';']).next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let short: String = name.chars().take(MOST).collect();
    (name != "Mozilla" && !name.is_empty() && name.chars().all(is_plain)).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_by_their_marks() {
        let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        for (agent, device) in [
            (format!("{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (format!("{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 Edg/131.0"), "Edge on Windows"),
            (
                format!("{windows} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36 OPR/116.0"),
                "Opera on Windows",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0".into(), "Firefox on Linux"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15".into(),
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 CriOS/131.0 Mobile Safari/604.1".into(),
                "Chrome on iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36".into(), "Chrome on Android"),
            ("curl/8.5.0".into(), "curl"),
            ("okhttp/4.12.0".into(), "okhttp"),
        ] {
            assert_eq!(label(&agent).as_deref(), Some(device), "{agent}");
        }
    }

    #[test]
    fn what_says_nothing_has_no_name_and_none_is_long() {
        for nothing in ["", "Mozilla/5.0", "<script>alert(1)</script>", "\u{202e}evil"] {
            assert_eq!(label(nothing), None, "{nothing}");
        }
        assert_eq!(label(&"a".repeat(500)).map(|name| name.len()), Some(MOST));
        assert!(label("Mozilla/5.0 (Windows) SamsungBrowser/1").is_some_and(|name| name.len() <= 80));
    }
}
