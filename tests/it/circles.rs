//! Files of a crate import each other in one direction: what two of them share stands in a file of its own that both use.
//!
//! A file uses another if it imports something that is defined there, under whatever name it was handed on, or names it by a path. To hand
//! on what stands below oneself (`pub use`) is no use of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::rust_files;

/// Circles that stay, each with its reason. A file of it is enough to name it.
const ACCEPTED: &[(&str, &str)] = &[];

/// The rooms of the Stripe sandbox from the top; each uses only those below it.
const ROOMS: &[&str] = &["lib", "sandbox", "http", "control", "objects", "webhooks", "world", "protocol", "config"];

/// A module by its path in its crate; the root is empty.
type Module = Vec<String>;

#[test]
fn no_file_of_a_crate_is_used_by_what_it_uses() {
    let mut wrong = Vec::new();
    for (source, files) in crates() {
        for circle in circles(&uses(&files)) {
            let names: Vec<String> = circle.iter().map(|module| format!("{source}/{}", shown(module))).collect();
            if !ACCEPTED.iter().any(|(file, _)| names.iter().any(|name| name == file)) {
                wrong.push(names.join(" → "));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "these files use each other in a circle: put what they share into a file of its own that they all use: {wrong:#?}"
    );
}

#[test]
fn the_sandboxs_rooms_stand_on_each_other() {
    let all = crates();
    let files = all.get("crates/stripe-sandbox/src").expect("the sandbox");
    let floor = |module: &Module| {
        let room = module.first().map_or("lib", String::as_str);
        ROOMS
            .iter()
            .position(|known| *known == room)
            .unwrap_or_else(|| panic!("{room} is no room of the sandbox: see its lib.rs"))
    };
    for (user, used) in uses(files) {
        for other in used {
            assert!(floor(&user) <= floor(&other), "{} uses {}, which stands above it", shown(&user), shown(&other));
        }
    }
}

#[test]
fn a_circle_is_found_whatever_the_names_go_through() {
    let crate_of = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(name, text)| (module_of(name), read(text))).collect();
        let found = circles(&uses(&files));
        found.iter().map(|circle| circle.iter().map(shown).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let straight = [("lib.rs", "mod a; mod b; pub use a::{A, B as C};"), ("a.rs", "pub struct A; pub fn B() {}")];
    let with = |b: &'static str| [straight[0], straight[1], ("b.rs", b)];
    assert!(crate_of(&with("use crate::A; use super::C;")).is_empty());
    let back = |a: &'static str, b: &'static str| [straight[0], ("a.rs", a), ("b.rs", b)];
    assert_eq!(crate_of(&back("use crate::b::D; pub struct A;", "use crate::{A}; pub struct D;")), ["a b"]);
    assert_eq!(
        crate_of(&back("pub struct A; fn f() { super::b::d() }", "use super::*; pub fn d() { let _ = crate::A; }")),
        ["a b"]
    );
    let quiet = r##"/* crate::b */ pub struct A; const S: &str = r#"crate::b::D"#; #[cfg(test)] mod tests { use crate::b::D; } // crate::b"##;
    assert!(crate_of(&back(quiet, "use crate::A; pub struct D;")).is_empty());
    let parent =
        [("lib.rs", "mod a;"), ("a.rs", "mod b; pub struct A; fn f() { b::d() }"), ("a/b.rs", "use super::A; pub fn d() {}")];
    assert_eq!(crate_of(&parent), ["a a/b"]);
    let inline =
        [("lib.rs", "mod a;"), ("a.rs", "mod inner { use super::A; } mod b; pub struct A;"), ("a/b.rs", "use super::A;")];
    assert!(crate_of(&inline).is_empty());
}

/// What a file says about others.
struct File {
    imports: Vec<Import>,
    /// Paths outside of imports.
    paths: Vec<Named>,
    /// Names that it defines.
    defines: BTreeSet<String>,
    /// Every name outside of imports.
    mentions: BTreeSet<String>,
}

struct Import {
    /// Handed on to others.
    public: bool,
    named: Named,
    /// The name it has here; `*` for all of a module.
    name: String,
}

#[derive(Clone)]
struct Named {
    path: Vec<String>,
    /// In how many modules of the file itself it stands: so many `super` stay in the file.
    inline: usize,
}

/// The files of each crate's `src`.
fn crates() -> BTreeMap<String, BTreeMap<Module, File>> {
    let mut all: BTreeMap<String, BTreeMap<Module, File>> = BTreeMap::new();
    for (name, text) in rust_files() {
        if let Some((root, file)) = name.split_once("/src/") {
            all.entry(format!("{root}/src")).or_default().insert(module_of(file), read(&text));
        }
    }
    assert!(all.len() > 20, "the crates are found");
    for files in all.values_mut().filter(|files| !files.contains_key(&Module::new())) {
        // A program without a library: its root is `main.rs`.
        let main = files.remove(&vec!["main".to_owned()]).expect("a crate has a root");
        files.insert(Module::new(), main);
    }
    all
}

fn module_of(file: &str) -> Module {
    let mut module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "lib".to_owned() } else { module.join("/") }
}

/// Which modules each module uses.
fn uses(files: &BTreeMap<Module, File>) -> BTreeMap<Module, BTreeSet<Module>> {
    let uses_of = |(module, file): (&Module, &File)| {
        let mut used = BTreeSet::new();
        for import in &file.imports {
            let Some(home) = home(files, module, &import.named, 0) else { continue };
            // Handed on, and not used besides.
            let below = home.starts_with(module) && import.public && !file.mentions.contains(&import.name);
            if !below {
                used.insert(home);
            }
        }
        for named in &file.paths {
            let begins = named.path.first().is_some_and(|first| {
                first == "crate"
                    || first == "super"
                    || files.contains_key(&[module.as_slice(), std::slice::from_ref(first)].concat())
            });
            if begins {
                used.extend(home(files, module, named, 0));
            }
        }
        used.remove(module);
        (module.clone(), used)
    };
    files.iter().map(uses_of).collect()
}

/// The module in which what a path names is defined, seen from `module`; none for what is another crate's.
fn home(files: &BTreeMap<Module, File>, module: &Module, named: &Named, depth: usize) -> Option<Module> {
    // Names that lead back to themselves, through two modules that hand on all of each other.
    if depth > 16 {
        return None;
    }
    let (mut at, mut inline, mut rest) = (module.clone(), named.inline, named.path.as_slice());
    let first = rest.first()?;
    if first == "crate" {
        at.clear();
        rest = &rest[1..];
    } else if first == "self" || first == "super" {
        while let Some(step) = rest.first().filter(|step| *step == "self" || *step == "super") {
            match (step.as_str(), inline) {
                ("super", 0) => drop(at.pop()?),
                ("super", _) => inline -= 1,
                _ => {}
            }
            rest = &rest[1..];
        }
    } else if !files.contains_key(&[at.as_slice(), std::slice::from_ref(first)].concat()) {
        // Another crate's, or a name that was imported here.
        let import = files.get(module)?.imports.iter().find(|import| import.name == *first && import.named.path != named.path)?;
        return home(files, module, &extended(&import.named, &rest[1..]), depth + 1);
    }
    walk(files, at, rest, depth)
}

fn walk(files: &BTreeMap<Module, File>, mut at: Module, mut rest: &[String], depth: usize) -> Option<Module> {
    loop {
        let file = files.get(&at)?;
        let Some(first) = rest.first() else { return Some(at) };
        let child = [at.as_slice(), std::slice::from_ref(first)].concat();
        if files.contains_key(&child) {
            (at, rest) = (child, &rest[1..]);
        } else if file.defines.contains(first) {
            return Some(at);
        } else if let Some(import) = file.imports.iter().find(|import| import.name == *first) {
            return home(files, &at, &extended(&import.named, &rest[1..]), depth + 1);
        } else if file.mentions.contains("macro_rules") && file.mentions.contains(first) {
            // A macro of the file's own defines it.
            return Some(at);
        } else {
            let mut globs = file.imports.iter().filter(|import| import.name == "*");
            return globs.find_map(|glob| home(files, &at, &extended(&glob.named, rest), depth + 1));
        }
    }
}

fn extended(named: &Named, rest: &[String]) -> Named {
    Named { path: [named.path.as_slice(), rest].concat(), inline: named.inline }
}

/// Groups of modules each of which reaches the others.
fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reach = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            for used in uses.get(module).into_iter().flatten() {
                if seen.insert(used.clone()) {
                    next.push(used);
                }
            }
        }
        seen
    };
    let reaches: BTreeMap<&Module, BTreeSet<Module>> = uses.keys().map(|module| (module, reach(module))).collect();
    let mut found: Vec<BTreeSet<Module>> = Vec::new();
    for (module, reached) in &reaches {
        let circle: BTreeSet<Module> =
            reached.iter().filter(|other| reaches.get(other).is_some_and(|back| back.contains(*module))).cloned().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// Reads what a file imports, names and defines. Its tests are left out.
fn read(text: &str) -> File {
    let tokens = tokens(text);
    let mut file = File { imports: Vec::new(), paths: Vec::new(), defines: BTreeSet::new(), mentions: BTreeSet::new() };
    let word = |at: usize| tokens.get(at).map_or("", String::as_str);
    // At which depths of braces modules of the file itself are open.
    let (mut inline, mut depth, mut at) = (Vec::new(), 0_usize, 0);
    while at < tokens.len() {
        match word(at) {
            "#" if word(at + 1) == "[" && word(at + 2) == "cfg" && word(at + 4) == "test" => {
                at = end_of_item(&tokens, at);
                continue;
            }
            "use" => {
                let end = (at..tokens.len()).find(|end| word(*end) == ";").unwrap_or(tokens.len());
                let public = at > 0 && (word(at - 1) == "pub" || word(at - 1) == ")");
                for (path, name) in leaves(&tokens[at + 1..end]) {
                    file.imports.push(Import { public, named: Named { path, inline: inline.len() }, name });
                }
                at = end;
            }
            "mod" => {
                if word(at + 2) == "{" {
                    file.defines.insert(word(at + 1).to_owned());
                    inline.push(depth);
                }
                at += 1;
            }
            "fn" | "struct" | "enum" | "const" | "static" | "type" | "trait" | "union" => {
                let name = if word(at + 1) == "fn" { at + 2 } else { at + 1 };
                file.defines.insert(word(name).to_owned());
            }
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                }
            }
            first if is_name(first) => {
                file.mentions.insert(first.to_owned());
                let mut path = vec![first.to_owned()];
                while word(at + 1) == "::" && is_name(word(at + 2)) {
                    path.push(word(at + 2).to_owned());
                    at += 2;
                }
                if path.len() > 1 {
                    file.paths.push(Named { path, inline: inline.len() });
                }
            }
            _ => {}
        }
        at += 1;
    }
    file
}

/// Behind the item that an attribute at `at` belongs to.
fn end_of_item(tokens: &[String], at: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token == "}" {
                    return place + 1;
                }
            }
            ";" if depth == 0 => return place + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The paths of a `use`, each with the name that it gets.
fn leaves(tree: &[String]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    // What stands before each open brace, and the path since.
    let (mut before, mut path, mut alias): (Vec<Vec<String>>, Vec<String>, Option<String>) = (Vec::new(), Vec::new(), None);
    let mut tokens = tree.iter().map(String::as_str).chain([","]);
    while let Some(token) = tokens.next() {
        match token {
            "::" => {}
            "{" => before.push(std::mem::take(&mut path)),
            "as" => alias = tokens.next().map(str::to_owned),
            "," | "}" => {
                if !path.is_empty() {
                    let mut whole = [before.concat(), std::mem::take(&mut path)].concat();
                    let all = whole.last().is_some_and(|last| last == "*");
                    if all || whole.len() > 1 && whole.last().is_some_and(|last| last == "self") {
                        whole.pop();
                    }
                    let last = if all { Some("*".to_owned()) } else { whole.last().cloned() };
                    found.extend(alias.take().or(last).map(|name| (whole, name)));
                }
                if token == "}" {
                    before.pop();
                }
            }
            name => path.push(name.to_owned()),
        }
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single characters; comments, numbers and the content of texts are left out.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is = |at: usize, wanted: &str| wanted.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let part = |c: &char| c.is_alphanumeric() || *c == '_';
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&c) = chars.get(at) {
        let raw = chars[at..].iter().skip(1).take_while(|c| **c == '#').count();
        if is(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if is(at, "/*") {
            let mut depth = 0_usize;
            while at < chars.len() {
                depth = if is(at, "/*") {
                    depth + 1
                } else if is(at, "*/") {
                    depth - 1
                } else {
                    depth
                };
                at += if is(at, "/*") || is(at, "*/") { 2 } else { 1 };
                if depth == 0 {
                    break;
                }
            }
        } else if c == 'r' && chars.get(at + 1 + raw) == Some(&'"') {
            let end = format!("\"{}", "#".repeat(raw));
            at += raw + 2;
            while at < chars.len() && !is(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if c == '"' {
            at += 1;
            while at < chars.len() && chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if c == '\'' && (is(at + 1, "\\") || chars.get(at + 2) == Some(&'\'')) {
            // A character, not a lifetime.
            at += if is(at + 1, "\\") { 3 } else { 2 };
            at += chars[at.min(chars.len())..].iter().take_while(|c| **c != '\'').count() + 1;
        } else if part(&c) {
            let length = chars[at..].iter().take_while(|c| part(c)).count();
            let word: String = chars[at..at + length].iter().collect();
            // `br"…"` and `c"…"` are read as a name and a text.
            if !word.starts_with(|c: char| c.is_ascii_digit()) && word != "br" {
                found.push(word);
                at += length;
            } else {
                at += if word == "br" { 1 } else { length };
            }
        } else if is(at, "::") {
            found.push("::".to_owned());
            at += 2;
        } else {
            if !c.is_whitespace() {
                found.push(c.to_string());
            }
            at += 1;
        }
    }
    found
}
