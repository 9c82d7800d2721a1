//! What is missing at the provider and does not come back is the platform's loss: an operator's verb, no tenant's.
//!
//! How much it is the provider's balance says, never the operator. Posted, the books are right again, and what the platform bears stands where
//! coverage sees it: its own money makes up for it first, then the reserve; what lacks beyond that stops the currency, as before. What another verb
//! posts is no loss: posted by both, it would hide what is missing later.

use escrow_api::{PaymentProvider, ProviderError};
use kernel::{Currency, Decision, Fault, Money, Reason};
use uow::SystemUow;
use uuid::Uuid;

use super::alarms::{
    BALANCE_SHORT, FOREIGN_TRANSFER, OWN_MONEY_UNDONE, PAYOUT, TRANSFER_REVERSED, UNEXPECTED_TRANSFER, WRONG_TRANSFER,
};
use super::coverage::{Balance, Coverage, look_in, report_coverage};
use super::float::{FloatError, FloatPosted, positive};
use super::untold::{self, Unposted, Untold};
use crate::ledger::Posting;
use crate::repo;
use crate::repo::coverage::NewFloat;

/// Why no loss is posted.
#[derive(Debug, thiserror::Error)]
pub enum LossError {
    /// What is named is no amount.
    #[error(transparent)]
    Named(#[from] FloatError),
    /// Why must be told.
    #[error("--reason must say what became of it")]
    Reason,
    /// The balance is right.
    #[error("nothing of {0} is missing at the provider: nothing was posted")]
    NothingMissing(Currency),
    /// It is not as much as the operator thinks.
    #[error("{found} are missing at the provider, not {expected}: nothing was posted")]
    Differs {
        /// What is missing.
        found: Money,
        /// What the operator named.
        expected: Money,
    },
    /// Something that may be what is missing is another verb's to post, or a person's to look at.
    #[error(
        "first settle what may be what is missing (`build14 alarms list`): the open alarm {kind} about {about}. \
         Once it is posted or settled by name, name what is missing then: nothing was posted"
    )]
    Open {
        /// The alarm's kind.
        kind: &'static str,
        /// What it is about.
        about: String,
    },
    /// The provider shows what took it, which another verb posts.
    #[error("first post what is no loss: {what} (`{command}`). See then what is missing besides. Nothing was posted")]
    Untold {
        /// What the provider shows.
        what: String,
        /// By what it is posted.
        command: String,
    },
    /// A fee that the provider booked by itself is the sweep's to post.
    #[error(
        "{0} is a fee of the provider's that the sweep posts within a minute or two (or `build14 cost --source {0}`): see then what is missing \
         besides. Nothing was posted"
    )]
    Fee(String),
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

impl From<Untold> for LossError {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::ByCommand(Unposted { what, command }) => Self::Untold { what, command },
            Untold::Fee(fee) => Self::Fee(fee),
            Untold::Transfer(about) => Self::Open { kind: FOREIGN_TRANSFER, about },
        }
    }
}

/// Refuses while a person has yet to look at what may be missing.
async fn nothing_open(system: &SystemUow) -> Result<(), LossError> {
    let kinds = [PAYOUT, OWN_MONEY_UNDONE, FOREIGN_TRANSFER, UNEXPECTED_TRANSFER, WRONG_TRANSFER, TRANSFER_REVERSED];
    for kind in kinds {
        if let Some(open) = system.read(async |tx| db::alarming(tx, kind).await).await?.into_iter().next() {
            return Err(LossError::Open { kind, about: open.about });
        }
    }
    Ok(())
}

/// Posts what is missing of a currency as the platform's loss, under the name of the person who gives it up: all of it, which they name as a check.
/// Asks for the balance anew, and looks at coverage in the same transaction: what waited goes on at once, or stays stopped for what lacks now.
///
/// # Errors
/// [`LossError`]: if nothing is missing, or another amount, or something else posts it; the provider's; a fault of the database.
pub async fn post_loss(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    amount: &str,
    currency: &str,
    by: &Decision,
) -> Result<FloatPosted, LossError> {
    let expected = positive(amount, currency)?;
    let currency = expected.currency();
    let reason = by.reason.as_ref().map(Reason::as_str).ok_or(LossError::Reason)?;
    nothing_open(system).await?;
    let asked_at = system.read(async |tx| db::instant(tx).await).await?;
    let balance = Balance::answered(asked_at, provider.balance().await?);
    let left = untold::left::<LossError>(system, provider, currency).await?;
    if let Some(untold) = left.untold {
        return Err(untold.into());
    }
    let of = |found: &[Coverage]| found.iter().position(|one| one.seen.currency == currency);
    let (posted, found) = system
        .write(async |tx| {
            let before = look_in(tx, Some(&balance)).await?;
            if repo::coverage::moved_since(tx, currency, asked_at).await? {
                return Err(LossError::Moved(currency));
            }
            let missing = of(&before).map_or(0, |at| before[at].seen.missing());
            if missing == 0 {
                return Err(LossError::NothingMissing(currency));
            }
            let found = Money::from_minor(missing, currency);
            if found != expected {
                return Err(LossError::Differs { found, expected });
            }
            let id = Uuid::now_v7();
            let posting = Posting::loss(id, missing, currency);
            let new = NewFloat::of_a_loss(&posting.source, Money::from_minor(-missing, currency), "missing", None);
            let at = repo::coverage::post_float(tx, &new, by).await?;
            for transfer in &left.given_up {
                repo::losses::give_up(tx, transfer, id).await?;
            }
            tx.settle_alarms(BALANCE_SHORT, &[currency.code().to_owned()], &by.operator, reason).await?;
            let found = look_in(tx, Some(&balance)).await?;
            let Coverage { seen, resumed } = of(&found)
                .map(|at| &found[at])
                .ok_or_else(|| Fault::internal(format!("no coverage of {currency} after its loss")))?;
            let posted = FloatPosted::of(&posting, at, "missing".to_owned(), seen, *resumed);
            Ok((posted, found))
        })
        .await?;
    report_coverage(&found);
    Ok(posted)
}
