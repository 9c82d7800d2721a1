//! What custom roles add to a context: the permissions that they name, as far as custom roles can hold them.

use kernel::{AddedPermissions, Ctx, Permission};

/// Whether a custom role of the caller names the permission.
#[must_use]
pub fn is_added(ctx: &Ctx, permission: Permission) -> bool {
    ctx.added.iter().any(|name| name == permission.name())
}

/// The same context without what custom roles allow, and without a key of idempotency: what the built-in roles alone allow is asked of it.
#[must_use]
pub fn without_added(ctx: &Ctx) -> Ctx {
    Ctx { added: AddedPermissions::default(), once: None, ..ctx.clone() }
}
