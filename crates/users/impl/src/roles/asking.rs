//! What is asked about roles: what there is to be allowed, why somebody may do something, and who would gain and lose what.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use auth_api::{described, needs_person};
use kernel::{Ctx, Fault, OrgRole, Permission, ProjectId, ProjectRole, ProjectRoles, Scope, UserId};
use tenants_api::{CustomRole, CustomRoleId, perm};
use uow::ReadTx;
use users_api::{CataloguedPermission, Error, Explanation, MemberEffect, RoleEffect, RolePreview, Rule};

use super::{Roles, rules};
use crate::repo;

/// What somebody holds in the whole organisation.
type Held = BTreeSet<String>;

/// Who has which roles beside which built-in one.
type Holders = BTreeMap<UserId, (OrgRole, Vec<CustomRoleId>)>;

impl Roles {
    /// Whether a built-in role holds a permission, in the organisation or in a project with this role in its team.
    fn holds(&self, ctx: &Ctx, role: OrgRole, team: Option<(ProjectId, ProjectRole)>, permission: Permission) -> bool {
        let projects: ProjectRoles = Arc::new(team.into_iter().collect());
        let scope = team.map_or(Scope::Organization, |(project, _)| Scope::Project(project));
        let asked = Ctx::user(ctx.org, UserId(uuid::Uuid::nil()), role, projects, ctx.request.clone());
        self.authorizer.check(&asked, permission, scope).is_ok()
    }

    /// Those of a project's team that hold a permission which not every member holds.
    fn team_roles(&self, ctx: &Ctx, permission: Permission) -> Vec<ProjectRole> {
        if self.holds(ctx, OrgRole::Member, None, permission) {
            return Vec::new();
        }
        let somewhere = ProjectId(uuid::Uuid::nil());
        let holds = |role: &ProjectRole| self.holds(ctx, OrgRole::Member, Some((somewhere, *role)), permission);
        ProjectRole::ALL.iter().copied().filter(holds).collect()
    }

    pub(super) fn all_permissions(&self, ctx: &Ctx) -> Vec<CataloguedPermission> {
        let catalogued = |known: rules::Known| {
            let permission = known.permission;
            let roles = OrgRole::ALL.iter().copied().filter(|role| self.holds(ctx, *role, None, permission)).collect();
            CataloguedPermission {
                name: permission.name(),
                description: described(permission),
                persons_only: needs_person(permission),
                custom_roles: known.is_addable,
                roles,
                team_roles: self.team_roles(ctx, permission),
            }
        };
        self.known(ctx).into_iter().map(catalogued).collect()
    }

    pub(super) async fn explain_to(
        &self,
        ctx: &Ctx,
        name: &str,
        project: Option<ProjectId>,
        user: Option<UserId>,
    ) -> Result<Explanation, Error> {
        let oneself = ctx.user_id().ok_or_else(|| Fault::internal("only a person asks what they may do"))?;
        let user = user.unwrap_or(oneself);
        if user != oneself {
            self.authorizer.check(ctx, perm::MEMBERS_MANAGE, Scope::Organization)?;
        }
        let Some(known) = self.known(ctx).into_iter().find(|known| known.permission.name() == name) else {
            let detail = "is no permission: GET /api/authz/permissions lists them";
            return Err(Error::invalid("?permission", "NOT_ONE_OF", detail));
        };
        let permission = known.permission;
        self.uow
            .read(ctx, async |tx| {
                let member = self.memberships.member(tx, ctx.org, user).await?;
                let team = self.team_of(tx, ctx, project, user).await?;
                let custom = if known.is_addable { self.roles.list(tx, ctx.org).await? } else { Vec::new() };
                let given = self.roles.of_member(tx, ctx.org, user).await?;
                let mut rules = Vec::new();
                rules.extend(
                    OrgRole::ALL.iter().filter(|role| self.holds(ctx, **role, None, permission)).map(|role| Rule::BuiltIn(*role)),
                );
                if project.is_some() {
                    rules.extend(self.team_roles(ctx, permission).into_iter().map(Rule::Team));
                }
                let holding = custom.into_iter().filter(|role| role.permissions.iter().any(|held| held == permission.name()));
                rules.extend(holding.map(|role| Rule::Custom(role.id, role.slug)));
                let applies = |rule: &&Rule| match rule {
                    Rule::BuiltIn(role) => member.role == *role,
                    Rule::Team(role) => team == Some(*role),
                    Rule::Custom(id, _) => given.iter().any(|given| given.role == *id),
                };
                let allowed_by = rules.iter().filter(applies).cloned().collect();
                Ok(Explanation { user, permission: name.to_owned(), project, allowed_by, rules })
            })
            .await
    }

    /// The role of a member in the team of a project, which must be the organisation's.
    async fn team_of(
        &self,
        tx: &ReadTx<'_>,
        ctx: &Ctx,
        project: Option<ProjectId>,
        user: UserId,
    ) -> Result<Option<ProjectRole>, Error> {
        let Some(project) = project else { return Ok(None) };
        if !self.teams.has_project(tx, ctx.org, project).await? {
            return Err(Error::NotFound("project"));
        }
        let roles = self.teams.roles_among(tx, ctx.org, user, &[project]).await?;
        Ok(roles.first().map(|(_, role)| *role))
    }

    pub(super) async fn effect_of(&self, ctx: &Ctx, preview: RolePreview) -> Result<RoleEffect, Error> {
        self.authorizer.check(ctx, perm::ROLES_MANAGE, Scope::Organization)?;
        let wanted = rules::checked_permissions(preview.permissions, &self.known(ctx))?;
        let role = preview.role;
        let (all, holders, names) = self
            .uow
            .read(ctx, async |tx| {
                let all = self.roles.list(tx, ctx.org).await?;
                let Some(role) = role else { return Ok::<_, Error>((all, Holders::new(), HashMap::new())) };
                if !all.iter().any(|known| known.id == role) {
                    return Err(Error::NotFound("role"));
                }
                let mut holders = Holders::new();
                for (user, built_in, held) in self.roles.given(tx, ctx.org).await? {
                    holders.entry(user).or_insert_with(|| (built_in, Vec::new())).1.push(held);
                }
                holders.retain(|_, (_, held)| held.contains(&role));
                let ids: Vec<UserId> = holders.keys().copied().collect();
                let people = repo::by_ids(tx, &ids).await?;
                let names: HashMap<UserId, String> = people.into_iter().map(|person| (person.id, person.name)).collect();
                Ok((all, holders, names))
            })
            .await?;
        let before =
            all.iter().find(|known| Some(known.id) == role).map(|known| known.permissions.as_slice()).unwrap_or_default();
        let (added, taken) = (without(&wanted, before), without(before, &wanted));
        self.check_held(ctx, &added)?;
        let built_in: HashMap<OrgRole, Held> = OrgRole::ALL.iter().map(|role| (*role, self.held_by(ctx, *role))).collect();
        let mut members: Vec<MemberEffect> = Vec::new();
        for (user, (own, held)) in &holders {
            let Some(own) = built_in.get(own) else { continue };
            let now = of_roles(&all, held, None);
            let then = of_roles(&all, held, role.map(|role| (role, wanted.as_slice())));
            let (gains, loses) = (more(&now, &then, own), more(&then, &now, own));
            if !gains.is_empty() || !loses.is_empty() {
                members.push(MemberEffect { user: *user, name: names.get(user).cloned().unwrap_or_default(), gains, loses });
            }
        }
        let affected = members.len();
        members.truncate(RoleEffect::MOST_NAMED);
        Ok(RoleEffect { added, taken, holders: holders.len(), affected, members })
    }

    fn held_by(&self, ctx: &Ctx, role: OrgRole) -> Held {
        let known = self.known(ctx).into_iter().map(|known| known.permission);
        known
            .filter(|permission| self.holds(ctx, role, None, *permission))
            .map(|permission| permission.name().to_owned())
            .collect()
    }
}

/// What custom roles allow, one of them perhaps with other permissions than it holds.
fn of_roles(all: &[CustomRole], held: &[CustomRoleId], but: Option<(CustomRoleId, &[String])>) -> Held {
    let mut allowed = Held::new();
    for role in all.iter().filter(|role| held.contains(&role.id)) {
        let permissions = but.filter(|(id, _)| *id == role.id).map_or(role.permissions.as_slice(), |(_, wanted)| wanted);
        allowed.extend(permissions.iter().cloned());
    }
    allowed
}

/// What there is in `to` that is neither in `from` nor one's own anyway.
fn more(from: &Held, to: &Held, own: &Held) -> Vec<String> {
    to.iter().filter(|one| !from.contains(*one) && !own.contains(*one)).cloned().collect()
}

/// What is in `all` and not in `but`.
fn without(all: &[String], but: &[String]) -> Vec<String> {
    all.iter().filter(|one| !but.contains(one)).cloned().collect()
}
