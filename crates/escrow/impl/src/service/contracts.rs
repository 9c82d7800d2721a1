//! Contracts: opening, signing, completing, reading.

use async_trait::async_trait;
use audit_api::NewEntry;
use escrow_api::{
    Contract, ContractId, ContractStatus, Contracts, ContractsPort, Error, MilestoneBounds, NewContract, OpenedContract, Party,
    Sign, Statement, Terminate, Terminating, Terms, perm,
};
use kernel::{Ctx, Currency, Denied, Fault, FieldFault, Money, OrgId, Page, PageRequest};
use serde_json::json;
use uow::{EventId, Tx};

use super::looks::UnderWay;
use super::milestones::refuse_returned_money_in;
use super::{Service, conflict, tenants_fault};
use crate::model::ContractEvent;
use crate::model::document::{self, Named};
use crate::model::stored::Activation;
use crate::repo;
use crate::repo::reader;

impl Service {
    /// The terms that a contract in this currency is written with now.
    fn terms_in(&self, currency: Currency) -> Result<Terms, Error> {
        self.settings.terms_in(currency).ok_or_else(|| {
            let detail = format!("no contract is made in {currency}: the platform has set no terms for it");
            Error::invalid("/currency", "CURRENCY_WITHOUT_TERMS", detail)
        })
    }

    async fn named_in(&self, tx: &mut Tx, org: OrgId) -> Result<Named, Error> {
        let name = match self.tenants.organization_in(tx, org).await {
            Ok(organization) => organization.name,
            Err(tenants_api::Error::NotFound(_)) => String::new(),
            Err(error) => return Err(tenants_fault(error)),
        };
        Ok(Named { id: org, name })
    }
}

/// The sum of amounts in the currency of `like`; `None` if one is missing or of another currency.
fn sum(like: Money, mut amounts: impl Iterator<Item = Option<Money>>) -> Option<Money> {
    amounts.try_fold(Money::zero(like.currency()), |sum, amount| sum.checked_add(amount?))
}

/// What does not add up in a contract to be.
fn faults_of(new: &NewContract) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if new.owner == new.contractor {
        faults.push(FieldFault::new(
            "/contractor",
            "SAME_ORGANIZATION",
            "the contractor must be another organisation than the owner",
        ));
    }
    if new.total.minor() <= 0 {
        faults.push(FieldFault::new("/total", "OUT_OF_RANGE", "a contract needs a sum above zero"));
    }
    if sum(new.total, new.lines.iter().filter(|line| line.counts).map(|line| line.amount)) != Some(new.total) {
        faults.push(FieldFault::new("/lines", "SUM_MISMATCH", format!("the lines that count must sum to {}", new.total)));
    }
    if sum(new.total, new.milestones.iter().map(|milestone| Some(milestone.amount))) != Some(new.total) {
        faults.push(FieldFault::new("/milestones", "SUM_MISMATCH", format!("the milestones must sum to {}", new.total)));
    }
    for (index, _) in new.milestones.iter().enumerate().filter(|(_, milestone)| milestone.amount.minor() <= 0) {
        let pointer = format!("/milestones/{index}/amount");
        faults.push(FieldFault::new(pointer, "OUT_OF_RANGE", "a milestone needs an amount above zero"));
    }
    faults
}

#[async_trait]
impl ContractsPort for Service {
    fn milestone_bounds(&self, currency: Currency) -> Result<MilestoneBounds, Error> {
        Ok(self.terms_in(currency)?.milestone_bounds(currency))
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.voucher.ready().await?)
    }

    async fn open_in(&self, tx: &mut Tx, ctx: &Ctx, new: &NewContract) -> Result<OpenedContract, Error> {
        if new.owner != ctx.org {
            return Err(Fault::internal("a contract is opened by its owner's side").into());
        }
        let terms = self.terms_in(new.total.currency())?;
        let mut faults = faults_of(new);
        if faults.is_empty() {
            let amounts = new.milestones.iter().map(|milestone| milestone.amount).enumerate();
            faults = terms.milestone_bounds(new.total.currency()).faults(amounts, |n| format!("/milestones/{n}/amount"));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let id = ContractId::new();
        let (owner, contractor) = (self.named_in(tx, new.owner).await?, self.named_in(tx, new.contractor).await?);
        let document = document::write(id, new, &owner, &contractor, &terms);
        let milestones = repo::openings::insert(tx, &self.voucher, id, new, &terms, &document).await?;
        let after =
            json!({ "status": ContractStatus::Signing, "total": new.total, "documentSha256": document.sha256, "bidId": new.bid });
        self.record_in(tx, ctx, NewEntry::named("contracts.open", "contract", id).after(after)).await?;
        Ok(OpenedContract { id, document_sha256: document.sha256, milestones })
    }

    async fn cancel_in(&self, tx: &mut Tx, ctx: &Ctx, contract: ContractId, reason: &str) -> Result<(), Error> {
        let row = repo::contracts::lock(tx, contract).await?;
        let before = row.status;
        if row.side_of(ctx.org) != Party::Owner || ContractEvent::Cancel.after(before).is_none() {
            return Err(conflict("contract", before, "only a contract that is not in force yet can be cancelled"));
        }
        repo::contracts::cancel(tx, &row, reason).await?;
        repo::milestones::cancel_all(tx, &row).await?;
        let entry = NewEntry::named("contracts.cancel", "contract", contract)
            .before(json!({ "status": before }))
            .after(json!({ "status": ContractStatus::Cancelled, "reason": reason }));
        Ok(self.record_in(tx, ctx, entry).await?)
    }

    async fn signed_by_in(&self, tx: &mut Tx, contract: ContractId) -> Result<Vec<Party>, Error> {
        let contract = repo::contracts::row(reader(tx), contract).await?;
        Ok(repo::contracts::signers(reader(tx), &contract).await?.into_iter().map(|(party, _)| party).collect())
    }
}

#[async_trait]
impl Contracts for Service {
    async fn terminate(&self, ctx: &Ctx, cmd: Terminate) -> Result<Terminating, Error> {
        self.terminate_contract(ctx, cmd).await
    }

    async fn withdraw_termination(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error> {
        self.withdraw_proposal(ctx, id).await
    }

    async fn list(&self, ctx: &Ctx, page: PageRequest) -> Result<Page<Contract>, Error> {
        let visible = self.visible(ctx, perm::CONTRACTS_READ)?;
        let (contracts, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let found = repo::contracts::page(pg, &visible, page).await?;
                let contracts = Page { items: repo::contracts::views(pg, found.items).await?, next: found.next };
                let milestones = contracts.items.iter().flat_map(|one| {
                    one.milestones
                        .iter()
                        .filter(|milestone| milestone.payment.is_some())
                        .map(|milestone| (one.owner, milestone.id))
                });
                let under_way = UnderWay::of_many(pg, milestones.collect()).await?;
                Ok::<_, Error>((contracts, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(contracts)
    }

    async fn get(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error> {
        let (contract, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let row = repo::contracts::row(pg, id).await?;
                self.check_own_side(ctx, &row, perm::CONTRACTS_READ)?;
                let contract = repo::contracts::views(pg, vec![row]).await?.pop().ok_or(Error::NotFound("contract"))?;
                // Nothing is under way before it is in force.
                let milestones: Vec<_> =
                    contract.milestones.iter().filter(|one| one.payment.is_some()).map(|one| one.id).collect();
                let under_way = UnderWay::of(pg, contract.owner, &milestones).await?;
                Ok::<_, Error>((contract, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(contract)
    }

    async fn document(&self, ctx: &Ctx, id: ContractId) -> Result<String, Error> {
        self.uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let row = repo::contracts::row(pg, id).await?;
                self.check_own_side(ctx, &row, perm::CONTRACTS_READ)?;
                repo::contracts::document(pg, &row).await
            })
            .await
    }

    async fn sign(&self, ctx: &Ctx, cmd: Sign) -> Result<Contract, Error> {
        self.refresh_own_payee(ctx).await;
        self.uow
            .write(ctx, async |tx| {
                let contract = repo::contracts::lock(tx, cmd.contract).await?;
                let side = contract.side_of(ctx.org);
                let permission = match side {
                    Party::Owner => perm::CONTRACTS_SIGN_OWNER,
                    Party::Contractor => perm::CONTRACTS_SIGN_CONTRACTOR,
                };
                self.check_side(ctx, &contract, side, permission)?;
                let user = ctx.user_id().ok_or(Denied { permission, project: None })?;
                let signers = repo::contracts::signers(reader(tx), &contract).await?;
                if signers.contains(&(side, user)) && cmd.sha256.eq_ignore_ascii_case(&contract.document_sha256) {
                    return repo::contracts::view(reader(tx), cmd.contract).await;
                }
                let status = contract.status;
                if status != ContractStatus::Signing {
                    return Err(conflict("contract", status, "it can be signed only while it is in signing"));
                }
                if signers.iter().any(|(signed, _)| *signed == side) {
                    return Err(conflict("contract", status, "your side has signed already"));
                }
                if !cmd.sha256.eq_ignore_ascii_case(&contract.document_sha256) {
                    return Err(Error::DocumentMismatch);
                }
                if signers.iter().any(|(_, signer)| *signer == user) {
                    return Err(Error::SamePerson);
                }
                // An owner that makes the contractor's person a member keeps nobody from signing, only somebody who acts for it.
                let ties = repo::parties::ties(reader(tx), &contract, user).await?;
                if (side == Party::Owner && ties.member) || ties.taken_up {
                    return Err(Error::SamePerson);
                }
                if side == Party::Contractor && repo::payees::payable(tx, &contract).await?.is_none() {
                    return Err(Error::PayeeNotActive);
                }
                repo::contracts::sign(tx, &contract, &contract.document_sha256).await?;
                let outcome = repo::contracts::activate(tx, &contract, EventId::new().0, ctx.request.as_str()).await?;
                if outcome == Activation::PayeeNotActive {
                    return Err(Error::PayeeNotActive);
                }
                let view = repo::contracts::view(reader(tx), cmd.contract).await?;
                let entry = NewEntry::of(permission, "contract", cmd.contract)
                    .before(json!({ "status": status }))
                    .after(json!({ "status": view.status, "party": side, "sha256": contract.document_sha256 }));
                self.record_in(tx, ctx, entry).await?;
                Ok(view)
            })
            .await
    }

    async fn complete(&self, ctx: &Ctx, id: ContractId) -> Result<Contract, Error> {
        self.uow
            .write(ctx, async |tx| {
                let contract = repo::contracts::lock(tx, id).await?;
                self.check_side(ctx, &contract, Party::Owner, perm::CONTRACTS_COMPLETE)?;
                let before = contract.status;
                let after = ContractEvent::Complete
                    .after(before)
                    .ok_or_else(|| conflict("contract", before, "only an active contract can be completed"))?;
                let unsettled = repo::milestones::unsettled(tx, &contract).await?;
                if unsettled > 0 {
                    let hint = format!("{unsettled} of its milestones are not released, refunded or cancelled yet");
                    return Err(conflict("contract", before, hint));
                }
                refuse_returned_money_in(tx, &contract).await?;
                repo::contracts::complete(tx, &contract).await?;
                let entry = NewEntry::of(perm::CONTRACTS_COMPLETE, "contract", id)
                    .before(json!({ "status": before }))
                    .after(json!({ "status": after }));
                self.record_in(tx, ctx, entry).await?;
                repo::contracts::view(reader(tx), id).await
            })
            .await
    }

    async fn statement(&self, ctx: &Ctx, id: ContractId) -> Result<Statement, Error> {
        let (statement, under_way) = self
            .uow
            .read(ctx, async |tx| {
                let pg = db::PgRead::pg(tx);
                let row = repo::contracts::row(pg, id).await?;
                self.check_own_side(ctx, &row, perm::STATEMENT_READ)?;
                let milestones: Vec<_> = repo::milestones::of_contract(pg, &row).await?.into_iter().map(|one| one.id).collect();
                let under_way = UnderWay::of(pg, row.owner, &milestones).await?;
                Ok::<_, Error>((repo::statement::of_contract(pg, &row).await?, under_way))
            })
            .await?;
        self.look_when_read(ctx, under_way).await;
        Ok(statement)
    }
}
