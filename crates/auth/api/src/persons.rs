//! What wants a natural person: `config/authz/persons.txt`. An API key is none. And what no custom role holds: that, and `config/authz/built-in.txt`.

use std::sync::LazyLock;

use kernel::{Ctx, Permission};

static PERSONS: LazyLock<Vec<&str>> = LazyLock::new(|| lines(include_str!("../../../../config/authz/persons.txt")));
static BUILT_IN: LazyLock<Vec<&str>> = LazyLock::new(|| lines(include_str!("../../../../config/authz/built-in.txt")));

static DESCRIPTIONS: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = lines(include_str!("../../../../config/authz/permissions.txt")).into_iter();
    lines.filter_map(|line| line.split_once(' ')).map(|(name, words)| (name, words.trim())).collect()
});

/// The lines of a list that say something.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

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

/// What a permission allows, in words: `config/authz/permissions.txt`. Nothing of one that nobody described.
#[must_use]
pub fn described(permission: Permission) -> &'static str {
    DESCRIPTIONS.iter().find(|(name, _)| *name == permission.name()).map_or("", |(_, words)| *words)
}

/// Every permission that leads to more than itself, by name, so that no custom role holds it.
#[must_use]
pub fn staying_built_in() -> &'static [&'static str] {
    &BUILT_IN
}

/// Whether no custom role holds the permission, whatever administrators hold: a person's word is wanted, or it leads to more than itself.
#[must_use]
pub fn stays_built_in(permission: Permission) -> bool {
    needs_person(permission) || BUILT_IN.contains(&permission.name())
}

/// Whether the API key of the context, if it acts by one, was given the permission.
#[must_use]
pub fn key_allows(ctx: &Ctx, permission: Permission) -> bool {
    ctx.key.as_ref().is_none_or(|key| !needs_person(permission) && key.scopes.iter().any(|scope| scope == permission.name()))
}
