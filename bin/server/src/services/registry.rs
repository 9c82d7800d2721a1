//! Which handler does which job, who hears which event, what is swept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use escrow::jobs::{self as names, AccountJob, IntentJob, PaymentJob, ReleaseJob, ReviewJob, TransferJob, WebhookJob};
use escrow_api::{ContractActivated, ContractEnded};
use jobs::{JobCtx, Registry};
use kernel::Ctx;
use tenders::TenderJob;
use tenders_api::BidSubmitted;
use uow::SystemUow;

/// How often what hangs is taken up again.
const SWEEP: Duration = Duration::from_secs(60);

/// Every task that has a handler here. All of them bear repetition.
pub const TASKS: &[&str] = &[
    names::WEBHOOK,
    names::SYNC_PAYMENT,
    names::SEND_RELEASE,
    names::SYNC_TRANSFER,
    names::SYNC_ACCOUNT,
    names::ESCALATE,
    tenders::CLOSE_JOB,
    tenders::FINISH_STANDSTILL_JOB,
    tenders::FALL_AWARD_JOB,
];

/// What the handlers and sweeps work with.
pub(super) struct Hands<'a> {
    pub(super) escrow: &'a Arc<escrow::Service>,
    pub(super) tenders: &'a Arc<tenders::Service>,
    pub(super) auth: &'a Arc<auth::Service>,
    pub(super) system: &'a SystemUow,
    pub(super) signer: &'a Arc<audit::Signer>,
    pub(super) sign_every: Duration,
}

pub(super) fn registry(hands: &Hands<'_>) -> Registry {
    let mut registry = Registry::new();
    money(&mut registry, hands.escrow);
    tendering(&mut registry, hands.tenders, hands.system);
    let (door, signer) = (hands.system.clone(), Arc::clone(hands.signer));
    registry.every("audit.sign_heads", hands.sign_every, move || {
        let (door, signer) = (door.clone(), Arc::clone(&signer));
        async move { audit::sign_heads(&door, &signer).await.map(drop) }
    });
    let auth = Arc::clone(hands.auth);
    registry.every("auth.purge_sessions", Duration::from_secs(3600), move || {
        let auth = Arc::clone(&auth);
        // An ended session is kept for a month, for questions about who was signed in.
        async move { auth.purge(chrono::Utc::now() - chrono::TimeDelta::days(30)).await.map(drop) }
    });
    registry
}

macro_rules! on_job {
    ($registry:ident, $service:ident, $task:path, |$job:ident, $payload:ident: $type:ty| $work:expr) => {{
        let shared = Arc::clone($service);
        $registry.on_job($task, move |$job: JobCtx, $payload: $type| {
            let $service = Arc::clone(&shared);
            async move { $work.await }
        });
    }};
}

fn money(registry: &mut Registry, escrow: &Arc<escrow::Service>) {
    on_job!(registry, escrow, names::WEBHOOK, |_job, payload: WebhookJob| escrow.route_event(payload));
    on_job!(registry, escrow, names::SYNC_PAYMENT, |_job, payload: PaymentJob| escrow.sync_payment(payload));
    on_job!(registry, escrow, names::ADOPT_INTENT, |_job, payload: IntentJob| escrow.adopt_intent(payload));
    on_job!(registry, escrow, names::SYNC_CHARGE, |_job, payload: PaymentJob| escrow.sync_charge(payload));
    on_job!(registry, escrow, names::SEND_RELEASE, |_job, payload: ReleaseJob| escrow.send_release(payload));
    on_job!(registry, escrow, names::SYNC_TRANSFER, |_job, payload: TransferJob| escrow.sync_transfer(payload));
    on_job!(registry, escrow, names::SYNC_ACCOUNT, |_job, payload: AccountJob| escrow.sync_account(payload));
    on_job!(registry, escrow, names::ESCALATE, |_job, payload: ReviewJob| escrow.escalate(payload));
    let (service, started) = (Arc::clone(escrow), Arc::new(AtomicBool::new(false)));
    registry.every("escrow.sweep", SWEEP, move || {
        let (service, started) = (Arc::clone(&service), Arc::clone(&started));
        async move {
            if !started.load(Ordering::Relaxed) {
                service.look_at_all().await?;
                started.store(true, Ordering::Relaxed);
            }
            service.sweep().await.map(drop)
        }
    });
}

fn tendering(registry: &mut Registry, tenders: &Arc<tenders::Service>, system: &SystemUow) {
    on_job!(registry, tenders, tenders::CLOSE_JOB, |job, payload: TenderJob| async {
        tenders.close_due(job.tenant()?, payload).await
    });
    on_job!(registry, tenders, tenders::FINISH_STANDSTILL_JOB, |job, payload: TenderJob| async {
        tenders.finish_standstill(job.tenant()?, payload).await
    });
    let (service, door) = (Arc::clone(tenders), system.clone());
    registry.every("tenders.sweep", SWEEP, move || {
        let (service, door) = (Arc::clone(&service), door.clone());
        async move { service.sweep(&door).await.map(drop) }
    });
    registry.seal::<BidSubmitted>();
    on_job!(registry, tenders, tenders::FALL_AWARD_JOB, |job, payload: TenderJob| async {
        tenders.fall_unsigned(job.tenant()?, payload).await
    });
    let (service, system) = (Arc::clone(tenders), system.clone());
    registry.every("tenders.sweep_unsigned", SWEEP, move || {
        let (service, system) = (Arc::clone(&service), system.clone());
        async move { service.sweep_unsigned(&system).await.map(drop) }
    });
    let service = Arc::clone(tenders);
    registry.on_event("tenders", move |ctx: Ctx, event_id, event: ContractActivated| {
        let service = Arc::clone(&service);
        async move { service.contract_activated(&ctx, event_id, &event).await }
    });
    let service = Arc::clone(tenders);
    registry.on_event("tenders_contract_ended", move |ctx: Ctx, event_id, event: ContractEnded| {
        let service = Arc::clone(&service);
        async move { service.contract_ended(&ctx, event_id, &event).await }
    });
}
