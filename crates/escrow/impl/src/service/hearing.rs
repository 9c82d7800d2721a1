//! What this domain does about the provider's events: it finds out what each is about, and has jobs look at it (docs/domain/money.md).

use escrow_api::{ChargeNews, Error, IntentStatus, OwnTransfer, PaymentId, PaymentIntentState, ProviderError, TransferState};
use kernel::{Fault, OrgId};
use provider_events::{Change, Heard, Kind, ProviderEvent, Subject};
use uow::{Job, Tx};
use uuid::Uuid;

use super::Service;
use super::alarms::{FOREIGN_PAYMENT, FOREIGN_TRANSFER, OWN_MONEY_UNDONE, PAYOUT, alarm_in};
use super::charges::takes_money;
use crate::jobs;
use crate::repo;
use crate::repo::whose;

/// What is heard: all that happens to these.
pub(crate) const SUBJECTS: &[Subject] = &[
    Subject::PaymentIntent,
    Subject::Charge,
    Subject::Dispute,
    Subject::Refund,
    Subject::Review,
    Subject::FraudWarning,
    Subject::Transfer,
    Subject::Account,
    Subject::Balance,
    Subject::Payout,
    Subject::TopUp,
];

/// What an event leads to.
#[derive(Default)]
struct Found {
    /// What is to be looked at.
    looks: Vec<Job>,
    /// What the provider shows of an object that is nobody's here.
    stranger: Option<String>,
}

impl Found {
    fn looks(looks: impl IntoIterator<Item = Job>) -> Self {
        Self { looks: looks.into_iter().collect(), stranger: None }
    }

    fn stranger(truth: String) -> Self {
        Self { looks: Vec::new(), stranger: Some(truth) }
    }
}

/// Whose a payment intent is.
enum Whose {
    /// A payment's here, with the look that is due.
    Payment(OrgId, PaymentId, Job),
    /// Nobody's here; what the provider shows of it, if it shows it.
    Nobody(Option<Box<PaymentIntentState>>),
}

/// The id of the object, empty if the event names none.
fn object(event: &ProviderEvent) -> &str {
    event.object.as_deref().unwrap_or_default()
}

/// Whether an event names nothing that could be looked at. Tried again it would name as little: it is kept, told, and done.
fn is_nameless(event: &ProviderEvent, subject: Subject) -> bool {
    let looked_at = match subject {
        Subject::Charge | Subject::Dispute | Subject::Refund | Subject::Review | Subject::FraudWarning => event.intent.is_none(),
        Subject::PaymentIntent | Subject::Transfer | Subject::Account => true,
        Subject::Balance | Subject::Payout | Subject::TopUp => false,
    };
    looked_at && event.object.is_none() && event.account.is_none()
}

/// What the provider shows. What it does not show us is not ours.
fn shown<T>(answer: Result<T, ProviderError>) -> Result<Option<T>, ProviderError> {
    match answer {
        Ok(seen) => Ok(Some(seen)),
        Err(ProviderError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The id of ours that an object's metadata name.
fn named(metadata: &[(String, String)], what: &str) -> Option<Uuid> {
    metadata.iter().find(|(name, _)| name == what).and_then(|(_, id)| id.parse().ok())
}

/// What is said of a payment intent that is nobody's here: what the provider shows, whatever an event says.
fn of_intent(intent: &str, seen: Option<&PaymentIntentState>) -> String {
    match seen {
        Some(seen) if seen.status == IntentStatus::Succeeded => {
            format!("the provider shows {intent} as paid, {}, and no payment of ours asked for it", seen.amount_received)
        }
        Some(_) => format!("the provider does not show {intent} as paid, and no payment of ours asked for it"),
        None => format!("the provider shows us no {intent}"),
    }
}

/// The same of a transfer.
fn of_transfer(transfer: &str, seen: Option<&TransferState>) -> String {
    match seen {
        Some(seen) => {
            let TransferState { amount, destination, .. } = seen;
            format!("the provider shows {transfer} of {amount} to {destination}, and no release of ours ordered it")
        }
        None => format!("the provider shows us no {transfer}"),
    }
}

/// What is told is about no payment and no release of ours: a person is told, if money may have moved on the platform's balance.
async fn nobodys_in(tx: &mut Tx, event: &ProviderEvent, kind: Kind, stranger: Option<String>) -> Result<(), Fault> {
    let about = object(event).to_owned();
    let detail = || {
        let truth = stranger.unwrap_or_default();
        format!("{} ({}): {truth}: it is noted, and nothing was done", event.name, event.id)
    };
    match (kind.subject, kind.change) {
        (Subject::Transfer, Change::Created | Change::Updated | Change::Reversed) => {
            if repo::ledger::knows_transfer(repo::reader(tx), &about).await? {
                return Ok(());
            }
            alarm_in(tx, FOREIGN_TRANSFER, ("transfer", about), detail()).await
        }
        (Subject::PaymentIntent, Change::Succeeded) => alarm_in(tx, FOREIGN_PAYMENT, ("payment_intent", about), detail()).await,
        _ => Ok(()),
    }
}

/// How the provider shows a payout or a top-up that did not last.
const UNDONE: [&str; 3] = ["failed", "canceled", "reversed"];

/// The platform's own money is said to have moved at the provider: a person is told if the books know nothing of it. What an event says of it does
/// not count, only what the provider shows (`seen`): whoever has the webhook's secret and no more ends no alarm.
async fn own_money_in(tx: &mut Tx, event: &ProviderEvent, kind: Kind, seen: Option<&OwnTransfer>) -> Result<(), Fault> {
    let object = object(event);
    let posted = repo::coverage::is_posted(tx, object).await?;
    let is_payout = kind.subject == Subject::Payout;
    let undone = seen.is_some_and(|seen| UNDONE.contains(&seen.status.as_str()));
    let about = || ("provider_object", object.to_owned());
    let name = &event.name;
    match (is_payout, posted, undone) {
        (true, false, false) => {
            let detail = match seen {
                Some(OwnTransfer { status, .. }) => format!(
                    "{name}: the provider shows {object} as {status}, of which no book knows; if it is the platform's own money that leaves the \
                     balance, `build14 payout --source {object}`, else bring it back"
                ),
                None => format!(
                    "{name} ({}): the provider shows us no {object}: nothing was done. Somebody else may hold the webhook's secret",
                    event.id
                ),
            };
            alarm_in(tx, PAYOUT, about(), detail).await
        }
        (true, false, true) => tx.end_alarms(PAYOUT, &[object.to_owned()]).await,
        (_, true, true) => {
            let verb = if object.starts_with("po_") { "float" } else { "payout" };
            let detail = format!(
                "{name}: the provider shows that what was posted for {object} did not last; post its opposite with `build14 {verb} --source \
                 txn_…`, the balance transaction by which the provider undid it"
            );
            alarm_in(tx, OWN_MONEY_UNDONE, about(), detail).await
        }
        _ => Ok(()),
    }
}

impl Service {
    /// Finds out what an event is about and leaves a job that looks at it; several events about one thing end in one look.
    ///
    /// # Errors
    /// A fault, or the provider's if it must be asked whose the object is.
    pub(crate) async fn hear(&self, heard: Heard) -> Result<(), Error> {
        let event = &heard.event;
        let Some(kind) = event.kind else { return Ok(()) };
        let ours = event.account.is_none();
        let own_money = ours && matches!(kind.subject, Subject::Payout | Subject::TopUp);
        let Found { looks, stranger } = self.found(event, kind).await?;
        let own_seen = if own_money { self.own_money_of(event, kind).await? } else { None };
        self.system
            .write(async |tx| {
                if !heard.first_in(tx).await? {
                    return Ok(());
                }
                if own_money {
                    own_money_in(tx, event, kind, own_seen.as_ref()).await?;
                }
                if is_nameless(event, kind.subject) {
                    let detail = format!("{} of the kind {} names no object: a person must look", event.id, event.name);
                    alarm_in(tx, "nameless_event", ("event", event.id.clone()), detail).await?;
                } else if ours && looks.is_empty() {
                    nobodys_in(tx, event, kind, stranger).await?;
                }
                for look in looks {
                    tx.enqueue(look).await?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        if own_money {
            // Money left the balance, or came to it: what is stopped, or need be no longer, is not to wait for the sweep.
            self.watch_coverage().await?;
        }
        Ok(())
    }

    /// The payout or the top-up that an event is about, if it names one and the provider shows it.
    async fn own_money_of(&self, event: &ProviderEvent, kind: Kind) -> Result<Option<OwnTransfer>, Error> {
        let Some(object) = &event.object else { return Ok(None) };
        let answer = match kind.subject {
            Subject::Payout => self.provider.payout(object).await,
            _ => self.provider.top_up(object).await,
        };
        Ok(shown(answer)?)
    }

    async fn found(&self, event: &ProviderEvent, kind: Kind) -> Result<Found, Error> {
        if is_nameless(event, kind.subject) {
            return Ok(Found::default());
        }
        // All that is ours of a connected account is the account: its own payments, transfers and balance are its business.
        if event.account.is_some() && kind.subject != Subject::Account {
            return Ok(Found::default());
        }
        match kind.subject {
            Subject::PaymentIntent => Ok(match self.payment_of(event, object(event)).await? {
                Whose::Payment(_, _, look) => Found::looks([look]),
                Whose::Nobody(seen) => Found::stranger(of_intent(object(event), seen.as_deref())),
            }),
            Subject::Charge | Subject::Dispute | Subject::Refund | Subject::Review | Subject::FraudWarning => {
                Ok(Found::looks(self.charge_looks(event, kind).await?))
            }
            Subject::Transfer => self.transfer_look(event).await,
            Subject::Account => {
                let account = event.account.as_deref().unwrap_or(object(event));
                let payee = self.system.read(async |tx| whose::payee(tx, account).await).await?;
                Ok(Found::looks(payee.map(jobs::sync_account)))
            }
            Subject::Balance => {
                let waiting = self.system.read(async |tx| whose::waiting_for_funds(tx).await).await?;
                Ok(Found::looks(waiting.into_iter().map(|(org, payment)| jobs::sync_payment(org, payment))))
            }
            Subject::Payout | Subject::TopUp => Ok(Found::default()),
        }
    }

    /// Something befell a charge, or may have: a look at the payment, and one at the charge.
    async fn charge_looks(&self, event: &ProviderEvent, kind: Kind) -> Result<Vec<Job>, Error> {
        let mut news = ChargeNews { object: object(event).to_owned(), charge: None, intent: event.intent.clone() };
        if news.intent.is_none() && kind.subject == Subject::Dispute {
            // The event does not say whose: the dispute does, or its charge.
            if let Some(dispute) = shown(self.provider.dispute(&news.object).await)? {
                (news.charge, news.intent) = (Some(dispute.charge), dispute.intent);
            }
        }
        let found = match &news.intent {
            Some(intent) => match self.payment_of(event, intent).await? {
                Whose::Payment(org, payment, look) => Some((org, payment, look)),
                Whose::Nobody(_) => None,
            },
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
    /// another one by now.
    async fn payment_of(&self, event: &ProviderEvent, intent: &str) -> Result<Whose, Error> {
        if let Some((org, payment)) = self.system.read(async |tx| whose::payment(tx, intent).await).await? {
            return Ok(Whose::Payment(org, payment, jobs::sync_payment(org, payment)));
        }
        let (told, mut seen) = (event.ours, None);
        let mut found = self.payment_named(told).await?;
        if found.is_none() {
            seen = shown(self.provider.payment_intent(intent).await)?;
            let ours = seen.as_ref().and_then(|seen| named(&seen.metadata, "payment_id"));
            if ours != told {
                found = self.payment_named(ours).await?;
            }
        }
        match found {
            Some((org, payment)) => Ok(Whose::Payment(org, payment, jobs::adopt_intent(org, payment, intent.to_owned()))),
            None => {
                let at_provider = seen.is_some();
                tracing::warn!(
                    event = event.id,
                    name = event.name,
                    intent,
                    at_provider,
                    "an event about a payment that is not ours: it is noted"
                );
                Ok(Whose::Nobody(seen.map(Box::new)))
            }
        }
    }

    async fn payment_named(&self, id: Option<Uuid>) -> Result<Option<(OrgId, PaymentId)>, Error> {
        let Some(id) = id else { return Ok(None) };
        Ok(self.system.read(async |tx| whose::payment_named(tx, id).await).await?)
    }

    async fn transfer_look(&self, event: &ProviderEvent) -> Result<Found, Error> {
        let transfer = object(event);
        let (told, mut seen) = (event.ours, None);
        let mut found = self.system.read(async |tx| whose::release(tx, transfer, told).await).await?;
        if found.is_none() {
            seen = shown(self.provider.transfer(transfer).await)?;
            let ours = seen.as_ref().and_then(|seen| named(&seen.metadata, "release_id"));
            if ours != told {
                found = self.system.read(async |tx| whose::release(tx, transfer, ours).await).await?;
            }
        }
        Ok(match found {
            Some((org, release)) => Found::looks([jobs::sync_transfer(org, release, transfer.to_owned())]),
            None => {
                let at_provider = seen.is_some();
                tracing::warn!(
                    event = event.id,
                    transfer,
                    at_provider,
                    "an event about a transfer that is not ours: it is noted"
                );
                Found::stranger(of_transfer(transfer, seen.as_ref()))
            }
        })
    }
}
