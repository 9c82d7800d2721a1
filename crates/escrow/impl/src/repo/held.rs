//! Held money by its age, on the clock that decides deadlines. What a release reserved is held until it has left.

use db::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use escrow_api::{Error, MilestoneId, PaymentId};
use kernel::{Fault, Timestamp};
use uuid::Uuid;

use super::rows::stored;
use super::{Reader, count};
use crate::model::held::STOP_DAYS;
use crate::model::moved::Aged;
use crate::model::stored::StoredContract;

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = SqlUuid)]
    milestone: Uuid,
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(sql_type = Timestamptz)]
    since: Timestamp,
}

/// Refuses while money is held for a milestone of the contract, or reserved for a release of it, that came more than [`STOP_DAYS`] ago.
pub(crate) async fn refuse_old(mut pg: Reader<'_>, contract: &StoredContract) -> Result<(), Error> {
    let oldest: Option<Oldest> = diesel::sql_query(
        "select m.id as milestone, m.position, p.funded_at as since
         from ledger_balances b
         left join releases r on r.org_id = b.org_id and r.id = b.subject
         join milestones m on m.org_id = b.org_id and m.id = coalesce(r.milestone_id, b.subject)
         join payments p on p.org_id = m.org_id and p.milestone_id = m.id and p.status in ('succeeded', 'available')
             and (r.id is null or p.id = r.payment_id)
         where b.org_id = $1 and b.contract_id = $2 and b.account in (2000, 2020, 2050) and b.balance <> 0
           and p.funded_at < app.now() - make_interval(days => $3)
         order by p.funded_at, m.position limit 1",
    )
    .bind::<SqlUuid, _>(contract.owner.0)
    .bind::<SqlUuid, _>(contract.id.0)
    .bind::<Integer, _>(i32::from(STOP_DAYS))
    .get_result(&mut pg)
    .await
    .optional()
    .fault()?;
    match oldest {
        None => Ok(()),
        Some(Oldest { milestone, position, since }) => {
            Err(Error::HeldTooLong { milestone: MilestoneId(milestone), position: count(position), since, days: STOP_DAYS })
        }
    }
}

#[derive(QueryableByName)]
struct AgedRow {
    #[diesel(sql_type = SqlUuid)]
    payment: Uuid,
    #[diesel(sql_type = Timestamptz)]
    funded_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = Text)]
    currency: String,
}

impl TryFrom<AgedRow> for Aged {
    type Error = Fault;

    fn try_from(row: AgedRow) -> Result<Self, Fault> {
        Ok(Self { payment: PaymentId(row.payment), funded_at: row.funded_at, held: db::money(row.held, &row.currency)? })
    }
}

/// Payments of all tenants whose money is held, or reserved for a release that has not left, for `from` days or more, and for less than `until`; the oldest first.
pub(crate) async fn aged(tx: &ReadTx<'_>, from: u16, until: Option<u16>) -> Result<Vec<Aged>, Fault> {
    let rows: Vec<AgedRow> = diesel::sql_query(
        "select p.id as payment, p.funded_at, (-sum(b.balance))::bigint as held, b.currency
         from ledger_balances b
         left join releases r on r.org_id = b.org_id and r.id = b.subject
         join payments p on p.org_id = b.org_id and p.milestone_id = coalesce(r.milestone_id, b.subject)
             and p.status in ('succeeded', 'available') and (r.id is null or p.id = r.payment_id)
         where b.account in (2000, 2020, 2050) and b.balance <> 0 and p.funded_at <= app.now() - make_interval(days => $1)
           and ($2 is null or p.funded_at > app.now() - make_interval(days => $2))
         group by p.org_id, p.id, p.funded_at, b.currency
         order by p.funded_at, p.id",
    )
    .bind::<Integer, _>(i32::from(from))
    .bind::<Nullable<Integer>, _>(until.map(i32::from))
    .load(&mut tx.pg())
    .await
    .fault()?;
    stored(rows)
}
