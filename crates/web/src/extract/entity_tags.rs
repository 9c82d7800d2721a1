//! Entity tags in the headers of a condition (RFC 9110 §8.8.3, §13.1).

use actix_web::http::header::{HeaderMap, HeaderName};

use crate::Problem;

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntityTags {
    /// `*`: whatever there is.
    Any,
    /// A list; each tag with its quotes, and whether it is weak.
    These(Vec<(bool, String)>),
}

impl EntityTags {
    /// The header's tags, of all its lines; `None` without the header.
    ///
    /// # Errors
    /// 400 if they are none.
    pub fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        let mut values = headers.get_all(name).peekable();
        if values.peek().is_none() {
            return Ok(None);
        }
        let lines: Option<Vec<_>> = values.map(|value| value.to_str().ok()).collect();
        lines.and_then(|lines| Self::parse(&lines.join(","))).map(Some).ok_or_else(|| malformed(name))
    }

    fn parse(text: &str) -> Option<Self> {
        if text.trim() == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = text.trim_start_matches(is_between);
        while !rest.is_empty() {
            let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |strong| (true, strong));
            let inner = quoted.strip_prefix('"')?;
            let end = inner.find('"').filter(|end| inner[..*end].bytes().all(|byte| byte.is_ascii_graphic()))?;
            tags.push((weak, quoted[..end + 2].to_owned()));
            let behind = &inner[end + 1..];
            rest = behind.trim_start_matches(is_between);
            if !rest.is_empty() && !behind.trim_start_matches([' ', '\t']).starts_with(',') {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::These(tags))
    }

    /// Strong comparison: a weak tag is nobody's.
    pub fn strongly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(weak, given)| !weak && given == tag),
        }
    }

    /// Weak comparison: a cache may have made the tag weak.
    pub fn weakly(&self, tag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|(_, given)| given == tag),
        }
    }
}

/// What stands between two tags.
fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\t' | ',')
}

fn malformed(name: &HeaderName) -> Problem {
    let name = if *name == actix_web::http::header::IF_MATCH { "If-Match" } else { "If-None-Match" };
    let detail = format!(
        "{name} must be `*` or entity tags as they were answered, each in its double quotes, such as `{name}: \"q1L0bXlY0bXlYQ\"`"
    );
    Problem::malformed("ENTITY_TAG_INVALID", detail)
}

#[cfg(test)]
mod tests {
    use super::EntityTags::{Any, These};
    use super::*;

    fn tag(weak: bool, text: &str) -> (bool, String) {
        (weak, format!("\"{text}\""))
    }

    #[test]
    fn lists_are_read_as_they_are_written() {
        for (text, tags) in [
            ("*", Some(Any)),
            (" * ", Some(Any)),
            ("\"a\"", Some(These(vec![tag(false, "a")]))),
            ("W/\"a\"", Some(These(vec![tag(true, "a")]))),
            ("\"a\",W/\"b\" ,\t\"c\"", Some(These(vec![tag(false, "a"), tag(true, "b"), tag(false, "c")]))),
            ("\"a,b\", , \"\"", Some(These(vec![tag(false, "a,b"), tag(false, "")]))),
            ("", None),
            (",", None),
            ("a", None),
            ("\"a", None),
            ("\"a\" \"b\"", None),
            ("\"a\"b", None),
            ("\"a b\"", None),
            ("w/\"a\"", None),
            ("\"a\", *", None),
        ] {
            assert_eq!(EntityTags::parse(text), tags, "{text}");
        }
    }

    #[test]
    fn a_weak_tag_is_compared_weakly_alone() {
        let weak = These(vec![tag(true, "a")]);
        assert!(weak.weakly("\"a\"") && !weak.strongly("\"a\""));
        let strong = These(vec![tag(false, "a")]);
        assert!(strong.weakly("\"a\"") && strong.strongly("\"a\"") && !strong.strongly("\"b\""));
        assert!(Any.weakly("\"a\"") && Any.strongly("\"a\""));
    }
}
