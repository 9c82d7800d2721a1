//! What the OpenAPI document needs so that a program can write a client from it: nothing without a name, a type or a bound, and nothing that the
//! server does otherwise.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::source::rust_files;

fn document() -> Value {
    serde_json::from_str(&build14::services::openapi_json().expect("the document")).expect("JSON")
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let items = document["paths"].as_object().into_iter().flatten();
    let each =
        items.flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(method, one)| (method, path, one)));
    each.map(|(method, path, operation)| (method.clone(), path.clone(), operation)).collect()
}

/// Calls `seen` with every value below this one and its place.
fn walk<'a>(place: &str, value: &'a Value, seen: &mut impl FnMut(&str, &'a Value)) {
    seen(place, value);
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| walk(&format!("{place}/{at}"), item, seen)),
        Value::Object(members) => members.iter().for_each(|(name, member)| walk(&format!("{place}/{name}"), member, seen)),
        _ => {}
    }
}

/// Notes the schemas to which a value refers, directly or by others.
fn reach(document: &Value, value: &Value, reached: &mut BTreeSet<String>) {
    let mut targets = Vec::new();
    walk("", value, &mut |place, value| {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/"))
            && place.ends_with("/$ref")
        {
            targets.push(name.to_owned());
        }
    });
    for name in targets {
        if reached.insert(name.clone()) {
            reach(document, &document["components"]["schemas"][&name], reached);
        }
    }
}

/// The schemas to which these parts of the operations refer.
fn schemas_of<'a>(document: &'a Value, part: &str, method: Option<&str>) -> Vec<(String, &'a Value)> {
    let mut reached = BTreeSet::new();
    let chosen = operations(document).into_iter().filter(|(of, ..)| method.is_none_or(|method| of == method));
    chosen.for_each(|(_, _, operation)| reach(document, &operation[part], &mut reached));
    reached.into_iter().map(|name| (name.clone(), &document["components"]["schemas"][&name])).collect()
}

/// Whether a schema takes values of this type.
fn takes(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
}

#[test]
fn the_document_says_whose_it_is_and_where() {
    let document = document();
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0", "generators refuse a licence without it");
    assert!(document["info"]["contact"]["url"].is_string() && document["info"]["description"].is_string());
    assert_eq!(document["servers"][0]["url"], "/");
    for tag in document["tags"].as_array().expect("tags") {
        assert!(tag["description"].as_str().is_some_and(|text| !text.is_empty()), "{tag}");
    }
}

#[test]
fn no_decimal_is_answered_as_a_number() {
    let document = document();
    let answered = schemas_of(&document, "responses", None);
    let mut wrong = Vec::new();
    for (name, schema) in &answered {
        walk(name, schema, &mut |place, value| {
            if takes(value, "number") {
                wrong.push(place.to_owned());
            }
        });
    }
    assert!(answered.len() > 60, "the answers are found: {}", answered.len());
    assert!(wrong.is_empty(), "`web::Decimal4Out` and `web::MoneyOut` are strings: {wrong:?}");
}

#[test]
fn a_patch_fills_nothing_in() {
    let document = document();
    let bodies = schemas_of(&document, "requestBody", Some("patch"));
    let (mut found, mut wrong) = (0, Vec::new());
    for (name, schema) in bodies {
        found += usize::from(name.ends_with("Patch"));
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            if property.get("default").is_some() {
                wrong.push(format!("{name}.{member}"));
            }
        }
    }
    assert!(found > 3, "the patches are found: {found}");
    assert!(wrong.is_empty(), "a client that sends defaults would reset what nobody wanted to change: {wrong:?}");
}

#[test]
fn nothing_is_anonymous_shapeless_or_unused() {
    let document = document();
    let mut used = BTreeSet::new();
    reach(&document, &document["paths"], &mut used);
    reach(&document, &document["components"]["responses"], &mut used);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let unused: Vec<_> = schemas.keys().filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    let mut wrong = Vec::new();
    for (name, schema) in schemas {
        walk(name, schema, &mut |place, value| {
            let (above, last) = place.rsplit_once('/').unwrap_or(("", place));
            let is_member = above.ends_with("/properties") || above.ends_with("/oneOf") || last == "items";
            let shaped = ["type", "$ref", "oneOf", "allOf", "enum"].iter().any(|key| value.get(*key).is_some());
            if is_member && (!shaped || value.get("properties").is_some() || value.get("enum").is_some()) {
                wrong.push(place.to_owned());
            }
            if takes(value, "array") && value.get("items").is_none() {
                wrong.push(place.to_owned());
            }
        });
    }
    for (method, path, operation) in operations(&document) {
        for part in ["requestBody", "responses"] {
            walk(part, &operation[part], &mut |place, value| {
                if value.is_object() && place.ends_with("/schema") && !place.contains("/headers/") && value.get("$ref").is_none()
                {
                    wrong.push(format!("{method} {path}: {place}"));
                }
            });
        }
    }
    assert!(wrong.is_empty(), "generators call what has no name InlineObject7; give it a type of its own: {wrong:#?}");
}

#[test]
fn whatever_is_sent_to_us_has_bounds() {
    let document = document();
    let sent = schemas_of(&document, "requestBody", None);
    let (mut found, mut wrong) = (0, Vec::new());
    // The providers' own objects are their matter; evidence is bounded by the size of its body alone.
    let unbounded = ["ProviderEvent", "MailReport", "Evidence"];
    for (name, schema) in sent.iter().filter(|(name, _)| !unbounded.contains(&name.as_str())) {
        walk(name, schema, &mut |place, value| {
            let has = |keys: &[&str]| keys.iter().any(|key| value.get(*key).is_some());
            found += usize::from(value.get("type").is_some());
            let text = takes(value, "string") && !has(&["maxLength", "pattern", "enum", "format"]);
            let list = takes(value, "array") && !has(&["maxItems"]);
            let least = has(&["minimum", "exclusiveMinimum"]);
            let number = takes(value, "integer") && !(least && has(&["maximum", "exclusiveMaximum"]));
            if text || list || number {
                wrong.push(place.to_owned());
            }
        });
    }
    assert!(found > 100, "the bodies are found: {found}");
    assert!(wrong.is_empty(), "an upper bound for every string and list, both for every number: {wrong:#?}");
}

/// The handlers of the domains with the method and path that stand above them.
fn handlers() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for (_, text) in rust_files().into_iter().filter(|(name, _)| name.contains("/impl/src/http")) {
        for method in ["get", "post", "put", "patch", "delete"] {
            for part in text.split(&format!("\n#[{method}(\"")).skip(1) {
                let path = part.split('"').next().unwrap_or_default().to_owned();
                found.push((method.to_owned(), path, part.split("\n}\n").next().unwrap_or_default().to_owned()));
            }
        }
    }
    found
}

#[test]
fn an_answer_lists_the_entity_tag_that_its_handler_gives() {
    // How handlers give one; `shown` and `created` of tenders, bids and schedules do as well, and `reply` and `created` of directories.
    const GIVES: [&str; 9] = [
        "web::single(",
        "web::conditional(",
        ".etag()",
        "tagged(",
        "shown(",
        ", shown)",
        ", created)",
        ".reply(&wanted)",
        ".created(&wanted)",
    ];
    let document = document();
    let (mut found, mut wrong) = (0, Vec::new());
    for (method, path, handler) in handlers() {
        let operation = &document["paths"][&path][&method];
        let gives = GIVES.iter().any(|call| handler.contains(call));
        found += usize::from(gives);
        let answers = operation["responses"].as_object().into_iter().flatten();
        let successes = answers.filter(|(status, answer)| status.starts_with('2') && answer["content"].is_object());
        let tells = successes.map(|(_, answer)| answer["headers"]["ETag"].is_object()).collect::<BTreeSet<_>>();
        if tells.contains(&!gives) {
            wrong.push(format!("{method} {path}: `.tagged()` behind its route says so, or not"));
        }
        let conditional = ["web::single(", "web::conditional("].iter().any(|call| handler.contains(call));
        let says = operation["responses"]["304"].is_object() && lists(operation, "If-None-Match");
        if method == "get" && (conditional != says || conditional != gives) {
            wrong.push(format!("{method} {path}: who has it already is answered 304, by `web::single` or `web::conditional`"));
        }
    }
    assert!(found > 35, "the handlers are found: {found}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_change_lists_the_condition_that_its_handler_takes() {
    let document = document();
    let (mut found, mut wrong) = (0, Vec::new());
    for (method, path, handler) in handlers() {
        let operation = &document["paths"][&path][&method];
        let takes = handler.contains("if_match: IfMatch");
        found += usize::from(takes);
        if takes != lists(operation, "If-Match") || takes != operation["responses"]["412"].is_object() {
            wrong.push(format!("{method} {path}"));
        }
    }
    assert!(found > 12, "the handlers are found: {found}");
    assert!(wrong.is_empty(), "`Routes::unconditional` says that a change takes none: {wrong:?}");
}

fn lists(operation: &Value, name: &str) -> bool {
    operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name)
}

#[test]
fn every_operation_but_the_probes_can_refuse() {
    let document = document();
    let refuses =
        |operation: &Value| operation["responses"].as_object().into_iter().flatten().any(|(status, _)| status.starts_with('4'));
    let operations = operations(&document);
    let never: Vec<_> =
        operations.iter().filter(|(.., operation)| !refuses(operation)).map(|(_, path, _)| path.as_str()).collect();
    assert_eq!(never, ["/health/live", "/health/ready"]);
}
