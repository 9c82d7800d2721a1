//! No tenant, no rows; another tenant's rows, never.

use kernel::Fault;

use crate::scenery::{ctx, database, ids, note, run};

#[tokio::test]
async fn a_tenant_sees_and_touches_only_its_own_rows() {
    let db = database().await;
    let uow = db.uow();
    let (ours, theirs) = (ctx(), ctx());
    uow.write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    uow.write(&theirs, async |tx| note(tx, 2).await).await.expect("commits");
    assert_eq!(uow.read(&ours, async |tx| ids(tx).await).await.expect("reads"), [1]);
    assert_eq!(uow.read(&theirs, async |tx| ids(tx).await).await.expect("reads"), [2]);
    uow.write(&ours, async |tx| run(tx, "update notes set text = 'taken'; delete from notes where id = 2").await)
        .await
        .expect("touches nothing");
    assert_eq!(db.query("select text from notes order by id").await, ["taken", "note 2"]);
    let stolen = format!("insert into notes (org_id, id, text) values ('{}', 9, 'forged')", theirs.org);
    uow.write(&ours, async |tx| run(tx, &stolen).await).await.expect_err("a row of another tenant cannot be made");
}

#[tokio::test]
async fn without_a_tenant_nothing_is_visible() {
    let db = database().await;
    let ours = ctx();
    db.uow().write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    let door = uow::SystemUow::new(db.postgres());
    assert_eq!(door.read(async |tx| ids(tx).await).await.expect("reads"), [] as [i32; 0]);
    door.write(async |tx| note(tx, 2).await).await.expect_err("nobody's row cannot be made");
}

#[tokio::test]
async fn the_tenant_is_gone_when_the_transaction_ends() {
    let db = database().await;
    let uow = db.uow_with(|settings| settings.size = 1).await;
    let ours = ctx();
    uow.write(&ours, async |tx| note(tx, 1).await).await.expect("commits");
    uow.write(&ours, async |_| Err::<(), _>(Fault::internal("rolled back"))).await.expect_err("rolls back");
    // One connection in the pool: this one is the same that served the tenant.
    assert_eq!(uow.read(&ctx(), async |tx| ids(tx).await).await.expect("reads"), [] as [i32; 0]);
}
