//! HTTP: private DTOs, handlers, routes.

mod bids;
mod dto;
mod evaluation;
mod examples;
mod milestones;
mod procedure;
mod tenders;
mod time;

use tenders_api::perm;
use web::{Guard, Routes};

const PARTIES: Guard = Guard::Party("the tender's owner, and any organisation that may bid for it");
const BID_PARTIES: Guard = Guard::Party("the bid's bidder and, once the bids are opened, the tender's owner");

/// A bid has a rate for each of up to 20,000 lines.
const BID_LIMIT: usize = 4 << 20;

/// The endpoints of tenders and bids.
pub fn routes(r: &mut Routes) {
    r.tag("Tenders", "Tenders from draft to award.")
        .sealed()
        .resource("tenders")
        .add(PARTIES, || tenders::list)
        .for_support()
        .add(perm::EDIT, || tenders::create)
        .tagged()
        .add(PARTIES, || tenders::read)
        .tagged()
        .for_support()
        .add(perm::EDIT, || tenders::replace)
        .tagged()
        .add(perm::EDIT, || tenders::change)
        .tagged()
        .add(perm::EDIT, || tenders::remove)
        .add(perm::EDIT, || tenders::retender)
        .tagged()
        .add(perm::PUBLISH, || procedure::publish)
        .add(perm::EXTEND, || procedure::extend)
        .add(perm::CANCEL, || procedure::cancel)
        .add(perm::OPEN, || procedure::open)
        .add(perm::AWARD, || procedure::award)
        .add(perm::AWARD, || procedure::cancel_award)
        .add(perm::CANCEL, || procedure::conclude_unsuccessful)
        .resource("tenderInvitations")
        .add(perm::INVITE, || tenders::invite)
        .add(perm::INVITE, || tenders::invitations)
        .resource("tenderOpeningRecord")
        .add(BID_PARTIES, || evaluation::opening_record)
        .resource("time")
        .add(Guard::SignedIn, || time::now)
        .for_bound()
        .for_keys();
    r.tag("Bids", "Bids, sealed until the owner opens them after the deadline: with two persons at or above the approval threshold, or without an estimate for every line.")
        .sealed()
        .resource("bids")
        .add(perm::BIDS_SUBMIT, || bids::submit)
        .body_limit(BID_LIMIT)
        .tagged()
        .add(BID_PARTIES, || bids::list)
        .add(BID_PARTIES, || bids::read)
        .tagged()
        .add(perm::BIDS_SUBMIT, || bids::replace)
        .body_limit(BID_LIMIT)
        .tagged()
        .add(perm::BIDS_SUBMIT, || bids::withdraw)
        .tagged()
        .add(perm::BIDS_SUBMIT, || bids::refuse_award)
        .tagged()
        .add(perm::EVALUATE, || evaluation::accept)
        .tagged()
        .add(perm::EVALUATE, || evaluation::disqualify);
}
