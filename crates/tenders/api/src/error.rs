//! Why tenders and bids refuse.

use std::borrow::Cow;

use chrono::SecondsFormat;
use kernel::{BidId, Denied, DomainError, Fault, FieldFault, Kind, Timestamp};

use crate::BidStatus;

/// Why this domain refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing here.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Its state does not allow it (docs/domain/tenders.md: a transition not listed is refused).
    #[error("the {what} is {state}: {hint}")]
    State {
        /// What it is.
        what: &'static str,
        /// Its state.
        state: Cow<'static, str>,
        /// What was tried.
        hint: String,
    },
    /// Too late for a bid.
    #[error("the tender took bids before {}: it is {} now", time(.deadline), time(.server_time))]
    TenderClosed {
        /// The deadline.
        deadline: Timestamp,
        /// The clock that decides.
        server_time: Timestamp,
    },
    /// An organisation does not bid for its own tender.
    #[error("an organisation does not bid for its own tender")]
    OwnTender,
    /// The organisation has a bid already, or a draft of one; which, unless it came at the very same time.
    #[error("your organisation has a bid for this tender already: replace it with PUT /api/bids/{{id}}")]
    BidExists(Option<(BidId, BidStatus)>),
    /// Nobody decides for the owner who belongs to a bidder, or, before the opening, to whoever was invited.
    #[error("another person must do this: you belong to a bidder of this tender, or to an organisation that was invited")]
    SamePerson,
    /// The invitee was invited before.
    #[error("this bidder is invited already")]
    AlreadyInvited,
    /// It takes two persons, and the caller does not count as one of them yet.
    #[error("{0}")]
    ApproverNotYet(tenants_api::NotYet),
    /// The bid's validity has ended.
    #[error("the bid was valid until {0}: it can no longer be awarded")]
    BidExpired(chrono::NaiveDate),
    /// The bids of a closed tender are not those that were counted when it closed.
    #[error(
        "the sealed bids no longer agree with the number, the receipts and the root that were fixed at closing: nothing is opened, the \
         tender stays closed. The platform's operators have been alarmed; try again when they have restored what was changed"
    )]
    SealBroken,
    /// The tender cannot be published as it is.
    #[error("the tender is not ready to be published")]
    NotReady(Vec<FieldFault>),
    /// The representation changed since it was read.
    #[error("it changed since you read it: read it again")]
    Stale,
    /// Faults of the input.
    #[error("the input is invalid")]
    Invalid(Vec<FieldFault>),
    /// The permission is missing.
    #[error("{0}")]
    Denied(Denied),
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// A single fault of the input.
    pub fn invalid(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldFault::new(pointer, code, detail)])
    }
}

fn time(at: &Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl DomainError for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::State { .. }
            | Self::OwnTender
            | Self::BidExists(_)
            | Self::SamePerson
            | Self::AlreadyInvited
            | Self::ApproverNotYet(_)
            | Self::BidExpired(_)
            | Self::SealBroken => Kind::Conflict,
            Self::TenderClosed { .. } | Self::NotReady(_) | Self::Invalid(_) => Kind::Invalid,
            Self::Stale => Kind::Stale,
            Self::Denied(_) => Kind::Forbidden,
            Self::Fault(fault) => DomainError::kind(fault),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::State { .. } => "STATE_CONFLICT",
            Self::TenderClosed { .. } => "TENDER_CLOSED",
            Self::OwnTender => "OWN_TENDER",
            Self::BidExists(_) => "BID_EXISTS",
            Self::SamePerson => "SAME_PERSON",
            Self::AlreadyInvited => "ALREADY_INVITED",
            Self::ApproverNotYet(_) => tenants_api::NotYet::CODE,
            Self::BidExpired(_) => "BID_EXPIRED",
            Self::SealBroken => "SEAL_BROKEN",
            Self::NotReady(_) => "TENDER_NOT_READY",
            Self::Stale => "STALE",
            Self::Invalid(_) => "INVALID",
            Self::Denied(_) => "PERMISSION_DENIED",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFault> {
        if let Self::Invalid(faults) | Self::NotReady(faults) = self { faults.clone() } else { Vec::new() }
    }

    fn current_state(&self) -> Option<String> {
        match self {
            Self::State { state, .. } => Some(state.clone().into_owned()),
            Self::BidExists(bid) => bid.map(|(_, status)| status.name().to_owned()),
            Self::BidExpired(_) => Some("expired".to_owned()),
            Self::SealBroken => Some("closed".to_owned()),
            _ => None,
        }
    }

    fn denied(&self) -> Option<&Denied> {
        if let Self::Denied(denied) = self { Some(denied) } else { None }
    }

    fn extra(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TenderClosed { deadline, server_time } => vec![("deadline", time(deadline)), ("serverTime", time(server_time))],
            Self::ApproverNotYet(why) => why.extra(),
            Self::BidExists(Some((bid, _))) => vec![("bidId", bid.to_string())],
            _ => Vec::new(),
        }
    }

    fn fault(&self) -> Option<&Fault> {
        if let Self::Fault(fault) = self { Some(fault) } else { None }
    }
}
