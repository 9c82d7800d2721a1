//! `Idempotency-Key`: the first answer is the answer.

use actix_web::test::TestRequest;

use crate::fixture::{Client, Got, body, settings, signed};

async fn create(client: &Client, key: &str, name: &str) -> Got {
    let json = format!(r#"{{"name": "{name}"}}"#);
    client.send(signed(body(TestRequest::post().uri("/api/things"), &json)).insert_header(("Idempotency-Key", key))).await
}

#[actix_web::test]
async fn a_repetition_gets_the_first_answer_byte_by_byte() {
    let client = Client::new();
    let first = create(&client, "k1", "Bridge").await;
    let again = create(&client, "k1", "Bridge").await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201));
    assert_eq!(first.bytes, again.bytes);
    for name in ["location", "etag", "content-type"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
        assert!(first.header(name).is_some(), "{name}");
    }
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    assert_eq!(*client.seen.runs.lock().unwrap(), 1);
}

#[actix_web::test]
async fn another_body_under_the_same_key_is_422() {
    let client = Client::new();
    create(&client, "k1", "Bridge").await;
    assert_eq!(create(&client, "k1", "Tower").await.code(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
}

#[actix_web::test]
async fn still_in_flight_is_409() {
    let got = create(&Client::new(), "in-flight", "Bridge").await;
    assert_eq!(got.code(), (409, "IDEMPOTENCY_KEY_IN_FLIGHT".into()));
    assert_eq!(got.header("retry-after"), Some("1"));
}

#[actix_web::test]
async fn without_a_key_every_request_is_new() {
    let client = Client::new();
    for _ in 0..2 {
        let got = client.post("/api/things", r#"{"name": "Bridge"}"#).await;
        assert_eq!((got.status.as_u16(), got.header("idempotency-replayed")), (201, None));
    }
    assert_eq!(*client.seen.runs.lock().unwrap(), 2);
}

#[actix_web::test]
async fn a_key_is_a_short_token() {
    let client = Client::new();
    let long = "x".repeat(256);
    for key in ["", "two words", "é", long.as_str(), "\"", "\"\"", "\"a", "\"a\";b=1", "\"two words\"", "\"a\\b\""] {
        assert_eq!(create(&client, key, "Bridge").await.code(), (400, "IDEMPOTENCY_KEY_INVALID".into()), "{key:?}");
    }
    assert_eq!(create(&client, &long[1..], "Bridge").await.status, 201);
}

#[actix_web::test]
async fn a_key_in_quotes_is_the_bare_one() {
    // As the draft of the header writes it: a string of structured fields.
    let client = Client::new();
    let first = create(&client, "8e03978e-40d5-43dd-bc93-6894a57f9324", "Bridge").await;
    let again = create(&client, "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "Bridge").await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((&again.bytes, *client.seen.runs.lock().unwrap()), (&first.bytes, 1));
    assert_eq!(create(&client, "\"a\\\"b\\\\\"", "Bridge").await.status, 201);
    assert_eq!(create(&client, "a\"b\\", "Bridge").await.header("idempotency-replayed"), Some("true"));
}

#[actix_web::test]
async fn a_fingerprint_cannot_be_guessed_from_the_body_and_outlives_the_process() {
    let fingerprint = async |key: Option<&'static [u8]>| {
        let client = Client::with(settings(), |deps| match key {
            Some(secret) => deps.idempotency_secret(web::IdempotencySecret::derived(secret)),
            None => deps,
        });
        create(&client, "k1", "Bridge").await;
        let stored = client.seen.stored.lock().unwrap();
        stored["k1"].0.fingerprint
    };
    assert_eq!(fingerprint(Some(b"one")).await, fingerprint(Some(b"one")).await, "the same in every process");
    assert_ne!(fingerprint(Some(b"one")).await, fingerprint(Some(b"another")).await);
    assert_ne!(fingerprint(None).await, fingerprint(None).await, "without a key, each process has its own");
}

#[actix_web::test]
async fn who_may_no_longer_do_it_gets_no_answer_again() {
    let client = Client::new();
    let first = create(&client, "k1", "Bridge").await;
    assert_eq!(first.status, 201);
    // The route's own permission, and the one that the verb asked for.
    for permission in ["things.create", "things.name"] {
        *client.seen.revoked.lock().unwrap() = vec![permission];
        let again = create(&client, "k1", "Bridge").await;
        assert_eq!(again.code(), (403, "PERMISSION_DENIED".into()), "{permission}");
        assert_eq!(again.json()["missingPermission"], permission);
        assert_eq!((again.header("idempotency-replayed"), again.header("location")), (None, None));
    }
    assert_eq!(client.seen.denials.lock().unwrap().len(), 2, "refusals are recorded");
    client.seen.revoked.lock().unwrap().clear();
    let again = create(&client, "k1", "Bridge").await;
    assert_eq!((again.status.as_u16(), &again.bytes), (201, &first.bytes));
    assert_eq!(*client.seen.runs.lock().unwrap(), 1);
}

#[actix_web::test]
async fn nothing_of_an_answer_is_stored_in_clear() {
    let client = Client::new();
    let first = create(&client, "k1", "Bridge").await;
    assert!(first.header("location").is_some() && first.header("etag").is_some());
    {
        let stored = client.seen.stored.lock().unwrap();
        let answer = &stored["k1"].1;
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.headers.is_empty() && !shown.contains("Bridge") && !shown.contains("things"), "{shown}");
    }
    // An answer from before it was sealed, or sealed under another secret, is not given: nor is its effect done again.
    client.seen.stored.lock().unwrap().get_mut("k1").unwrap().1.body = first.bytes.clone();
    assert_eq!(create(&client, "k1", "Bridge").await.code(), (409, "IDEMPOTENCY_ANSWER_LOST".into()));
    assert_eq!(*client.seen.runs.lock().unwrap(), 1);
}
