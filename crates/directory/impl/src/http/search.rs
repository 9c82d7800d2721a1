//! `/scim/v2/.search`: users and groups together.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use directory_api::{DirectoryGroups, DirectoryUsers, Error, Filter, Found, Query};
use web::{Authed, Problem, Reply, ScimBody};

use super::documented::{FoundBody, SearchBody};
use super::query::Asked;
use super::shown::{Base, Shown};
use crate::scim::attributes::{Kind, member};

/// What a search says that it is.
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Search users and groups.
///
/// The users first, then the groups, the oldest of each first. What a filter asks for that only one of them has, the others have not.
#[utoipa::path(
    request_body(content = SearchBody, description = "What is looked for"),
    responses((status = 200, description = "Some of what is found, and how much there is", body = FoundBody))
)]
#[post("/scim/v2/.search")]
pub(super) async fn search(
    Authed(ctx): Authed,
    base: Data<Base>,
    users: Data<dyn DirectoryUsers>,
    groups: Data<dyn DirectoryGroups>,
    body: ScimBody,
) -> Result<HttpResponse, Problem> {
    let is_search = member(&body.0, "schemas").and_then(|schemas| schemas.as_array()).is_some_and(|schemas| {
        schemas.iter().any(|schema| schema.as_str().is_some_and(|schema| schema.eq_ignore_ascii_case(SEARCH)))
    });
    if !is_search {
        return Err(Error::InvalidSyntax(format!("a search says so: `schemas` must have {SEARCH:?}")).into());
    }
    let asked = Asked::said(&body.0)?;
    let (of_users, of_groups) = of_both(&asked)?;
    let Found { total, items } = users.list(&ctx, &of_users).await?;
    let mut told: Vec<_> = items.iter().map(|user| Shown::user(&base, user).wanted(&asked.wanted)).collect();
    let left = of_users.count.saturating_sub(u32::try_from(told.len()).unwrap_or(u32::MAX));
    let behind = Query { skip: of_groups.skip.saturating_sub(total), count: left, ..of_groups };
    let found = groups.groups(&ctx, &behind).await?;
    told.extend(found.items.iter().map(|group| Shown::group(&base, group).wanted(&asked.wanted)));
    Ok(Reply::ok(&asked.list(total + found.total, told)).scim().response())
}

/// What is asked of each kind: what a filter asks for that only the other one has, none of these has. What neither has is a mistake.
fn of_both(asked: &Asked) -> Result<(Query, Query), Error> {
    let none =
        |asked: &Asked| Query { filter: Some(Filter::Nothing), skip: asked.start - 1, count: asked.count, with_members: false };
    match (asked.query(Kind::User), asked.query(Kind::Group)) {
        (Ok(users), Ok(groups)) => Ok((users, groups)),
        (Ok(users), Err(_)) => Ok((users, none(asked))),
        (Err(_), Ok(groups)) => Ok((none(asked), groups)),
        (Err(why), Err(_)) => Err(why),
    }
}
