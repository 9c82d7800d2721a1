//! A transfer that was reversed at the provider: what came back is seen as a state, stops its contract, and is settled by a person.
//!
//! The provider says how much of a transfer was reversed in all, so that neither order nor number of events matters: what is new since the
//! last look is posted, once per sum. Whose the money is no program knows: it waits under the release (2090). A transfer by which a payee was
//! paid again is looked at like the first one: what comes back of it is unsettled again.

use audit_api::NewEntry;
use escrow_api::{ContractId, ContractStatus, Error, ProviderError, Release, ReleaseId, TransferState};
use kernel::{Ctx, Decision, Fault, Money, Reason, RequestId};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uow::Tx;
use uuid::Uuid;

use super::Service;
use super::alarms::{FOREIGN_TRANSFER, StaysOpen, TRANSFER_REVERSED, alarm_in};
use crate::jobs;
use crate::ledger::Posting;
use crate::model::money::proportion;
use crate::model::moved::{ReleaseChange, StoredRelease};
use crate::model::stored::Place;
use crate::model::{MilestoneEvent, ReleaseEvent};
use crate::repo;
use crate::repo::reader;

/// Why a transfer that paid for something settles nothing more.
const SPENT: &str = "it stands in the ledger for something else already";

/// What a person decided about money that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The payee was paid it with another transfer (`tr_…`), made by hand to any account of its own.
    PaidWith(String),
    /// The payee, which has no account at the provider that can receive, was paid it from the platform's bank, where nobody can look: so whoever says so
    /// says how much.
    PaidOutside {
        /// Of the payment, as the bank has it.
        reference: Reason,
        /// What was paid, in the release's currency. It is all that came back and is not settled, or nothing is.
        amount: Decimal,
    },
    /// It is held for the milestone again, and its fee with it: work is submitted, approved and released anew.
    HeldAgain,
}

/// What was settled of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledReversal {
    /// The release, as it is now.
    pub release: Release,
    /// What of it had come back and is settled by this.
    pub amount: Money,
}

/// Why it is not settled.
#[derive(Debug, thiserror::Error)]
pub enum Unsettled {
    /// Nothing is open.
    #[error("nothing of release {0} came back that was not settled: nothing was changed")]
    Nothing(ReleaseId),
    /// The contract is over.
    #[error(
        "its contract is {0}: money is held again only in one that is active; pay the payee, and settle it with --paid-with or, should it have no \
         account at the provider any more, with --paid-outside"
    )]
    ContractOver(ContractStatus),
    /// Another amount came back than was paid.
    #[error("{open} came back that is not settled, not {named}: look again, nothing was changed")]
    Amount {
        /// What is open.
        open: Money,
        /// What was named.
        named: Decimal,
    },
    /// It can be paid with a transfer, which can be looked at.
    #[error(
        "the payee has account {0} at the provider, which can receive: pay it with a transfer there, and settle it with --paid-with"
    )]
    AccountOpen(String),
    /// That transfer does not settle it.
    #[error("{transfer} does not settle it: {why}")]
    Transfer {
        /// What was named.
        transfer: String,
        /// What is wrong with it.
        why: String,
    },
    /// As any verb.
    #[error(transparent)]
    Other(#[from] Error),
}

impl From<Fault> for Unsettled {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.into())
    }
}

impl Service {
    /// Applies how much of a release's own transfer was reversed in all.
    pub(super) async fn reversed_in(&self, tx: &mut Tx, ctx: &Ctx, id: ReleaseId, transfer: &TransferState) -> Result<(), Error> {
        if transfer.reversed.minor() == 0 {
            return Ok(());
        }
        let seen = repo::releases::row(reader(tx), id).await?;
        repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        let in_all = transfer.reversed.minor();
        let (net, known) = (release.net.minor(), release.reversed.minor());
        // A look that comes late knows less.
        if release.transfer.as_deref() != Some(transfer.id.as_str()) || in_all <= known {
            return Ok(());
        }
        let before = release.status;
        let event = if in_all < net { ReleaseEvent::ReversePart } else { ReleaseEvent::ReverseWhole };
        let Some(after) = event.after(before).filter(|_| in_all <= net) else {
            return Err(Fault::internal(format!("release {id} is {before} over {net}, yet {in_all} of it came back")).into());
        };
        let posting = Posting::transfer_reversed(&transfer.id, release.id.0, in_all - known, in_all, release.currency());
        self.post_in(tx, release.place(), &posting, None).await?;
        let step = ReleaseChange { status: Some(after), reversed: Some(release.money(in_all)), ..ReleaseChange::default() };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        let detail = format!(
            "{} of {} of transfer {} came back; funding and releases of contract {} are stopped until a person settles it: \
             `build14 reversal-settle --release {id}`",
            transfer.reversed, transfer.amount, transfer.id, release.contract
        );
        alarm_in(tx, TRANSFER_REVERSED, ("release", id.to_string()), detail).await?;
        let (was, is) = (
            json!({ "status": before, "reversed": release.reversed }),
            json!({ "status": after, "reversed": transfer.reversed, "transfer": transfer.id }),
        );
        self.tell_both_in(tx, ctx, release.place(), ("release", release.id.0), "escrow.release_reversed", (was, is)).await
    }

    /// Applies how much was reversed of a transfer by which the payee was paid again: so much of what had come back is unsettled again. Says whether
    /// it is such a transfer.
    pub(super) async fn replacement_reversed_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: ReleaseId,
        transfer: &TransferState,
    ) -> Result<bool, Error> {
        let seen = repo::releases::row(reader(tx), id).await?;
        repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        let Some(paid) = repo::replacements::find(reader(tx), &release, &transfer.id).await? else { return Ok(false) };
        let in_all = transfer.reversed.minor();
        // A look that comes late knows less.
        if in_all <= paid.reversed.minor() {
            return Ok(true);
        }
        if in_all > paid.amount.minor() {
            let detail = format!("transfer {} is over {}, yet {in_all} of it came back", transfer.id, paid.amount.minor());
            return Err(Fault::internal(detail).into());
        }
        let back = in_all - paid.reversed.minor();
        let posting = Posting::transfer_reversed(&transfer.id, release.id.0, back, in_all, release.currency());
        self.post_in(tx, release.place(), &posting, None).await?;
        repo::replacements::set_reversed(tx, &release, &transfer.id, release.money(in_all)).await?;
        let settled = release.money(release.reversal_settled.minor() - back);
        let step = ReleaseChange { reversal_settled: Some(settled), ..ReleaseChange::default() };
        repo::releases::save(tx, release.owner, release.id, &step).await?;
        let detail = format!(
            "{} of {} of transfer {} came back, by which an operator paid what had come back before; funding and releases of contract {} are \
             stopped until a person settles it: `build14 reversal-settle --release {id}`",
            transfer.reversed, transfer.amount, transfer.id, release.contract
        );
        alarm_in(tx, TRANSFER_REVERSED, ("release", id.to_string()), detail).await?;
        let (was, is) = (
            json!({ "status": release.status, "settled": release.reversal_settled }),
            json!({ "status": release.status, "settled": settled, "reversed": transfer.reversed, "transfer": transfer.id }),
        );
        self.tell_both_in(tx, ctx, release.place(), ("release", release.id.0), "escrow.release_reversed", (was, is)).await?;
        Ok(true)
    }

    /// In the trail of the owner's side, whose transaction this is, and in the contractor's: what was done to what, before and after.
    pub(super) async fn tell_both_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        place: Place,
        (entity_type, entity): (&'static str, Uuid),
        action: &'static str,
        (before, after): (Value, Value),
    ) -> Result<(), Error> {
        let contractor = repo::contracts::row(reader(tx), place.contract).await?.contractor;
        let (of, told, request) = ((entity_type, entity), (&before, &after), ctx.request.as_str());
        let entry = NewEntry::named(action, entity_type, entity).before(before.clone()).after(after.clone());
        // In the order of the organisations, as everywhere: the chains are locked in that order at commit.
        if contractor < place.org {
            repo::releases::tell_contractor(tx, place, of, action, request, told).await?;
            self.record_in(tx, ctx, entry).await?;
        } else {
            self.record_in(tx, ctx, entry).await?;
            repo::releases::tell_contractor(tx, place, of, action, request, told).await?;
        }
        Ok(())
    }

    /// Settles what came back of a release, as a person decides: an operator's verb, no tenant's. What came back after that is another matter.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Unsettled`]: if nothing is open, or the provider's transfers say otherwise.
    pub async fn settle_reversal(
        &self,
        id: ReleaseId,
        settlement: &Settlement,
        by: &Decision,
    ) -> Result<SettledReversal, Unsettled> {
        let org = self.system.read(async |tx| repo::releases::owner(tx, id).await).await?.ok_or(Error::NotFound("release"))?;
        let ctx = Ctx::system(org, RequestId::generate());
        let paid = match settlement {
            Settlement::PaidWith(transfer) => Some(self.provider.transfer(transfer).await.map_err(Error::from)?),
            Settlement::PaidOutside { .. } => {
                self.no_account_open(&ctx, id).await?;
                None
            }
            Settlement::HeldAgain => None,
        };
        // Of all ledgers: a transfer pays once, whoever's release came back. Should another settlement be under way, the database decides.
        let spent = match &paid {
            Some(paid) => self.system.read(async |tx| repo::losses::is_transfer_taken(tx, &paid.id).await).await?,
            None => false,
        };
        self.ready_to_post().await?;
        let (settled, contract) = self
            .uow
            .write(&ctx, async |tx| {
                let how = match (&paid, settlement) {
                    (Some(transfer), _) => How::PaidWith(transfer, spent),
                    (None, Settlement::PaidOutside { reference, amount }) => How::PaidOutside(reference, *amount),
                    (None, _) => How::HeldAgain,
                };
                let settled = self.settle_in(tx, &ctx, id, how, by).await?;
                if let Some(paid) = &paid {
                    // It may have come back itself since it was looked at.
                    tx.enqueue(jobs::sync_transfer(org, id, paid.id.clone())).await?;
                }
                Ok::<_, Unsettled>(settled)
            })
            .await?;
        let note = by.reason.as_ref().map_or("settled", Reason::as_str);
        self.system
            .write(async |tx| {
                if let Some(paid) = &paid {
                    tx.settle_alarms(FOREIGN_TRANSFER, std::slice::from_ref(&paid.id), &by.operator, note).await?;
                }
                end_reversed_in(tx, id, by, note).await?;
                // What waited for this goes on.
                for (org, release) in repo::holds::waiting(tx, org, contract, None).await? {
                    tx.enqueue(jobs::send_release(org, release)).await?;
                }
                Ok::<_, Fault>(())
            })
            .await?;
        Ok(settled)
    }

    /// Passes if no account that is or was the payee's can receive at the provider: what is paid outside nobody can look at.
    async fn no_account_open(&self, ctx: &Ctx, id: ReleaseId) -> Result<(), Unsettled> {
        let accounts = self.system.read(async |tx| repo::payees::accounts_of_release(tx, ctx.org, id).await).await?;
        for account in accounts {
            match self.provider.account(&account).await {
                Ok(seen) if seen.transfers_active => return Err(Unsettled::AccountOpen(account)),
                // It cannot receive, or is gone.
                Ok(_) | Err(ProviderError::Refused { .. }) => {}
                Err(error) => return Err(Error::from(error).into()),
            }
        }
        Ok(())
    }

    async fn settle_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        id: ReleaseId,
        how: How<'_>,
        by: &Decision,
    ) -> Result<(SettledReversal, ContractId), Unsettled> {
        let seen = repo::releases::row(reader(tx), id).await?;
        let contract = repo::contracts::lock_shared(tx, seen.owner, seen.contract).await?;
        let milestone = repo::milestones::lock(tx, seen.owner, seen.milestone).await?;
        let release = repo::releases::lock(tx, seen.owner, id).await?;
        let (amount, in_all) = (release.reversed.minor() - release.reversal_settled.minor(), release.reversed);
        if amount <= 0 {
            return Err(Unsettled::Nothing(id));
        }
        let currency = release.currency();
        // What came back in all, of whichever transfer: it only grows, and so tells settlements apart.
        let ever = in_all.minor() + repo::replacements::came_back(reader(tx), &release).await?.minor();
        let mut step = ReleaseChange {
            reversal_settled: Some(in_all),
            resolved_by: Some(by.operator.to_string()),
            resolved_reason: by.reason.as_ref().map(ToString::to_string),
            ..ReleaseChange::default()
        };
        let posting = match how {
            How::PaidWith(transfer, spent) => {
                let theirs = repo::payees::is_account_of(tx, &contract, &transfer.destination).await?;
                let mut why = differences(&release, transfer, amount, theirs);
                if spent {
                    why.push(SPENT.to_owned());
                }
                if !why.is_empty() {
                    return Err(Unsettled::Transfer { transfer: transfer.id.clone(), why: why.join("; ") });
                }
                Posting::reversal_paid_again(&transfer.id, release.id.0, amount, currency)
            }
            How::PaidOutside(_, named) => {
                let open = release.money(amount);
                if Money::from_decimal(named, currency) != Ok(open) {
                    return Err(Unsettled::Amount { open, named });
                }
                Posting::reversal_paid_outside(release.id.0, amount, ever, currency)
            }
            How::HeldAgain => {
                let status = contract.status;
                if status != ContractStatus::Active {
                    return Err(Unsettled::ContractOver(status));
                }
                // Of all that is held again, less what was given back before: parts add up to the fee, in whatever order they come.
                let (returned, returned_fee) = (release.returned.minor(), release.returned_fee.minor());
                let held_again = returned - returned_fee + amount;
                let fee = (proportion(release.fee.minor(), held_again, release.net.minor()) - returned_fee).max(0);
                step.returned = Some(release.money(returned + amount + fee));
                step.returned_fee = Some(release.money(returned_fee + fee));
                if let Some(next) = MilestoneEvent::Returned.after(milestone.status) {
                    repo::milestones::set_status(tx, &milestone, next).await?;
                }
                Posting::reversal_held_again(release.id.0, milestone.id.0, amount, fee, ever, currency)
            }
        };
        let (_, fresh) = self.post_in(tx, release.place(), &posting, None).await?;
        if !fresh {
            let transfer = posting.source.object;
            return Err(Unsettled::Transfer { transfer, why: SPENT.to_owned() });
        }
        if let How::PaidWith(transfer, _) = how {
            repo::replacements::insert(tx, &release, &transfer.id, release.money(amount), self.now()).await?;
        }
        let after = repo::releases::save(tx, release.owner, release.id, &step).await?;
        let (was, is) = (
            json!({ "reversed": in_all, "settled": release.reversal_settled }),
            json!({
                "settled": in_all,
                "paidWith": how.transfer(),
                "paidOutside": how.reference(),
                "operator": by.operator.as_str(),
                "reason": by.reason.as_ref().map(Reason::as_str),
            }),
        );
        self.tell_both_in(tx, ctx, release.place(), ("release", release.id.0), "escrow.reversal_settled", (was, is)).await?;
        Ok((SettledReversal { release: after.view(), amount: release.money(amount) }, release.contract))
    }
}

/// Settles the alarm of what came back of a release, unless more came back since it was settled: that raised the same alarm again, for the next
/// settlement. Settling locks the alarm, so whatever is raised after this look is another alarm.
async fn end_reversed_in(tx: &mut Tx, id: ReleaseId, by: &Decision, note: &str) -> Result<(), Fault> {
    let about = [id.to_string()];
    let ended = tx
        .savepoint(async |tx| {
            tx.settle_alarms(TRANSFER_REVERSED, &about, &by.operator, note).await?;
            let still = repo::releases::still_back(reader(tx), &about).await?;
            if still.is_empty() { Ok(()) } else { Err(StaysOpen::SoAgain) }
        })
        .await;
    match ended {
        Ok(()) | Err(StaysOpen::SoAgain) => Ok(()),
        Err(StaysOpen::Fault(fault)) => Err(fault),
    }
}

/// How what came back is settled, as the provider shows it.
#[derive(Clone, Copy)]
enum How<'a> {
    /// With a transfer, and whether it stands in the ledger already.
    PaidWith(&'a TransferState, bool),
    /// Under a reference, and how much.
    PaidOutside(&'a Reason, Decimal),
    HeldAgain,
}

impl How<'_> {
    fn transfer(&self) -> Option<&str> {
        if let Self::PaidWith(transfer, _) = self { Some(&transfer.id) } else { None }
    }

    fn reference(&self) -> Option<&str> {
        if let Self::PaidOutside(reference, _) = self { Some(reference.as_str()) } else { None }
    }
}

/// Why a transfer does not pay the payee what came back; empty if it does. `theirs`: it went to an account that is, or was, the payee's.
fn differences(release: &StoredRelease, transfer: &TransferState, amount: i64, theirs: bool) -> Vec<String> {
    let mut found = Vec::new();
    let owed = release.money(amount);
    if release.transfer.as_ref() == Some(&transfer.id) {
        found.push("it is the very transfer that was reversed".to_owned());
    }
    if transfer.amount != owed {
        found.push(format!("it is over {}, not {owed}", transfer.amount));
    }
    if !theirs {
        found.push(format!("it went to {}, which never was an account of the payee's", transfer.destination));
    }
    if let Some((_, other)) = transfer.metadata.iter().find(|(name, id)| name == "release_id" && *id != release.id.to_string()) {
        found.push(format!("it names release {other}"));
    }
    if transfer.reversed.minor() != 0 {
        found.push(format!("{} of it was reversed", transfer.reversed));
    }
    found
}
