//! What somebody takes along: asked for, made by a job, fetched in pieces by whoever asked for it.
//!
//! An organisation's rows are read as its tenant, so that row-level security shows no others', and by columns that are named: no secret is among them.

use audit_api::{Entry, Filter, NewEntry};
use kernel::{Ctx, Denied, Fault, FaultKind, OrgId, OrgRole, PageRequest, ProjectRoles, RequestId, Scope, Timestamp, UserId};
use mail_api::{Content, Language, Link, Mail, Recipient};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tenants_api::{Member, perm};
use uow::Job;
use users_api::{Error, Export, ExportState};
use uuid::Uuid;

use super::{Service, person};
use crate::files::Files;
use crate::jobs::MakeExport;
use crate::model::StoredExport;
use crate::repo;
use crate::zip::Full;

/// An archive is kept in pieces of so many bytes.
const PIECE: usize = 512 * 1024;
/// So many rows of a list are read at a time.
const PAGE: u16 = 100;
/// One that was asked for so many seconds ago is made anew.
const ANEW_AFTER: i64 = 3600;

impl Service {
    pub(super) async fn ask_for_organization(&self, ctx: &Ctx, language: Language) -> Result<Export, Error> {
        self.authorizer.check(ctx, perm::EXPORT, Scope::Organization)?;
        let user = ctx.person().ok_or(Denied { permission: perm::EXPORT, project: None })?;
        self.ask_for(ctx, user, Some(ctx.org), language).await
    }

    pub(super) async fn ask_for_person(&self, ctx: &Ctx, language: Language) -> Result<Export, Error> {
        self.ask_for(ctx, person(ctx)?, None, language).await
    }

    /// Has one made, unless one was asked for lately.
    async fn ask_for(&self, ctx: &Ctx, user: UserId, organization: Option<OrgId>, language: Language) -> Result<Export, Error> {
        let now = self.instant();
        if let Some(same) = self.asked_lately(user, organization, now).await? {
            return Ok(same);
        }
        let export = Export {
            id: Uuid::now_v7(),
            organization,
            state: ExportState::Making,
            made: None,
            asked_at: now,
            expires_at: now + self.export_kept,
        };
        let is_new = self
            .system
            .write(async |tx| {
                if !repo::exports::insert(tx, &export, user, language).await? {
                    return Ok(false);
                }
                if organization.is_some() {
                    let entry = NewEntry::of(perm::EXPORT, "export", export.id).after(json!({ "expiresAt": export.expires_at }));
                    self.audit.record_in(tx, ctx, entry).await?;
                }
                tx.enqueue(Job::of(&MakeExport { export: export.id })).await?;
                Ok::<_, Fault>(true)
            })
            .await?;
        if is_new {
            return Ok(export);
        }
        // Somebody else's request was faster.
        let same = self.asked_lately(user, organization, now).await?;
        same.ok_or_else(|| Fault::unavailable("the archive that was asked for before has just been removed").into())
    }

    /// The one that the person asked for lately, or that is still being made.
    async fn asked_lately(&self, user: UserId, organization: Option<OrgId>, now: Timestamp) -> Result<Option<Export>, Fault> {
        let all = self.system.read(async |tx| repo::exports::of_person(tx, user, now).await).await?;
        let same = all.into_iter().map(|stored| stored.export).find(|export| export.organization == organization);
        Ok(same.filter(|same| same.state == ExportState::Making || (now - same.asked_at).num_seconds() < ANEW_AFTER))
    }

    pub(super) async fn own_exports(&self, ctx: &Ctx) -> Result<Vec<Export>, Error> {
        let (user, now) = (person(ctx)?, self.instant());
        let all = self.system.read(async |tx| repo::exports::of_person(tx, user, now).await).await?;
        Ok(all.into_iter().map(|stored| stored.export).collect())
    }

    /// One that the context's person may fetch.
    pub(super) async fn own_export(&self, ctx: &Ctx, id: Uuid) -> Result<Export, Error> {
        let (user, hidden) = (person(ctx)?, || Error::NotFound("archive"));
        let now = self.instant();
        self.system
            .read(async |tx| {
                let stored = repo::exports::get(tx, id).await?.filter(|stored| stored.user == user).ok_or_else(hidden)?;
                let export = stored.export;
                if export.state != ExportState::Ready || export.expires_at <= now {
                    return Err(hidden());
                }
                if let Some(org) = export.organization {
                    let member = self.memberships.of_person_at(tx, user, org).await?;
                    if !is_owner(member.as_ref()) {
                        return Err(hidden());
                    }
                    // In a suspended one nobody takes anything along, from wherever they are signed in.
                    if self.memberships.organization(tx, org).await?.suspended_at.is_some() {
                        return Err(Error::OrganizationSuspended);
                    }
                    // Pages know a person's own sessions alone: whom only the issuer lets in takes nothing out from anywhere else.
                    if self.accounts.comes_by_issuer_alone(tx, org, user).await? {
                        return Err(hidden());
                    }
                    // All of an organisation is worth as much when it is fetched as when it is asked for.
                    if ctx.missing.fresh_proof {
                        return Err(Fault::new(FaultKind::StepUpRequired, "an organisation's archive is fetched").into());
                    }
                }
                Ok(export)
            })
            .await
    }

    pub(super) async fn own_piece(&self, ctx: &Ctx, id: Uuid, position: i32) -> Result<Option<Vec<u8>>, Error> {
        self.own_export(ctx, id).await?;
        Ok(self.system.read(async |tx| repo::exports::piece(tx, id, position).await).await?)
    }

    /// Removes archives that are over.
    pub(crate) async fn purge_exports(&self) -> Result<(), Error> {
        let now = self.instant();
        self.system.write(async |tx| repo::exports::purge(tx, now).await).await?;
        Ok(())
    }

    /// Makes an archive, unless it is there, or who asked for it may not have it any more.
    pub(crate) async fn make_export(&self, id: Uuid) -> Result<(), Error> {
        let found = self
            .system
            .read(async |tx| {
                let Some(stored) = repo::exports::get(tx, id).await? else { return Ok(None) };
                let member = match stored.export.organization {
                    Some(org) => self.memberships.of_person_at(tx, stored.user, org).await?,
                    None => None,
                };
                Ok::<_, Fault>(Some((stored, member)))
            })
            .await?;
        let Some((stored, member)) = found else { return Ok(()) };
        if stored.export.state != ExportState::Making {
            return Ok(());
        }
        let made = match stored.export.organization {
            Some(_) if !is_owner(member.as_ref()) => {
                return Ok(self.system.write(async |tx| repo::exports::delete(tx, id).await).await?);
            }
            Some(org) => self.all_of_organization(org, &stored).await,
            None => self.all_of_person(&stored).await,
        };
        match made {
            Ok(archive) => self.keep_export(&stored, Some(&archive)).await,
            Err(Full::TooLarge) => self.keep_export(&stored, None).await,
            Err(Full::Fault(fault)) => Err(fault.into()),
        }
    }

    /// Keeps what was made, and tells who asked for it.
    async fn keep_export(&self, stored: &StoredExport, archive: Option<&[u8]>) -> Result<(), Error> {
        let StoredExport { export, user, language } = stored;
        self.system
            .write(async |tx| {
                // Another worker may have been faster.
                if repo::exports::lock_making(tx, export.id).await?.is_none() {
                    return Ok(());
                }
                let Some(archive) = archive else { return Ok(repo::exports::finish(tx, export.id, None).await?) };
                for (position, piece) in archive.chunks(PIECE).enumerate() {
                    let position = i32::try_from(position).map_err(Fault::internal)?;
                    repo::exports::put_piece(tx, export.id, position, piece).await?;
                }
                let size = i64::try_from(archive.len()).map_err(Fault::internal)?;
                repo::exports::finish(tx, export.id, Some((size, Sha256::digest(archive).into()))).await?;
                let organization = match export.organization {
                    Some(org) => Some(self.memberships.lock_organization_in(tx, org).await?.name),
                    None => None,
                };
                let person = repo::get_in(tx, *user).await?;
                let link = Link::to(&format!("/exports/{}", export.id));
                let content = Content::ExportReady { organization, until: export.expires_at, link };
                let to = Recipient::at(person.email).named(person.name);
                let mail = Mail { key: format!("export-ready:{}", export.id), to, language: *language, content };
                self.mails.send_in(tx, mail).await?;
                Ok(())
            })
            .await
    }

    async fn all_of_organization(&self, org: OrgId, stored: &StoredExport) -> Result<Vec<u8>, Full> {
        let ctx = Ctx::system(org, RequestId::generate());
        let mut files = Files::new(self.export_most_bytes);
        let organization = self.uow.read(&ctx, async |tx| self.memberships.organization(tx, org).await).await;
        let organization = organization.map_err(Fault::internal)?;
        files.about(&about(stored, json!({ "organization": organization })))?;
        self.members_into(&ctx, &mut files).await?;
        self.trail_into(&ctx, &mut files).await?;
        for domain in &self.exported {
            for name in domain.files() {
                let (mut table, mut behind) = (files.table(name), Some(Uuid::nil()));
                while let Some(after) = behind {
                    let rows = domain.rows(&ctx, name, after).await?;
                    behind = rows.last().map(|(id, _)| *id);
                    for (_, row) in rows {
                        table.add(row)?;
                    }
                }
                files.put(table)?;
            }
        }
        files.finish()
    }

    async fn members_into(&self, ctx: &Ctx, files: &mut Files) -> Result<(), Full> {
        let (mut table, mut page) = (files.table("members"), Some(PageRequest::first(PAGE)));
        while let Some(this) = page {
            let (members, people) = self
                .uow
                .read(ctx, async |tx| {
                    let members = self.memberships.list(tx, ctx.org, this).await?;
                    let ids: Vec<UserId> = members.items.iter().map(|member| member.user).collect();
                    Ok::<_, Fault>((members, repo::by_ids(tx, &ids).await?))
                })
                .await?;
            for Member { user, role, created_at, .. } in members.items {
                let who = people.iter().find(|person| person.id == user);
                let (name, email) = (who.map(|who| &who.name), who.map(|who| &who.email));
                table.add(json!({ "user": user, "name": name, "email": email, "role": role, "since": created_at }))?;
            }
            page = members.next.map(|after| PageRequest { after: Some(after), ..this });
        }
        files.put(table)
    }

    async fn trail_into(&self, ctx: &Ctx, files: &mut Files) -> Result<(), Full> {
        let (mut table, mut page) = (files.table("trail"), Some(PageRequest::first(PAGE)));
        while let Some(this) = page {
            let found = self.audit.list(ctx, &Filter::default(), this).await.map_err(Fault::internal)?;
            for entry in found.items {
                table.add(told(&entry))?;
            }
            page = found.next.map(|after| PageRequest { after: Some(after), ..this });
        }
        files.put(table)
    }

    async fn all_of_person(&self, stored: &StoredExport) -> Result<Vec<u8>, Full> {
        let user = stored.user;
        // Nobody's organisation: only the person is asked about.
        let ctx = Ctx::user(OrgId(Uuid::nil()), user, OrgRole::Member, ProjectRoles::default(), RequestId::generate());
        let mut files = Files::new(self.export_most_bytes);
        let (who, memberships) = self
            .system
            .read(async |tx| Ok::<_, Error>((repo::get(tx, user).await?, self.memberships.of_person(tx, user).await?)))
            .await
            .map_err(Fault::internal)?;
        files.about(&about(stored, json!({ "person": who })))?;
        let mut table = files.table("memberships");
        for Member { org, role, created_at, .. } in memberships {
            table.add(json!({ "organization": org, "role": role, "since": created_at }))?;
        }
        files.put(table)?;
        let mut table = files.table("sessions");
        for session in self.sign_in.sessions(&ctx).await.map_err(Fault::internal)? {
            table.add(json!({
                "id": session.id, "organization": session.org, "device": session.device, "address": session.address,
                "method": session.method.name(), "authenticatedAt": session.authenticated_at, "createdAt": session.created_at,
                "lastSeenAt": session.last_seen_at, "expiresAt": session.expires_at,
            }))?;
        }
        files.put(table)?;
        let (mut table, mut page) = (files.table("security_events"), Some(PageRequest::first(PAGE)));
        while let Some(this) = page {
            let found = self.sign_in.security_events(&ctx, this).await.map_err(Fault::internal)?;
            for event in found.items {
                table.add(json!({ "id": event.id, "kind": event.kind.name(), "at": event.at, "address": event.address }))?;
            }
            page = found.next.map(|after| PageRequest { after: Some(after), ..this });
        }
        files.put(table)?;
        files.finish()
    }
}

/// Whether somebody owns an organisation.
fn is_owner(member: Option<&Member>) -> bool {
    member.is_some_and(|member| member.role == OrgRole::Owner)
}

/// What an archive says of itself.
fn about(stored: &StoredExport, of: Value) -> Value {
    let asked_at: Timestamp = stored.export.asked_at;
    json!({
        "askedBy": stored.user, "askedAt": asked_at, "of": of,
        "money": "amounts are in the smallest unit of their currency, such as cents", "times": "UTC",
    })
}

/// An entry of the trail, with its place in the chain.
fn told(entry: &Entry) -> Value {
    json!({
        "id": entry.id, "at": entry.at, "actor": entry.actor_id, "apiKey": entry.api_key, "action": entry.action, "denied": entry.denied,
        "entityType": entry.entity_type, "entity": entry.entity_id, "request": entry.request_id, "before": entry.before,
        "after": entry.after, "sequence": entry.sequence, "hash": hex::encode(entry.hash),
        "previousHash": hex::encode(entry.previous_hash),
    })
}
