//! A transaction that may write.

use std::any::Any;

use async_trait::async_trait;
use diesel::sql_types::{Integer, Json, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::{Answer, Ctx, Fault, IdempotencyKey};
use serde_json::json;
use uow::{Alarm, Claim, Job, NewEvent, SeenAlarm, TxBackend};

use crate::connection::Held;
use crate::error::fault_of;
use crate::idempotency;
use crate::raising;
use crate::tenant::Tenant;

/// A transaction that may write; dropped half-way, its connection is closed.
pub(crate) struct WriteTx {
    held: Held,
    tenant: Option<Tenant>,
    savepoints: u32,
}

impl WriteTx {
    pub(crate) async fn begin(mut held: Held, ctx: Option<&Ctx>) -> Result<Self, Fault> {
        let tenant = ctx.map(Tenant::of);
        let sql = match &tenant {
            Some(tenant) => format!("BEGIN; {}", tenant.enter_sql()),
            None => "BEGIN".to_owned(),
        };
        held.batch_execute(&sql).await.map_err(fault_of)?;
        Ok(Self { held, tenant, savepoints: 0 })
    }

    pub(crate) fn connection(&mut self) -> &mut AsyncPgConnection {
        &mut self.held
    }

    async fn control(&mut self, sql: &str) -> Result<(), Fault> {
        self.held.batch_execute(sql).await.map_err(fault_of)
    }

    /// Ends the transaction, and what it did to the session.
    async fn end(&mut self, how: &str) -> Result<(), Fault> {
        let end = self.held.ending(how);
        self.control(&end).await
    }

    fn tenant(&self, what: &str) -> Result<Tenant, Fault> {
        self.tenant.clone().ok_or_else(|| Fault::internal(format!("{what} needs a tenant: use `Uow`, not `SystemUow`")))
    }
}

#[async_trait]
impl TxBackend for WriteTx {
    fn as_any(&mut self) -> &mut (dyn Any + Send) {
        self
    }

    async fn publish(&mut self, event: &NewEvent) -> Result<(), Fault> {
        let tenant = self.tenant("publishing an event")?;
        diesel::sql_query(
            "insert into outbox (id, org_id, kind, aggregate, payload, request_id) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind::<SqlUuid, _>(event.id.0)
        .bind::<SqlUuid, _>(tenant.org.0)
        .bind::<Text, _>(event.kind)
        .bind::<SqlUuid, _>(event.aggregate)
        .bind::<Jsonb, _>(&event.payload)
        .bind::<Text, _>(tenant.request.as_str())
        .execute(&mut *self.held)
        .await
        .map_err(fault_of)?;
        // Heard at commit, so the relay need not poll often.
        self.control("NOTIFY outbox").await
    }

    async fn enqueue(&mut self, job: &Job) -> Result<(), Fault> {
        let envelope = match &self.tenant {
            Some(tenant) => json!({ "org": tenant.org, "request": tenant.request.as_str(), "data": job.payload }),
            None => json!({ "org": null, "request": null, "data": job.payload }),
        };
        diesel::sql_query("select app.add_job($1, $2, $3, $4, $5)")
            .bind::<Text, _>(job.task)
            .bind::<Json, _>(envelope)
            .bind::<Nullable<Timestamptz>, _>(job.run_at)
            .bind::<Nullable<Text>, _>(job.key.as_deref())
            .bind::<Integer, _>(i32::from(job.max_attempts))
            .execute(&mut *self.held)
            .await
            .map_err(fault_of)?;
        Ok(())
    }

    async fn alarm(&mut self, alarm: &Alarm) -> Result<(), Fault> {
        raising::raise(&mut self.held, alarm).await
    }

    async fn settle_alarms(&mut self, kind: &str, over: &[String], by: &str, note: &str) -> Result<(), Fault> {
        if self.tenant.is_some() {
            return Err(Fault::internal("settling alarms is the platform's: use `SystemUow`, not `Uow`"));
        }
        raising::settle(&mut self.held, kind, over, by, note).await
    }

    async fn settle_seen_alarms(&mut self, seen: &[SeenAlarm], by: &str, note: &str) -> Result<(), Fault> {
        if self.tenant.is_some() {
            return Err(Fault::internal("settling alarms is the platform's: use `SystemUow`, not `Uow`"));
        }
        raising::settle_seen(&mut self.held, seen, by, note).await
    }

    async fn claim(&mut self, key: &IdempotencyKey) -> Result<Claim, Fault> {
        let tenant = self.tenant("an idempotency key")?;
        idempotency::claim(&mut self.held, &tenant, key).await
    }

    async fn store_answer(&mut self, key: &IdempotencyKey, answer: &Answer) -> Result<(), Fault> {
        let tenant = self.tenant("an idempotency key")?;
        idempotency::store(&mut self.held, &tenant, key, answer).await
    }

    async fn savepoint(&mut self) -> Result<(), Fault> {
        self.savepoints += 1;
        self.control(&format!("SAVEPOINT s{}", self.savepoints)).await
    }

    async fn release_savepoint(&mut self) -> Result<(), Fault> {
        let name = self.savepoints;
        self.savepoints -= 1;
        self.control(&format!("RELEASE SAVEPOINT s{name}")).await
    }

    async fn rollback_to_savepoint(&mut self) -> Result<(), Fault> {
        let name = self.savepoints;
        self.savepoints -= 1;
        self.control(&format!("ROLLBACK TO SAVEPOINT s{name}; RELEASE SAVEPOINT s{name}")).await?;
        self.held.watch.forgive();
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        if self.held.watch.failed() {
            // PostgreSQL would answer COMMIT with a silent ROLLBACK that looks like success.
            self.end("ROLLBACK").await?;
            self.held.give_back();
            return Err(Fault::internal(
                "a statement failed, its error was swallowed, and then the transaction was to be committed: \
                 return the error, or recover inside `Tx::savepoint`",
            ));
        }
        // What waits for the commit is checked in a statement before it: PostgreSQL ends `statement_timeout` where COMMIT begins.
        self.end("SET CONSTRAINTS ALL IMMEDIATE; COMMIT").await?;
        self.held.give_back();
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), Fault> {
        // If even this fails, the connection is closed on drop, which rolls back too: the caller's own error matters more.
        if self.end("ROLLBACK").await.is_ok() {
            self.held.give_back();
        }
        Ok(())
    }
}
