//! Endpoints.

mod contracts;
mod document;
mod dto;
mod escrow;
mod evidence;
mod examples;
mod milestones;
mod payees;

use escrow_api::perm;
use web::Guard;

const EITHER_SIDE: &str = "the contract's owner with contracts.sign_owner, or its contractor with contracts.sign_contractor";

const EITHER_PARTY: &str = "the contract's owner or its contractor, with contracts.terminate";

/// Adds the endpoints of this domain.
pub fn routes(r: &mut web::Routes) {
    r.tag("Contracts", "The awarded work: document, signatures, statement. Both parties see the same.")
        .resource("contracts")
        .add(perm::CONTRACTS_READ, || contracts::list)
        .add(perm::CONTRACTS_READ, || contracts::read)
        .tagged()
        .add(Guard::Party(EITHER_SIDE), || contracts::sign)
        .tagged()
        .by_persons()
        .add(Guard::Party(EITHER_PARTY), || contracts::terminate)
        .tagged()
        .by_persons()
        .add(Guard::Party(EITHER_PARTY), || contracts::withdraw_termination)
        .tagged()
        .by_persons()
        .add(perm::CONTRACTS_COMPLETE, || contracts::complete)
        .tagged()
        .resource("contractDocument")
        .add(perm::CONTRACTS_READ, || contracts::document)
        .resource("contractStatement")
        .add(perm::STATEMENT_READ, || contracts::statement);
    r.tag("Milestones", "The payable parts of a contract: submitted by the contractor, approved by the owner.")
        .resource("milestones")
        .add(perm::MILESTONES_READ, || milestones::read)
        .tagged()
        .add(perm::MILESTONES_SUBMIT_WORK, || milestones::submit)
        .add(perm::MILESTONES_REQUEST_CHANGES, || milestones::request_changes)
        .add(perm::MILESTONES_APPROVE, || milestones::approve);
    r.tag("Protected payments", "A milestone's money, held by the platform until release.")
        .resource("escrows")
        .add(perm::ESCROW_READ, || escrow::list)
        .add(perm::MILESTONES_FUND, || escrow::fund)
        .add(perm::ESCROW_READ, || escrow::read)
        .tagged()
        .add(perm::ESCROW_RELEASE, || escrow::release);
    r.tag("Payee account", "The account to which an organisation is paid.")
        .resource("payeeAccount")
        .add(perm::PAYEE_READ, || payees::read)
        .tagged()
        .add(perm::PAYEE_MANAGE, || payees::onboard)
        .stepping_up();
}
