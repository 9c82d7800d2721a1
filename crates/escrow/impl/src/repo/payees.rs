//! Payee accounts and the escrow accounts of contracts: what decides whether money may go out.

use db::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use escrow_api::{AccountState, Payee, PayeeStatus};
use kernel::{Fault, OrgId};
use serde_json::Value;
use uuid::Uuid;

use super::{Reader, state};
use crate::schema::{escrow_accounts, payee_accounts};

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = payee_accounts)]
struct PayeeRow {
    account: Option<String>,
    status: String,
    requirements: Value,
    disabled_reason: Option<String>,
}

impl PayeeRow {
    fn payee(self) -> Result<Payee, Fault> {
        Ok(Payee {
            status: state(PayeeStatus::from_name(&self.status), &self.status)?,
            account: self.account,
            requirements: serde_json::from_value(self.requirements).map_err(Fault::internal)?,
            disabled_reason: self.disabled_reason,
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
    row.payee()
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

/// Where an account stands, as the provider has it (Q1, Q2).
pub(crate) fn status_of(account: &AccountState) -> PayeeStatus {
    if account.transfers_active {
        PayeeStatus::Active
    } else if account.details_submitted {
        PayeeStatus::Restricted
    } else {
        PayeeStatus::Onboarding
    }
}

/// Takes over what the provider says; an account once known never turns into another. Gives back what it was before.
pub(crate) async fn learn(tx: &mut Tx, org: OrgId, account: &AccountState) -> Result<Payee, Fault> {
    let row: PayeeRow =
        payee_accounts::table.find(org.0).select(PayeeRow::as_select()).for_update().first(tx.pg()).await.fault()?;
    if row.account.as_ref().is_some_and(|known| *known != account.id) {
        return Err(Fault::internal(format!("{org} has another payee account than {}", account.id)));
    }
    diesel::update(payee_accounts::table.find(org.0))
        .set((
            payee_accounts::account.eq(&account.id),
            payee_accounts::status.eq(status_of(account).name()),
            payee_accounts::requirements.eq(serde_json::to_value(&account.requirements).map_err(Fault::internal)?),
            payee_accounts::disabled_reason.eq(account.disabled_reason.as_deref()),
            payee_accounts::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    row.payee()
}

/// The provider does not know the account any more.
pub(crate) async fn close(tx: &mut Tx, org: OrgId, reason: &str) -> Result<(), Fault> {
    diesel::update(payee_accounts::table.find(org.0))
        .set((
            payee_accounts::status.eq(PayeeStatus::Closed.name()),
            payee_accounts::disabled_reason.eq(reason),
            payee_accounts::updated_at.eq(diesel::dsl::now),
        ))
        .execute(tx.pg())
        .await
        .fault()?;
    Ok(())
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Nullable<Text>)]
    account: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    status: Option<String>,
}

/// The account that the contractor of a contract is paid to, if it can be paid: told to both parties.
pub(crate) async fn payable(tx: &mut Tx, contract: Uuid) -> Result<Option<String>, Fault> {
    let told: Option<Told> = diesel::sql_query("select account, status from app.payee_of_contract($1)")
        .bind::<SqlUuid, _>(contract)
        .get_result(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(told.filter(|told| told.status.as_deref() == Some(PayeeStatus::Active.name())).and_then(|told| told.account))
}

/// Whether the contract's escrow account is active (K1, K2).
pub(crate) async fn escrow_is_active(tx: &mut Tx, contract: Uuid) -> Result<bool, Fault> {
    let status: Option<String> = escrow_accounts::table
        .filter(escrow_accounts::contract_id.eq(contract))
        .select(escrow_accounts::status)
        .first(tx.pg())
        .await
        .optional()
        .fault()?;
    Ok(status.as_deref() == Some("active"))
}
