//! Sign-in elsewhere over HTTP: who gets in by an identity provider, and who does not, whatever a provider or somebody between says.

use std::sync::{Mutex, PoisonError};

use actix_web::test::TestRequest;
use async_trait::async_trait;
use auth_api::{Granted, IdentityProvider, IdentityProviders, Question, SecretString, Told, Untold};
use chrono::TimeDelta;
use mail_api::{Content, Template};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::proofs::{last, token_of};
use crate::scenery::{Account, Answer, Replica, scene};

/// What the providers of a test say, and what they were asked with.
pub struct Fakes {
    told: Mutex<Result<Told, &'static str>>,
    heard: Mutex<Vec<String>>,
}

impl Default for Fakes {
    fn default() -> Self {
        Self { told: Mutex::new(Ok(somebody("1", "ada@example.com"))), heard: Mutex::default() }
    }
}

impl Fakes {
    /// From now on they tell this.
    pub fn tell(&self, told: Told) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Ok(told);
    }

    /// From now on they tell nothing.
    fn fail(&self, how: &'static str) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Err(how);
    }

    /// How often a code was redeemed.
    fn heard(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl IdentityProviders for Fakes {
    fn all(&self) -> Vec<IdentityProvider> {
        ["google", "other"].map(|key| IdentityProvider { key: key.to_owned(), name: key.to_uppercase() }).to_vec()
    }

    async fn ask(&self, provider: &str, question: &Question) -> Result<String, Untold> {
        if matches!(&*self.told.lock().unwrap(), Err("down")) {
            return Err(Untold::Unreachable("it is down".to_owned()));
        }
        let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
        let (state, nonce, verifier) = (exposed(&question.state), exposed(&question.nonce), exposed(&question.verifier));
        Ok(format!("https://{provider}.example/?state={state}&nonce={nonce}&verifier={verifier}"))
    }

    async fn hear(&self, _: &str, question: &Question, granted: &Granted) -> Result<Told, Untold> {
        uow::forbid_in_transaction("a provider").map_err(|fault| Untold::Unreachable(fault.to_string()))?;
        let with = [&question.nonce, &question.verifier, &granted.code].map(|secret| secret.expose_secret().to_owned());
        self.heard.lock().unwrap().push(with.join(" "));
        match &*self.told.lock().unwrap() {
            Ok(told) => Ok(told.clone()),
            Err("down") => Err(Untold::Unreachable("it is down".to_owned())),
            Err(why) => Err(Untold::Refused((*why).to_owned())),
        }
    }
}

pub fn somebody(subject: &str, email: &str) -> Told {
    Told {
        issuer: "https://google.example".to_owned(),
        subject: subject.to_owned(),
        email: Some(email.to_owned()),
        email_verified: true,
        name: Some("Ada Lovelace".to_owned()),
    }
}

/// A sign-in elsewhere that began in a browser.
#[derive(Clone)]
pub struct Away {
    state: String,
    nonce: String,
    verifier: String,
    cookie: String,
}

fn parameter(url: &str, name: &str) -> String {
    let found = url.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("{url} has no {name}")).to_owned()
}

impl Away {
    pub fn of(url: &str, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with("__Host-elsewhere="), "{cookie}");
        Self { state: parameter(url, "state"), nonce: parameter(url, "nonce"), verifier: parameter(url, "verifier"), cookie }
    }

    pub fn state(&self) -> &str {
        &self.state
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The browser that began comes back with a code.
    pub async fn back(&self, replica: &Replica) -> Answer {
        self.back_to(replica, "google", &format!("state={}&code=the-code", self.state)).await
    }

    async fn back_to(&self, replica: &Replica, provider: &str, query: &str) -> Answer {
        let uri = format!("/auth/oauth/{provider}/callback?{query}");
        replica.send(TestRequest::get().uri(&uri).insert_header(("Cookie", self.cookie.as_str()))).await
    }
}

pub async fn begin(replica: &Replica) -> Away {
    let answer = replica.post("/api/auth/oauth/google/start", None, json!({ "returnTo": "/projects" })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Away::of(answer.body["authorizationUrl"].as_str().unwrap(), &answer)
}

pub async fn begin_linking(replica: &Replica, who: &Account) -> Answer {
    replica.post("/api/user/identities", Some(&who.token), json!({ "provider": "google" })).await
}

/// Who is signed in by the answer's cookie.
pub async fn entered(replica: &Replica, answer: &Answer) -> Value {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/projects"), "{}", answer.body);
    let cookies = answer.header("set-cookie");
    let session = cookies.lines().find(|cookie| cookie.starts_with("__Host-session=")).unwrap_or_else(|| panic!("{cookies}"));
    assert!(session.contains("HttpOnly; SameSite=Lax; Secure; Path=/"), "{session}");
    assert!(cookies.lines().any(|cookie| cookie.starts_with("__Host-elsewhere=;") && cookie.contains("Max-Age=0")), "{cookies}");
    let cookie = session.split(';').next().unwrap();
    let told = replica.send(TestRequest::get().uri("/api/auth/session").insert_header(("Cookie", cookie))).await;
    assert_eq!(told.status, 200, "{}", told.body);
    told.body
}

/// Nobody is, and a page says why.
pub fn refused(answer: &Answer, status: u16, says: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(!answer.header("set-cookie").contains("session="), "{}", answer.header("set-cookie"));
    let html = answer.body.as_str().unwrap_or_default();
    assert!(answer.header("content-type").starts_with("text/html") && html.contains(says), "{html}");
    assert!(answer.header("content-security-policy").contains("default-src 'none'") && !html.contains("<script"));
}

pub async fn kinds(replica: &Replica, token: &str) -> Vec<String> {
    let events = replica.get("/api/user/security-events", token).await;
    events.body["data"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
}

const SPENT: &str = "counts no more";

#[actix_web::test]
async fn somebody_new_gets_an_account_and_comes_back_to_it_whatever_their_address() {
    let (db, replica) = scene().await;
    let listed = replica.send(TestRequest::get().uri("/api/auth/providers")).await;
    assert_eq!(listed.body["data"][0], json!({ "key": "google", "name": "GOOGLE", "startPath": "/auth/oauth/google/start" }));
    let away = begin(&replica).await;
    let session = entered(&replica, &away.back(&replica).await).await;
    assert_eq!((&session["user"]["email"], &session["user"]["emailVerified"]), (&json!("ada@example.com"), &json!(true)));
    assert_eq!((&session["user"]["name"], &session["role"]), (&json!("Ada Lovelace"), &json!("owner")));
    let mail = last(&replica, "ada@example.com");
    assert_eq!(mail.content.template(), Template::IdentityLinked);
    assert!(matches!(&mail.content, Content::IdentityLinked { provider, .. } if provider == "GOOGLE"));
    // Known by issuer and subject: another address, of which nobody vouches, changes nothing.
    replica.providers.tell(Told { email_verified: false, ..somebody("1", "lovelace@example.org") });
    let again = entered(&replica, &begin(&replica).await.back(&replica).await).await;
    assert_eq!(again["user"], session["user"]);
    assert_eq!(db.query("select count(*) from users").await, ["1"]);
    let sql = "select provider || ' ' || issuer || ' ' || (last_used_at is not null) from identities";
    assert_eq!(db.query(sql).await, ["google https://google.example true"]);
    assert_eq!(db.query("select string_agg(distinct method, ' ') from sessions").await, ["identity_provider"]);
    let trail = "select string_agg(action, ' ' order by action) from audit_entries";
    assert_eq!(db.query(trail).await, ["auth.link_identity auth.register auth.sign_in_elsewhere organizations.create"]);
    // Neither the state, nor the browser's cookie, nor what the provider was asked with is in the database.
    let kept = db.query("select s::text from sign_ins_elsewhere s").await.join("\n");
    for secret in [&away.state, &away.nonce, &away.verifier, &away.cookie.replace("__Host-elsewhere=", "")] {
        assert!(!kept.contains(secret.as_str()), "{kept}");
    }
    assert!(replica.providers.heard.lock().unwrap()[0].starts_with(&format!("{} {}", away.nonce, away.verifier)));
}

#[actix_web::test]
async fn what_began_in_one_browser_ends_there_once_and_in_time() {
    let (_db, replica) = scene().await;
    let away = begin(&replica).await;
    // In another browser: of somebody who is led there with another's state and code, with a cookie of their own or none.
    let other = begin(&replica).await;
    let led = Away { cookie: other.cookie.clone(), ..away.clone() };
    refused(&led.back(&replica).await, 410, SPENT);
    refused(&Away { cookie: "x=y".to_owned(), ..away.clone() }.back(&replica).await, 410, SPENT);
    assert_eq!(replica.providers.heard(), 0, "and no code is redeemed");
    entered(&replica, &away.back(&replica).await).await;
    refused(&away.back(&replica).await, 410, SPENT);
    assert_eq!(replica.providers.heard(), 1, "one code for a state");
    // Of many at a time one gets in.
    let answers = futures::future::join_all((0..6).map(|_| other.back(&replica))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(replica.providers.heard(), 2);
    let late = begin(&replica).await;
    replica.clock.advance(TimeDelta::minutes(10));
    refused(&late.back(&replica).await, 410, SPENT);
    refused(&away.back_to(&replica, "google", "state=&code=x").await, 410, SPENT);
    refused(&away.back_to(&replica, "google", "code=x").await, 410, SPENT);
    // Two windows of one browser: neither ends the other.
    let first = begin(&replica).await;
    let request = TestRequest::post().uri("/api/auth/oauth/google/start").insert_header(("Cookie", first.cookie.as_str()));
    let answer = replica.send(request.set_json(json!({ "returnTo": "/projects" }))).await;
    let second = Away::of(answer.body["authorizationUrl"].as_str().unwrap(), &answer);
    assert!(first.cookie == second.cookie && first.verifier != second.verifier && first.nonce != second.nonce);
    entered(&replica, &second.back(&replica).await).await;
    entered(&replica, &first.back(&replica).await).await;
}

#[actix_web::test]
async fn no_provider_tells_of_whom_another_one_was_asked_for() {
    let (_db, replica) = scene().await;
    let away = begin(&replica).await;
    refused(&away.back_to(&replica, "other", &format!("state={}&code=c", away.state)).await, 409, "cannot be relied on");
    assert_eq!(replica.providers.heard(), 0);
    refused(&away.back(&replica).await, 410, SPENT);
    // What stands twice counts as if it did not stand there.
    let away = begin(&replica).await;
    let twice = format!("state={}&code=mine&code=theirs", away.state);
    refused(&away.back_to(&replica, "google", &twice).await, 409, "cannot be relied on");
    assert_eq!(replica.providers.heard(), 0);
    replica.providers.fail("the nonce is another");
    refused(&begin(&replica).await.back(&replica).await, 409, "cannot be relied on");
    replica.providers.tell(Told { subject: String::new(), ..somebody("", "ada@example.com") });
    refused(&begin(&replica).await.back(&replica).await, 409, "cannot be relied on");
    assert_eq!(replica.post("/api/auth/oauth/unheard/start", None, json!({})).await.refusal(), (404, "NOT_FOUND"));
    refused(&replica.send(TestRequest::get().uri("/auth/oauth/unheard/start")).await, 404, "no such sign-in");
}

#[actix_web::test]
async fn whoever_declines_or_finds_the_provider_down_is_told_so() {
    let (db, replica) = scene().await;
    let away = begin(&replica).await;
    refused(&away.back_to(&replica, "google", &format!("state={}&error=access_denied", away.state)).await, 403, "declined");
    refused(&away.back(&replica).await, 410, SPENT);
    let away = begin(&replica).await;
    let failed = away.back_to(&replica, "google", &format!("state={}&error=server_error&code=c", away.state)).await;
    refused(&failed, 409, "cannot be relied on");
    let away = begin(&replica).await;
    replica.providers.fail("down");
    refused(&away.back(&replica).await, 503, "does not answer");
    let start = replica.post("/api/auth/oauth/google/start", None, json!({})).await;
    assert_eq!(start.refusal(), (503, "PROVIDER_UNREACHABLE"));
    let german = TestRequest::get().uri("/auth/oauth/google/start").insert_header(("Accept-Language", "de"));
    refused(&replica.send(german).await, 503, "Der Anbieter antwortet nicht");
    assert_eq!(db.query("select count(*) from users").await, ["0"]);
}

#[actix_web::test]
async fn a_browser_goes_on_at_a_path_of_this_server_and_nowhere_else() {
    let (_db, replica) = scene().await;
    for path in ["//evil.example", "https://evil.example/", "/\\evil.example", "/a b", "projects"] {
        let answer = replica.post("/api/auth/oauth/google/start", None, json!({ "returnTo": path })).await;
        assert_eq!(answer.refusal(), (422, "INVALID"), "{path}");
        let encoded = path.replace('/', "%2F").replace('\\', "%5C").replace(' ', "%20");
        let led = replica.send(TestRequest::get().uri(&format!("/auth/oauth/google/start?returnTo={encoded}"))).await;
        refused(&led, 400, "leads astray");
    }
    let led = replica.send(TestRequest::get().uri("/auth/oauth/google/start?returnTo=%2Fprojects")).await;
    assert_eq!(led.status, 303);
    let away = Away::of(led.header("location"), &led);
    entered(&replica, &away.back(&replica).await).await;
}

#[actix_web::test]
async fn an_address_leads_to_an_account_where_it_is_proven_on_both_sides() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    // Somebody may have registered with another's address: the provider's word does not give it to whoever has it there, nor the other way round.
    refused(&begin(&replica).await.back(&replica).await, 409, "not proven");
    assert!(kinds(&replica, &ada.token).await.contains(&"identity_refused".to_owned()));
    assert_eq!(replica.get("/api/user", &ada.token).await.body["emailVerified"], false, "nothing is proven by it");
    replica.verify(&ada).await;
    for email_verified in [false, true] {
        replica.providers.tell(Told { email_verified, ..somebody("1", "ADA@example.com") });
        let answer = begin(&replica).await.back(&replica).await;
        if email_verified {
            assert_eq!(entered(&replica, &answer).await["user"]["id"], json!(ada.user));
        } else {
            refused(&answer, 409, "does not vouch");
        }
    }
    // Where nobody has the address the same is answered.
    replica.providers.tell(Told { email_verified: false, ..somebody("2", "nobody@example.com") });
    refused(&begin(&replica).await.back(&replica).await, 409, "does not vouch");
    replica.providers.tell(Told { email: None, ..somebody("2", "") });
    refused(&begin(&replica).await.back(&replica).await, 409, "does not vouch");
    assert_eq!(last(&replica, "ada@example.com").content.template(), Template::IdentityLinked);
    assert_eq!(db.query("select count(*) from users").await, ["1"]);
    let seen = kinds(&replica, &ada.token).await;
    assert_eq!(seen[..2], ["signed_in_elsewhere", "identity_linked"]);
    // One that looks the same is another's.
    replica.providers.tell(somebody("3", "\u{430}da@example.com"));
    let looks = begin(&replica).await.back(&replica).await;
    assert!(looks.status == 409 && !looks.header("set-cookie").contains("session="), "{}", looks.body);
}

#[actix_web::test]
async fn who_proves_an_address_later_finds_nothing_that_was_set_up_before() {
    let (db, replica) = scene().await;
    let pretender = replica.register("ada").await;
    assert_eq!(begin_linking(&replica, &pretender).await.refusal(), (403, "EMAIL_NOT_VERIFIED"), "no identity lies in wait");
    // Even one from before that rule.
    let planted = format!(
        "insert into identities (id, user_id, issuer, subject, provider, linked_at)
         values (gen_random_uuid(), '{}', 'https://google.example', 'pretender', 'google', now())",
        pretender.user
    );
    db.run_sql(&planted).await;
    assert_eq!(replica.post("/api/auth/magic-link", None, json!({ "email": "ada@example.com" })).await.status, 202);
    let token = token_of(&last(&replica, "ada@example.com"));
    let ada = Account::of(&replica.post("/api/auth/magic-link/confirm", None, json!({ "token": token })).await);
    assert_eq!(ada.user, pretender.user);
    assert_eq!(replica.get("/api/user/identities", &ada.token).await.body["data"], json!([]));
    replica.providers.tell(Told { email_verified: false, ..somebody("pretender", "ada@example.com") });
    refused(&begin(&replica).await.back(&replica).await, 409, "does not vouch");
}

#[actix_web::test]
async fn an_identity_is_linked_by_who_is_signed_in_and_unlinked_unless_it_is_the_last_way_in() {
    let (db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    replica.providers.tell(Told { email_verified: false, ..somebody("7", "private@example.net") });
    let begun = begin_linking(&replica, &ada).await;
    assert_eq!(begun.status, 200, "{}", begun.body);
    let away = Away::of(begun.body["authorizationUrl"].as_str().unwrap(), &begun);
    let linked = away.back(&replica).await;
    assert_eq!((linked.status.as_u16(), linked.header("location")), (303, "/"), "{}", linked.body);
    assert!(!linked.header("set-cookie").contains("session="), "the session goes on");
    let list = replica.get("/api/user/identities", &ada.token).await;
    let identity = &list.body["data"][0];
    assert_eq!((&identity["provider"], &identity["email"]), (&json!("google"), &json!("private@example.net")));
    assert_eq!(identity["lastUsedAt"], json!(null));
    let id = identity["id"].as_str().unwrap().to_owned();
    // It signs in; and somebody else's account does not get it.
    assert_eq!(entered(&replica, &begin(&replica).await.back(&replica).await).await["user"]["id"], json!(ada.user));
    let bob = replica.register("bob").await;
    replica.verify(&bob).await;
    let begun = begin_linking(&replica, &bob).await;
    let away = Away::of(begun.body["authorizationUrl"].as_str().unwrap(), &begun);
    refused(&away.back(&replica).await, 409, "belongs to another account");
    let path = format!("/api/user/identities/{id}");
    assert_eq!(replica.delete(&path, &bob.token).await.refusal(), (404, "NOT_FOUND"));
    // Without a password it is the last way in.
    db.run_sql(&format!("delete from credentials where user_id = '{}'", ada.user)).await;
    assert_eq!(replica.delete(&path, &ada.token).await.refusal(), (409, "LAST_WAY_IN"));
    replica.providers.tell(somebody("8", "ada@example.com"));
    let begun = begin_linking(&replica, &ada).await;
    let second = Away::of(begun.body["authorizationUrl"].as_str().unwrap(), &begun);
    assert_eq!(second.back(&replica).await.status, 303);
    let other = replica.get("/api/user/identities", &ada.token).await.body["data"][1]["id"].as_str().unwrap().to_owned();
    let other = format!("/api/user/identities/{other}");
    let answers = futures::future::join(replica.delete(&path, &ada.token), replica.delete(&other, &ada.token)).await;
    let mut statuses = [answers.0.status.as_u16(), answers.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "of two at a time one stays");
    assert_eq!(last(&replica, "ada@example.com").content.template(), Template::IdentityUnlinked);
    assert!(kinds(&replica, &ada.token).await.contains(&"identity_unlinked".to_owned()));
    let trail = "select count(*) from audit_entries where action in ('auth.link_identity', 'auth.unlink_identity')";
    assert_eq!(db.query(trail).await, ["3"]);
}

#[actix_web::test]
async fn linking_wants_a_fresh_proof_and_ends_with_the_session() {
    let (_db, replica) = scene().await;
    let ada = replica.register("ada").await;
    replica.verify(&ada).await;
    let begun = begin_linking(&replica, &ada).await;
    let away = Away::of(begun.body["authorizationUrl"].as_str().unwrap(), &begun);
    assert_eq!(replica.post("/api/auth/logout", Some(&ada.token), json!(null)).await.status, 204);
    refused(&away.back(&replica).await, 410, SPENT);
    let ada = Account::of(&replica.login("ada").await);
    replica.clock.advance(TimeDelta::seconds(301));
    assert_eq!(begin_linking(&replica, &ada).await.refusal(), (403, "STEP_UP_REQUIRED"));
    let missing = "/api/user/identities/00000000-0000-7000-8000-000000000000";
    assert_eq!(replica.delete(missing, &ada.token).await.refusal(), (403, "STEP_UP_REQUIRED"));
    let fresh = Account::of(&replica.login("ada").await);
    assert_eq!(replica.delete(missing, &fresh.token).await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(begin_linking(&replica, &fresh).await.status, 200);
}

#[actix_web::test]
async fn a_removed_account_leaves_no_identity_behind() {
    let (db, replica) = scene().await;
    let away = begin(&replica).await;
    let answer = away.back(&replica).await;
    let cookie = answer.header("set-cookie").lines().find(|cookie| cookie.starts_with("__Host-session=")).unwrap();
    let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!(replica.delete("/api/user", &token).await.status, 204);
    assert_eq!(db.query("select count(*) from identities").await, ["0"]);
    // Whoever comes back is somebody new.
    entered(&replica, &begin(&replica).await.back(&replica).await).await;
    assert_eq!(db.query("select count(*) from users where removed_at is null").await, ["1"]);
}
