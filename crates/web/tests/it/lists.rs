//! Lists: limit, cursor, unknown parameters.

use crate::fixture::Client;

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
        ("limit=0", "?limit OUT_OF_RANGE must be 1 to 100"),
        ("limit=101", "?limit OUT_OF_RANGE must be 1 to 100"),
        ("limit=x", "?limit INVALID invalid digit found in string"),
        ("cursor=x", "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged"),
        ("cursor=", "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged"),
        (
            "cursor=__________________________________________",
            "?cursor INVALID_FORMAT must be the `nextCursor` of the page before, unchanged",
        ),
        ("status=lost", "?status INVALID unknown variant `lost`, expected `draft` or `open`"),
        ("stauts=open", "?stauts UNKNOWN_PARAMETER is not a parameter: there are status, limit, cursor"),
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
