//! The issuers of organisations, and browsers that sign on by them.

use std::sync::{Mutex, PoisonError};

use actix_web::test::TestRequest;
use async_trait::async_trait;
use auth_api::{Asserted, Granted, IssuerClient, Issuers, Question, Told, Untold};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::domains::prove;
use crate::elsewhere::entered;
use crate::scenery::{Account, Answer, Replica};

pub const CONNECTION: &str = "/api/organization/single-sign-on";
pub const ISSUER: &str = "https://login.example.com";
pub const SECRET: &str = "the secret of the client";
pub const OWN: (u16, &str) = (403, "SINGLE_SIGN_ON_SESSION");
pub const REQUIRED: (u16, &str) = (403, "SINGLE_SIGN_ON_REQUIRED");

/// What the issuers of organisations say, and as whom they were asked.
pub struct FakeIssuers {
    says: Mutex<Asserted>,
    heard: Mutex<Vec<String>>,
}

impl Default for FakeIssuers {
    fn default() -> Self {
        Self { says: Mutex::new(somebody("1", "bob@example.com")), heard: Mutex::default() }
    }
}

impl FakeIssuers {
    /// From now on they say this.
    pub fn say(&self, asserted: Asserted) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = asserted;
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Issuers for FakeIssuers {
    fn flaw(&self, issuer: &str) -> Option<&'static str> {
        (!issuer.starts_with("https://")).then_some("must begin with https://")
    }

    async fn ask(&self, client: &IssuerClient<'_>, question: &Question, anew: bool) -> Result<String, Untold> {
        uow::forbid_in_transaction("an issuer").map_err(|fault| Untold::Unreachable(fault.to_string()))?;
        Ok(format!("{}/?org={}&anew={anew}&state={}", client.issuer, client.org, question.state.expose_secret()))
    }

    async fn hear(&self, client: &IssuerClient<'_>, _: &Question, granted: &Granted) -> Result<Asserted, Untold> {
        uow::forbid_in_transaction("an issuer").map_err(|fault| Untold::Unreachable(fault.to_string()))?;
        let IssuerClient { issuer, client_id, client_secret, .. } = client;
        let asked = format!("{issuer} {client_id} {} {}", client_secret.expose_secret(), granted.code.expose_secret());
        self.heard.lock().unwrap().push(asked);
        let mut asserted = self.says.lock().unwrap().clone();
        asserted.told.issuer = (*issuer).to_owned();
        Ok(asserted)
    }
}

/// Somebody of whose address the issuer says nothing besides.
pub fn somebody(subject: &str, email: &str) -> Asserted {
    let told = Told {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        email: Some(email.to_owned()),
        email_verified: false,
        name: Some("Bob".to_owned()),
    };
    Asserted { told, disowned: false, factor: false, shown_at: None }
}

pub fn connection(joins: bool, break_glass: &[&str]) -> Value {
    json!({
        "issuer": ISSUER, "clientId": "14build", "clientSecret": SECRET, "joinsOnSignIn": joins, "trustsSecondFactor": false,
        "breakGlassOwners": break_glass
    })
}

pub async fn set(replica: &Replica, by: &Account, body: Value) -> Answer {
    replica.put(CONNECTION, &by.token, body).await
}

pub async fn turn(replica: &Replica, by: &Account, mode: &str) -> Answer {
    replica.put(&format!("{CONNECTION}/mode"), &by.token, json!({ "mode": mode })).await
}

/// A sign-in at an issuer that began in a browser.
pub struct Away {
    pub org: String,
    pub state: String,
    pub cookie: String,
}

impl Away {
    pub fn of(org: &str, answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let url = answer.body["authorizationUrl"].as_str().unwrap();
        let state = url.split_once("state=").unwrap().1.to_owned();
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        Self { org: org.to_owned(), state, cookie }
    }

    pub async fn back(&self, replica: &Replica) -> Answer {
        self.back_to(replica, &format!("single-sign-on/{}", self.org)).await
    }

    pub async fn back_to(&self, replica: &Replica, place: &str) -> Answer {
        let uri = format!("/auth/{place}/callback?state={}&code=the-code", self.state);
        replica.send(TestRequest::get().uri(&uri).insert_header(("Cookie", self.cookie.as_str()))).await
    }
}

pub async fn begin(replica: &Replica, org: &str) -> Away {
    let path = format!("/api/auth/single-sign-on/{org}/start");
    Away::of(org, &replica.post(&path, None, json!({ "returnTo": "/projects" })).await)
}

/// The token of who came in.
pub fn token_in(answer: &Answer) -> String {
    let cookies = answer.header("set-cookie");
    let session = cookies.lines().find(|cookie| cookie.starts_with("__Host-session=")).unwrap_or_else(|| panic!("{cookies}"));
    session.split(['=', ';']).nth(1).unwrap().to_owned()
}

/// Somebody comes in by the issuer.
pub async fn sign_on(replica: &Replica, org: &str) -> (String, Value) {
    let answer = begin(replica, org).await.back(replica).await;
    let session = entered(replica, &answer).await;
    (token_in(&answer), session)
}

/// A connection that is on, of an owner whose organisation has proven this domain.
pub async fn connected(replica: &Replica, owner: &Account, domain: &str, body: Value) {
    prove(replica, owner, domain).await;
    let made = set(replica, owner, body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(turn(replica, owner, "optional").await.refusal(), (409, "SINGLE_SIGN_ON_UNTESTED"));
    tested(replica, owner, domain).await;
    let on = turn(replica, owner, "optional").await;
    assert_eq!((on.status.as_u16(), &on.body["mode"]), (200, &json!("optional")), "{}", on.body);
}

pub async fn tested(replica: &Replica, owner: &Account, domain: &str) {
    replica.issuers.say(somebody("tester", &format!("tester@{domain}")));
    let begun = replica.post(&format!("{CONNECTION}/test"), Some(&owner.token), json!(null)).await;
    let shown = Away::of(&owner.org, &begun).back(replica).await;
    assert!(shown.status == 200 && shown.body.as_str().unwrap().contains("The test passed"), "{}", shown.body);
    assert!(!shown.header("set-cookie").contains("session="), "nobody is signed in");
    replica.issuers.say(somebody("1", "bob@example.com"));
}
