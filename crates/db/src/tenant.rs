//! Who a transaction runs for, and how it enters.

use kernel::{Ctx, RequestId, UserId};

/// Who a transaction runs for.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) org: kernel::OrgId,
    pub(crate) user: Option<UserId>,
    pub(crate) request: RequestId,
}

impl Tenant {
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self { org: ctx.org, user: ctx.user_id(), request: ctx.request.clone() }
    }

    /// `SELECT app.enter(…)`. Both values are typed ids, so there is nothing to escape.
    pub(crate) fn enter_sql(&self) -> String {
        match self.user {
            Some(user) => format!("SELECT app.enter('{}', '{user}')", self.org),
            None => format!("SELECT app.enter('{}', NULL)", self.org),
        }
    }
}
