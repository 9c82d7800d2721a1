//! A provider whose signature is a word, two domains that hear it, and a worker that runs when told.

use std::sync::{Arc, Mutex};

use actix_web::web::ServiceConfig;
use db::prelude::*;
use diesel::sql_types::Text;
use inbox::{Dependencies, Error, Service};
use jobs::{Execution, Registry};
use kernel::{Fault, ManualClock, Timestamp};
use module::Wired;
use provider_events::{Change, Deliveries, Heard, Kind, ProviderEvent, Refused, Subject, Subscriptions};
use serde_json::{Value, json};
use testkit::Database;
use uow::SystemUow;

/// Takes what bears the word.
struct Post;

impl Deliveries for Post {
    fn read(&self, signature: Option<&str>, body: &[u8], _: Timestamp) -> Result<ProviderEvent, Refused> {
        if signature != Some("the word") {
            return Err(Refused("it does not bear the word"));
        }
        let event: Value = serde_json::from_slice(body).map_err(|_| Refused("the body is not an event"))?;
        let text = |member: &str| event[member].as_str().map(str::to_owned);
        let name = text("name").unwrap_or_default();
        Ok(ProviderEvent {
            id: text("id").unwrap_or_default(),
            kind: self.kind(&name),
            name,
            object: text("object"),
            account: text("account"),
            intent: text("intent"),
            ours: None,
            livemode: event["livemode"] == true,
        })
    }

    fn kind(&self, name: &str) -> Option<Kind> {
        let subject = match name {
            "charge.refunded" => Subject::Charge,
            "payout.paid" => Subject::Payout,
            _ => return None,
        };
        Some(Kind { subject, change: Change::Other })
    }
}

/// When a domain fails.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fails {
    Never,
    /// Before it did anything.
    Before,
    /// When all is done and committed.
    Afterwards,
}

/// A domain that does something about each event it hears: a row of `effects`.
pub struct Domain {
    name: &'static str,
    subjects: &'static [Subject],
    system: SystemUow,
    pub fails: Mutex<Fails>,
    pub heard: Mutex<Vec<ProviderEvent>>,
}

impl Wired for Domain {
    fn data(self: Arc<Self>, _: &mut ServiceConfig) {}

    fn hears(self: Arc<Self>, subscriptions: &mut Subscriptions) {
        let (name, subjects) = (self.name, self.subjects);
        subscriptions.hear(name, subjects, &self, |domain, heard| async move { domain.hear(heard).await });
    }
}

impl Domain {
    async fn hear(&self, heard: Heard) -> Result<(), String> {
        self.heard.lock().expect("not poisoned").push(heard.event.clone());
        let fails = *self.fails.lock().expect("not poisoned");
        if fails == Fails::Before {
            return Err("not today".to_owned());
        }
        let result: Result<(), Fault> = self
            .system
            .write(async |tx| {
                if heard.first_in(tx).await? {
                    diesel::sql_query("insert into effects values ($1, $2)")
                        .bind::<Text, _>(self.name)
                        .bind::<Text, _>(&heard.event.id)
                        .execute(tx.pg())
                        .await
                        .fault()?;
                }
                Ok(())
            })
            .await;
        result.map_err(|fault| fault.to_string())?;
        if fails == Fails::Afterwards { Err("too late".to_owned()) } else { Ok(()) }
    }

    /// How often it was told.
    pub fn times(&self) -> usize {
        self.heard.lock().expect("not poisoned").len()
    }

    pub fn fails(&self, when: Fails) {
        *self.fails.lock().expect("not poisoned") = when;
    }
}

pub struct World {
    pub db: Database,
    /// Hears of charges.
    pub one: Arc<Domain>,
    /// Hears of charges and payouts.
    pub two: Arc<Domain>,
    pub inbox: Arc<Service>,
    registry: Registry,
}

impl World {
    pub async fn new() -> Self {
        let db = Database::fresh().await;
        db.run_sql("create table effects (subscriber text, event text); grant insert on effects to build14_system").await;
        let domain = |name: &'static str, subjects: &'static [Subject]| {
            let (fails, heard) = (Mutex::new(Fails::Never), Mutex::default());
            Arc::new(Domain { name, subjects, system: db.system_uow(), fails, heard })
        };
        let one = domain("one", &[Subject::Charge]);
        let two = domain("two", &[Subject::Charge, Subject::Payout]);
        let (deliveries, clock) = (Arc::new(Post), Arc::new(ManualClock::at(chrono::Utc::now())));
        let dependencies = Dependencies { system: db.system_uow(), deliveries, clock, livemode: false };
        let inbox = Arc::new(Service::new(dependencies, &[one.clone() as Arc<dyn Wired>, two.clone()]));
        let mut registry = Registry::new();
        Wired::register(Arc::clone(&inbox), &mut registry);
        Self { db, one, two, inbox, registry }
    }

    pub async fn deliver(&self, event: &Value) -> Result<bool, Error> {
        self.inbox.take(Some("the word"), event.to_string().as_bytes()).await
    }

    /// Runs every job that is due: its task, and why it failed.
    pub async fn work(&self) -> Vec<(String, Option<String>)> {
        let settings = jobs::Settings::new(self.db.system_url().await);
        let ran = jobs::run_until_idle(&settings, &self.registry).await.expect("the queue answers");
        ran.iter().map(|ran: &Execution| (ran.name().to_owned(), ran.error().map(str::to_owned))).collect()
    }

    /// What failed is due again.
    pub async fn work_ahead(&self) -> Vec<(String, Option<String>)> {
        jobs::make_due(&self.db.system_uow()).await.expect("the queue answers");
        self.work().await
    }

    /// Who did something about what.
    pub async fn effects(&self) -> Vec<String> {
        self.db.query("select subscriber || ' ' || event from effects order by 1").await
    }

    /// Every event, who has still to hear it, and whether it is done.
    pub async fn events(&self) -> Vec<String> {
        let done = "case when processed_at is null then 'waits' else 'done' end";
        self.db.query(&format!("select concat_ws(' ', id, waiting_for, {done}) from webhook_events order by id")).await
    }
}

pub fn event(id: &str, name: &str) -> Value {
    json!({ "id": id, "name": name, "object": "obj_1", "livemode": false })
}

/// No job ran.
pub const NOTHING: [(String, Option<String>); 0] = [];

/// A job that ran.
pub fn ran(task: &str, error: Option<&str>) -> (String, Option<String>) {
    (task.to_owned(), error.map(str::to_owned))
}
