//! What an organisation, or a person, takes along: an archive of all that is theirs.

use async_trait::async_trait;
use kernel::{Ctx, Fault, OrgId, Timestamp};
use mail_api::Language;
use serde_json::Value;
use uuid::Uuid;

use crate::Error;

/// What a domain has of an organisation: a port that domains above this one implement, each for its own part, joined in `bin/server`.
#[async_trait]
pub trait Exported: Send + Sync {
    /// The files that it gives, such as `projects`.
    fn files(&self) -> Vec<&'static str>;

    /// Some rows of one of them behind an id, in the order of ids, each with its id; none at its end. As the organisation of `ctx`, a context of the
    /// platform, may see them, and of its own alone; no secret is among them. Asked outside of any transaction.
    ///
    /// # Errors
    /// A fault.
    async fn rows(&self, ctx: &Ctx, file: &str, after: Uuid) -> Result<Vec<(Uuid, Value)>, Fault>;
}

kernel::named! {
    /// How far an archive is.
    pub enum ExportState as "ExportStatus" {
        /// It is being made; a mail tells when it is there.
        Making = "making",
        /// It can be fetched.
        Ready = "ready",
        /// There is more than an archive may hold.
        TooLarge = "too_large",
    }
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its id.
    pub id: Uuid,
    /// Of which organisation; `None`: of the person.
    pub organization: Option<OrgId>,
    /// How far it is.
    pub state: ExportState,
    /// How many bytes it has, once it is made, and their SHA-256.
    pub made: Option<(u64, [u8; 32])>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Until when it can be fetched.
    pub expires_at: Timestamp,
}

/// Archives: asked for, made by a job, fetched by whoever asked for them.
#[async_trait]
pub trait Exports: Send + Sync {
    /// Has an archive of the context's organisation made. One that was asked for within the hour is the answer again.
    ///
    /// # Errors
    /// [`Error::Denied`].
    async fn export_organization(&self, ctx: &Ctx, language: Language) -> Result<Export, Error>;

    /// The same of what is kept of the context's person.
    ///
    /// # Errors
    /// A fault.
    async fn export_person(&self, ctx: &Ctx, language: Language) -> Result<Export, Error>;

    /// The archives that the context's person asked for and that are not over, the newest first.
    ///
    /// # Errors
    /// A fault.
    async fn exports(&self, ctx: &Ctx) -> Result<Vec<Export>, Error>;

    /// One of them that can be fetched. Of an organisation only as long as the person is an owner of it, also while it leaves, and with a fresh proof of who they
    /// are.
    ///
    /// # Errors
    /// [`Error::NotFound`]; of an organisation [`Error::OrganizationSuspended`], and [`kernel::FaultKind::StepUpRequired`] without that proof.
    async fn export(&self, ctx: &Ctx, id: Uuid) -> Result<Export, Error>;

    /// A piece of it, counted from 0; `None` behind the last one.
    ///
    /// # Errors
    /// As [`Exports::export`].
    async fn piece(&self, ctx: &Ctx, id: Uuid, position: i32) -> Result<Option<Vec<u8>>, Error>;
}
