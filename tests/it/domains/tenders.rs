//! Tenders and bids.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, HIDDEN, ONESELF, OWN, Scene};
use crate::world::World;

pub const DOMAIN: Domain =
    Domain { calls: &["escrow", "projects", "tenants", "auth", "audit", "users"], things, cases, ..Domain::named("tenders") };

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
