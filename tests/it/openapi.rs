//! The OpenAPI document is a contract: a snapshot guards it.

use serde_json::Value;

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
    // Words of which there may be more tomorrow than a client knows today, and a problem's HTTP status.
    const OTHERS: [(&str, &str); 3] = [("Hold", "kind"), ("LedgerTransaction", "kind"), ("Problem", "status")];
    let document = document();
    let mut found = 0;
    let mut plain = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let lower = member.to_lowercase();
            let set = ["status", "kind", "role", "party", "scope", "bearer", "method"].iter().any(|word| lower.ends_with(word));
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
            // Whatever answers pages takes a limit and a cursor. A person's live sessions are bounded: a sign-in beyond it ends the oldest.
            let paged = path != "/api/user/sessions" && operation["responses"]["200"].to_string().contains("List");
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
