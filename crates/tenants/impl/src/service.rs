//! The verbs of organisations.

mod custom_roles;

use std::sync::Arc;

use async_trait::async_trait;
use audit_api::{Audit, NewEntry};
use auth_api::{Authorizer, without_added};
use chrono::TimeDelta;
use kernel::{
    Actor, Ctx, Denied, Fault, FaultKind, OrgId, OrgRole, Page, PageRequest, Permission, Position, Scope, Timestamp, UserId,
};
use serde_json::json;
use tenants_api::{
    ApprovalRequest, Error, Member, Memberships, NewOrganization, NotYet, Organization, OrganizationChange, Organizations,
    Remembered, SessionRules, Standing, Tenants, Verdict, perm,
};
use uow::{ReadTx, SystemUow, Tx, Uow};
use uuid::Uuid;

use crate::Settings;
use crate::model::{self, Grant, GranterRole, Step, Voided, Waiting};
use crate::repo::organizations::{Founder, Taken};
use crate::repo::{approvals, custom_roles as roles, memberships, organizations};

/// How often an approval looks anew when others ask and agree in between.
const LOOKS: usize = 5;

/// What the service stands on.
pub struct Dependencies {
    /// The tenants' door.
    pub uow: Uow,
    /// The platform's door: who belongs where.
    pub system: SystemUow,
    /// Who may do what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The trail.
    pub audit: Arc<dyn Audit>,
    /// Who counts as a second person, and when.
    pub settings: Settings,
}

/// Organisations over PostgreSQL.
pub struct Service {
    uow: Uow,
    system: SystemUow,
    authorizer: Arc<dyn Authorizer>,
    audit: Arc<dyn Audit>,
    approver_wait: TimeDelta,
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { uow, system, authorizer, audit, settings } = dependencies;
        let approver_wait = TimeDelta::from_std(settings.approver_wait).unwrap_or(TimeDelta::days(36_500));
        Self { uow, system, authorizer, audit, approver_wait }
    }

    /// Whether the present person counts as one of two: `None` if they do, noting what they contribute under the approval's id.
    async fn standing_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        request: &ApprovalRequest,
        first: Option<&Waiting>,
    ) -> Result<Result<serde_json::Value, NotYet>, Fault> {
        let Some(present) = ctx.user_id() else { return Err(Fault::internal("only a person approves")) };
        if let Some(by_custom_role) = self.standing_by_custom_role_in(tx, ctx, request, present, first).await? {
            return Ok(by_custom_role);
        }
        let found = approvals::grant(tx, ctx.org, request, present).await?;
        let (grant, now) = found.ok_or_else(|| Fault::unavailable("who approves has just left"))?;
        let first = first.map(|waiting| (waiting.first, waiting.asked_at));
        Ok(model::counts(grant, now, self.approver_wait, first).map(|()| contributed(request, grant)))
    }

    async fn record_approval_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        action: &str,
        id: Uuid,
        what: serde_json::Value,
    ) -> Result<(), Fault> {
        self.audit.record_in(tx, ctx, NewEntry::named(action, "approval", id).after(what)).await
    }

    /// A key approves what one person may approve alone, and is nobody's second person; nor does somebody say yes to more who has not just proven who they
    /// are. What a first person waits with needs one.
    async fn below_threshold_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        request: &ApprovalRequest,
        present: UserId,
    ) -> Result<Verdict, Fault> {
        let waiting = approvals::lock_waiting(tx, ctx.org, request).await?.is_some();
        let organization = organizations::find_in(tx, ctx.org).await?;
        let threshold = organization.and_then(|organization| organization.approval_threshold);
        if waiting || model::needs_second(threshold, request.amount) {
            let permission = Permission(request.action);
            let kind = if ctx.key.is_some() { FaultKind::PersonRequired(permission) } else { FaultKind::StepUpRequired };
            return Err(Fault::new(kind, "what takes two persons is asked for without a fresh proof of who asks"));
        }
        Ok(Verdict::Complete { first: present, second: None })
    }

    /// Ends a membership, however that comes about: what the person asked for as the first of two is void, so that it does not count again if they come back.
    async fn end_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        memberships::delete(tx, ctx.org, user).await?;
        Ok(self.void_in(tx, ctx, user).await?)
    }

    async fn void_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        for void in approvals::void(tx, ctx.org, user).await? {
            self.record_void_in(tx, ctx, user, &void).await?;
        }
        Ok(())
    }

    async fn record_void_in(&self, tx: &mut Tx, ctx: &Ctx, first: UserId, void: &Voided) -> Result<(), Fault> {
        let entry = NewEntry::named("approvals.void", "approval", void.id)
            .before(json!({ "action": void.action, "subject": void.subject, "first": first }));
        self.audit.record_in(tx, ctx, entry).await
    }

    /// Passes if the actor's role is still the one that the request began with, and what let them a custom role still does: it was permitted by
    /// that, and roles change meanwhile. To be asked under the organisation's lock.
    async fn same_role_in(&self, tx: &mut Tx, ctx: &Ctx, permission: Permission) -> Result<(), Error> {
        let Some((user, role)) = ctx.membership() else { return Ok(()) };
        let gone = Denied { permission, project: None };
        if memberships::role(tx, ctx.org, user).await? != Some(role) {
            return Err(gone.into());
        }
        let built_in = self.authorizer.check(&without_added(ctx), permission, Scope::Organization).is_ok();
        if built_in || roles::holds(tx, ctx.org, user, permission.name()).await? { Ok(()) } else { Err(gone.into()) }
    }
}

/// What somebody contributes to an approval, in the trail.
fn contributed(request: &ApprovalRequest, grant: Grant) -> serde_json::Value {
    json!({
        "action": request.action, "subject": request.subject, "amount": request.amount,
        "madeApproverBy": grant.by, "madeApproverAs": grant.granter, "approverSince": grant.at,
    })
}

/// Passes if the actor's role is still the one that the request began with, without the organisation's lock: the role then stays until the transaction ends.
async fn hold_role_in(tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault> {
    let Actor::User(user, role) = ctx.actor else { return Ok(()) };
    if memberships::hold_role(tx, ctx.org, user).await? == Some(role) {
        Ok(())
    } else {
        Err(Fault::unavailable("the role of who approves changed while they did"))
    }
}

/// Founds an organisation under a free slug: the plain one, else with a suffix that nobody else draws.
async fn found_by_in(tx: &mut Tx, by: Founder<'_>, new: &NewOrganization) -> Result<OrgId, Error> {
    let org = OrgId::new();
    let plain = model::slug(&new.name);
    match tx.savepoint(async |tx| organizations::found(tx, by, org, new, &plain).await).await {
        Ok(()) => return Ok(org),
        Err(Taken::Fault(fault)) => return Err(fault.into()),
        Err(Taken::Slug) => {}
    }
    // The random end of the UUIDv7: 48 bits.
    let random = org.0.as_u128() & 0xffff_ffff_ffff;
    match organizations::found(tx, by, org, new, &format!("{plain}-{random:012x}")).await {
        Ok(()) => Ok(org),
        Err(Taken::Fault(fault)) => Err(fault.into()),
        Err(Taken::Slug) => Err(Fault::internal("two random slugs are the same").into()),
    }
}

#[async_trait]
impl Organizations for Service {
    async fn create(&self, ctx: &Ctx, new: NewOrganization) -> Result<Organization, Error> {
        self.authorizer.check(ctx, perm::CREATE, Scope::Organization)?;
        if ctx.user_id().is_none() {
            return Err(Fault::internal("only a person can found an organisation").into());
        }
        let new = model::checked_new(new, "/name").map_err(Error::Invalid)?;
        self.uow
            .write(ctx, async |tx| {
                let org = found_by_in(tx, Founder::Tenant(&ctx.request), &new).await?;
                let made = organizations::card(tx, org).await?.ok_or(Error::NotFound("organization"))?;
                self.audit.record_in(tx, ctx, NewEntry::of(perm::CREATE, "organization", org).after(&made)).await?;
                Ok(made)
            })
            .await
    }

    async fn of_person(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<(Organization, OrgRole)>, Error> {
        let Some(user) = ctx.user_id() else { return Ok(Page { items: Vec::new(), next: None }) };
        // As the platform: one tenant does not see that its people belong to others.
        let rows = self.system.read(async |tx| organizations::of_person(tx, user, page).await).await?;
        let page = Page::cut(rows, page, |(organization, _, since)| Position { created_at: *since, id: organization.id.0 });
        Ok(page.map(|(organization, role, _)| (organization, role)))
    }

    async fn current(&self, ctx: &Ctx) -> Result<Organization, Error> {
        self.authorizer.check(ctx, perm::READ, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| organizations::get(tx, ctx.org).await).await
    }

    async fn changeable(&self, ctx: &Ctx) -> Result<Organization, Error> {
        self.authorizer.check(ctx, perm::UPDATE, Scope::Organization)?;
        self.uow.read_one(ctx, async |tx| organizations::get(tx, ctx.org).await).await
    }

    async fn update(&self, ctx: &Ctx, change: OrganizationChange, seen: Option<Timestamp>) -> Result<Organization, Error> {
        self.authorizer.check(ctx, perm::UPDATE, Scope::Organization)?;
        let change = model::checked_change(change).map_err(Error::Invalid)?;
        self.uow
            .write(ctx, async |tx| {
                let before = organizations::lock(tx, ctx.org).await?;
                self.same_role_in(tx, ctx, perm::UPDATE).await?;
                if seen.is_some_and(|seen| seen != before.updated_at) {
                    return Err(Error::Stale);
                }
                if change.approval_threshold != before.approval_threshold {
                    self.authorizer.check(ctx, perm::SET_THRESHOLD, Scope::Organization)?;
                }
                // Who needs a second factor is decided as who needs a second person is, by somebody who has just proven who they are.
                if change.session_rules.mfa_policy != before.session_rules.mfa_policy {
                    self.authorizer.check(ctx, perm::SET_THRESHOLD, Scope::Organization)?;
                    if ctx.missing.fresh_proof {
                        return Err(Fault::new(FaultKind::StepUpRequired, "who needs a second factor is changed").into());
                    }
                }
                // Whoever finds a key must not lift what ends a stolen session, nor sign everybody out.
                if change.session_rules != before.session_rules && ctx.key.is_some() {
                    return Err(
                        Fault::new(FaultKind::PersonRequired(perm::UPDATE), "an API key changes how long sessions live").into()
                    );
                }
                if change.timezone != before.timezone && !organizations::is_timezone(tx, &change.timezone).await? {
                    let detail = "must be the IANA name of a time zone, such as Europe/Berlin";
                    return Err(Error::invalid("/timezone", "NOT_ONE_OF", detail));
                }
                if model::is_so_already(&before, &change) {
                    return Ok(before);
                }
                let after = organizations::save(tx, ctx.org, &change).await?;
                let entry = NewEntry::of(perm::UPDATE, "organization", ctx.org).before(&before).after(&after);
                self.audit.record_in(tx, ctx, entry).await?;
                Ok(after)
            })
            .await
    }
}

#[async_trait]
impl Memberships for Service {
    async fn found_in(&self, tx: &mut Tx, new: &NewOrganization, owner: UserId) -> Result<Organization, Error> {
        let new = model::checked_new(new.clone(), "/organizationName").map_err(Error::Invalid)?;
        let org = found_by_in(tx, Founder::Platform, &new).await?;
        memberships::insert(tx, org, owner, OrgRole::Owner, (owner, GranterRole::Founder)).await?;
        organizations::find_in(tx, org).await?.ok_or(Error::NotFound("organization"))
    }

    async fn of_person(&self, tx: &ReadTx<'_>, user: UserId) -> Result<Vec<Member>, Fault> {
        memberships::of_person(tx, user).await
    }

    async fn of_person_at(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Option<Member>, Fault> {
        memberships::of_person_at(tx, user, org).await
    }

    async fn of_person_in(&self, tx: &mut Tx, user: UserId) -> Result<Vec<Member>, Fault> {
        memberships::of_person_in(tx, user).await
    }

    async fn added_permissions(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault> {
        roles::permissions_of(roles::reading(tx), org, user).await
    }

    async fn custom_roles(&self, tx: &ReadTx<'_>, user: UserId, org: OrgId) -> Result<Vec<String>, Fault> {
        roles::slugs_of(roles::reading(tx), org, user).await
    }

    async fn standing(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Standing, Fault> {
        organizations::standing(tx, org).await
    }

    async fn set_suspended_in(&self, tx: &mut Tx, org: OrgId, reason: Option<&str>) -> Result<Option<Organization>, Error> {
        let before = organizations::lock(tx, org).await?;
        if before.suspended_at.is_some() == reason.is_some() {
            return Ok(None);
        }
        Ok(Some(organizations::set_suspended(tx, org, reason).await?))
    }

    async fn owners_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<UserId>, Fault> {
        memberships::owners(tx, org).await
    }

    async fn all_session_rules(&self, tx: &ReadTx<'_>) -> Result<Vec<(OrgId, SessionRules)>, Fault> {
        organizations::all_session_rules(tx).await
    }

    async fn list(&self, tx: &ReadTx<'_>, org: OrgId, page: PageRequest) -> Result<Page<Member>, Fault> {
        let rows = memberships::list(tx, org, page).await?;
        Ok(Page::cut(rows, page, |member| Position { created_at: member.created_at, id: member.user.0 }))
    }

    async fn member(&self, tx: &ReadTx<'_>, org: OrgId, user: UserId) -> Result<Member, Error> {
        memberships::get(tx, org, user).await
    }

    async fn organization(&self, tx: &ReadTx<'_>, org: OrgId) -> Result<Organization, Error> {
        organizations::get(tx, org).await
    }

    async fn lock_organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Organization, Error> {
        organizations::lock(tx, org).await
    }

    async fn lock_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Member, Error> {
        organizations::lock(tx, org).await?;
        memberships::lock(tx, org, user).await
    }

    async fn join_in(&self, tx: &mut Tx, org: OrgId, user: UserId, invited_by: UserId) -> Result<Member, Error> {
        if organizations::lock(tx, org).await?.suspended_at.is_some() {
            return Err(Error::NotFound("invitation"));
        }
        // As what they are now: an invitation gives no more than membership.
        match memberships::role(tx, org, invited_by).await? {
            Some(role @ (OrgRole::Owner | OrgRole::Admin)) => {
                memberships::insert(tx, org, user, OrgRole::Member, (invited_by, role.into())).await
            }
            // Nor more than the one who gave it has.
            Some(OrgRole::Member) | None => Err(Error::NotFound("invitation")),
        }
    }

    async fn set_role_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId, role: OrgRole) -> Result<Member, Error> {
        let before = memberships::role(tx, ctx.org, user).await?;
        let member = memberships::set_role(tx, ctx.org, user, role).await?;
        if role == OrgRole::Member && before != Some(role) {
            self.take_all_in(tx, ctx, user).await?;
        }
        self.void_in(tx, ctx, user).await?;
        Ok(member)
    }

    async fn hand_over_in(&self, tx: &mut Tx, ctx: &Ctx, from: UserId, to: UserId) -> Result<(), Error> {
        organizations::lock(tx, ctx.org).await?;
        if memberships::lock(tx, ctx.org, from).await?.role != OrgRole::Owner {
            return Err(Error::NotFound("ownership offer"));
        }
        memberships::lock(tx, ctx.org, to).await?;
        // The new one first: there is an owner all the time.
        for (user, role) in [(to, OrgRole::Owner), (from, OrgRole::Admin)] {
            memberships::grant(tx, ctx.org, user, role, (from, GranterRole::Owner)).await?;
            self.void_in(tx, ctx, user).await?;
        }
        Ok(())
    }

    async fn remove_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        self.end_in(tx, ctx, user).await?;
        // The trigger lets the last person of all go, for the removal of accounts; leaving is another matter.
        if memberships::any(tx, ctx.org).await? { Ok(()) } else { Err(Error::LastOwner) }
    }

    async fn has_others_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<bool, Fault> {
        memberships::any_but(tx, org, user).await
    }

    async fn all_in(&self, tx: &mut Tx, org: OrgId) -> Result<Vec<Member>, Fault> {
        memberships::all_of(tx, org).await
    }

    async fn leave_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Error> {
        self.end_in(tx, ctx, user).await
    }

    async fn disband_in(&self, tx: &mut Tx, ctx: &Ctx) -> Result<(), Fault> {
        for member in memberships::all_of(tx, ctx.org).await? {
            self.void_in(tx, ctx, member.user).await?;
        }
        memberships::delete_all(tx, ctx.org).await
    }

    async fn forget_organization_in(&self, tx: &mut Tx, org: OrgId, remembered: Remembered) -> Result<(), Fault> {
        organizations::forget(tx, org, remembered).await
    }
}

#[async_trait]
impl Tenants for Service {
    async fn organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Organization, Error> {
        if let Some(own) = organizations::find_in(tx, org).await? {
            return Ok(own);
        }
        organizations::card(tx, org).await?.ok_or(Error::NotFound("organization"))
    }

    async fn time_zone_in(&self, tx: &mut Tx, org: OrgId) -> Result<String, Fault> {
        let own = organizations::find_in(tx, org).await?;
        Ok(own.ok_or_else(|| Fault::internal("the organisation is not seen from here"))?.timezone)
    }

    async fn exists_in(&self, tx: &mut Tx, org: OrgId) -> Result<bool, Fault> {
        Ok(organizations::card(tx, org).await?.is_some())
    }

    async fn role_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
        memberships::role_here(tx, org, user).await
    }

    async fn hold_role_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
        memberships::hold_role(tx, org, user).await?;
        // Under the lock, and with the refusal to answer about others.
        memberships::role_here(tx, org, user).await
    }

    async fn approve_in(&self, tx: &mut Tx, ctx: &Ctx, request: &ApprovalRequest) -> Result<Verdict, Fault> {
        let present = match ctx.actor {
            Actor::User(user, _) => user,
            Actor::System => return Ok(Verdict::Complete { first: UserId(Uuid::nil()), second: None }),
            Actor::Support(_) => {
                return Err(Fault::new(FaultKind::PersonRequired(Permission(request.action)), "support approves nothing"));
            }
        };
        if ctx.key.is_some() || ctx.missing.fresh_proof {
            return self.below_threshold_in(tx, ctx, request, present).await;
        }
        for _ in 0..LOOKS {
            if let Some(waiting) = approvals::lock_waiting(tx, ctx.org, request).await? {
                let first_is_member = memberships::role(tx, ctx.org, waiting.first).await?.is_some();
                let step = model::step(waiting.first, first_is_member, present);
                if step == Step::Wait {
                    return Ok(Verdict::Waiting { first: present });
                }
                hold_role_in(tx, ctx).await?;
                let after = (step == Step::Complete).then_some(&waiting);
                let what = match self.standing_in(tx, ctx, request, after).await? {
                    Ok(what) => what,
                    Err(why) => return Ok(Verdict::NotYet(why)),
                };
                if step == Step::Complete {
                    approvals::complete(tx, ctx.org, waiting.id, present).await?;
                    self.record_approval_in(tx, ctx, "approvals.second", waiting.id, what).await?;
                    return Ok(Verdict::Complete { first: waiting.first, second: Some(present) });
                }
                approvals::void_one(tx, ctx.org, waiting.id).await?;
                if let Some(id) = approvals::insert_waiting(tx, ctx.org, request, present).await? {
                    self.record_approval_in(tx, ctx, "approvals.first", id, what).await?;
                    return Ok(Verdict::Waiting { first: present });
                }
                // Another person was faster: look again.
                continue;
            }
            let organization = organizations::find_in(tx, ctx.org).await?;
            let threshold = organization.and_then(|organization| organization.approval_threshold);
            if !model::needs_second(threshold, request.amount) {
                return Ok(Verdict::Complete { first: present, second: None });
            }
            hold_role_in(tx, ctx).await?;
            let what = match self.standing_in(tx, ctx, request, None).await? {
                Ok(what) => what,
                Err(why) => return Ok(Verdict::NotYet(why)),
            };
            if let Some(id) = approvals::insert_waiting(tx, ctx.org, request, present).await? {
                self.record_approval_in(tx, ctx, "approvals.first", id, what).await?;
                return Ok(Verdict::Waiting { first: present });
            }
            // Another person asked between our look and our insert, and has committed: look again.
        }
        Err(Fault::unavailable("others ask and agree all the time: the approval found no quiet moment"))
    }

    async fn void_approvals_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        self.void_in(tx, ctx, user).await
    }
}
