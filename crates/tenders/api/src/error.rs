//! Why tenders and bids refuse.

use chrono::SecondsFormat;
use kernel::{BidId, FieldFault, Timestamp};

use crate::BidStatus;

kernel::refusals! {
    /// Why this domain refuses (docs/domain/tenders.md: a transition that is not listed is a `State`).
    #[derive(Debug, thiserror::Error)]
    pub enum Error {
        /// Too late for a bid.
        #[error("the tender took bids before {}: it is {} now", time(.deadline), time(.server_time))]
        TenderClosed {
            /// The deadline.
            deadline: Timestamp,
            /// The clock that decides.
            server_time: Timestamp,
        } = Invalid("TENDER_CLOSED"),
        /// An organisation does not bid for its own tender.
        #[error("an organisation does not bid for its own tender")]
        OwnTender = Conflict("OWN_TENDER"),
        /// The organisation has a bid already, or a draft of one; which, unless it came at the very same time.
        #[error("your organisation has a bid for this tender already: replace it with PUT /api/bids/{{id}}")]
        BidExists(Option<(BidId, BidStatus)>) = Conflict("BID_EXISTS"),
        /// Nobody decides for the owner who belongs to a bidder, or, before the opening, to whoever was invited.
        #[error("another person must do this: you belong to a bidder of this tender, or to an organisation that was invited")]
        SamePerson = Conflict("SAME_PERSON"),
        /// The invitee was invited before.
        #[error("this bidder is invited already")]
        AlreadyInvited = Conflict("ALREADY_INVITED"),
        /// It takes two persons, and the caller does not count as one of them yet.
        #[error("{0}")]
        ApproverNotYet(tenants_api::NotYet) = Conflict(tenants_api::NotYet::CODE),
        /// The bid's validity has ended.
        #[error("the bid was valid until {0}: it can no longer be awarded")]
        BidExpired(chrono::NaiveDate) = Conflict("BID_EXPIRED", "expired"),
        /// The bids of a closed tender are not those that were counted when it closed.
        #[error(
            "the sealed bids no longer agree with the number, the receipts and the root that were fixed at closing: nothing is opened, the \
             tender stays closed. The platform's operators have been alarmed; try again when they have restored what was changed"
        )]
        SealBroken = Conflict("SEAL_BROKEN", "closed"),
        /// The tender cannot be published as it is.
        #[error("the tender is not ready to be published")]
        NotReady(Vec<FieldFault>) = Invalid("TENDER_NOT_READY"),
    }
    fields {
        Self::NotReady(faults) => faults.clone(),
    }
    current_state {
        Self::BidExists(bid) => bid.map(|(_, status)| status.name().to_owned()),
    }
    extra {
        Self::TenderClosed { deadline, server_time } => vec![("deadline", time(deadline)), ("serverTime", time(server_time))],
        Self::ApproverNotYet(why) => why.extra(),
        Self::BidExists(Some((bid, _))) => vec![("bidId", bid.to_string())],
    }
}

/// An instant as answers say it.
#[must_use]
pub fn time(at: &Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
