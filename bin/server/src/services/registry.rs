//! Which handler does which job, who hears which event, what is swept.

use std::sync::Arc;
use std::time::Duration;

use escrow::jobs::{AccountJob, PaymentJob, ReleaseJob, ReviewJob, TransferJob, WebhookJob};
use escrow_api::ContractActivated;
use jobs::{JobCtx, Registry};
use kernel::Ctx;

use super::Services;

/// How often what hangs is taken up again.
const SWEEP: Duration = Duration::from_secs(60);

pub(super) fn registry(services: &Services) -> Registry {
    let mut registry = Registry::new();
    money(&mut registry, &services.escrow);
    tendering(&mut registry, &services.tenders);
    let auth = Arc::clone(&services.auth);
    registry.every("auth.purge_sessions", Duration::from_secs(3600), move || {
        let auth = Arc::clone(&auth);
        // An ended session is kept for a month, for questions about who was signed in.
        async move { auth.purge(chrono::Utc::now() - chrono::TimeDelta::days(30)).await.map(drop) }
    });
    registry
}

fn money(registry: &mut Registry, escrow: &Arc<escrow::Service>) {
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::WEBHOOK, move |_: JobCtx, job: WebhookJob| {
        let service = Arc::clone(&service);
        async move { service.route_event(job).await }
    });
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::SYNC_PAYMENT, move |_: JobCtx, job: PaymentJob| {
        let service = Arc::clone(&service);
        async move { service.sync_payment(job).await }
    });
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::SEND_RELEASE, move |_: JobCtx, job: ReleaseJob| {
        let service = Arc::clone(&service);
        async move { service.send_release(job).await }
    });
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::SYNC_TRANSFER, move |_: JobCtx, job: TransferJob| {
        let service = Arc::clone(&service);
        async move { service.sync_transfer(job).await }
    });
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::SYNC_ACCOUNT, move |_: JobCtx, job: AccountJob| {
        let service = Arc::clone(&service);
        async move { service.sync_account(job).await }
    });
    let service = Arc::clone(escrow);
    registry.on_job(escrow::jobs::ESCALATE, move |_: JobCtx, job: ReviewJob| {
        let service = Arc::clone(&service);
        async move { service.escalate(job).await }
    });
    let service = Arc::clone(escrow);
    registry.every("escrow.sweep", SWEEP, move || {
        let service = Arc::clone(&service);
        async move { service.sweep().await }
    });
}

fn tendering(registry: &mut Registry, tenders: &Arc<tenders::Service>) {
    let service = Arc::clone(tenders);
    registry.on_job(tenders::CLOSE_JOB, move |job: JobCtx, payload: tenders::CloseJob| {
        let service = Arc::clone(&service);
        async move { service.close_due(job.tenant()?, payload).await }
    });
    let service = Arc::clone(tenders);
    registry.on_event("tenders", move |ctx: Ctx, event_id, event: ContractActivated| {
        let service = Arc::clone(&service);
        async move { service.contract_activated(&ctx, event_id, &event).await }
    });
}
