//! Rules of custom roles, pure.

use std::collections::BTreeSet;

use auth_api::needs_person;
use kernel::{FieldFault, OrgRole, Permission, ProjectRole, UserId, text};
use tenants_api::{CustomRole, CustomRoleDetails, CustomRoleId, GivenChange, GivenRole, NewCustomRole};
use users_api::{Error, HeldRole, MemberRoles};

/// So many permissions a role holds at most.
const MOST_PERMISSIONS: usize = 100;

/// A permission that there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) permission: Permission,
    /// Whether a custom role can hold it.
    pub(super) is_addable: bool,
}

/// A change of a member's roles that changes nothing.
pub(super) const NOTHING: GivenChange<'static> = GivenChange { given: Vec::new(), taken: Vec::new(), confirmed: Vec::new() };

/// A new role, tidied. What a built-in role is called is taken.
pub(super) fn checked_new(new: NewCustomRole, known: &[Known]) -> Result<NewCustomRole, Error> {
    let mut faults = Vec::new();
    if !is_slug(&new.slug) {
        let detail = "must be 2 to 40 small letters, digits and _, a letter first";
        faults.push(FieldFault::new("/slug", "INVALID_FORMAT", detail));
    }
    let details = tidied(new.details, known, &mut faults);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if OrgRole::from_name(&new.slug).is_some() || ProjectRole::from_name(&new.slug).is_some() {
        return Err(Error::RoleSlugTaken);
    }
    Ok(NewCustomRole { slug: new.slug, details })
}

fn is_slug(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What is to become of a role, tidied: its permissions in their order, each once.
pub(super) fn checked_details(details: CustomRoleDetails, known: &[Known]) -> Result<CustomRoleDetails, Error> {
    let mut faults = Vec::new();
    let details = tidied(details, known, &mut faults);
    if faults.is_empty() { Ok(details) } else { Err(Error::Invalid(faults)) }
}

/// Names of permissions that a role shall hold, checked as when it is saved.
pub(super) fn checked_permissions(permissions: Vec<String>, known: &[Known]) -> Result<Vec<String>, Error> {
    let mut faults = Vec::new();
    let permissions = in_order(permissions, known, &mut faults);
    if faults.is_empty() { Ok(permissions) } else { Err(Error::Invalid(faults)) }
}

fn tidied(details: CustomRoleDetails, known: &[Known], faults: &mut Vec<FieldFault>) -> CustomRoleDetails {
    let name = text::line(&details.name, 100).unwrap_or_else(|flaw| {
        faults.push(flaw.at("/name"));
        String::new()
    });
    let description = text::optional_prose(Some(&details.description), 500).unwrap_or_else(|flaw| {
        faults.push(flaw.at("/description"));
        None
    });
    let permissions = in_order(details.permissions, known, faults);
    CustomRoleDetails { name, description: description.unwrap_or_default(), permissions }
}

fn in_order(permissions: Vec<String>, known: &[Known], faults: &mut Vec<FieldFault>) -> Vec<String> {
    if permissions.is_empty() {
        faults.push(FieldFault::new("/permissions", "TOO_FEW", "must be at least one permission"));
    }
    if permissions.len() > MOST_PERMISSIONS {
        faults.push(FieldFault::new("/permissions", "TOO_MANY", format!("must be at most {MOST_PERMISSIONS} permissions")));
        return Vec::new();
    }
    for (index, name) in permissions.iter().enumerate() {
        let found = known.iter().find(|known| known.permission.name() == name);
        let fault = match found {
            None => ("NOT_ONE_OF", "is no permission: GET /api/authz/permissions lists them"),
            Some(known) if known.is_addable => continue,
            Some(known) if needs_person(known.permission) => {
                ("PERSON_REQUIRED", "wants a person's word and stays with the built-in roles")
            }
            Some(_) => ("BUILT_IN_ONLY", "stays with the built-in roles"),
        };
        faults.push(FieldFault::new(format!("/permissions/{index}"), fault.0, fault.1));
    }
    permissions.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a change would change nothing.
pub(super) fn is_so_already(role: &CustomRole, details: &CustomRoleDetails) -> bool {
    (&role.name, &role.description, &role.permissions) == (&details.name, &details.description, &details.permissions)
}

/// What a member is, by the roles that there are.
pub(super) fn member_roles(user: UserId, built_in: OrgRole, all: &[CustomRole], given: &[GivenRole]) -> MemberRoles {
    // `all` is in the order of slugs.
    let custom = all.iter().filter_map(|role| {
        let given = *given.iter().find(|given| given.role == role.id)?;
        Some(HeldRole { given, slug: role.slug.clone(), name: role.name.clone() })
    });
    MemberRoles { user, built_in, custom: custom.collect() }
}

/// What a member's roles are called.
pub(super) fn slugs(roles: &MemberRoles) -> Vec<&str> {
    roles.custom.iter().map(|held| held.slug.as_str()).collect()
}

/// What changes if a member has these roles and no other from now on. A role of another organisation is none.
pub(super) fn change_of<'a>(
    all: &'a [CustomRole],
    before: &MemberRoles,
    wanted: &[CustomRoleId],
    confirms: bool,
) -> Result<GivenChange<'a>, Error> {
    let unknown = |(index, _): (usize, &CustomRoleId)| {
        FieldFault::new(format!("/roles/{index}"), "NOT_ONE_OF", "is no custom role of this organisation")
    };
    let faults: Vec<FieldFault> =
        wanted.iter().enumerate().filter(|(_, id)| !all.iter().any(|role| role.id == **id)).map(unknown).collect();
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let has = |id: CustomRoleId| before.custom.iter().any(|held| held.given.role == id);
    let ids = all.iter().map(|role| role.id).filter(|id| wanted.contains(id));
    let (had, given): (Vec<_>, Vec<_>) = ids.partition(|id| has(*id));
    let taken = all.iter().filter(|role| has(role.id) && !wanted.contains(&role.id)).collect();
    Ok(GivenChange { given, taken, confirmed: if confirms { had } else { Vec::new() } })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics says where")]
mod tests {
    use super::*;

    fn known() -> Vec<Known> {
        [("a.read", true), ("b.write", true), ("members.manage", false), ("payee_account.read", false)]
            .map(|(name, is_addable)| Known { permission: Permission(name), is_addable })
            .to_vec()
    }

    fn new(slug: &str, permissions: &[&str]) -> NewCustomRole {
        let permissions = permissions.iter().map(|name| (*name).to_owned()).collect();
        let details = CustomRoleDetails { name: " Site manager ".into(), description: "  ".into(), permissions };
        NewCustomRole { slug: slug.into(), details }
    }

    fn codes(new: NewCustomRole) -> Vec<String> {
        match checked_new(new, &known()) {
            Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect(),
            Err(error) => vec![error.to_string()],
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn a_role_is_kept_in_one_form() {
        let details = checked_new(new("site_manager", &["b.write", "a.read", "b.write"]), &known()).unwrap().details;
        assert_eq!((details.name.as_str(), details.description.as_str()), ("Site manager", ""));
        assert_eq!(details.permissions, ["a.read", "b.write"]);
    }

    #[test]
    fn what_a_role_cannot_be_is_told_with_its_place() {
        assert_eq!(codes(new("Site", &[])), ["/slug INVALID_FORMAT", "/permissions TOO_FEW"]);
        let wrong = ["a.read", "c.read", "members.manage", "payee_account.read"];
        let expected = ["/permissions/1 NOT_ONE_OF", "/permissions/2 PERSON_REQUIRED", "/permissions/3 BUILT_IN_ONLY"];
        assert_eq!(codes(new("site", &wrong)), expected);
        assert_eq!(codes(new("site", &["a.read"; 101])), ["/permissions TOO_MANY"]);
        for slug in ["owner", "project_owner"] {
            assert_eq!(codes(new(slug, &["a.read"])), ["a role of this organisation has this slug already"]);
        }
    }

    #[test]
    fn roles_are_given_and_taken_by_what_somebody_has() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let role = |slug: &str| CustomRole {
            id: CustomRoleId::new(),
            slug: slug.into(),
            name: slug.into(),
            description: String::new(),
            permissions: vec!["a.read".into()],
            created_at: at,
            updated_at: at,
        };
        let all = [role("a"), role("b"), role("c")];
        let given = [&all[0], &all[1]].map(|role| GivenRole { role: role.id, by: None, at });
        let before = member_roles(UserId::new(), OrgRole::Member, &all, &given);
        assert_eq!(slugs(&before), ["a", "b"]);
        let change = change_of(&all, &before, &[all[2].id, all[0].id], true).unwrap();
        assert_eq!(change, GivenChange { given: vec![all[2].id], taken: vec![&all[1]], confirmed: vec![all[0].id] });
        assert_eq!(change_of(&all, &before, &[all[0].id, all[1].id], false).unwrap(), NOTHING);
        let Err(Error::Invalid(faults)) = change_of(&all, &before, &[all[0].id, CustomRoleId::new()], true) else {
            panic!("no such role")
        };
        assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/roles/1", "NOT_ONE_OF"));
    }
}
