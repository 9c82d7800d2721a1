//! Lists: limit, cursor, unknown parameters.

use actix_web::http::Method;
use actix_web::test::TestRequest;

use crate::fixture::{Client, ID, body, signed};

#[actix_web::test]
async fn a_list_is_walked_by_its_cursor() {
    let client = Client::new();
    let (mut seen, mut path) = (0, "/api/things?limit=100".to_owned());
    let mut sizes = Vec::new();
    loop {
        let json = client.get(&path).await.json();
        sizes.push(json["data"].as_array().unwrap().len());
        seen += sizes.last().unwrap();
        match json["nextCursor"].as_str() {
            Some(cursor) => path = format!("/api/things?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((seen, sizes), (250, vec![100, 100, 50]));
    assert_eq!(client.get("/api/things").await.json()["data"].as_array().unwrap().len(), 20);
}

#[actix_web::test]
async fn wrong_parameters_are_422() {
    let client = Client::new();
    for (query, fault) in [
        ("limit=0", "?limit OUT_OF_RANGE must be at least 1"),
        ("limit=101", "?limit OUT_OF_RANGE must be at most 100"),
        ("limit=70000", "?limit OUT_OF_RANGE must be at most 100"),
        ("limit=100000000000000000000", "?limit OUT_OF_RANGE must be at most 100"),
        ("limit=x", "?limit WRONG_TYPE must be a whole number"),
        ("limit=1.5", "?limit WRONG_TYPE must be a whole number"),
        ("limit=%2B1", "?limit WRONG_TYPE must be a whole number"),
        ("limit=-", "?limit WRONG_TYPE must be a whole number"),
        ("limit=", "?limit WRONG_TYPE must be a whole number"),
        ("late=yes", "?late WRONG_TYPE must be true or false"),
        ("owner=x", "?owner INVALID_FORMAT must be a UUID such as \"0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f\""),
        ("cursor=x", "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged"),
        ("cursor=", "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged"),
        (
            "cursor=__________________________________________",
            "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged",
        ),
        ("status=lost", "?status NOT_ONE_OF must be one of \"draft\", \"open\""),
        ("stauts=open", "?stauts UNKNOWN_PARAMETER is not a parameter: there are status, owner, late, limit, cursor"),
        ("limit=1&limit=2", "?limit DUPLICATE must be given once"),
        ("cursor=%00", "?cursor INVALID_CHARACTER must not contain the character U+0000"),
    ] {
        assert_eq!(client.get(&format!("/api/things?{query}")).await.faults(), [fault], "{query}");
    }
    assert_eq!(client.get("/api/things?a=1&b=2").await.faults().len(), 2);
    let many: String = (0..150).map(|n| format!("p{n}&")).collect();
    assert_eq!(client.get(&format!("/api/things?{many}")).await.faults().len(), 100);
    assert_eq!(client.get("/api/things?status=open&limit=5").await.status, 200);
}

#[actix_web::test]
async fn a_list_without_filters_needs_no_struct_of_its_own() {
    let client = Client::new();
    assert_eq!(client.get("/api/rates?limit=7").await.json(), 7);
    assert_eq!(client.get("/api/rates?status=x").await.faults().len(), 1);
}

#[actix_web::test]
async fn every_fault_of_a_query_is_told_at_once() {
    let client = Client::new();
    let got = client.get("/api/things?limit=0&cursor=x&status=lost&owner=me&late=1&late=2&color=red").await;
    insta::assert_json_snapshot!(got.faults(), @r#"
    [
      "?color UNKNOWN_PARAMETER is not a parameter: there are status, owner, late, limit, cursor",
      "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged",
      "?late DUPLICATE must be given once",
      "?limit OUT_OF_RANGE must be at least 1",
      "?owner INVALID_FORMAT must be a UUID such as \"0199d0c4-f3a2-7c5e-8a6f-0d1b2c3d4e5f\"",
      "?status NOT_ONE_OF must be one of \"draft\", \"open\""
    ]
    "#);
    assert_eq!(client.get("/api/periods").await.faults(), ["?length REQUIRED is required"]);
    let faults = client.get("/api/periods?on=2026-02-30&length=40").await.faults();
    let on = "?on INVALID_FORMAT must be a date such as \"2026-03-31\", of the years 1900 to 9999";
    assert_eq!(faults, ["?length OUT_OF_RANGE must be at most 31", on]);
    assert_eq!(client.get("/api/periods?on=2026-02-28&length=4").await.json(), serde_json::json!([4, "2026-02-28"]));
    assert_eq!(client.get("/api/periods?length=").await.faults(), ["?length WRONG_TYPE must be a whole number"]);
    assert_eq!(client.get("/api/periods?on=2026-02-28").await.faults(), ["?length REQUIRED is required"]);
}

#[actix_web::test]
async fn a_cursor_belongs_to_its_list_and_filter() {
    let client = Client::new();
    let cursor = async |path: &str| client.get(path).await.json()["nextCursor"].as_str().unwrap().to_owned();
    let all = cursor("/api/things?limit=5").await;
    let open = cursor("/api/things?status=open&late=true").await;
    for (path, status) in [
        (format!("/api/things?cursor={all}"), 200),
        (format!("/api/things?cursor={all}&limit=7"), 200),
        (format!("/api/things?cursor={open}&late=true&status=open"), 200),
        (format!("/api/things?cursor={all}&status=open"), 400),
        (format!("/api/things?cursor={open}"), 400),
        (format!("/api/things?cursor={open}&status=draft&late=true"), 400),
        (format!("/api/rates?cursor={all}"), 400),
    ] {
        let got = client.get(&path).await;
        assert_eq!(got.status, status, "{path}");
        if status == 400 {
            assert_eq!(got.code().1, "CURSOR_OF_ANOTHER_LIST", "{path}");
            let detail = "this cursor is of another list, or of this one with another filter: begin again without it";
            assert_eq!(got.json()["detail"], detail);
        }
    }
}

#[actix_web::test]
async fn a_parameter_that_nobody_reads_is_refused_everywhere() {
    let client = Client::new();
    let path = format!("/api/things/{ID}?dry=1&dry=2");
    let none = |name: &str| format!("?{name} UNKNOWN_PARAMETER is not a parameter: there are none here");
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = body(signed(TestRequest::default().method(method.clone()).uri(&path)), r#"{"name": "Bridge"}"#);
        let got = client.send(request).await;
        assert_eq!(got.status, 422, "{method}");
        if method != Method::HEAD {
            assert_eq!(got.faults(), [none("dry"), none("dry")], "{method}");
        }
    }
    let make = body(TestRequest::post().uri("/api/things?notify=false"), r#"{"name": "Bridge"}"#);
    assert_eq!(client.send(signed(make)).await.faults(), [none("notify")]);
    assert_eq!(*client.seen.runs.lock().unwrap(), 0, "nothing is done");
    assert_eq!(client.post("/api/notes?x=1", "{}").await.faults(), [none("x")], "without signing in, too");
    let make = body(TestRequest::post().uri("/api/things?notify=false"), r#"{"name": "Bridge"}"#);
    assert_eq!(client.send(make).await.status, 401, "who is to sign in is told that first");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(client.get(&format!("{path}?x=1")).await.faults(), [none("x")], "{path}");
        assert_eq!(client.get(path).await.status, 200, "{path}");
    }
}
