//! ETag, If-None-Match, If-Match.

use actix_web::test::TestRequest;

use crate::fixture::{Client, ID, body, signed};

#[actix_web::test]
async fn a_single_resource_has_a_strong_tag() {
    let client = Client::new();
    let path = format!("/api/things/{ID}");
    let got = client.get(&path).await;
    let tag = got.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
    for (given, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("*".into(), 304),
        (format!("W/\"a,b\",W/{tag}"), 304),
        ("\"other\"".into(), 200),
        (tag.trim_matches('"').to_owned(), 200),
        (format!("\"{}", &tag[2..]), 200),
    ] {
        let got = client.send(signed(TestRequest::get().uri(&path)).insert_header(("If-None-Match", given.clone()))).await;
        assert_eq!(got.status, status, "{given}");
        assert_eq!(got.header("etag"), Some(tag.as_str()));
        assert_eq!(got.bytes.is_empty(), status == 304);
    }
}

#[actix_web::test]
async fn a_change_can_be_made_conditional() {
    let client = Client::new();
    let path = format!("/api/things/{ID}");
    let tag = client.get(&path).await.header("etag").unwrap().to_owned();
    for (given, status) in [
        (tag.clone(), 200),
        ("*".into(), 200),
        (format!("\"a\", {tag}"), 200),
        (format!("W/{tag}"), 412),
        ("\"a\"".into(), 412),
        ("".into(), 400),
        (tag.trim_matches('"').to_owned(), 400),
        (format!("{tag} {tag}"), 400),
    ] {
        let request = signed(body(TestRequest::put().uri(&path), r#"{"name": "Tower"}"#));
        let got = client.send(request.insert_header(("If-Match", given.clone()))).await;
        assert_eq!(got.status, status, "{given}");
        match status {
            412 => assert_eq!(got.code().1, "PRECONDITION_FAILED"),
            400 => {
                let detail = "If-Match must be `*` or entity tags as they were answered, each in its double quotes, such as \
                              `If-Match: \"q1L0bXlY0bXlYQ\"`";
                assert_eq!((got.code().1.as_str(), got.json()["detail"].as_str()), ("ENTITY_TAG_INVALID", Some(detail)));
            }
            _ => {}
        }
    }
}

#[actix_web::test]
async fn a_change_of_what_is_there_can_be_excluded() {
    let client = Client::new();
    let path = format!("/api/things/{ID}");
    let tag = client.get(&path).await.header("etag").unwrap().to_owned();
    for (given, status) in
        [("*".into(), 412), (tag.clone(), 412), (format!("W/{tag}"), 412), ("\"other\"".into(), 200), ("other".into(), 400)]
    {
        let request = signed(body(TestRequest::put().uri(&path), r#"{"name": "Tower"}"#));
        let got = client.send(request.insert_header(("If-None-Match", given.clone()))).await;
        assert_eq!(got.status, status, "{given}");
        if status == 412 {
            assert_eq!(got.code().1, "PRECONDITION_FAILED");
            assert_eq!(got.json()["detail"], "the resource is there, in a state that If-None-Match excludes");
        }
    }
    let request = signed(body(TestRequest::put().uri(&path), r#"{"name": "Tower"}"#)).insert_header(("If-Match", tag.clone()));
    assert_eq!(client.send(request.insert_header(("If-None-Match", tag))).await.status, 412, "both count");
}
