//! Days are reckoned where the works are tendered: in the owner's time zone, as it was at publication.

use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_days_of_a_tender_are_those_of_its_owners_time_zone_as_of_publication() {
    let world = World::new().await;
    let (owner, acme) = (world.register("Owner").await, world.register("Acme").await);
    world.onboard(&acme).await;
    owner.http.patch("/api/organization", json!({"timezone": "America/Los_Angeles"})).await.expect(200);
    let mut tenders = Vec::new();
    for _ in 0..2 {
        let tender = world.draft_tender(&owner).await;
        let path = format!("/api/tenders/{}", tender.id);
        // There it is ten in the evening of the day before.
        let draft = owner.http.patch(&path, json!({"submissionDeadline": "2099-06-02T05:00:00Z"})).await.expect(200);
        assert_eq!(draft.body["timeZone"], json!(null));
        owner.http.act(&format!("{path}/publish")).await.expect(200);
        assert_eq!(acme.http.get(&path).await.expect(200).body["timeZone"], "America/Los_Angeles");
        let mut body = world.bid_body(&tender, "11.00").await;
        body["validUntil"] = json!("2099-05-31");
        let refused = acme.http.post(&format!("{path}/bids"), body.clone()).await.expect(422);
        assert_eq!(refused.faults(), ["/validUntil TOO_SOON"]);
        body["validUntil"] = json!("2099-06-01");
        let bid = acme.http.post(&format!("{path}/bids"), body).await.expect(201).text("/id");
        tenders.push((path, bid));
    }
    // Whoever moves the organisation afterwards moves no day of what is published.
    owner.http.patch("/api/organization", json!({"timezone": "Pacific/Kiritimati"})).await.expect(200);
    let until = async |instant: &str| {
        world.db.run_sql(&format!("update app.clock set advance = timestamptz '{instant}' - now()")).await;
    };
    until("2099-06-02T06:30:00Z").await;
    for (path, _) in &tenders {
        owner.http.act(&format!("{path}/open")).await.expect(200);
    }
    let award = async |at: usize| {
        let (path, bid) = &tenders[at];
        owner.http.post(&format!("{path}/award"), json!({"bidId": bid})).await
    };
    award(0).await.expect(200);
    until("2099-06-02T07:30:00Z").await;
    assert_eq!(award(1).await.expect(409).text("/code"), "BID_EXPIRED", "there it is the day after");
    assert_eq!(owner.http.act(&format!("{}/unsuccessful", tenders[1].0)).await.status, 200, "nothing is left to be awarded");
    world.end().await;
}
