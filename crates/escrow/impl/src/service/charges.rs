//! What becomes of a charge after it was paid: disputes, fraud warnings, refunds past us, reviews. Whoever noticed, it goes the same way:
//! fetch the charge and all that befell it, then apply what was seen as states under lock. What is new stops the money and raises an alarm,
//! in one transaction.
//!
//! A hold is on the milestone while all its money is still here. Once any of it left, or may have, the loss is larger than what is held
//! for it: then the whole contract is on hold until a person has settled who bears it.

use chrono::TimeDelta;
use escrow_api::{ChargeNews, Error, HoldKind, PaymentStatus, ProviderError};
use kernel::{Fault, RequestId, rfc3339};
use uow::{Alarm, Job, Tx};

use super::Service;
use super::alarms::{CHARGE_REFUNDED, CHARGES_UNREAD, raise_in};
use crate::jobs::{self, SyncCharge, SyncPayment};
use crate::model::incident::{Effect, Incident, incidents};
use crate::model::moved::StoredPayment;
use crate::repo;
use crate::repo::holds::NewHold;

/// The provider's lists are read again from so long before the last look: its clock is not ours.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// An incident that goes on is looked at again after so long, should no event tell.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// The lists may be unread for so long before a person is told.
const UNREAD: TimeDelta = TimeDelta::minutes(30);

/// Money is taken back by an object of the provider's that is about no payment of ours. About that object.
const UNMATCHED: &str = "dispute_unmatched";

fn alarm_of(kind: HoldKind) -> (&'static str, &'static str) {
    match kind {
        HoldKind::Dispute => ("dispute", "dispute"),
        HoldKind::FraudWarning => ("fraud_warning", "fraud_warning"),
        HoldKind::Refund => (CHARGE_REFUNDED, "charge"),
        HoldKind::Review => ("charge_under_review", "review"),
        _ => ("charge_wrong", "charge"),
    }
}

impl Service {
    /// Looks at the charge of a payment and applies what is seen. Safe to run at any time, any number of times.
    ///
    /// # Errors
    /// The provider's, if it does not answer: the job is run again.
    pub async fn sync_charge(&self, job: SyncCharge) -> Result<(), Error> {
        let read = async || self.system.read(async |tx| repo::payments::find(tx, job.org, job.payment).await).await;
        let Some(mut payment) = read().await? else { return Ok(()) };
        if payment.charge.is_none() {
            // The news may be faster than those of the payment itself. A payment that learns its charge is looked at again.
            self.sync_payment(SyncPayment { org: job.org, payment: job.payment }).await?;
            let Some(latest) = read().await? else { return Ok(()) };
            payment = latest;
        }
        self.sync_refunds(&payment, None).await?;
        self.look_at_charge(&payment).await?;
        self.sync_withdrawals(&payment).await.map(drop)
    }

    /// Fetches the charge that brought a payment's money, and what befell it; stops the money if something did that is news. Says whether something of
    /// the charge was refunded.
    pub(super) async fn look_at_charge(&self, payment: &StoredPayment) -> Result<bool, Error> {
        let Some(id) = &payment.charge else { return Ok(false) };
        let charge = match self.provider.charge(id).await {
            Ok(charge) => Some(charge),
            Err(ProviderError::Refused { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let (disputes, warnings) = match &payment.intent {
            Some(intent) => {
                (self.provider.disputes_of_intent(intent).await?, self.provider.fraud_warnings_of_intent(intent).await?)
            }
            None => (Vec::new(), Vec::new()),
        };
        let reviews = self.system.read(async |tx| repo::incidents::open_reviews(tx, payment).await).await?;
        let seen = incidents(id, charge.as_ref(), &disputes, &warnings, &reviews);
        if !seen.is_empty() {
            self.system.write(async |tx| Self::apply_in(tx, payment, &seen).await).await?;
        }
        Ok(charge.is_some_and(|charge| charge.amount_refunded > 0))
    }

    /// Applies what befell a charge. Only news have an effect: what a person has settled is not stopped again by being seen again.
    async fn apply_in(tx: &mut Tx, payment: &StoredPayment, seen: &[Incident]) -> Result<(), Fault> {
        let request = RequestId::generate();
        repo::incidents::lock(tx, payment).await?;
        let mut let_go = false;
        for incident in seen {
            if !repo::incidents::keep(tx, payment, incident).await? {
                continue;
            }
            match incident.effect {
                Effect::Hold => Self::stop_in(tx, payment, incident, &request).await?,
                Effect::Lift => {
                    let reason = format!("{}: {}", incident.object, incident.state);
                    let mut lifted = false;
                    for hold in repo::incidents::holds_of(tx, payment, incident.kind, &incident.object).await? {
                        lifted |= repo::holds::lift(tx, payment.owner, hold, None, &reason, &request).await?;
                    }
                    if lifted {
                        let_go = true;
                        Self::tell_in(
                            tx,
                            payment,
                            incident,
                            "its hold is lifted. What the provider kept for it is posted with `build14 cost`",
                        )
                        .await?;
                    }
                }
            }
        }
        if let_go {
            for (org, release) in repo::holds::waiting(tx, payment.owner, payment.contract, None).await? {
                tx.enqueue(jobs::send_release(org, release)).await?;
            }
        }
        Ok(())
    }

    async fn stop_in(tx: &mut Tx, payment: &StoredPayment, incident: &Incident, request: &RequestId) -> Result<(), Fault> {
        if payment.status == PaymentStatus::Suspense {
            if incident.kind == HoldKind::Refund {
                // It is posted, and what waits still has an alarm of its own.
                return Ok(());
            }
            // It funds nothing: what stands for its milestone another payment brought.
            let outcome = format!("payment {} is in suspense and funds nothing: nothing is on hold for it", payment.id);
            return Self::tell_in(tx, payment, incident, &outcome).await;
        }
        let left = repo::incidents::left(tx, payment).await?;
        let hold = NewHold {
            org: payment.owner,
            contract: payment.contract,
            milestone: (!left).then_some(payment.milestone),
            kind: incident.kind,
            object: &incident.object,
            reason: &incident.detail,
            operator: None,
        };
        repo::holds::place(tx, &hold, request).await?;
        let place = if left {
            format!("money of it left: contract {} is on hold", payment.contract)
        } else {
            format!("milestone {} is on hold", payment.milestone)
        };
        let outcome = format!("{place}. Settle it at the provider, then `build14 unfreeze --kind {}`", incident.kind.name());
        Self::tell_in(tx, payment, incident, &outcome).await
    }

    /// The alarm about what befell a charge says what came of it.
    async fn tell_in(tx: &mut Tx, payment: &StoredPayment, incident: &Incident, outcome: &str) -> Result<(), Fault> {
        let (kind, about) = alarm_of(incident.kind);
        let detail = format!("{}; {outcome}", incident.detail);
        raise_in(tx, Alarm { kind, about: (about, incident.object.clone()), org: Some(payment.owner), detail }).await
    }

    /// Where to look for what befell a charge; none if it is not ours.
    async fn charge_look(&self, news: &ChargeNews) -> Result<Option<Job>, Error> {
        let found = self.system.read(async |tx| repo::incidents::payment_of(tx, news).await).await?;
        Ok(found.map(|(org, payment)| jobs::sync_charge(org, payment)))
    }

    /// Money that is taken back and belongs to no payment of ours: a person must find out.
    pub(super) async fn unmatched(&self, news: &ChargeNews) -> Result<(), Error> {
        let ChargeNews { object, charge, intent } = news;
        let (charge, intent) = (charge.as_deref().unwrap_or("unknown"), intent.as_deref().unwrap_or("unknown"));
        let detail = format!("{object} is about charge {charge} of payment intent {intent}, which belongs to no payment here");
        let alarm = Alarm { kind: UNMATCHED, about: ("provider_object", object.clone()), org: None, detail };
        Ok(self.system.write(async |tx| raise_in(tx, alarm).await).await?)
    }

    /// Reads the provider's lists of what befell charges since the last look, and leaves a job for each that is not known: what a webhook
    /// that never came would have told. Looks again at what goes on.
    ///
    /// # Errors
    /// The provider's, if it does not answer; a fault of the database.
    pub(super) async fn watch_charges(&self) -> Result<(), Error> {
        let now = self.now();
        let (until, unfinished) = self
            .system
            .read(async |tx| {
                let until = repo::incidents::looked_until(tx).await?;
                Ok::<_, Fault>((until, repo::incidents::unfinished(tx, now - AGAIN).await?))
            })
            .await?;
        let looks: Vec<Job> = unfinished.iter().map(|(org, payment)| jobs::sync_charge(*org, *payment)).collect();
        if !looks.is_empty() {
            self.system
                .write(async |tx| {
                    for look in looks {
                        tx.enqueue(look).await?;
                    }
                    repo::incidents::take_turns(tx, &unfinished, now).await
                })
                .await?;
        }
        let every = TimeDelta::from_std(self.settings.charge_watch).map_err(Fault::internal)?;
        if until.is_some_and(|until| now < until + every) {
            return Ok(());
        }
        let found = self.provider.charge_news_since(until.map(|until| until - OVERLAP)).await?;
        let objects: Vec<String> = found.iter().map(|one| one.object.clone()).collect();
        let known = self
            .system
            .read(async |tx| {
                let mut known = repo::incidents::known(tx, &objects).await?;
                // Nobody's, and a person said so: it stays in the provider's lists, and is no news.
                known.extend(db::settled_alarms(tx, UNMATCHED, &objects).await?);
                Ok::<_, Fault>(known)
            })
            .await?;
        let mut looks = Vec::new();
        for one in found.iter().filter(|one| !known.contains(&one.object)) {
            match self.charge_look(one).await? {
                Some(look) => looks.push(look),
                None if takes_money(&one.object) => self.unmatched(one).await?,
                None => {}
            }
        }
        self.system
            .write(async |tx| {
                for look in looks {
                    tx.enqueue(look).await?;
                }
                tx.end_alarms(CHARGES_UNREAD, &["stripe".to_owned()]).await?;
                repo::incidents::set_looked_until(tx, now).await
            })
            .await?;
        Ok(())
    }

    /// The lists could not be read: if that was so for a while, a person is told.
    pub(super) async fn charges_unread(&self, error: &Error) -> Result<(), Fault> {
        let Some(until) = self.system.read(async |tx| repo::incidents::looked_until(tx).await).await? else { return Ok(()) };
        if self.now() - until < UNREAD {
            return Ok(());
        }
        let detail = format!(
            "the lists of disputes, fraud warnings and refunds were read last at {} ({error}): of what befell charges since then only events \
             tell, and the look right before money leaves",
            rfc3339(until)
        );
        let about = ("provider", "stripe".to_owned());
        self.system.write(async |tx| raise_in(tx, Alarm { kind: CHARGES_UNREAD, about, org: None, detail }).await).await
    }
}

/// Whether an object of the provider's is one by which money is lost: a dispute or a warning of fraud. A refund or a review of somebody
/// else's charge is their business.
pub(super) fn takes_money(object: &str) -> bool {
    ["dp_", "du_", "pdp_", "issfr_"].iter().any(|prefix| object.starts_with(prefix))
}
