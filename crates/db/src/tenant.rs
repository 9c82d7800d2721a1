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

    /// What `app.enter` does, without its call, which takes longer than the rest of entering and ending (decision 51): at the beginning of a transaction
    /// nobody is entered yet. `app.enter` refuses whoever would be entered after it. Both values are typed ids, so there is nothing to escape.
    pub(crate) fn enter_sql(&self) -> String {
        let user = self.user.map(|user| user.to_string()).unwrap_or_default();
        format!("SET LOCAL app.org_id = '{}'; SET LOCAL app.user_id = '{user}'", self.org)
    }
}
