//! Where a person stands in an organisation: asked once for all of their sessions there.

use auth_api::{FactorStanding, SessionRules};
use kernel::{AddedPermissions, Fault, OrgId, OrgRole, ProjectId, ProjectRole, ProjectRoles, UserId};

use super::Service;
use crate::place::Place;
use crate::repo;

/// The role in the organisation, how long sessions may last there, whether the person has a second factor, those roles in teams that were asked for, and
/// what custom roles allow.
type Found = (OrgRole, SessionRules, bool, Vec<(ProjectId, ProjectRole)>, AddedPermissions);

impl Service {
    /// The place of a person in an organisation, if they are its member. However many of their sessions ask at a time, one asks the database;
    /// of ten thousand roles in teams it reads those that changed since the last time.
    pub(super) async fn place(&self, user: UserId, org: OrgId) -> Result<Option<Place>, Fault> {
        self.places.share(&(user, org), self.look_up_place(user, org)).await
    }

    async fn look_up_place(&self, user: UserId, org: OrgId) -> Result<Option<Place>, Fault> {
        let roles = self.cache.roles();
        let look = roles.look(user, org);
        let asked = look.projects();
        let found: Option<Found> = self
            .system
            .read(async |tx| {
                let Some(membership) = self.directory.membership(tx, user, org).await? else { return Ok(None) };
                let read = match &asked {
                    _ if !membership.role.needs_teams() => Vec::new(),
                    None => self.teams.roles(tx, org, user).await?,
                    Some(projects) if projects.is_empty() => Vec::new(),
                    Some(projects) => self.teams.roles_among(tx, org, user, projects).await?,
                };
                // Owners and administrators hold whatever a custom role can.
                let added: AddedPermissions = if membership.role.needs_teams() {
                    self.directory.added_permissions(tx, user, org).await?.into()
                } else {
                    AddedPermissions::default()
                };
                let rules = self.directory.session_rules(tx, org).await?;
                let has = repo::factors::has_any(tx, user).await?;
                Ok::<_, Fault>(Some((membership.role, rules, has, read, added)))
            })
            .await?;
        let Some((role, rules, has, read, added)) = found else { return Ok(None) };
        let projects = if role.needs_teams() { roles.found(look, read) } else { ProjectRoles::default() };
        let factor = FactorStanding { has, policy: rules.mfa.unwrap_or(self.mfa_policy) };
        Ok(Some(Place { role, projects, added, rules, factor }))
    }
}
