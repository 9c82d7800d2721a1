//! `LeakReports`: keys that GitHub's secret scanning found in public are revoked at once, and support sessions whose token it found end.
//!
//! A report is believed if a key of the reporter signed its very bytes (ECDSA, P-256, SHA-256). What is no key, or never was one, changes nothing.

use std::sync::Arc;

use actix_web::web::{Data, ServiceConfig};
use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Judged, Label, LeakReport, Leaks, ReporterKeys, Revoked, Sessions, SupportEnd, Unheard};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Ctx, Fault, RequestId};
use mail_api::{KeyChange, Language};
use module::Wired;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::{Value, json};
use uow::{Alarm, SystemUow};

use crate::key_mails::KeyMails;
use crate::support_token::Sought;
use crate::{key_token, repo, support_ends, support_token};

/// So many texts one report has at most.
const MOST: usize = 1000;

/// What reports of leaked keys stand on.
pub struct LeakDependencies {
    /// The platform's door: a report names no organisation.
    pub system: SystemUow,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Who forgets what is kept of a key.
    pub sessions: Arc<dyn Sessions>,
    /// Who tells those who made keys.
    pub mails: KeyMails,
    /// With what the reporter signs; `None`: nobody is listened to.
    pub keys: Option<Arc<dyn ReporterKeys>>,
}

/// Reports of leaked keys.
pub struct LeakReports {
    system: SystemUow,
    audit: Arc<dyn Audit>,
    sessions: Arc<dyn Sessions>,
    mails: KeyMails,
    keys: Option<Arc<dyn ReporterKeys>>,
}

/// A text that was found.
struct Found {
    token: String,
    taken_for: String,
    source: Option<String>,
    url: Option<String>,
}

impl LeakReports {
    /// Over what they stand on.
    #[must_use]
    pub fn new(dependencies: LeakDependencies) -> Self {
        let LeakDependencies { system, audit, sessions, mails, keys } = dependencies;
        Self { system, audit, sessions, mails, keys }
    }

    /// Whether this was a key, or the token of a support session; revokes it if it still works.
    async fn judge(&self, request: &RequestId, found: &Found) -> Result<Label, Fault> {
        if let Some(sought) = support_token::sought(&found.token) {
            return self.judge_support(request, &sought).await;
        }
        let Some(hash) = key_token::hash(&found.token) else { return Ok(Label::FalsePositive) };
        let creator = match self.system.read(async |tx| repo::keys::find(tx, &hash).await).await? {
            Some(stored) => self.mails.person(stored.key.created_by).await?,
            None => None,
        };
        self.system
            .write(async |tx| {
                let Some(key) = repo::keys::lock_by_hash(tx, &hash).await? else { return Ok(Label::FalsePositive) };
                if key.revoked.is_some() {
                    return Ok(Label::TruePositive);
                }
                let at = repo::keys::revoke(tx, key.org, key.id, Revoked::Leak).await?;
                let after = json!({ "revokedFor": Revoked::Leak.name(), "source": found.source, "url": found.url });
                let entry = NewEntry::named("api_keys.revoke", "api_key", key.id).after(after);
                self.audit.record_in(tx, &Ctx::system(key.org, request.clone()), entry).await?;
                let detail =
                    format!("an API key was found in public and revoked ({}): ask its organisation what it opened", key.shown);
                let about = ("api_key", key.id.to_string());
                tx.alarm(Alarm { kind: "api_key_leaked", about, org: Some(key.org), detail }).await?;
                // A report says nothing of the language of people who have chosen none.
                self.mails.tell_in(tx, creator.as_ref(), (&key, KeyChange::Leaked), at, Language::English).await?;
                self.sessions.forget_user_in(tx, key.created_by).await?;
                Ok(Label::TruePositive)
            })
            .await
    }

    /// Whether this was the token of a support session; ends that if it is open.
    async fn judge_support(&self, request: &RequestId, sought: &Sought) -> Result<Label, Fault> {
        self.system
            .write(async |tx| {
                let Some((id, ended)) = repo::support::end_leaked(tx, sought).await? else { return Ok(Label::FalsePositive) };
                if let Some(ended) = ended {
                    let ctx = Ctx::system(sought.org, request.clone());
                    support_ends::record_end_in(tx, &*self.audit, &ctx, (&ended, SupportEnd::Leak), None).await?;
                    let operator = &ended.operator;
                    let detail = format!(
                        "the token of a support session of {operator} was found in public, and ended: ask them how it got there"
                    );
                    let about = ("support_session", id.to_string());
                    tx.alarm(Alarm { kind: "support_token_leaked", about, org: Some(sought.org), detail }).await?;
                }
                Ok(Label::TruePositive)
            })
            .await
    }
}

/// Passes if the reporter's key signed the report.
fn verify(point: &[u8], signature: &str, body: &[u8]) -> Result<(), Unheard> {
    let refused = Unheard::Refused("it was not signed with that key");
    let Ok(signature) = STANDARD.decode(signature.trim()) else { return Err(refused) };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(body, &signature).map_err(|_| refused)
}

/// The texts of a report.
fn read(body: &[u8]) -> Result<Vec<Found>, Unheard> {
    let Ok(Value::Array(items)) = serde_json::from_slice::<Value>(body) else {
        return Err(Unheard::Refused("a report is an array of what was found"));
    };
    if items.len() > MOST {
        return Err(Unheard::Refused("it names too many texts at a time"));
    }
    let text = |item: &Value, member: &str| item[member].as_str().map(str::to_owned);
    // Into the trail goes what somebody can see, and not more than fits.
    let shown = |item: &Value, member: &str| kernel::text::line(item[member].as_str()?, 2000).ok();
    let found = items.iter().map(|item| {
        let (token, taken_for) = (text(item, "token")?, text(item, "type")?);
        Some(Found { token, taken_for, source: shown(item, "source"), url: shown(item, "url") })
    });
    found.collect::<Option<_>>().ok_or(Unheard::Refused("each of what was found has a `token` and a `type`"))
}

#[async_trait]
impl Leaks for LeakReports {
    async fn hear(&self, report: LeakReport<'_>) -> Result<Vec<Judged>, Unheard> {
        let keys = self.keys.as_ref().ok_or(Unheard::Off)?;
        let (Some(identifier), Some(signature)) = (report.identifier, report.signature) else {
            return Err(Unheard::Refused("Github-Public-Key-Identifier or Github-Public-Key-Signature is missing"));
        };
        let point = keys.key(identifier).await?.ok_or(Unheard::Refused("the reporter has no such key"))?;
        verify(&point, signature, report.body)?;
        let found = read(report.body)?;
        let mut judged = Vec::with_capacity(found.len());
        for one in found {
            let label = self.judge(report.request, &one).await?;
            metrics::counter!("leaked_keys_reported_total", "label" => label.name()).increment(1);
            tracing::warn!(target: "security", label = label.name(), source = one.source, request = %report.request, "a leaked key was reported");
            judged.push(Judged { token: one.token, taken_for: one.taken_for, label });
        }
        Ok(judged)
    }
}

impl Wired for LeakReports {
    fn data(self: Arc<Self>, config: &mut ServiceConfig) {
        config.app_data(Data::from(self as Arc<dyn Leaks>));
    }
}
