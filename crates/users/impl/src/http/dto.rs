//! What people and organisations look like on the wire.

use auth_api::Asked;
use chrono::{DateTime, Utc};
use kernel::OrgRole;
use mail_api::Language;
use secrecy::ExposeSecret;
use serde::Serialize;
use tenants_api::{OrgKind, Organization};
use users_api::{MemberUser, User};
use utoipa::ToSchema;
use uuid::Uuid;
use web::OneOf;

use super::examples;

/// A role in an organisation, on the wire.
pub(super) type Role = OneOf<OrgRole>;
type Kind = OneOf<OrgKind>;
/// A language of mails, on the wire.
pub(super) type Locale = OneOf<Language>;

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization, example = examples::organization)]
pub(super) struct OrganizationOut {
    /// The organisation's id.
    id: Uuid,
    /// What it is called.
    name: String,
    /// A unique short name made from its name, for addresses; it never changes.
    slug: String,
    /// What it does on the platform.
    kind: Kind,
    /// Its trades.
    categories: Vec<String>,
    /// When it was made.
    created_at: DateTime<Utc>,
}

impl From<Organization> for OrganizationOut {
    fn from(o: Organization) -> Self {
        Self { id: o.id.0, name: o.name, slug: o.slug, kind: o.kind.into(), categories: o.categories, created_at: o.created_at }
    }
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User, example = examples::user)]
pub(super) struct UserOut {
    /// The person's id.
    id: Uuid,
    /// The address with which they sign in.
    #[schema(examples("ada@example.com"))]
    email: String,
    /// What they are called.
    #[schema(examples("Ada Lovelace"))]
    name: String,
    /// Where a picture is; null without one.
    image: Option<String>,
    /// Whether the address was proven to be theirs.
    email_verified: bool,
    /// The language that they have chosen for their mails; null: none.
    locale: Option<Locale>,
    /// When the account was made.
    created_at: DateTime<Utc>,
}

impl From<User> for UserOut {
    fn from(u: User) -> Self {
        let User { id, email, name, image, email_verified, language, created_at, .. } = u;
        Self { id: id.0, email, name, image, email_verified, locale: language.map(Locale::from), created_at }
    }
}

/// A person as a member of the session's organisation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Member, example = examples::member)]
pub(super) struct MemberOut {
    /// The person's id.
    id: Uuid,
    /// The address with which they sign in.
    #[schema(examples("ada@example.com"))]
    email: String,
    /// What they are called.
    #[schema(examples("Ada Lovelace"))]
    name: String,
    /// Where a picture is; null without one.
    image: Option<String>,
    /// Whether the address was proven to be theirs.
    email_verified: bool,
    /// When the account was made.
    created_at: DateTime<Utc>,
    /// Their role in the organisation.
    role: Role,
    /// The organisation.
    organization: OrganizationOut,
}

impl From<MemberUser> for MemberOut {
    fn from(member: MemberUser) -> Self {
        let User { id, email, name, image, email_verified, created_at, .. } = member.user;
        let (role, organization) = (member.role.into(), member.organization.into());
        Self { id: id.0, email, name, image, email_verified, created_at, role, organization }
    }
}

/// A mail is on its way, if there is somebody for it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailAsked, example = examples::asked)]
pub(super) struct AskedOut {
    /// To be sent with the code of the mail. A secret of the program that asked: without it the code is worth nothing.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    request_id: String,
    /// Until when the link and the code of the mail count, unless several others are asked for.
    expires_at: DateTime<Utc>,
}

impl From<Asked> for AskedOut {
    fn from(asked: Asked) -> Self {
        Self { request_id: asked.request_id.expose_secret().to_owned(), expires_at: asked.expires_at }
    }
}
