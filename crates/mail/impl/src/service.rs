//! Takes mails in, sends them, and notes what became of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use jobs::JobCtx;
use kernel::{Clock, Fault};
use mail_api::{
    Accepted, Language, Languages, Mail, MailId, MailNews, MailReport, MailReports, MailTransport, Mailbox, Mails, MessageId,
    NotTheirs, Recipient, Refusal, SignedReport, Template, one_line,
};
use uow::{Alarm, Job, SystemUow, Tx};

use crate::compose::{Composer, Envelope};
use crate::model::{Cause, MailState, NewMail, QueuedMail};
use crate::repo;
use crate::secret::MailSecret;
use crate::tasks::SendMail;

/// So long after it was asked for a mail is given up.
const GIVE_UP: TimeDelta = TimeDelta::days(3);

/// The longest that a mail waits because the other side asked for it.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// Rows per statement, so that none takes long.
const BATCH: i64 = 5_000;

/// Statements per hour.
const ROUNDS: usize = 200;

/// The transport takes nothing from us until somebody mends something.
const REFUSES: &str = "mail_transport_refuses";

/// Mails were given up.
const GIVEN_UP: &str = "mail_given_up";

/// A mail waits that this program did not write.
const UNREADABLE: &str = "mail_unreadable";

/// Why a provider's report is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This server takes none.
    #[error("this server takes no reports of a mail provider")]
    NotConfigured,
    /// It is not the provider's, or no report.
    #[error(transparent)]
    NotTheirs(#[from] NotTheirs),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What mail stands on; joined in `bin/server`.
pub struct Dependencies {
    /// The platform's door.
    pub system: SystemUow,
    /// How mail leaves.
    pub transport: Arc<dyn MailTransport>,
    /// How a provider's reports are read, if any are taken.
    pub reports: Option<Arc<dyn MailReports>>,
    /// Who has chosen a language.
    pub languages: Arc<dyn Languages>,
    /// Where mail is kept instead of sent, if it is.
    pub mailbox: Option<Arc<dyn Mailbox>>,
    /// Who writes, and how.
    pub composer: Composer,
    /// What seals.
    pub secret: MailSecret,
    /// For signatures, and for how long a mail has waited.
    pub clock: Arc<dyn Clock>,
    /// Whether this is a developer's server, which shows its mailbox.
    pub development: bool,
}

/// Mail.
pub struct Service {
    system: SystemUow,
    transport: Arc<dyn MailTransport>,
    reports: Option<Arc<dyn MailReports>>,
    languages: Arc<dyn Languages>,
    pub(crate) mailbox: Option<Arc<dyn Mailbox>>,
    pub(crate) composer: Composer,
    secret: MailSecret,
    clock: Arc<dyn Clock>,
    pub(crate) development: bool,
}

#[async_trait]
impl Mails for Service {
    async fn send_in(&self, tx: &mut Tx, mail: Mail) -> Result<MailId, Fault> {
        let new = NewMail::sealed(mail, &self.secret)?;
        let (mail, is_new) = repo::queue(tx, &new).await?;
        if is_new {
            tx.enqueue(Job::of(&SendMail { mail })).await?;
        }
        Ok(mail)
    }
}

impl Service {
    /// Over what it stands on.
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { system, transport, reports, languages, mailbox, composer, secret, clock, development } = dependencies;
        Self { system, transport, reports, languages, mailbox, composer, secret, clock, development }
    }

    /// What the transport is called.
    pub(crate) fn transport(&self) -> &'static str {
        self.transport.name()
    }

    /// Writes a mail and hands it over. What says so comes after the commit of the attempt: a process that dies between the other side's word and
    /// the note of it sends the mail again, under the same `Message-ID`.
    pub(crate) async fn send(&self, job: &JobCtx, task: SendMail) -> Result<(), String> {
        let begun = self.system.write(async |tx| self.begin_in(tx, task.mail).await).await;
        let Some((queued, chosen)) = begun.map_err(|fault: Fault| fault.to_string())? else { return Ok(()) };
        let outcome = self.attempt(&queued, chosen).await.map_err(|fault| fault.to_string())?;
        let put_off = self.note(job, &queued, outcome).await.map_err(|fault| fault.to_string())?;
        put_off.map_or(Ok(()), Err)
    }

    /// Counts the attempt; with the language that whoever it is for has chosen. `None` if there is nothing to send.
    async fn begin_in(&self, tx: &mut Tx, id: MailId) -> Result<Option<(QueuedMail, Option<Language>)>, Fault> {
        let message_id = self.composer.message_id(id);
        let Some(queued) = repo::begin_attempt(tx, id, message_id.as_str()).await? else { return Ok(None) };
        if repo::is_suppressed(tx, &queued.address).await? {
            repo::settle(tx, id, MailState::Suppressed, None, None).await?;
            count(&queued.template, "suppressed");
            return Ok(None);
        }
        let chosen = self.languages.chosen_in(tx, &queued.address).await?;
        Ok(Some((queued, chosen)))
    }

    /// Hands a mail over, unless there is no sense in it.
    async fn attempt(&self, queued: &QueuedMail, chosen: Option<Language>) -> Result<Outcome, Fault> {
        let Some((letter, language)) = queued.opened(&self.secret) else { return Ok(Outcome::Unreadable) };
        if letter.content.counts_until(queued.created_at).is_some_and(|end| end <= self.clock.now()) {
            return Ok(Outcome::Handed(Err(Refusal::permanent("what it tells counts no more"))));
        }
        let to = Recipient { address: queued.address.clone(), name: letter.name };
        let message_id = MessageId::kept(queued.message_id.clone());
        let envelope = Envelope { id: queued.id, message_id, to: &to, date: queued.created_at };
        let mail = self.composer.compose(envelope, chosen.unwrap_or(language), &letter.content)?;
        uow::forbid_in_transaction("sending mail")?;
        Ok(Outcome::Handed(self.transport.send(&mail).await))
    }

    /// Notes what came of an attempt. Why it is to be tried again with the job's own patience, if it is.
    async fn note(&self, job: &JobCtx, queued: &QueuedMail, outcome: Outcome) -> Result<Option<String>, Fault> {
        let refusal = match outcome {
            Outcome::Handed(Ok(accepted)) => {
                self.sent(queued, &accepted).await?;
                return Ok(None);
            }
            Outcome::Unreadable => {
                self.unreadable(queued).await?;
                return Ok(None);
            }
            Outcome::Handed(Err(refusal)) => refusal,
        };
        let reason = without_addresses(refusal.reason());
        let wait = match refusal {
            Refusal::Permanent { .. } => {
                tracing::info!(mail = %queued.id, reason, "a mail was refused");
                count(&queued.template, "refused");
                self.system.write(async |tx| settle_in(tx, queued.id, MailState::Refused, &reason).await).await?;
                return Ok(None);
            }
            Refusal::NoMailbox { .. } => {
                tracing::info!(mail = %queued.id, reason, "a mail came back: nobody has its address");
                count(&queued.template, "bounced");
                self.system
                    .write(async |tx| {
                        settle_in(tx, queued.id, MailState::Bounced, &reason).await?;
                        repo::suppress(tx, &queued.address, Cause::Bounced, Some(&reason)).await
                    })
                    .await?;
                return Ok(None);
            }
            Refusal::Temporary { retry_after, .. } => retry_after,
            Refusal::Ours { .. } => {
                let detail = format!(
                    "{} takes no mail from this server ({reason}): mend [mail] in the settings, or what the other side knows of us; \
                     `build14 mail test` shows whether it does. Mails wait, for three days",
                    self.transport()
                );
                self.system.write(async |tx| tx.alarm(self.alarm(REFUSES, detail)).await).await?;
                None
            }
        };
        self.put_off(job, queued, reason, wait).await
    }

    /// Tries a mail again later, or gives it up.
    async fn put_off(
        &self,
        job: &JobCtx,
        queued: &QueuedMail,
        reason: String,
        wait: Option<Duration>,
    ) -> Result<Option<String>, Fault> {
        let now = self.clock.now();
        if job.last_attempt || now - queued.created_at > GIVE_UP {
            let detail = format!("a mail could not be sent for three days and was given up: {reason}. There may be others");
            count(&queued.template, "given_up");
            self.system
                .write(async |tx| {
                    tx.alarm(self.alarm(GIVEN_UP, detail)).await?;
                    settle_in(tx, queued.id, MailState::Refused, &reason).await
                })
                .await?;
            return Ok(None);
        }
        count(&queued.template, "put_off");
        let again = wait.map(|wait| Job::of(&SendMail { mail: queued.id }).at(now + wait.min(LONGEST_WAIT)));
        let asked = again.is_some();
        self.system
            .write(async |tx| {
                repo::note(tx, queued.id, &reason).await?;
                if let Some(job) = again {
                    tx.enqueue(job).await?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        Ok((!asked).then_some(reason))
    }

    async fn sent(&self, queued: &QueuedMail, accepted: &Accepted) -> Result<(), Fault> {
        count(&queued.template, "sent");
        let provider_id = accepted.provider_id.as_deref().filter(|id| (1..=255).contains(&id.len()));
        self.system
            .write(async |tx| {
                repo::settle(tx, queued.id, MailState::Sent, provider_id, None).await?;
                tx.end_alarms(REFUSES, &[self.transport().to_owned()]).await
            })
            .await
    }

    /// Somebody else wrote it, or the key that sealed it is gone.
    async fn unreadable(&self, queued: &QueuedMail) -> Result<(), Fault> {
        count(&queued.template, "unreadable");
        let detail = "a mail waited that this server's key did not seal: if no key was lost (tenders.seal_key, \
                      tenders.previous_seal_keys), somebody else writes into the database. It was not sent";
        let about = ("mail", queued.id.to_string());
        let alarm = Alarm { kind: UNREADABLE, about, org: None, detail: detail.to_owned() };
        self.system
            .write(async |tx| {
                tx.alarm(alarm).await?;
                settle_in(tx, queued.id, MailState::Refused, "it cannot be read").await
            })
            .await
    }

    fn alarm(&self, kind: &'static str, detail: String) -> Alarm {
        Alarm { kind, about: ("mail_transport", self.transport().to_owned()), org: None, detail }
    }

    /// Takes in what a provider tells of a mail that it took.
    ///
    /// # Errors
    /// [`Error::NotConfigured`], [`Error::NotTheirs`]; a fault.
    pub async fn take_report(&self, report: &SignedReport<'_>) -> Result<(), Error> {
        let reports = self.reports.as_ref().ok_or(Error::NotConfigured)?;
        let Some(MailReport { mail, provider_id, news }) = reports.read(report, self.clock.now())? else { return Ok(()) };
        let (state, cause, reason) = match news {
            MailNews::Bounced { for_good, reason } => {
                (MailState::Bounced, for_good.then_some(Cause::Bounced), Some(without_addresses(&reason)))
            }
            MailNews::Complained => (MailState::Complained, Some(Cause::Complained), None),
        };
        let noted: Result<bool, Fault> = self
            .system
            .write(async |tx| {
                let address = repo::report(tx, mail, &provider_id, state, reason.as_deref()).await?;
                if let (Some(address), Some(cause)) = (&address, cause) {
                    repo::suppress(tx, address, cause, reason.as_deref()).await?;
                }
                Ok(address.is_some())
            })
            .await;
        if noted? {
            metrics::counter!("mail_reports_total", "news" => state.name()).increment(1);
        }
        Ok(())
    }

    /// Forgets mails that were asked for long ago.
    pub(crate) async fn prune(&self) -> Result<(), Fault> {
        for _ in 0..ROUNDS {
            let forgotten = self.system.write(async |tx| repo::prune(tx, BATCH).await).await?;
            if i64::try_from(forgotten).unwrap_or(i64::MAX) < BATCH {
                break;
            }
        }
        Ok(())
    }
}

/// What came of an attempt.
enum Outcome {
    /// The transport's word.
    Handed(Result<Accepted, Refusal>),
    /// It is no mail of ours.
    Unreadable,
}

async fn settle_in(tx: &mut Tx, id: MailId, state: MailState, reason: &str) -> Result<(), Fault> {
    repo::settle(tx, id, state, None, Some(reason)).await.map(drop)
}

/// Counts what became of a mail, by its template and by nobody's address.
fn count(template: &str, outcome: &'static str) {
    // What stands in the database may be anybody's words.
    let template = Template::from_name(template).map_or("unknown", Template::name);
    metrics::counter!("mails_total", "template" => template, "outcome" => outcome).increment(1);
}

/// The other side's words in one line, for logs, jobs and alarms: whatever looks like an address is left out.
fn without_addresses(words: &str) -> String {
    let shown: Vec<_> = words.split_whitespace().map(|word| if word.contains('@') { "…" } else { word }).collect();
    one_line(&shown.join(" "))
}

/// An address gets mail again. False if it did.
///
/// # Errors
/// A fault of the database.
pub async fn allow(system: &SystemUow, address: &str) -> Result<bool, Fault> {
    system.write(async |tx| repo::allow(tx, address).await).await
}

#[cfg(test)]
mod tests {
    use super::without_addresses;

    #[test]
    fn the_other_sides_words_tell_no_address() {
        assert_eq!(
            without_addresses("550 5.1.1 <ada@example.com>:\r\n user ada@example.com unknown"),
            "550 5.1.1 … user … unknown"
        );
    }
}
