//! A contract ends before its money is held: one party proposes, the other agrees.
//!
//! Lock order as everywhere: the contract first, exclusively, so that no funding begins meanwhile; then its milestones.

use audit_api::NewEntry;
use escrow_api::{Contract, ContractId, ContractStatus, Error, Party, PaymentStatus, Terminate, Terminating, perm};
use kernel::text::{self, TextFlaw};
use kernel::{Ctx, Denied, Fault, UserId};
use serde_json::{Value, json};
use uow::{EventId, Tx};

use super::{Service, conflict};
use crate::model::stored::{EndOutcome, StoredContract};
use crate::repo;
use crate::repo::{Reader, reader};

/// The longest reason.
const MOST_REASON: usize = 2_000;

/// Who wants a contract to end already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proposal {
    None,
    Own,
    Theirs,
}

/// Who wants it now, and for which side.
struct Ending {
    side: Party,
    user: UserId,
    proposal: Proposal,
}

fn ends(status: ContractStatus) -> Result<(), Error> {
    match status {
        ContractStatus::Signing | ContractStatus::Active | ContractStatus::Suspended => Ok(()),
        other => Err(conflict("contract", other, "only a contract in signing or in force can be ended")),
    }
}

/// A reason as it is kept. Blank text is no reason, whoever needs one.
fn checked(reason: &str) -> Result<String, Error> {
    text::prose(reason, MOST_REASON).map_err(|flaw| match flaw {
        TextFlaw::Blank => reason_missing(),
        flaw => Error::Invalid(vec![flaw.at("/reason")]),
    })
}

fn reason_missing() -> Error {
    Error::invalid("/reason", "REQUIRED", "say why the contract should end: the other party reads it")
}

impl Service {
    pub(super) async fn terminate_contract(&self, ctx: &Ctx, cmd: Terminate) -> Result<Terminating, Error> {
        let reason = cmd.reason.as_deref().map(checked).transpose()?;
        let cmd = Terminate { reason, ..cmd };
        self.uow.refuse_repetition(ctx).await?;
        // Before anything is done at the provider everything is asked that the verb asks again under lock: who may not end it, or not now,
        // changes nothing of the other party's payments.
        let agreed = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let contract = repo::contracts::row(pg, cmd.contract).await?;
                let found = self.ending(pg, ctx, &contract).await?;
                Ok::<_, Error>((found.proposal == Proposal::Theirs).then_some(contract))
            })
            .await?;
        if let Some(contract) = agreed {
            self.cancel_unpaid(ctx, &contract).await?;
        }
        self.uow.write(ctx, async |tx| self.terminate_in(tx, ctx, &cmd).await).await
    }

    /// Both parties want the end: what nobody paid yet can be paid no more.
    async fn cancel_unpaid(&self, ctx: &Ctx, contract: &StoredContract) -> Result<(), Error> {
        let system = Ctx::system(contract.owner, ctx.request.clone());
        let unpaid = self.uow.read(&system, async |tx| repo::payments::unpaid(db::PgRead::pg(tx), contract).await).await?;
        for payment in unpaid {
            let intent = match &payment.intent {
                Some(intent) => intent.clone(),
                None if payment.status == PaymentStatus::Failed => continue,
                // It may have been made without our hearing of it.
                None => match self.intent_for(&system, &payment).await {
                    Ok(seen) => seen.id,
                    Err(Error::ProviderRefused { .. }) => continue,
                    Err(error) => return Err(error),
                },
            };
            let seen = self.cancel_intent(payment.id, &intent).await?;
            self.apply_provider_state(&system, payment.id, &seen).await?;
        }
        Ok(())
    }

    async fn terminate_in(&self, tx: &mut Tx, ctx: &Ctx, cmd: &Terminate) -> Result<Terminating, Error> {
        let contract = repo::contracts::lock(tx, cmd.contract).await?;
        let Ending { side, user, proposal } = self.ending(reader(tx), ctx, &contract).await?;
        let status = contract.status;
        if proposal == Proposal::Own {
            return Ok(Terminating { contract: repo::contracts::view(reader(tx), cmd.contract).await?, waiting: true });
        }
        let before = json!({ "status": status });
        if proposal == Proposal::None {
            let reason = cmd.reason.as_deref().ok_or_else(reason_missing)?;
            repo::terminations::propose(tx, &contract, side, user, reason).await?;
            let after = json!({ "status": status, "proposedBy": side, "reason": reason });
            self.record_both_in(tx, ctx, &contract, "contracts.propose_termination", &before, &after).await?;
            return Ok(Terminating { contract: repo::contracts::view(reader(tx), cmd.contract).await?, waiting: true });
        }
        let view = repo::contracts::view(reader(tx), cmd.contract).await?;
        let proposal = view.termination.ok_or_else(|| Fault::internal("the open proposal is gone under its lock"))?;
        match repo::terminations::end(tx, &contract, EventId::new().0, ctx.request.as_str()).await? {
            EndOutcome::Ended => {}
            EndOutcome::Held => {
                return Err(Error::MoneyHeld(vec!["something may still be paid or is under way: try again".to_owned()]));
            }
            EndOutcome::SameSide => return Err(Error::SamePerson),
            other @ EndOutcome::NothingToAgreeTo => {
                return Err(conflict("contract", status, format!("it cannot be ended ({other})")));
            }
        }
        let view = repo::contracts::view(reader(tx), cmd.contract).await?;
        let after = json!({ "status": view.status, "agreedBy": side, "reason": proposal.reason });
        self.record_both_in(tx, ctx, &contract, "contracts.terminate", &before, &after).await?;
        Ok(Terminating { contract: view, waiting: false })
    }

    pub(super) async fn withdraw_proposal(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error> {
        self.uow
            .write(ctx, async |tx| {
                let contract = repo::contracts::lock(tx, id).await?;
                self.check_own_side(ctx, &contract, perm::CONTRACTS_TERMINATE)?;
                let user = person(ctx)?;
                let (status, side) = (contract.status, contract.side_of(ctx.org));
                let Some(open) = repo::terminations::open(reader(tx), &contract).await? else {
                    return Err(conflict("contract", status, "nobody proposes to end it"));
                };
                if open.party != side {
                    return Err(conflict("contract", status, "the other party proposes to end it: only that party withdraws it"));
                }
                repo::terminations::withdraw(tx, &contract, &open, user).await?;
                let (before, after) = (json!({ "status": status, "proposedBy": side }), json!({ "status": status }));
                self.record_both_in(tx, ctx, &contract, "contracts.withdraw_termination", &before, &after).await?;
                repo::contracts::view(reader(tx), id).await
            })
            .await
    }

    /// Whether the contract may end by the word of this person: who must be of a side and act for no other one, and whom neither its state
    /// nor money that is held or on its way stands against. What they proposed already, they may propose again.
    async fn ending(&self, pg: Reader<'_>, ctx: &Ctx, contract: &StoredContract) -> Result<Ending, Error> {
        self.check_own_side(ctx, contract, perm::CONTRACTS_TERMINATE)?;
        let (side, user) = (contract.side_of(ctx.org), person(ctx)?);
        let signed = repo::contracts::signers(pg, contract).await?;
        let signed_for_other = signed.iter().any(|(party, signer)| *signer == user && *party != side);
        if signed_for_other || repo::parties::ties(pg, contract, user).await?.taken_up {
            return Err(Error::SamePerson);
        }
        ends(contract.status)?;
        let proposal = match repo::terminations::open(pg, contract).await? {
            None => Proposal::None,
            Some(open) if open.party == side => return Ok(Ending { side, user, proposal: Proposal::Own }),
            Some(open) if open.proposed_by == user => return Err(Error::SamePerson),
            Some(_) => Proposal::Theirs,
        };
        let obstacles = repo::terminations::obstacles(pg, contract).await?;
        if obstacles.is_empty() { Ok(Ending { side, user, proposal }) } else { Err(Error::MoneyHeld(obstacles)) }
    }

    /// Enters it into both parties' trails, in the order of the organisations: their chains are locked in that order at commit.
    async fn record_both_in(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        contract: &StoredContract,
        action: &str,
        before: &Value,
        after: &Value,
    ) -> Result<(), Error> {
        let other = if contract.side_of(ctx.org) == Party::Owner { contract.contractor } else { contract.owner };
        let request = ctx.request.as_str();
        if other < ctx.org {
            repo::terminations::audit_other_party(tx, contract, action, request).await?;
        }
        let entry = NewEntry::named(action, "contract", contract.id).before(before).after(after);
        self.record_in(tx, ctx, entry).await?;
        if other > ctx.org {
            repo::terminations::audit_other_party(tx, contract, action, request).await?;
        }
        Ok(())
    }
}

fn person(ctx: &Ctx) -> Result<UserId, Error> {
    ctx.user_id().ok_or_else(|| Denied { permission: perm::CONTRACTS_TERMINATE, project: None }.into())
}
