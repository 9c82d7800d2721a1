//! Where a person stands in an organisation: asked once for all of their sessions there.

use auth_api::{Connection, FactorStanding, Membership, Person, SessionRules, SignOnMode, email};
use kernel::{AddedPermissions, Fault, OrgId, OrgRole, ProjectId, ProjectRole, ProjectRoles, UserId};
use uow::ReadTx;

use super::Service;
use crate::place::{Door, Place};
use crate::repo;

/// The role in the organisation, how long sessions may last there, whether the person has a second factor, those roles in teams that were asked for,
/// what custom roles allow, and by which sessions they come in.
type Found = (OrgRole, SessionRules, bool, Vec<(ProjectId, ProjectRole)>, AddedPermissions, Door);

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
                let door = match repo::sign_on::of(tx, org).await? {
                    Some(stored) if stored.connection.mode != SignOnMode::Off => {
                        let person = self.directory.person(tx, user).await?;
                        let door = self.door(tx, person.as_ref(), (membership.role, has), &stored.connection).await?;
                        door.unwrap_or_default()
                    }
                    _ => Door::default(),
                };
                Ok::<_, Fault>(Some((membership.role, rules, has, read, added, door)))
            })
            .await?;
        let Some((role, rules, has, read, added, door)) = found else { return Ok(None) };
        let projects = if role.needs_teams() { roles.found(look, read) } else { ProjectRoles::default() };
        let factor = FactorStanding { has, policy: rules.mfa.unwrap_or(self.mfa_policy) };
        Ok(Some(Place { role, projects, added, rules, factor, door }))
    }

    /// By which sessions a person of this role comes into the organisation of a connection that is on; `None`: the connection is nothing to them, since
    /// their address is of no domain that the organisation has proven, and was of none while the connection was enforced.
    pub(super) async fn door(
        &self,
        tx: &ReadTx<'_>,
        person: Option<&Person>,
        (role, has_factor): (OrgRole, bool),
        connection: &Connection,
    ) -> Result<Option<Door>, Fault> {
        let Some(person) = person else { return Ok(None) };
        let key = email::key(&person.email);
        let at_home = self.directory.is_domain_of(tx, connection.org, email::domain_of(&key)).await?;
        let enforced = connection.mode == SignOnMode::Enforced;
        // Another address is no way round it.
        let counts = at_home || (enforced && repo::sign_on::has_left(tx, connection.org, person.id).await?);
        if !counts {
            return Ok(None);
        }
        let only = enforced && !(role == OrgRole::Owner && has_factor && self.breaks_glass(tx, person.id, connection).await?);
        Ok(Some(Door { connection: at_home.then_some(connection.id), trusts_factor: at_home && connection.trusts_factor, only }))
    }

    /// Into which of these organisations a person comes by its own issuer alone.
    pub(super) async fn shut_to(
        &self,
        tx: &ReadTx<'_>,
        person: Option<&Person>,
        memberships: &[Membership],
    ) -> Result<Vec<OrgId>, Fault> {
        let orgs: Vec<OrgId> = memberships.iter().map(|membership| membership.org).collect();
        let mut shut = Vec::new();
        // Of somebody who is in none of them one question is asked, as of nobody.
        for connection in repo::sign_on::enforced_among(tx, &orgs).await? {
            let there = memberships.iter().find(|membership| membership.org == connection.org);
            let (Some(person), Some(there)) = (person, there) else { continue };
            let has = repo::factors::has_any(tx, person.id).await?;
            if self.door(tx, Some(person), (there.role, has), &connection).await?.is_some_and(|door| door.only) {
                shut.push(connection.org);
            }
        }
        Ok(shut)
    }

    /// Whether an owner is one of those who come in without the connection. Where none of those who are named is an owner any more, each owner is: nobody
    /// locks an organisation by leaving it.
    async fn breaks_glass(&self, tx: &ReadTx<'_>, user: UserId, connection: &Connection) -> Result<bool, Fault> {
        let named = &connection.break_glass;
        Ok(named.contains(&user) || !self.directory.is_owner_among(tx, connection.org, named).await?)
    }
}
