//! What was given up as a loss and turned up again at the provider: an operator's verb, no tenant's, and the opposite of a loss.
//!
//! A recovery names its loss, and takes back no more than is left of it (trigger), nor more than the provider's balance has over what the books say.

use escrow_api::{PaymentProvider, ProviderError};
use kernel::{Currency, Decision, Fault, Money};
use uow::SystemUow;
use uuid::Uuid;

use super::coverage::{Balance, Coverage, look_in, report_coverage};
use super::float::{FloatError, FloatPosted, positive};
use super::untold::{self, Unposted};
use crate::ledger::Posting;
use crate::model::coverage::StoredLoss;
use crate::repo;
use crate::repo::coverage::NewFloat;
use crate::repo::reader;

/// Why no recovery is posted.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// What is named is no amount.
    #[error(transparent)]
    Named(#[from] FloatError),
    /// Why must be told.
    #[error("--reason must say how it turned up again")]
    Reason,
    /// There is no such loss, or nothing is left of it.
    #[error("nothing is left to take back of a loss {loss} in {currency}: {open}. Nothing was posted")]
    NoLoss {
        /// What was named.
        loss: Uuid,
        /// The currency.
        currency: Currency,
        /// The losses that are open, in words.
        open: String,
    },
    /// More than was lost.
    #[error("of loss {loss} {open} did not come back yet, less than {named}: nothing was posted")]
    MoreThanLost {
        /// The loss.
        loss: Uuid,
        /// What is left of it.
        open: Money,
        /// What was named.
        named: Money,
    },
    /// The provider's balance does not have it.
    #[error("the provider's balance has {there} more than the books say, less than {named}: nothing was posted")]
    NotThere {
        /// What is there too much; below zero: it lacks.
        there: Money,
        /// What was named.
        named: Money,
    },
    /// The provider shows what came, which another verb posts.
    #[error("first post what is no recovery: {what} (`{command}`). See then what is there besides. Nothing was posted")]
    Untold {
        /// What the provider shows.
        what: String,
        /// By what it is posted.
        command: String,
    },
    /// The books were written in between.
    #[error("the books of {0} changed while the provider was asked: nothing was posted, try again")]
    Moved(Currency),
    /// The provider does not answer.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The losses of which something is left, in words.
fn in_words(open: &[StoredLoss]) -> String {
    if open.is_empty() {
        return "no loss is open".to_owned();
    }
    let told: Vec<String> =
        open.iter().map(|loss| format!("{} of {} ({} left)", loss.id, kernel::rfc3339(loss.at), loss.open)).collect();
    format!("open are {}", told.join(", "))
}

/// The loss that is named, if so much of it is left.
fn open_of(losses: &[StoredLoss], loss: Uuid, named: Money) -> Result<&StoredLoss, RecoveryError> {
    let (id, currency) = (loss.to_string(), named.currency());
    let Some(lost) = losses.iter().find(|one| one.id == id && one.open.currency() == currency) else {
        return Err(RecoveryError::NoLoss { loss, currency, open: in_words(losses) });
    };
    if lost.open.minor() < named.minor() {
        return Err(RecoveryError::MoreThanLost { loss, open: lost.open, named });
    }
    Ok(lost)
}

/// Posts what of a loss turned up again, under the name of the person who found it. Asks for the balance anew, and looks at coverage in the same
/// transaction.
///
/// # Errors
/// [`RecoveryError`]: if there is no such loss, less is left of it, or less is there; the provider's; a fault of the database.
pub async fn post_recovery(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    loss: Uuid,
    (amount, currency): (&str, &str),
    by: &Decision,
) -> Result<FloatPosted, RecoveryError> {
    let named = positive(amount, currency)?;
    let currency = named.currency();
    if by.reason.is_none() {
        return Err(RecoveryError::Reason);
    }
    let (asked_at, losses) =
        system.read(async |tx| Ok::<_, Fault>((db::instant(tx).await?, repo::losses::open(db::PgRead::pg(tx)).await?))).await?;
    open_of(&losses, loss, named)?;
    let holdings = provider.balance().await?;
    let of_currency = holdings.iter().filter(|one| one.available.currency() == currency);
    let holds: i64 = of_currency.map(|one| one.available.minor().saturating_add(one.pending.minor())).sum();
    let balance = Balance::answered(asked_at, holdings);
    if let Some(Unposted { what, command }) = untold::come::<RecoveryError>(system, provider, currency).await? {
        return Err(RecoveryError::Untold { what, command });
    }
    let (posted, found) = system
        .write(async |tx| {
            look_in(tx, Some(&balance)).await?;
            if repo::coverage::moved_since(tx, currency, asked_at).await? {
                return Err(RecoveryError::Moved(currency));
            }
            let losses = repo::losses::open(reader(tx)).await?;
            let lost = open_of(&losses, loss, named)?;
            // Without what may have left: it may be there still.
            let there = holds.saturating_sub(repo::losses::said(tx, currency).await?);
            if there < named.minor() {
                return Err(RecoveryError::NotThere { there: Money::from_minor(there, currency), named });
            }
            let posting = Posting::recovery(Uuid::now_v7(), named.minor(), currency);
            let new = NewFloat::of_a_loss(&posting.source, named, "recovered", Some(lost.row));
            let at = repo::coverage::post_float(tx, &new, by).await?;
            let found = look_in(tx, Some(&balance)).await?;
            let coverage = found.iter().find(|one| one.seen.currency == currency);
            let Coverage { seen, resumed } =
                coverage.ok_or_else(|| Fault::internal(format!("no coverage of {currency} after its recovery")))?;
            let posted = FloatPosted::of(&posting, at, "recovered".to_owned(), seen, *resumed);
            Ok((posted, found))
        })
        .await?;
    report_coverage(&found);
    Ok(posted)
}
