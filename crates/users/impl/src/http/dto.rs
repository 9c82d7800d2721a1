//! What people and organisations look like on the wire.

use chrono::{DateTime, Utc};
use kernel::OrgRole;
use serde::{Deserialize, Serialize};
use tenants_api::{OrgKind, Organization};
use users_api::{MemberUser, User};
use utoipa::ToSchema;
use uuid::Uuid;

/// A role in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrganizationRole)]
pub(super) enum Role {
    /// Holds everything.
    Owner,
    /// Runs the organisation day by day.
    Admin,
    /// Belongs to it.
    Member,
}

impl From<OrgRole> for Role {
    fn from(role: OrgRole) -> Self {
        match role {
            OrgRole::Owner => Self::Owner,
            OrgRole::Admin => Self::Admin,
            OrgRole::Member => Self::Member,
        }
    }
}

impl From<Role> for OrgRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

/// What an organisation does on the platform.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrganizationKind {
    /// Tenders works.
    Owner,
    /// Bids for works.
    Contractor,
    /// Does both.
    Both,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(super) struct OrganizationOut {
    id: Uuid,
    name: String,
    slug: String,
    kind: OrganizationKind,
    /// Its trades.
    categories: Vec<String>,
    created_at: DateTime<Utc>,
}

impl From<Organization> for OrganizationOut {
    fn from(o: Organization) -> Self {
        let kind = match o.kind {
            OrgKind::Owner => OrganizationKind::Owner,
            OrgKind::Contractor => OrganizationKind::Contractor,
            OrgKind::Both => OrganizationKind::Both,
        };
        Self { id: o.id.0, name: o.name, slug: o.slug, kind, categories: o.categories, created_at: o.created_at }
    }
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(super) struct UserOut {
    id: Uuid,
    #[schema(examples("ada@example.com"))]
    email: String,
    #[schema(examples("Ada Lovelace"))]
    name: String,
    /// Where a picture is.
    #[schema(required = true)]
    image: Option<String>,
    email_verified: bool,
    created_at: DateTime<Utc>,
}

impl From<User> for UserOut {
    fn from(u: User) -> Self {
        let User { id, email, name, image, email_verified, created_at, .. } = u;
        Self { id: id.0, email, name, image, email_verified, created_at }
    }
}

/// A person as a member of the session's organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member)]
pub(super) struct MemberOut {
    id: Uuid,
    #[schema(examples("ada@example.com"))]
    email: String,
    #[schema(examples("Ada Lovelace"))]
    name: String,
    /// Where a picture is.
    #[schema(required = true)]
    image: Option<String>,
    email_verified: bool,
    created_at: DateTime<Utc>,
    role: Role,
    organization: OrganizationOut,
}

impl From<MemberUser> for MemberOut {
    fn from(member: MemberUser) -> Self {
        let User { id, email, name, image, email_verified, created_at, .. } = member.user;
        let (role, organization) = (member.role.into(), member.organization.into());
        Self { id: id.0, email, name, image, email_verified, created_at, role, organization }
    }
}
