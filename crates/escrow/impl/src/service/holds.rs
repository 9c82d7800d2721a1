//! `build14 freeze` and `build14 unfreeze`: a person stops the money of a milestone or a contract, and lets it go again. Operators' verbs.

use std::fmt;

use escrow_api::{ContractId, MilestoneId};
use kernel::{Decision, Fault, Reason, RequestId, Timestamp, rfc3339};
use uow::SystemUow;

use crate::jobs;
use crate::repo;
use crate::repo::holds::{HoldTarget, NewHold};

/// Where an operator stops money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldPlace {
    /// One milestone.
    Milestone(MilestoneId),
    /// A whole contract.
    Contract(ContractId),
}

impl HoldPlace {
    fn what(self) -> &'static str {
        match self {
            Self::Milestone(_) => "milestone",
            Self::Contract(_) => "contract",
        }
    }
}

impl fmt::Display for HoldPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Milestone(id) => write!(f, "milestone {id}"),
            Self::Contract(id) => write!(f, "contract {id}"),
        }
    }
}

/// Why money is not stopped, or not let go.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Why must be told.
    #[error("--reason must say why: it stands in both parties' trails")]
    Reason,
    /// No such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// It is stopped already.
    #[error("{place} is frozen already: {operator} did so on {}. Nothing was changed", when(.since))]
    AlreadyFrozen {
        /// Where.
        place: HoldPlace,
        /// Who.
        operator: String,
        /// When.
        since: Timestamp,
    },
    /// Nothing of that kind is open there.
    #[error("{place} has no open hold of kind {kind}: {open}. Nothing was changed")]
    NotFrozen {
        /// Where.
        place: HoldPlace,
        /// What was to be lifted.
        kind: String,
        /// What is open there, in words.
        open: String,
    },
    /// Nobody's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

fn when(since: &Timestamp) -> String {
    rfc3339(*since)
}

/// What an operator lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The kinds of the holds, one for each.
    pub kinds: Vec<String>,
    /// The kinds of those that still cover the place.
    pub remaining: Vec<String>,
    /// Releases that waited and go on now.
    pub resumed: usize,
}

/// Stops the money of a milestone or a contract, in both parties' trails. Says how many of its releases may have left already: those
/// cannot be called back.
///
/// # Errors
/// [`HoldError::NotFound`], [`HoldError::AlreadyFrozen`], a fault of the database.
pub async fn freeze(system: &SystemUow, place: HoldPlace, by: &Decision) -> Result<usize, HoldError> {
    let reason = reason_of(by)?;
    system
        .write(async |tx| {
            let target = found(tx, place).await?;
            let HoldTarget { org, contract, milestone } = target;
            let operator = Some(by.operator.as_str());
            let new = NewHold { org, contract, milestone, kind: escrow_api::HoldKind::Operator, object: "", reason, operator };
            if !repo::holds::place(tx, &new, &RequestId::generate()).await? {
                let open = repo::holds::open_at(tx, &target).await?;
                let first = open.into_iter().find(|hold| hold.kind == "operator");
                let (operator, since) = first.map(|hold| (hold.placed_by, hold.placed_at)).unzip();
                return Err(HoldError::AlreadyFrozen {
                    place,
                    operator: operator.flatten().unwrap_or_else(|| "somebody".to_owned()),
                    since: since.unwrap_or_default(),
                });
            }
            Ok(repo::holds::maybe_sent(tx, &target).await?)
        })
        .await
}

/// Lifts the open holds of one kind, in both parties' trails; what waited for them goes on. `kind` is the operators' own, unless it names
/// another, which a person thereby settles.
///
/// # Errors
/// [`HoldError::NotFound`], [`HoldError::NotFrozen`], a fault of the database.
pub async fn unfreeze(system: &SystemUow, place: HoldPlace, kind: &str, by: &Decision) -> Result<Lifted, HoldError> {
    let reason = reason_of(by)?;
    system
        .write(async |tx| {
            let target = found(tx, place).await?;
            let request = RequestId::generate();
            let mut kinds = Vec::new();
            for hold in repo::holds::open_at(tx, &target).await?.into_iter().filter(|hold| hold.kind == kind) {
                if repo::holds::lift(tx, target.org, hold.id, Some(by.operator.as_str()), reason, &request).await? {
                    kinds.push(hold.kind);
                }
            }
            let remaining = repo::holds::covering_kinds(tx, &target).await?;
            if kinds.is_empty() {
                let open = if remaining.is_empty() {
                    "none is open".to_owned()
                } else if remaining.iter().any(|held| held == kind) {
                    let named = if kind == "operator" { String::new() } else { format!(" --kind {kind}") };
                    format!("its whole contract has one, which `build14 unfreeze --contract {}{named}` lifts", target.contract)
                } else {
                    format!("open there, or on its whole contract: {}", remaining.join(", "))
                };
                return Err(HoldError::NotFrozen { place, kind: kind.to_owned(), open });
            }
            let waiting = repo::holds::waiting(tx, target.org, target.contract, target.milestone).await?;
            let resumed = waiting.len();
            for (org, release) in waiting {
                tx.enqueue(jobs::send_release(org, release)).await?;
            }
            Ok(Lifted { kinds, remaining, resumed })
        })
        .await
}

fn reason_of(by: &Decision) -> Result<&str, HoldError> {
    by.reason.as_ref().map(Reason::as_str).ok_or(HoldError::Reason)
}

async fn found(tx: &mut uow::Tx, place: HoldPlace) -> Result<HoldTarget, HoldError> {
    let target = match place {
        HoldPlace::Milestone(id) => repo::holds::target_of_milestone(tx, id).await?,
        HoldPlace::Contract(id) => repo::holds::target_of_contract(tx, id).await?,
    };
    target.ok_or(HoldError::NotFound(place.what()))
}
