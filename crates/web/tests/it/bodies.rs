//! Bodies: size, media type, syntax, then all structural faults at once, each with its pointer.

use actix_web::test::TestRequest;
use insta::assert_json_snapshot;

use crate::fixture::{Client, body, signed};

#[actix_web::test]
async fn every_fault_is_told_at_once() {
    let json = r#"{"nmae": "x", "rate": "1.23456", "floors": [{"floorNumber": 0, "floorArea": 12.5}, {"floorNumber": "1"}], "a/b~c": 1}"#;
    let got = Client::new().post("/api/things", json).await;
    assert_json_snapshot!(got.faults(), @r#"
    [
      "/a~1b~0c UNKNOWN_FIELD is not a field of this resource: remove it",
      "/floors/0/floorNumber OUT_OF_RANGE must be at least 1",
      "/floors/1/floorArea REQUIRED is required",
      "/floors/1/floorNumber WRONG_TYPE must be a whole number",
      "/name REQUIRED is required",
      "/nmae UNKNOWN_FIELD is not a field of this resource: remove it",
      "/rate INVALID_FORMAT must be a decimal such as \"12.5\": not negative, at most 14 digits before and 4 behind the point"
    ]
    "#);
    assert_json_snapshot!(got.json()["detail"], @r#""7 faults, see `errors`""#);
}

#[actix_web::test]
async fn the_shape_of_a_422() {
    assert_json_snapshot!(Client::new().post("/api/things", r#"{"name": ""}"#).await.json(), @r#"
    {
      "code": "INVALID",
      "detail": "/name: must have at least 1 character",
      "errors": [
        {
          "code": "TOO_SHORT",
          "detail": "must have at least 1 character",
          "pointer": "/name"
        }
      ],
      "instance": "/api/things",
      "requestId": "req-1",
      "status": 422,
      "title": "Invalid",
      "type": "https://14build.dev/problems/invalid"
    }
    "#);
}

#[actix_web::test]
async fn each_keyword_has_its_code() {
    let json = r#"{"id": "x", "email": "x", "at": "yesterday", "on": "2026-02-30", "shape": "oval", "maybeShape": "oval", "slug": "A1",
        "count": -1, "big": 1e30, "yes": "true", "tags": [], "nested": {"floorNumber": 201, "floorArea": -1},
        "total": {"amount": "1,5", "currency": "XXX", "more": 1}, "budget": "12.34567", "currency": "eur"}"#;
    assert_json_snapshot!(Client::new().post("/api/everything", json).await.faults(), @r#"
    [
      "/at INVALID_FORMAT must be an RFC 3339 instant such as \"2026-03-31T16:00:00Z\", of the years 1900 to 9999 in UTC",
      "/big OUT_OF_RANGE must be at most 9223372036854775807",
      "/budget INVALID_FORMAT must be a decimal such as \"12.5\": not negative, at most 16 digits before and 4 behind the point",
      "/count OUT_OF_RANGE must be at least 0",
      "/currency NOT_ONE_OF must be \"EUR\": capitals and small letters count",
      "/email INVALID_FORMAT must be an email address such as \"ada@example.com\"",
      "/id INVALID_FORMAT must be a UUID such as \"0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f\"",
      "/maybeShape NOT_ONE_OF must be one of \"round\", \"square\"",
      "/nested/floorArea OUT_OF_RANGE must be at least 0",
      "/nested/floorNumber OUT_OF_RANGE must be at most 200",
      "/on INVALID_FORMAT must be a date such as \"2026-03-31\", of the years 1900 to 9999",
      "/shape NOT_ONE_OF must be one of \"round\", \"square\"",
      "/slug INVALID_FORMAT must match ^[a-z]+$",
      "/tags TOO_FEW must have at least 1 item",
      "/total/amount INVALID_FORMAT must be a decimal such as \"12.5\": not negative, at most 16 digits before and 4 behind the point",
      "/total/currency NOT_ONE_OF must be one of \"AED\", \"AUD\", \"BGN\", \"BRL\", \"CAD\", \"CHF\", \"CZK\", \"DKK\", \"EUR\", \"GBP\", \"HKD\", \"HUF\", \"JPY\", \"MAD\", \"MXN\", \"MYR\", \"NOK\", \"NZD\", \"PLN\", \"RON\", \"SEK\", \"SGD\", \"THB\", \"USD\"",
      "/total/more UNKNOWN_FIELD is not a field of this resource: remove it",
      "/yes WRONG_TYPE must be true or false"
    ]
    "#);
}

#[actix_web::test]
async fn wrong_types_are_named() {
    let client = Client::new();
    for json in ["[]", "null", "\"text\"", "1"] {
        assert_eq!(client.post("/api/things", json).await.faults(), [" WRONG_TYPE must be an object"], "{json}");
    }
    let json = r#"{"name": null, "note": 1, "rate": true, "floors": {}}"#;
    assert_json_snapshot!(client.post("/api/things", json).await.faults(), @r#"
    [
      "/floors WRONG_TYPE must be an array",
      "/name WRONG_TYPE must be a string",
      "/note WRONG_TYPE must be a string or null",
      "/rate WRONG_TYPE must be a number or a string or null"
    ]
    "#);
}

const GOOD: &str = r#"{"id": "0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f", "email": "ada@example.com", "at": "2026-03-31T16:00:00Z",
    "shape": "round", "slug": "a", "count": 1, "big": 1, "yes": true, "tags": ["a"], "currency": "EUR", "total": TOTAL}"#;

async fn total(amount: &str) -> Result<String, Vec<String>> {
    let total = format!(r#"{{"amount": {amount}, "currency": "EUR"}}"#);
    let got = Client::new().post("/api/everything", &GOOD.replace("TOTAL", &total)).await;
    if got.status == 200 { Ok(got.json().as_str().unwrap().to_owned()) } else { Err(got.faults()) }
}

#[actix_web::test]
async fn decimals_are_read_from_their_text() {
    for (sent, read) in [
        (r#""9649.00""#, "9649"),
        ("9649.1", "9649.1"),
        ("0.1", "0.1"),
        ("0", "0"),
        ("1e2", "100"),
        ("9007199254740993", "9007199254740993"),
        ("90071992547409.93", "90071992547409.93"),
        (r#""9999999999999.99""#, "9999999999999.99"),
        ("1.50000", "1.5"),
    ] {
        assert_eq!(total(sent).await, Ok(read.to_owned()), "{sent}");
    }
    for (sent, fault) in [
        ("0.12345", "/total/amount TOO_MANY_DECIMALS at most 4 decimals are allowed"),
        ("0.123", "/total/amount TOO_MANY_DECIMALS at most 2 decimals are allowed"),
        ("12345678901.12345678901", "/total/amount TOO_MANY_DECIMALS at most 4 decimals are allowed"),
        ("0.10000000000000001", "/total/amount TOO_MANY_DECIMALS at most 4 decimals are allowed"),
        ("1e-5", "/total/amount TOO_MANY_DECIMALS at most 4 decimals are allowed"),
        ("-1", "/total/amount OUT_OF_RANGE must be at least 0"),
        ("1e16", "/total/amount OUT_OF_RANGE must be less than 10000000000000000"),
        ("1e300", "/total/amount OUT_OF_RANGE must be less than 10000000000000000"),
        ("true", "/total/amount WRONG_TYPE must be a number or a string"),
    ] {
        assert_eq!(total(sent).await, Err(vec![fault.to_owned()]), "{sent}");
    }
    for sent in [r#""-1""#, r#""""#, r#""1.""#, r#"".5""#, r#""1e3""#, r#"" 1""#, r#""１""#, r#""NaN""#, r#""12345678901234567""#]
    {
        let words = "must be a decimal such as \"12.5\": not negative, at most 16 digits before and 4 behind the point";
        assert_eq!(total(sent).await, Err(vec![format!("/total/amount INVALID_FORMAT {words}")]), "{sent}");
    }
}

#[actix_web::test]
async fn syntax_is_400_with_the_place() {
    let client = Client::new();
    for (json, code, detail) in [
        ("", "MALFORMED_JSON", "the body is empty: send a JSON document"),
        ("{\n  \"name\": }", "MALFORMED_JSON", "the body is not JSON: a value is expected here (line 2, column 11)"),
        ("{} {}", "MALFORMED_JSON", "the body is not JSON: something follows after its end (line 1, column 4)"),
        (
            "{\"name\": \"a\u{1}\"}",
            "MALFORMED_JSON",
            "the body is not JSON: a control character in a string must be written as an escape, such as \\n (line 1, column 12)",
        ),
        (r#"{"name": 1e999}"#, "MALFORMED_JSON", "the body is not JSON: this number is too large (line 1, column 14)"),
    ] {
        let got = client.post("/api/things", json).await;
        assert_eq!(got.code(), (400, code.into()), "{json}");
        assert_eq!(got.json()["detail"], detail);
    }
    let twice = client.post("/api/things", r#"{"name": "a", "name": "b"}"#).await;
    assert_eq!(twice.code(), (400, "DUPLICATE_MEMBER".into()));
    let invalid = signed(TestRequest::post().uri("/api/things")).insert_header(("Content-Type", "application/json"));
    let got = client.send(invalid.set_payload(&b"{\n\"name\": \"\xff\"}"[..])).await;
    assert_eq!(got.code(), (400, "MALFORMED_JSON".into()));
    assert_eq!(got.json()["detail"], "the body is not UTF-8 (the byte at line 2, column 10)");
}

#[actix_web::test]
async fn what_is_wrong_with_json_is_told_in_words_for_people() {
    let client = Client::new();
    for (json, words) in [
        (r#"{"name""#, "it ends too early"),
        (r#"{"name": "a"#, "it ends too early"),
        (r#"{"name" "a"}"#, "a colon is expected between the name of a member and its value"),
        (r#"{"name": "a" "b"}"#, "a comma or the end of the object is expected here"),
        (r#"{"floors": [1 2]}"#, "a comma or the end of the array is expected here"),
        (r#"{"name": nil}"#, "of bare words there are only true, false and null"),
        (r#"{name: 1}"#, "the name of a member must stand in double quotes"),
        (r#"{"name": 1,}"#, "nothing follows this comma"),
        (r#"{"name": 01}"#, "this is not how a number is written"),
        (r#"{"name": "\x"}"#, "there is no such escape in a string"),
    ] {
        let got = client.post("/api/things", json).await;
        assert_eq!(got.code(), (400, "MALFORMED_JSON".into()), "{json}");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("the body is not JSON: {words} (line 1, column ")), "{json}: {detail}");
    }
    let surrogate = client.post("/api/things", r#"{"name": "\ud800"}"#).await.json();
    assert!(surrogate["detail"].as_str().unwrap().contains("four hexadecimal digits"), "{surrogate}");
}

#[actix_web::test]
async fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{{\"name\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    let client = Client::new();
    assert_eq!(client.post("/api/things", &nested(31)).await.status, 422);
    assert_eq!(client.post("/api/things", &nested(32)).await.code(), (400, "NESTED_TOO_DEEPLY".into()));
    assert_eq!(client.post("/api/things", &nested(100_000)).await.code(), (400, "NESTED_TOO_DEEPLY".into()));
}

#[actix_web::test]
async fn nul_is_refused_where_it_stands() {
    let got = Client::new().post("/api/things", r#"{"name": "a\u0000b", "note": "\\u0000 is fine"}"#).await;
    assert_eq!(got.faults(), ["/name INVALID_CHARACTER must not contain the character U+0000"]);
}

#[actix_web::test]
async fn only_json_is_taken() {
    let client = Client::new();
    for (media_type, status) in [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON;charset=\"UTF-8\"", 201),
        ("application/json; charset=latin1", 415),
        ("text/plain", 415),
        ("application/problem+json", 415),
        ("", 415),
    ] {
        let request = signed(TestRequest::post().uri("/api/things").insert_header(("Content-Type", media_type)));
        let got = client.send(request.set_payload(r#"{"name": "a"}"#)).await;
        assert_eq!(got.status, status, "{media_type}: {}", got.json());
    }
    let zipped = signed(body(TestRequest::post().uri("/api/things"), "{}")).insert_header(("Content-Encoding", "gzip"));
    assert_eq!(client.send(zipped).await.code(), (415, "UNSUPPORTED_CONTENT_ENCODING".into()));
}

#[actix_web::test]
async fn size_is_bounded_per_route() {
    let client = Client::new();
    let megabytes = |n: usize| "x".repeat(n << 20);
    let got = client.post("/api/things", &format!("{{\"name\": \"{}\"}}", megabytes(1))).await;
    assert_eq!(got.code(), (413, "BODY_TOO_LARGE".into()));
    assert_eq!(got.json()["limit"], 1 << 20);
    assert_eq!(client.post("/api/raw", &megabytes(3)).await.status, 200);
    assert_eq!(client.post("/api/raw", &(megabytes(3) + "x")).await.json()["limit"], 3 << 20);
}

#[actix_web::test]
async fn a_patch_is_merged_and_checked_as_a_put() {
    let client = Client::new();
    let path = format!("/api/things/{}", crate::fixture::ID);
    let patch = async |json: &'static str| {
        let request = signed(TestRequest::patch().uri(&path)).insert_header(("Content-Type", "application/merge-patch+json"));
        client.send(request.set_payload(json)).await
    };
    assert_json_snapshot!(patch(r#"{"name": "Tower", "note": null, "rate": 90071992547409.93}"#).await.json(), @r#"
    {
      "floors": [],
      "name": "Tower",
      "rate": "90071992547409.93"
    }
    "#);
    assert_eq!(patch(r#"{"name": null}"#).await.faults(), ["/name REQUIRED is required"]);
    assert_eq!(patch(r#"{"nmae": 1}"#).await.faults(), ["/nmae UNKNOWN_FIELD is not a field of this resource: remove it"]);
    assert_eq!(patch("[1]").await.faults(), [" WRONG_TYPE must be an object"]);
    assert_eq!(patch("{").await.code().0, 400);
}

#[actix_web::test]
async fn what_only_serde_can_refuse_has_its_place_too() {
    let good = GOOD.replace("TOTAL", r#"{"amount": "1", "currency": "EUR"}"#);
    let client = Client::new();
    for (from, to, fault) in [
        (r#""count": 1"#, r#""count": 70000"#, "/count OUT_OF_RANGE is outside of the range of this field"),
        (r#""big": 1"#, r#""big": 1.5"#, "/big WRONG_TYPE must be a whole number"),
    ] {
        assert_eq!(client.post("/api/everything", &good.replace(from, to)).await.faults(), [fault]);
    }
}

#[actix_web::test]
async fn a_verb_without_a_body_refuses_one_with_fields() {
    let client = Client::new();
    for (path, status) in [(format!("/api/things/{}/award", crate::fixture::ID), 403), ("/api/auth/logout".to_owned(), 204)] {
        let send = async |json: &str| client.post(&path, json).await;
        assert_eq!(client.send(signed(TestRequest::post().uri(&path))).await.status, status, "nothing");
        assert_eq!(send("{}").await.status, status, "an empty object");
        let refused = "is not a field of this resource: remove it";
        assert_eq!(
            send(r#"{"bid": 1, "why": "x"}"#).await.faults(),
            [format!("/bid UNKNOWN_FIELD {refused}"), format!("/why UNKNOWN_FIELD {refused}")]
        );
        assert_eq!(send("[]").await.faults(), [" WRONG_TYPE must be an object"]);
        assert_eq!(send("{").await.code(), (400, "MALFORMED_JSON".into()));
        let text = signed(TestRequest::post().uri(&path)).insert_header(("Content-Type", "text/plain"));
        assert_eq!(client.send(text.set_payload("hello")).await.status, 415);
    }
}

#[actix_web::test]
async fn an_optional_body_is_checked_if_it_is_there() {
    let client = Client::new();
    assert_eq!(client.send(TestRequest::post().uri("/api/notes")).await.json(), serde_json::Value::Null);
    assert_eq!(client.post("/api/notes", "{}").await.json(), serde_json::Value::Null);
    assert_eq!(client.post("/api/notes", r#"{"note": "hello"}"#).await.json(), "hello");
    assert_eq!(
        client.post("/api/notes", r#"{"note": "too long"}"#).await.faults(),
        ["/note TOO_LONG must have at most 5 characters"]
    );
    assert_eq!(client.send(TestRequest::post().uri("/api/notes").set_payload("{}")).await.status, 415);
}

#[actix_web::test]
async fn a_whole_number_may_be_written_with_a_point_or_an_exponent() {
    let good = GOOD.replace("TOTAL", r#"{"amount": 1e2, "currency": "EUR"}"#);
    let client = Client::new();
    for (count, big) in
        [("4.0", "9223372036854775807.0"), ("1e2", "-9.223372036854775808e18"), ("40e-1", "0.0"), ("-0.0", "1E+3")]
    {
        let json =
            good.replace(r#""count": 1"#, &format!(r#""count": {count}"#)).replace(r#""big": 1"#, &format!(r#""big": {big}"#));
        let got = client.post("/api/everything", &json).await;
        assert_eq!((got.status.as_u16(), got.json()), (200, "100".into()), "{count} and {big}");
    }
    for (from, to, fault) in [
        (r#""count": 1"#, r#""count": 4.5"#, "/count WRONG_TYPE must be a whole number"),
        (r#""count": 1"#, r#""count": 1e-1"#, "/count WRONG_TYPE must be a whole number"),
        (r#""count": 1"#, r#""count": 65536.0"#, "/count OUT_OF_RANGE is outside of the range of this field"),
        (r#""big": 1"#, r#""big": 9223372036854775808.0"#, "/big OUT_OF_RANGE must be at most 9223372036854775807"),
    ] {
        assert_eq!(client.post("/api/everything", &good.replace(from, to)).await.faults(), [fault], "{to}");
    }
    let floor = r#"{"name": "x", "floors": [{"floorNumber": 2.0e0, "floorArea": "1"}]}"#;
    let path = format!("/api/things/{}", crate::fixture::ID);
    let patch = signed(body(TestRequest::patch().uri(&path), floor));
    assert_eq!(client.send(patch).await.json()["floors"][0]["floorNumber"], 2);
}

#[actix_web::test]
async fn times_lie_in_years_that_can_be_written_in_utc() {
    let good = GOOD.replace("TOTAL", r#"{"amount": "1", "currency": "EUR"}"#);
    let client = Client::new();
    let with = async |at: &str, on: &str| {
        let mut json: serde_json::Value = serde_json::from_str(&good).unwrap();
        (json["at"], json["on"]) = (at.into(), on.into());
        client.post("/api/everything", &json.to_string()).await
    };
    for (at, on) in [
        ("9999-12-31T23:59:59Z", "9999-12-31"),
        ("9999-12-31T23:59:59+12:00", "1900-01-01"),
        ("1900-01-01T00:00:00Z", "2028-02-29"),
        ("2026-06-30T23:59:60Z", "2026-03-31"),
    ] {
        assert_eq!(with(at, on).await.status, 200, "{at} {on}");
    }
    for (at, on) in [
        ("9999-12-31T23:59:59-12:00", "10000-01-01"),
        ("9999-12-31T23:59:60Z", "10000-01-01"),
        ("1900-01-01T00:00:00+12:00", "1899-12-31"),
        ("0001-01-01T00:00:00Z", "0000-01-01"),
        ("2026-03-31", "2026-3-31"),
        ("2026-03-31T16:00:00", "+2026-03-31"),
    ] {
        let faults = with(at, on).await.faults();
        assert_eq!(faults.len(), 2, "{at} {on}: {faults:?}");
        assert!(faults[0].starts_with("/at INVALID_FORMAT") && faults[1].starts_with("/on INVALID_FORMAT"), "{faults:?}");
    }
}

#[actix_web::test]
async fn a_nul_is_refused_wherever_it_stands() {
    let client = Client::new();
    for (path, status) in [
        ("/api/things?cursor=a%00b", 422),
        ("/api/things?a%00b=1", 422),
        ("/api/things/%00", 404),
        ("/api/things%00", 404),
        ("/api/failures/frozen%00", 404),
    ] {
        assert_eq!(client.get(path).await.status, status, "{path}");
    }
    for json in [r#"{"name": "a\u0000b"}"#, r#"{"name": "a", "note": "\u0000"}"#, r#"{"name": "a", "\u0000": 1}"#] {
        let faults = client.post("/api/things", json).await.faults();
        assert!(!faults.is_empty(), "{json}");
    }
}
