//! Payee accounts and the contract accounts: what decides whether money may go out.

use db::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use escrow_api::{AccountState, Payee, PayeeStatus, ReleaseId};
use kernel::{Fault, OrgId, Timestamp, UserId};
use serde_json::Value;
use uuid::Uuid;

use super::Reader;
use crate::model::stored::{StoredContract, StoredPayee};
use crate::schema::{escrow_accounts, payee_accounts, payee_accounts_retired};

#[derive(Queryable, Selectable)]
#[diesel(table_name = payee_accounts)]
struct PayeeRow {
    org_id: Uuid,
    account: Option<String>,
    status: String,
    requirements: Value,
    disabled_reason: Option<String>,
    updated_at: Timestamp,
    key_no: i32,
    looks: i32,
    next_look_at: Timestamp,
}

impl TryFrom<PayeeRow> for StoredPayee {
    type Error = Fault;

    fn try_from(row: PayeeRow) -> Result<Self, Fault> {
        Ok(Self {
            org: OrgId(row.org_id),
            account: row.account,
            status: db::named(&row.status)?,
            requirements: serde_json::from_value(row.requirements).map_err(Fault::internal)?,
            disabled_reason: row.disabled_reason,
            updated_at: row.updated_at,
            key_no: row.key_no,
            looks: row.looks,
            next_look_at: row.next_look_at,
        })
    }
}

/// The organisation's account; [`PayeeStatus::None`] if there is none.
pub(crate) async fn get(mut pg: Reader<'_>, org: OrgId) -> Result<Payee, Fault> {
    let row: Option<PayeeRow> =
        payee_accounts::table.find(org.0).select(PayeeRow::as_select()).first(&mut pg).await.optional().fault()?;
    let Some(row) = row else {
        return Ok(Payee { status: PayeeStatus::None, account: None, requirements: Vec::new(), disabled_reason: None });
    };
    Ok(StoredPayee::try_from(row)?.payee())
}

/// The organisation's account, which there is room for, locked.
pub(crate) async fn lock(tx: &mut Tx, org: OrgId) -> Result<StoredPayee, Fault> {
    let query = payee_accounts::table.find(org.0).select(PayeeRow::as_select()).for_update();
    let row: PayeeRow = query.first(tx.pg()).await.fault()?;
    row.try_into()
}

/// Makes room for the organisation's account.
pub(crate) async fn ensure(tx: &mut Tx, org: OrgId) -> Result<(), Fault> {
    diesel::insert_into(payee_accounts::table)
        .values(payee_accounts::org_id.eq(org.0))
        .on_conflict_do_nothing()
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Where an account stands, as the provider has it.
pub(crate) fn status_of(account: &AccountState) -> PayeeStatus {
    if account.transfers_active {
        PayeeStatus::Active
    } else if account.details_submitted {
        PayeeStatus::Restricted
    } else {
        PayeeStatus::Onboarding
    }
}

/// Takes over what the provider says of the organisation's account, which the caller has locked as `row`; an account once known never turns
/// into another.
pub(crate) async fn apply_account_state(
    tx: &mut Tx,
    row: &StoredPayee,
    account: &AccountState,
    looks: i32,
    next: Timestamp,
) -> Result<(), Fault> {
    if row.account.as_ref().is_some_and(|known| *known != account.id) {
        return Err(Fault::internal(format!("{} has another payee account than {}", row.org, account.id)));
    }
    let at = db::touched(tx).await?;
    diesel::update(payee_accounts::table.find(row.org.0))
        .set((
            payee_accounts::account.eq(&account.id),
            payee_accounts::status.eq(status_of(account).name()),
            payee_accounts::requirements.eq(serde_json::to_value(&account.requirements).map_err(Fault::internal)?),
            payee_accounts::disabled_reason.eq(account.disabled_reason.as_deref()),
            payee_accounts::looks.eq(looks),
            payee_accounts::looked_at.eq(at),
            payee_accounts::next_look_at.eq(next),
            payee_accounts::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// Plans the next look at the organisation's account, which the caller has locked as `row`.
pub(crate) async fn look_later(tx: &mut Tx, row: &StoredPayee, looks: i32, at: Timestamp) -> Result<(), Fault> {
    diesel::update(payee_accounts::table.find(row.org.0))
        .set((payee_accounts::looks.eq(looks), payee_accounts::next_look_at.eq(at)))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The provider does not know the account any more. Says whether that is news.
pub(crate) async fn close(tx: &mut Tx, org: OrgId, account: &str, reason: &str) -> Result<bool, Fault> {
    let at = db::touched(tx).await?;
    let closed = diesel::update(payee_accounts::table.find(org.0))
        .filter(payee_accounts::account.eq(account))
        .filter(payee_accounts::status.ne(PayeeStatus::Closed.name()))
        .set((
            payee_accounts::status.eq(PayeeStatus::Closed.name()),
            payee_accounts::disabled_reason.eq(reason),
            payee_accounts::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(closed == 1)
}

/// Gives up the closed account `row`, for good: the next one is made under the next key.
pub(crate) async fn retire(tx: &mut Tx, row: &StoredPayee, account: &str, by: Option<UserId>) -> Result<(), Fault> {
    diesel::insert_into(payee_accounts_retired::table)
        .values((
            payee_accounts_retired::org_id.eq(row.org.0),
            payee_accounts_retired::account.eq(account),
            payee_accounts_retired::reason.eq(row.disabled_reason.as_deref()),
            payee_accounts_retired::retired_by.eq(by.map(Uuid::from)),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    let at = db::touched(tx).await?;
    diesel::update(payee_accounts::table.find(row.org.0))
        .set((
            payee_accounts::account.eq(None::<String>),
            payee_accounts::status.eq(PayeeStatus::Onboarding.name()),
            payee_accounts::requirements.eq(Value::Array(Vec::new())),
            payee_accounts::disabled_reason.eq(None::<String>),
            payee_accounts::key_no.eq(row.key_no + 1),
            payee_accounts::looks.eq(0),
            payee_accounts::updated_at.eq(at),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

/// The accounts that the organisation had before.
pub(crate) async fn retired(mut pg: Reader<'_>, org: OrgId) -> Result<Vec<String>, Fault> {
    payee_accounts_retired::table
        .filter(payee_accounts_retired::org_id.eq(org.0))
        .select(payee_accounts_retired::account)
        .load(&mut pg)
        .await
        .fault()
}

/// The next key, where `spent` brings nothing more; another attempt may have moved on already. Gives back the one to use.
pub(crate) async fn next_key(tx: &mut Tx, org: OrgId, spent: i32) -> Result<i32, Fault> {
    diesel::update(payee_accounts::table.find(org.0))
        .filter(payee_accounts::key_no.eq(spent))
        .set(payee_accounts::key_no.eq(spent + 1))
        .execute(tx.pg())
        .await
        .fault()?;
    payee_accounts::table.find(org.0).select(payee_accounts::key_no).first(tx.pg()).await.fault()
}

#[derive(QueryableByName)]
struct SuspendedContractRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Which of the contracts, told with the owner of each, are suspended until their contractor has an account again.
pub(super) async fn without(mut pg: Reader<'_>, owners: &[Uuid], contracts: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let sql = "select c.id from unnest($1, $2) as c (org_id, id) where app.lacks_payee(c.org_id, c.id)";
    let still: Vec<SuspendedContractRow> = diesel::sql_query(sql)
        .bind::<Array<SqlUuid>, _>(owners)
        .bind::<Array<SqlUuid>, _>(contracts)
        .load(&mut pg)
        .await
        .fault()?;
    Ok(still.into_iter().map(|one| one.id).collect())
}

/// Whether a contract is suspended until its contractor has an account again.
pub(crate) async fn is_lacking(pg: Reader<'_>, contract: &StoredContract) -> Result<bool, Fault> {
    Ok(!without(pg, &[contract.owner.0], &[contract.id.0]).await?.is_empty())
}

#[derive(QueryableByName)]
struct PayeeOfContractRow {
    #[diesel(sql_type = Nullable<Text>)]
    account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

/// The account that the contractor of a contract is paid to, if it can be paid: told to both parties.
pub(crate) async fn payable(tx: &mut Tx, contract: &StoredContract) -> Result<Option<String>, Fault> {
    let told: Option<PayeeOfContractRow> = diesel::sql_query("select account, status from app.payee_of_contract($1, $2)")
        .bind::<SqlUuid, _>(contract.owner.0)
        .bind::<SqlUuid, _>(contract.id.0)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(told.filter(|told| told.status.as_deref() == Some(PayeeStatus::Active.name())).and_then(|told| told.account))
}

#[derive(QueryableByName)]
struct IsPayeesRow {
    #[diesel(sql_type = Bool)]
    is_payees: bool,
}

/// Whether the account is one that the contractor of the contract, which is in force, has or had.
pub(crate) async fn is_account_of(tx: &mut Tx, contract: &StoredContract, account: &str) -> Result<bool, Fault> {
    let told: IsPayeesRow = diesel::sql_query("select app.is_payees_account($1, $2, $3) as is_payees")
        .bind::<SqlUuid, _>(contract.owner.0)
        .bind::<SqlUuid, _>(contract.id.0)
        .bind::<Text, _>(account)
        .get_result(tx.pg())
        .await
        .fault()?;
    Ok(told.is_payees)
}

/// Whether the contract's contract account is active.
pub(crate) async fn escrow_is_active(tx: &mut Tx, contract: &StoredContract) -> Result<bool, Fault> {
    let status: Option<String> = escrow_accounts::table
        .filter(escrow_accounts::org_id.eq(contract.owner.0).and(escrow_accounts::contract_id.eq(contract.id.0)))
        .select(escrow_accounts::status)
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(status.as_deref() == Some("active"))
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    account: String,
}

/// Every account that the payee of a release has, or had; on `SystemUow`.
pub(crate) async fn accounts_of_release(tx: &ReadTx<'_>, owner: OrgId, release: ReleaseId) -> Result<Vec<String>, Fault> {
    let rows: Vec<AccountRow> = diesel::sql_query(
        "select a.account from releases r join payee_accounts a on a.org_id = r.contractor_org_id
         where r.org_id = $1 and r.id = $2 and a.account is not null
         union select o.account from releases r join payee_accounts_retired o on o.org_id = r.contractor_org_id
         where r.org_id = $1 and r.id = $2 order by account",
    )
    .bind::<SqlUuid, _>(owner.0)
    .bind::<SqlUuid, _>(release.0)
    .load(&mut tx.pg())
    .await
    .fault()?;
    Ok(rows.into_iter().map(|row| row.account).collect())
}
