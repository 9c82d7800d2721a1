//! What ties a person of the owner to bidders: asked of the platform, for a tenant does not see another one's members.

use db::prelude::*;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use kernel::{BidId, Fault, OrgId, TenderId, UserId};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

async fn ask(tx: &mut Tx, sql: &str, org: OrgId, about: Uuid, person: UserId) -> Result<bool, Fault> {
    let query = diesel::sql_query(sql).bind::<SqlUuid, _>(org.0).bind::<SqlUuid, _>(about).bind::<SqlUuid, _>(person.0);
    let answer: Answer = query.get_result(tx.pg()).await.fault()?;
    Ok(answer.yes)
}

/// Whether a person of the tenant acts for any bidder of its tender. To be a member is not enough: a bidder could make every evaluator one.
pub async fn acts_for_a_bidder(tx: &mut Tx, org: OrgId, tender: TenderId, person: UserId) -> Result<bool, Fault> {
    ask(tx, "select app.acts_for_a_bidder($1, $2, $3) as yes", org, tender.0, person).await
}

/// Whether a person of the tenant is a member of the bidder of an opened bid.
pub async fn is_of_the_bidder(tx: &mut Tx, org: OrgId, bid: BidId, person: UserId) -> Result<bool, Fault> {
    ask(tx, "select app.is_of_the_bidder($1, $2, $3) as yes", org, bid.0, person).await
}
