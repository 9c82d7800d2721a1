//! Organisations, memberships, settings and second approvals as other crates see them.

mod custom_roles;
mod manage;
mod picture;
mod rules;

use async_trait::async_trait;
use kernel::{Actor, Ctx, Fault, FaultKind, Money, OrgId, OrgRole, Permission, ProjectId, Timestamp, UserId};
use uow::Tx;
use uuid::Uuid;

pub use custom_roles::{
    CustomRole, CustomRoleDetails, CustomRoleId, CustomRoles, GivenChange, GivenRole, MOST_CUSTOM_ROLES, MOST_ROLES_OF_A_MEMBER,
    NewCustomRole,
};
pub use manage::{Memberships, NewOrganization, OrganizationChange, Organizations, Remembered};
pub use picture::fault_of_picture;
pub use rules::{SessionRules, Standing, is_weighty};

/// Permissions of this domain (docs/domain/roles.md).
pub mod perm {
    use kernel::Permission;
    /// See the organisation and its settings.
    pub const READ: Permission = Permission("organization.read");
    /// Change its name, categories and time zone.
    pub const UPDATE: Permission = Permission("organization.update");
    /// Change the approval threshold.
    pub const SET_THRESHOLD: Permission = Permission("organization.set_threshold");
    /// See the members.
    pub const MEMBERS_READ: Permission = Permission("members.read");
    /// Add, change and remove members below owner.
    pub const MEMBERS_MANAGE: Permission = Permission("members.manage");
    /// Make, demote and remove owners.
    pub const OWNERS_MANAGE: Permission = Permission("members.manage_owners");
    /// See the organisation's roles and what each allows.
    pub const ROLES_READ: Permission = Permission("roles.read");
    /// Make, change and remove custom roles.
    pub const ROLES_MANAGE: Permission = Permission("roles.manage");
    /// Found a further organisation, of which one becomes the owner.
    pub const CREATE: Permission = Permission("organizations.create");
    /// Take along all that the organisation has here, as an archive.
    pub const EXPORT: Permission = Permission("organization.export");
    /// Have the organisation leave the platform.
    pub const DELETE: Permission = Permission("organization.delete");
    /// All of them.
    pub const ALL: &[Permission] = &[
        READ,
        UPDATE,
        SET_THRESHOLD,
        MEMBERS_READ,
        MEMBERS_MANAGE,
        OWNERS_MANAGE,
        ROLES_READ,
        ROLES_MANAGE,
        CREATE,
        EXPORT,
        DELETE,
    ];
}

kernel::named! {
    /// What an organisation does on the platform.
    pub enum OrgKind as "OrganizationKind" {
        /// Tenders works.
        Owner = "owner",
        /// Bids for works.
        Contractor = "contractor",
        /// Does both.
        Both = "both",
    }
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// A unique short name made from it, for addresses.
    pub slug: String,
    /// What it does.
    pub kind: OrgKind,
    /// Its trades.
    pub categories: Vec<String>,
    /// At or above this amount, weighty verbs need a second person; `None`: never.
    pub approval_threshold: Option<Money>,
    /// IANA name of its time zone.
    pub timezone: String,
    /// How long its people's sessions live, and who needs a second factor.
    pub session_rules: SessionRules,
    /// Where its logo is: an `https` address.
    pub logo_url: Option<String>,
    /// Since when the platform has suspended it; `None`: it has not.
    pub suspended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A person's place in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// The organisation.
    pub org: OrgId,
    /// The role.
    pub role: OrgRole,
    /// Since when.
    pub created_at: Timestamp,
}

/// A verb that may need a second person (docs/domain/roles.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// The verb, such as `tenders.award`.
    pub action: &'static str,
    /// What it is done to.
    pub subject: Uuid,
    /// The project that it belongs to: a role in its team may be what lets a person approve.
    pub project: Option<ProjectId>,
    /// What exactly is approved, such as the bid's id: a second approval counts only for the very same thing.
    pub detail: String,
    /// The amount at stake, compared with the threshold.
    pub amount: Money,
}

kernel::named! {
    /// How far a verb that may need two persons has come: `waiting` for another person of the organisation to do the same, or `complete`.
    pub enum ApprovalStatus {
        /// Another person must do the same.
        Waiting = "waiting",
        /// It is done.
        Complete = "complete",
    }
}

/// Whether a verb may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Below the threshold, or the second person just agreed.
    Complete {
        /// Who asked first.
        first: UserId,
        /// Who agreed, if a second person was needed.
        second: Option<UserId>,
    },
    /// The first approval is noted; another person of the organisation must do the same. The caller commits and reports this.
    Waiting {
        /// Who asked first.
        first: UserId,
    },
    /// Two persons are needed, and the present one does not count as one of them yet: the caller does nothing and reports this.
    NotYet(NotYet),
}

/// Why the approval of somebody who may approve does not count yet: else one person made a second account an approver and agreed with
/// themself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// No owner gave them the role that lets them approve, and they have not had it for long enough.
    #[error(
        "no owner has made you an approver: an approval that takes two persons counts from you once an owner gives you your role anew \
         (PUT /api/users/{{id}} or, of custom roles, /roles below it, or the team's member in the project), or from {}", time(.until)
    )]
    Granted {
        /// Who gave it, if that is known.
        by: Option<UserId>,
        /// From when on they count anyhow.
        until: Timestamp,
    },
    /// Who asked first made them an approver after they had asked.
    #[error(
        "who asked first made you an approver after that: let another person approve, or come back after {}", time(.until)
    )]
    GrantedByTheFirst {
        /// Who asked first.
        by: UserId,
        /// From when on they count anyhow.
        until: Timestamp,
    },
}

impl NotYet {
    /// The stable code of the refusal.
    pub const CODE: &'static str = "APPROVER_NOT_YET";

    /// From when on the person counts anyhow.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        match self {
            Self::Granted { until, .. } | Self::GrantedByTheFirst { until, .. } => *until,
        }
    }

    /// Members of the problem body.
    #[must_use]
    pub fn extra(&self) -> Vec<(&'static str, String)> {
        vec![("until", time(&self.until()))]
    }
}

fn time(at: &Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

kernel::refusals! {
    /// Why this domain refuses.
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// The last owner cannot leave or be demoted.
        #[error("an organisation needs an owner: make another member owner first")]
        LastOwner = Conflict("LAST_OWNER"),
        /// The person is a member already.
        #[error("this person is a member already")]
        AlreadyMember = Conflict("ALREADY_MEMBER"),
        /// The organisation's directory has deactivated the person.
        #[error("the organisation's directory does not let you in: ask who keeps it")]
        NotLetIn = Conflict("NOT_LET_IN"),
        /// Another role of the organisation has this slug.
        #[error("a role of this organisation has this slug already")]
        RoleSlugTaken = Conflict("ROLE_SLUG_TAKEN"),
        /// So many members have the role that is to be removed.
        #[error("so many members have this role: {0}; take it from them first (PUT /api/users/{{id}}/roles)")]
        RoleInUse(i64) = Conflict("ROLE_IN_USE", "in use"),
        /// The organisation has as many roles as it may have.
        #[error("an organisation has at most {0} custom roles: remove one that nobody needs")]
        TooManyRoles(usize) = Conflict("TOO_MANY_ROLES"),
    }
    extra {
        Self::RoleInUse(members) => vec![("members", members.to_string())],
    }
}

/// What other domains ask about organisations.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// An organisation by its id, as far as the transaction's tenant may see it: itself, or a party it deals with (name only matters).
    ///
    /// # Errors
    /// [`Error::NotFound`].
    async fn organization_in(&self, tx: &mut Tx, org: OrgId) -> Result<Organization, Error>;

    /// The time zone in which the transaction's own organisation reckons days, by its IANA name. Who keeps none reckons in UTC.
    ///
    /// # Errors
    /// A fault.
    async fn time_zone_in(&self, tx: &mut Tx, org: OrgId) -> Result<String, Fault> {
        let _ = (tx, org);
        Ok("UTC".to_owned())
    }

    /// Whether an organisation of this id exists at all: for invitations across tenants. Tells nothing else about it.
    ///
    /// # Errors
    /// A fault.
    async fn exists_in(&self, tx: &mut Tx, org: OrgId) -> Result<bool, Fault>;

    /// The role of a member of the transaction's own organisation as it is now, not as the session remembers it; `None` if the membership
    /// is gone.
    ///
    /// # Errors
    /// A fault, also if `org` is another organisation: its members are not seen from here, and 'no role' would be a wrong answer.
    async fn role_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault>;

    /// As [`Tenants::role_in`]; the membership then stays as it is until the transaction ends. Whoever writes down that somebody is a member, as
    /// with a role in a team, asks by this: nobody can be removed meanwhile. Who keeps no memberships of its own has nothing to hold.
    ///
    /// # Errors
    /// As there.
    async fn hold_role_in(&self, tx: &mut Tx, org: OrgId, user: UserId) -> Result<Option<OrgRole>, Fault> {
        self.role_in(tx, org, user).await
    }

    /// Notes the context's person as approving `request` and says whether the verb may go on. Below the threshold it may at once. At or
    /// above it, two different persons must ask for the same thing; once complete the approvals are used up.
    /// The threshold as of the first approval counts. Of those who ask only they count whom an owner made approvers, or
    /// who have been approvers for long enough ([`NotYet`]). What each contributes is recorded, with who made them an approver.
    ///
    /// # Errors
    /// A fault; one that is worth another try (503) if the person's role is no longer the context's; [`FaultKind::StepUpRequired`] at or above the
    /// threshold if they proved who they are too long ago, and for an API key [`FaultKind::PersonRequired`], as for support whatever the amount. [`Actor::System`] completes at once.
    async fn approve_in(&self, tx: &mut Tx, ctx: &Ctx, request: &ApprovalRequest) -> Result<Verdict, Fault>;

    /// Passes unless a verb of one person is weighty, at or above the threshold of the context's organisation, and they proved who they are too long
    /// ago. An API key never proves it, nor does support. [`Actor::System`] passes.
    ///
    /// # Errors
    /// [`FaultKind::StepUpRequired`], [`FaultKind::PersonRequired`].
    async fn step_up_in(&self, tx: &mut Tx, ctx: &Ctx, permission: Permission, amount: Money) -> Result<(), Fault> {
        let proven = match ctx.actor {
            Actor::System => true,
            Actor::User(..) => ctx.key.is_none() && !ctx.missing.fresh_proof,
            Actor::Support(_) => false,
        };
        if proven {
            return Ok(());
        }
        let organization = self.organization_in(tx, ctx.org).await.map_err(|error| match error {
            Error::Fault(fault) => fault,
            other => Fault::internal(other),
        })?;
        if !is_weighty(organization.approval_threshold, amount) {
            return Ok(());
        }
        let kind = if ctx.person().is_none() { FaultKind::PersonRequired(permission) } else { FaultKind::StepUpRequired };
        Err(Fault::new(kind, "a weighty verb asks for a fresh proof of who does it"))
    }

    /// Voids what a person of the context's organisation asked for as the first of two, and records it: their rights changed, so it no
    /// longer says that somebody entitled agrees. Whoever takes a role from a person calls this; a change of the organisation role does.
    ///
    /// # Errors
    /// A fault, also from who keeps no approvals: to forget them in silence would be worse.
    async fn void_approvals_in(&self, tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<(), Fault> {
        let _ = (tx, ctx, user);
        Err(Fault::internal("no approvals are kept here"))
    }
}
