//! A table to play with.

use db::fault_of;
use db::prelude::*;
use diesel_async::SimpleAsyncConnection;
use kernel::{Ctx, Fault, OrgId, OrgRole, ProjectRoles, RequestId, UserId};
use testkit::Database;

diesel::table! {
    notes (org_id, id) {
        org_id -> Uuid,
        id -> Integer,
        text -> Text,
    }
}

/// A database with a protected table `notes`.
pub async fn database() -> Database {
    let db = Database::fresh().await;
    db.run_sql(
        "set role build14_owner;
         create table notes (org_id uuid not null default app.org(), id integer not null, text text not null, primary key (org_id, id));
         call app.protect('notes');
         grant select, insert, update, delete on notes to build14_app",
    )
    .await;
    db
}

pub fn ctx() -> Ctx {
    Ctx::user(OrgId::new(), UserId::new(), OrgRole::Owner, ProjectRoles::default(), RequestId::generate())
}

/// Writes a note in the transaction's tenant.
pub async fn note(tx: &mut Tx, id: i32) -> Result<(), Fault> {
    run(tx, &format!("insert into notes (id, text) values ({id}, 'note {id}')")).await
}

/// Runs statements in the transaction.
pub async fn run(tx: &mut Tx, sql: &str) -> Result<(), Fault> {
    tx.pg().batch_execute(sql).await.map_err(fault_of)
}

/// The ids of the notes that the transaction sees.
pub async fn ids(tx: &ReadTx<'_>) -> Result<Vec<i32>, Fault> {
    notes::table.order(notes::id).select(notes::id).load(&mut tx.pg()).await.fault()
}
