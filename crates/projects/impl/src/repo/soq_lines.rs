//! Rows of `soq_lines`: written and read by the thousand.

use std::collections::HashSet;

use db::prelude::*;
use diesel::sql_types::{Array, Integer, Nullable, Numeric, Text, Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use kernel::{Currency, Fault, OrgId, SoqLineId, amount_of};
use projects_api::{LineKind, SoqId, SoqLine, SoqSummary, UnitId};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::schema::soq_lines as lines;

#[derive(Queryable, Selectable)]
#[diesel(table_name = lines, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    position: i32,
    code: String,
    description: String,
    kind: String,
    unit_code: Option<String>,
    unit_text: Option<String>,
    quantity: Option<Decimal>,
    estimate_rate: Option<Decimal>,
    unit_id: Option<Uuid>,
}

impl Row {
    fn line(self, currency: Currency) -> Result<SoqLine, Fault> {
        let amount = self.quantity.zip(self.estimate_rate).map(|(quantity, rate)| amount_of(quantity, rate, currency));
        Ok(SoqLine {
            id: SoqLineId(self.id),
            position: self.position.unsigned_abs(),
            code: self.code,
            description: self.description,
            kind: db::named::<LineKind>(&self.kind)?,
            unit_code: self.unit_code,
            unit_text: self.unit_text,
            quantity: self.quantity,
            estimate_rate: self.estimate_rate,
            estimate_amount: amount.transpose().map_err(Fault::internal)?,
            unit: self.unit_id.map(UnitId),
        })
    }
}

async fn load(mut connection: &AsyncPgConnection, org: OrgId, soq: &SoqSummary) -> Result<Vec<SoqLine>, Fault> {
    let version = lines::org_id.eq(org.0).and(lines::soq_id.eq(soq.id.0));
    let query = lines::table.filter(version).order(lines::position).select(Row::as_select());
    let rows: Vec<Row> = query.load(&mut connection).await.fault()?;
    let currency = soq.estimate_total.currency();
    rows.into_iter().map(|row| row.line(currency)).collect()
}

/// A version's lines in order.
pub(crate) async fn read(tx: &ReadTx<'_>, org: OrgId, soq: &SoqSummary) -> Result<Vec<SoqLine>, Fault> {
    load(tx.pg(), org, soq).await
}

/// A version's lines in order.
pub(crate) async fn of(tx: &mut Tx, org: OrgId, soq: &SoqSummary) -> Result<Vec<SoqLine>, Fault> {
    load(tx.pg(), org, soq).await
}

/// The identities of the lines of this version and of the one before.
pub(crate) async fn known(tx: &mut Tx, org: OrgId, soq: &SoqSummary) -> Result<HashSet<SoqLineId>, Fault> {
    let versions: Vec<Uuid> = std::iter::once(soq.id.0).chain(soq.previous.map(|previous| previous.0)).collect();
    let of_both = lines::org_id.eq(org.0).and(lines::soq_id.eq_any(versions));
    let ids: Vec<Uuid> = lines::table.filter(of_both).select(lines::id).load(tx.pg()).await.fault()?;
    Ok(ids.into_iter().map(SoqLineId).collect())
}

/// Writes all lines of a version in one statement of as many parameters as columns: beside the version's own row, which knows their shard.
pub(crate) async fn insert(tx: &mut Tx, org: OrgId, soq: &SoqSummary, new: &[SoqLine]) -> Result<(), Fault> {
    if new.is_empty() {
        return Ok(());
    }
    let positions =
        new.iter().map(|line| i32::try_from(line.position)).collect::<Result<Vec<_>, _>>().map_err(Fault::internal)?;
    let written = diesel::sql_query(
        "insert into soq_lines (org_id, soq_id, project_id,
                id, position, code, description, kind, unit_code, unit_text, quantity, estimate_rate, unit_id)
         select soq.org_id, soq.id, soq.project_id, line.*
         from soqs soq
         cross join unnest($3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                           $10::numeric[], $11::numeric[], $12::uuid[]) as line
         where soq.org_id = $1 and soq.id = $2",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(soq.id.0)
    .bind::<Array<SqlUuid>, _>(new.iter().map(|line| line.id.0).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(positions)
    .bind::<Array<Text>, _>(new.iter().map(|line| line.code.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|line| line.description.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(new.iter().map(|line| line.kind.name()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(new.iter().map(|line| line.unit_code.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(new.iter().map(|line| line.unit_text.as_deref()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Numeric>>, _>(new.iter().map(|line| line.quantity).collect::<Vec<_>>())
    .bind::<Array<Nullable<Numeric>>, _>(new.iter().map(|line| line.estimate_rate).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(new.iter().map(|line| line.unit.map(|unit| unit.0)).collect::<Vec<_>>())
    .execute(tx.pg())
    .await
    .fault()?;
    if written == new.len() { Ok(()) } else { Err(Fault::internal("the version that the lines are written to is gone")) }
}

/// Copies the lines of one version into another, each with its identity.
pub(crate) async fn copy(tx: &mut Tx, org: OrgId, from: SoqId, to: SoqId) -> Result<(), Fault> {
    diesel::sql_query(
        "insert into soq_lines (org_id, soq_id, project_id,
                id, position, code, description, kind, unit_code, unit_text, quantity, estimate_rate, unit_id)
         select org_id, $3, project_id,
                id, position, code, description, kind, unit_code, unit_text, quantity, estimate_rate, unit_id
         from soq_lines where org_id = $1 and soq_id = $2",
    )
    .bind::<SqlUuid, _>(org.0)
    .bind::<SqlUuid, _>(from.0)
    .bind::<SqlUuid, _>(to.0)
    .execute(tx.pg())
    .await
    .fault()?;
    Ok(())
}

/// Takes all lines of a draft away.
pub(crate) async fn clear(tx: &mut Tx, org: OrgId, soq: SoqId) -> Result<(), Fault> {
    let all = lines::org_id.eq(org.0).and(lines::soq_id.eq(soq.0));
    diesel::delete(lines::table.filter(all)).execute(tx.pg()).await.fault()?;
    Ok(())
}
