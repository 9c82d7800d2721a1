//! How support ends, whatever ends it: the consent with every session by it, each in the trail with what it asked for.

use audit_api::{Audit, NewEntry};
use auth_api::{SecurityEventKind, SupportEnd};
use kernel::{Ctx, Fault, Operator, Timestamp};
use serde_json::{Map, Value, json};
use uow::Tx;

use crate::repo::support::{Asked, EndedSession, Open};
use crate::security_event::{Origin, Whose};
use crate::{repo, security};

/// Ends a consent that is locked and open in the context's organisation, and every session by it. Done by whoever the context is of.
pub(crate) async fn end_consent_in(
    tx: &mut Tx,
    audit: &dyn Audit,
    ctx: &Ctx,
    open: &Open,
    (at, why): (Timestamp, SupportEnd),
) -> Result<(), Fault> {
    repo::support::end_consent(tx, ctx.org, open.id, (at, why)).await?;
    let action = if why == SupportEnd::Over { "support_access.lapse" } else { "support_access.revoke" };
    let entry = NewEntry::named(action, "support_consent", open.id).after(json!({ "endedFor": why.name() }));
    audit.record_in(tx, ctx, entry).await?;
    for ended in repo::support::end_sessions(tx, ctx.org, (at, why)).await? {
        record_end_in(tx, audit, ctx, (&ended, why), None).await?;
    }
    Ok(())
}

/// Records that a session has ended, with how often it asked for what; `by` is the operator who ended it, if one did.
pub(crate) async fn record_end_in(
    tx: &mut Tx,
    audit: &dyn Audit,
    ctx: &Ctx,
    (ended, why): (&EndedSession, SupportEnd),
    by: Option<&Operator>,
) -> Result<(), Fault> {
    let asked = repo::support::asked(tx, ctx.org, ended.id).await?;
    let mut after = json!({
        "operator": ended.operator, "endedFor": why.name(), "reads": by_route(&asked, false), "refusals": by_route(&asked, true)
    });
    if let Some(by) = by {
        after["endedBy"] = json!(by.as_str());
    }
    audit.record_in(tx, ctx, NewEntry::named("support_access.end", "support_session", ended.id).after(after)).await?;
    let (whose, origin) = (Whose { user: None, org: Some(ctx.org) }, Origin { request: &ctx.request, address: None });
    security::note_in(tx, SecurityEventKind::SupportSessionEnded, whose, &origin).await
}

fn by_route(asked: &[Asked], refused: bool) -> Map<String, Value> {
    let those = asked.iter().filter(|asked| asked.refused == refused);
    those.map(|asked| (asked.route.clone(), json!(asked.times))).collect()
}
