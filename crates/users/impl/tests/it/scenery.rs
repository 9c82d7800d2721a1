//! An App over a database of its own, and clients that speak to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::test::{self, TestRequest};
use actix_web::web::Data;
use async_trait::async_trait;
use auth_api::{
    ApiKeys, Authorizer, Leaks, OrganizationEvents, Passkeys, Proofs, ReporterKeys, SecondFactors, Sessions, SignIn,
    SignInElsewhere, SingleSignOn, SupportAccess, Teams, Tokens,
};
use kernel::{Ctx, Fault, ManualClock, OrgId, ProjectId, ProjectRole, SystemClock, UserId};
use serde_json::{Value, json};
use testkit::Database;
use uow::{ReadTx, SystemUow, Tx};
use users_api::{
    Belongings, Exported, Exports, InvitationLinks, Leaving, Obligations, OrganizationDomains, Ownership, TxtRecords, Users,
};
use uuid::Uuid;

use crate::elsewhere::Fakes;
use crate::issuers::FakeIssuers;

/// Nobody is in any team.
pub struct NoTeams;

#[async_trait]
impl Teams for NoTeams {
    async fn roles(&self, _: &ReadTx<'_>, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }

    async fn roles_among(
        &self,
        _: &ReadTx<'_>,
        _: OrgId,
        _: UserId,
        _: &[ProjectId],
    ) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }

    async fn leave_in(&self, _: &mut Tx, _: OrgId, _: UserId) -> Result<Vec<(ProjectId, ProjectRole)>, Fault> {
        Ok(Vec::new())
    }
}

/// Binds every organisation by what it says.
#[derive(Default)]
pub struct Bonds {
    pub words: Mutex<Vec<String>>,
    pub asked: Mutex<Vec<OrgId>>,
    /// Who is remembered by name.
    pub remembered: Mutex<Vec<OrgId>>,
    /// Suspends, once, whom it is asked about.
    pub suspended_by: Mutex<Option<Arc<users::Suspensions>>>,
}

/// Remembers what was erased.
#[derive(Default)]
pub struct Erased(pub Mutex<Vec<OrgId>>);

#[async_trait]
impl Belongings for Erased {
    async fn erase(&self, ctx: &Ctx) -> Result<(), Fault> {
        assert_eq!(ctx.actor, kernel::Actor::System);
        self.0.lock().unwrap().push(ctx.org);
        Ok(())
    }
}

/// Things of which every organisation has three, two at a time.
pub struct Things;

#[async_trait]
impl Exported for Things {
    fn files(&self) -> Vec<&'static str> {
        vec!["things", "nothing"]
    }

    async fn rows(&self, ctx: &Ctx, file: &str, after: Uuid) -> Result<Vec<(Uuid, Value)>, Fault> {
        assert_eq!(ctx.actor, kernel::Actor::System);
        let all = if file == "things" { 1..4 } else { 0..0 };
        let behind = all.map(Uuid::from_u128).filter(|id| *id > after).take(2);
        Ok(behind.map(|id| (id, json!({ "id": id, "of": ctx.org }))).collect())
    }
}

#[async_trait]
impl Obligations for Bonds {
    async fn of(&self, ctx: &Ctx) -> Result<Vec<String>, Fault> {
        assert_eq!(ctx.actor, kernel::Actor::System);
        self.asked.lock().unwrap().push(ctx.org);
        let suspensions = self.suspended_by.lock().unwrap().take();
        if let Some(suspensions) = suspensions {
            let fraud = kernel::Decision { operator: "Olga Operator".parse().unwrap(), reason: Some("fraud".parse().unwrap()) };
            suspensions.suspend(ctx.org, &fraud, mail_api::Language::English).await.unwrap();
        }
        Ok(self.words.lock().unwrap().clone())
    }

    async fn are_remembered(&self, ctx: &Ctx) -> Result<bool, Fault> {
        assert_eq!(ctx.actor, kernel::Actor::System);
        Ok(self.remembered.lock().unwrap().contains(&ctx.org))
    }
}

/// Who tells of leaked keys: its public key, once it has one.
#[derive(Default)]
pub struct Reporter(pub Mutex<Option<Vec<u8>>>);

#[async_trait]
impl ReporterKeys for Reporter {
    async fn key(&self, identifier: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.lock().unwrap().clone().filter(|_| identifier != "unheard of"))
    }
}

/// What is published of domains.
#[derive(Default)]
pub struct Records {
    texts: Mutex<HashMap<String, Vec<String>>>,
    silent: Mutex<bool>,
    muted: Mutex<Option<String>>,
}

impl Records {
    /// Lets a name have this text alone, or none.
    pub fn publish(&self, name: &str, text: Option<&str>) {
        self.texts.lock().unwrap().insert(name.to_owned(), text.into_iter().map(str::to_owned).collect());
    }

    /// Lets nobody answer of domains that begin like this.
    pub fn mute(&self, beginning: &str) {
        *self.muted.lock().unwrap() = Some(format!("_14build-challenge.{beginning}"));
    }

    /// Lets nobody answer, or somebody again.
    pub fn silence(&self, silent: bool) {
        *self.silent.lock().unwrap() = silent;
    }
}

#[async_trait]
impl TxtRecords for Records {
    async fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let is_muted = self.muted.lock().unwrap().as_ref().is_some_and(|beginning| name.starts_with(beginning.as_str()));
        if is_muted || *self.silent.lock().unwrap() {
            return Err(Fault::unavailable("nobody answers"));
        }
        Ok(self.texts.lock().unwrap().get(name).cloned().unwrap_or_default())
    }
}

/// One replica of the server.
pub struct Replica {
    pub auth: Arc<auth::Service>,
    pub users: Arc<dyn Users>,
    pub service: Arc<users::Service>,
    pub deps: web::AppDeps,
    pub clock: Arc<ManualClock>,
    pub bonds: Arc<Bonds>,
    pub erased: Arc<Erased>,
    pub policy: Arc<auth::Policy>,
    /// The mail that it would have sent.
    pub mails: Arc<mail_api::fake::Sent>,
    pub reporter: Arc<Reporter>,
    /// What identity providers say.
    pub providers: Arc<Fakes>,
    /// What the issuers of organisations say.
    pub issuers: Arc<FakeIssuers>,
    /// Who removes second factors that were lost.
    pub resets: auth::FactorResets,
    /// What an operator does.
    pub suspensions: Arc<users::Suspensions>,
    pub desk: auth::SupportDesk,
    /// What is published of domains.
    pub records: Arc<Records>,
    pub domains: Arc<users::Domains>,
    pub tokens: Arc<auth::ServiceTokens>,
}

impl Replica {
    pub async fn of(db: &Database, settings: auth::Settings) -> Self {
        Self::with_teams(db, settings, Arc::new(NoTeams)).await
    }

    pub async fn with_teams(db: &Database, settings: auth::Settings, teams: Arc<dyn Teams>) -> Self {
        Self::with_door(db, settings, teams, db.system_uow()).await
    }

    /// With a door of its own for what resolves sessions and keys.
    pub async fn with_door(db: &Database, settings: auth::Settings, teams: Arc<dyn Teams>, door: SystemUow) -> Self {
        // Nothing of who leaves can be taken back, unless a test is about that.
        let at_once = users::Settings { grace: Duration::ZERO, ..users::Settings::default() };
        Self::of_all(db, settings, at_once, teams, door).await
    }

    /// With a time in which it can be taken back that somebody leaves.
    pub async fn with_grace(db: &Database, grace: Duration) -> Self {
        Self::with_leaving(db, users::Settings { grace, ..users::Settings::default() }).await
    }

    /// With settings of who leaves.
    pub async fn with_leaving(db: &Database, leaving: users::Settings) -> Self {
        Self::of_all(db, auth::Settings::default(), leaving, Arc::new(NoTeams), db.system_uow()).await
    }

    async fn of_all(
        db: &Database,
        settings: auth::Settings,
        leaving: users::Settings,
        teams: Arc<dyn Teams>,
        door: SystemUow,
    ) -> Self {
        let known = [
            auth_api::perm::ALL,
            tenants_api::perm::ALL,
            audit_api::perm::ALL,
            projects_api::perm::ALL,
            tenders_api::perm::ALL,
            escrow_api::perm::ALL,
            directory_api::perm::ALL,
        ];
        let policy = Arc::new(auth::Policy::embedded(&known).await.unwrap());
        let authorizer: Arc<dyn Authorizer> = policy.clone();
        let trail = Arc::new(audit::Service::new(audit::Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::clone(&authorizer),
            signer: None,
            settings: audit::Settings::default(),
        }));
        let proof: Arc<dyn audit_api::Proof> = trail.clone();
        let audit: Arc<dyn audit_api::Audit> = trail;
        let tenants = Arc::new(tenants::Service::new(tenants::Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::clone(&authorizer),
            audit: Arc::clone(&audit),
            settings: tenants::Settings::default(),
        }));
        let clock = Arc::new(ManualClock::at(kernel::Clock::now(&SystemClock)));
        let mails = Arc::new(mail_api::fake::Sent::default());
        let directory = Arc::new(users::Directory::new(tenants.clone(), Arc::clone(&audit), mails.clone()));
        let resets = auth::FactorResets::new(auth::FactorResetDependencies {
            system: db.system_uow(),
            directory: directory.clone(),
            audit: Arc::clone(&audit),
            mails: mails.clone(),
            clock: clock.clone(),
        });
        let desk = auth::SupportDesk::new(auth::SupportDeskDependencies {
            system: db.system_uow(),
            directory: directory.clone(),
            audit: Arc::clone(&audit),
            mails: mails.clone(),
            clock: clock.clone(),
        });
        let support: Arc<dyn SupportAccess> = Arc::new(auth::Support::new(auth::SupportDependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::clone(&authorizer),
            audit: Arc::clone(&audit),
            clock: clock.clone(),
        }));
        let auth = auth::Service::new(auth::Dependencies {
            system: door,
            directory: directory.clone(),
            teams,
            audit: Arc::clone(&audit),
            mails: mails.clone(),
            ceremonies: Arc::new(webauthn_adapter::Authenticators::of(PAGE).unwrap()),
            clock: clock.clone(),
            settings,
        });
        let auth = Arc::new(auth.unwrap());
        let key_mails = auth::KeyMails::new(db.system_uow(), directory.clone(), mails.clone());
        let keys = auth::Keys::new(auth::KeysDependencies {
            uow: db.uow(),
            system: db.system_uow(),
            authorizer: Arc::clone(&authorizer),
            sessions: auth.clone(),
            audit: Arc::clone(&audit),
            mails: key_mails.clone(),
            clock: clock.clone(),
            settings: auth::KeySettings { live: true, ..auth::KeySettings::default() },
        });
        let keys: Arc<dyn ApiKeys> = Arc::new(keys.unwrap());
        let providers = Arc::new(Fakes::default());
        let elsewhere: Arc<dyn SignInElsewhere> = Arc::new(auth::Elsewhere::new(auth.clone(), providers.clone()));
        let issuers = Arc::new(FakeIssuers::default());
        let sign_on: Arc<dyn SingleSignOn> = Arc::new(auth::SignOn::new(auth.clone(), issuers.clone(), Arc::clone(&authorizer)));
        let reporter = Arc::new(Reporter::default());
        let leaks: Arc<dyn Leaks> = Arc::new(auth::LeakReports::new(auth::LeakDependencies {
            system: db.system_uow(),
            audit: Arc::clone(&audit),
            sessions: auth.clone(),
            mails: key_mails,
            keys: Some(reporter.clone()),
        }));
        let tokens = auth::ServiceTokens::new(auth::ServiceTokensDependencies {
            system: db.system_uow(),
            directory,
            authorizer: Arc::clone(&authorizer),
            clock: clock.clone(),
            issuer: ISSUER.to_owned(),
            secret: "what the replicas share".to_owned().into(),
            previous_secrets: vec!["what they shared before".to_owned().into()],
            settings: auth::TokenSettings { audiences: vec![AUDIENCE.to_owned()], ..auth::TokenSettings::default() },
        });
        let tokens = Arc::new(tokens.unwrap());
        let told: Arc<dyn Tokens> = tokens.clone();
        let events = auth::OrganizationEvents::new(db.uow(), Arc::clone(&authorizer), Arc::clone(&audit));
        let events: Arc<dyn OrganizationEvents> = Arc::new(events);
        let bonds = Arc::new(Bonds::default());
        let erased = Arc::new(Erased::default());
        let service = Arc::new(users::Service::new(users::Dependencies {
            uow: db.uow(),
            system: db.system_uow(),
            memberships: tenants.clone(),
            sessions: auth.clone(),
            accounts: auth.clone(),
            authorizer: Arc::clone(&authorizer),
            audit: Arc::clone(&audit),
            mails: mails.clone(),
            obligations: vec![Arc::clone(&bonds) as Arc<dyn Obligations>],
            belongings: vec![Arc::clone(&erased) as Arc<dyn Belongings>],
            exported: vec![Arc::new(Things)],
            sign_in: auth.clone(),
            clock: clock.clone(),
            settings: leaving,
            cookies: users::CookieSettings { secure: true },
        }));
        let (people, links): (Arc<dyn Users>, Arc<dyn InvitationLinks>) = (service.clone(), service.clone());
        let gone: Arc<dyn Leaving> = service.clone();
        let archives: Arc<dyn Exports> = service.clone();
        let ownership: Arc<dyn Ownership> = service.clone();
        let suspensions = Arc::new(users::Suspensions::new(users::SuspensionDependencies {
            system: db.system_uow(),
            memberships: tenants.clone(),
            audit: Arc::clone(&audit),
            mails: mails.clone(),
        }));
        let records = Arc::new(Records::default());
        let domains = Arc::new(users::Domains::new(users::DomainDependencies {
            uow: db.uow(),
            system: db.system_uow(),
            memberships: tenants.clone(),
            authorizer: Arc::clone(&authorizer),
            audit: Arc::clone(&audit),
            mails: mails.clone(),
            records: records.clone(),
        }));
        let proven: Arc<dyn OrganizationDomains> = domains.clone();
        let mut routes = web::Routes::new();
        users::routes(&mut routes);
        tenants::routes(&mut routes);
        audit::routes(&mut routes);
        let mut settings = web::Settings { access_log: false, ..Default::default() };
        settings.rate_limits.enabled = false;
        settings.allowed_origins = vec!["https://app.example".to_owned()];
        let (sign_in, organizations) = (auth.clone() as Arc<dyn SignIn>, tenants as Arc<dyn tenants_api::Organizations>);
        let proofs: Arc<dyn Proofs> = auth.clone();
        let passkeys: Arc<dyn Passkeys> = auth.clone();
        let factors: Arc<dyn SecondFactors> = auth.clone();
        let users = Arc::clone(&people);
        let deps =
            web::AppDeps::new(Arc::new(routes), auth.clone(), settings).authorizer(authorizer.clone()).data(move |config| {
                config
                    .app_data(Data::from(people.clone()))
                    .app_data(Data::from(gone.clone()))
                    .app_data(Data::from(archives.clone()))
                    .app_data(Data::from(links.clone()))
                    .app_data(Data::from(ownership.clone()))
                    .app_data(Data::from(proven.clone()))
                    .app_data(Data::from(sign_in.clone()))
                    .app_data(Data::from(keys.clone()))
                    .app_data(Data::from(support.clone()))
                    .app_data(Data::from(proofs.clone()))
                    .app_data(Data::from(elsewhere.clone()))
                    .app_data(Data::from(sign_on.clone()))
                    .app_data(Data::from(passkeys.clone()))
                    .app_data(Data::from(factors.clone()))
                    .app_data(Data::from(leaks.clone()))
                    .app_data(Data::from(told.clone()))
                    .app_data(Data::from(events.clone()))
                    .app_data(Data::from(authorizer.clone()))
                    .app_data(Data::from(organizations.clone()))
                    .app_data(Data::from(audit.clone()))
                    .app_data(Data::from(proof.clone()))
                    .app_data(Data::new(users::CookieSettings { secure: true }))
                    .configure(users::pages);
            });
        Self {
            auth,
            users,
            service,
            deps,
            clock,
            bonds,
            erased,
            policy,
            mails,
            reporter,
            providers,
            issuers,
            resets,
            suspensions,
            desk,
            records,
            domains,
            tokens,
        }
    }

    /// Runs every job, also those planned for later; what failed and why.
    pub async fn work(&self, db: &Database) -> Vec<String> {
        let mut registry = jobs::Registry::new();
        module::Wired::register(self.service.clone(), &mut registry);
        jobs::make_due(&db.system_uow()).await.unwrap();
        let settings = jobs::Settings::new(db.system_url().await);
        let ran = jobs::run_until_idle(&settings, &registry).await.unwrap();
        ran.iter().filter_map(|ran| ran.error().map(|error| format!("{}: {error}", ran.name()))).collect()
    }

    pub async fn send(&self, request: TestRequest) -> Answer {
        let app = test::init_service(web::app(&self.deps)).await;
        let answer = match app.call(request.to_request()).await {
            Ok(answer) => Answer::read(answer).await,
            Err(error) => panic!("{error}"),
        };
        assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR, "{}", answer.body);
        answer
    }

    /// Sends this body; none for `null`.
    pub async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Answer {
        let request = with(TestRequest::post().uri(path), token);
        self.send(if body.is_null() { request } else { request.set_json(body) }).await
    }

    pub async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(with(TestRequest::put().uri(path), Some(token)).set_json(body)).await
    }

    pub async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        self.send(with(TestRequest::patch().uri(path), Some(token)).set_json(body)).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(with(TestRequest::get().uri(path), Some(token))).await
    }

    pub async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(with(TestRequest::delete().uri(path), Some(token))).await
    }

    /// Registers `name@example.com` with an organisation of that name.
    pub async fn register(&self, name: &str) -> Account {
        let body = json!({ "email": format!("{name}@example.com"), "password": PASSWORD, "name": name, "organizationName": format!("{name} works") });
        let answer = self.post("/api/auth/register", None, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        Account::of(&answer)
    }

    pub async fn login(&self, name: &str) -> Answer {
        self.post("/api/auth/login", None, json!({ "email": format!("{name}@example.com"), "password": PASSWORD })).await
    }

    /// Invites `name@example.com` into the organisation of `by`.
    pub async fn invite(&self, by: &Account, name: &str) -> Answer {
        self.verify(by).await;
        let body = json!({ "email": format!("{name}@example.com"), "name": name });
        self.post("/api/users", Some(&by.token), body).await
    }

    /// Somebody proves their address by what is mailed to it.
    pub async fn verify(&self, who: &Account) {
        let user = self.get("/api/user", &who.token).await.body;
        if user["emailVerified"] == true {
            return;
        }
        assert_eq!(self.post("/api/auth/verification", Some(&who.token), json!({})).await.status, 202);
        let mail = self.mails.to(user["email"].as_str().unwrap()).pop().unwrap();
        let (_, token) = mail.content.link().unwrap().as_str().split_once("token=").unwrap();
        let proven = self.post("/api/auth/verification/confirm", Some(&who.token), json!({ "token": token })).await;
        assert_eq!(proven.status, 204, "{}", proven.body);
    }

    /// Makes `who` a member of the organisation of `by`: invited, accepted by themself, and given the role.
    pub async fn join(&self, by: &Account, who: &Account, role: &str) -> Answer {
        self.verify(by).await;
        self.verify(who).await;
        let email = self.get("/api/user", &who.token).await.body["email"].clone();
        let invited = self.post("/api/users", Some(&by.token), json!({ "email": email })).await;
        assert_eq!(invited.status, 201, "{}", invited.body);
        let path = format!("/api/invitations/{}/accept", invited.body["id"].as_str().unwrap());
        let joined = self.post(&path, Some(&who.token), json!(null)).await;
        assert_eq!(joined.status, 200, "{}", joined.body);
        if role == "member" {
            joined
        } else {
            self.put(&format!("/api/users/{}", who.user), &by.token, json!({ "role": role })).await
        }
    }

    pub fn clock_now(&self) -> kernel::Timestamp {
        kernel::Clock::now(&*self.clock)
    }

    pub async fn is_live(&self, token: &str) -> bool {
        self.auth.resolve(token).await.is_ok()
    }
}

/// Where its pages are, as passkeys see it.
pub const PAGE: &str = "https://build14.example";

pub const PASSWORD: &str = "correct horse battery staple";

/// Who says what tokens say, and the service that they are for.
pub const ISSUER: &str = "https://build14.example";
pub const AUDIENCE: &str = "https://reports.example.com";

/// A replica over a database of its own.
pub async fn scene() -> (Database, Replica) {
    let db = Database::fresh().await;
    let replica = Replica::of(&db, auth::Settings::default()).await;
    (db, replica)
}

pub fn with(request: TestRequest, token: Option<&str>) -> TestRequest {
    match token {
        Some(token) => request.insert_header(("Authorization", format!("Bearer {token}"))),
        None => request,
    }
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Account {
    pub token: String,
    pub user: String,
    pub org: String,
}

impl Account {
    pub fn of(answer: &Answer) -> Self {
        let text = |pointer: &str| {
            answer
                .body
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_else(|| panic!("{pointer}: {}", answer.body))
                .to_owned()
        };
        Self { token: text("/accessToken"), user: text("/user/id"), org: text("/organization/id") }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

impl Answer {
    async fn read(response: ServiceResponse<impl MessageBody>) -> Self {
        let status = response.status();
        let mut headers: HashMap<String, String> = HashMap::new();
        for (name, value) in response.headers() {
            // One that is given several times, such as Set-Cookie, a line each.
            let lines = headers.entry(name.to_string()).or_default();
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(value.to_str().unwrap());
        }
        let bytes = test::read_body(response).await;
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        // A page is none.
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_else(|_| text()) };
        Self { status, headers, body }
    }

    /// Status and code, of a refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or("none"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The cookies that it sets to nothing, without the instant of their end, which is the clock's.
    pub fn removed_cookies(&self) -> Vec<&str> {
        let cookies = self.header("set-cookie").lines().filter(|cookie| cookie.contains("Max-Age=0"));
        cookies.filter_map(|cookie| cookie.split("; Expires=").next()).collect()
    }
}
