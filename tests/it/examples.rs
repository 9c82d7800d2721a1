//! Every example of the OpenAPI document, sent as it stands, succeeds: whoever copies one gets an answer and no error. And what is answered is
//! what the document says (docs/decisions/0046-examples-that-are-sent.md).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::domains::ALL;
use crate::walk::{Document, MAIL_SECRET, WHERE, Walk};

#[tokio::test]
async fn every_example_that_is_sent_succeeds_and_every_answer_is_as_documented() {
    let mut walk = Walk::begin().await;
    for domain in ALL {
        (domain.walk)(&mut walk).await;
    }
    provider_tells(&mut walk).await;
    scanner_tells(&mut walk).await;
    mail_provider_tells(&mut walk).await;
    let watcher = walk.world.anonymous();
    for health in ["GET /health/live", "GET /health/ready"] {
        walk.send(&watcher, health, &[], &[]).await;
    }
    let wrong = walk.end().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The payment provider's event: no domain's, and signed by the provider, over its very bytes.
async fn provider_tells(walk: &mut Walk) {
    let operation = "POST /api/webhooks/stripe";
    let (media_type, example) = walk.document.body(operation).expect("it takes a body");
    let example = example.unwrap_or_else(|| panic!("{operation} has no example of its body")).to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let signature = stripe_sandbox::sign("whsec_test", i64::try_from(now).expect("a time"), &example);
    let provider = walk.world.anonymous();
    let request = provider.request("POST", "/api/webhooks/stripe").header("content-type", media_type);
    let answer = provider.send(request.header("stripe-signature", signature).body(example)).await;
    walk.met(operation, &answer);
}

/// A report of leaked keys, signed by the reporter over its very bytes.
async fn scanner_tells(walk: &mut Walk) {
    let operation = "POST /api/webhooks/leaked-keys";
    let (media_type, example) = walk.document.body(operation).expect("it takes a body");
    let example = example.unwrap_or_else(|| panic!("{operation} has no example of its body")).to_string();
    let reporter = walk.world.anonymous();
    let request = reporter.request("POST", "/api/webhooks/leaked-keys").header("content-type", media_type);
    let request = request.header("github-public-key-identifier", walk.scanner.identifier);
    let request = request.header("github-public-key-signature", walk.scanner.sign(example.as_bytes()));
    let answer = reporter.send(request.body(example)).await;
    walk.met(operation, &answer);
}

/// The mail provider's report, signed likewise.
async fn mail_provider_tells(walk: &mut Walk) {
    let operation = "POST /api/webhooks/resend";
    let (media_type, example) = walk.document.body(operation).expect("it takes a body");
    let example = example.unwrap_or_else(|| panic!("{operation} has no example of its body")).to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("a time");
    let signature = mail_resend::sign(&MAIL_SECRET.into(), "msg_1", now, example.as_bytes()).expect("it signs");
    let provider = walk.world.anonymous();
    let request = provider.request("POST", "/api/webhooks/resend").header("content-type", media_type);
    let request =
        request.header("svix-id", "msg_1").header("svix-timestamp", now.to_string()).header("svix-signature", signature);
    let answer = provider.send(request.body(example)).await;
    walk.met(operation, &answer);
}

#[test]
fn every_body_has_a_whole_example_that_stays_right() {
    let document = Document::served();
    let (mut found, mut wrong) = (0, Vec::new());
    for name in document.operations().keys() {
        let Some((_, example)) = document.body(name) else { continue };
        found += 1;
        match example {
            Some(example) => past(example, name, &mut wrong),
            None => wrong.push(format!("{name} has no example of its body: {WHERE}")),
        }
    }
    assert!(found > 30, "the bodies are found: {found}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Days and instants of an example that somebody who sends it could find over.
fn past(value: &Value, place: &str, wrong: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| past(item, &format!("{place}/{at}"), wrong)),
        Value::Object(members) => members.iter().for_each(|(name, member)| past(member, &format!("{place}/{name}"), wrong)),
        Value::String(text) => {
            let date: Vec<_> = text.split('T').next().unwrap_or_default().split('-').collect();
            let is_date =
                date.len() == 3 && date.iter().all(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_digit()));
            if is_date && date[0] < "2099" {
                wrong.push(format!("{place}: {text} is over one day, and with it the example: let it be in 2099 or later"));
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_not_as_documented_is_found() {
    let answer = json!({
        "allOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}]
    });
    let thing = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}, "note": {"type": ["object", "null"]}}});
    let document = Document::of(json!({"components": {"schemas": {"Thing": thing}}}));
    let found = |value: &Value| {
        let mut faults = document.faults(&answer, value);
        document.unknown(&answer, value, "", &mut faults);
        faults.into_iter().map(|fault| fault.split(':').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let id = "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11";
    assert_eq!(found(&json!({"id": id, "note": {"any": 1}, "parts": [{"id": id}]})), [""; 0]);
    assert_eq!(found(&json!({"id": "x", "parts": [{"note": null}]})), ["/id INVALID_FORMAT", "/parts/0/id REQUIRED"]);
    let unknown = json!({"id": id, "more": 1, "parts": [{"id": id, "less": 2}]});
    assert_eq!(found(&unknown), ["/more is not in the document", "/parts/0/less is not in the document"]);
}

#[test]
fn a_patch_shows_what_changes_and_not_all_that_could() {
    let document = Document::served();
    let example = |name: &str| document.body(name).and_then(|(_, example)| example).cloned().unwrap_or_default();
    assert_eq!(example("PATCH /api/projects/{id}"), json!({"budget": "1350000.00", "endsOn": null}));
    assert_ne!(example("PATCH /api/tenders/{id}"), example("PUT /api/tenders/{id}"));
}

#[test]
fn every_error_of_a_handler_has_an_example_that_says_what_is_wrong() {
    let document = Document::served();
    let (mut found, mut wrong) = (0, Vec::new());
    for (name, operation) in document.operations() {
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            let contents = answer["content"].as_object().into_iter().flatten();
            for content in contents.filter(|(kind, _)| *kind == "application/problem+json").map(|(_, content)| content) {
                let examples: Vec<_> = content["examples"].as_object().into_iter().flatten().collect();
                found += examples.len();
                let silent = |code: &str, example: &Value| example["value"]["detail"] == code.to_lowercase().replace('_', " ");
                let codes: Vec<_> =
                    examples.iter().filter(|(code, example)| silent(code, example)).map(|(code, _)| code.as_str()).collect();
                if examples.is_empty() || !codes.is_empty() {
                    wrong.push(format!(
                        "{name} {status} {codes:?}: say `CODE`: and what is wrong, in the description of the answer"
                    ));
                }
            }
        }
    }
    assert!(found > 80, "the examples are found: {found}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = Document::served();
    let (mut found, mut wrong) = (0, Vec::new());
    for (name, schema) in document.schemas() {
        of_schema(&document, name, schema, &mut found, &mut wrong);
    }
    for (name, answer) in document.shared_answers() {
        of_contents(&document, name, answer, &mut found, &mut wrong);
    }
    for (name, operation) in document.operations() {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = format!("{name}: {}", parameter["name"]);
            of_place(&document, &place, parameter, &mut found, &mut wrong);
            of_schema(&document, &place, &parameter["schema"], &mut found, &mut wrong);
        }
        of_contents(&document, &name, &operation["requestBody"], &mut found, &mut wrong);
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            of_contents(&document, &format!("{name} {status}"), answer, &mut found, &mut wrong);
        }
    }
    assert!(found > 150, "the examples are found: {found}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The examples of a body or an answer, by media type.
fn of_contents(document: &Document, place: &str, of: &Value, found: &mut usize, wrong: &mut Vec<String>) {
    for content in of["content"].as_object().into_iter().flatten().map(|(_, content)| content) {
        of_place(document, place, content, found, wrong);
        of_schema(document, place, &content["schema"], found, wrong);
    }
}

/// The examples beside a schema.
fn of_place(document: &Document, place: &str, beside: &Value, found: &mut usize, wrong: &mut Vec<String>) {
    let several = beside["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
    for example in beside.get("example").into_iter().chain(several) {
        is_as(document, place, &beside["schema"], example, found, wrong);
    }
}

/// The examples of a schema and of all that is in it.
fn of_schema(document: &Document, place: &str, schema: &Value, found: &mut usize, wrong: &mut Vec<String>) {
    let several = schema["examples"].as_array().into_iter().flatten();
    for example in schema.get("example").into_iter().chain(several) {
        is_as(document, place, schema, example, found, wrong);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        of_schema(document, &format!("{place}.{name}"), property, found, wrong);
    }
    let parts = ["allOf", "oneOf", "anyOf"].iter().flat_map(|key| schema[*key].as_array().into_iter().flatten());
    for part in parts.chain([&schema["items"], &schema["additionalProperties"]]).filter(|part| part.is_object()) {
        of_schema(document, place, part, found, wrong);
    }
}

fn is_as(document: &Document, place: &str, schema: &Value, example: &Value, found: &mut usize, wrong: &mut Vec<String>) {
    *found += 1;
    let mut faults = document.faults(schema, example);
    document.unknown(schema, example, "", &mut faults);
    wrong.extend(faults.into_iter().map(|fault| format!("{place}: the example is not as its schema: {fault}: {example}")));
}
