//! The OpenAPI document is a contract: a snapshot guards it.

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&build14::services::openapi_json().expect("the document")).expect("JSON")
}

#[test]
fn the_document_changes_only_on_purpose() {
    insta::assert_snapshot!("openapi", build14::services::openapi_json().expect("the document"));
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
