//! Drafts, invitations, and reading tenders.

use async_trait::async_trait;
use audit_api::NewEntry;
use db::{Pg, PgRead};
use kernel::{Ctx, OrgId, Page, PageRequest, Position, Scope, TenderId, Timestamp};
use projects_api::Soq;
use serde_json::json;
use tenders_api::{
    Draft, Drafting, Error, Filter, Invitation, Invitee, LiveBid, Retender, Side, Tender, TenderStatus, TenderView, perm,
};
use uow::Tx;

use super::{Service, from_projects, is_due};
use crate::model::draft;
use crate::model::machine::{self, TenderEvent};
use crate::repo;

#[async_trait]
impl Drafting for Service {
    async fn create(&self, ctx: &Ctx, draft: Draft) -> Result<TenderView, Error> {
        self.authorizer.check(ctx, perm::EDIT, Scope::Project(draft.project))?;
        self.uow.write(ctx, async |tx| self.create_in(tx, ctx, &draft, None).await).await
    }

    async fn server_time(&self, ctx: &Ctx) -> Result<Timestamp, Error> {
        Ok(self.uow.read_one(ctx, async |tx| repo::now(tx.pg()).await).await?)
    }

    async fn get(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error> {
        let (tender, _) = self.current_tender(ctx, tender).await?;
        self.check_side(ctx, &tender, perm::READ, perm::BROWSE)?;
        self.uow.read(ctx, async |tx| repo::tenders::view(tx.pg(), ctx.org, tender).await).await
    }

    async fn changeable(&self, ctx: &Ctx, tender: TenderId) -> Result<TenderView, Error> {
        let (tender, _) = self.current_tender(ctx, tender).await?;
        self.check_owner(ctx, &tender, perm::EDIT)?;
        self.uow.read(ctx, async |tx| repo::tenders::view(tx.pg(), ctx.org, tender).await).await
    }

    async fn list(&self, ctx: &Ctx, filter: Filter, page: PageRequest) -> Result<Page<TenderView>, Error> {
        let own = self.authorizer.check(ctx, perm::READ, Scope::AnyProject);
        let others = self.authorizer.check(ctx, perm::BROWSE, Scope::Organization);
        let sides = match filter.side {
            Some(Side::Owner) => own.map(|()| (true, false))?,
            Some(Side::Bidder) => others.map(|()| (false, true))?,
            None if own.is_err() && others.is_err() => return Err(own.err().map_or(Error::NotFound("tender"), Into::into)),
            None => (own.is_ok(), others.is_ok()),
        };
        let projects = self.authorizer.reach(ctx, perm::READ).projects(ctx);
        let load = async || {
            let projects = projects.clone();
            self.uow
                .read(ctx, async |tx| {
                    let rows = repo::tenders::list(tx.pg(), ctx.org, filter, sides, projects, page).await?;
                    let ids: Vec<_> = rows.iter().map(|(tender, _)| (tender.org, tender.id)).collect();
                    let marks = repo::tenders::marks(tx.pg(), ctx.org, &ids).await?;
                    Ok::<_, Error>((rows, marks))
                })
                .await
        };
        let (mut rows, mut marks) = load().await?;
        let due: Vec<_> =
            rows.iter().filter(|(tender, now)| is_due(tender, *now)).map(|(tender, _)| (tender.org, tender.id)).collect();
        if !due.is_empty() {
            for (org, tender) in due {
                self.close(&Ctx::system(org, ctx.request.clone()), tender, false).await?;
            }
            (rows, marks) = load().await?;
        }
        let position = |(tender, _): &(Tender, Timestamp)| Position { created_at: tender.created_at, id: tender.id.0 };
        let brief = |(tender, _): (Tender, Timestamp)| repo::tenders::brief(ctx.org, tender, &marks);
        Ok(Page::cut(rows, page, position).map(brief))
    }

    async fn replace(&self, ctx: &Ctx, tender: TenderId, expected: Option<Timestamp>, draft: Draft) -> Result<TenderView, Error> {
        self.owned(ctx, tender, perm::EDIT).await?;
        self.uow
            .write(ctx, async |tx| {
                let (old, now) = lock_draft_in(tx, ctx, tender, expected).await?;
                if draft.project != old.project {
                    return Err(Error::invalid("/projectId", "IMMUTABLE", "a tender stays in its project: make a new one there"));
                }
                self.check_draft_in(tx, ctx.org, &draft, now).await?;
                let milestones = repo::tenders::milestones(tx.pg(), old.org, old.id, old.currency).await?;
                if draft::is_so_already(&old, &milestones, &draft) {
                    return repo::tenders::view_again(tx.pg(), ctx, tender).await;
                }
                repo::drafts::update(tx, &old, &draft).await?;
                let view = repo::tenders::view_again(tx.pg(), ctx, tender).await?;
                let entry = NewEntry::of(perm::EDIT, "tender", tender).before(&old).after(&view.tender);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(view)
            })
            .await
    }

    async fn delete(&self, ctx: &Ctx, tender: TenderId, expected: Option<Timestamp>) -> Result<(), Error> {
        self.owned(ctx, tender, perm::EDIT).await?;
        self.uow
            .write(ctx, async |tx| {
                let (old, _) = lock_draft_in(tx, ctx, tender, expected).await?;
                repo::drafts::delete(tx, &old).await?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::EDIT, "tender", tender).before(&old)).await?;
                Ok(())
            })
            .await
    }

    async fn live_bids(&self, ctx: &Ctx) -> Result<Vec<LiveBid>, Error> {
        self.uow.read_one(ctx, async |tx| Ok::<_, Error>(repo::bids::live(tx.pg(), ctx.org).await?)).await
    }

    async fn invite(&self, ctx: &Ctx, tender: TenderId, invitee: Invitee) -> Result<Invitation, Error> {
        self.owned(ctx, tender, perm::INVITE).await?;
        self.uow
            .write(ctx, async |tx| {
                let (tender, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
                let sent_at = match tender.status {
                    TenderStatus::Draft => None,
                    TenderStatus::Published if now < tender.submission_deadline => Some(now),
                    TenderStatus::Published => {
                        return Err(Error::TenderClosed { deadline: tender.submission_deadline, server_time: now });
                    }
                    status => {
                        return Err(Error::state("tender", status.name(), "bidders are invited before the deadline"));
                    }
                };
                if let Invitee::Organization(org) = invitee {
                    if org == ctx.org {
                        return Err(Error::invalid(
                            "/organizationId",
                            "OWN_ORGANIZATION",
                            "an organisation does not bid for its own tender",
                        ));
                    }
                    if !self.tenants.exists_in(tx, org).await? {
                        return Err(Error::invalid("/organizationId", "UNKNOWN_ORGANIZATION", "there is no such organisation"));
                    }
                }
                let invitation = repo::drafts::invite(tx, ctx, &tender, &invitee, sent_at).await?;
                let who = match &invitee {
                    Invitee::Organization(org) => json!({ "invitation": invitation.id, "organization": org }),
                    Invitee::Email(_) => json!({ "invitation": invitation.id, "byEmail": true }),
                };
                self.audit.record_in(tx, ctx, NewEntry::of(perm::INVITE, "tender", tender.id).after(who)).await?;
                Ok(invitation)
            })
            .await
    }

    async fn invitations(&self, ctx: &Ctx, tender: TenderId, page: PageRequest) -> Result<Page<Invitation>, Error> {
        let tender = self.owned(ctx, tender, perm::INVITE).await?;
        let rows: Vec<_> =
            self.uow.read_one(ctx, async |tx| Ok::<_, Error>(repo::drafts::invitations(tx.pg(), &tender, page).await?)).await?;
        Ok(Page::cut(rows, page, |invitation| Position { created_at: invitation.created_at, id: invitation.id }))
    }

    async fn retender(&self, ctx: &Ctx, tender: TenderId, new: Retender) -> Result<TenderView, Error> {
        let old = self.owned(ctx, tender, perm::EDIT).await?;
        if !matches!(old.status, TenderStatus::Unsuccessful | TenderStatus::Cancelled) {
            let hint = "`retender` needs it to be unsuccessful or cancelled";
            return Err(Error::state("tender", old.status.name(), hint));
        }
        self.uow
            .write(ctx, async |tx| {
                let draft = Draft {
                    project: old.project,
                    soq: old.soq,
                    title: old.title.clone(),
                    description: old.description.clone(),
                    method: old.method,
                    submission_deadline: new.submission_deadline,
                    questions_until: new.questions_until,
                    min_bids: old.min_bids,
                    milestones: repo::tenders::milestones(tx.pg(), old.org, old.id, old.currency).await?,
                };
                let view = self.create_in(tx, ctx, &draft, Some(tender)).await?;
                repo::drafts::copy_invitations(tx, ctx, &old, view.tender.id).await?;
                Ok(view)
            })
            .await
    }
}

impl Service {
    async fn create_in(&self, tx: &mut Tx, ctx: &Ctx, draft: &Draft, related: Option<TenderId>) -> Result<TenderView, Error> {
        let now = repo::now(tx.pg()).await?;
        let soq = self.check_draft_in(tx, ctx.org, draft, now).await?;
        let id = TenderId::new();
        repo::drafts::insert(tx, ctx, id, draft, soq.currency, related).await?;
        let view = repo::tenders::view_again(tx.pg(), ctx, id).await?;
        self.audit.record_in(tx, ctx, NewEntry::of(perm::EDIT, "tender", id).after(&view.tender)).await?;
        Ok(view)
    }

    /// The draft's own faults and those of what it refers to. Answers its schedule.
    async fn check_draft_in(&self, tx: &mut Tx, org: OrgId, draft: &Draft, now: Timestamp) -> Result<Soq, Error> {
        let project = self.projects.project_in(tx, org, draft.project).await.map_err(from_projects)?;
        let soq = self.projects.soq_in(tx, org, draft.soq).await.map_err(from_projects)?;
        let mut faults = draft::faults(draft, project.currency, now);
        if soq.project != project.id {
            faults.push(kernel::FieldFault::new(
                "/soqId",
                "OTHER_PROJECT",
                "the schedule of quantities belongs to another project",
            ));
        }
        if faults.is_empty() { Ok(soq) } else { Err(Error::Invalid(faults)) }
    }
}

async fn lock_draft_in(
    tx: &mut Tx,
    ctx: &Ctx,
    tender: TenderId,
    expected: Option<Timestamp>,
) -> Result<(Tender, Timestamp), Error> {
    let (old, now) = repo::tenders::lock(tx, ctx.org, tender).await?;
    // What may be published may be changed: a draft.
    machine::tender(old.status, TenderEvent::Publish)
        .map_err(|_| Error::state("tender", old.status.name(), "only a draft can be changed or deleted"))?;
    if expected.is_some_and(|expected| expected != old.updated_at) {
        return Err(Error::Stale);
    }
    Ok((old, now))
}
