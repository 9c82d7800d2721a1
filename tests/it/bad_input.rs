//! Bad input gets a clear answer: everything that the first capability's users will get wrong.

use serde_json::json;

use crate::world::{World, schedule};

#[tokio::test]
async fn bodies_that_are_no_json_or_too_much_of_it() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let send = async |content_type: &str, body: String| {
        let request = owner.http.request("POST", "/api/projects").header("content-type", content_type.to_owned()).body(body);
        owner.http.send(request).await
    };
    send("application/json", "{\"name\": ".to_owned()).await.problem(400, "MALFORMED_JSON");
    send("application/json", format!("{{\"name\": {}1{}}}", "[".repeat(100), "]".repeat(100))).await.expect(400);
    send("text/plain", "name=x".to_owned()).await.expect(415);
    send("application/json", format!("{{\"name\": \"{}\"}}", "x".repeat(2 << 20))).await.expect(413);
    world.end().await;
}

#[tokio::test]
async fn all_faults_of_a_body_at_once() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let answer = owner
        .http
        .post("/api/projects", json!({"name": "", "currency": "XXX", "colour": "red", "startsOn": "soon"}))
        .await
        .problem(422, "INVALID");
    let faults = answer.faults();
    for pointer in ["/colour UNKNOWN_FIELD", "/currency ", "/name TOO_SHORT", "/startsOn INVALID_FORMAT"] {
        assert!(faults.iter().any(|fault| fault.starts_with(pointer)), "{pointer} is missing in {faults:?}");
    }
    // Money has no more decimals than its currency.
    let answer =
        owner.http.post("/api/projects", json!({"name": "P", "currency": "JPY", "budget": "10.5"})).await.problem(422, "INVALID");
    assert_eq!(answer.faults().len(), 1);
    assert!(answer.faults()[0].starts_with("/budget "), "{:?}", answer.faults());
    world.end().await;
}

#[tokio::test]
async fn a_stale_if_match_changes_nothing() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let path = format!("/api/projects/{}", world.project(&owner).await);
    let read = owner.http.get(&path).await.expect(200);
    let change = async |etag: &str, name: &str| {
        let request = owner
            .http
            .request("PATCH", &path)
            .header("content-type", "application/merge-patch+json")
            .header("if-match", etag.to_owned());
        owner.http.send(request.body(json!({"name": name}).to_string())).await
    };
    let changed = change(read.header("etag"), "Second").await.expect(200);
    assert_eq!((changed.text("/name"), changed.text("/currency")), ("Second".to_owned(), "EUR".to_owned()));
    change(read.header("etag"), "Third").await.problem(412, "PRECONDITION_FAILED");
    assert_eq!(owner.http.get(&path).await.expect(200).text("/name"), "Second");
    assert_eq!(
        owner.http.patch(&path, json!({"name": "Fourth"})).await.expect(200).text("/name"),
        "Fourth",
        "without If-Match the last one wins"
    );
    world.end().await;
}

#[tokio::test]
async fn units_whose_floors_do_not_sum() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let project = world.project(&owner).await;
    let path = format!("/api/projects/{project}/units");
    let unit = |number: &str, area: &str, floors: serde_json::Value| json!({"unitNumber": number, "totalFloorArea": area, "numberOfFloors": 2, "numberOfRooms": 4, "numberOfBathrooms": 1, "floors": floors});
    let good = json!([{"floorNumber": 0, "floorArea": "60.00"}, {"floorNumber": 1, "floorArea": "40.01"}]);
    let bad = json!([{"floorNumber": 0, "floorArea": "60.00"}, {"floorNumber": 1, "floorArea": "40.02"}]);
    let answer = owner
        .http
        .post(&path, json!({"units": [unit("A", "100", good.clone()), unit("B", "100", bad)]}))
        .await
        .problem(422, "INVALID");
    assert!(answer.faults().iter().all(|fault| fault.starts_with("/units/1/")), "{:?}", answer.faults());
    let none = owner.http.get(&path).await.expect(200);
    assert_eq!(none.body["data"], json!([]), "all or none");
    let negative = json!([{"floorNumber": 0, "floorArea": "-60.00"}, {"floorNumber": 0, "floorArea": "160.00"}]);
    let answer = owner.http.post(&path, json!({"units": [unit("A", "100", negative)]})).await.problem(422, "INVALID");
    assert!(answer.faults().iter().any(|fault| fault.starts_with("/units/0/floors/0/floorArea ")), "{:?}", answer.faults());
    owner.http.post(&path, json!({"units": [unit("A", "100", good.clone())]})).await.expect(201);
    owner.http.post(&path, json!({"units": [unit("A", "100", good)]})).await.problem(409, "UNIT_NUMBER_TAKEN");
    world.end().await;
}

#[tokio::test]
async fn numbers_are_read_from_their_text() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let project = world.project(&owner).await;
    let body = format!(
        "{{\"projectId\": \"{project}\", \"title\": \"T\", \"lines\": [{{\"code\": \"1\", \"description\": \"d\", \"kind\": \"measured\", \
         \"unitCode\": \"m2\", \"quantity\": 0.1, \"estimateRate\": 33333333333.3335}}]}}"
    );
    let request = owner.http.request("POST", "/api/soq").header("content-type", "application/json").body(body);
    let soq = owner.http.send(request).await.expect(201);
    assert_eq!(soq.text("/lines/0/estimateRate"), "33333333333.3335");
    assert_eq!(soq.text("/estimateTotal/amount"), "3333333333.33");
    let mut lines = schedule();
    lines[1]["quantity"] = json!("1.00001");
    lines[2]["estimateRate"] = json!("twenty");
    let answer =
        owner.http.post("/api/soq", json!({"projectId": project, "title": "T", "lines": lines})).await.problem(422, "INVALID");
    let faults = answer.faults();
    assert!(
        faults.iter().any(|fault| fault.starts_with("/lines/1/quantity "))
            && faults.iter().any(|fault| fault.starts_with("/lines/2/estimateRate ")),
        "{faults:?}"
    );
    world.end().await;
}

#[tokio::test]
async fn bids_late_on_ones_own_tender_unpriced_or_changed() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    let tender = world.tender(&owner).await;
    let path = format!("/api/tenders/{}/bids", tender.id);
    let body = world.bid_body(&tender, "10.00").await;
    owner.http.post(&path, body.clone()).await.problem(409, "OWN_TENDER");
    let mut unpriced = body.clone();
    unpriced["lines"].as_array_mut().expect("lines").pop();
    let answer = acme.http.post(&path, unpriced).await.problem(422, "INVALID");
    assert!(answer.faults().iter().all(|fault| fault.starts_with("/lines")), "{:?}", answer.faults());
    let mut changed = body.clone();
    changed["lines"].as_array_mut().expect("lines").push(json!({"soqLineId": tender.lines[3], "rate": "1.00"}));
    acme.http.post(&path, changed).await.problem(422, "INVALID");
    let bid = acme.http.post(&path, body.clone()).await.expect(201).text("/id");
    acme.http.post(&path, body.clone()).await.expect(409);

    world.advance(std::time::Duration::from_secs(7201)).await;
    let stone = world.register("Stone").await;
    let late = stone.http.post(&path, body.clone()).await.problem(422, "TENDER_CLOSED");
    assert!(late.body["deadline"].is_string() && late.body["serverTime"].is_string(), "{}", late.body);
    acme.http.put(&format!("/api/bids/{bid}"), body).await.problem(422, "TENDER_CLOSED");
    acme.http.delete(&format!("/api/bids/{bid}")).await.problem(422, "TENDER_CLOSED");
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn forged_webhooks() {
    let world = World::new().await;
    let body = json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}).to_string();
    let send = async |signature: Option<String>, body: &str| {
        let mut request = world.anonymous().request("POST", "/api/webhooks/stripe").body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        world.anonymous().send(request).await
    };
    send(None, &body).await.expect(400);
    send(Some("t=1,v1=00".to_owned()), &body).await.expect(400);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs() as i64;
    let old = stripe_sandbox::sign("whsec_test", now - 301, &body);
    send(Some(old), &body).await.expect(400);
    let other = stripe_sandbox::sign("whsec_other", now, &body);
    send(Some(other), &body).await.expect(400);
    let right = stripe_sandbox::sign("whsec_test", now, &body);
    send(Some(right.clone()), &body.replace("pi_1", "pi_2")).await.expect(400);
    send(Some(right.clone()), &body).await.expect(200);
    send(Some(right), &body).await.expect(200);
    assert_eq!(world.db.query("select count(*) from webhook_events").await, ["1"]);
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn a_replayed_key_gives_the_same_bytes_and_another_body_is_refused() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let send = async |name: &str| {
        let request = owner
            .http
            .request("POST", "/api/projects")
            .header("idempotency-key", "key-1")
            .json(&json!({"name": name, "currency": "EUR"}));
        owner.http.send(request).await
    };
    let first = send("Villa").await.expect(201);
    let again = send("Villa").await.expect(201);
    assert_eq!((first.bytes.clone(), first.header("etag")), (again.bytes.clone(), again.header("etag")));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    send("Other").await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(owner.http.get("/api/projects").await.expect(200).body["data"].as_array().map(Vec::len), Some(1));
    world.end().await;
}
