//! `build14 factors reset` and what `build14 seal rotate` does for authenticators. Operators' verbs.
//!
//! A second factor that is lost, and the recovery codes with it, is not replaced by mail: whoever reads the mail has the password by it as well. An operator
//! makes sure of the person by other means, and says so by name.

use std::sync::Arc;

use audit_api::{Audit, NewEntry};
use auth_api::{Directory, SecurityEventKind};
use kernel::{Clock, Ctx, Decision, Fault, Reason, RequestId};
use mail_api::{Content, FactorChange, Language, Mail, Mails, Recipient};
use secrecy::SecretString;
use serde_json::json;
use uow::SystemUow;
use uuid::Uuid;

use crate::factor_secret::FactorSecret;
use crate::security_event::Origin;
use crate::{repo, security};

/// What this stands on.
pub struct FactorResetDependencies {
    /// The platform's door.
    pub system: SystemUow,
    /// Who people are and where they belong.
    pub directory: Arc<dyn Directory>,
    /// The trails of their organisations.
    pub audit: Arc<dyn Audit>,
    /// The person is written to.
    pub mails: Arc<dyn Mails>,
    /// When it was.
    pub clock: Arc<dyn Clock>,
}

/// Removes the second factors of people who have lost them.
pub struct FactorResets(FactorResetDependencies);

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum FactorResetError {
    /// Why must be told.
    #[error("--reason must say how you made sure of the person: it stands in the trails of their organisations")]
    Reason,
    /// Nobody has this address.
    #[error("no account has this address. Nothing was changed")]
    NobodyThere,
    /// There is none.
    #[error("the account has no second factor. Nothing was changed")]
    NoFactor,
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl FactorResets {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: FactorResetDependencies) -> Self {
        Self(dependencies)
    }

    /// Removes every second factor of an account and ends its sessions, at once on every server. Its address is told, in this language.
    ///
    /// # Errors
    /// [`FactorResetError::Reason`], [`FactorResetError::NobodyThere`], [`FactorResetError::NoFactor`], a fault of the database.
    pub async fn reset(&self, email: &str, by: &Decision, language: Language) -> Result<(), FactorResetError> {
        let FactorResetDependencies { system, directory, audit, mails, clock } = &self.0;
        let reason = by.reason.as_ref().map(Reason::as_str).ok_or(FactorResetError::Reason)?;
        let (person, memberships) = system
            .read(async |tx| {
                let person = directory.person_by_email(tx, email).await?.ok_or(FactorResetError::NobodyThere)?;
                let memberships = directory.memberships(tx, person.id).await?;
                Ok::<_, FactorResetError>((person, memberships))
            })
            .await?;
        let (user, now, request) = (person.id, clock.now(), RequestId::generate());
        system
            .write(async |tx| {
                repo::lock_person(tx, user).await?;
                let kinds = repo::factors::kinds(tx, user).await?;
                if kinds.is_empty() {
                    return Err(FactorResetError::NoFactor);
                }
                repo::factors::delete_all(tx, user).await?;
                repo::proofs::end_of_person(tx, user, now).await?;
                repo::pending::end_of_person(tx, user, now).await?;
                let ended = repo::end_all(tx, user, now).await?;
                for membership in &memberships {
                    let entry = NewEntry::named("auth.reset_second_factors", "user", user)
                        .before(json!({ "factors": kinds }))
                        .after(json!({ "operator": by.operator.as_str(), "reason": reason, "endedSessions": ended }));
                    audit.record_in(tx, &Ctx::system(membership.org, request.clone()), entry).await?;
                }
                let origin = Origin { request: &request, address: None };
                security::note_in(tx, SecurityEventKind::SecondFactorsReset, user, &origin).await?;
                let told = Mail {
                    key: format!("second-factor:{}", Uuid::now_v7()),
                    to: Recipient::at(&*person.email).named(&*person.name),
                    language,
                    content: Content::SecondFactorChanged { change: FactorChange::Reset, at: now, recovery_codes_left: None },
                };
                mails.send_in(tx, told).await?;
                Ok(())
            })
            .await
    }
}

/// How many authenticators were sealed anew, and how many no configured key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// Sealed by the present secret now.
    pub resealed: usize,
    /// Sealed by one that is not configured.
    pub unreadable: usize,
}

/// Seals the secrets of all authenticators by the present secret, so that those before it can be destroyed.
///
/// # Errors
/// A fault of the database.
pub async fn reseal_authenticators(
    system: &SystemUow,
    current: &SecretString,
    previous: &[SecretString],
) -> Result<Resealed, Fault> {
    let secret = FactorSecret::derived(current, previous)?;
    system
        .write(async |tx| {
            let mut done = Resealed { resealed: 0, unreadable: 0 };
            for (user, sealed) in repo::factors::lock_all(tx).await? {
                match secret.open(user, &sealed) {
                    Ok(opened) if opened.is_old => {
                        repo::factors::reseal(tx, user, &secret.seal(user, &opened.secret)?).await?;
                        done.resealed += 1;
                    }
                    Ok(_) => {}
                    Err(_) => done.unreadable += 1,
                }
            }
            Ok(done)
        })
        .await
}
