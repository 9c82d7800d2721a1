//! What binds an organisation: its contracts, and of a complete one the money alone.

use escrow_api::{Contracts, PaymentProvider, Payments, TransferOrder};
use kernel::{Ctx, OrgId, RequestId};
use users_api::Obligations;

use crate::world::{World, ada, eur};

async fn bonds(world: &World, org: OrgId) -> usize {
    let ctx = Ctx::system(org, RequestId::generate());
    Obligations::of(&*world.service, &ctx).await.expect("tells").len()
}

#[tokio::test]
async fn a_complete_contract_binds_its_parties_only_while_money_of_it_is_open() {
    let world = World::new().await;
    let (contract, funding) = world.approved().await;
    let both = async || (bonds(&world, world.owner.org).await, bonds(&world, world.contractor.org).await);
    assert_eq!(both().await, (1, 1), "active");
    let release = world.service.release(&world.owner.ctx(), funding.payment.id).await.expect("releases").release.id;
    world.work().await;
    assert_eq!(both().await, (1, 1), "still active, whatever was paid");
    world.service.complete(&world.owner.ctx(), contract.id).await.expect("completes");
    assert_eq!(both().await, (0, 0), "nothing is left to do");

    let first = world.provider.transfers()[0].clone();
    world.provider.change_transfer(&first.id, |changed| changed.reversed = eur(400_000));
    let job = escrow::jobs::SyncTransfer { org: world.owner.org, release, transfer: first.id.clone() };
    world.service.sync_transfer(job).await.expect("syncs");
    assert_eq!(both().await, (1, 1), "money came back");
    let order = TransferOrder {
        amount: eur(400_000),
        destination: first.destination,
        transfer_group: "by hand".to_owned(),
        source_charge: None,
        metadata: Vec::new(),
        idempotency_key: "by hand".to_owned(),
    };
    let paid = world.provider.create_transfer(&order).await.expect("is made").id;
    world.service.settle_reversal(release, &escrow::Settlement::PaidWith(paid), &ada()).await.expect("settles");
    assert_eq!(both().await, (0, 0));
    // Its contractor's account is closed later on: shown as suspended, it is complete all the same.
    world.db.run_sql("update payee_accounts set status = 'closed'").await;
    let shown = Contracts::get(&*world.service, &world.owner.ctx(), contract.id).await.expect("reads");
    assert_eq!(shown.status.name(), "suspended");
    assert_eq!(both().await, (0, 0));
}
