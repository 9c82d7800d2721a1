//! Takes events in, hands them out, and looks for those that got lost.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use kernel::{Clock, Fault};
use module::Wired;
use provider_events::{Deliveries, ProviderEvent, Receipt, Refused, Subscriptions};
use uow::{Alarm, SystemUow, Tx};

use crate::repo::{self, EventRow};
use crate::tasks::{Hear, hear};

/// What waits for longer is handed out again by the sweep.
const STUCK_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Rows per statement, so that none takes long.
const BATCH: i64 = 5_000;

/// Why a delivery is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not the provider's, or no event.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What the inbox stands on; joined in `bin/server`.
pub struct Dependencies {
    /// The platform's door.
    pub system: SystemUow,
    /// How deliveries are read.
    pub deliveries: Arc<dyn Deliveries>,
    /// For signatures, and for how long an event waits.
    pub clock: Arc<dyn Clock>,
    /// Whether the provider moves real money: an event of the other mode is nobody's.
    pub livemode: bool,
}

/// The inbox.
pub struct Service {
    system: SystemUow,
    deliveries: Arc<dyn Deliveries>,
    clock: Arc<dyn Clock>,
    livemode: bool,
    subscriptions: Subscriptions,
}

impl Service {
    /// The inbox of what these services hear.
    #[must_use]
    pub fn new(dependencies: Dependencies, hearing: &[Arc<dyn Wired>]) -> Self {
        let Dependencies { system, deliveries, clock, livemode } = dependencies;
        let mut subscriptions = Subscriptions::default();
        for service in hearing {
            Arc::clone(service).hears(&mut subscriptions);
        }
        Self { system, deliveries, clock, livemode, subscriptions }
    }

    /// Who hears events here, by name.
    #[must_use]
    pub fn subscribers(&self) -> Vec<&'static str> {
        self.subscriptions.names()
    }

    /// Takes in a delivery: verifies it, keeps its event once, and leaves a job for each subscriber. Says whether the event is new.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is not from the provider, or not an event; a fault.
    pub async fn take(&self, signature: Option<&str>, body: &[u8]) -> Result<bool, Error> {
        let event = self.deliveries.read(signature, body, self.clock.now())?;
        if !is_storable(&event) {
            return Err(Refused("the body is not an event").into());
        }
        let subscribers = self.who_hears(&event);
        let misdirected = self.misdirected(&event);
        let row = row(event, subscribers.clone());
        self.system
            .write(async |tx| {
                let fresh = repo::keep(tx, &row).await?;
                if fresh {
                    hand_out_in(tx, &row.id, &subscribers).await?;
                    if let Some(alarm) = misdirected {
                        tx.alarm(alarm).await?;
                    }
                }
                Ok(fresh)
            })
            .await
    }

    /// An event of the other mode, which nobody here hears: an endpoint of the provider's sends to the wrong server.
    fn misdirected(&self, event: &ProviderEvent) -> Option<Alarm> {
        let mode = |live| if live { "live" } else { "test" };
        let (theirs, ours) = (mode(event.livemode), mode(self.livemode));
        let detail = format!(
            "event {} ({}) is of {theirs} mode and this server of {ours} mode: it was noted and nothing done; the secrets of an endpoint of \
             {theirs} mode stand in stripe.webhook_secret",
            event.id, event.name
        );
        (theirs != ours).then(|| Alarm { kind: "event_of_other_mode", about: ("mode", theirs.to_owned()), org: None, detail })
    }

    /// Who has to hear an event. Nobody hears one of the other mode, or of a kind that no domain asked for: it is noted, and done.
    fn who_hears(&self, event: &ProviderEvent) -> Vec<String> {
        let ProviderEvent { id, name, livemode, .. } = event;
        if *livemode != self.livemode {
            tracing::warn!(event = id, livemode, "an event of the other mode is left alone");
            return Vec::new();
        }
        let names = self.subscriptions.of(event.kind);
        if names.is_empty() {
            tracing::info!(event = id, name, "nobody hears events of this kind: it is noted, and done");
        }
        names.into_iter().map(str::to_owned).collect()
    }

    /// A subscriber hears an event.
    pub(crate) async fn hear(&self, job: Hear) -> Result<(), String> {
        let Hear { event: id, subscriber } = job;
        let in_words = |fault: Fault| fault.to_string();
        let Some(kept) = self.system.read(async |tx| repo::event(tx, &id).await).await.map_err(in_words)? else {
            return Ok(());
        };
        let Some(hearing) = self.subscriptions.run(&subscriber, self.typed(kept), Arc::new(Noted)) else {
            return Err(format!("there is no subscriber `{subscriber}` here: the server that kept the event has one"));
        };
        hearing.await.map_err(|error| format!("{subscriber}: {error}"))?;
        // Unless it did so itself, in the transaction of its effects.
        self.system.write(async |tx| repo::heard(tx, &id, &subscriber).await).await.map(drop).map_err(in_words)
    }

    /// Hands out an event that a server kept which did not say who has to hear it.
    pub(crate) async fn hand_out(&self, id: &str) -> Result<(), Fault> {
        match self.system.read(async |tx| repo::event(tx, id).await).await? {
            Some(row) if row.waiting_for.is_none() => self.hand_out_again(vec![row]).await,
            _ => Ok(()),
        }
    }

    /// Hands out again what waits for too long: needed after a crash, and when a job got lost.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn sweep(&self) -> Result<(), Fault> {
        let before = self.clock.now() - STUCK_AFTER;
        let waiting = self.system.read(async |tx| repo::waiting(tx, before).await).await?;
        self.hand_out_again(waiting).await
    }

    async fn hand_out_again(&self, waiting: Vec<EventRow>) -> Result<(), Fault> {
        if waiting.is_empty() {
            return Ok(());
        }
        tracing::debug!(found = waiting.len(), "handing out again");
        let mut due = Vec::new();
        for row in waiting {
            let (id, said) = (row.id.clone(), row.waiting_for.clone());
            let is_said = said.is_some();
            due.push((id, is_said, said.unwrap_or_else(|| self.who_hears(&self.typed(row)))));
        }
        self.system
            .write(async |tx| {
                for (id, is_said, subscribers) in &due {
                    if *is_said || repo::awaits(tx, id, subscribers).await? {
                        hand_out_in(tx, id, subscribers).await?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Forgets events that were done 30 days ago: the provider repeats an event for days, not for longer.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn prune(&self) -> Result<(), Fault> {
        let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
        while self.system.write(async |tx| repo::prune(tx, BATCH).await).await? >= full {}
        Ok(())
    }

    /// The event that a row keeps, in the words of this version.
    fn typed(&self, row: EventRow) -> ProviderEvent {
        let EventRow { id, name, object_id, account, intent, our_id, livemode, waiting_for: _ } = row;
        let kind = self.deliveries.kind(&name);
        let object = Some(object_id).filter(|id| !id.is_empty());
        ProviderEvent { id, name, kind, object, account, intent, ours: our_id, livemode }
    }
}

/// A job for each subscriber; done if there is none.
async fn hand_out_in(tx: &mut Tx, id: &str, subscribers: &[String]) -> Result<(), Fault> {
    if subscribers.is_empty() {
        return repo::done(tx, id).await;
    }
    for subscriber in subscribers {
        tx.enqueue(hear(id, subscriber)).await?;
    }
    Ok(())
}

/// As long as anything is that a provider names, an id or a type.
const LONGEST: usize = 255;

/// Whether the table can keep it: PostgreSQL keeps no U+0000, and a provider does not send one; what it names has at most 255 bytes.
fn is_storable(event: &ProviderEvent) -> bool {
    let ProviderEvent { id, name, object, account, intent, .. } = event;
    let texts = [Some(id), Some(name), object.as_ref(), account.as_ref(), intent.as_ref()];
    !id.is_empty() && texts.into_iter().flatten().all(|text| text.len() <= LONGEST && !text.contains('\0'))
}

fn row(event: ProviderEvent, waiting_for: Vec<String>) -> EventRow {
    let ProviderEvent { id, name, kind: _, object, account, intent, ours, livemode } = event;
    let object_id = object.unwrap_or_default();
    EventRow { id, name, object_id, account, intent, our_id: ours, livemode, waiting_for: Some(waiting_for) }
}

/// Notes on the event's row who heard it.
struct Noted;

#[async_trait]
impl Receipt for Noted {
    async fn note_in(&self, tx: &mut Tx, event: &str, subscriber: &str) -> Result<bool, Fault> {
        repo::heard(tx, event, subscriber).await
    }
}
