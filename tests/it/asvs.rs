//! OWASP's Application Security Verification Standard 5.0.0, levels 1 and 2: each requirement has a test that shows it, a page that it asks for, or an
//! exception with its reason. `docs/security/asvs.txt` says which; the page beside it is made of that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::LazyLock;

use crate::source::{root, rust_files};

const DATA: &str = "docs/security/asvs.txt";
const PAGE: &str = "docs/security/asvs.md";

/// How many requirements of levels 1 and 2 each chapter of 5.0.0 has.
const REQUIREMENTS: [usize; 17] = [27, 11, 19, 10, 9, 35, 18, 7, 7, 29, 14, 9, 13, 9, 13, 16, 7];
const OF_LEVEL_1: usize = 70;

/// Chapters whose requirements are all met: authentication, sessions, authorisation, tokens, OAuth.
const NOTHING_OPEN: std::ops::RangeInclusive<usize> = 6..=10;

/// The tests of the whole repository, each with its file.
static PLACES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let mut places = BTreeMap::new();
    for (name, text) in rust_files() {
        places.extend(tests_of(&text).map(|test| (test.to_owned(), name.clone())));
    }
    places
});

struct Requirement<'a> {
    chapter: usize,
    number: &'a str,
    level: &'a str,
    about: &'a str,
    kind: &'a str,
    shown: &'a str,
}

impl Requirement<'_> {
    fn parts(&self) -> impl Iterator<Item = &str> {
        self.shown.split(", ")
    }
}

/// The chapters' names and the requirements, in their order.
fn read(text: &str) -> (Vec<&str>, Vec<Requirement<'_>>) {
    let (mut chapters, mut all) = (Vec::new(), Vec::new());
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        if let Some(chapter) = line.strip_prefix("chapter ") {
            let (number, name) = chapter.split_once(": ").expect("`chapter number: name`");
            chapters.push(name);
            assert_eq!(number.parse(), Ok(chapters.len()), "{line}");
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (number, level, about) = (words.next(), words.next(), words.next().unwrap_or_else(|| panic!("{line}: about what?")));
        let shown = lines.next().and_then(|shown| shown.strip_prefix("  ")).and_then(|shown| shown.split_once(": "));
        let (kind, shown) = shown.unwrap_or_else(|| panic!("{line}: what shows it?"));
        let (number, level) = (number.unwrap_or_default(), level.unwrap_or_default());
        all.push(Requirement { chapter: chapters.len(), number, level, about, kind, shown });
    }
    (chapters, all)
}

fn data() -> String {
    std::fs::read_to_string(root().join(DATA)).expect("the data")
}

#[test]
fn no_requirement_of_the_standard_is_left_out() {
    let text = data();
    let (chapters, all) = read(&text);
    assert_eq!(chapters.len(), REQUIREMENTS.len());
    let mut of_chapter = vec![0; chapters.len()];
    let mut numbers = BTreeSet::new();
    for one in &all {
        let within: Vec<usize> = one.number.split('.').map(|part| part.parse().expect("a number")).collect();
        assert_eq!((within.len(), within[0]), (3, one.chapter), "{} stands in its chapter", one.number);
        assert!(numbers.insert(within), "{} stands twice", one.number);
        assert!(["1", "2"].contains(&one.level), "{} is of level 1 or 2", one.number);
        of_chapter[one.chapter - 1] += 1;
    }
    assert_eq!(of_chapter, REQUIREMENTS, "requirements of levels 1 and 2 in each chapter of 5.0.0");
    assert_eq!(all.iter().filter(|one| one.level == "1").count(), OF_LEVEL_1);
}

#[test]
fn what_shows_a_requirement_is_there() {
    let text = data();
    let mut wrong = Vec::new();
    for one in read(&text).1 {
        match one.kind {
            "test" => wrong.extend(
                one.parts()
                    .filter(|test| !PLACES.contains_key(*test))
                    .map(|test| format!("{}: no test is called {test}", one.number)),
            ),
            "page" => wrong.extend(
                one.parts().filter(|page| !root().join(page).is_file()).map(|page| format!("{}: there is no {page}", one.number)),
            ),
            "exception" if one.shown.len() > 10 => {}
            "exception" => wrong.push(format!("{}: an exception has its reason", one.number)),
            "open" if !NOTHING_OPEN.contains(&one.chapter) => {}
            "open" => wrong.push(format!("{}: nothing is open in chapters {NOTHING_OPEN:?}: {}", one.number, one.shown)),
            other => wrong.push(format!("{}: {other} is no way to show it", one.number)),
        }
    }
    assert!(wrong.is_empty(), "{DATA}: {wrong:#?}");
}

/// The names of the tests of a file.
fn tests_of(text: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with("#[") || line.starts_with("///") {
            marked |= ["#[test]", "#[tokio::test", "#[actix_web::test"].iter().any(|mark| line.starts_with(mark));
            return None;
        }
        let is_test = std::mem::take(&mut marked);
        let name = line.trim_start_matches("async ").strip_prefix("fn ")?;
        is_test.then(|| name.split(['(', '<']).next()).flatten()
    })
}

#[test]
fn the_page_is_made_of_the_data() {
    let text = data();
    let page = page(&text);
    let path = root().join(PAGE);
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "{PAGE} is not made of {DATA} as it is: `just accept-snapshots` makes it anew");
}

fn page(text: &str) -> String {
    let (chapters, all) = read(text);
    let mut page = String::from(
        "<!-- Made by tests/it/asvs.rs of asvs.txt: change that, then `just accept-snapshots`. -->\n\
         # OWASP ASVS 5.0.0, levels 1 and 2\n\n\
         What shows each requirement of the [Application Security Verification Standard](https://github.com/OWASP/ASVS/tree/v5.0.0): a test, a page \
         where it asks for\none, or the reason why nothing has to. What it asks for is told shortly, in our words: its own count.\n\n\
         | Chapter | Tests | Pages | Exceptions | Open |\n|---|---|---|---|---|\n",
    );
    for (number, name) in (1..).zip(&chapters) {
        let count = |kind: &str| all.iter().filter(|one| one.chapter == number && one.kind == kind).count();
        let (tests, pages) = (count("test"), count("page"));
        writeln!(page, "| {number} {name} | {tests} | {pages} | {} | {} |", count("exception"), count("open")).expect("a text");
    }
    for (number, name) in (1..).zip(&chapters) {
        write!(page, "\n## {number} {name}\n\n| | Level | Asks for | Shown by |\n|---|---|---|---|\n").expect("a text");
        for one in all.iter().filter(|one| one.chapter == number) {
            let shown = match one.kind {
                "test" => {
                    listed(one.parts().map(|test| format!("[`{test}`](../../{})", PLACES.get(test).map_or("", String::as_str))))
                }
                "page" => listed(one.parts().map(|name| format!("[{name}](../../{name})"))),
                "exception" => format!("Exception: {}", one.shown),
                _ => format!("**Open**: {}", one.shown),
            };
            writeln!(page, "| {} | {} | {} | {shown} |", one.number, one.level, one.about).expect("a text");
        }
    }
    page
}

fn listed(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_test_is_told_from_a_function_and_an_exception_from_nothing() {
    let text = "#[test]\nfn one() {\n}\nfn none() {}\n#[tokio::test]\n#[ignore = \"slow\"]\nasync fn two() {";
    assert_eq!(tests_of(text).collect::<Vec<_>>(), ["one", "two"]);
    let (chapters, all) = read("# said\nchapter 1: Words\n1.1.1 2 they are clear\n  exception: nobody reads them.\n");
    assert_eq!(chapters, ["Words"]);
    assert_eq!((all[0].number, all[0].level, all[0].about, all[0].kind), ("1.1.1", "2", "they are clear", "exception"));
}
