//! What a person must look at: an alarm stays a row until it is settled, and a person is woken again and again until it is over.

use std::collections::HashSet;

use kernel::Fault;
use uow::{Alarm, ReadTx, SeenAlarm, Tx};

/// The target of log lines for which a person is woken.
const WAKE: &str = "wake";

/// Money of a currency does not cover what is owed. About the currency; over when it is covered again.
pub(super) const COVERAGE_SHORT: &str = "coverage_short";
/// The provider's balance has less of a currency than the books say. About the currency; over when it is right again.
pub(super) const BALANCE_SHORT: &str = "balance_short";
/// The provider's balance cannot be read. About the provider; over when it can.
pub(super) const BALANCE_UNREAD: &str = "balance_unread";
/// The provider's lists of what befell charges cannot be read. About the provider; over when they can.
pub(super) const CHARGES_UNREAD: &str = "charges_unread";
/// The provider paid out, or tried to, what no operator has posted. About the payout; over when it is posted.
pub(super) const PAYOUT: &str = "payout";
/// What was posted of the platform's own money did not happen after all. About the payout or the top-up; over when the opposite is posted.
pub(super) const OWN_MONEY_UNDONE: &str = "own_money_undone";
/// A payment's money is held for so long that the provider must soon pay it out. About the payment; over when it is held no more.
pub(super) const MONEY_HELD_TOO_LONG: &str = "money_held_too_long";
/// A release does not arrive. About the release; over when it did.
pub(super) const RELEASE_STUCK: &str = "release_stuck";
/// Nobody knows whether a release was sent, for a day. About the release; over when it is known.
pub(super) const RELEASE_UNKNOWN: &str = "release_unknown";
/// A transfer that no release of ours ordered. About the transfer.
pub(super) const FOREIGN_TRANSFER: &str = "foreign_transfer";
/// A transfer of a release that is not under way, has another one, or was refused. About the transfer.
pub(super) const UNEXPECTED_TRANSFER: &str = "unexpected_transfer";
/// A transfer over another amount, or to another account, than its release ordered. About the transfer.
pub(super) const WRONG_TRANSFER: &str = "wrong_transfer";
/// A payment that no payment of ours asked for. About the payment intent.
pub(super) const FOREIGN_PAYMENT: &str = "foreign_payment";
/// A transfer was reversed at the provider: a release's own, or one by which its payee was paid again. About the release; over when a person
/// settled what came back.
pub(super) const TRANSFER_REVERSED: &str = "transfer_reversed";
/// A payment came otherwise than asked. About the payment; over when all of it was given back.
pub(super) const PAYMENT_IN_SUSPENSE: &str = "payment_in_suspense";
/// The provider took a fee apart from any charge; it is posted. About the balance transaction.
pub(super) const PROVIDER_FEE: &str = "provider_fee";
/// A charge was refunded past us. About the charge.
pub(super) const CHARGE_REFUNDED: &str = "charge_refunded";
/// A release would go to an account that is not its payee's: somebody wrote it past the program. About the release.
pub(super) const WRONG_PAYEE: &str = "wrong_payee";
/// The provider refused a release. About the release; over when another one of its milestone is under way or sent.
pub(super) const RELEASE_REFUSED: &str = "release_refused";

/// Something for which a person is woken, again and again until it is over: logged as an error under the target `wake`, and counted.
pub(super) fn wake(kind: &'static str, detail: &str) {
    tracing::error!(target: WAKE, kind, detail, "escrow wake");
    metrics::counter!("escrow_wakes_total", "kind" => kind).increment(1);
}

/// Something a person must look at: logged as an error, counted, and a row until a person settles it.
pub(super) async fn alarm_in(
    tx: &mut Tx,
    kind: &'static str,
    about: (&'static str, String),
    detail: String,
) -> Result<(), Fault> {
    raise_in(tx, Alarm { kind, about, org: None, detail }).await
}

/// The same, in the platform's transactions, where it must be said whose it is.
pub(super) async fn raise_in(tx: &mut Tx, alarm: Alarm) -> Result<(), Fault> {
    tracing::error!(kind = alarm.kind, about = alarm.about.1, detail = alarm.detail, "escrow alarm");
    metrics::counter!("escrow_alarms_total", "kind" => alarm.kind).increment(1);
    tx.alarm(alarm).await
}

/// Why an alarm stays open that was to be settled.
pub(super) enum StaysOpen {
    /// What it is about is so again.
    SoAgain,
    /// It could not be settled.
    Fault(Fault),
}

impl From<Fault> for StaysOpen {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a look at everything of a kind found: which alarms are to be raised, and which are over.
pub(super) struct AlarmSweep {
    open: Vec<SeenAlarm>,
    found: Vec<Alarm>,
}

impl AlarmSweep {
    /// Begins a look: asks what is open before anything is looked at, so that what is not found afterwards is over; but for what was raised again
    /// meanwhile, after the look.
    pub(super) async fn begin(tx: &ReadTx<'_>, kind: &'static str) -> Result<Self, Fault> {
        Ok(Self { open: db::alarming(tx, kind).await?, found: Vec::new() })
    }

    /// What is open, by what it is about.
    pub(super) fn open(&self) -> Vec<String> {
        self.open.iter().map(|seen| seen.about.clone()).collect()
    }

    /// All but these is over. Raised where it happened, it is not raised here again.
    pub(super) fn unless(mut self, still: &[String]) -> Self {
        self.open.retain(|seen| !still.contains(&seen.about));
        self
    }

    /// It is so.
    pub(super) fn found(&mut self, alarm: Alarm) {
        self.found.push(alarm);
    }

    /// The look could not reach everything: nothing is known to be over.
    pub(super) fn incomplete(&mut self) {
        self.open.clear();
    }

    /// Raises what was found and settles what was not.
    pub(super) async fn save_in(self, tx: &mut Tx) -> Result<(), Fault> {
        let still: HashSet<&str> = self.found.iter().map(|alarm| alarm.about.1.as_str()).collect();
        let over: Vec<SeenAlarm> = self.open.into_iter().filter(|seen| !still.contains(seen.about.as_str())).collect();
        tx.end_seen_alarms(&over).await?;
        for alarm in self.found {
            tx.alarm(alarm).await?;
        }
        Ok(())
    }
}
