//! Mail over a transport in memory, with a worker that runs when told.

use std::sync::{Arc, Mutex};

use actix_web::test;
use async_trait::async_trait;
use auth_api::{Session, Sessions};
use jobs::{Execution, Registry};
use kernel::{Ctx, Fault, ManualClock, OrgId, RequestId, Timestamp, UserId};
use mail::{Composer, Dependencies, MailSecret, Sender, Service};
use mail_api::fake::Transport;
use mail_api::{
    Content, KeptMail, Language, Languages, Link, Mail, MailId, MailReport, MailReports, Mailbox, Mails, NotTheirs, OutgoingMail,
    Recipient, SignedReport,
};
use module::Wired;
use testkit::Database;
use uow::Tx;
use web::{AppDeps, Routes, Settings};

/// Keeps what the transport took.
struct Kept(Arc<Transport>);

#[async_trait]
impl Mailbox for Kept {
    async fn newest(&self, most: usize) -> Result<Vec<OutgoingMail>, Fault> {
        Ok(self.0.taken().into_iter().rev().take(most).collect())
    }

    async fn one(&self, id: MailId) -> Result<Option<KeptMail>, Fault> {
        let found = self.0.taken().into_iter().find(|mail| mail.id == id);
        Ok(found.map(|mail| KeptMail { source: format!("Subject: {}\r\n\r\nbody", mail.subject), mail }))
    }
}

/// A provider whose signature is a word, and that tells what it is given.
#[derive(Default)]
pub struct Provider(Mutex<Option<MailReport>>);

impl MailReports for Provider {
    fn read(&self, report: &SignedReport<'_>, _: Timestamp) -> Result<Option<MailReport>, NotTheirs> {
        if report.signature != Some("the word") {
            return Err(NotTheirs("it does not bear the word"));
        }
        Ok(self.0.lock().expect("not poisoned").take())
    }
}

/// Whoever has an address that begins so has chosen German.
struct Germans;

#[async_trait]
impl Languages for Germans {
    async fn chosen_in(&self, _: &mut Tx, address: &str) -> Result<Option<Language>, Fault> {
        Ok(address.starts_with("deutsch").then_some(Language::German))
    }
}

/// Nobody signs in.
struct Nobody;

#[async_trait]
impl Sessions for Nobody {
    async fn resolve(&self, _: &str) -> Result<Arc<Session>, auth_api::Error> {
        Err(auth_api::Error::NotAuthenticated)
    }

    async fn forget_user_in(&self, _: &mut Tx, _: UserId) -> Result<(), Fault> {
        Ok(())
    }

    async fn end_sessions_in(&self, _: &mut Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

/// What a request is answered.
pub struct Got {
    pub status: u16,
    pub body: String,
    headers: Vec<(String, String)>,
}

impl Got {
    /// A header, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }
}

pub struct World {
    pub db: Database,
    pub transport: Arc<Transport>,
    pub provider: Arc<Provider>,
    pub clock: Arc<ManualClock>,
    pub service: Arc<Service>,
    pub registry: Registry,
    pub ctx: Ctx,
}

impl World {
    /// A developer's server.
    pub async fn new() -> Self {
        Self::of(true).await
    }

    /// A server in development or in production.
    pub async fn of(development: bool) -> Self {
        let db = Database::fresh().await;
        let (transport, provider) = (Arc::new(Transport::default()), Arc::new(Provider::default()));
        let clock = Arc::new(ManualClock::at(chrono::Utc::now()));
        let service = service(&db, &transport, &provider, &clock, (development, MailSecret::derived(b"of this test")));
        let mut registry = Registry::new();
        Wired::register(Arc::clone(&service), &mut registry);
        let ctx = Ctx::system(OrgId::new(), RequestId::generate());
        Self { db, transport, provider, clock, service, registry, ctx }
    }

    /// The same with another secret.
    pub fn with_secret(&self, secret: MailSecret) -> Arc<Service> {
        service(&self.db, &self.transport, &self.provider, &self.clock, (true, secret))
    }

    /// Leaves a mail behind in a transaction of a tenant.
    pub async fn leave(&self, mail: Mail) -> MailId {
        let left: Result<MailId, Fault> = self.db.uow().write(&self.ctx, async |tx| self.service.send_in(tx, mail).await).await;
        left.expect("it is left")
    }

    /// Runs every job that is due: its task, and why it failed.
    pub async fn work(&self) -> Vec<(String, Option<String>)> {
        let settings = jobs::Settings::new(self.db.system_url().await);
        let ran = jobs::run_until_idle(&settings, &self.registry).await.expect("the queue answers");
        ran.iter().map(|ran: &Execution| (ran.name().to_owned(), ran.error().map(str::to_owned))).collect()
    }

    /// What waits for later is due now.
    pub async fn work_ahead(&self) -> Vec<(String, Option<String>)> {
        jobs::make_due(&self.db.system_uow()).await.expect("the queue answers");
        self.work().await
    }

    /// Every mail: how far it got, after how many attempts, whether what it says is kept, and why.
    pub async fn mails(&self) -> Vec<String> {
        let kept = "case when content is null then 'erased' else 'sealed' end";
        self.db.query(&format!("select concat_ws(' ', state, attempts, {kept}, reason) from mails order by created_at, id")).await
    }

    /// What a person must look at.
    pub async fn alarms(&self) -> Vec<String> {
        self.db.query("select kind || ' ' || object_type from alarms where settled_at is null order by 1").await
    }

    /// The provider tells something.
    pub async fn told(&self, report: MailReport) -> Result<(), mail::Error> {
        *self.provider.0.lock().expect("not poisoned") = Some(report);
        let report = SignedReport { id: None, timestamp: None, signature: Some("the word"), body: b"" };
        self.service.take_report(&report).await
    }

    /// A request to the server.
    pub async fn ask(&self, request: test::TestRequest) -> Got {
        let mut routes = Routes::new();
        (mail::MODULE.routes)(&mut routes);
        let service = Arc::clone(&self.service);
        let settings = Settings { access_log: false, ..Settings::default() };
        let deps = AppDeps::new(Arc::new(routes), Arc::new(Nobody), settings);
        let deps = deps.data(move |config| Wired::data(Arc::clone(&service), config));
        let app = test::init_service(web::app(&deps)).await;
        let peer = "10.0.0.1:1".parse().expect("an address");
        let response = test::call_service(&app, request.peer_addr(peer).to_request()).await;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
        let body = String::from_utf8(test::read_body(response).await.to_vec()).expect("UTF-8");
        Got { status, body, headers }
    }

    /// What a browser gets.
    pub async fn get(&self, path: &str) -> Got {
        self.ask(test::TestRequest::get().uri(path).insert_header(("Accept", "text/html"))).await
    }
}

fn service(
    db: &Database,
    transport: &Arc<Transport>,
    provider: &Arc<Provider>,
    clock: &Arc<ManualClock>,
    (development, secret): (bool, MailSecret),
) -> Arc<Service> {
    let sender = Sender { from: Recipient::at("no-reply@build14.example").named("14Build"), reply_to: None };
    Arc::new(Service::new(Dependencies {
        system: db.system_uow(),
        transport: transport.clone(),
        reports: development.then(|| provider.clone() as Arc<dyn MailReports>),
        languages: Arc::new(Germans),
        mailbox: Some(Arc::new(Kept(transport.clone()))),
        composer: Composer::new("https://app.build14.example", sender).expect("the templates are sound"),
        secret,
        clock: clock.clone(),
        development,
    }))
}

/// A mail of this event, with a link that opens something.
pub fn reset(key: &str) -> Mail {
    let link = Link::to("/reset-password").with_secret("token", "t0ken");
    let to = Recipient::at("Ada@example.com").named("Ada");
    Mail {
        key: key.to_owned(),
        to,
        language: Language::German,
        content: Content::ResetPassword { link, code: None, minutes: 60 },
    }
}

/// A mail of this event whose link does not run out.
pub fn notice(key: &str) -> Mail {
    let content = Content::PasswordChanged { at: chrono::Utc::now(), link: None };
    Mail { key: key.to_owned(), to: Recipient::at("Ada@example.com"), language: Language::English, content }
}

/// A job that ran.
pub fn ran(error: Option<&str>) -> (String, Option<String>) {
    ("mail.send".to_owned(), error.map(str::to_owned))
}

/// No job ran.
pub const NOTHING: [(String, Option<String>); 0] = [];
