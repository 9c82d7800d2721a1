//! Single sign-on over HTTP: whom the issuer of an organisation lets in, into what, and what nobody gets by it.

use actix_web::test::TestRequest;
use auth_api::Asserted;
use chrono::TimeDelta;
use mail_api::{Content, SignOnChange, Template};
use serde_json::json;
use testkit::until;

use crate::authenticator::{finish, set_up};
use crate::domains::{proven, readdress};
use crate::elsewhere::{begin as begin_elsewhere, entered, refused};
use crate::issuers::{
    Away, CONNECTION, ISSUER, OWN, REQUIRED, SECRET, begin, connected, connection, set, sign_on, somebody, tested, token_in, turn,
};
use crate::proofs::last;
use crate::replicas::{pair, warmed};
use crate::scenery::{Account, scene};

#[actix_web::test]
async fn the_issuer_of_an_organisation_lets_its_people_into_it_and_into_nothing_else() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    let (bob, session) = sign_on(&replica, &ada.org).await;
    assert_eq!((&session["organization"]["id"], &session["role"]), (&json!(ada.org), &json!("member")));
    assert_eq!((&session["user"]["email"], &session["user"]["emailVerified"]), (&json!("bob@example.com"), &json!(true)));
    assert!(matches!(last(&replica, "bob@example.com").content, Content::SingleSignOnLinked { .. }));
    assert_eq!(last(&replica, "ada@example.com").content.template(), Template::MemberJoined);
    let user = session["user"]["id"].as_str().unwrap().to_owned();
    assert_eq!(db.query(&format!("select count(*) from memberships where user_id = '{user}'")).await, ["1"], "none of their own");
    for path in ["/api/organization", "/api/user", "/api/users", "/api/auth/session"] {
        assert_eq!(replica.get(path, &bob).await.status, 200, "{path}");
    }
    // What is the person's own, and other organisations.
    for path in [
        "/api/user/sessions",
        "/api/user/identities",
        "/api/user/factors",
        "/api/user/passkeys",
        "/api/organizations",
        "/api/invitations",
    ] {
        assert_eq!(replica.get(path, &bob).await.refusal(), OWN, "{path}");
    }
    let password = json!({ "currentPassword": "x", "newPassword": "another good password" });
    assert_eq!(replica.put("/api/user/password", &bob, password).await.refusal(), OWN);
    assert_eq!(replica.patch("/api/user", &bob, json!({ "name": "Eve" })).await.refusal(), OWN);
    assert_eq!(replica.delete("/api/user", &bob).await.refusal(), OWN);
    for (path, body) in [
        ("/api/user/passkeys/options", json!({})),
        ("/api/user/factors/totp", json!({})),
        ("/api/user/identities", json!({ "provider": "google" })),
        ("/api/user/email", json!({ "email": "eve@example.com" })),
        ("/api/organizations", json!({ "name": "Eve" })),
        ("/api/auth/switch-organization", json!({ "organizationId": ada.org })),
        ("/api/auth/logout-everywhere", json!(null)),
    ] {
        assert_eq!(replica.post(path, Some(&bob), body).await.refusal(), OWN, "{path}");
    }
    // Pages do not know it either.
    let cookie = format!("__Host-session={bob}");
    let joins = TestRequest::post().uri("/join").insert_header(("Cookie", cookie)).set_form([("token", "x")]);
    assert_eq!(replica.send(joins).await.status, 401);
    // Nobody comes into another organisation by it, whatever the program says.
    let other = proven(&replica, "carl").await;
    db.run_sql(&format!(
        "do $$ begin
            insert into sessions (token_hash, id, user_id, org_id, created_at, expires_at, authenticated_at, method, connection_id)
            select sha256('x'), gen_random_uuid(), '{user}', '{}', now(), now() + interval '1 hour', now(), 'single_sign_on', id
            from sign_on_connections;
            raise exception 'it was let in';
        exception when integrity_constraint_violation then null; end $$",
        other.org
    ))
    .await;
    // By the issuer's own word for them, whatever it calls their address later.
    replica.issuers.say(somebody("1", "robert@elsewhere.example"));
    assert_eq!(sign_on(&replica, &ada.org).await.1["user"]["id"], json!(user));
    let methods = db.query("select string_agg(distinct method, ' ') from sessions where connection_id is not null").await;
    assert_eq!(methods, ["single_sign_on"]);
    let out = replica.post("/api/auth/logout", Some(&bob), json!(null)).await;
    assert!(out.status == 204 && !replica.is_live(&bob).await);
}

#[actix_web::test]
async fn an_issuer_means_nobody_outside_of_the_domains_of_its_organisation() {
    let (db, replica) = scene().await;
    let (ada, mallory) = (proven(&replica, "ada").await, proven(&replica, "mallory").await);
    readdress(&db, &mallory, "mallory@other.example", true).await;
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    let home = "none of this organisation";
    for address in ["mallory@other.example", "bob@sub.example.com", "bob@notexample.com", "nobody"] {
        replica.issuers.say(somebody("2", address));
        refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, home);
    }
    replica.issuers.say(Asserted { disowned: true, ..somebody("2", "bob@example.com") });
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, home);
    let events = "select count(*) from organization_events where kind = 'sign_on_refused'";
    assert_eq!(db.query(events).await, ["5"], "its organisation is told");
    assert_eq!(db.query("select count(*) from users").await, ["2"]);
    // Whoever registered with an address of it may be somebody else than who has it there.
    let pretender = replica.register("bob").await;
    replica.issuers.say(somebody("1", "bob@example.com"));
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, "not proven");
    replica.verify(&pretender).await;
    let (bob, session) = sign_on(&replica, &ada.org).await;
    assert_eq!(session["user"]["id"], json!(pretender.user));
    // Another one whom the issuer calls by the same address is not taken for them.
    replica.issuers.say(somebody("another", "bob@example.com"));
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, "somebody else");
    // Who has another address since is nobody of the issuer's any more.
    replica.issuers.say(somebody("1", "bob@example.com"));
    assert!(replica.is_live(&bob).await);
    readdress(&db, &pretender, "bob@private.example", true).await;
    assert!(!replica.is_live(&bob).await);
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, home);
}

#[actix_web::test]
async fn two_organisations_with_the_same_issuer_know_nobody_of_each_other() {
    let (db, replica) = scene().await;
    let (ada, carl) = (proven(&replica, "ada").await, proven(&replica, "carl").await);
    readdress(&db, &carl, "carl@firm.example", true).await;
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    connected(&replica, &carl, "firm.example", connection(true, &[])).await;
    let (bob, _) = sign_on(&replica, &ada.org).await;
    // The same issuer, client, subject and address at the other one.
    refused(&begin(&replica, &carl.org).await.back(&replica).await, 409, "none of this organisation");
    assert_eq!(db.query("select count(*) from sign_on_identities").await, ["1"]);
    // What began at one ends nowhere else: not at the other one, not at a provider of the platform, nor the other way round.
    let heard = replica.issuers.heard().len();
    let away = begin(&replica, &ada.org).await;
    refused(&away.back_to(&replica, &format!("single-sign-on/{}", carl.org)).await, 409, "cannot be relied on");
    refused(&away.back(&replica).await, 410, "counts no more");
    let away = begin(&replica, &ada.org).await;
    refused(&away.back_to(&replica, "oauth/google").await, 410, "counts no more");
    let elsewhere = begin_elsewhere(&replica).await;
    let state = Away { org: ada.org.clone(), state: elsewhere.state().to_owned(), cookie: elsewhere.cookie().to_owned() };
    refused(&state.back(&replica).await, 410, "counts no more");
    assert_eq!(replica.issuers.heard().len(), heard, "no code is redeemed");
    // Once, in its browser, in time.
    entered(&replica, &away.back(&replica).await).await;
    refused(&away.back(&replica).await, 410, "counts no more");
    let led = Away { cookie: begin(&replica, &ada.org).await.cookie, ..begin(&replica, &ada.org).await };
    refused(&led.back(&replica).await, 410, "counts no more");
    let late = begin(&replica, &ada.org).await;
    replica.clock.advance(TimeDelta::minutes(10));
    refused(&late.back(&replica).await, 410, "counts no more");
    assert!(replica.is_live(&bob).await);
}

#[actix_web::test]
async fn where_it_is_enforced_nothing_else_lets_in_but_named_owners_and_keys() {
    let (db, a, b) = pair().await;
    let (ada, bob, guest) = (proven(&a, "ada").await, proven(&a, "bob").await, proven(&a, "guest").await);
    readdress(&db, &guest, "guest@other.example", true).await;
    connected(&a, &ada, "example.com", connection(false, &[])).await;
    for who in [&bob, &guest] {
        assert_eq!(a.join(&ada, who, "member").await.status, 200);
    }
    let there = json!({ "organizationId": ada.org });
    let switched =
        async |who: &Account| Account::of(&a.post("/api/auth/switch-organization", Some(&who.token), there.clone()).await);
    let (in_by_password, outsider) = (switched(&bob).await, switched(&guest).await);
    let key = a.post("/api/api-keys", Some(&ada.token), json!({ "name": "Books", "scopes": ["organization.read"] })).await;
    let key = key.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(turn(&a, &ada, "enforced").await.refusal(), (422, "INVALID"), "nobody would come in should it not answer");
    let named = async |people: &[&str]| {
        set(
            &a,
            &ada,
            json!({ "issuer": ISSUER, "clientId": "14build", "joinsOnSignIn": false,
        "trustsSecondFactor": false, "breakGlassOwners": people }),
        )
        .await
    };
    let faults = named(&[&ada.user, &bob.user]).await.body;
    let codes = ["/errors/0/code", "/errors/1/code"].map(|pointer| faults.pointer(pointer).cloned());
    assert_eq!(codes, [Some(json!("NO_SECOND_FACTOR")), Some(json!("NOT_AN_OWNER"))], "{faults}");
    let (shows, _) = set_up(&a, &ada).await;
    assert_eq!(named(&[&ada.user]).await.status, 200);
    for replica in [&a, &b] {
        warmed(&db, replica, &in_by_password.token).await;
    }
    let on = turn(&a, &ada, "enforced").await;
    assert_eq!(on.status, 200, "{}", on.body);
    let shut = a.get("/api/organization", &in_by_password.token).await;
    assert_eq!(shut.refusal(), REQUIRED);
    assert_eq!(shut.body["signInPath"], json!(format!("/auth/single-sign-on/{}/start", ada.org)));
    until("the other server has heard", async || {
        (b.get("/api/organization", &in_by_password.token).await.refusal() == REQUIRED).then_some(())
    })
    .await;
    // Neither by a switch, nor by a password: that leads into what is theirs.
    let switch = a.post("/api/auth/switch-organization", Some(&bob.token), there.clone()).await;
    assert_eq!(switch.refusal(), REQUIRED);
    assert_eq!(Account::of(&a.login("bob").await).org, bob.org);
    // Whoever has no address of the domain, the named owner, and the key go on.
    assert_eq!(a.get("/api/organization", &outsider.token).await.status, 200);
    assert_eq!(a.get("/api/organization", &ada.token).await.status, 200);
    assert_eq!(a.get("/api/organization", &key).await.status, 200);
    let waits = a.login("ada").await.body["mfaToken"].as_str().unwrap().to_owned();
    assert_eq!(Account::of(&finish(&a, &waits, &shows.code(&a, 0)).await).org, ada.org, "with the second factor");
    let (by_issuer, session) = sign_on(&a, &ada.org).await;
    assert_eq!(session["user"]["id"], json!(bob.user));
    assert_eq!(b.get("/api/organization", &by_issuer).await.status, 200);
    // An owner without a second factor is none of those who come in.
    db.run_sql(&format!("delete from totp_factors where user_id = '{}'", ada.user)).await;
    a.clock.advance(TimeDelta::seconds(1));
    let waits = a.login("ada").await;
    assert_ne!(Account::of(&waits).org, ada.org);
}

#[actix_web::test]
async fn what_it_made_ends_with_it_at_once_on_every_server() {
    let (db, a, b) = pair().await;
    let ada = proven(&a, "ada").await;
    connected(&a, &ada, "example.com", connection(true, &[])).await;
    for how in ["off", "removed", "another issuer", "the domain"] {
        let (bob, _) = sign_on(&a, &ada.org).await;
        for replica in [&a, &b] {
            warmed(&db, replica, &bob).await;
        }
        let away = begin(&a, &ada.org).await;
        match how {
            "off" => assert_eq!(turn(&a, &ada, "off").await.status, 200),
            "removed" => assert_eq!(a.delete(CONNECTION, &ada.token).await.status, 204),
            "another issuer" => {
                let other = set(
                    &a,
                    &ada,
                    json!({ "issuer": "https://other.example.com", "clientId": "14build", "clientSecret": SECRET,
                    "joinsOnSignIn": true, "trustsSecondFactor": false, "breakGlassOwners": [] }),
                )
                .await;
                assert_eq!((&other.body["mode"], &other.body["testedAt"]), (&json!("off"), &json!(null)), "{}", other.body);
            }
            _ => {
                let domains = a.get("/api/organization/domains", &ada.token).await;
                let id = domains.body["data"][0]["id"].as_str().unwrap().to_owned();
                assert_eq!(a.delete(&format!("/api/organization/domains/{id}"), &ada.token).await.status, 204);
            }
        }
        until(how, async || (!a.is_live(&bob).await && !b.is_live(&bob).await).then_some(())).await;
        let late = away.back(&a).await;
        assert!(late.status != 303 && !late.header("set-cookie").contains("session="), "{how}: {}", late.body);
        if how != "the domain" {
            let again = set(&a, &ada, connection(true, &[])).await;
            assert_eq!(again.status, 200, "{}", again.body);
            tested(&a, &ada, "example.com").await;
            assert_eq!(turn(&a, &ada, "optional").await.status, 200);
        }
    }
    assert_eq!(turn(&a, &ada, "off").await.status, 200);
    assert_eq!(turn(&a, &ada, "optional").await.refusal(), (409, "NO_PROVEN_DOMAIN"));
}

#[actix_web::test]
async fn owners_decide_in_a_session_of_their_own_with_a_fresh_proof_and_the_secret_is_never_told() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    assert_eq!(replica.get(CONNECTION, &ada.token).await.refusal(), (404, "NOT_FOUND"));
    let plain = connection(true, &[]);
    for (pointer, value) in [("issuer", "http://login.example.com"), ("clientId", "a b"), ("clientSecret", "a\nb")] {
        let mut wrong = plain.clone();
        wrong[pointer] = json!(value);
        let answer = set(&replica, &ada, wrong).await;
        assert_eq!(answer.body.pointer("/errors/0/pointer"), Some(&json!(format!("/{pointer}"))), "{}", answer.body);
    }
    let mut without = plain.clone();
    without["clientSecret"] = json!(null);
    assert_eq!(set(&replica, &ada, without.clone()).await.body.pointer("/errors/0/code"), Some(&json!("REQUIRED")));
    connected(&replica, &ada, "example.com", plain).await;
    assert_eq!(replica.issuers.heard(), [format!("{ISSUER} 14build {SECRET} the-code")]);
    // The one that is there stays where none is told.
    without["trustsSecondFactor"] = json!(true);
    let changed = set(&replica, &ada, without).await;
    assert_eq!((&changed.body["mode"], &changed.body["trustsSecondFactor"]), (&json!("optional"), &json!(true)));
    let shown = replica.get(CONNECTION, &ada.token).await;
    let trail = replica.get("/api/audit?limit=100", &ada.token).await;
    let actions: Vec<_> = trail.body["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let own: Vec<_> = actions.into_iter().filter(|action| action.starts_with("single_sign_on.")).collect();
    assert_eq!(
        own,
        ["single_sign_on.configured", "single_sign_on.turned_on", "single_sign_on.test", "single_sign_on.configured"],
        "newest first"
    );
    let kept = db.query("select c::text from sign_on_connections c").await.join("");
    for text in [shown.body.to_string(), changed.body.to_string(), trail.body.to_string(), kept] {
        assert!(!text.contains(SECRET) && !text.contains(&hex::encode(SECRET)), "{text}");
    }
    let told = replica.mails.to("ada@example.com");
    let changes = told.iter().filter_map(|mail| match &mail.content {
        Content::SingleSignOnChanged { change, by, .. } => Some((*change, by.as_str())),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    assert_eq!(changes, [(SignOnChange::Configured, "ada"), (SignOnChange::TurnedOn, "ada"), (SignOnChange::Configured, "ada")]);
    // An administrator sees it, and decides nothing; a member does not.
    replica.join(&ada, &bob, "admin").await;
    let (by_issuer, session) = sign_on(&replica, &ada.org).await;
    assert_eq!((&session["user"]["id"], &session["role"]), (&json!(bob.user), &json!("admin")));
    assert_eq!(replica.get(CONNECTION, &by_issuer).await.status, 200);
    let there = json!({ "organizationId": ada.org });
    let admin = Account::of(&replica.post("/api/auth/switch-organization", Some(&bob.token), there).await);
    for refusal in [
        set(&replica, &admin, connection(true, &[])).await,
        turn(&replica, &admin, "off").await,
        replica.delete(CONNECTION, &admin.token).await,
        replica.post(&format!("{CONNECTION}/test"), Some(&admin.token), json!(null)).await,
    ] {
        assert_eq!(
            (refusal.refusal(), &refusal.body["missingPermission"]),
            ((403, "PERMISSION_DENIED"), &json!("single_sign_on.manage"))
        );
    }
    // As whom the issuer signs an owner in decides nothing about the issuer.
    assert_eq!(replica.put(&format!("/api/users/{}", bob.user), &ada.token, json!({ "role": "owner" })).await.status, 200);
    let owner = Account { token: by_issuer, user: bob.user.clone(), org: ada.org.clone() };
    assert_eq!(turn(&replica, &owner, "off").await.refusal(), OWN);
    assert_eq!(replica.delete(CONNECTION, &owner.token).await.refusal(), OWN);
    replica.clock.advance(TimeDelta::seconds(301));
    assert_eq!(turn(&replica, &ada, "off").await.refusal(), (403, "STEP_UP_REQUIRED"));
    let stale = replica.post("/api/api-keys", Some(&owner.token), json!({ "name": "x", "scopes": ["audit.read"] })).await;
    assert_eq!((stale.refusal(), &stale.body["stepUp"]), ((403, "STEP_UP_REQUIRED"), &json!("single_sign_on")));
}

#[actix_web::test]
async fn the_issuers_second_factor_counts_where_the_organisation_says_so() {
    let (db, replica) = scene().await;
    let (ada, bob) = (proven(&replica, "ada").await, proven(&replica, "bob").await);
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    let (shows, _) = set_up(&replica, &bob).await;
    replica.issuers.say(Asserted { factor: true, ..somebody("1", "bob@example.com") });
    // By default the person shows their own.
    let asked = begin(&replica, &ada.org).await.back(&replica).await;
    assert!(asked.status == 200 && !asked.header("set-cookie").contains("session="), "{}", asked.body);
    let half = asked.header("set-cookie").split(['=', ';']).nth(1).unwrap().to_owned();
    let html = asked.body.as_str().unwrap();
    let token = html.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let form = [("token", token), ("code", shows.code(&replica, 0))];
    let shown = TestRequest::post().uri("/auth/mfa").insert_header(("Cookie", format!("__Host-mfa={half}"))).set_form(form);
    let entered = replica.send(shown).await;
    assert_eq!(entered.status, 200, "{}", entered.body);
    let session = token_in(&entered);
    assert_eq!(replica.get("/api/auth/session", &session).await.body["organization"]["id"], json!(ada.org));
    assert_eq!(replica.get("/api/user/sessions", &session).await.refusal(), OWN, "also after a second factor");
    // What waits for one ends with the connection.
    let asked = begin(&replica, &ada.org).await.back(&replica).await;
    assert_eq!(asked.status, 200);
    assert_eq!(turn(&replica, &ada, "off").await.status, 200);
    assert_eq!(db.query("select count(*) from pending_sign_ins where ended_at is null").await, ["0"]);
    assert_eq!(turn(&replica, &ada, "optional").await.status, 200);
    let trusting = json!({ "issuer": ISSUER, "clientId": "14build", "joinsOnSignIn": true, "trustsSecondFactor": true, "breakGlassOwners": [] });
    assert_eq!(set(&replica, &ada, trusting).await.status, 200);
    sign_on(&replica, &ada.org).await;
    // And for somebody who has none of their own, where the organisation asks for one.
    let everyone = json!({ "mfaPolicy": "everyone" });
    assert_eq!(replica.patch("/api/organization", &ada.token, everyone).await.status, 200);
    replica.issuers.say(Asserted { factor: true, ..somebody("3", "eve@example.com") });
    let (eve, _) = sign_on(&replica, &ada.org).await;
    assert_eq!(replica.get("/api/organization", &eve).await.status, 200);
    replica.issuers.say(somebody("4", "eva@example.com"));
    let (eva, _) = sign_on(&replica, &ada.org).await;
    assert_eq!(replica.get("/api/organization", &eva).await.refusal(), (403, "MFA_REQUIRED"));
}

#[actix_web::test]
async fn who_is_no_member_comes_in_by_an_invitation_and_not_against_the_directory() {
    let (db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    connected(&replica, &ada, "example.com", connection(false, &[])).await;
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 403, "no member");
    assert_eq!(db.query("select count(*) from users").await, ["1"], "and nobody is made");
    assert_eq!(replica.invite(&ada, "bob").await.status, 201);
    let (bob, session) = sign_on(&replica, &ada.org).await;
    assert_eq!(session["role"], json!("member"));
    assert_eq!(db.query("select status from member_invitations").await, ["accepted"]);
    let user = session["user"]["id"].as_str().unwrap().to_owned();
    // Removed, they are no member; and the directory's word stands above the issuer's.
    assert_eq!(replica.delete(&format!("/api/users/{user}"), &ada.token).await.status, 204);
    assert!(!replica.is_live(&bob).await);
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 403, "no member");
    assert_eq!(set(&replica, &ada, connection(true, &[])).await.status, 200);
    db.run_sql(&format!(
        "insert into directory_users (org_id, id, user_name, user_name_key, email_key, active, person, created_at, updated_at)
         values ('{}', gen_random_uuid(), 'bob', 'bob', 'bob@example.com', false, '{user}', clock_timestamp(), clock_timestamp())",
        ada.org
    ))
    .await;
    refused(&begin(&replica, &ada.org).await.back(&replica).await, 409, "does not let you in");
    db.run_sql("update directory_users set active = true").await;
    assert_eq!(sign_on(&replica, &ada.org).await.1["user"]["id"], json!(user), "who comes back is the same");
}

#[actix_web::test]
async fn people_are_led_to_their_organisation_by_the_domain_alone() {
    let (_db, replica) = scene().await;
    let ada = proven(&replica, "ada").await;
    let look = async |email: &str| replica.post("/api/auth/single-sign-on/look", None, json!({ "email": email })).await.body;
    assert_eq!(look("ada@example.com").await, json!({ "singleSignOn": null }));
    connected(&replica, &ada, "example.com", connection(true, &[])).await;
    let way = json!({ "singleSignOn": {
        "organizationId": ada.org, "enforced": false, "startPath": format!("/auth/single-sign-on/{}/start", ada.org)
    } });
    for email in ["ada@example.com", "nobody@example.com", "Nobody@EXAMPLE.com"] {
        assert_eq!(look(email).await, way, "{email}");
    }
    assert_eq!(look("ada@sub.example.com").await, json!({ "singleSignOn": null }));
    let page = replica.send(TestRequest::get().uri("/auth/sign-in")).await;
    assert!(page.status == 200 && page.body.as_str().unwrap().contains("type=\"email\""), "{}", page.body);
    let typed = |email: &str| TestRequest::post().uri("/auth/sign-in").set_form([("email", email)]);
    let led = replica.send(typed("nobody@example.com")).await;
    let href = format!("href=\"/auth/single-sign-on/{}/start\"", ada.org);
    assert!(led.status == 200 && led.body.as_str().unwrap().contains(&href), "{}", led.body);
    let not = replica.send(typed("ada@other.example")).await;
    assert!(not.status == 200 && not.body.as_str().unwrap().contains("No organisation signs people in itself"), "{}", not.body);
    let started =
        replica.send(TestRequest::get().uri(&format!("/auth/single-sign-on/{}/start?returnTo=%2Fprojects", ada.org))).await;
    assert!(started.status == 303 && started.header("location").starts_with(ISSUER), "{}", started.body);
    let unknown = "/auth/single-sign-on/00000000-0000-7000-8000-000000000000/start";
    refused(&replica.send(TestRequest::get().uri(unknown)).await, 404, "no such sign-in");
    // A link with a typing error is a page, too, and leads on.
    for typo in ["/auth/single-sign-on/nope/start", "/auth/single-sign-on/nope/callback"] {
        refused(&replica.send(TestRequest::get().uri(typo)).await, 404, "<a class=\"button first\" href=\"/auth/sign-in\">");
    }
    // Nobody acts in an organisation that is suspended, nor comes in.
    let operator = kernel::Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("fraud".parse().unwrap()) };
    let away = begin(&replica, &ada.org).await;
    replica.suspensions.suspend(ada.org.parse().unwrap(), &operator, mail_api::Language::English).await.unwrap();
    refused(&away.back(&replica).await, 403, "suspended");
    refused(&replica.send(TestRequest::get().uri(&format!("/auth/single-sign-on/{}/start", ada.org))).await, 403, "suspended");
}
