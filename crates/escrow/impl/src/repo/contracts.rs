//! Contracts and their signatures.

use std::collections::HashMap;

use db::prelude::*;
use diesel::dsl::exists;
use escrow_api::{Contract, ContractId, ContractStatus, Error, Hold, Party, Signature};
use kernel::{Fault, OrgId, Page, PageRequest, Position, Timestamp, UserId};
use uuid::Uuid;

pub(crate) use super::rows::Visible;
use super::rows::{ContractRow, stored};
use super::{Reader, milestones, payees, terminations};
use crate::model::stored::{Activation, StoredContract};
use crate::schema::{contract_signatures, contracts, ledger_balances, payments, releases};

pub(crate) async fn row(mut pg: Reader<'_>, id: ContractId) -> Result<StoredContract, Error> {
    let row: ContractRow = contracts::table
        .filter(contracts::id.eq(id.0))
        .select(ContractRow::as_select())
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("contract"))?;
    Ok(row.try_into()?)
}

/// Locks a contract: either party may, which is found first, and locked where its owner's rows are.
pub(crate) async fn lock(tx: &mut Tx, id: ContractId) -> Result<StoredContract, Error> {
    let owner = row(super::reader(tx), id).await?.owner;
    let row: ContractRow = contracts::table
        .find((owner.0, id.0))
        .select(ContractRow::as_select())
        .for_update()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("contract"))?;
    Ok(row.try_into()?)
}

/// Keeps a contract as it is until the commit, without standing in the way of others who do the same.
pub(crate) async fn lock_shared(tx: &mut Tx, owner: OrgId, id: ContractId) -> Result<StoredContract, Error> {
    let row: ContractRow = contracts::table
        .find((owner.0, id.0))
        .select(ContractRow::as_select())
        .for_share()
        .first(tx.pg())
        .await
        .not_found(|| Error::NotFound("contract"))?;
    Ok(row.try_into()?)
}

pub(crate) async fn document(mut pg: Reader<'_>, contract: &StoredContract) -> Result<String, Error> {
    contracts::table
        .find((contract.owner.0, contract.id.0))
        .select(contracts::document)
        .first(&mut pg)
        .await
        .not_found(|| Error::NotFound("contract"))
}

pub(crate) async fn page(mut pg: Reader<'_>, visible: &Visible, page: PageRequest) -> Result<Page<StoredContract>, Fault> {
    let mut query = contracts::table.select(ContractRow::as_select()).into_boxed();
    let (own, theirs) = (contracts::org_id.eq(visible.org.0), contracts::contractor_org_id.eq(visible.org.0));
    query = match (visible.projects(), visible.as_contractor) {
        (None, true) => query.filter(own.or(theirs)),
        (None, false) => query.filter(own),
        (Some(projects), true) => query.filter(own.and(contracts::project_id.eq_any(projects)).or(theirs)),
        (Some(projects), false) => query.filter(own.and(contracts::project_id.eq_any(projects))),
    };
    query = db::after!(query, page, contracts::created_at, contracts::id);
    let rows: Vec<ContractRow> =
        query.order((contracts::created_at.desc(), contracts::id.desc())).limit(page.fetch()).load(&mut pg).await.fault()?;
    Ok(Page::cut(stored(rows)?, page, |row: &StoredContract| Position { created_at: row.created_at, id: row.id.0 }))
}

/// The contracts as parties are shown them, with milestones and signatures.
pub(crate) async fn views(mut pg: Reader<'_>, rows: Vec<StoredContract>) -> Result<Vec<Contract>, Fault> {
    let (owners, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().map(|row| (row.owner.0, row.id.0)).unzip();
    let signed: Vec<(Uuid, String, Uuid, Timestamp)> = contract_signatures::table
        .filter(contract_signatures::org_id.eq_any(&owners).and(contract_signatures::contract_id.eq_any(&ids)))
        .select((
            contract_signatures::contract_id,
            contract_signatures::party,
            contract_signatures::user_id,
            contract_signatures::signed_at,
        ))
        .order((contract_signatures::contract_id, contract_signatures::signed_at))
        .load(&mut pg)
        .await
        .fault()?;
    let mut milestones_of: HashMap<Uuid, Vec<_>> = HashMap::new();
    for milestone in milestones::views(pg, milestones::of_contracts(pg, &owners, &ids).await?).await? {
        milestones_of.entry(milestone.contract.0).or_default().push(milestone);
    }
    let still = payees::without(pg, &owners, &ids).await?;
    let mut terminations = terminations::of(pg, &owners, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let status = if still.contains(&row.id.0) { ContractStatus::Suspended } else { row.status };
            let signatures = signed.iter().filter(|(contract, ..)| *contract == row.id.0).map(|(_, party, user, signed_at)| {
                Ok(Signature { party: db::named::<Party>(party)?, user: UserId(*user), signed_at: *signed_at })
            });
            let milestones: Vec<escrow_api::Milestone> = milestones_of.remove(&row.id.0).unwrap_or_default();
            // A hold on the contract covers each of its milestones.
            let all = milestones.iter().take(1).flat_map(|first| first.holds.iter().filter(|hold| hold.whole_contract));
            let holds: Vec<Hold> = all.cloned().collect();
            Ok(Contract {
                id: row.id,
                owner: row.owner,
                contractor: row.contractor,
                project: row.project,
                tender: row.tender,
                bid: row.bid,
                total: row.total,
                status,
                terms: row.terms,
                signatures: signatures.collect::<Result<_, Fault>>()?,
                milestones,
                holds,
                title: row.title,
                document_sha256: row.document_sha256,
                cancel_reason: row.cancel_reason,
                termination: terminations.remove(&row.id.0),
                activated_at: row.activated_at,
                completed_at: row.completed_at,
                created_at: row.created_at,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

pub(crate) async fn view(pg: Reader<'_>, id: ContractId) -> Result<Contract, Error> {
    let row = row(pg, id).await?;
    views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("contract"))
}

/// Who signed so far.
pub(crate) async fn signers(mut pg: Reader<'_>, contract: &StoredContract) -> Result<Vec<(Party, UserId)>, Fault> {
    let rows: Vec<(String, Uuid)> = contract_signatures::table
        .filter(contract_signatures::org_id.eq(contract.owner.0).and(contract_signatures::contract_id.eq(contract.id.0)))
        .select((contract_signatures::party, contract_signatures::user_id))
        .load(&mut pg)
        .await
        .fault()?;
    rows.into_iter().map(|(party, user)| Ok((db::named::<Party>(&party)?, UserId(user)))).collect()
}

/// Signs for the transaction's organisation and person, by the platform's function.
pub(crate) async fn sign(tx: &mut Tx, contract: &StoredContract, sha256: &str) -> Result<(), Error> {
    diesel::sql_query("select app.sign_contract($1, $2, $3)")
        .bind::<diesel::sql_types::Uuid, _>(contract.owner.0)
        .bind::<diesel::sql_types::Uuid, _>(contract.id.0)
        .bind::<diesel::sql_types::Text, _>(sha256)
        .execute(tx.pg())
        .await
        .on_constraint("contract_signatures_org_id_contract_id_user_id_key", || Error::SamePerson)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Outcome {
    #[diesel(sql_type = diesel::sql_types::Text)]
    outcome: String,
}

/// Puts the contract into force if everything is there, and publishes [`escrow_api::ContractActivated`]; says what came of it.
pub(crate) async fn activate(tx: &mut Tx, contract: &StoredContract, event: Uuid, request: &str) -> Result<Activation, Fault> {
    let row: Outcome = diesel::sql_query("select app.activate_contract($1, $2, $3, $4) as outcome")
        .bind::<diesel::sql_types::Uuid, _>(contract.owner.0)
        .bind::<diesel::sql_types::Uuid, _>(contract.id.0)
        .bind::<diesel::sql_types::Uuid, _>(event)
        .bind::<diesel::sql_types::Text, _>(request)
        .get_result(tx.pg())
        .await
        .fault()?;
    db::named(&row.outcome)
}

pub(crate) async fn cancel(tx: &mut Tx, contract: &StoredContract, reason: &str) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(contracts::table.find((contract.owner.0, contract.id.0)))
        .set((
            contracts::status.eq(ContractStatus::Cancelled.name()),
            contracts::cancel_reason.eq(reason),
            contracts::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

pub(crate) async fn complete(tx: &mut Tx, contract: &StoredContract) -> Result<(), Fault> {
    let at = db::touched(tx).await?;
    diesel::update(contracts::table.find((contract.owner.0, contract.id.0)))
        .set((
            contracts::status.eq(ContractStatus::PracticallyComplete.name()),
            contracts::completed_at.eq(at),
            contracts::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Whether money of a contract is held, reserved, in suspense or still on its way: a liability of its ledger is not zero, or a payment or a
/// release of it is not at its end.
pub(crate) async fn has_open_money(mut pg: Reader<'_>, owner: OrgId, id: ContractId) -> Result<bool, Fault> {
    let owed = ledger_balances::table
        .filter(ledger_balances::org_id.eq(owner.0).and(ledger_balances::contract_id.eq(id.0)))
        .filter(ledger_balances::account.between(2000_i16, 2099_i16))
        .filter(ledger_balances::balance.ne(0));
    let coming = payments::table
        .filter(payments::org_id.eq(owner.0).and(payments::contract_id.eq(id.0)))
        .filter(payments::status.eq_any(["created", "requires_action", "processing", "succeeded"]));
    let leaving = releases::table.filter(releases::org_id.eq(owner.0).and(releases::contract_id.eq(id.0))).filter(
        releases::status
            .eq_any(["requested", "approved", "sending", "unknown"])
            .or(releases::reversed.gt(releases::reversal_settled)),
    );
    diesel::select(exists(owed).or(exists(coming)).or(exists(leaving))).get_result(&mut pg).await.fault()
}
