//! `Policy`: what each role may do, read by casbin, compiled into a table.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use auth_api::{
    Authorizer, Reach, factor_allows, is_added, key_allows, matrix, privileged, read_by_support, staying_built_in,
    stays_built_in, support_allows, wanting_persons,
};
use casbin::{CoreApi, DefaultModel, Enforcer, MgmtApi, StringAdapter};
use kernel::{Actor, Ctx, Denied, OrgRole, Permission, ProjectRole, Scope};

const MODEL: &str = include_str!("../../../../config/authz/model.conf");
const MATRIX: &str = include_str!("../../../../config/authz/matrix.txt");

/// To make, demote and remove owners.
const OWNERS: &str = "members.manage_owners";

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// casbin does not understand it.
    #[error("the policy in config/authz cannot be read: {0}")]
    Casbin(#[from] casbin::Error),
    /// The matrix has a line that does not fit.
    #[error("config/authz/matrix.txt cannot be read: {0}")]
    Matrix(String),
    /// It names what no crate declares.
    #[error("the policy in config/authz names what nobody declares: {}", .0.join(", "))]
    Unknown(Vec<String>),
}

/// The compiled policy. A check is one look-up, whatever the number of tenants, people and roles.
pub struct Policy {
    known: Vec<Permission>,
    table: RwLock<Arc<Table>>,
}

/// Permission → the roles that hold it, a bit each, and whether custom roles can.
type Table = HashMap<&'static str, u8>;

const fn org_bit(role: OrgRole) -> u8 {
    match role {
        OrgRole::Owner => 1,
        OrgRole::Admin => 1 << 1,
        OrgRole::Member => 1 << 2,
    }
}

/// Custom roles can hold it.
const ADDABLE: u8 = 1 << 5;

const fn project_bit(role: ProjectRole) -> u8 {
    match role {
        ProjectRole::ProjectOwner => 1 << 3,
        ProjectRole::InHouseUser => 1 << 4,
    }
}

/// Every role with its domain and its bit.
fn roles() -> impl Iterator<Item = (&'static str, &'static str, u8)> {
    let organization = OrgRole::ALL.iter().map(|role| (role.name(), "organization", org_bit(*role)));
    organization.chain(ProjectRole::ALL.iter().map(|role| (role.name(), "project", project_bit(*role))))
}

impl Policy {
    /// The policy of `config/authz`, built into this program. `known` holds `perm::ALL` of every api crate.
    ///
    /// # Errors
    /// If it names an unknown role, domain or permission, or casbin does not understand it.
    pub async fn embedded(known: &[&[Permission]]) -> Result<Self, PolicyError> {
        let held = matrix::held(MATRIX).map_err(PolicyError::Matrix)?;
        let names = |name: &str| known.iter().copied().flatten().any(|known| known.name() == name);
        let of_persons = wanting_persons().iter().filter(|name| !names(name));
        let of_persons = of_persons.map(|name| format!("the permission {name}, which wants a person"));
        let built_in = staying_built_in().iter().filter(|name| !names(name));
        let built_in = built_in.map(|name| format!("the permission {name}, which no custom role holds"));
        let by_factors = privileged().iter().filter(|name| !names(name));
        let by_factors = by_factors.map(|name| format!("the permission {name}, which wants a second factor"));
        let of_support = read_by_support().iter().filter(|name| !names(name));
        let of_support = of_support.map(|name| format!("the permission {name}, which support has"));
        let unknown: Vec<_> = of_persons.chain(built_in).chain(by_factors).chain(of_support).collect();
        if !unknown.is_empty() {
            return Err(PolicyError::Unknown(unknown));
        }
        let rows: Vec<_> = held.iter().map(|held| format!("p, {}, {}, {}", held.role, held.domain, held.permission)).collect();
        Self::load(MODEL, &rows.join("\n"), known).await
    }

    /// A policy given as casbin's model and policy texts.
    ///
    /// # Errors
    /// As [`Policy::embedded`].
    pub async fn load(model: &str, policy: &str, known: &[&[Permission]]) -> Result<Self, PolicyError> {
        let known = known.concat();
        let table = compile(model, policy, &known).await?;
        Ok(Self { known, table: RwLock::new(Arc::new(table)) })
    }

    /// Puts another policy in the place of this one, whole: checks see the old or the new, never a mixture.
    ///
    /// # Errors
    /// As [`Policy::embedded`]; then the old one stays.
    pub async fn replace(&self, policy: &str) -> Result<(), PolicyError> {
        let table = compile(MODEL, policy, &self.known).await?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        Ok(())
    }

    fn holders(&self, permission: Permission) -> u8 {
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(permission.name()).copied().unwrap_or(0)
    }

    /// Whether an organisation role holds a permission. For the matrix that people review.
    #[must_use]
    pub fn org_role_holds(&self, role: OrgRole, permission: Permission) -> bool {
        self.holders(permission) & org_bit(role) != 0
    }

    /// Whether a project role holds a permission. For the matrix that people review.
    #[must_use]
    pub fn project_role_holds(&self, role: ProjectRole, permission: Permission) -> bool {
        self.holders(permission) & project_bit(role) != 0
    }
}

/// Asks casbin once for every role × permission. It scans its policy row by row and evaluates an expression for each, so it is given, per
/// permission, the rows of that permission alone: the others cannot match (`r.act == p.act`).
async fn compile(model: &str, policy: &str, known: &[Permission]) -> Result<Table, PolicyError> {
    let mut enforcer = Enforcer::new(DefaultModel::from_str(model).await?, StringAdapter::new(policy)).await?;
    check_names(&enforcer, known)?;
    let rows = enforcer.get_policy();
    let mut table = Table::with_capacity(known.len());
    for permission in known {
        let its_own = rows.iter().filter(|row| row.get(2).is_some_and(|act| act == permission.name())).cloned().collect();
        // The inheritance of roles stays: casbin keeps it beside the rows.
        enforcer.get_mut_model().clear_policy();
        enforcer.get_mut_model().add_policies("p", "p", its_own);
        let mut holders = 0;
        for (role, domain, bit) in roles() {
            if enforcer.enforce((role, domain, permission.name()))? {
                holders |= bit;
            }
        }
        if holders & org_bit(OrgRole::Admin) != 0 && !stays_built_in(*permission) {
            holders |= ADDABLE;
        }
        table.insert(permission.name(), holders);
    }
    Ok(table)
}

/// Whether a person may in the session that they are in. Who the owners are is decided in sessions of their own alone: whoever runs the organisation's issuer
/// would else be rid of all who come in without it.
fn session_allows(ctx: &Ctx, permission: Permission) -> bool {
    !ctx.missing.own_session || permission.name() != OWNERS
}

fn check_names(enforcer: &Enforcer, known: &[Permission]) -> Result<(), PolicyError> {
    let is_role = |role: &str, domain: &str| roles().any(|(name, its_domain, _)| name == role && its_domain == domain);
    let mut unknown = Vec::new();
    for row in enforcer.get_policy() {
        match row.as_slice() {
            [role, domain, permission] => {
                if !is_role(role, domain) {
                    unknown.push(format!("the role {role} in the domain {domain}"));
                }
                if !known.iter().any(|known| known.name() == permission) {
                    unknown.push(format!("the permission {permission}"));
                }
            }
            row => unknown.push(format!("the row {row:?}")),
        }
    }
    for row in enforcer.get_grouping_policy() {
        match row.as_slice() {
            [role, inherited, domain] if is_role(role, domain) && is_role(inherited, domain) => {}
            row => unknown.push(format!("the inheritance {row:?}")),
        }
    }
    unknown.sort();
    unknown.dedup();
    if unknown.is_empty() { Ok(()) } else { Err(PolicyError::Unknown(unknown)) }
}

fn denied(permission: Permission, scope: Scope) -> Denied {
    let project = if let Scope::Project(project) = scope { Some(project) } else { None };
    Denied { permission, project }
}

/// What support has, it has in every project; no role of the organisation's gives or takes it.
fn support_check(permission: Permission, scope: Scope) -> Result<(), Denied> {
    if support_allows(permission) { Ok(()) } else { Err(denied(permission, scope)) }
}

/// Whether a custom role of the caller allows it: whatever stands in one, it allows nothing that none can hold.
fn adds(ctx: &Ctx, holders: u8, permission: Permission) -> bool {
    holders & ADDABLE != 0 && is_added(ctx, permission)
}

impl Authorizer for Policy {
    fn check(&self, ctx: &Ctx, permission: Permission, scope: Scope) -> Result<(), Denied> {
        let role = match ctx.actor {
            Actor::System => return Ok(()),
            Actor::Support(_) => return support_check(permission, scope),
            Actor::User(_, role) => role,
        };
        let holders = self.holders(permission);
        let in_project = |role: &ProjectRole| holders & project_bit(*role) != 0;
        let held = holders & org_bit(role) != 0
            || adds(ctx, holders, permission)
            || match scope {
                Scope::Organization => false,
                Scope::Project(project) => ctx.projects.get(&project).is_some_and(in_project),
                Scope::AnyProject => ctx.projects.values().any(in_project),
            };
        if held && key_allows(ctx, permission) && factor_allows(ctx, permission) && session_allows(ctx, permission) {
            if let Some(once) = &ctx.once {
                once.note_granted(permission, scope);
            }
            return Ok(());
        }
        Err(denied(permission, scope))
    }

    fn reach(&self, ctx: &Ctx, permission: Permission) -> Reach {
        let role = match ctx.actor {
            Actor::System => return Reach::All,
            Actor::Support(_) if support_allows(permission) => return Reach::All,
            Actor::Support(_) => return Reach::Teams(Vec::new()),
            Actor::User(_, role) => role,
        };
        if !(key_allows(ctx, permission) && factor_allows(ctx, permission)) {
            return Reach::Teams(Vec::new());
        }
        let holders = self.holders(permission);
        if holders & org_bit(role) != 0 || adds(ctx, holders, permission) {
            return Reach::All;
        }
        Reach::Teams(ProjectRole::ALL.iter().copied().filter(|role| holders & project_bit(*role) != 0).collect())
    }

    fn permissions(&self, ctx: &Ctx) -> Vec<Permission> {
        let holds = |permission: &Permission| match ctx.actor {
            Actor::System => true,
            Actor::Support(_) => support_allows(*permission),
            Actor::User(_, role) => {
                let holders = self.holders(*permission);
                let held = holders & org_bit(role) != 0 || adds(ctx, holders, *permission);
                held && key_allows(ctx, *permission) && factor_allows(ctx, *permission) && session_allows(ctx, *permission)
            }
        };
        let mut held: Vec<_> = self.known.iter().copied().filter(holds).collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    fn is_addable(&self, permission: Permission) -> bool {
        self.holders(permission) & ADDABLE != 0
    }
}
