//! Every route with a permission is called by a member of the organisation who is in no team: `missingPermission` of the refusal must be the
//! permission that the route declares, since front ends hide by the one and people read the other.

use std::collections::BTreeMap;

use build14::modules::permissions;
use kernel::OrgRole;
use serde_json::json;
use web::Guard;

use crate::domains::{Scene, calls};
use crate::world::World;

/// Routes with a permission that answer whoever lacks it, and why.
const ANSWERED: &[(&str, &str)] = &[
    ("GET /api/projects", "a list of what one has a part in: to a member of no team it is empty"),
    ("GET /api/soq", "a list of what one has a part in: to a member of no team it is empty"),
];

/// Routes that ask by the side of the caller: what somebody of the owner's side lacks, and what the other side needs.
const BY_SIDE: &[(&str, &str, &str)] = &[
    ("DELETE /api/users/{id}", "members.manage", "oneself: nothing"),
    ("GET /api/tenders/{id}", "tenders.read", "who may bid: tenders.browse"),
    ("GET /api/tenders/{id}/bids", "bids.read_opened", "the bidder: bids.read_own"),
    ("GET /api/tenders/{id}/opening-record", "bids.read_opened", "the bidder: bids.read_own"),
    ("GET /api/bids/{id}", "bids.read_opened", "the bidder: bids.read_own"),
    ("POST /api/contracts/{id}/sign", "contracts.sign_owner", "the contractor: contracts.sign_contractor"),
    ("POST /api/contracts/{id}/terminate", "contracts.terminate", "the contractor: the same, in the organisation"),
    ("POST /api/contracts/{id}/withdraw-termination", "contracts.terminate", "the contractor: the same, in the organisation"),
];

/// Routes that ask by the side of the caller, one side of which every member may be: nothing is refused.
const BROWSED: &[&str] = &["GET /api/tenders"];

#[tokio::test]
async fn a_refusal_names_the_permission_that_the_route_asks_for() {
    let world = World::new().await;
    let policy = auth::Policy::embedded(&permissions()).await.expect("the policy fits the permissions");
    let scene = Scene::of(&world, "Tenant").await;
    let member = world.colleague(&scene.owner, "member").await;
    let by_side: BTreeMap<_, _> = BY_SIDE.iter().map(|(route, missing, _)| (*route, *missing)).collect();
    let (mut wrong, mut refused) = (Vec::new(), 0);

    for call in calls(&scene) {
        let (name, case) = (call.name.as_str(), &call.case);
        let missing = match call.guard {
            Guard::Permission(permission) if policy.org_role_holds(OrgRole::Member, permission) => continue,
            Guard::Permission(permission) => permission.name(),
            Guard::Party(_) if BROWSED.contains(&name) => continue,
            Guard::Party(who) => match by_side.get(name) {
                Some(missing) => *missing,
                None => {
                    wrong.push(format!("{name} is for {who}: say in `BY_SIDE` what each side needs"));
                    continue;
                }
            },
            Guard::Public | Guard::SignedIn => continue,
        };
        let whole = || {
            let request = member.http.request(&call.method, &case.path);
            if let Some(body) = &case.body { request.json(body) } else { request }
        };
        // Whether the caller has seen the newest state is a later question than whether they may change it.
        let changes = ["PUT", "PATCH", "DELETE"].contains(&call.method.as_str());
        let requests = [Some(whole()), changes.then(|| whole().header("if-match", "\"of-before\""))];
        for (request, how) in requests.into_iter().zip(["", " with If-Match"]) {
            let Some(request) = request else { continue };
            let answer = member.http.send(request).await;
            let answered = ANSWERED.iter().any(|(route, _)| *route == name);
            if answered != (answer.status == 200) {
                wrong.push(format!("{name}{how} answers {}: {}", answer.status, answer.body));
            } else if !answered && answer.body["missingPermission"] != missing {
                wrong.push(format!("{name}{how} asks for {missing}, and says: {} {}", answer.status, answer.body));
            } else {
                refused += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused > 60, "{refused} answers: the routes are found");
    world.end().await;
}

#[tokio::test]
async fn a_bidder_is_told_what_the_bidders_side_needs() {
    let world = World::new().await;
    let scene = Scene::of(&world, "Tenant").await;
    let member = world.colleague(&scene.contractor, "member").await;
    let (limited, bid, contract) = (scene.id("limited tender"), scene.id("sealed bid"), &scene.contract.id);
    for (path, missing) in [
        (format!("/api/tenders/{limited}/bids"), "bids.read_own"),
        (format!("/api/bids/{bid}"), "bids.read_own"),
        (format!("/api/contracts/{contract}"), "contracts.read"),
        (format!("/api/milestones/{}", scene.id("milestone")), "milestones.read"),
    ] {
        let refused = member.http.get(&path).await.problem(403, "PERMISSION_DENIED");
        assert_eq!(refused.text("/missingPermission"), missing, "{path}");
    }
    for (verb, body, missing) in [
        ("sign", json!({"sha256": "0".repeat(64)}), "contracts.sign_contractor"),
        ("terminate", json!({"reason": "r"}), "contracts.terminate"),
    ] {
        let refused =
            member.http.post(&format!("/api/contracts/{contract}/{verb}"), body).await.problem(403, "PERMISSION_DENIED");
        assert_eq!(refused.text("/missingPermission"), missing, "{verb}");
    }
    world.end().await;
}
