//! What ties a person to the other party of a contract: asked of the platform, for a tenant does not see another one's members.

use db::prelude::*;
use kernel::{Fault, UserId};

use super::Reader;
use crate::model::stored::{StoredContract, Ties};

#[derive(QueryableByName)]
struct TiesRow {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    member: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    taken_up: bool,
}

/// What ties a person of the transaction's party to the other one.
pub(crate) async fn ties(mut pg: Reader<'_>, contract: &StoredContract, person: UserId) -> Result<Ties, Fault> {
    let row: TiesRow = diesel::sql_query("select member, taken_up from app.ties_to_other_party($1, $2, $3)")
        .bind::<diesel::sql_types::Uuid, _>(contract.owner.0)
        .bind::<diesel::sql_types::Uuid, _>(contract.id.0)
        .bind::<diesel::sql_types::Uuid, _>(person.0)
        .get_result(&mut pg)
        .await
        .fault()?;
    Ok(Ties { member: row.member, taken_up: row.taken_up })
}
