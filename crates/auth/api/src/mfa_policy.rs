//! For whom an organisation asks for a second factor, and what it asks one for.

use std::sync::LazyLock;

use kernel::{Ctx, Permission};

kernel::named! {
    /// For whom an organisation asks for a second factor.
    pub enum MfaPolicy {
        /// For nobody: whoever has one shows it all the same.
        Off = "off",
        /// For whoever approves, releases or manages members, and for what else is weighty.
        Privileged = "privileged",
        /// For everyone.
        Everyone = "everyone",
    }
}

impl MfaPolicy {
    /// Whether a person without a second factor may do what a permission allows.
    #[must_use]
    pub fn without_factor(self) -> fn(Permission) -> bool {
        match self {
            Self::Off => |_: Permission| true,
            Self::Privileged => |permission: Permission| !PRIVILEGED.contains(&permission.name()),
            Self::Everyone => |_: Permission| false,
        }
    }
}

static PRIVILEGED: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let lines = include_str!("../../../../config/authz/privileged.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// Every permission for which [`MfaPolicy::Privileged`] asks for a second factor, by name.
#[must_use]
pub fn privileged() -> &'static [&'static str] {
    &PRIVILEGED
}

/// Whether the permission is the context's as far as second factors go.
#[must_use]
pub fn factor_allows(ctx: &Ctx, permission: Permission) -> bool {
    ctx.missing.second_factor.is_none_or(|allows| allows(permission))
}
