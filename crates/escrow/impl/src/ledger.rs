//! Double entry (docs/domain/money.md): typed postings whose entries sum to zero by construction. + debit, − credit, minor units.

use std::borrow::Cow;

use escrow_api::{LedgerSource, TransactionKind};
use kernel::Currency;
use serde::Serialize;
use uuid::Uuid;

/// The accounts that are used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    StripePending = 1000,
    StripeAvailable = 1010,
    Bank = 1040,
    Held = 2000,
    Frozen = 2010,
    ReleasePayable = 2020,
    FeePending = 2050,
    Suspense = 2090,
    Float = 3000,
    FeeRevenue = 4000,
    FeeRecovery = 4010,
    StripeFees = 5000,
    DisputeAndLoss = 5010,
}

impl Account {
    /// Its code in the chart of accounts.
    pub(crate) const fn code(self) -> i16 {
        self as i16
    }
}

/// The name of an account that the platform's own money stands in.
pub(crate) fn own_money(account: i16) -> &'static str {
    if account == Account::StripeAvailable.code() {
        "stripe_available"
    } else if account == Account::Bank.code() {
        "bank"
    } else if account == Account::DisputeAndLoss.code() {
        "dispute_and_loss"
    } else {
        "float"
    }
}

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) account: i16,
    pub(crate) subject: Option<Uuid>,
    pub(crate) amount: i64,
}

/// Where a posting comes from: posted once per source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) provider: &'static str,
    pub(crate) object: String,
    pub(crate) kind: Cow<'static, str>,
}

impl Source {
    /// Whether it is a thing of the provider's, and not one of ours.
    pub(crate) fn is_the_providers(&self) -> bool {
        self.provider == LedgerSource::Stripe.name()
    }

    fn stripe(object: &str, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { provider: LedgerSource::Stripe.name(), object: object.to_owned(), kind: kind.into() }
    }

    fn own(object: Uuid, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { provider: LedgerSource::Platform.name(), object: object.to_string(), kind: kind.into() }
    }
}

/// A ledger transaction to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
    /// The name of a [`TransactionKind`]; of the platform's own money, which is in no contract's ledger, what moved it.
    pub(crate) kind: &'static str,
    pub(crate) source: Source,
    pub(crate) currency: Currency,
    pub(crate) entries: Vec<Entry>,
}

impl Posting {
    fn new(kind: &'static str, source: Source, currency: Currency, entries: &[(Account, Option<Uuid>, i64)]) -> Self {
        let entries = entries
            .iter()
            .filter(|(_, _, amount)| *amount != 0)
            .map(|&(account, subject, amount)| Entry { account: account.code(), subject, amount })
            .collect();
        Self { kind, source, currency, entries }
    }

    /// The platform's own money comes in. No contract's: what is kept of it is one row of `platform_float`, the amount of these two.
    pub(crate) fn float(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Float, None, -amount)];
        Self::new("float", Source::stripe(source, "float"), currency, &entries)
    }

    /// The platform's own money was paid out to its bank. No contract's either: one row of `platform_float`, below zero.
    pub(crate) fn payout(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Bank, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new("payout", Source::stripe(source, "payout"), currency, &entries)
    }

    /// The provider took something from the platform that belongs to no contract, such as the fee of a dispute that was won. One row of
    /// `platform_float`, below zero.
    pub(crate) fn cost(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::DisputeAndLoss, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new("cost", Source::stripe(source, "cost"), currency, &entries)
    }

    /// What was missing at the provider is given up: the platform bears it. One row of `platform_float`, below zero, of no object of the provider's.
    pub(crate) fn loss(id: Uuid, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::DisputeAndLoss, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new("loss", Source::own(id, "loss"), currency, &entries)
    }

    /// What was given up turned up again at the provider: it takes back a loss, or a part of it. One row of `platform_float`.
    pub(crate) fn recovery(id: Uuid, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::DisputeAndLoss, None, -amount)];
        Self::new("recovery", Source::own(id, "recovery"), currency, &entries)
    }

    /// The owner paid `held` for a milestone and `recovery` towards the processing cost.
    pub(crate) fn payment_received(charge: &str, milestone: Uuid, held: i64, recovery: i64, currency: Currency) -> Self {
        let entries = [
            (Account::StripePending, None, held + recovery),
            (Account::Held, Some(milestone), -held),
            (Account::FeeRecovery, None, -recovery),
        ];
        Self::new(TransactionKind::PaymentReceived.name(), Source::stripe(charge, "charge"), currency, &entries)
    }

    /// The provider kept its fee.
    pub(crate) fn processing_fee_kept(balance_transaction: &str, fee: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeFees, None, fee), (Account::StripePending, None, -fee)];
        Self::new(TransactionKind::ProcessingFeeKept.name(), Source::stripe(balance_transaction, "fee"), currency, &entries)
    }

    /// What was left became available.
    pub(crate) fn funds_available(balance_transaction: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::StripePending, None, -amount)];
        Self::new(TransactionKind::FundsAvailable.name(), Source::stripe(balance_transaction, "available"), currency, &entries)
    }

    /// A release is approved, its money reserved.
    pub(crate) fn release_reserved(release: Uuid, milestone: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let entries = [
            (Account::Held, Some(milestone), net + fee),
            (Account::ReleasePayable, Some(release), -net),
            (Account::FeePending, Some(release), -fee),
        ];
        Self::new(TransactionKind::ReleaseReserved.name(), Source::own(release, "reserve"), currency, &entries)
    }

    /// The reservation is void: the exact opposite of [`Self::release_reserved`].
    pub(crate) fn release_voided(release: Uuid, milestone: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let mut void = Self::release_reserved(release, milestone, net, fee, currency);
        void.kind = TransactionKind::ReleaseVoided.name();
        void.source.kind = "void".into();
        for entry in &mut void.entries {
            entry.amount = -entry.amount;
        }
        void
    }

    /// The transfer was made, the fee earned.
    pub(crate) fn release_sent(transfer: &str, release: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let entries = [
            (Account::ReleasePayable, Some(release), net),
            (Account::StripeAvailable, None, -net),
            (Account::FeePending, Some(release), fee),
            (Account::FeeRevenue, None, -fee),
        ];
        Self::new(TransactionKind::ReleaseSent.name(), Source::stripe(transfer, "transfer"), currency, &entries)
    }

    /// `amount` of a transfer came back, `in_all` by now. Whose it is a person decides: until then it waits under the release.
    pub(crate) fn transfer_reversed(transfer: &str, release: Uuid, amount: i64, in_all: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Suspense, Some(release), -amount)];
        Self::new(
            TransactionKind::TransferReversed.name(),
            Source::stripe(transfer, format!("reversed:{in_all}")),
            currency,
            &entries,
        )
    }

    /// A person decided: what came back is held for the milestone again, together with the fee that was taken of it.
    pub(crate) fn reversal_held_again(
        release: Uuid,
        milestone: Uuid,
        amount: i64,
        fee: i64,
        in_all: i64,
        currency: Currency,
    ) -> Self {
        let entries = [
            (Account::Suspense, Some(release), amount),
            (Account::FeeRevenue, None, fee),
            (Account::Held, Some(milestone), -(amount + fee)),
        ];
        Self::new(
            TransactionKind::ReversalHeldAgain.name(),
            Source::own(release, format!("returned:{in_all}")),
            currency,
            &entries,
        )
    }

    /// A person decided: the payee was paid what came back with another transfer.
    pub(crate) fn reversal_paid_again(transfer: &str, release: Uuid, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Suspense, Some(release), amount), (Account::StripeAvailable, None, -amount)];
        Self::new(TransactionKind::ReversalPaidAgain.name(), Source::stripe(transfer, "transfer"), currency, &entries)
    }

    /// A person decided: the payee was paid what came back outside of the provider, so that it is the platform's own. `ever` came back by now.
    pub(crate) fn reversal_paid_outside(release: Uuid, amount: i64, ever: i64, currency: Currency) -> Self {
        let entries = [(Account::Suspense, Some(release), amount), (Account::Float, None, -amount)];
        let source = Source::own(release, format!("outside:{ever}"));
        Self::new(TransactionKind::ReversalPaidOutside.name(), source, currency, &entries)
    }

    /// What waited was given back to its payer.
    pub(crate) fn suspense_refunded(refund: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Suspense, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new(TransactionKind::SuspenseRefunded.name(), Source::stripe(refund, "refund"), currency, &entries)
    }

    /// What was given back did not reach the payer: it waits again.
    pub(crate) fn suspense_refund_failed(refund: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Suspense, None, -amount)];
        Self::new(TransactionKind::SuspenseRefundFailed.name(), Source::stripe(refund, "refund_failed"), currency, &entries)
    }

    /// The payer's bank took back what waited.
    pub(crate) fn suspense_withdrawn(booking: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Suspense, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new(TransactionKind::SuspenseWithdrawn.name(), Source::stripe(booking, "withdrawn"), currency, &entries)
    }

    /// The payer's bank gave back what it had taken: it waits again.
    pub(crate) fn suspense_reinstated(booking: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Suspense, None, -amount)];
        Self::new(TransactionKind::SuspenseReinstated.name(), Source::stripe(booking, "reinstated"), currency, &entries)
    }

    /// Money came that was not asked for like this; it waits for a named person.
    pub(crate) fn payment_in_suspense(charge: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripePending, None, amount), (Account::Suspense, None, -amount)];
        Self::new(TransactionKind::PaymentInSuspense.name(), Source::stripe(charge, "charge"), currency, &entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const EUR: Currency = Currency::EUR;

    fn balances(postings: &[Posting]) -> BTreeMap<(i16, Option<Uuid>), i64> {
        let mut balances = BTreeMap::new();
        for entry in postings.iter().flat_map(|posting| &posting.entries) {
            *balances.entry((entry.account, entry.subject)).or_insert(0) += entry.amount;
        }
        balances.retain(|_, balance| *balance != 0);
        balances
    }

    /// Coverage as `app.coverage` adds it up, the float being one of the postings to 1010.
    fn surplus(balances: &BTreeMap<(i16, Option<Uuid>), i64>) -> i64 {
        balances.iter().filter(|((account, _), _)| matches!(account, 1000 | 1010 | 1020 | 2000..=2099)).map(|(_, b)| b).sum()
    }

    #[tokio::test]
    async fn the_database_takes_the_very_kinds_that_are_posted() {
        let db = testkit::Database::fresh().await;
        let mut theirs = db
            .query(
                "select (regexp_matches(pg_get_constraintdef(oid), '''([a-z_]+)''::text', 'g'))[1]
                 from pg_constraint where conname = 'ledger_transactions_kind_check'",
            )
            .await;
        let mut ours: Vec<_> = TransactionKind::ALL.iter().map(|kind| kind.name()).collect();
        theirs.sort();
        ours.sort_unstable();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn the_example_of_the_domain_page() {
        let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let story = [
            Posting::payment_received("ch_1", milestone, 1_000_000, 0, EUR),
            Posting::processing_fee_kept("txn_1", 29_030, EUR),
            Posting::funds_available("txn_1", 970_970, EUR),
            Posting::release_reserved(release, milestone, 975_000, 25_000, EUR),
            Posting::release_sent("tr_1", release, 975_000, 25_000, EUR),
        ];
        let expected = BTreeMap::from([((1010, None), -4_030), ((4000, None), -25_000), ((5000, None), 29_030)]);
        assert_eq!(balances(&story), expected);
    }

    proptest! {
        #[test]
        fn every_posting_sums_to_zero(
            held in 1_i64..1_000_000_000_000, recovery in 0_i64..1_000_000_000, net in 1_i64..1_000_000_000_000, fee in 0_i64..1_000_000_000,
        ) {
            let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let postings = [
                Posting::float("tu", held, EUR),
                Posting::payout("po", held, EUR),
                Posting::payment_received("ch", milestone, held, recovery, EUR),
                Posting::processing_fee_kept("txn", fee.max(1), EUR),
                Posting::funds_available("txn", held, EUR),
                Posting::release_reserved(release, milestone, net, fee, EUR),
                Posting::release_voided(release, milestone, net, fee, EUR),
                Posting::release_sent("tr", release, net, fee, EUR),
                Posting::payment_in_suspense("ch", held, EUR),
                Posting::transfer_reversed("tr", release, net, net, EUR),
                Posting::reversal_held_again(release, milestone, net, fee, net, EUR),
                Posting::reversal_paid_again("tr_2", release, net, EUR),
                Posting::reversal_paid_outside(release, net, net, EUR),
                Posting::suspense_refunded("re", held, EUR),
                Posting::suspense_refund_failed("re", held, EUR),
                Posting::suspense_withdrawn("txn_1", held, EUR),
                Posting::suspense_reinstated("txn_2", held, EUR),
                Posting::loss(milestone, held, EUR),
                Posting::recovery(milestone, held, EUR),
            ];
            for posting in &postings {
                prop_assert_eq!(posting.entries.iter().map(|entry| entry.amount).sum::<i64>(), 0, "{}", posting.kind);
                prop_assert!(posting.entries.len() >= 2);
                prop_assert!(posting.entries.iter().all(|entry| entry.amount != 0));
            }
            prop_assert!(balances(&postings[5..7]).is_empty(), "a void takes everything back");
        }

        #[test]
        fn a_grossed_up_milestone_is_covered_to_the_end(amount in 100_i64..1_000_000_000) {
            let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let charged = crate::model::money::grossed_up(amount, 290, 30).expect("fits");
            let stripe_fee = crate::model::money::share(charged, 290) + 30;
            let split = crate::model::money::Split::of(amount, 250).expect("something is left");
            let story = [
                Posting::payment_received("ch", milestone, amount, charged - amount, EUR),
                Posting::processing_fee_kept("txn", stripe_fee, EUR),
                Posting::funds_available("txn", charged - stripe_fee, EUR),
                Posting::release_reserved(release, milestone, split.net, split.fee, EUR),
                Posting::release_sent("tr", release, split.net, split.fee, EUR),
            ];
            for until in 1..=story.len() {
                let balances = balances(&story[..until]);
                let surplus = surplus(&balances);
                prop_assert!(surplus >= 0, "coverage after {until} postings: {surplus}");
                prop_assert!(balances.iter().all(|((account, _), b)| !(2000..2100).contains(account) || *b <= 0), "a liability has a debit balance");
            }
        }

        #[test]
        fn a_milestone_whose_cost_the_platform_bears_lacks_the_providers_fee_and_a_float_of_it_covers(amount in 100_i64..1_000_000_000) {
            let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let stripe_fee = crate::model::money::share(amount, 290) + 30;
            let split = crate::model::money::Split::of(amount, 250).expect("something is left");
            let story = [
                Posting::payment_received("ch", milestone, amount, 0, EUR),
                Posting::processing_fee_kept("txn", stripe_fee, EUR),
                Posting::funds_available("txn", amount - stripe_fee, EUR),
                Posting::release_reserved(release, milestone, split.net, split.fee, EUR),
                Posting::release_sent("tr", release, split.net, split.fee, EUR),
            ];
            let expected = [0, -stripe_fee, -stripe_fee, -stripe_fee, split.fee - stripe_fee];
            for float in [0, stripe_fee - 1, stripe_fee] {
                let mut postings = if float == 0 { Vec::new() } else { vec![Posting::float("tu", float, EUR)] };
                for (posting, lacking) in story.iter().zip(expected) {
                    postings.push(posting.clone());
                    prop_assert_eq!(surplus(&balances(&postings)), float + lacking);
                }
            }
        }
    }
}
