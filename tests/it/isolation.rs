//! Isolation, generated (docs/QUALITY.md): every route is called by nobody, by another tenant and by a member without the permission, with
//! the real ids of a tenant. A route without an entry here fails the test.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use web::Guard;

use crate::world::{Party, World, schedule};

/// How one route is called, and what strangers and members may be answered.
struct Case {
    path: String,
    body: Option<Value>,
    stranger: &'static [u16],
    member: &'static [u16],
}

/// What a tenant owns: real ids for every parameter.
struct Scene {
    owner: Party,
    project: String,
    draft_soq: String,
    frozen_soq: String,
    draft_tender: String,
    limited_tender: String,
    sealed_bid: String,
    opened_bid: String,
    contract: String,
    milestone: String,
    escrow: String,
    invitation: String,
}

const HIDDEN: &[u16] = &[404];
const FORBIDDEN: &[u16] = &[403];
/// Lists answer a stranger with its own (empty) list, and whoever may see nothing with nothing.
const OWN: &[u16] = &[200];
/// Verbs on oneself or on one's own organisation: they name nobody else, so there is nothing of the tenant to reach.
const ONESELF: &[u16] = &[200, 201, 204, 400, 404, 409, 412, 415, 422];

async fn scene(world: &World) -> Scene {
    let (owner, contractor) = (world.register("Tenant").await, world.register("Contractor").await);
    let contract = world.contract(&owner, &contractor).await;
    let escrow = world.fund(&owner, &contract.milestones[0]).await;
    world.approve(&owner, &contractor, &contract.milestones[0]).await;
    let draft = world.draft_tender(&owner).await;
    let limited = world.limited_tender(&owner, &contractor).await;
    let sealed_bid = world.bid(&contractor, &limited, "12.00").await;
    let draft_soq =
        owner.http.post("/api/soq", json!({"projectId": draft.project, "title": "Draft", "lines": schedule()})).await.expect(201);
    let invited = owner.http.post("/api/users", json!({"email": "invited@x.example"})).await.expect(201);
    Scene {
        invitation: invited.text("/id"),
        project: draft.project.clone(),
        draft_soq: draft_soq.text("/id"),
        frozen_soq: draft.soq.clone(),
        draft_tender: draft.id,
        limited_tender: limited.id,
        sealed_bid,
        opened_bid: contract.bid.clone(),
        contract: contract.id.clone(),
        milestone: contract.milestones[0].clone(),
        escrow,
        owner,
    }
}

fn cases(s: &Scene) -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    let mut add = |route: &str, path: String, body: Option<Value>, stranger: &'static [u16], member: &'static [u16]| {
        cases.insert(route.to_owned(), Case { path, body, stranger, member });
    };
    let none = || None;
    let new_project = || Some(json!({"name": "P", "currency": "EUR"}));
    let new_soq = |project: &str| Some(json!({"projectId": project, "title": "T", "lines": schedule()}));
    let new_tender = || {
        Some(json!({"projectId": s.project, "soqId": s.frozen_soq, "title": "T", "procurementMethod": "open",
            "submissionDeadline": "2099-01-01T00:00:00Z", "milestones": [{"title": "All", "percent": "100"}]}))
    };
    let bid = || Some(json!({"lines": [{"soqLineId": s.draft_soq, "rate": "1.00"}], "validUntil": "2099-12-31"}));
    let (p, t, c, m, e) = (&s.project, &s.draft_tender, &s.contract, &s.milestone, &s.escrow);

    add("GET /api/audit", "/api/audit".into(), none(), OWN, FORBIDDEN);
    add("GET /api/audit/head", "/api/audit/head".into(), none(), OWN, FORBIDDEN);
    add("GET /api/audit/verify", "/api/audit/verify".into(), none(), OWN, FORBIDDEN);

    add("GET /api/user", "/api/user".into(), none(), ONESELF, ONESELF);
    add("PATCH /api/user", "/api/user".into(), Some(json!({})), ONESELF, ONESELF);
    add("GET /api/users", "/api/users".into(), none(), OWN, OWN);
    add("POST /api/users", "/api/users".into(), Some(json!({"email": "new@x.example", "name": "N"})), &[201], FORBIDDEN);
    let password = Some(json!({"currentPassword": "wrong password", "newPassword": "another good password"}));
    add("PUT /api/user/password", "/api/user/password".into(), password, ONESELF, ONESELF);
    add("GET /api/user/sessions", "/api/user/sessions".into(), none(), ONESELF, ONESELF);
    add("DELETE /api/user/sessions", "/api/user/sessions".into(), none(), ONESELF, ONESELF);
    add(
        "DELETE /api/user/sessions/{id}",
        "/api/user/sessions/00000000-0000-7000-8000-000000000000".into(),
        none(),
        HIDDEN,
        HIDDEN,
    );
    add("GET /api/user/security-events", "/api/user/security-events".into(), none(), ONESELF, ONESELF);
    let invitation = |verb: &str| format!("/api/invitations/{}{verb}", s.invitation);
    add("GET /api/invitations", "/api/invitations".into(), none(), ONESELF, ONESELF);
    add("POST /api/invitations/{id}/accept", invitation("/accept"), none(), HIDDEN, HIDDEN);
    add("POST /api/invitations/{id}/decline", invitation("/decline"), none(), HIDDEN, HIDDEN);
    let sent = format!("/api/organization/invitations/{}", s.invitation);
    add("GET /api/organization/invitations", "/api/organization/invitations".into(), none(), OWN, FORBIDDEN);
    add("GET /api/organization/invitations/{id}", sent.clone(), none(), HIDDEN, FORBIDDEN);
    add("DELETE /api/organization/invitations/{id}", sent, none(), HIDDEN, FORBIDDEN);
    let user = format!("/api/users/{}", s.owner.user);
    add("GET /api/users/{id}", user.clone(), none(), HIDDEN, OWN);
    add("PUT /api/users/{id}", user.clone(), Some(json!({"role": "member"})), HIDDEN, FORBIDDEN);
    add("DELETE /api/users/{id}", user, none(), HIDDEN, FORBIDDEN);
    add("GET /api/organization", "/api/organization".into(), none(), ONESELF, OWN);
    add("PATCH /api/organization", "/api/organization".into(), Some(json!({"name": "X"})), ONESELF, FORBIDDEN);
    add("GET /api/organizations", "/api/organizations".into(), none(), ONESELF, ONESELF);
    add("POST /api/organizations", "/api/organizations".into(), Some(json!({"name": "Y"})), ONESELF, ONESELF);
    add("GET /api/auth/session", "/api/auth/session".into(), none(), ONESELF, ONESELF);
    let switch = Some(json!({"organizationId": s.owner.org}));
    add("POST /api/auth/switch-organization", "/api/auth/switch-organization".into(), switch, HIDDEN, ONESELF);

    add("GET /api/projects", "/api/projects".into(), none(), OWN, OWN);
    add("POST /api/projects", "/api/projects".into(), new_project(), &[201], FORBIDDEN);
    let project = format!("/api/projects/{p}");
    add("GET /api/projects/{id}", project.clone(), none(), HIDDEN, FORBIDDEN);
    add("PUT /api/projects/{id}", project.clone(), new_project(), HIDDEN, FORBIDDEN);
    add("PATCH /api/projects/{id}", project.clone(), Some(json!({"name": "X"})), HIDDEN, FORBIDDEN);
    add("DELETE /api/projects/{id}", project.clone(), none(), HIDDEN, FORBIDDEN);
    add("GET /api/projects/{id}/members", format!("{project}/members"), none(), HIDDEN, FORBIDDEN);
    let member = Some(json!({"userId": s.owner.user, "role": "in_house_user"}));
    add("POST /api/projects/{id}/members", format!("{project}/members"), member, HIDDEN, FORBIDDEN);
    let one = format!("{project}/members/{}", s.owner.user);
    add("PUT /api/projects/{id}/members/{userId}", one.clone(), Some(json!({"role": "in_house_user"})), HIDDEN, FORBIDDEN);
    add("DELETE /api/projects/{id}/members/{userId}", one, none(), HIDDEN, FORBIDDEN);
    add("GET /api/projects/{id}/units", format!("{project}/units"), none(), HIDDEN, FORBIDDEN);
    let units = json!({"units": [{"unitNumber": "1", "totalFloorArea": "50", "numberOfFloors": 1, "numberOfRooms": 2, "numberOfBathrooms": 1,
        "floors": [{"floorNumber": 0, "floorArea": "50"}]}]});
    add("POST /api/projects/{id}/units", format!("{project}/units"), Some(units), HIDDEN, FORBIDDEN);

    add("GET /api/soq", "/api/soq".into(), none(), OWN, OWN);
    add("POST /api/soq", "/api/soq".into(), new_soq(p), HIDDEN, FORBIDDEN);
    let soq = format!("/api/soq/{}", s.draft_soq);
    add("GET /api/soq/{id}", soq.clone(), none(), HIDDEN, FORBIDDEN);
    add("PUT /api/soq/{id}", soq.clone(), Some(json!({"title": "T", "lines": schedule()})), HIDDEN, FORBIDDEN);
    add("DELETE /api/soq/{id}", soq.clone(), none(), HIDDEN, FORBIDDEN);
    add("POST /api/soq/{id}/freeze", format!("{soq}/freeze"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/soq/{id}/versions", format!("/api/soq/{}/versions", s.frozen_soq), none(), HIDDEN, FORBIDDEN);

    add("GET /api/time", "/api/time".into(), none(), ONESELF, ONESELF);
    add("GET /api/tenders", "/api/tenders".into(), none(), OWN, OWN);
    add("POST /api/tenders", "/api/tenders".into(), new_tender(), HIDDEN, FORBIDDEN);
    let tender = format!("/api/tenders/{t}");
    add("GET /api/tenders/{id}", format!("/api/tenders/{}", s.limited_tender), none(), HIDDEN, FORBIDDEN);
    add("PUT /api/tenders/{id}", tender.clone(), new_tender(), HIDDEN, FORBIDDEN);
    add("PATCH /api/tenders/{id}", tender.clone(), Some(json!({"title": "X"})), HIDDEN, FORBIDDEN);
    add("DELETE /api/tenders/{id}", tender.clone(), none(), HIDDEN, FORBIDDEN);
    add("POST /api/tenders/{id}/publish", format!("{tender}/publish"), none(), HIDDEN, FORBIDDEN);
    let limited = format!("/api/tenders/{}", s.limited_tender);
    add(
        "POST /api/tenders/{id}/extend",
        format!("{limited}/extend"),
        Some(json!({"submissionDeadline": "2099-01-01T00:00:00Z"})),
        HIDDEN,
        FORBIDDEN,
    );
    add("POST /api/tenders/{id}/cancel", format!("{limited}/cancel"), Some(json!({"reason": "no demand"})), HIDDEN, FORBIDDEN);
    add("POST /api/tenders/{id}/open", format!("{limited}/open"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/tenders/{id}/award", format!("{limited}/award"), Some(json!({"bidId": s.opened_bid})), HIDDEN, FORBIDDEN);
    add(
        "POST /api/tenders/{id}/retender",
        format!("{limited}/retender"),
        Some(json!({"submissionDeadline": "2099-01-01T00:00:00Z"})),
        HIDDEN,
        FORBIDDEN,
    );
    let why = Some(json!({"reason": "r"}));
    add("POST /api/tenders/{id}/cancel-award", format!("{limited}/cancel-award"), why.clone(), HIDDEN, FORBIDDEN);
    add("POST /api/bids/{id}/refuse-award", format!("/api/bids/{}/refuse-award", s.opened_bid), why.clone(), HIDDEN, FORBIDDEN);
    add("POST /api/tenders/{id}/unsuccessful", format!("{limited}/unsuccessful"), none(), HIDDEN, FORBIDDEN);
    add("GET /api/tenders/{id}/invitations", format!("{limited}/invitations"), none(), HIDDEN, FORBIDDEN);
    add(
        "POST /api/tenders/{id}/invitations",
        format!("{tender}/invitations"),
        Some(json!({"organizationId": s.owner.org})),
        HIDDEN,
        FORBIDDEN,
    );
    add("GET /api/tenders/{id}/bids", format!("{limited}/bids"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/tenders/{id}/bids", format!("{limited}/bids"), bid(), HIDDEN, FORBIDDEN);
    add("GET /api/tenders/{id}/opening-record", format!("{limited}/opening-record"), none(), HIDDEN, FORBIDDEN);
    add("GET /api/bids/{id}", format!("/api/bids/{}", s.opened_bid), none(), HIDDEN, FORBIDDEN);
    add("PUT /api/bids/{id}", format!("/api/bids/{}", s.sealed_bid), bid(), HIDDEN, FORBIDDEN);
    add("DELETE /api/bids/{id}", format!("/api/bids/{}", s.sealed_bid), none(), HIDDEN, FORBIDDEN);
    add("POST /api/bids/{id}/accept", format!("/api/bids/{}/accept", s.opened_bid), none(), HIDDEN, FORBIDDEN);
    let reason = Some(json!({"reasonCode": "OTHER", "reason": "r"}));
    add("POST /api/bids/{id}/disqualify", format!("/api/bids/{}/disqualify", s.opened_bid), reason, HIDDEN, FORBIDDEN);

    add("GET /api/contracts", "/api/contracts".into(), none(), OWN, FORBIDDEN);
    let contract = format!("/api/contracts/{c}");
    add("GET /api/contracts/{id}", contract.clone(), none(), HIDDEN, FORBIDDEN);
    add("GET /api/contracts/{id}/document", format!("{contract}/document"), none(), HIDDEN, FORBIDDEN);
    add("GET /api/contracts/{id}/statement", format!("{contract}/statement"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/contracts/{id}/sign", format!("{contract}/sign"), Some(json!({"sha256": "0".repeat(64)})), HIDDEN, FORBIDDEN);
    add("POST /api/contracts/{id}/terminate", format!("{contract}/terminate"), why.clone(), HIDDEN, FORBIDDEN);
    add("POST /api/contracts/{id}/withdraw-termination", format!("{contract}/withdraw-termination"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/contracts/{id}/complete", format!("{contract}/complete"), none(), HIDDEN, FORBIDDEN);
    let milestone = format!("/api/milestones/{m}");
    add("GET /api/milestones/{id}", milestone.clone(), none(), HIDDEN, FORBIDDEN);
    add("POST /api/milestones/{id}/submit", format!("{milestone}/submit"), Some(json!({"note": "n"})), HIDDEN, FORBIDDEN);
    add(
        "POST /api/milestones/{id}/request-changes",
        format!("{milestone}/request-changes"),
        Some(json!({"reason": "r"})),
        HIDDEN,
        FORBIDDEN,
    );
    add("POST /api/milestones/{id}/approve", format!("{milestone}/approve"), Some(json!({})), HIDDEN, FORBIDDEN);
    add("GET /api/escrow", "/api/escrow".into(), none(), OWN, FORBIDDEN);
    add("POST /api/escrow", "/api/escrow".into(), Some(json!({"milestoneId": m})), HIDDEN, FORBIDDEN);
    add("GET /api/escrow/{id}", format!("/api/escrow/{e}"), none(), HIDDEN, FORBIDDEN);
    add("POST /api/escrow/{id}/release", format!("/api/escrow/{e}/release"), none(), HIDDEN, FORBIDDEN);
    add("GET /api/payee-account", "/api/payee-account".into(), none(), OWN, FORBIDDEN);
    add("POST /api/payee-account", "/api/payee-account".into(), none(), &[200], FORBIDDEN);
    // Last, since they end the caller's session or account.
    add("DELETE /api/user", "/api/user".into(), none(), &[204], &[204, 409]);
    add("POST /api/auth/logout", "/api/auth/logout".into(), none(), &[204], &[204]);
    cases
}

/// Everything in the database that belongs to the tenant, save what any call may add: sessions, notes of denials.
async fn fingerprint(world: &World, org: &str) -> Vec<String> {
    let tables = world
        .db
        .query(
            "select c.oid::regclass from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'org_id'
             where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
               and c.relname not in ('sessions', 'idempotency_keys', 'outbox', 'outbox_handled', 'audit_entries', 'audit_links', 'audit_heads') order by 1",
        )
        .await;
    let mut prints = Vec::new();
    for table in tables {
        let sql = format!(
            "select '{table} ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t where org_id = '{org}'"
        );
        prints.extend(world.db.query(&sql).await);
    }
    prints
}

#[tokio::test]
async fn nobody_reaches_what_is_not_theirs() {
    let world = World::new().await;
    let scene = scene(&world).await;
    let member = world.colleague(&scene.owner, "member").await;
    let cases = cases(&scene);
    let routes = build14::modules::routes().catalogue();
    world.settle().await;
    let before = fingerprint(&world, &scene.owner.org).await;
    let mut wrong = Vec::new();

    for route in &routes {
        let name = format!("{} {}", route.method, route.path);
        if route.guard == Guard::Public {
            continue;
        }
        let Some(case) = cases.get(&name) else {
            wrong.push(format!(
                "{name} has no entry in tests/it/isolation.rs: say how it is called and what strangers are answered"
            ));
            continue;
        };
        let nobody = world.anonymous().call(route.method.as_str(), &case.path, case.body.as_ref()).await;
        if nobody.status != 401 {
            wrong.push(format!("{name} answers nobody with {}", nobody.status));
        }
        // A stranger of its own for each route: some end their session, and none may be helped by what another did.
        let stranger = world.register("Stranger").await;
        let answer = stranger.http.call(route.method.as_str(), &case.path, case.body.as_ref()).await;
        if !case.stranger.contains(&answer.status) {
            wrong.push(format!(
                "{name} answers a stranger with {} instead of {:?}: {}",
                answer.status, case.stranger, answer.body
            ));
        }
        for id in [&scene.project, &scene.contract, &scene.sealed_bid, &scene.escrow, &scene.owner.user] {
            if String::from_utf8_lossy(&answer.bytes).contains(id.as_str()) && !case.path.contains(id.as_str()) {
                wrong.push(format!("{name} shows a stranger {id}: {}", answer.body));
            }
        }
        // They end the member's session or account.
        if ["DELETE /api/user", "POST /api/auth/logout", "POST /api/auth/switch-organization"].contains(&name.as_str()) {
            continue;
        }
        let answer = member.http.call(route.method.as_str(), &case.path, case.body.as_ref()).await;
        if !case.member.contains(&answer.status) {
            wrong.push(format!("{name} answers a member with {} instead of {:?}: {}", answer.status, case.member, answer.body));
        }
        if answer.status == 403
            && answer.body["code"] == "PERMISSION_DENIED"
            && answer.body["missingPermission"].as_str().is_none_or(str::is_empty)
        {
            wrong.push(format!("{name} does not say which permission is missing: {}", answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let known: Vec<String> = routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let gone: Vec<_> = cases.keys().filter(|name| !known.contains(name)).collect();
    assert!(gone.is_empty(), "entries without a route: {gone:?}");
    assert_eq!(fingerprint(&world, &scene.owner.org).await, before, "nothing of the tenant changed");
    world.end().await;
}
