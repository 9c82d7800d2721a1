//! For tests: mail in memory. A plain module, as `auth_api::fake` says why.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kernel::Fault;
use uow::Tx;

use crate::{Accepted, Mail, MailId, MailTransport, Mails, OutgoingMail, Refusal};

/// Keeps every mail that was asked for, those of transactions that were rolled back too; of one key the first.
#[derive(Debug, Default)]
pub struct Sent(Mutex<Vec<(MailId, Mail)>>);

impl Sent {
    /// All mails, in the order in which they were asked for.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.held().iter().map(|(_, mail)| mail.clone()).collect()
    }

    /// Those to one address.
    #[must_use]
    pub fn to(&self, address: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.to.address == address).collect()
    }

    fn held(&self) -> MutexGuard<'_, Vec<(MailId, Mail)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mails for Sent {
    async fn send_in(&self, _: &mut Tx, mail: Mail) -> Result<MailId, Fault> {
        let mut held = self.held();
        if let Some((id, _)) = held.iter().find(|(_, before)| before.key == mail.key) {
            return Ok(*id);
        }
        let id = MailId::new();
        held.push((id, mail));
        Ok(id)
    }
}

/// A transport that keeps what it took, after the refusals that it was told to begin with.
#[derive(Debug, Default)]
pub struct Transport {
    taken: Mutex<Vec<OutgoingMail>>,
    refusals: Mutex<VecDeque<Refusal>>,
}

impl Transport {
    /// The next mails are refused like this, one after the other.
    pub fn refuse(&self, refusals: impl IntoIterator<Item = Refusal>) {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).extend(refusals);
    }

    /// What it took, in order.
    #[must_use]
    pub fn taken(&self) -> Vec<OutgoingMail> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl MailTransport for Transport {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<Accepted, Refusal> {
        if let Some(refusal) = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Err(refusal);
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(mail.clone());
        Ok(Accepted { provider_id: Some(format!("fake-{}", taken.len())) })
    }
}
