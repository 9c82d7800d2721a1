//! What ties a person to the other party of a contract: asked of the platform, for a tenant does not see another one's members.

use db::prelude::*;
use kernel::{Fault, UserId};

use super::Reader;
use super::contracts::ContractRow;

/// What ties somebody to the other party.
#[derive(QueryableByName)]
pub(crate) struct Ties {
    /// They are a member of it.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub(crate) member: bool,
    /// And have acted there. Any organisation can make anybody a member, so only this is held against them where it would gain by that.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub(crate) taken_up: bool,
}

/// What ties a person of the transaction's party to the other one.
pub(crate) async fn ties(mut pg: Reader<'_>, contract: &ContractRow, person: UserId) -> Result<Ties, Fault> {
    diesel::sql_query("select member, taken_up from app.ties_to_other_party($1, $2, $3)")
        .bind::<diesel::sql_types::Uuid, _>(contract.org_id)
        .bind::<diesel::sql_types::Uuid, _>(contract.id)
        .bind::<diesel::sql_types::Uuid, _>(person.0)
        .get_result(&mut pg)
        .await
        .fault()
}
