//! Text that people read is text that somebody can see: tried with every text of every body that the document knows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domains::{Scene, calls};
use crate::world::{Client, PASSWORD, World};

/// Of a length that no lower bound refuses, and nothing to be seen in it.
const UNSEEN: &str = "\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}";

/// What nobody reads: secrets are kept as digests of what was typed, the address of a sign-in, what a link holds and
/// the code of a second factor are only looked up, and an event or a
/// report is its sender's own, signed by it.
const NOT_READ: &[&str] = &[
    "/password",
    "/currentPassword",
    "/newPassword",
    "POST /api/auth/login /email",
    "POST /api/auth/mfa /code",
    "POST /api/auth/reauthenticate /code",
    "POST /api/user/factors/totp/confirm /code",
    "POST /api/invitation-links/accept /token",
    "POST /api/invitation-links/look /token",
    "POST /api/webhooks/leaked-keys /0/token",
    "POST /api/webhooks/leaked-keys /0/type",
    "POST /api/webhooks/leaked-keys /0/url",
    "POST /api/webhooks/leaked-keys /0/source",
    "POST /api/webhooks/stripe /id",
    "POST /api/webhooks/stripe /type",
    "POST /api/webhooks/resend /type",
];

/// Calls of the contractor among those of a scene, which are its owner's.
const CONTRACTORS: &[&str] = &["POST /api/bids/{id}/refuse-award"];

/// A text in a body.
struct Text {
    pointer: String,
    /// Whether one that is given must say something.
    needed: bool,
}

/// The texts of a schema that are free: of no pattern, format or list.
fn texts(document: &Value, schema: &Value, at: &str, found: &mut Vec<Text>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("a schema of the document");
        texts(document, target, at, found);
        return;
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        schema[key].as_array().into_iter().flatten().for_each(|part| texts(document, part, at, found));
    }
    for (member, property) in schema["properties"].as_object().into_iter().flatten() {
        texts(document, property, &format!("{at}/{member}"), found);
    }
    if schema["items"].is_object() {
        texts(document, &schema["items"], &format!("{at}/0"), found);
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    if kinds.contains(&json!("string")) && ["pattern", "format", "enum", "const"].iter().all(|key| schema[*key].is_null()) {
        found.push(Text { pointer: at.to_owned(), needed: schema["minLength"].as_u64().is_some_and(|least| least > 0) });
    }
}

/// Puts a text where a pointer points to, and makes what it stands in where that is not there.
fn put(body: &mut Value, pointer: &str, text: Value) {
    let (parent, member) = pointer.rsplit_once('/').expect("a pointer into a body");
    match body.pointer_mut(parent) {
        Some(Value::Array(items)) if !items.is_empty() => items[0] = text,
        Some(Value::Object(members)) => {
            members.insert(member.to_owned(), text);
        }
        _ if member == "0" => put(body, parent, json!([text])),
        _ => put(body, parent, json!({member: text})),
    }
}

/// Who calls, where, and a body that would do.
type Call = (Client, String, Value);

/// Calls that need bids opened, or money there: their texts are looked at in a state in which the scene is not. They move the clock.
async fn after_openings(world: &World) -> BTreeMap<&'static str, Call> {
    let (owner, builder) = (world.register("Second Owner").await, world.register("Builder").await);
    let contract = world.contract(&owner, &builder).await;
    world.fund(&owner, &contract.milestones[0]).await;
    let submit = format!("/api/milestones/{}/submit", contract.milestones[0]);
    let tender = world.tender(&owner).await;
    let winner = json!({"bidId": world.bid(&builder, &tender, "10.00").await});
    world.open(&owner, &tender).await;
    BTreeMap::from([
        ("POST /api/milestones/{id}/submit", (builder.http, submit, json!({}))),
        ("POST /api/tenders/{id}/award", (owner.http, format!("/api/tenders/{}/award", tender.id), winner)),
    ])
}

/// Calls that need a deadline that is still to come, or nobody who is signed in.
async fn before_deadlines(world: &World) -> BTreeMap<&'static str, Call> {
    let (owner, builder, other) = (world.register("Owner").await, world.register("Builder").await, world.register("Other").await);
    let draft = world.draft_tender(&owner).await;
    let milestones = json!([{"title": "All", "percent": "100"}]);
    let changed = json!({"projectId": draft.project, "soqId": draft.soq, "title": "T", "procurementMethod": "open",
        "submissionDeadline": "2099-01-01T00:00:00Z", "milestones": milestones});
    let draft = format!("/api/tenders/{}", draft.id);
    let tender = world.tender(&owner).await;
    let (offer, bid) = (world.bid_body(&tender, "11.00").await, world.bid(&builder, &tender, "12.00").await);
    let bids = format!("/api/tenders/{}/bids", tender.id);
    let account = json!({"email": "new@account.example", "password": PASSWORD, "name": "N", "organizationName": "O"});
    BTreeMap::from([
        ("POST /api/auth/password-reset", (world.anonymous(), "/api/auth/password-reset".to_owned(), json!({}))),
        ("POST /api/auth/magic-link", (world.anonymous(), "/api/auth/magic-link".to_owned(), json!({}))),
        ("POST /api/auth/single-sign-on/look", (world.anonymous(), "/api/auth/single-sign-on/look".to_owned(), json!({}))),
        ("POST /api/auth/register", (world.anonymous(), "/api/auth/register".to_owned(), account)),
        ("POST /api/tenders/{id}/bids", (other.http, bids, offer.clone())),
        ("PUT /api/bids/{id}", (builder.http, format!("/api/bids/{bid}"), offer)),
        ("POST /api/tenders/{id}/invitations", (owner.http.clone(), format!("{draft}/invitations"), json!({}))),
        ("PATCH /api/tenders/{id}", (owner.http.clone(), draft.clone(), json!({"milestones": milestones}))),
        ("PUT /api/tenders/{id}", (owner.http, draft, changed)),
    ])
}

#[tokio::test]
async fn no_text_of_any_route_is_one_that_nobody_sees() {
    let world = World::new().await;
    let mut prepared = after_openings(&world).await;
    let scene = Scene::of(&world, "Tenant").await;
    prepared.extend(before_deadlines(&world).await);
    let own: BTreeMap<String, Call> = calls(&scene)
        .into_iter()
        .filter_map(|call| {
            let party = if CONTRACTORS.contains(&call.name.as_str()) { &scene.contractor } else { &scene.owner };
            Some((call.name, (party.http.clone(), call.case.path, call.case.body?)))
        })
        .collect();
    let document: Value = serde_json::from_str(&build14::services::openapi_json().expect("the document")).expect("JSON");
    let (mut tried, mut wrong) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let method = method.to_uppercase();
            let name = format!("{method} {path}");
            let mut found = Vec::new();
            texts(&document, &operation["requestBody"]["content"]["application/json"]["schema"], "", &mut found);
            for Text { pointer, needed } in found {
                if NOT_READ.iter().any(|one| *one == pointer || *one == format!("{name} {pointer}")) {
                    continue;
                }
                let Some((client, path, body)) = prepared.get(name.as_str()).or_else(|| own.get(&name)) else {
                    wrong.push(format!("{name} has a text at {pointer} and no body in its domain's file of tests/it/domains"));
                    continue;
                };
                let mut body = body.clone();
                put(&mut body, &pointer, json!(UNSEEN));
                let answer = client.call(&method, path, Some(&body)).await;
                let refused =
                    answer.status == 422 && answer.faults().iter().any(|fault| fault.starts_with(&format!("{pointer} ")));
                let left_out = !needed
                    && (200..300).contains(&answer.status)
                    && !String::from_utf8_lossy(&answer.bytes).contains('\u{200b}');
                tried += 1;
                if !(refused || left_out) {
                    wrong.push(format!("{name} takes {pointer} for a text: {} {}", answer.status, answer.body));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "`kernel::text` has `line`, `prose` and `optional_prose` for these:\n{}", wrong.join("\n"));
    assert!(tried > 40, "the texts are found: {tried}");
    let tables =
        "select c.oid::regclass from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1";
    for table in world.db.query(tables).await {
        let kept = world.db.query(&format!("select t from {table} t where t::text like '%' || chr(8203) || '%'")).await;
        assert!(kept.is_empty(), "{table} keeps it: {kept:?}");
    }
    world.settle().await;
    world.end().await;
}
