//! Filters (RFC 7644 §3.4.2.2) and the paths of operations (§3.5.2), read into trees of bounded size.
//!
//! By hand: what a filter may ask for, how deep and how long it may be is decided while it is read, and every text of it ends as a bind.

use chrono::{DateTime, Utc};
use directory_api::{Attribute, Comparison, Error, Filter, Operand};

use super::attributes::{Kind, bare, truth};

/// The longest filter that is read.
const MOST_BYTES: usize = 4096;
/// The most comparisons in one.
const MOST_TERMS: usize = 50;
/// The most in a path, which is compared with each value of an attribute.
const MOST_TERMS_OF_PATH: usize = 5;
/// How deep brackets may stand in brackets.
const MOST_DEPTH: usize = 10;

/// A comparison as it is written, before anybody looks for the attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    /// The name of the attribute, without a schema.
    pub(crate) name: String,
    /// How it is compared.
    pub(crate) how: Comparison,
    /// With what.
    pub(crate) with: Literal,
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    /// Nothing, of what is only to be there; or `null`.
    Null,
    /// A text.
    Text(String),
    /// A truth.
    Flag(bool),
    /// A number, of which nothing that is kept is one.
    Number,
}

/// A filter as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Term(Term),
    /// `emails[…]`.
    Each(String, Box<Tree>),
}

/// The path of an operation: `name`, `name.part`, `name[filter]`, `name[filter].part`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub(crate) name: String,
    pub(crate) filter: Option<Tree>,
    pub(crate) part: Option<String>,
}

/// Reads the filter of a list.
pub(crate) fn parse(kind: Kind, text: &str) -> Result<Filter, Error> {
    meaning(kind, &tree(kind, text)?)
}

fn tree(kind: Kind, text: &str) -> Result<Tree, Error> {
    let mut reader = Reader::new(kind, text, MOST_TERMS)?;
    let tree = reader.any(0)?;
    reader.end()?;
    Ok(tree)
}

/// Reads the path of an operation.
pub(crate) fn path(kind: Kind, text: &str) -> Result<Path, Error> {
    let wrong = |error: Error| match error {
        Error::InvalidFilter(why) => Error::InvalidPath(format!("the path {text:?} cannot be read: {why}")),
        other => other,
    };
    let mut reader = Reader::new(kind, text, MOST_TERMS_OF_PATH).map_err(wrong)?;
    let written = reader.word();
    let named = bare(kind, &written);
    if named.is_empty() {
        return Err(Error::InvalidPath(format!("the path {text:?} names no attribute")));
    }
    let (name, mut part) = match named.split_once('.') {
        // A schema of somebody else's is no attribute of ours, whatever dots it has.
        Some((name, part)) if !name.contains(':') => (name.to_owned(), Some(part.to_owned())),
        _ => (named.to_owned(), None),
    };
    let mut filter = None;
    if reader.take('[') {
        if part.is_some() {
            return Err(Error::InvalidPath(format!("the path {text:?} narrows a part of an attribute: narrow the attribute")));
        }
        filter = Some(reader.any(1).map_err(wrong)?);
        reader.expect(']').map_err(wrong)?;
        if reader.take('.') {
            part = Some(reader.word());
        }
    }
    reader.end().map_err(wrong)?;
    Ok(Path { name, filter, part })
}

struct Reader<'a> {
    kind: Kind,
    text: &'a str,
    at: usize,
    /// So many comparisons more.
    left: usize,
}

impl<'a> Reader<'a> {
    fn new(kind: Kind, text: &'a str, most: usize) -> Result<Self, Error> {
        if text.len() > MOST_BYTES {
            return Err(Error::InvalidFilter(format!("a filter may have at most {MOST_BYTES} bytes")));
        }
        Ok(Self { kind, text, at: 0, left: most })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, c: char) -> bool {
        self.skip();
        let there = self.rest().starts_with(c);
        if there {
            self.at += c.len_utf8();
        }
        there
    }

    fn expect(&mut self, c: char) -> Result<(), Error> {
        if self.take(c) { Ok(()) } else { Err(self.wrong(&format!("`{c}` is expected"))) }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.skip();
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong("it should end")) }
    }

    fn wrong(&self, why: &str) -> Error {
        let place = self.text[..self.at].chars().count() + 1;
        if self.rest().trim().is_empty() {
            return Error::InvalidFilter(format!("the filter ends too early: {why}"));
        }
        Error::InvalidFilter(format!("the filter cannot be read at character {place}: {why}"))
    }

    /// What a name or a word of an operator is made of.
    fn word(&mut self) -> String {
        self.skip();
        let rest = self.rest();
        let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_' | '-' | '$'));
        let end = rest.find(ends).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    /// Whether this word follows, and takes it.
    fn keyword(&mut self, keyword: &str) -> bool {
        let before = self.at;
        let there = self.word().eq_ignore_ascii_case(keyword);
        if !there {
            self.at = before;
        }
        there
    }

    fn any(&mut self, depth: usize) -> Result<Tree, Error> {
        if depth > MOST_DEPTH {
            return Err(Error::InvalidFilter(format!("a filter may be at most {MOST_DEPTH} brackets deep")));
        }
        let mut parts = vec![self.all(depth)?];
        while self.keyword("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut parts = vec![self.one(depth)?];
        while self.keyword("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Tree::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Tree, Error> {
        if self.take('(') {
            let inner = self.any(depth + 1)?;
            self.expect(')')?;
            return Ok(inner);
        }
        let before = self.at;
        if self.keyword("not") {
            if self.take('(') {
                let inner = self.any(depth + 1)?;
                self.expect(')')?;
                return Ok(Tree::Not(Box::new(inner)));
            }
            self.at = before;
        }
        let written = self.word();
        let name = bare(self.kind, &written).to_owned();
        if name.is_empty() {
            return Err(self.wrong("the name of an attribute is expected"));
        }
        if self.take('[') {
            let inner = self.any(depth + 1)?;
            self.expect(']')?;
            return Ok(Tree::Each(name, Box::new(inner)));
        }
        let Some(left) = self.left.checked_sub(1) else {
            let most = format!("a filter may have at most {MOST_TERMS} comparisons, that of a path {MOST_TERMS_OF_PATH}");
            return Err(Error::InvalidFilter(most));
        };
        self.left = left;
        let how = self.comparison()?;
        let with = if how == Comparison::Present { Literal::Null } else { self.literal()? };
        Ok(Tree::Term(Term { name, how, with }))
    }

    fn comparison(&mut self) -> Result<Comparison, Error> {
        let before = self.at;
        Ok(match self.word().to_ascii_lowercase().as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "co" => Comparison::Contains,
            "sw" => Comparison::StartsWith,
            "ew" => Comparison::EndsWith,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "pr" => Comparison::Present,
            _ => {
                self.at = before;
                return Err(self.wrong("one of eq, ne, co, sw, ew, gt, ge, lt, le, pr is expected"));
            }
        })
    }

    fn literal(&mut self) -> Result<Literal, Error> {
        self.skip();
        if !self.rest().starts_with('"') {
            let before = self.at;
            let word = self.word();
            return Ok(match word.to_ascii_lowercase().as_str() {
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                "null" => Literal::Null,
                _ if !word.is_empty() && word.parse::<f64>().is_ok() => Literal::Number,
                _ => {
                    self.at = before;
                    return Err(self.wrong("a value is expected: a text in double quotes, true, false, a number or null"));
                }
            });
        }
        // As JSON has texts.
        let mut texts = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match texts.next() {
            Some(Ok(text)) if !text.contains('\0') => {
                self.at += texts.byte_offset();
                Ok(Literal::Text(text))
            }
            _ => Err(self.wrong("a text in double quotes is expected, with escapes as in JSON")),
        }
    }
}

/// What a filter asks for, of what is kept.
fn meaning(kind: Kind, tree: &Tree) -> Result<Filter, Error> {
    Ok(match tree {
        Tree::All(parts) => Filter::All(parts.iter().map(|part| meaning(kind, part)).collect::<Result<_, _>>()?),
        Tree::Any(parts) => Filter::Any(parts.iter().map(|part| meaning(kind, part)).collect::<Result<_, _>>()?),
        Tree::Not(inner) => Filter::Not(Box::new(meaning(kind, inner)?)),
        Tree::Term(term) => compared(attribute(kind, &term.name)?, term)?,
        Tree::Each(name, inner) => match (kind, name.to_ascii_lowercase().as_str()) {
            (Kind::User, "emails") => Filter::OneEmail(Box::new(within(inner, &email_part)?)),
            (Kind::Group, "members") => within(inner, &|part| part.eq_ignore_ascii_case("value").then_some(Attribute::Member))?,
            _ => return Err(unknown(kind, name)),
        },
    })
}

/// What stands in the brackets behind an attribute: its parts alone.
fn within(tree: &Tree, known: &dyn Fn(&str) -> Option<Attribute>) -> Result<Filter, Error> {
    Ok(match tree {
        Tree::All(parts) => Filter::All(parts.iter().map(|part| within(part, known)).collect::<Result<_, _>>()?),
        Tree::Any(parts) => Filter::Any(parts.iter().map(|part| within(part, known)).collect::<Result<_, _>>()?),
        Tree::Not(inner) => Filter::Not(Box::new(within(inner, known)?)),
        Tree::Term(term) => {
            let attribute =
                known(&term.name).ok_or_else(|| Error::InvalidFilter(format!("{:?} is no part that is kept", term.name)))?;
            compared(attribute, term)?
        }
        Tree::Each(name, _) => return Err(Error::InvalidFilter(format!("{name:?} has no parts of its own"))),
    })
}

fn email_part(name: &str) -> Option<Attribute> {
    match name.to_ascii_lowercase().as_str() {
        "value" => Some(Attribute::EmailValue),
        "type" => Some(Attribute::EmailType),
        "primary" => Some(Attribute::EmailPrimary),
        _ => None,
    }
}

fn attribute(kind: Kind, name: &str) -> Result<Attribute, Error> {
    let lower = name.to_ascii_lowercase();
    let of_both = match lower.as_str() {
        "id" => Some(Attribute::Id),
        "externalid" => Some(Attribute::ExternalId),
        "displayname" => Some(Attribute::DisplayName),
        "meta.created" => Some(Attribute::Created),
        "meta.lastmodified" => Some(Attribute::LastModified),
        _ => None,
    };
    let of_one = || match (kind, lower.as_str()) {
        (Kind::User, "username") => Some(Attribute::UserName),
        (Kind::User, "name.formatted") => Some(Attribute::FormattedName),
        (Kind::User, "name.familyname") => Some(Attribute::FamilyName),
        (Kind::User, "name.givenname") => Some(Attribute::GivenName),
        (Kind::User, "active") => Some(Attribute::Active),
        (Kind::User, "emails") => Some(Attribute::EmailValue),
        (Kind::User, name) => name.strip_prefix("emails.").and_then(email_part),
        (Kind::Group, "members" | "members.value") => Some(Attribute::Member),
        _ => None,
    };
    of_both.or_else(of_one).ok_or_else(|| unknown(kind, name))
}

fn unknown(kind: Kind, name: &str) -> Error {
    let name: String = name.chars().take(100).collect();
    Error::InvalidFilter(format!("{name:?} is no attribute of a {} that can be asked for", kind.name()))
}

fn compared(attribute: Attribute, term: &Term) -> Result<Filter, Error> {
    let is_time = matches!(attribute, Attribute::Created | Attribute::LastModified);
    let is_flag = matches!(attribute, Attribute::Active | Attribute::EmailPrimary);
    let wrong = |why: &str| Err(Error::InvalidFilter(format!("{:?} {why}", term.name)));
    if term.how == Comparison::Present {
        return Ok(Filter::Where(attribute, Comparison::Present, Operand::None));
    }
    // What equals nothing is not there.
    if term.with == Literal::Null {
        let present = Filter::Where(attribute, Comparison::Present, Operand::None);
        return match term.how {
            Comparison::Equal => Ok(Filter::Not(Box::new(present))),
            Comparison::NotEqual => Ok(present),
            _ => wrong("cannot be greater or less than null"),
        };
    }
    let equality = matches!(term.how, Comparison::Equal | Comparison::NotEqual);
    if is_flag {
        let flag = match &term.with {
            Literal::Flag(flag) => Some(*flag),
            Literal::Text(text) => truth(&serde_json::Value::String(text.clone())),
            _ => None,
        };
        return match flag {
            Some(flag) if equality => Ok(Filter::Where(attribute, term.how, Operand::Flag(flag))),
            _ => wrong("is true or false: compare it by eq or ne"),
        };
    }
    if is_time {
        let partly = matches!(term.how, Comparison::Contains | Comparison::StartsWith | Comparison::EndsWith);
        let time = match &term.with {
            Literal::Text(text) if !partly => DateTime::parse_from_rfc3339(text).ok(),
            _ => None,
        };
        return match time {
            Some(time) => Ok(Filter::Where(attribute, term.how, Operand::Time(time.with_timezone(&Utc)))),
            None => wrong("is an instant, such as \"2030-01-31T12:00:00Z\": compare it by eq, ne, gt, ge, lt or le"),
        };
    }
    match &term.with {
        Literal::Text(text) => Ok(Filter::Where(attribute, term.how, Operand::Text(text.clone()))),
        _ => wrong("is a text: compare it with one in double quotes"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    fn text(attribute: Attribute, how: Comparison, with: &str) -> Filter {
        Filter::Where(attribute, how, Operand::Text(with.to_owned()))
    }

    #[test]
    fn filters_are_read_as_directories_write_them() {
        let of_user = |filter: &str| parse(Kind::User, filter).unwrap();
        assert_eq!(of_user(r#"userName eq "ada@x.example""#), text(Attribute::UserName, Comparison::Equal, "ada@x.example"));
        assert_eq!(of_user(r#"USERNAME Eq "a \"b\" \\""#), text(Attribute::UserName, Comparison::Equal, r#"a "b" \"#));
        assert_eq!(
            of_user(r#"urn:ietf:params:scim:schemas:core:2.0:User:externalId eq "1""#),
            text(Attribute::ExternalId, Comparison::Equal, "1")
        );
        assert_eq!(of_user(r#"active eq "False""#), Filter::Where(Attribute::Active, Comparison::Equal, Operand::Flag(false)));
        let (a, b, c) = ("displayName sw \"a\"", "emails.value co \"b\"", "externalId pr");
        let parts = [a, b, c].map(of_user);
        let [first, second, third] = parts;
        assert_eq!(
            of_user(&format!("{a} or {b} and {c}")),
            Filter::Any(vec![first.clone(), Filter::All(vec![second.clone(), third.clone()])]),
            "`and` binds closer"
        );
        assert_eq!(of_user(&format!("({a} or {b}) and {c}")), Filter::All(vec![Filter::Any(vec![first.clone(), second]), third]));
        assert_eq!(of_user(&format!("not ({a})")), Filter::Not(Box::new(first)));
        let one = Filter::All(vec![
            text(Attribute::EmailType, Comparison::Equal, "work"),
            text(Attribute::EmailValue, Comparison::EndsWith, "@x.example"),
        ]);
        assert_eq!(of_user(r#"emails[type eq "work" and value ew "@x.example"]"#), Filter::OneEmail(Box::new(one)));
        assert_eq!(parse(Kind::Group, r#"members eq "7""#).unwrap(), text(Attribute::Member, Comparison::Equal, "7"));
        assert_eq!(parse(Kind::Group, r#"members[value eq "7"]"#).unwrap(), text(Attribute::Member, Comparison::Equal, "7"));
        let gone = Filter::Not(Box::new(Filter::Where(Attribute::ExternalId, Comparison::Present, Operand::None)));
        assert_eq!(of_user("externalId eq null"), gone);
    }

    #[test]
    fn what_is_no_filter_is_told_in_words_and_nothing_panics() {
        for wrong in [
            "",
            " ",
            "userName",
            "userName eq",
            "userName eq \"a",
            "userName eq a",
            "userName is \"a\"",
            "userName eq \"a\" and",
            "userName eq \"a\" userName eq \"b\"",
            "(userName eq \"a\"",
            "userName eq \"a\")",
            "not userName eq \"a\"",
            "password eq \"a\"",
            "userName.x eq \"a\"",
            "emails[value eq \"a\"",
            "emails[userName eq \"a\"]",
            "emails[emails[value pr]]",
            "active gt true",
            "active eq \"maybe\"",
            "meta.created gt \"yesterday\"",
            "meta.created co \"2030\"",
            "userName gt 5",
            "userName gt null",
            "userName eq \"\\u0000\"",
            "ü eq \"a\"",
            "userName eq 'a' or 1=1 --",
        ] {
            assert!(matches!(parse(Kind::User, wrong), Err(Error::InvalidFilter(_))), "{wrong}");
        }
        assert!(matches!(parse(Kind::Group, "userName eq \"a\""), Err(Error::InvalidFilter(_))));
    }

    #[test]
    fn a_filter_has_bounds() {
        let deep = |by: usize| format!("{}externalId pr{}", "(".repeat(by), ")".repeat(by));
        assert!(parse(Kind::User, &deep(MOST_DEPTH)).is_ok());
        assert!(matches!(parse(Kind::User, &deep(MOST_DEPTH + 1)), Err(Error::InvalidFilter(_))));
        assert!(matches!(parse(Kind::User, &"(".repeat(4000)), Err(Error::InvalidFilter(_))));
        let wide = |many: usize| vec!["externalId pr"; many].join(" or ");
        assert!(parse(Kind::User, &wide(MOST_TERMS)).is_ok());
        assert!(matches!(parse(Kind::User, &wide(MOST_TERMS + 1)), Err(Error::InvalidFilter(_))));
        let long = format!("userName eq \"{}\"", "a".repeat(MOST_BYTES));
        assert!(matches!(parse(Kind::User, &long), Err(Error::InvalidFilter(_))));
    }

    #[test]
    fn paths_are_read() {
        let read = |text: &str| path(Kind::User, text).unwrap();
        assert_eq!(read("userName"), Path { name: "userName".into(), filter: None, part: None });
        assert_eq!(read("name.givenName"), Path { name: "name".into(), filter: None, part: Some("givenName".into()) });
        let narrowed = read(r#"emails[type eq "work"].value"#);
        assert_eq!((narrowed.name.as_str(), narrowed.part.as_deref()), ("emails", Some("value")));
        assert!(matches!(narrowed.filter, Some(Tree::Term(_))));
        assert_eq!(read("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName").part.as_deref(), Some("familyName"));
        let foreign = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
        assert_eq!(read(foreign), Path { name: foreign.into(), filter: None, part: None });
        for wrong in ["", "emails[", "emails[type eq]", "emails[type eq \"a\"", "emails[type eq \"a\"]x", "name.x[a pr]", "a b"] {
            assert!(matches!(path(Kind::User, wrong), Err(Error::InvalidPath(_))), "{wrong}");
        }
    }
}
