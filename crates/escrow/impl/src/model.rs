//! The rules of contracts, milestones, payments and releases: pure, as tables that read like docs/domain/contracts.md.

pub(crate) mod coverage;
pub(crate) mod document;
pub(crate) mod held;
pub(crate) mod incident;
pub(crate) mod money;
pub(crate) mod moved;
pub(crate) mod stored;

use escrow_api::{ContractStatus, IntentStatus, MilestoneStatus, PaymentStatus, ReleaseStatus};

/// What happens to a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContractEvent {
    /// The owner declares practical completion.
    Complete,
    /// The award fell, or the tender was cancelled, before it was in force.
    Cancel,
}

impl ContractEvent {
    /// Where it leads from `state`, if it is allowed there.
    pub(crate) fn after(self, state: ContractStatus) -> Option<ContractStatus> {
        match (state, self) {
            (ContractStatus::Active, Self::Complete) => Some(ContractStatus::PracticallyComplete),
            (ContractStatus::Draft | ContractStatus::Signing, Self::Cancel) => Some(ContractStatus::Cancelled),
            _ => None,
        }
    }
}

/// What happens to a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MilestoneEvent {
    /// The owner starts the payment.
    Fund,
    /// The payment came as asked and is available.
    FundsAvailable,
    /// The payment failed or was cancelled.
    PaymentEnded,
    /// The contractor says that the work is done.
    SubmitWork,
    /// The owner asks for changes.
    RequestChanges,
    /// The owner approves all that is held, or a part of it.
    Approve,
    /// The owner was silent for too long.
    Silence,
    /// The transfer was made, nothing remains held.
    ReleasedWhole,
    /// The transfer was made, a part remains held.
    ReleasedPart,
    /// What was released came back and is held again.
    Returned,
    /// Its contract ended before it was funded.
    Cancel,
}

/// Every transition that there is; any other is refused. The database knows the same table (app.milestone_moves).
pub(crate) const MILESTONE_MOVES: &[(MilestoneStatus, MilestoneEvent, MilestoneStatus)] = {
    use MilestoneEvent as E;
    use MilestoneStatus as S;
    &[
        (S::Planned, E::Fund, S::Funding),
        (S::Planned, E::Cancel, S::Cancelled),
        (S::Funding, E::PaymentEnded, S::Planned),
        (S::Funding, E::FundsAvailable, S::Funded),
        (S::Funded, E::SubmitWork, S::InReview),
        (S::InReview, E::RequestChanges, S::Funded),
        (S::InReview, E::Silence, S::Escalated),
        (S::InReview, E::Approve, S::Approved),
        (S::Escalated, E::RequestChanges, S::Funded),
        (S::Escalated, E::Approve, S::Approved),
        (S::Approved, E::ReleasedWhole, S::Released),
        (S::Approved, E::ReleasedPart, S::Funded),
        (S::Released, E::Returned, S::Funded),
    ]
};

impl MilestoneEvent {
    /// Where it leads from `state`, if it is allowed there.
    pub(crate) fn after(self, state: MilestoneStatus) -> Option<MilestoneStatus> {
        MILESTONE_MOVES.iter().find(|(from, event, _)| *from == state && *event == self).map(|(_, _, to)| *to)
    }
}

/// What was seen of a payment at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// Waiting for the payer.
    Waiting,
    /// The payer's last attempt failed.
    Failed,
    /// The payer must act.
    RequiresAction,
    /// On its way.
    Processing,
    /// Only authorised, not paid.
    Authorised,
    /// Nobody here knows what it is.
    Unrecognised,
    /// Cancelled for good.
    Canceled,
    /// Paid as asked.
    Paid {
        /// Whether the funds are available.
        available: bool,
    },
    /// Paid otherwise than asked.
    PaidWrong,
}

impl Observed {
    /// What an unpaid state is; `None` once paid, for then more must be looked at.
    pub(crate) fn unpaid(status: IntentStatus, failed: bool) -> Option<Self> {
        Some(match status {
            IntentStatus::Created if failed => Self::Failed,
            IntentStatus::Created => Self::Waiting,
            IntentStatus::RequiresAction => Self::RequiresAction,
            IntentStatus::Processing => Self::Processing,
            IntentStatus::RequiresCapture => Self::Authorised,
            IntentStatus::Unrecognised => Self::Unrecognised,
            IntentStatus::Canceled => Self::Canceled,
            IntentStatus::Succeeded => return None,
        })
    }
}

/// Where a payment stands once something was seen of it. What is seen is a state, not a step: however late, doubled or out
/// of order the news arrive, money that came never goes back to not having come.
pub(crate) fn payment_after(now: PaymentStatus, seen: Observed) -> PaymentStatus {
    use PaymentStatus as S;
    match (now, seen) {
        (S::Available | S::Suspense, _) => now,
        (S::Succeeded, Observed::Paid { available: true }) => S::Available,
        (S::Succeeded, _) => S::Succeeded,
        (_, Observed::Paid { available }) => {
            if available {
                S::Available
            } else {
                S::Succeeded
            }
        }
        (_, Observed::PaidWrong) => S::Suspense,
        (_, Observed::Unrecognised) => now,
        (S::Canceled, _) | (_, Observed::Canceled) => S::Canceled,
        (_, Observed::Failed) => S::Failed,
        (_, Observed::Processing) => S::Processing,
        (_, Observed::RequiresAction | Observed::Authorised) => S::RequiresAction,
        // A stale look must not revive what failed.
        (S::Failed, Observed::Waiting) => S::Failed,
        (_, Observed::Waiting) => S::Created,
    }
}

/// Whether a payment may still bring money or has brought it.
pub(crate) fn is_live(status: PaymentStatus) -> bool {
    !matches!(status, PaymentStatus::Failed | PaymentStatus::Canceled | PaymentStatus::Suspense)
}

/// What happens to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReleaseEvent {
    /// It is put on its way.
    Send,
    /// The transfer was made.
    Confirm,
    /// The answer is lost.
    AnswerLost,
    /// The provider refused it.
    Refuse,
    /// A part of the transfer was taken back.
    ReversePart,
    /// All of the transfer was taken back.
    ReverseWhole,
}

impl ReleaseEvent {
    /// Where it leads from `state`, if it is allowed there.
    pub(crate) fn after(self, state: ReleaseStatus) -> Option<ReleaseStatus> {
        use ReleaseStatus as S;
        match (state, self) {
            (S::Approved, Self::Send) => Some(S::Sending),
            (S::Sending | S::Unknown, Self::Confirm) => Some(S::Sent),
            (S::Sending | S::Unknown, Self::AnswerLost) => Some(S::Unknown),
            (S::Sending | S::Unknown, Self::Refuse) => Some(S::Failed),
            (S::Sent | S::PartReversed, Self::ReversePart) => Some(S::PartReversed),
            (S::Sent | S::PartReversed, Self::ReverseWhole) => Some(S::Reversed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The moves that a trigger allows: each is tried on a row under it.
    async fn allowed(trigger: &str, states: impl Iterator<Item = &'static str>) -> Vec<String> {
        let db = testkit::Database::fresh().await;
        let states: Vec<String> = states.map(|state| format!("'{state}'")).collect();
        let mut allowed = db
            .query(&format!(
                "create temporary table moves (status text not null, id uuid, maybe_sent_at timestamptz);
                 create trigger moves before update on moves for each row execute function app.{trigger}();
                 create function pg_temp.allowed(was text, becomes text) returns boolean language plpgsql as $$
                 begin
                     insert into moves values (was);
                     update moves set status = becomes;
                     delete from moves;
                     return true;
                 exception when integrity_constraint_violation then
                     return false;
                 end $$;
                 select was || ' > ' || becomes from unnest(array[{states}]) was, unnest(array[{states}]) becomes
                     where was <> becomes and pg_temp.allowed(was, becomes)",
                states = states.join(", ")
            ))
            .await;
        allowed.sort();
        allowed
    }

    #[tokio::test]
    async fn the_database_allows_the_very_moves_of_the_table() {
        let mut ours: Vec<String> =
            MILESTONE_MOVES.iter().map(|(from, _, to)| format!("{} > {}", from.name(), to.name())).collect();
        ours.sort();
        ours.dedup();
        assert_eq!(allowed("milestone_moves", MilestoneStatus::ALL.iter().map(|state| state.name())).await, ours);
    }

    #[tokio::test]
    async fn the_database_allows_a_release_the_very_moves_of_its_events() {
        use ReleaseEvent as E;
        let mut ours = Vec::new();
        for from in ReleaseStatus::ALL {
            for event in [E::Send, E::Confirm, E::AnswerLost, E::Refuse, E::ReversePart, E::ReverseWhole] {
                ours.extend(event.after(*from).filter(|to| to != from).map(|to| format!("{} > {}", from.name(), to.name())));
            }
        }
        ours.sort();
        assert_eq!(allowed("release_moves", ReleaseStatus::ALL.iter().map(|state| state.name())).await, ours);
    }

    fn seen() -> impl Strategy<Value = Observed> {
        prop_oneof![
            Just(Observed::Waiting),
            Just(Observed::Failed),
            Just(Observed::RequiresAction),
            Just(Observed::Processing),
            Just(Observed::Canceled),
            Just(Observed::Authorised),
            Just(Observed::Unrecognised),
            Just(Observed::Paid { available: false }),
            Just(Observed::Paid { available: true }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_paid_stays_paid_in_any_order(mut looks in prop::collection::vec(seen(), 0..12), at in 0_usize..12) {
            let at = at.min(looks.len());
            looks.insert(at, Observed::Paid { available: true });
            let end = looks.iter().fold(PaymentStatus::Created, |state, seen| payment_after(state, *seen));
            prop_assert_eq!(end, PaymentStatus::Available);
        }

        #[test]
        fn seeing_the_same_twice_changes_nothing(looks in prop::collection::vec(seen(), 0..12), last in seen()) {
            let once = looks.iter().chain([&last]).fold(PaymentStatus::Created, |state, seen| payment_after(state, *seen));
            prop_assert_eq!(payment_after(once, last), once);
        }

        #[test]
        fn a_suspended_payment_stays_so(looks in prop::collection::vec(seen(), 0..12)) {
            let end = looks.iter().fold(PaymentStatus::Suspense, |state, seen| payment_after(state, *seen));
            prop_assert_eq!(end, PaymentStatus::Suspense);
        }
    }

    #[test]
    fn a_release_is_sent_once() {
        for event in [ReleaseEvent::Send, ReleaseEvent::Confirm, ReleaseEvent::AnswerLost, ReleaseEvent::Refuse] {
            assert_eq!(event.after(ReleaseStatus::Sent), None);
            assert_eq!(event.after(ReleaseStatus::Failed), None);
        }
        assert_eq!(ReleaseEvent::Send.after(ReleaseStatus::Approved), Some(ReleaseStatus::Sending));
        assert_eq!(ReleaseEvent::Confirm.after(ReleaseStatus::Unknown), Some(ReleaseStatus::Sent));
    }

    #[test]
    fn a_contract_in_force_cannot_be_cancelled() {
        assert_eq!(ContractEvent::Cancel.after(ContractStatus::Active), None);
        assert_eq!(ContractEvent::Cancel.after(ContractStatus::Signing), Some(ContractStatus::Cancelled));
        assert_eq!(ContractEvent::Complete.after(ContractStatus::Signing), None);
    }
}
