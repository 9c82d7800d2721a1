//! Writing a contract: only through app.open_contract, which takes none but with the proof that it is this program's.

use db::Voucher;
use db::prelude::*;
use diesel::sql_types::{Bytea, Text, Uuid as SqlUuid};
use escrow_api::{ContractId, Error, MilestoneId, NewContract, Terms};
use kernel::Fault;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::model::document::Document;

/// A contract as the database reads it: each part by the names of its columns.
#[derive(Serialize)]
struct Vouched<'a> {
    contract: Row<'a>,
    lines: Vec<Line<'a>>,
    milestones: Vec<Part<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    org_id: Uuid,
    id: Uuid,
    contractor_org_id: Uuid,
    project_id: Uuid,
    tender_id: Uuid,
    bid_id: Uuid,
    title: &'a str,
    currency: &'a str,
    total: i64,
    fee_bps: u32,
    processing_cost_bearer: &'a str,
    processing_bps: u32,
    processing_fixed: i64,
    document: &'a str,
    document_sha256: &'a str,
}

#[derive(Serialize)]
struct Line<'a> {
    position: u32,
    soq_line_id: Uuid,
    code: &'a str,
    description: &'a str,
    kind: &'a str,
    unit_code: Option<&'a str>,
    quantity: Option<Decimal>,
    rate: Option<Decimal>,
    amount: Option<i64>,
    counts: bool,
}

#[derive(Serialize)]
struct Part<'a> {
    id: Uuid,
    position: u32,
    title: &'a str,
    amount: i64,
    currency: &'a str,
    due_on: Option<chrono::NaiveDate>,
}

/// Writes a contract with its lines and milestones; answers the milestones in their order.
pub(crate) async fn insert(
    tx: &mut Tx,
    voucher: &Voucher,
    id: ContractId,
    new: &NewContract,
    terms: &Terms,
    document: &Document,
) -> Result<Vec<MilestoneId>, Error> {
    let ids: Vec<_> = new.milestones.iter().map(|_| MilestoneId::new()).collect();
    let contract = Row {
        org_id: new.owner.0,
        id: id.0,
        contractor_org_id: new.contractor.0,
        project_id: new.project.0,
        tender_id: new.tender.0,
        bid_id: new.bid.0,
        title: &new.title,
        currency: new.total.currency().code(),
        total: new.total.minor(),
        fee_bps: terms.fee_bps,
        processing_cost_bearer: terms.bearer.name(),
        processing_bps: terms.processing_bps,
        processing_fixed: terms.processing_fixed,
        document: &document.text,
        document_sha256: &document.sha256,
    };
    let lines = new.lines.iter().map(|line| Line {
        position: line.position,
        soq_line_id: line.soq_line.0,
        code: &line.code,
        description: &line.description,
        kind: &line.kind,
        unit_code: line.unit_code.as_deref(),
        quantity: line.quantity,
        rate: line.rate,
        amount: line.amount.map(|amount| amount.minor()),
        counts: line.counts,
    });
    let milestones = new.milestones.iter().zip(&ids).zip(1_u32..).map(|((milestone, id), position)| Part {
        id: id.0,
        position,
        title: &milestone.title,
        amount: milestone.amount.minor(),
        currency: milestone.amount.currency().code(),
        due_on: milestone.due_on,
    });
    let vouched = Vouched { contract, lines: lines.collect(), milestones: milestones.collect() };
    let text = serde_json::to_string(&vouched).map_err(Fault::internal)?;
    diesel::sql_query("select app.open_contract($1, $2, $3)")
        .bind::<SqlUuid, _>(new.owner.0)
        .bind::<Text, _>(&text)
        .bind::<Bytea, _>(voucher.proof_for("contract", &text)?)
        .execute(tx.pg())
        .await
        .on_constraint("contracts_live_bid", || Error::state("bid", "contracted", "there is a contract on this bid already"))?;
    Ok(ids)
}
