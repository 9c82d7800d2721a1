//! The real App around the domain of `things.rs`, with fake sessions, and a client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, init_service, read_body, try_call_service};
use actix_web::web::Data;
use async_trait::async_trait;
use auth_api::{Authorizer, FactorStanding, LiveKey, Reach, Session, Sessions, SupportSession};
use kernel::*;
use serde_json::Value;
use uuid::Uuid;
use web::{AppDeps, DenialLog, Settings, SpentLimit, SpentLog};

pub use crate::things::{ID, routes};

/// What the handlers of this test saw.
#[derive(Default)]
pub struct Seen {
    pub stored: Mutex<HashMap<String, (IdempotencyKey, Answer)>>,
    pub runs: Mutex<u32>,
    pub denials: Mutex<Vec<String>>,
    pub spent: Mutex<Vec<(SpentLimit, String)>>,
    pub resolved: Mutex<Vec<String>>,
    /// What support asked for, as it was noted.
    pub support: Mutex<Vec<String>>,
    /// Permissions that the caller does not hold any more.
    pub revoked: Mutex<Vec<&'static str>>,
}

/// Whoever asks holds every permission that was not revoked.
struct Rights(Arc<Seen>);

impl Authorizer for Rights {
    fn check(&self, _: &Ctx, permission: Permission, _: Scope) -> Result<(), Denied> {
        let revoked = self.0.revoked.lock().unwrap().contains(&permission.name());
        if revoked { Err(Denied { permission, project: None }) } else { Ok(()) }
    }
    fn reach(&self, _: &Ctx, _: Permission) -> Reach {
        Reach::All
    }
    fn permissions(&self, _: &Ctx) -> Vec<Permission> {
        vec![Permission("things.create"), Permission("things.name"), crate::things::AWARD]
    }
}

pub struct FakeSessions(Arc<Seen>);

#[async_trait]
impl Sessions for FakeSessions {
    async fn resolve(&self, token: &str) -> Result<Arc<Session>, auth_api::Error> {
        self.0.resolved.lock().unwrap().push(token.to_owned());
        match token {
            "good" => {}
            "down" => return Err(Fault::unavailable("no database").into()),
            _ => return Err(auth_api::Error::NotAuthenticated),
        }
        Ok(Arc::new(Session {
            id: SessionId(Uuid::from_u128(1)),
            user: UserId(Uuid::from_u128(2)),
            org: OrgId(Uuid::from_u128(3)),
            role: OrgRole::Admin,
            projects: ProjectRoles::default(),
            added: AddedPermissions::default(),
            expires_at: SystemClock.now(),
            authenticated_at: SystemClock.now(),
            factor: FactorStanding::default(),
            bound: false,
        }))
    }
    async fn resolve_key(&self, key: &str, _: Option<IpAddr>) -> Result<Arc<LiveKey>, auth_api::Error> {
        let id = match key {
            "b14_a" => ApiKeyId(Uuid::from_u128(7)),
            "b14_b" => ApiKeyId(Uuid::from_u128(8)),
            _ => return Err(auth_api::Error::NotAuthenticated),
        };
        Ok(Arc::new(LiveKey {
            by: Arc::new(KeyUse { id, scopes: vec!["things.create".into()], of_leaver: false }),
            org: OrgId(Uuid::from_u128(3)),
            creator: UserId(Uuid::from_u128(2)),
            role: OrgRole::Admin,
            projects: ProjectRoles::default(),
            added: AddedPermissions::default(),
            networks: Vec::new(),
            until: Timestamp::MAX_UTC,
            factor: FactorStanding::default(),
        }))
    }
    async fn resolve_support(&self, token: &str) -> Result<Arc<SupportSession>, auth_api::Error> {
        let operator = token.trim_start_matches("b14_support_").to_owned();
        let (id, org) = (SupportSessionId(Uuid::from_u128(9)), OrgId(Uuid::from_u128(3)));
        Ok(Arc::new(SupportSession { id, org, operator, until: Timestamp::MAX_UTC }))
    }
    async fn note_support(
        &self,
        session: &SupportSession,
        _: &RequestId,
        route: &str,
        refused: bool,
    ) -> Result<(), auth_api::Error> {
        if session.operator == "unheard" {
            return Err(Fault::unavailable("no database").into());
        }
        self.0.support.lock().unwrap().push(format!("{route} {refused}"));
        Ok(())
    }
    async fn forget_user_in(&self, _: &mut uow::Tx, _: UserId) -> Result<(), Fault> {
        Ok(())
    }
    async fn end_sessions_in(&self, _: &mut uow::Tx, _: UserId, _: OrgId) -> Result<(), Fault> {
        Ok(())
    }
}

struct Denials(Arc<Seen>);

#[async_trait]
impl DenialLog for Denials {
    async fn denied(&self, ctx: &Ctx, denied: &Denied, route: &str) {
        self.0.denials.lock().unwrap().push(format!("{} {denied} at {route}", ctx.org));
    }
}

struct Spent(Arc<Seen>);

#[async_trait]
impl SpentLog for Spent {
    async fn spent(&self, limit: SpentLimit, request: &RequestId, address: Option<IpAddr>) {
        let address = address.map_or_else(String::new, |address| address.to_string());
        self.0.spent.lock().unwrap().push((limit, format!("{request} {address}")));
    }
}

pub fn settings() -> Settings {
    let mut settings = Settings { allowed_origins: vec!["https://app.14build.dev".into()], ..Settings::default() };
    settings.rate_limits.enabled = false;
    settings
}

pub struct Client {
    pub deps: AppDeps,
    pub seen: Arc<Seen>,
}

/// An answer, read whole.
pub struct Got {
    pub status: StatusCode,
    pub headers: actix_web::http::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `pointer CODE detail` of each fault.
    pub fn faults(&self) -> Vec<String> {
        let json = self.json();
        assert_eq!(self.status, 422, "{json}");
        let text = |fault: &Value, member: &str| fault[member].as_str().unwrap().to_owned();
        let mut faults: Vec<_> = json["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| format!("{} {} {}", text(f, "pointer"), text(f, "code"), text(f, "detail")))
            .collect();
        faults.sort();
        faults
    }

    pub fn code(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }
}

impl Client {
    pub fn new() -> Self {
        Self::with(settings(), |deps| deps)
    }

    pub fn with(settings: Settings, more: impl FnOnce(AppDeps) -> AppDeps) -> Self {
        Self::over(routes(), settings, more)
    }

    pub fn over(routes: web::Routes, settings: Settings, more: impl FnOnce(AppDeps) -> AppDeps) -> Self {
        let seen = Arc::new(Seen::default());
        let data = Data::from(Arc::clone(&seen));
        let deps = AppDeps::new(Arc::new(routes), Arc::new(FakeSessions(Arc::clone(&seen))), settings)
            .denial_log(Arc::new(Denials(Arc::clone(&seen))))
            .spent_log(Arc::new(Spent(Arc::clone(&seen))))
            .authorizer(Arc::new(Rights(Arc::clone(&seen))))
            .data(move |config| {
                config.app_data(data.clone());
            });
        Self { deps: more(deps), seen }
    }

    pub async fn send(&self, request: TestRequest) -> Got {
        let service = init_service(web::app(&self.deps)).await;
        match try_call_service(&service, request.to_request()).await {
            Ok(response) => Self::got(response).await,
            // What actix does outside of the App.
            Err(error) => {
                let response = error.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                Got { status, headers, bytes: actix_web::body::to_bytes(response.into_body()).await.ok().unwrap().to_vec() }
            }
        }
    }

    async fn got(response: ServiceResponse) -> Got {
        let (status, headers) = (response.status(), response.headers().clone());
        Got { status, headers, bytes: read_body(response).await.to_vec() }
    }

    pub async fn get(&self, path: &str) -> Got {
        self.send(signed(TestRequest::get().uri(path))).await
    }

    pub async fn post(&self, path: &str, json: &str) -> Got {
        self.send(signed(body(TestRequest::post().uri(path), json))).await
    }
}

pub fn signed(request: TestRequest) -> TestRequest {
    request.insert_header(("Authorization", "Bearer good")).insert_header(("X-Request-Id", "req-1"))
}

pub fn body(request: TestRequest, json: &str) -> TestRequest {
    request.insert_header(("Content-Type", "application/json")).set_payload(json.to_owned())
}
