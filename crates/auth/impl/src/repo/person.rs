//! The lock of a person. Runs as the platform.

use db::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;
use kernel::{Fault, UserId};

use crate::schema::credentials;

/// Makes the sign-ins and password changes of a person come one after another: each counts the sessions of those before, and sees the password
/// as it is now.
///
/// The person first, who is always there: whoever signs in without a password has no row of one that could be locked. So does everybody who locks both.
pub(crate) async fn lock_person(tx: &mut Tx, user: UserId) -> Result<Option<String>, Fault> {
    let person = diesel::sql_query("select id from users where id = $1 for no key update").bind::<SqlUuid, _>(user.0);
    person.execute(tx.pg()).await.fault()?;
    let query = credentials::table.find(user.0).for_no_key_update().select(credentials::password_hash);
    query.first(tx.pg()).await.optional().fault()
}
