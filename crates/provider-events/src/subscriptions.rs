//! Who hears which events.

use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::Fault;
use uow::Tx;

use crate::{Kind, ProviderEvent, Subject};

/// A subscriber at work; the text of its failure is stored with the job.
pub type Hearing = BoxFuture<'static, Result<(), String>>;

type Run = Arc<dyn Fn(Heard) -> Hearing + Send + Sync>;

/// Notes that an event was heard. The inbox implements it.
#[async_trait]
pub trait Receipt: Send + Sync + 'static {
    /// Notes it in the subscriber's transaction. False if it was noted before; while another transaction is just noting it, this waits for
    /// that one's end.
    ///
    /// # Errors
    /// A fault of the database.
    async fn note_in(&self, tx: &mut Tx, event: &str, subscriber: &str) -> Result<bool, Fault>;
}

/// An event, as one subscriber hears it.
pub struct Heard {
    /// The event.
    pub event: ProviderEvent,
    subscriber: &'static str,
    receipt: Arc<dyn Receipt>,
}

impl Heard {
    /// Notes in the subscriber's own transaction that it heard the event, so that what that transaction does is done once. False if it has
    /// heard it before: then there is nothing to do. Of a transaction of `SystemUow`: the inbox is the platform's.
    ///
    /// Who does not call it is taken to have heard the event when its handler returns.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn first_in(&self, tx: &mut Tx) -> Result<bool, Fault> {
        self.receipt.note_in(tx, &self.event.id, self.subscriber).await
    }
}

#[derive(Clone)]
struct Subscription {
    subscriber: &'static str,
    subjects: &'static [Subject],
    run: Run,
}

/// The subscribers of a program. Domains add theirs in `module::Wired::hears`.
#[derive(Clone, Default)]
pub struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    /// Runs `handler` for every event about one of these subjects, under a name that stays: events that wait remember it. It runs at least
    /// once, in whatever order events come, and must bear both; an error has it run again with backoff, and no other subscriber with it.
    ///
    /// # Panics
    /// If there is a subscriber of that name already.
    pub fn hear<S, F, W, E>(&mut self, subscriber: &'static str, subjects: &'static [Subject], service: &Arc<S>, handler: F)
    where
        S: Send + Sync + 'static,
        F: Fn(Arc<S>, Heard) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + 'static,
    {
        assert!(self.0.iter().all(|other| other.subscriber != subscriber), "there are two subscribers `{subscriber}`");
        let service = Arc::clone(service);
        let run = move |heard| {
            let work = handler(Arc::clone(&service), heard);
            async move { work.await.map_err(|error| error.to_string()) }.boxed()
        };
        self.0.push(Subscription { subscriber, subjects, run: Arc::new(run) });
    }

    /// Every subscriber, by name.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|one| one.subscriber).collect()
    }

    /// Who hears events of this kind, by name. What this version has no word for, nobody does.
    #[must_use]
    pub fn of(&self, kind: Option<Kind>) -> Vec<&'static str> {
        let Some(Kind { subject, .. }) = kind else { return Vec::new() };
        self.0.iter().filter(|one| one.subjects.contains(&subject)).map(|one| one.subscriber).collect()
    }

    /// Has a subscriber hear an event. `None` if there is none of that name.
    #[must_use]
    pub fn run(&self, subscriber: &str, event: ProviderEvent, receipt: Arc<dyn Receipt>) -> Option<Hearing> {
        let one = self.0.iter().find(|one| one.subscriber == subscriber)?;
        Some((one.run)(Heard { event, subscriber: one.subscriber, receipt }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Change;

    fn heard_by(subscriptions: &Subscriptions, subject: Subject) -> Vec<&'static str> {
        subscriptions.of(Some(Kind { subject, change: Change::Other }))
    }

    #[test]
    fn a_subject_has_as_many_hearers_as_ask_for_it() {
        let mut subscriptions = Subscriptions::default();
        let nothing = Arc::new(());
        subscriptions.hear("one", &[Subject::Charge, Subject::Payout], &nothing, |_, _| async { Ok::<_, String>(()) });
        subscriptions.hear("two", &[Subject::Charge], &nothing, |_, _| async { Ok::<_, String>(()) });
        assert_eq!(subscriptions.names(), ["one", "two"]);
        assert_eq!(heard_by(&subscriptions, Subject::Charge), ["one", "two"]);
        assert_eq!(heard_by(&subscriptions, Subject::Payout), ["one"]);
        assert_eq!(heard_by(&subscriptions, Subject::Transfer), [""; 0]);
        assert_eq!(subscriptions.of(None), [""; 0]);
    }

    #[test]
    #[should_panic(expected = "there are two subscribers `one`")]
    fn a_name_is_one_subscribers() {
        let mut subscriptions = Subscriptions::default();
        for _ in 0..2 {
            subscriptions.hear("one", &[Subject::Charge], &Arc::new(()), |_, _| async { Ok::<_, String>(()) });
        }
    }
}
