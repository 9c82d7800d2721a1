//! The provider's events: verified, kept, answered at once; what they are about is fetched later, by jobs (docs/domain/money.md).

use escrow_api::{ChargeNews, Error, PaymentId, ProviderError};
use kernel::{Fault, OrgId};
use serde_json::Value;
use uow::{Job, Tx};
use uuid::Uuid;

use super::Service;
use super::alarms::{FOREIGN_PAYMENT, FOREIGN_TRANSFER, OWN_MONEY_UNDONE, PAYOUT, alarm_in};
use super::charges::takes_money;
use crate::jobs::{self, RouteEvent};
use crate::repo;
use crate::repo::inbox::{self, EventRow};
use crate::signature;

/// Reads what routing needs and nothing else: unknown shapes and newer versions of the API pass.
fn read(body: &[u8]) -> Option<EventRow> {
    let event: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let object = &event["data"]["object"];
    let metadata = &object["metadata"];
    let ours = ["payment_id", "release_id"].iter().find_map(|name| metadata[*name].as_str()?.parse::<Uuid>().ok());
    let id = text(&event["id"]).filter(|id| (1..=255).contains(&id.len()))?;
    let event = EventRow {
        id,
        kind: text(&event["type"])?,
        object_id: text(&object["id"]).unwrap_or_default(),
        account: text(&event["account"]),
        intent: text(&object["payment_intent"]).or_else(|| text(&object["payment_intent"]["id"])),
        our_id: ours,
        livemode: event["livemode"].as_bool().unwrap_or(false),
    };
    // PostgreSQL keeps no U+0000; a provider does not send one.
    let texts = [Some(&event.id), Some(&event.kind), Some(&event.object_id), event.account.as_ref(), event.intent.as_ref()];
    let storable = !texts.into_iter().flatten().any(|text| text.contains('\0'));
    storable.then_some(event)
}

/// Whether an event names nothing that could be looked at. Tried again it would name as little: it is kept, told, and done.
fn is_nameless(event: &EventRow) -> bool {
    let looked_at = match event.kind.split_once('.').map_or(event.kind.as_str(), |(family, _)| family) {
        "charge" | "refund" | "review" | "radar" => event.intent.is_none(),
        "payment_intent" | "transfer" | "account" | "capability" => true,
        _ => false,
    };
    looked_at && event.object_id.is_empty() && event.account.is_none()
}

/// What an object's metadata name as ours. What the provider does not show us is not ours.
fn named(metadata: Result<Vec<(String, String)>, ProviderError>, what: &str) -> Result<Option<Uuid>, ProviderError> {
    match metadata {
        Ok(pairs) => Ok(pairs.iter().find(|(name, _)| name == what).and_then(|(_, id)| id.parse().ok())),
        Err(ProviderError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Money moved on the platform's balance for no payment and no release of ours: a person is told.
async fn nobodys_in(tx: &mut Tx, event: &EventRow) -> Result<(), Fault> {
    match event.kind.as_str() {
        "transfer.created" | "transfer.updated" | "transfer.reversed" => {
            if repo::ledger::knows_transfer(repo::reader(tx), &event.object_id).await? {
                return Ok(());
            }
            let detail = format!("{}: no release ordered transfer {}", event.kind, event.object_id);
            alarm_in(tx, FOREIGN_TRANSFER, ("transfer", event.object_id.clone()), detail).await
        }
        "payment_intent.succeeded" => {
            let detail = format!("{} was paid, and no payment of ours asked for it", event.object_id);
            alarm_in(tx, FOREIGN_PAYMENT, ("payment_intent", event.object_id.clone()), detail).await
        }
        _ => Ok(()),
    }
}

/// The platform's own money moved at the provider: a person is told if the books know nothing of it.
async fn own_money_in(tx: &mut Tx, event: &EventRow) -> Result<(), Fault> {
    let posted = repo::coverage::is_posted(tx, &event.object_id).await?;
    let undone =
        ["payout.failed", "payout.canceled", "topup.failed", "topup.canceled", "topup.reversed"].contains(&event.kind.as_str());
    let about = || ("provider_object", event.object_id.clone());
    match (event.kind.starts_with("payout."), posted, undone) {
        (true, false, false) => {
            let detail = format!(
                "{}: {} leaves the balance and no book knows of it; if it is the platform's own money, `build14 payout --source {}`, else \
                 bring it back",
                event.kind, event.object_id, event.object_id
            );
            alarm_in(tx, PAYOUT, about(), detail).await
        }
        (true, false, true) => tx.end_alarms(PAYOUT, std::slice::from_ref(&event.object_id)).await,
        (_, true, true) => {
            let verb = if event.object_id.starts_with("po_") { "float" } else { "payout" };
            let detail = format!(
                "{}: what was posted for {} did not last; post its opposite with `build14 {verb} --source txn_…`, the balance transaction by \
                 which the provider undid it",
                event.kind, event.object_id
            );
            alarm_in(tx, OWN_MONEY_UNDONE, about(), detail).await
        }
        _ => Ok(()),
    }
}

impl Service {
    /// Takes in an event: verifies it, keeps it once, and leaves a job. Says whether it is new.
    ///
    /// # Errors
    /// [`Error::BadSignature`] (400) if it is not from the provider, or not an event.
    pub async fn take_event(&self, header: Option<&str>, body: &[u8]) -> Result<bool, Error> {
        signature::verify(header, body, &self.settings.webhook_secrets, self.now())?;
        let event = read(body).ok_or(Error::BadSignature("the body is not an event"))?;
        self.system
            .write(async |tx| {
                let fresh = inbox::keep(tx, &event).await?;
                if fresh {
                    tx.enqueue(jobs::webhook(event.id.clone())).await?;
                }
                Ok(fresh)
            })
            .await
    }

    /// Finds out what an event is about and leaves a job that looks at it; several events about one thing end in one look.
    ///
    /// # Errors
    /// A fault, or the provider's if it must be asked whose the object is.
    pub async fn route_event(&self, job: RouteEvent) -> Result<(), Error> {
        let Some(event) = self.system.read(async |tx| inbox::event(tx, &job.event).await).await? else {
            return Ok(());
        };
        let looks = if event.livemode == self.settings.livemode {
            self.looks_for(&event).await?
        } else {
            tracing::warn!(event = event.id, livemode = event.livemode, "an event of the other mode is left alone");
            Vec::new()
        };
        let (family, _) = event.kind.split_once('.').unwrap_or((&event.kind, ""));
        let ours = event.account.is_none() && event.livemode == self.settings.livemode;
        self.system
            .write(async |tx| {
                if ours && matches!(family, "payout" | "topup") {
                    own_money_in(tx, &event).await?;
                }
                if is_nameless(&event) {
                    let detail = format!("{} of the kind {} names no object: a person must look", event.id, event.kind);
                    alarm_in(tx, "nameless_event", ("event", event.id.clone()), detail).await?;
                } else if ours && looks.is_empty() {
                    nobodys_in(tx, &event).await?;
                }
                for look in looks {
                    tx.enqueue(look).await?;
                }
                inbox::done(tx, &event.id).await
            })
            .await?;
        if ours && matches!(family, "payout" | "topup") {
            // Money left the balance, or came to it: what stands still, or need no longer, is not to wait for the sweep.
            self.watch_coverage().await?;
        }
        Ok(())
    }

    async fn looks_for(&self, event: &EventRow) -> Result<Vec<Job>, Error> {
        let (family, _) = event.kind.split_once('.').unwrap_or((&event.kind, ""));
        if is_nameless(event) {
            return Ok(Vec::new());
        }
        // All that is ours of a connected account is the account: its own payments, transfers and balance are its business.
        if event.account.is_some() && !matches!(family, "account" | "capability") {
            return Ok(Vec::new());
        }
        match family {
            "payment_intent" => {
                let found = self.payment_of(event, &event.object_id).await?;
                Ok(found.map(|(_, _, look)| look).into_iter().collect())
            }
            "charge" | "refund" | "review" | "radar" => self.charge_looks(event).await,
            "transfer" => self.transfer_look(event).await,
            "account" | "capability" => {
                let account = event.account.as_deref().unwrap_or(&event.object_id);
                let payee = self.system.read(async |tx| inbox::payee(tx, account).await).await?;
                Ok(payee.map(jobs::sync_account).into_iter().collect())
            }
            "balance" => {
                let waiting = self.system.read(async |tx| inbox::waiting_for_funds(tx).await).await?;
                Ok(waiting.into_iter().map(|(org, payment)| jobs::sync_payment(org, payment)).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Something befell a charge, or may have: a look at the payment, and one at the charge.
    async fn charge_looks(&self, event: &EventRow) -> Result<Vec<Job>, Error> {
        let mut news = ChargeNews { object: event.object_id.clone(), charge: None, intent: event.intent.clone() };
        if news.intent.is_none() && event.kind.starts_with("charge.dispute.") {
            // The event does not say whose: the dispute does, or its charge.
            match self.provider.dispute(&event.object_id).await {
                Ok(dispute) => (news.charge, news.intent) = (Some(dispute.charge), dispute.intent),
                Err(ProviderError::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let found = match &news.intent {
            Some(intent) => self.payment_of(event, intent).await?,
            None => {
                let found = self.system.read(async |tx| repo::incidents::payment_of(tx, &news).await).await?;
                found.map(|(org, payment)| (org, payment, jobs::sync_payment(org, payment)))
            }
        };
        if found.is_none() && takes_money(&news.object) {
            self.unmatched(&news).await?;
        }
        Ok(found.map(|(org, payment, look)| [look, jobs::sync_charge(org, payment)]).into_iter().flatten().collect())
    }

    /// The payment that has the intent, or that the intent names without being known as its own: its creation was never answered, or it has
    /// another one by now. With the look that is due.
    async fn payment_of(&self, event: &EventRow, intent: &str) -> Result<Option<(OrgId, PaymentId, Job)>, Error> {
        if let Some((org, payment)) = self.system.read(async |tx| inbox::payment(tx, intent).await).await? {
            return Ok(Some((org, payment, jobs::sync_payment(org, payment))));
        }
        let ours = match event.our_id {
            None => named(self.provider.payment_intent(intent).await.map(|seen| seen.metadata), "payment_id")?,
            known => known,
        };
        let found = match ours {
            Some(id) => self.system.read(async |tx| inbox::payment_named(tx, id).await).await?,
            None => None,
        };
        if found.is_none() {
            tracing::warn!(event = event.id, intent, "an event about a payment that is not ours");
        }
        Ok(found.map(|(org, payment)| (org, payment, jobs::adopt_intent(org, payment, intent.to_owned()))))
    }

    async fn transfer_look(&self, event: &EventRow) -> Result<Vec<Job>, Error> {
        let transfer = event.object_id.as_str();
        let mut found = self.system.read(async |tx| inbox::release(tx, transfer, event.our_id).await).await?;
        if found.is_none() && event.our_id.is_none() {
            let ours = named(self.provider.transfer(transfer).await.map(|seen| seen.metadata), "release_id")?;
            found = self.system.read(async |tx| inbox::release(tx, transfer, ours).await).await?;
        }
        if found.is_none() {
            tracing::warn!(event = event.id, transfer, "an event about a transfer that is not ours");
        }
        Ok(found.map(|(org, release)| jobs::sync_transfer(org, release, transfer.to_owned())).into_iter().collect())
    }
}
