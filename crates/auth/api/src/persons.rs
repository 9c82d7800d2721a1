//! What wants a natural person: `config/authz/persons.txt`. An API key is none.

use std::sync::LazyLock;

use kernel::{Ctx, Permission};

static PERSONS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../../config/authz/persons.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Every permission that wants a natural person, by name.
#[must_use]
pub fn wanting_persons() -> &'static [&'static str] {
    &PERSONS
}

/// Whether only a natural person uses this permission.
#[must_use]
pub fn needs_person(permission: Permission) -> bool {
    PERSONS.contains(&permission.name())
}

/// Whether the API key of the context, if it acts by one, was given the permission.
#[must_use]
pub fn key_allows(ctx: &Ctx, permission: Permission) -> bool {
    ctx.key.as_ref().is_none_or(|key| !needs_person(permission) && key.scopes.iter().any(|scope| scope == permission.name()))
}
