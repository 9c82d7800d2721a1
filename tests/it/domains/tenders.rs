//! Tenders and bids.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, HIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;
use crate::world::{Party, World};

pub const DOMAIN: Domain = Domain {
    calls: &["escrow", "projects", "tenants", "auth", "audit", "users"],
    things,
    cases,
    walk,
    ..Domain::named("tenders")
};

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let owner = &scene.owner;
        let draft = world.draft_tender(owner).await;
        // Its publication waits for a second person: an approval that is still open.
        let threshold = json!({"approvalThreshold": {"amount": "1", "currency": "EUR"}});
        owner.http.patch("/api/organization", threshold).await.expect(200);
        owner.http.act(&format!("/api/tenders/{}/publish", draft.id)).await.expect(202);
        owner.http.patch("/api/organization", json!({"approvalThreshold": null})).await.expect(200);
        let limited = world.limited_tender(owner, &scene.contractor).await;
        let bid = world.bid(&scene.contractor, &limited, "12.00").await;
        scene.keep("draft tender", draft.id);
        scene.keep("limited tender", limited.id);
        scene.keep("sealed bid", bid);
    })
}

fn cases(scene: &Scene, cases: &mut Cases) {
    let new = json!({"projectId": scene.id("project"), "soqId": scene.id("frozen schedule"), "title": "T", "procurementMethod": "open",
        "submissionDeadline": "2099-01-01T00:00:00Z", "milestones": [{"title": "All", "percent": "100"}]});
    let (later, why) = (json!({"submissionDeadline": "2099-01-01T00:00:00Z"}), json!({"reason": "r"}));
    let draft = format!("/api/tenders/{}", scene.id("draft tender"));
    let limited = format!("/api/tenders/{}", scene.id("limited tender"));

    cases.add("GET /api/time", "/api/time", None, ONESELF, ONESELF);
    cases.add("GET /api/tenders", "/api/tenders", None, OWN, OWN);
    cases.add("POST /api/tenders", "/api/tenders", Some(new.clone()), HIDDEN, FORBIDDEN);
    cases.add("GET /api/tenders/{id}", limited.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /api/tenders/{id}", draft.clone(), Some(new), HIDDEN, FORBIDDEN);
    cases.add("PATCH /api/tenders/{id}", draft.clone(), Some(json!({"title": "X"})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/tenders/{id}", draft.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/publish", format!("{draft}/publish"), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/extend", format!("{limited}/extend"), Some(later.clone()), HIDDEN, FORBIDDEN);
    let no_demand = json!({"reason": "no demand"});
    cases.add("POST /api/tenders/{id}/cancel", format!("{limited}/cancel"), Some(no_demand), HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/open", format!("{limited}/open"), None, HIDDEN, FORBIDDEN);
    let winner = json!({"bidId": scene.contract.bid});
    cases.add("POST /api/tenders/{id}/award", format!("{limited}/award"), Some(winner), HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/retender", format!("{limited}/retender"), Some(later), HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/cancel-award", format!("{limited}/cancel-award"), Some(why.clone()), HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/unsuccessful", format!("{limited}/unsuccessful"), None, HIDDEN, FORBIDDEN);
    cases.add("GET /api/tenders/{id}/invitations", format!("{limited}/invitations"), None, HIDDEN, FORBIDDEN);
    let invited = json!({"organizationId": scene.owner.org});
    cases.add("POST /api/tenders/{id}/invitations", format!("{draft}/invitations"), Some(invited), HIDDEN, FORBIDDEN);
    cases.add("GET /api/tenders/{id}/opening-record", format!("{limited}/opening-record"), None, HIDDEN, FORBIDDEN);

    let bid = json!({"lines": [{"soqLineId": scene.id("draft schedule"), "rate": "1.00"}], "validUntil": "2099-12-31"});
    let opened = format!("/api/bids/{}", scene.contract.bid);
    let sealed = format!("/api/bids/{}", scene.id("sealed bid"));
    cases.add("GET /api/tenders/{id}/bids", format!("{limited}/bids"), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/tenders/{id}/bids", format!("{limited}/bids"), Some(bid.clone()), HIDDEN, FORBIDDEN);
    cases.add("GET /api/bids/{id}", opened.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("PUT /api/bids/{id}", sealed.clone(), Some(bid), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/bids/{id}", sealed, None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/bids/{id}/accept", format!("{opened}/accept"), None, HIDDEN, FORBIDDEN);
    let disqualified = json!({"reasonCode": "OTHER", "reason": "r"});
    cases.add("POST /api/bids/{id}/disqualify", format!("{opened}/disqualify"), Some(disqualified), HIDDEN, FORBIDDEN);
    cases.add("POST /api/bids/{id}/refuse-award", format!("{opened}/refuse-award"), Some(why), HIDDEN, FORBIDDEN);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let owner = walk.owner.clone();
        let acme = walk.register("bids@acme.example", "Acme Construction").await;
        let (stone, late) = (walk.world.register("Stone & Sons").await, walk.world.register("Late Ltd").await);
        walk.send(&owner.http, "GET /api/time", &[], &[]).await;
        let given_up = draft(walk, &owner).await;
        walk.send(&owner.http, "DELETE /api/tenders/{id}", &[&given_up], &[]).await;

        let tender = draft(walk, &owner).await;
        let (project, soq) = (walk.id("project"), walk.id("schedule"));
        let written = [("/projectId", project.as_str()), ("/soqId", soq.as_str())];
        walk.send(&owner.http, "PUT /api/tenders/{id}", &[&tender], &written).await;
        for operation in [
            "PATCH /api/tenders/{id}",
            "POST /api/tenders/{id}/invitations",
            "GET /api/tenders/{id}/invitations",
            "POST /api/tenders/{id}/publish",
        ] {
            walk.send(&owner.http, operation, &[&tender], &[]).await;
        }
        walk.send(&acme.http, "GET /api/tenders", &[], &[]).await;
        walk.send(&acme.http, "GET /api/tenders/{id}", &[&tender], &[]).await;

        let winning = bid(walk, &acme, "POST /api/tenders/{id}/bids", &tender).await;
        bid(walk, &acme, "PUT /api/bids/{id}", &winning).await;
        walk.send(&acme.http, "GET /api/bids/{id}", &[&winning], &[]).await;
        let refusing = bid(walk, &stone, "POST /api/tenders/{id}/bids", &tender).await;
        walk.send(&stone.http, "DELETE /api/bids/{id}", &[&refusing], &[]).await;
        bid(walk, &stone, "PUT /api/bids/{id}", &refusing).await;
        let failed = draft(walk, &owner).await;
        walk.send(&owner.http, "POST /api/tenders/{id}/publish", &[&failed], &[]).await;
        let hopeless = bid(walk, &late, "POST /api/tenders/{id}/bids", &failed).await;
        walk.send(&owner.http, "POST /api/tenders/{id}/extend", &[&tender], &[]).await;

        walk.until("2099-04-15T12:00:01Z").await;
        awarded(walk, &owner, &tender, [(&stone, refusing.as_str()), (&acme, winning.as_str())]).await;
        repeated(walk, &owner, &failed, &hopeless).await;
        walk.introduce("contractor", acme);
    })
}

/// A tender in draft.
async fn draft(walk: &mut Walk, owner: &Party) -> String {
    let (project, soq) = (walk.id("project"), walk.id("schedule"));
    walk.send(&owner.http, "POST /api/tenders", &[], &[("/projectId", project.as_str()), ("/soqId", soq.as_str())])
        .await
        .text("/id")
}

/// A bid by the example, which is submitted for a tender or replaces another one.
async fn bid(walk: &mut Walk, bidder: &Party, operation: &str, of: &str) -> String {
    let (concrete, installation) = (walk.id("concrete"), walk.id("site installation"));
    let priced = [("/lines/0/soqLineId", concrete.as_str()), ("/lines/1/soqLineId", installation.as_str())];
    walk.send(&bidder.http, operation, &[of], &priced).await.text("/id")
}

/// The bids are opened; the first award is taken back, the second one refused, the third one stands.
async fn awarded(walk: &mut Walk, owner: &Party, tender: &str, bids: [(&Party, &str); 2]) {
    let [(refuser, refusing), (_, winning)] = bids;
    walk.send(&owner.http, "POST /api/tenders/{id}/open", &[tender], &[]).await;
    walk.send(&owner.http, "GET /api/tenders/{id}/opening-record", &[tender], &[]).await;
    walk.send(&owner.http, "GET /api/tenders/{id}/bids", &[tender], &[]).await;
    walk.send(&owner.http, "POST /api/bids/{id}/accept", &[winning], &[]).await;
    walk.send(&owner.http, "POST /api/tenders/{id}/award", &[tender], &[("/bidId", winning)]).await;
    walk.send(&owner.http, "POST /api/tenders/{id}/cancel-award", &[tender], &[]).await;
    walk.send(&owner.http, "POST /api/tenders/{id}/award", &[tender], &[("/bidId", refusing)]).await;
    walk.send(&refuser.http, "POST /api/bids/{id}/refuse-award", &[refusing], &[]).await;
    let awarded = walk.send(&owner.http, "POST /api/tenders/{id}/award", &[tender], &[("/bidId", winning)]).await;
    walk.keep("contract", awarded.text("/contract/id"));
    walk.keep("document", awarded.text("/contract/documentSha256"));
    walk.keep("first milestone", awarded.text("/contract/milestones/0/id"));
    walk.keep("second milestone", awarded.text("/contract/milestones/1/id"));
}

/// No bid is left: the tender is repeated, and given up.
async fn repeated(walk: &mut Walk, owner: &Party, tender: &str, bid: &str) {
    walk.send(&owner.http, "POST /api/tenders/{id}/open", &[tender], &[]).await;
    walk.send(&owner.http, "POST /api/bids/{id}/disqualify", &[bid], &[]).await;
    walk.send(&owner.http, "POST /api/tenders/{id}/unsuccessful", &[tender], &[]).await;
    let again = walk.send(&owner.http, "POST /api/tenders/{id}/retender", &[tender], &[]).await.text("/id");
    walk.send(&owner.http, "POST /api/tenders/{id}/publish", &[&again], &[]).await;
    walk.send(&owner.http, "POST /api/tenders/{id}/cancel", &[&again], &[]).await;
}
