//! People: their accounts, sessions, memberships and invitations.

mod elsewhere;
mod factors;
mod keys;
mod leaving;
mod passkeys;
mod proofs;
mod roles;
mod single_sign_on;
mod support;
mod tokens;

use futures::future::LocalBoxFuture;
use serde_json::json;

use super::{Cases, Domain, FORBIDDEN, HIDDEN, ONESELF, OWN, Scene};
use crate::walk::Walk;
use crate::world::{Party, World};

pub const DOMAIN: Domain =
    Domain { calls: &["tenants", "auth", "audit", "mail"], things, rows: leaving::ROWS, cases, walk, ..Domain::named("users") };

fn things<'a>(world: &'a World, scene: &'a mut Scene) -> LocalBoxFuture<'a, ()> {
    Box::pin(async move {
        let colleague = world.colleague(&scene.owner, "admin").await;
        scene.owner.http.delete(&format!("/api/users/{}/sessions", colleague.user)).await.expect(204);
        let email = format!("invited-by-{}@x.example", scene.owner.org);
        let invited = scene.owner.http.post("/api/users", json!({"email": email})).await.expect(201);
        scene.keep("invitation to the organisation", invited.text("/id"));
        let link = scene.owner.http.post("/api/organization/invitation-links", json!({})).await.expect(201);
        scene.keep("invitation link", link.text("/link/id"));
        let domain = json!({"domain": format!("{}.example", scene.owner.org)});
        let domain = scene.owner.http.post("/api/organization/domains", domain).await.expect(201);
        scene.keep("domain", domain.text("/id"));
        let to = json!({"userId": colleague.user});
        let offer = scene.owner.http.post("/api/organization/ownership-offers", to).await.expect(201);
        scene.keep("ownership offer", offer.text("/id"));
        keys::things(scene).await;
        support::things(scene).await;
        passkeys::things(world, scene).await;
        factors::things(world, scene).await;
        roles::things(scene, &colleague).await;
    })
}

fn cases(scene: &Scene, cases: &mut Cases) {
    cases.add("GET /api/user", "/api/user", None, ONESELF, ONESELF);
    cases.add("PATCH /api/user", "/api/user", Some(json!({})), ONESELF, ONESELF);
    cases.add("GET /api/users", "/api/users", None, OWN, OWN);
    cases.add("POST /api/users", "/api/users", Some(json!({"email": "new@x.example", "name": "N"})), &[201], FORBIDDEN);
    let password = json!({"currentPassword": "wrong password", "newPassword": "another good password"});
    cases.add("PUT /api/user/password", "/api/user/password", Some(password), ONESELF, ONESELF);
    cases.add("GET /api/user/sessions", "/api/user/sessions", None, ONESELF, ONESELF);
    cases.add("DELETE /api/user/sessions", "/api/user/sessions", None, ONESELF, ONESELF);
    let session = "/api/user/sessions/00000000-0000-7000-8000-000000000000";
    cases.add("DELETE /api/user/sessions/{id}", session, None, HIDDEN, HIDDEN);
    cases.add("GET /api/user/security-events", "/api/user/security-events", None, ONESELF, ONESELF);

    let invitation = scene.id("invitation to the organisation");
    cases.add("GET /api/invitations", "/api/invitations", None, &[200, 403], ONESELF);
    cases.add("POST /api/invitations/{id}/accept", format!("/api/invitations/{invitation}/accept"), None, HIDDEN, HIDDEN);
    cases.add("POST /api/invitations/{id}/decline", format!("/api/invitations/{invitation}/decline"), None, HIDDEN, HIDDEN);
    let sent = format!("/api/organization/invitations/{invitation}");
    cases.add("GET /api/organization/invitations", "/api/organization/invitations", None, OWN, FORBIDDEN);
    cases.add("GET /api/organization/invitations/{id}", sent.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/organization/invitations/{id}/resend", format!("{sent}/resend"), None, HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/organization/invitations/{id}", sent, None, HIDDEN, FORBIDDEN);
    links(scene, cases);
    ownership(scene, cases);
    domains(scene, cases);
    single_sign_on::cases(cases);

    let user = format!("/api/users/{}", scene.owner.user);
    cases.add("GET /api/users/{id}", user.clone(), None, HIDDEN, OWN);
    cases.add("PUT /api/users/{id}", user.clone(), Some(json!({"role": "member"})), HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/users/{id}/sessions", format!("{user}/sessions"), None, HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/users/{id}", user, None, HIDDEN, FORBIDDEN);

    cases.add("GET /api/security-events", "/api/security-events", None, OWN, FORBIDDEN);
    let along = "/api/security-events/export";
    cases.add("POST /api/security-events/export", along, Some(json!({"format": "ndjson"})), OWN, FORBIDDEN);
    keys::cases(scene, cases);
    support::cases(cases);
    leaving::cases(scene, cases);
    roles::cases(scene, cases);
    proofs::cases(scene, cases);
    elsewhere::cases(cases);
    passkeys::cases(scene, cases);
    factors::cases(cases);
    tokens::cases(cases);
    cases.add("GET /api/auth/session", "/api/auth/session", None, ONESELF, ONESELF);
    let switch = json!({"organizationId": scene.owner.org});
    cases.add("POST /api/auth/switch-organization", "/api/auth/switch-organization", Some(switch), HIDDEN, ONESELF);
    let password = json!({"password": "wrong password"});
    cases.add("POST /api/auth/reauthenticate", "/api/auth/reauthenticate", Some(password), ONESELF, ONESELF);
    cases.add("DELETE /api/user", "/api/user", None, &[204], &[204, 409]);
    cases.add("POST /api/auth/logout", "/api/auth/logout", None, &[204], &[204]);
    cases.add("POST /api/auth/logout-everywhere", "/api/auth/logout-everywhere", None, &[204], &[204]);
}

/// Domains, and joining by them.
fn domains(scene: &Scene, cases: &mut Cases) {
    let all = "/api/organization/domains";
    cases.add("GET /api/organization/domains", all, None, OWN, FORBIDDEN);
    cases.add("POST /api/organization/domains", all, Some(json!({"domain": "stranger.example"})), &[201], FORBIDDEN);
    let domain = format!("{all}/{}", scene.id("domain"));
    cases.add("GET /api/organization/domains/{id}", domain.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("POST /api/organization/domains/{id}/verify", format!("{domain}/verify"), None, HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/organization/domains/{id}", domain, None, HIDDEN, FORBIDDEN);
    cases.add("GET /api/joinable-organizations", "/api/joinable-organizations", None, OWN, OWN);
    let joined = format!("/api/joinable-organizations/{}/join", scene.owner.org);
    cases.add("POST /api/joinable-organizations/{id}/join", joined, None, HIDDEN, HIDDEN);
}

/// An organisation passes from one owner to another.
fn ownership(scene: &Scene, cases: &mut Cases) {
    let all = "/api/organization/ownership-offers";
    cases.add("GET /api/organization/ownership-offers", all, None, OWN, OWN);
    let to = json!({"userId": scene.owner.user});
    cases.add("POST /api/organization/ownership-offers", all, Some(to), HIDDEN, FORBIDDEN);
    let offer = format!("{all}/{}", scene.id("ownership offer"));
    cases.add("DELETE /api/organization/ownership-offers/{id}", offer.clone(), None, HIDDEN, FORBIDDEN);
    for verb in ["accept", "decline"] {
        let route = format!("POST {all}/{{id}}/{verb}");
        cases.add(&route, format!("{offer}/{verb}"), None, HIDDEN, HIDDEN);
    }
}

/// Links by which people join.
fn links(scene: &Scene, cases: &mut Cases) {
    let all = "/api/organization/invitation-links";
    cases.add("GET /api/organization/invitation-links", all, None, OWN, FORBIDDEN);
    cases.add("POST /api/organization/invitation-links", all, Some(json!({"maxUses": 3})), &[201], FORBIDDEN);
    let link = format!("{all}/{}", scene.id("invitation link"));
    cases.add("GET /api/organization/invitation-links/{id}", link.clone(), None, HIDDEN, FORBIDDEN);
    cases.add("DELETE /api/organization/invitation-links/{id}", link, None, HIDDEN, FORBIDDEN);
    // What such a link holds nobody can guess.
    for verb in ["look", "accept"] {
        let path = format!("/api/invitation-links/{verb}");
        cases.add(&format!("POST {path}"), path.clone(), Some(json!({"token": "x".repeat(64)})), &[409], &[409]);
    }
}

fn walk(walk: &mut Walk) -> LocalBoxFuture<'_, ()> {
    Box::pin(async move {
        proofs::walk(walk).await;
        elsewhere::walk(walk).await;
        let (owner, nobody) = (walk.owner.clone(), walk.world.anonymous());
        tokens::walk(walk).await;
        let grace = walk.register("grace@example.com", "Hopper Consulting").await;
        walk.world.prove(&grace).await;
        members(walk, &owner, &grace).await;
        keys::walk(walk, &owner).await;
        support::walk(walk, &owner).await;
        passkeys::walk(walk, &owner).await;
        walk.send(&owner.http, "GET /api/security-events", &[], &[]).await;
        walk.send(&owner.http, "POST /api/security-events/export", &[], &[]).await;
        roles::walk(walk, &owner, &grace).await;
        factors::walk(walk).await;

        let switched =
            walk.send(&grace.http, "POST /api/auth/switch-organization", &[], &[("/organizationId", owner.org.as_str())]).await;
        let grace = Party { http: nobody.with_token(&switched.text("/accessToken")), org: owner.org.clone(), ..grace };
        walk.introduce("colleague", grace);

        // Oneself, with a second session; the password last, as the sign-in's example has the one of before.
        let second = walk.send(&nobody, "POST /api/auth/login", &[], &[]).await.text("/accessToken");
        walk.send(&nobody.with_token(&second), "POST /api/auth/reauthenticate", &[], &[]).await;
        let sessions = walk.send(&owner.http, "GET /api/user/sessions", &[], &[]).await;
        let mut others = sessions.body["data"].as_array().into_iter().flatten().filter(|session| session["current"] == false);
        let other = others.next().and_then(|session| session["id"].as_str()).expect("a second session").to_owned();
        walk.send(&owner.http, "DELETE /api/user/sessions/{id}", &[&other], &[]).await;
        let of_oneself = [
            "DELETE /api/user/sessions",
            "GET /api/auth/session",
            "PATCH /api/user",
            "GET /api/user",
            "PUT /api/user/password",
            "GET /api/user/security-events",
        ];
        for operation in of_oneself {
            walk.send(&owner.http, operation, &[], &[]).await;
        }

        for (email, way) in
            [("out@acme.example", "POST /api/auth/logout"), ("all-out@acme.example", "POST /api/auth/logout-everywhere")]
        {
            let leaver = walk.register(email, "Leaver & Sons").await;
            walk.send(&leaver.http, way, &[], &[]).await;
        }
        leaving::walk(walk).await;
    })
}

/// The organisation proves a domain, somebody with an address there joins, and it is given up.
async fn domain(walk: &mut Walk, owner: &Party) {
    let claimed = walk.send(&owner.http, "POST /api/organization/domains", &[], &[]).await;
    let id = claimed.text("/id");
    walk.names.publish(&claimed.text("/recordName"), &[claimed.text("/recordValue").as_str()]);
    walk.send(&owner.http, "GET /api/organization/domains", &[], &[]).await;
    walk.send(&owner.http, "GET /api/organization/domains/{id}", &[&id], &[]).await;
    walk.send(&owner.http, "POST /api/organization/domains/{id}/verify", &[&id], &[]).await;
    single_sign_on::walk(walk, owner).await;
    let edith = walk.register("edith@nordbau.example", "Edith & Sons").await;
    walk.world.prove(&edith).await;
    walk.send(&edith.http, "GET /api/joinable-organizations", &[], &[]).await;
    walk.send(&edith.http, "POST /api/joinable-organizations/{id}/join", &[&owner.org], &[]).await;
    walk.send(&owner.http, "DELETE /api/organization/domains/{id}", &[&id], &[]).await;
}

/// An owner offers the organisation, takes that back, is refused, and gives it away.
async fn hand_over(walk: &mut Walk) {
    let owner = walk.register("seller@acme.example", "Handed Over & Sons").await;
    let heir = walk.world.colleague(&owner, "member").await;
    let all = "POST /api/organization/ownership-offers";
    for verb in ["", "/{id}/decline", "/{id}/accept"] {
        let offer = walk.send(&owner.http, all, &[], &[("/userId", heir.user.as_str())]).await.text("/id");
        walk.send(&heir.http, "GET /api/organization/ownership-offers", &[], &[]).await;
        if verb.is_empty() {
            walk.send(&owner.http, "DELETE /api/organization/ownership-offers/{id}", &[&offer], &[]).await;
        } else {
            walk.send(&heir.http, &format!("{all}{verb}"), &[&offer], &[]).await;
        }
    }
}

/// Somebody is invited, declines, is invited again, and comes; somebody else goes.
async fn members(walk: &mut Walk, owner: &Party, grace: &Party) {
    let invited = walk.send(&owner.http, "POST /api/users", &[], &[]).await.text("/id");
    walk.send(&owner.http, "GET /api/organization/invitations", &[], &[]).await;
    walk.send(&owner.http, "GET /api/organization/invitations/{id}", &[&invited], &[]).await;
    walk.world.db.run_sql("update member_invitations set mailed_at = mailed_at - interval '1 hour'").await;
    walk.send(&owner.http, "POST /api/organization/invitations/{id}/resend", &[&invited], &[]).await;
    walk.send(&grace.http, "GET /api/invitations", &[], &[]).await;
    walk.send(&grace.http, "POST /api/invitations/{id}/decline", &[&invited], &[]).await;
    let invited = walk.send(&owner.http, "POST /api/users", &[], &[]).await.text("/id");
    walk.send(&owner.http, "DELETE /api/organization/invitations/{id}", &[&invited], &[]).await;
    let invited = walk.send(&owner.http, "POST /api/users", &[], &[]).await.text("/id");
    walk.send(&grace.http, "POST /api/invitations/{id}/accept", &[&invited], &[]).await;
    walk.send(&owner.http, "PUT /api/users/{id}", &[&grace.user], &[]).await;
    walk.send(&owner.http, "GET /api/users", &[], &[]).await;
    walk.send(&owner.http, "GET /api/users/{id}", &[&grace.user], &[]).await;
    let link = walk.send(&owner.http, "POST /api/organization/invitation-links", &[], &[]).await;
    let (token, id) = (link.text("/token"), link.text("/link/id"));
    walk.send(&owner.http, "GET /api/organization/invitation-links", &[], &[]).await;
    walk.send(&owner.http, "GET /api/organization/invitation-links/{id}", &[&id], &[]).await;
    let joan = walk.register("joan@example.com", "Joan & Sons").await;
    walk.world.prove(&joan).await;
    walk.send(&joan.http, "POST /api/invitation-links/look", &[], &[("/token", token.as_str())]).await;
    walk.send(&joan.http, "POST /api/invitation-links/accept", &[], &[("/token", token.as_str())]).await;
    walk.send(&owner.http, "DELETE /api/organization/invitation-links/{id}", &[&id], &[]).await;
    hand_over(walk).await;
    domain(walk, owner).await;
    let member = walk.world.colleague(owner, "member").await;
    walk.send(&owner.http, "DELETE /api/users/{id}/sessions", &[&member.user], &[]).await;
    walk.send(&owner.http, "DELETE /api/users/{id}", &[&member.user], &[]).await;
}
