//! The state machines of docs/domain/tenders.md as tables; a transition that is not listed is refused with the current state.

use tenders_api::{BidStatus, Error, TenderStatus};

/// What happens to a tender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenderEvent {
    /// The owner publishes the draft.
    Publish,
    /// The owner moves the deadline later.
    Extend,
    /// The deadline has passed.
    Deadline,
    /// Fewer bids came than the tender needs.
    TooFewBids,
    /// The bids are opened.
    Open,
    /// The owner awards to a bid.
    ProposeAward,
    /// The award falls: taken back, refused, or not signed in time.
    AwardFalls,
    /// Both parties signed the contract.
    ContractActive,
    /// The owner ends an evaluation in which no bid can be awarded.
    NoAcceptableBid,
    /// The contract ended early
    ContractEnded,
    /// The owner cancels.
    Cancel,
}

/// What happens to a bid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BidEvent {
    /// A draft becomes an offer.
    Submit,
    /// The next revision of an offer.
    Replace,
    /// The bidder takes it back.
    Withdraw,
    /// A withdrawn bid is offered again.
    Resubmit,
    /// The deadline passed and it was not offered.
    Deadline,
    /// The bids are opened.
    Open,
    /// The owner finds it valid.
    Accept,
    /// The owner excludes it, with a reason; or the opening could not read it.
    Disqualify,
    /// It is awarded.
    Award,
    /// The award falls through no doing of its bidder.
    AwardFalls,
    /// Its bidder refuses the award, or does not sign in time.
    Refuse,
    /// Another bid's contract is in force.
    ContractElsewhere,
}

impl TenderEvent {
    /// As the route says it that brings the event about; of what comes by itself, in words.
    fn verb(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Extend => "extend",
            Self::Deadline => "the deadline",
            Self::TooFewBids => "too few bids",
            Self::Open => "open",
            Self::ProposeAward => "award",
            Self::AwardFalls => "cancel-award",
            Self::ContractActive => "the contract in force",
            Self::NoAcceptableBid => "unsuccessful",
            Self::Cancel => "cancel",
            Self::ContractEnded => "the end of the contract",
        }
    }
}

impl BidEvent {
    /// As the route says it that brings the event about; of what comes by itself, in words.
    fn verb(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Replace => "replace",
            Self::Withdraw => "withdraw",
            Self::Resubmit => "submit again",
            Self::Deadline => "the deadline",
            Self::Open => "open",
            Self::Accept => "accept",
            Self::Disqualify => "disqualify",
            Self::Award => "award",
            Self::AwardFalls => "cancel-award",
            Self::Refuse => "refuse-award",
            Self::ContractElsewhere => "another bid's contract",
        }
    }
}

const TENDER: &[(TenderStatus, TenderEvent, TenderStatus)] = {
    use TenderEvent as E;
    use TenderStatus as S;
    &[
        (S::Draft, E::Publish, S::Published),
        (S::Published, E::Extend, S::Published),
        (S::Published, E::Deadline, S::Closed),
        (S::Closed, E::TooFewBids, S::Unsuccessful),
        (S::Closed, E::Open, S::Evaluation),
        (S::Evaluation, E::ProposeAward, S::Standstill),
        (S::Standstill, E::AwardFalls, S::Evaluation),
        (S::Standstill, E::ContractActive, S::Complete),
        (S::Complete, E::ContractEnded, S::Unsuccessful),
        (S::Evaluation, E::NoAcceptableBid, S::Unsuccessful),
        (S::Draft, E::Cancel, S::Cancelled),
        (S::Published, E::Cancel, S::Cancelled),
        (S::Closed, E::Cancel, S::Cancelled),
        (S::Evaluation, E::Cancel, S::Cancelled),
        (S::Standstill, E::Cancel, S::Cancelled),
    ]
};

const BID: &[(BidStatus, BidEvent, BidStatus)] = {
    use BidEvent as E;
    use BidStatus as S;
    &[
        (S::Draft, E::Submit, S::Submitted),
        (S::Submitted, E::Replace, S::Submitted),
        (S::Submitted, E::Withdraw, S::Withdrawn),
        (S::Withdrawn, E::Resubmit, S::Submitted),
        (S::Draft, E::Deadline, S::Lapsed),
        (S::Submitted, E::Open, S::Opened),
        (S::Opened, E::Accept, S::Valid),
        (S::Opened, E::Disqualify, S::Disqualified),
        (S::Valid, E::Disqualify, S::Disqualified),
        (S::Valid, E::Award, S::Awarded),
        (S::Awarded, E::AwardFalls, S::Valid),
        (S::Opened, E::Refuse, S::Forfeited),
        (S::Valid, E::Refuse, S::Forfeited),
        (S::Awarded, E::Refuse, S::Forfeited),
        (S::Opened, E::ContractElsewhere, S::Unsuccessful),
        (S::Valid, E::ContractElsewhere, S::Unsuccessful),
    ]
};

/// The tender's next state.
///
/// # Errors
/// [`Error::State`] with the current one.
pub fn tender(from: TenderStatus, event: TenderEvent) -> Result<TenderStatus, Error> {
    next(TENDER, from, event).ok_or_else(|| refused("tender", from.name(), event.verb(), TENDER, event, TenderStatus::name))
}

/// The bid's next state.
///
/// # Errors
/// [`Error::State`] with the current one.
pub fn bid(from: BidStatus, event: BidEvent) -> Result<BidStatus, Error> {
    next(BID, from, event).ok_or_else(|| refused("bid", from.name(), event.verb(), BID, event, BidStatus::name))
}

/// What a bidder's next submission is to a bid in this state.
#[must_use]
pub fn submission_of(from: BidStatus) -> BidEvent {
    match from {
        BidStatus::Draft => BidEvent::Submit,
        BidStatus::Withdrawn => BidEvent::Resubmit,
        _ => BidEvent::Replace,
    }
}

/// Whether a bid in this state can be saved as a draft.
///
/// # Errors
/// [`Error::State`] for everything that was submitted, with what can be done instead.
pub fn saving(from: BidStatus) -> Result<(), Error> {
    let instead = match from {
        // What is submitted for the first time was a draft until then.
        _ if bid(from, BidEvent::Submit).is_ok() => return Ok(()),
        BidStatus::Withdrawn => "start a new one with POST /api/tenders/{id}/bids, or leave `draft` out to submit this one again",
        _ => "leave `draft` out to replace the bid; to withdraw it (DELETE) is the only way back",
    };
    Err(Error::state("bid", from.name(), format!("a draft is what was never submitted: {instead}")))
}

/// Whether a bid in this state can be withdrawn: where it leads.
///
/// # Errors
/// [`Error::State`] with the current one.
pub fn withdrawal(from: BidStatus) -> Result<BidStatus, Error> {
    let hint =
        "only what was submitted can be withdrawn; a draft lapses by itself at the deadline, and nobody else ever reads it";
    match from {
        BidStatus::Draft => Err(Error::state("bid", from.name(), hint)),
        _ => bid(from, BidEvent::Withdraw),
    }
}

fn next<S: Copy + PartialEq, E: Copy + PartialEq>(table: &[(S, E, S)], from: S, event: E) -> Option<S> {
    table.iter().find(|(state, what, _)| *state == from && *what == event).map(|(_, _, to)| *to)
}

fn refused<S: Copy, E: Copy + PartialEq>(
    what: &'static str,
    state: &'static str,
    verb: &str,
    table: &[(S, E, S)],
    event: E,
    name: impl Fn(S) -> &'static str,
) -> Error {
    let states: Vec<_> = table.iter().filter(|(_, listed, _)| *listed == event).map(|(from, _, _)| name(*from)).collect();
    Error::state(what, state, format!("`{verb}` needs it to be {}", states.join(" or ")))
}

#[cfg(test)]
mod tests {
    use kernel::DomainError;
    use proptest::prelude::*;

    use super::*;

    const TENDER_EVENTS: &[TenderEvent] = &[
        TenderEvent::Publish,
        TenderEvent::Extend,
        TenderEvent::Deadline,
        TenderEvent::TooFewBids,
        TenderEvent::Open,
        TenderEvent::ProposeAward,
        TenderEvent::AwardFalls,
        TenderEvent::ContractActive,
        TenderEvent::NoAcceptableBid,
        TenderEvent::ContractEnded,
        TenderEvent::Cancel,
    ];

    /// The same machine written a second time, as `from: event>to …`.
    const TENDER_ROWS: &[&str] = &[
        "draft: Publish>published Cancel>cancelled",
        "published: Extend>published Deadline>closed Cancel>cancelled",
        "closed: TooFewBids>unsuccessful Open>evaluation Cancel>cancelled",
        "evaluation: ProposeAward>standstill NoAcceptableBid>unsuccessful Cancel>cancelled",
        "standstill: AwardFalls>evaluation ContractActive>complete Cancel>cancelled",
        "complete: ContractEnded>unsuccessful",
        "unsuccessful:",
        "cancelled:",
    ];

    fn listed(rows: &[&str], from: &str, event: &str) -> Option<String> {
        let row = rows.iter().find_map(|row| row.strip_prefix(&format!("{from}:"))).expect("every state has a row");
        row.split_whitespace().find_map(|step| step.strip_prefix(&format!("{event}>"))).map(str::to_owned)
    }

    proptest! {
        #[test]
        fn a_tender_transition_that_is_not_listed_is_refused_with_the_current_state(
            from in prop::sample::select(TenderStatus::ALL), event in prop::sample::select(TENDER_EVENTS),
        ) {
            match (tender(from, event), listed(TENDER_ROWS, from.name(), &format!("{event:?}"))) {
                (Ok(to), Some(expected)) => prop_assert_eq!(to.name(), expected),
                (Err(error), None) => {
                    prop_assert_eq!(error.code(), "STATE_CONFLICT");
                    prop_assert_eq!(error.current_state(), Some(from.name().to_owned()));
                }
                (got, expected) => prop_assert!(false, "{:?} on {:?}: {:?}, expected {:?}", event, from, got, expected),
            }
        }

        #[test]
        fn a_bid_transition_that_is_not_listed_is_refused_with_the_current_state(
            from in prop::sample::select(BidStatus::ALL), event in prop::sample::select(BID_EVENTS),
        ) {
            match (bid(from, event), listed(BID_ROWS, from.name(), &format!("{event:?}"))) {
                (Ok(to), Some(expected)) => prop_assert_eq!(to.name(), expected),
                (Err(error), None) => prop_assert_eq!(error.current_state(), Some(from.name().to_owned())),
                (got, expected) => prop_assert!(false, "{:?} on {:?}: {:?}, expected {:?}", event, from, got, expected),
            }
        }
    }

    const BID_EVENTS: &[BidEvent] = &[
        BidEvent::Submit,
        BidEvent::Replace,
        BidEvent::Withdraw,
        BidEvent::Resubmit,
        BidEvent::Deadline,
        BidEvent::Open,
        BidEvent::Accept,
        BidEvent::Disqualify,
        BidEvent::Award,
        BidEvent::AwardFalls,
        BidEvent::Refuse,
        BidEvent::ContractElsewhere,
    ];

    const BID_ROWS: &[&str] = &[
        "draft: Submit>submitted Deadline>lapsed",
        "submitted: Replace>submitted Withdraw>withdrawn Open>opened",
        "withdrawn: Resubmit>submitted",
        "lapsed:",
        "opened: Accept>valid Disqualify>disqualified Refuse>forfeited ContractElsewhere>unsuccessful",
        "valid: Disqualify>disqualified Award>awarded Refuse>forfeited ContractElsewhere>unsuccessful",
        "disqualified:",
        "awarded: AwardFalls>valid Refuse>forfeited",
        "forfeited:",
        "unsuccessful:",
    ];

    #[test]
    fn only_a_draft_is_saved_and_what_was_submitted_is_told_the_way_back() {
        for from in BidStatus::ALL.iter().copied() {
            assert_eq!(saving(from).is_ok(), from == BidStatus::Draft, "{from}");
            assert_eq!(withdrawal(from).ok(), bid(from, BidEvent::Withdraw).ok(), "{from}");
        }
        let refusal = |from| saving(from).expect_err("not a draft").to_string();
        let submitted = "the bid is submitted: a draft is what was never submitted: leave `draft` out to replace the bid; to withdraw it \
                         (DELETE) is the only way back";
        assert_eq!(refusal(BidStatus::Submitted), submitted);
        assert!(refusal(BidStatus::Withdrawn).contains("POST /api/tenders/{id}/bids"));
        let draft = withdrawal(BidStatus::Draft).expect_err("a draft is not withdrawn");
        assert!(draft.to_string().contains("a draft lapses by itself at the deadline"), "{draft}");
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        let error = tender(TenderStatus::Draft, TenderEvent::ProposeAward).expect_err("not listed");
        assert_eq!(error.to_string(), "the tender is draft: `award` needs it to be evaluation");
        let error = tender(TenderStatus::Complete, TenderEvent::AwardFalls).expect_err("not listed");
        assert_eq!(error.to_string(), "the tender is complete: `cancel-award` needs it to be standstill");
    }
}
