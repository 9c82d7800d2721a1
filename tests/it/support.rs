//! What a support session reads and does not, asked of every route of the real server.

use actix_web::http::Method;
use build14::modules::{self, routes};
use serde_json::json;
use web::Guard;

use crate::domains::{Scene, calls};
use crate::doors::{Intruder, NOBODY};
use crate::isolation::fingerprint;
use crate::world::{Answer, World};

/// What it reads, as the policy has it.
fn read_by_support() -> Vec<&'static str> {
    let lines = include_str!("../../config/authz/support.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Whether it was refused for what it is. Below `/scim/` an error has no code.
fn is_refused(answer: &Answer, path: &str) -> bool {
    let code = &answer.body["code"];
    answer.status == 403 && (path.starts_with("/scim/") && code.is_null() || code == "NOT_FOR_SUPPORT")
}

#[tokio::test]
async fn whatever_does_not_read_what_is_listed_is_refused_to_support_before_any_effect() {
    let world = World::new().await;
    let scene = Scene::of(&world, "Tenant").await;
    let other = Scene::of(&world, "Other").await;
    world.settle().await;
    let support = world.support(&scene.owner).await;
    world.settle().await;
    let (listed, all) = (read_by_support(), routes());
    let print = async |org: &str| {
        // What it asked for is counted, which is the only thing that happens.
        let all = fingerprint(&world, org).await;
        all.into_iter().filter(|line| !line.starts_with("support_requests ")).collect::<Vec<_>>()
    };
    // A deadline that has passed is noted by whoever looks first, as the platform's doing.
    for call in calls(&scene).into_iter().filter(|call| call.method == "GET") {
        scene.owner.http.get(&call.case.path).await;
    }
    world.settle().await;
    let before = print(&scene.owner.org).await;
    let (mut wrong, mut read, mut refused) = (Vec::new(), 0, 0);

    for call in calls(&scene) {
        let (name, case) = (&call.name, &call.case);
        let reads = call.method == "GET"
            && match &call.guard {
                Guard::Permission(permission) => listed.contains(&permission.name()),
                Guard::Party(_) => all.is_for_support(&Method::GET, name.trim_start_matches("GET ")),
                Guard::Public | Guard::SignedIn => false,
            };
        let answer = support.call(&call.method, &case.path, case.body.as_ref()).await;
        if reads == is_refused(&answer, &case.path) {
            wrong.push(format!("{name} answers support with {}: {}", answer.status, answer.body));
        } else if answer.status == 200 {
            read += 1;
        } else if !reads {
            refused += 1;
        }
    }
    // What anybody may call, support does not write by either.
    for route in all.catalogue().into_iter().filter(|route| route.guard == Guard::Public && route.method != "GET") {
        let path = route.path.replace("{provider}", "google").replace("{id}", "01935c3a-7c1e-7d55-9c3f-2f6f3f0a9b11");
        let answer = support.call(route.method.as_str(), &path, None).await;
        if !is_refused(&answer, &path) {
            wrong.push(format!("{} {path} answers support with {}: {}", route.method, answer.status, answer.body));
        }
        refused += 1;
    }
    // What bidders offered is not even asked for.
    for call in calls(&scene).into_iter().filter(|call| call.method == "GET") {
        let sealed = ["/bids", "/opening-record", "/api/bids/"].iter().any(|part| call.case.path.contains(part));
        if sealed {
            support.get(&call.case.path).await.problem(403, "NOT_FOR_SUPPORT");
        }
    }
    // Nor is what others offer to bid for.
    support.get("/api/tenders?role=bidder").await.problem(403, "PERMISSION_DENIED");
    // Nor does anything to another organisation.
    for call in calls(&other).into_iter().filter(|call| call.method == "GET") {
        let answer = support.get(&call.case.path).await;
        let shown = String::from_utf8_lossy(&answer.bytes).into_owned();
        for id in other.ids().filter(|id| !call.case.path.contains(id) && shown.contains(id)) {
            wrong.push(format!("{} shows support {id} of another organisation: {shown}", call.name));
        }
        if answer.status == 200 && call.case.path != call.name["GET ".len()..] {
            wrong.push(format!("{} shows support what is another organisation's: {shown}", call.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(read > 15 && refused > 100, "{read} read, {refused} refused: the routes are found");
    assert_eq!(print(&scene.owner.org).await, before, "nothing changed");
    world.settle().await;
    world.end().await;
}

#[tokio::test]
async fn no_statement_of_a_tenant_lets_support_look_or_takes_back_that_it_did() {
    let world = World::new().await;
    let owner = world.register("Owner").await;
    let consent = json!({"reason": "A contract is missing"});
    owner.http.post("/api/organization/support-access", consent).await.expect(201);
    world.support(&owner).await.get("/api/projects").await.expect(200);
    let intruder = Intruder::of(&world).await;
    let own = format!("'{}', '{NOBODY}'", owner.org);
    for sql in [
        format!(
            "insert into support_consents (org_id, id, reason, granted_by, granted_at, expires_at)
             values ({own}, 'Forged', '{}', now(), now() + interval '1 hour')",
            owner.user
        ),
        format!(
            "insert into support_sessions (org_id, id, consent_id, operator, reason, token_hash, started_at, expires_at)
             select {own}, id, 'Mallory', 'Forged', sha256('known'), granted_at, expires_at from support_consents"
        ),
        format!(
            "insert into support_requests (org_id, session_id, route, refused, times, first_at, last_at)
             values ({own}, 'GET /api/users', false, 1, now(), now())"
        ),
        "update support_consents set ended_at = null, ended_for = null".to_owned(),
        "update support_sessions set expires_at = expires_at + interval '1 hour'".to_owned(),
        "update support_requests set times = times - 1".to_owned(),
        "delete from support_consents".to_owned(),
        "delete from support_sessions".to_owned(),
        "delete from support_requests".to_owned(),
        "select token_hash from support_sessions".to_owned(),
    ] {
        intruder.is_refused(&owner, &sql).await;
    }
    intruder
        .passes(&owner, "select c.reason, s.operator, r.route from support_consents c, support_sessions s, support_requests r")
        .await;
    world.end().await;
}

#[test]
fn of_what_is_for_parties_support_reads_the_organisations_own_tenders_alone() {
    let all = routes();
    let parties = all.catalogue().into_iter().filter(|route| matches!(route.guard, Guard::Party(_)));
    let read: Vec<_> = parties.filter(|route| all.is_for_support(&route.method, &route.path)).map(|route| route.path).collect();
    assert_eq!(read, ["/api/tenders", "/api/tenders/{id}"], "the verb asks for another permission of each side");
}

#[test]
fn what_support_reads_is_reached_by_some_route() {
    let (permissions, all) = (modules::permissions().concat(), routes());
    for name in read_by_support() {
        assert!(permissions.iter().any(|permission| permission.name() == name), "{name} is no permission");
        let reached = all.catalogue().into_iter().any(|route| match route.guard {
            Guard::Permission(permission) => permission.name() == name && route.method == "GET",
            Guard::Party(_) => name == "tenders.read" && all.is_for_support(&route.method, &route.path),
            Guard::Public | Guard::SignedIn => false,
        });
        assert!(reached, "{name} reads nothing: take it out of config/authz/support.txt");
    }
}
