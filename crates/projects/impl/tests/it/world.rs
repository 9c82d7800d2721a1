//! An organisation with people, the real router over the real service, and a client.

use std::sync::{Arc, Mutex};

use actix_web::http::Method;
use actix_web::test;
use actix_web::web::Data;
use audit_api::fake::Trail;
use auth_api::fake::Policy;
use kernel::OrgRole;
use projects::{Dependencies, Service};
use projects_api::{Projects, Soqs, Units};
use serde_json::{Value, json};
use testkit::{Database, Party};
use web::{AppDeps, Routes, Settings};

use crate::fakes::{Memberships, Tokens};

pub struct World {
    pub db: Database,
    pub service: Arc<Service>,
    pub tokens: Arc<Tokens>,
    pub trail: Arc<Trail>,
    pub memberships: Arc<Memberships>,
    pub owner: Party,
    deps: AppDeps,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or_else(|| panic!("no header {name}"), |(_, value)| value)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:#}", self.body);
        self
    }

    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.body["code"], code, "{:#}", answer.body);
        answer
    }

    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("no text {member} in {:#}", self.body)).to_owned()
    }

    pub fn id(&self) -> String {
        self.text("id")
    }

    /// Pointer and code of every fault.
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.body["errors"].as_array().unwrap().iter().map(|e| (text(&e["pointer"]), text(&e["code"]))).collect()
    }
}

impl World {
    pub async fn new() -> Self {
        let db = Database::fresh().await;
        let owner = db.party("Acme").await;
        let tokens = Arc::new(Tokens { system: db.system_uow(), people: Mutex::default(), forgotten: Mutex::default() });
        let (trail, memberships) = (Arc::new(Trail::default()), Arc::new(Memberships::default()));
        let service = Arc::new(Service::new(Dependencies {
            uow: db.uow(),
            authorizer: Arc::new(Policy::shipped()),
            sessions: Arc::clone(&tokens) as _,
            tenants: Arc::clone(&memberships) as _,
            audit: Arc::clone(&trail) as _,
            currencies: None,
        }));
        let mut routes = Routes::new();
        projects::routes(&mut routes);
        let settings = Settings { access_log: false, ..Settings::default() };
        let deps =
            AppDeps::new(Arc::new(routes), Arc::clone(&tokens) as _, settings).authorizer(Arc::new(Policy::shipped())).data({
                let service = Arc::clone(&service);
                move |c| {
                    c.app_data(Data::from(Arc::clone(&service) as Arc<dyn Projects>));
                    c.app_data(Data::from(Arc::clone(&service) as Arc<dyn Units>));
                    c.app_data(Data::from(Arc::clone(&service) as Arc<dyn Soqs>));
                }
            });
        let world = Self { db, service, tokens, trail, memberships, owner, deps };
        world.admit(owner);
        world
    }

    pub fn admit(&self, party: Party) {
        self.tokens.people.lock().unwrap().push((party.user, party.org, party.role));
    }

    /// Another person of the organisation.
    pub async fn person(&self, role: OrgRole) -> Party {
        let party = self.db.person(self.owner.org, role).await;
        self.admit(party);
        party
    }

    /// The owner of another organisation.
    pub async fn stranger(&self) -> Party {
        let party = self.db.party("Rival").await;
        self.admit(party);
        party
    }

    pub async fn send(&self, who: Party, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let app = test::init_service(web::app(&self.deps)).await;
        let mut request = test::TestRequest::default()
            .method(method)
            .uri(path)
            .insert_header(("Authorization", format!("Bearer {}", who.user)));
        for &header in headers {
            request = request.insert_header(header);
        }
        if let Some(body) = body {
            request = request.set_json(body);
        }
        let response = test::call_service(&app, request.to_request()).await;
        let status = response.status().as_u16();
        let text = |value: &actix_web::http::header::HeaderValue| value.to_str().unwrap().to_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let bytes = test::read_body(response).await;
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, headers, body }
    }

    pub async fn get(&self, who: Party, path: &str) -> Answer {
        self.send(who, Method::GET, path, &[], None).await
    }

    pub async fn post(&self, who: Party, path: &str, body: Value) -> Answer {
        self.send(who, Method::POST, path, &[], Some(body)).await
    }

    /// A POST without a body.
    pub async fn act(&self, who: Party, path: &str) -> Answer {
        self.send(who, Method::POST, path, &[], None).await
    }

    pub async fn put(&self, who: Party, path: &str, body: Value) -> Answer {
        self.send(who, Method::PUT, path, &[], Some(body)).await
    }

    pub async fn patch(&self, who: Party, path: &str, body: Value) -> Answer {
        self.send(who, Method::PATCH, path, &[], Some(body)).await
    }

    pub async fn delete(&self, who: Party, path: &str) -> Answer {
        self.send(who, Method::DELETE, path, &[], None).await
    }

    /// The id of a fresh project in EUR.
    pub async fn project(&self) -> String {
        let body = json!({ "name": "Villa", "currency": "EUR" });
        self.post(self.owner, "/api/projects", body).await.expect(201).id()
    }

    /// Notes, as tenders do, that a tender of the project was published.
    pub async fn tender(&self, project: &str) {
        use projects_api::ProjectsPort;
        let (ctx, id) = (self.owner.ctx(), project.parse().unwrap());
        let marked = self.db.uow().write(&ctx, async |tx| self.service.mark_tendered_in(tx, &ctx, id).await).await;
        marked.unwrap();
    }

    pub fn audited(&self) -> Vec<String> {
        self.trail.entries().into_iter().map(|(_, entry)| entry.action).collect()
    }
}
