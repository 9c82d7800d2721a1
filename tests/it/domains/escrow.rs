//! Contracts, milestones and protected payments.

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, HIDDEN, OWN, Scene};
use crate::walk::Walk;
use crate::world::{Party, World};

pub const DOMAIN: Domain =
    Domain { calls: &["tenants", "auth", "audit", "users"], things, rows: ROWS, cases, walk, ..Domain::named("escrow") };

/// The platform's own money, nobody's to see; and what only the provider's word makes.
const ROWS: &str =
    "insert into platform_float values (gen_random_uuid(), 'stripe', 'tu_test', 1, 'EUR', now(), 'Ada', null, 'succeeded', 'txn_test', null, 1, 0);
    insert into platform_coverage values ('EUR', 1) on conflict do nothing;
    insert into platform_reserves values ('EUR', 1) on conflict do nothing;
    insert into payee_accounts (org_id) select org_id from organizations on conflict do nothing;
    insert into payee_accounts_retired (org_id, account) select org_id, 'acct_old_' || org_id from payee_accounts;
    insert into platform_balance_looks values (true, 1, now(), 'x');
    insert into holds (org_id, id, contract_id, contractor_org_id, kind, reason)
        select org_id, gen_random_uuid(), id, contractor_org_id, 'dispute', 'test' from contracts;
    insert into charge_incidents (org_id, payment_id, kind, object, state, level, is_over)
        select org_id, id, 'dispute', 'dp_test', 'lost', 60, true from payments;
    insert into charge_watch (looked_until) values (now());
    insert into refund_orders (org_id, id, payment_id, operator, begun_at) select org_id, gen_random_uuid(), id, 'Ada', now() from payments;
    set session_replication_role = replica;
    insert into release_replacements (org_id, release_id, transfer, amount) select org_id, id, 'tr_test_' || id, 1 from releases;
    set session_replication_role = default";

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let (owner, contract) = (&scene.owner, &scene.contract);
        let milestone = contract.milestones[0].clone();
        // A proposal that is never agreed to.
        let terminate = format!("/api/contracts/{}/terminate", contract.id);
        owner.http.post(&terminate, json!({"reason": "No demand"})).await.expect(202);
        let escrow = world.fund(owner, &milestone).await;
        world.approve(owner, &scene.contractor, &milestone).await;
        scene.keep("milestone", milestone);
        scene.keep("protected payment", escrow);
    })
}

fn cases(scene: &Scene, cases: &mut Cases) {
    let reason = json!({"reason": "r"});
    cases.add("GET /api/contracts", "/api/contracts", None, OWN, FORBIDDEN);
    let contract = format!("/api/contracts/{}", scene.contract.id);
    cases.add("GET /api/contracts/{id}", contract.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("GET /api/contracts/{id}/document", format!("{contract}/document"), None, HIDDEN, FORBIDDEN);
    cases.add("GET /api/contracts/{id}/statement", format!("{contract}/statement"), None, HIDDEN, FORBIDDEN);
    let read = json!({"sha256": "0".repeat(64)});
    cases.add("POST /api/contracts/{id}/sign", format!("{contract}/sign"), Some(read), HIDDEN, FORBIDDEN);
    cases.add("POST /api/contracts/{id}/terminate", format!("{contract}/terminate"), Some(reason.clone()), HIDDEN, FORBIDDEN);
    let withdraw = format!("{contract}/withdraw-termination");
    cases.add("POST /api/contracts/{id}/withdraw-termination", withdraw, None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/contracts/{id}/complete", format!("{contract}/complete"), None, HIDDEN, FORBIDDEN);

    let milestone = format!("/api/milestones/{}", scene.id("milestone"));
    cases.add("GET /api/milestones/{id}", milestone.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/milestones/{id}/submit", format!("{milestone}/submit"), Some(json!({"note": "n"})), HIDDEN, FORBIDDEN);
    let changes = format!("{milestone}/request-changes");
    cases.add("POST /api/milestones/{id}/request-changes", changes, Some(reason), HIDDEN, FORBIDDEN);
    cases.add("POST /api/milestones/{id}/approve", format!("{milestone}/approve"), Some(json!({})), HIDDEN, FORBIDDEN);

    cases.add("GET /api/escrow", "/api/escrow", None, OWN, FORBIDDEN);
    let funded = json!({"milestoneId": scene.id("milestone")});
    cases.add("POST /api/escrow", "/api/escrow", Some(funded), HIDDEN, FORBIDDEN);
    let escrow = format!("/api/escrow/{}", scene.id("protected payment"));
    cases.add("GET /api/escrow/{id}", escrow.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/escrow/{id}/release", format!("{escrow}/release"), None, HIDDEN, FORBIDDEN);

    cases.add("GET /api/payee-account", "/api/payee-account", None, OWN, FORBIDDEN);
    cases.add("POST /api/payee-account", "/api/payee-account", None, &[200], FORBIDDEN);
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        let (owner, acme) = (walk.owner.clone(), walk.person("contractor"));
        walk.send(&acme.http, "POST /api/payee-account", &[], &[]).await;
        walk.world.onboard(&acme).await;
        walk.send(&acme.http, "GET /api/payee-account", &[], &[]).await;

        let (contract, document) = (walk.id("contract"), walk.id("document"));
        for operation in ["GET /api/contracts/{id}", "GET /api/contracts/{id}/document"] {
            walk.send(&owner.http, operation, &[&contract], &[]).await;
        }
        for party in [&owner, &acme] {
            walk.send(&party.http, "POST /api/contracts/{id}/sign", &[&contract], &[("/sha256", document.as_str())]).await;
        }
        walk.world.settle().await;
        for operation in ["POST /api/contracts/{id}/terminate", "POST /api/contracts/{id}/withdraw-termination"] {
            walk.send(&owner.http, operation, &[&contract], &[]).await;
        }
        walk.send(&owner.http, "GET /api/contracts", &[], &[]).await;

        // Nothing is funded more than sixty days before it falls due.
        walk.until("2099-06-01T08:00:00Z").await;
        paid_in_parts(walk, &owner, &acme).await;
        walk.until("2099-09-01T08:00:00Z").await;
        let second = walk.id("second milestone");
        let escrow = walk.world.fund(&owner, &second).await;
        walk.world.approve(&owner, &acme, &second).await;
        owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
        walk.world.milestone_is(&owner, &second, "released").await;
        walk.send(&owner.http, "GET /api/contracts/{id}/statement", &[&contract], &[]).await;
        walk.send(&owner.http, "POST /api/contracts/{id}/complete", &[&contract], &[]).await;
    })
}

/// The first milestone is funded, its work sent back, and its money released in two parts, of which the example approves the first.
async fn paid_in_parts(walk: &mut Walk, owner: &Party, acme: &Party) {
    let milestone = walk.id("first milestone");
    let funding = walk.send(&owner.http, "POST /api/escrow", &[], &[("/milestoneId", milestone.as_str())]).await;
    walk.world.pay(&funding.text("/paymentIntent/id"), "pm_card_bypassPending").await;
    walk.world.milestone_is(owner, &milestone, "funded").await;
    walk.send(&owner.http, "GET /api/escrow", &[], &[]).await;
    let escrow = funding.text("/escrow/id");
    walk.send(&acme.http, "POST /api/milestones/{id}/submit", &[&milestone], &[]).await;
    walk.send(&owner.http, "POST /api/milestones/{id}/request-changes", &[&milestone], &[]).await;
    walk.send(&acme.http, "POST /api/milestones/{id}/submit", &[&milestone], &[]).await;
    walk.send(&owner.http, "POST /api/milestones/{id}/approve", &[&milestone], &[]).await;
    walk.send(&owner.http, "POST /api/escrow/{id}/release", &[&escrow], &[]).await;
    walk.world.milestone_is(owner, &milestone, "funded").await;
    walk.send(&owner.http, "GET /api/escrow/{id}", &[&escrow], &[]).await;
    walk.world.approve(owner, acme, &milestone).await;
    owner.http.act(&format!("/api/escrow/{escrow}/release")).await.expect(200);
    walk.world.milestone_is(owner, &milestone, "released").await;
    walk.send(&owner.http, "GET /api/milestones/{id}", &[&milestone], &[]).await;
}
