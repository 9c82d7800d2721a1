//! Payee accounts and their trail.

use escrow_api::Payees;
use escrow_api::fake::Mishap;
use serde_json::{Value, json};

use crate::world::World;

fn changes(world: &World) -> Vec<(Option<Value>, Option<Value>)> {
    let entries = world.trail.0.lock().expect("not poisoned");
    let changed = entries.iter().filter(|entry| entry.action == "payee_account.changed");
    changed.map(|entry| (entry.before.clone(), entry.after.clone())).collect()
}

#[tokio::test]
async fn an_account_is_on_record_from_the_moment_it_is_kept_and_so_is_every_change() {
    let world = World::new().await;
    world.provider.mishaps("onboarding_link", [Mishap::Unavailable]);
    world.service.onboard(&world.contractor.ctx()).await.expect_err("no link");
    let account = world.db.query("select account from payee_accounts").await.remove(0);
    let made = (
        Some(json!({ "status": "onboarding", "account": null })),
        Some(json!({ "status": "onboarding", "account": account, "disabledReason": null })),
    );
    assert_eq!(changes(&world), [made]);

    world.service.onboard(&world.contractor.ctx()).await.expect("onboards");
    assert_eq!(changes(&world).len(), 1, "nothing changed");
    world.db.run_sql("update payee_accounts set status = 'restricted'").await;
    world.provider.complete_onboarding(&account);
    world.service.onboard(&world.contractor.ctx()).await.expect("is told");
    let active = (
        Some(json!({ "status": "restricted", "account": account })),
        Some(json!({ "status": "active", "account": account, "disabledReason": null })),
    );
    assert_eq!(changes(&world)[1..], [active]);
}
