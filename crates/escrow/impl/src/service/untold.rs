//! What the provider did to the platform's balance and no book knows yet, although a command or a job of ours posts it: what that explains is nobody's
//! loss, nor did it turn up again (decision 52).
//!
//! The provider's bookings are asked for after its balance, so that all that the balance shows is among them.

use std::collections::HashSet;

use escrow_api::{BalanceMovement, PaymentProvider, ProviderError, TransferState};
use kernel::{Currency, Fault, Money, Timestamp};
use uow::{Alarm, SystemUow};

use super::alarms::{FOREIGN_TRANSFER, UNEXPECTED_TRANSFER, WRONG_TRANSFER, raise_in};
use super::fees::FEES_BACK;
use super::float::{COSTS, PAYOUT_CAME_BACK, TOPUP_TAKEN_BACK, is_disputes, own_cost};
use crate::repo;

/// Something that is posted with a command.
pub(super) struct Unposted {
    /// What it is.
    pub(super) what: String,
    /// The command.
    pub(super) command: String,
}

/// Something that left, and no book knows it yet.
pub(super) enum Untold {
    /// It is posted with a command.
    ByCommand(Unposted),
    /// The sweep posts it.
    Fee(String),
    /// A person must look at this transfer first, for which there is an alarm now.
    Transfer(String),
}

/// What left the balance.
pub(super) struct Left {
    /// What is to be posted first, if something is.
    pub(super) untold: Option<Untold>,
    /// Transfers in no ledger that a person looked at, and left as they are.
    pub(super) given_up: Vec<String>,
}

/// What is known of some bookings.
struct Bookings {
    movements: Vec<BalanceMovement>,
    /// Those of these objects and bookings that stand in the books as the platform's own.
    booked: HashSet<String>,
}

/// Without its sign.
fn plain(amount: Money) -> Money {
    Money::from_minor(amount.minor().saturating_abs(), amount.currency())
}

impl Bookings {
    async fn of<E: From<ProviderError> + From<Fault>>(
        system: &SystemUow,
        provider: &dyn PaymentProvider,
        currency: Currency,
        kinds: &[&str],
    ) -> Result<Self, E> {
        let (now, short_since) = system
            .read(async |tx| Ok::<_, Fault>((db::instant(tx).await?, repo::losses::short_since(tx, currency).await?)))
            .await?;
        // What explains it may have been hidden for a while by what was there too much.
        let since: Timestamp = short_since.unwrap_or(now) - FEES_BACK;
        let mut movements = provider.movements_since(kinds, since).await?;
        movements.retain(|one| one.amount.currency() == currency);
        let ids: Vec<String> = movements.iter().flat_map(|one| [Some(one.id.clone()), one.source.clone()]).flatten().collect();
        let booked = system.read(async |tx| repo::losses::booked(tx, &ids).await).await?;
        Ok(Self { movements, booked })
    }

    /// Whether it stands in the books.
    fn knows(&self, id: &str) -> bool {
        self.booked.contains(id)
    }

    /// Whether its object was undone by a booking of one of these kinds.
    fn undone(&self, one: &BalanceMovement, by: &[&str]) -> bool {
        self.movements.iter().any(|other| by.contains(&other.kind.as_str()) && other.source == one.source)
    }

    /// What took something of the platform's own and is not posted.
    fn taken(&self) -> Result<Option<Untold>, Fault> {
        for one in &self.movements {
            let (id, source) = (&one.id, one.source.as_deref().unwrap_or_default());
            let (what, command) = match one.kind.as_str() {
                "payout" if !self.knows(id) && !self.knows(source) && !self.undone(one, &PAYOUT_CAME_BACK) => {
                    (format!("payout {source} over {}", plain(one.amount)), format!("build14 payout --source {source}"))
                }
                // Of a top-up that nobody posted the books are right without both.
                TOPUP_TAKEN_BACK if !self.knows(id) && self.knows(source) => (
                    format!("{id} over {}, which took back {source}", plain(one.amount)),
                    format!("build14 payout --source {id}"),
                ),
                kind if COSTS.contains(&kind) && !self.knows(id) => {
                    let cost = own_cost(one)?;
                    if cost.minor() >= 0 {
                        continue;
                    }
                    if kind != "adjustment" {
                        return Ok(Some(Untold::Fee(id.clone())));
                    }
                    let what = if is_disputes(one) { format!("fee of {source}") } else { "adjustment".to_owned() };
                    (format!("{id}, {what}, over {}", plain(cost)), format!("build14 cost --source {id}"))
                }
                _ => continue,
            };
            return Ok(Some(Untold::ByCommand(Unposted { what, command })));
        }
        Ok(None)
    }

    /// What came of the platform's own and is not posted.
    fn come(&self) -> Option<Unposted> {
        self.movements.iter().find_map(|one| {
            let (id, source) = (&one.id, one.source.as_deref().unwrap_or_default());
            let (what, named) = match one.kind.as_str() {
                "topup" if !self.knows(id) && !self.knows(source) && !self.undone(one, &[TOPUP_TAKEN_BACK]) => {
                    (format!("top-up {source} over {}", one.amount), source)
                }
                kind if PAYOUT_CAME_BACK.contains(&kind) && !self.knows(id) && self.knows(source) => {
                    (format!("{id} over {}, by which {source} came back", one.amount), id.as_str())
                }
                _ => return None,
            };
            Some(Unposted { what, command: format!("build14 float --source {named}") })
        })
    }
}

/// What left the balance of a currency and is to be posted by another verb, by the sweep or by a look.
pub(super) async fn left<E: From<ProviderError> + From<Fault>>(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    currency: Currency,
) -> Result<Left, E> {
    let kinds: Vec<&str> = ["payout", TOPUP_TAKEN_BACK, "transfer"].into_iter().chain(PAYOUT_CAME_BACK).chain(COSTS).collect();
    let bookings = Bookings::of::<E>(system, provider, currency, &kinds).await?;
    let mut untold = bookings.taken()?;
    if untold.is_none() {
        untold = waits::<E>(system, provider, currency).await?;
    }
    let mut given_up = Vec::new();
    if untold.is_none() {
        for transfer in transfers::<E>(system, provider, &bookings).await? {
            if is_looked_at(system, &transfer).await? {
                given_up.push(transfer.id);
            } else {
                tell(system, &transfer).await?;
                untold = Some(Untold::Transfer(transfer.id));
                break;
            }
        }
    }
    Ok(Left { untold, given_up })
}

/// What came to the balance of a currency and is to be posted by another verb.
pub(super) async fn come<E: From<ProviderError> + From<Fault>>(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    currency: Currency,
) -> Result<Option<Unposted>, E> {
    let kinds: Vec<&str> = ["topup", TOPUP_TAKEN_BACK].into_iter().chain(PAYOUT_CAME_BACK).collect();
    Ok(Bookings::of::<E>(system, provider, currency, &kinds).await?.come())
}

/// A refund of what waits in suspense, or what the payer's bank took of it, that is not posted.
async fn waits<E: From<ProviderError> + From<Fault>>(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    currency: Currency,
) -> Result<Option<Untold>, E> {
    let waiting = system.read(async |tx| repo::losses::waiting_in_suspense(tx, currency).await).await?;
    for (payment, charge, intent) in waiting {
        let command = format!("build14 suspense-refund --payment {payment}");
        let disputes = provider.disputes_of_intent(&intent).await?;
        let moved = disputes.into_iter().filter(|dispute| dispute.charge == charge).flat_map(|dispute| dispute.booked);
        let moved: Vec<String> =
            moved.filter(|one| one.amount.minor() < 0 && one.amount.currency() == currency).map(|one| one.id).collect();
        let posted = system.read(async |tx| repo::losses::taken(tx, &moved, "withdrawn").await).await?;
        if let Some(booking) = moved.into_iter().find(|booking| !posted.contains(booking)) {
            let what = format!("withdrawal {booking} of payment {payment}, which waits in suspense");
            return Ok(Some(Untold::ByCommand(Unposted { what, command })));
        }
        let refunds = provider.refunds_of_charge(&charge).await?;
        let gone: Vec<String> =
            refunds.into_iter().filter(|refund| refund.booked && !refund.failed()).map(|refund| refund.id).collect();
        let posted = system.read(async |tx| repo::losses::taken(tx, &gone, "refund").await).await?;
        if let Some(refund) = gone.into_iter().find(|refund| !posted.contains(refund)) {
            let what = format!("refund {refund} of payment {payment}, which waits in suspense");
            return Ok(Some(Untold::ByCommand(Unposted { what, command })));
        }
    }
    Ok(None)
}

/// Transfers that stand in no ledger, were not taken back whole, and are not of a release that may have left.
async fn transfers<E: From<ProviderError> + From<Fault>>(
    system: &SystemUow,
    provider: &dyn PaymentProvider,
    bookings: &Bookings,
) -> Result<Vec<TransferState>, E> {
    let ids: Vec<String> =
        bookings.movements.iter().filter(|one| one.kind == "transfer").filter_map(|one| one.source.clone()).collect();
    let taken = system.read(async |tx| repo::losses::taken(tx, &ids, "transfer").await).await?;
    let mut found = Vec::new();
    for id in ids.iter().filter(|id| !taken.contains(*id)) {
        let transfer = provider.transfer(id).await?;
        if transfer.reversed == transfer.amount {
            continue;
        }
        let named =
            transfer.metadata.iter().find(|(name, _)| name == "release_id").and_then(|(_, id)| id.parse::<uuid::Uuid>().ok());
        let under_way = match named {
            Some(release) => system.read(async |tx| repo::losses::is_allowed_for(tx, release).await).await?,
            None => false,
        };
        if !under_way {
            found.push(transfer);
        }
    }
    Ok(found)
}

/// Whether a person settled an alarm about it, and so left it as it is.
async fn is_looked_at(system: &SystemUow, transfer: &TransferState) -> Result<bool, Fault> {
    let about = [transfer.id.clone()];
    system
        .read(async |tx| {
            for kind in [FOREIGN_TRANSFER, UNEXPECTED_TRANSFER, WRONG_TRANSFER] {
                if !db::settled_alarms(tx, kind, &about).await?.is_empty() {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
}

/// No event told of it: it has an alarm now, which a person can settle.
async fn tell(system: &SystemUow, transfer: &TransferState) -> Result<(), Fault> {
    let TransferState { id, amount, destination, .. } = transfer;
    let detail = format!(
        "the provider shows {id} over {amount} to {destination}, and it stands in no ledger: if it paid a payee, `build14 release-settle --sent` \
         or `build14 reversal-settle --paid-with` posts it; else reverse it at the provider. Settled by name, it is given up with the next loss"
    );
    let alarm = Alarm { kind: FOREIGN_TRANSFER, about: ("transfer", id.clone()), org: None, detail };
    system.write(async |tx| raise_in(tx, alarm).await).await
}
