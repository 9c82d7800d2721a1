//! Every example of the OpenAPI document, sent as it stands, succeeds: whoever copies one gets an answer and no error. And what is answered is
//! what the document says (docs/decisions/0046-examples-that-are-sent.md).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::domains::ALL;
use crate::walk::{Document, WHERE, Walk};

#[tokio::test]
async fn every_example_that_is_sent_succeeds_and_every_answer_is_as_documented() {
    let mut walk = Walk::begin().await;
    for domain in ALL {
        (domain.walk)(&mut walk).await;
    }
    provider_tells(&mut walk).await;
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
