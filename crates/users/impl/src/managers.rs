//! Who manages an organisation's members, looked at again under its lock.

use kernel::{Actor, Ctx, Denied};
use tenants_api::{Memberships, Organization, perm};
use uow::Tx;
use users_api::Error;

/// Locks the organisation and passes if the actor's role is still the one that the request was permitted with: who was demoted or
/// removed meanwhile neither takes it back nor learns anything about emails.
pub(crate) async fn lock_for_manager_in(memberships: &dyn Memberships, tx: &mut Tx, ctx: &Ctx) -> Result<Organization, Error> {
    let organization = memberships.lock_organization_in(tx, ctx.org).await?;
    let Actor::User(user, role) = ctx.actor else { return Ok(organization) };
    match memberships.lock_in(tx, ctx.org, user).await {
        Ok(member) if member.role == role => Ok(organization),
        Ok(_) | Err(tenants_api::Error::NotFound(_)) => {
            Err(Error::Denied(Denied { permission: perm::MEMBERS_MANAGE, project: None }))
        }
        Err(error) => Err(error.into()),
    }
}
