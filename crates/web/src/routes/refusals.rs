//! The problems that a handler documents in words, as examples by code.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::example::{Example, ExampleBuilder};

use crate::Problem;

/// One problem for each code that the words name; `usual` are those that every operation can answer. What stands behind a code of 422 are
/// codes of single fields: they are found in `errors` of the usual one.
pub fn examples(status: StatusCode, words: &str, usual: &[Problem]) -> BTreeMap<String, RefOr<Example>> {
    let of_fields = status == StatusCode::UNPROCESSABLE_ENTITY;
    let usual: Vec<_> = usual.iter().filter(|problem| problem.status() == status).collect();
    let mut problems = Vec::new();
    for part in words.split(" · ") {
        for code in codes(part) {
            let leads = part.trim_start_matches('`').starts_with(code) && !part.contains(" at /");
            if of_fields && !leads {
                continue;
            }
            let known = usual.iter().find(|problem| problem.code() == code);
            problems.push(match (detail(part, code), known) {
                (None, Some(known)) => (*known).clone(),
                (detail, _) => {
                    Problem::new(status, code.to_owned(), detail.unwrap_or_else(|| code.to_lowercase().replace('_', " ")))
                }
            });
        }
    }
    if of_fields || problems.is_empty() {
        problems.extend(usual.into_iter().cloned());
    }
    problems.into_iter().map(|problem| (problem.code().to_owned(), RefOr::T(shown(problem)))).collect()
}

/// A problem as it is answered.
fn shown(mut problem: Problem) -> Example {
    problem.complete("/api/…", "0199d0c4f3a27c5e8a6f0d1b2c3d4e5f");
    ExampleBuilder::new().value(Some(json!(problem.body()))).build()
}

/// The codes of problems that a text names.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| is_code(word))
}

/// What is no word of a sentence: `INVALID` is left to 422, of which it is the usual one.
fn is_code(word: &str) -> bool {
    let capitals = word.starts_with(|c: char| c.is_ascii_uppercase()) && !word.contains(|c: char| c.is_ascii_lowercase());
    capitals && (word.contains('_') || word == "UNAVAILABLE")
}

/// What is said of a code: `it stays` of `` `SOQ_FROZEN`: it stays; … ``.
fn detail(text: &str, code: &str) -> Option<String> {
    let (_, behind) = text.split_once(code)?;
    let said = behind.trim_start_matches('`').strip_prefix(": ")?;
    let end = ["; ", ". ", ", or "].iter().filter_map(|end| said.find(end)).min();
    Some(said[..end.unwrap_or(said.len())].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each example as its code and what it says.
    fn told(status: u16, words: &str) -> Vec<String> {
        let status = StatusCode::from_u16(status).expect("a status");
        let usual = [Problem::conflict("STATE_CONFLICT", "only a draft can be changed"), Problem::invalid(Vec::new())];
        let told = examples(status, words, &usual).into_iter().map(|(code, example)| {
            let RefOr::T(example) = example else { panic!("{code} is a reference") };
            let value = example.value.unwrap_or_default();
            assert_eq!(value["code"], code);
            assert_eq!(value["status"], status.as_u16());
            format!("{code}: {}", value["detail"].as_str().unwrap_or_default())
        });
        told.collect()
    }

    #[test]
    fn each_code_of_a_conflict_has_its_problem() {
        let words = "`SOQ_FROZEN`: it is already; `SOQ_IN_USE` · `STATE_CONFLICT`";
        let expected = ["SOQ_FROZEN: it is already", "SOQ_IN_USE: soq in use", "STATE_CONFLICT: only a draft can be changed"];
        assert_eq!(told(409, words), expected);
    }

    #[test]
    fn codes_of_fields_are_no_problems() {
        let words = "TENDER_CLOSED with `deadline`, or every fault: such as LINE_NOT_PRICED · `NOT_A_MEMBER` at /userId";
        assert_eq!(told(422, words), ["INVALID: 0 faults, see `errors`", "TENDER_CLOSED: tender closed"]);
    }

    #[test]
    fn words_without_a_code_have_the_usual_problem() {
        assert_eq!(told(409, "It is too late"), ["STATE_CONFLICT: only a draft can be changed"]);
    }
}
