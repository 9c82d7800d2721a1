//! The OpenAPI document is a contract: a snapshot guards it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::source::rust_files;

fn document() -> Value {
    serde_json::from_str(&build14::services::openapi_json().expect("the document")).expect("JSON")
}

#[test]
fn the_document_changes_only_on_purpose() {
    insta::assert_snapshot!("openapi", build14::services::openapi_json().expect("the document"));
}

/// Whether a member takes or answers one of listed names, or null.
fn is_enum(document: &Value, schema: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return document.pointer(reference.trim_start_matches('#')).is_some_and(|target| is_enum(document, target));
    }
    let one_of = |key: &str| schema[key].as_array().into_iter().flatten().any(|one| is_enum(document, one));
    schema["enum"].is_array() || one_of("oneOf") || one_of("allOf")
}

#[test]
fn every_state_is_an_enum() {
    // A problem's HTTP status and whatever state is in the way, and what each verb calls the state of its own thing.
    // Where a leaked key was found is the reporter's word. A resource is a thing, or the organisation.
    const OTHERS: [(&str, &str); 6] = [
        ("LeakedKey", "source"),
        ("PermissionExplanation", "resource"),
        ("Problem", "status"),
        ("Problem", "currentState"),
        ("RecordedState", "status"),
        ("ScimError", "status"),
    ];
    let document = document();
    let mut found = 0;
    let mut plain = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let lower = member.to_lowercase();
            let set = ["status", "state", "kind", "role", "party", "source", "scope", "bearer", "method"]
                .iter()
                .any(|word| lower.ends_with(word));
            if set && !OTHERS.contains(&(name.as_str(), member.as_str())) {
                found += 1;
                if !is_enum(&document, property) {
                    plain.push(format!("{name}.{member}"));
                }
            }
        }
    }
    assert!(found > 30, "the states are found: {found}");
    assert!(plain.is_empty(), "`kernel::named!` and `web::OneOf` give these their names: {plain:?}");
}

#[test]
fn schemas_are_named_by_one_rule() {
    // What is sent is named after what it does: `NewProject`, `ProjectChange`, `SignContract`. Only values that are taken in more ways than they are
    // given end in `In`; lists end in `List`.
    const VALUES: [&str; 4] = ["AmountIn", "Decimal4In", "MoneyIn", "MoneyInPatch"];
    let document = document();
    let names: Vec<_> =
        document["components"]["schemas"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let odd =
        |name: &&&str| !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) || name.trim_end_matches("Patch").ends_with("In");
    assert_eq!(names.iter().filter(odd).copied().collect::<Vec<_>>(), VALUES);
    assert!(names.contains(&"ProjectList") && names.contains(&"TenderDraftPatch"), "{names:?}");
}

/// The places of `value` at which a schema is combined with one that knows nothing of it but a type.
fn contradictions(place: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| contradictions(&format!("{place}/{at}"), item, found))
        }
        Value::Object(members) => {
            let empty = |part: &Value| part["type"] == "object" && part.get("properties").is_none() && part.get("$ref").is_none();
            if value["allOf"].as_array().is_some_and(|parts| parts.iter().any(empty)) {
                found.push(place.to_owned());
            }
            members.iter().for_each(|(name, member)| contradictions(&format!("{place}/{name}"), member, found));
        }
        _ => {}
    }
}

#[test]
fn a_described_member_is_of_one_type() {
    let mut found = Vec::new();
    contradictions("", &document()["components"]["schemas"], &mut found);
    assert!(
        found.is_empty(),
        "`#[schema(inline)]` beside a doc comment says `object` of whatever it is: leave it out: {found:?}"
    );
}

/// Whether it says what it is: by itself, or by the alternative that is not null.
fn is_described(value: &Value) -> bool {
    let says = |value: &Value| value["description"].as_str().is_some_and(|text| !text.trim().is_empty());
    says(value) || value["oneOf"].as_array().into_iter().flatten().any(says)
}

/// How many properties there are below a schema; those that do not say what they are go to `silent`.
fn count_properties(name: &str, schema: &Value, silent: &mut Vec<String>) -> usize {
    let mut count = 0;
    for (member, property) in schema["properties"].as_object().into_iter().flatten() {
        let member = format!("{name}.{member}");
        if !is_described(property) {
            silent.push(member.clone());
        }
        if property["allOf"].is_array() {
            silent.push(format!("{member}: `#[schema(inline)]` below `///` makes an object of it"));
        }
        count += 1 + count_properties(&member, property, silent);
    }
    let parts = ["allOf", "oneOf", "anyOf"].iter().flat_map(|key| schema[key].as_array().into_iter().flatten());
    let parts = parts.chain([&schema["items"], &schema["additionalProperties"]]);
    for part in parts.filter(|part| part.is_object()) {
        count += count_properties(name, part, silent);
    }
    count
}

#[test]
fn everything_says_what_it_is() {
    let document = document();
    let (mut silent, mut properties, mut parameters) = (Vec::new(), 0, 0);
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        if !is_described(schema) {
            silent.push(name.clone());
        }
        properties += count_properties(name, schema, &mut silent);
    }
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let name = format!("{method} {path}");
            if !is_described(operation) {
                silent.push(format!("{name}: write a second paragraph"));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                parameters += 1;
                if !is_described(parameter) {
                    silent.push(format!("{name}: {}", parameter["name"]));
                }
            }
        }
    }
    assert!(properties > 500 && parameters > 200, "{properties} properties and {parameters} parameters are found");
    assert!(silent.is_empty(), "`///` says in a sentence what it is, in which unit, and what null means: {silent:#?}");
}

/// The names of the schemas that `value` refers to, directly or by others.
fn reach(document: &Value, value: &Value, reached: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| reach(document, item, reached)),
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
                    Some(target) if name == "$ref" && reached.insert(target.to_owned()) => {
                        reach(document, &document["components"]["schemas"][target], reached);
                    }
                    _ => reach(document, member, reached),
                }
            }
        }
        _ => {}
    }
}

/// The members that may be null and may be absent.
fn absent_or_null(name: &str, schema: &Value) -> Vec<String> {
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| absent_or_null(name, part));
    let nullable = |property: &Value| {
        let null = |kind: &Value| kind == "null" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
        null(&property["type"]) || property["oneOf"].as_array().into_iter().flatten().any(|one| null(&one["type"]))
    };
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let own = schema["properties"].as_object().into_iter().flatten();
    let own = own.filter(|(member, property)| nullable(property) && !required.iter().any(|one| one == *member));
    own.map(|(member, _)| format!("{name}.{member}")).chain(parts).collect()
}

#[test]
fn an_answer_has_null_where_there_is_no_value() {
    let document = document();
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for operation in document["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object()).flatten() {
        reach(&document, &operation.1["requestBody"], &mut sent);
        reach(&document, &operation.1["responses"], &mut answered);
    }
    let schemas = &document["components"]["schemas"];
    let unsure: Vec<_> = answered.difference(&sent).flat_map(|name| absent_or_null(name, &schemas[name])).collect();
    assert!(answered.len() > 40, "the answers are found");
    assert!(unsure.is_empty(), "absent and null would mean the same: {unsure:?}");

    // What serde leaves out is never null in the document, or is only sent to us.
    let mut wrong = Vec::new();
    for (name, text) in rust_files().into_iter().filter(|(name, _)| name.contains("/impl/src/http")) {
        let lines: Vec<_> = text.lines().collect();
        for at in (0..lines.len()).filter(|at| lines[*at].contains("skip_serializing_if")) {
            let derives = lines[..at].iter().rev().find(|line| line.starts_with("#[derive(")).copied().unwrap_or_default();
            let documented = derives.contains("ToSchema") && !derives.contains("Deserialize");
            if documented && !lines[at + 1].contains("nullable = false") {
                wrong.push(format!("{name}:{}", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "an answer leaves out what the document calls null: {wrong:?}");
}

#[test]
fn a_summary_is_one_short_sentence() {
    let document = document();
    let mut long = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            if summary.is_empty() || summary.len() > 100 || summary.contains('\n') || summary.contains(". ") {
                long.push(format!("{method} {path}: {summary}"));
            }
        }
    }
    assert!(long.is_empty(), "what is more than a sentence belongs into the second paragraph: {long:#?}");
}

#[test]
fn a_post_lists_the_idempotency_key_that_its_handler_takes() {
    let document = document();
    let (mut found, mut wrong) = (0, Vec::new());
    for (_, text) in rust_files().into_iter().filter(|(name, _)| name.contains("/impl/src/http")) {
        for handler in text.split("#[post(\"").skip(1) {
            let path = handler.split('"').next().unwrap_or_default();
            let takes = handler.split("\n}\n").next().is_some_and(|handler| handler.contains("once: Idempotent"));
            let mut listed = document["paths"][path]["post"]["parameters"].as_array().into_iter().flatten();
            found += 1;
            if takes != listed.any(|parameter| parameter["name"] == "Idempotency-Key") {
                wrong.push(path.to_owned());
            }
        }
    }
    assert!(found > 30, "the handlers are found: {found}");
    assert!(wrong.is_empty(), "`Routes::without_key` says that a POST takes none: {wrong:?}");
}

#[test]
fn every_operation_is_called_by_its_resource_and_verb() {
    let document = document();
    let mut wrong = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let last = path.rsplit('/').next().unwrap_or_default().replace(['-', '.'], "").to_lowercase();
        for (method, operation) in item.as_object().into_iter().flatten() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let called = |verb: &str| id.strip_suffix(verb).is_some_and(|resource| !resource.is_empty());
            let fits = match method.as_str() {
                "get" => called("Read") || (called("List") && !last.starts_with('{')),
                "put" => called("Replace"),
                "patch" => called("Change"),
                "delete" => called("Remove"),
                // Whatever else is done is what the path ends in.
                _ => called("Create") || id.to_lowercase().strip_suffix(&last).is_some_and(|resource| !resource.is_empty()),
            };
            if !fits {
                wrong.push(format!("{method} {path} is called {id}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lists that one page always holds: what a person has a few of at most (of sessions, a sign-in beyond that ends the oldest), and the providers that
/// the operator has set.
const BOUNDED: &[&str] = &[
    "/api/auth/providers",
    "/api/joinable-organizations",
    "/api/organizations/leaving",
    "/api/user/exports",
    "/api/user/identities",
    "/api/user/passkeys",
    "/api/user/sessions",
];

#[test]
fn every_operation_is_complete() {
    assert_eq!(build14::modules::routes().dangling(), [] as [&str; 0], "schemas that nobody declares");
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    let mut faults = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let name = format!("{method} {path}");
            ids.push(operation["operationId"].as_str().unwrap_or_default().to_owned());
            if operation["summary"].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{name} has no summary"));
            }
            let public = operation["x-guard"] == "public";
            if !public && operation["security"].as_array().is_none_or(Vec::is_empty) {
                faults.push(format!("{name} names no security"));
            }
            let success = operation["responses"].as_object().into_iter().flatten().any(|(status, _)| status.starts_with('2'));
            if !success {
                faults.push(format!("{name} documents no success"));
            }
            // Whatever answers pages takes a limit and a cursor.
            let paged = !BOUNDED.contains(&path.as_str()) && operation["responses"]["200"].to_string().contains("List");
            let takes =
                |name: &str| operation["parameters"].as_array().into_iter().flatten().any(|parameter| parameter["name"] == name);
            if paged && method == "get" && !(takes("limit") && takes("cursor")) {
                faults.push(format!("{name} answers pages but documents no limit and cursor"));
            }
            if !public && operation["responses"]["401"].is_null() {
                faults.push(format!("{name} documents no 401"));
            }
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(all, ids.len(), "operationIds are unique");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
