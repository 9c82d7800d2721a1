//! Registering with an address while its owner proves it.

use db::prelude::*;
use kernel::Fault;
use serde_json::json;
use testkit::until;
use tokio::sync::Notify;

use crate::scenery::{PASSWORD, scene};

#[actix_web::test]
async fn an_address_that_is_proven_while_somebody_registers_with_it_is_given_no_password() {
    let (db, replica) = scene().await;
    // Somebody whose address is not proven and who has no password, such as a member from before invitations waited for who proves theirs.
    replica.register("ada").await;
    db.run_sql("delete from credentials").await;
    let (proven, go, system) = (Notify::new(), Notify::new(), db.system_uow());
    let proving = system.write(async |tx| {
        let sql = "update users set email_verified = true where email = 'ada@example.com'";
        diesel::sql_query(sql).execute(tx.pg()).await.fault()?;
        proven.notify_one();
        go.notified().await;
        Ok::<_, Fault>(())
    });
    // Its first look finds the address unproven, as that is not committed yet.
    let registering = async {
        proven.notified().await;
        let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Eve", "organizationName": "Works" });
        replica.post("/api/auth/register", None, body).await
    };
    let waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let letting_go = async {
        until("the registration waits for the person", async || (!db.query(waiting).await.is_empty()).then_some(())).await;
        go.notify_one();
    };
    let (done, refused, ()) = futures::join!(proving, registering, letting_go);
    done.unwrap();
    assert_eq!(refused.refusal(), (409, "EMAIL_TAKEN"));
    assert_eq!(db.query("select count(*) from credentials").await, ["0"], "no stranger's");
    assert_eq!(db.query("select name from users").await, ["ada"], "nor a stranger's name");
}
