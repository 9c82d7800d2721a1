//! Double entry (domain.md §7): typed postings whose entries sum to zero by construction. + debit, − credit, minor units.

use std::borrow::Cow;

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

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) account: i16,
    pub(crate) subject: Option<Uuid>,
    pub(crate) amount: i64,
}

/// Where a posting comes from: posted once per source (I6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) provider: &'static str,
    pub(crate) object: String,
    pub(crate) kind: Cow<'static, str>,
}

impl Source {
    /// Whether it is a thing of the provider's, and not one of ours.
    pub(crate) fn is_the_providers(&self) -> bool {
        self.provider == "stripe"
    }

    fn stripe(object: &str, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { provider: "stripe", object: object.to_owned(), kind: kind.into() }
    }

    fn own(object: Uuid, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { provider: "14build", object: object.to_string(), kind: kind.into() }
    }
}

/// A ledger transaction to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting {
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

    /// E0: the platform's own money comes in. No contract's: what is kept of it is one row of `platform_float`, the amount of these two.
    pub(crate) fn e0(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Float, None, -amount)];
        Self::new("E0", Source::stripe(source, "float"), currency, &entries)
    }

    /// E11: the platform's own money was paid out to its bank. No contract's either: one row of `platform_float`, below zero.
    pub(crate) fn e11(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Bank, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new("E11", Source::stripe(source, "payout"), currency, &entries)
    }

    /// The provider took something from the platform that belongs to no contract, such as the fee of a dispute that was won. One row of
    /// `platform_float`, below zero.
    pub(crate) fn platform_cost(source: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::DisputeAndLoss, None, amount), (Account::StripeAvailable, None, -amount)];
        Self::new("platform_cost", Source::stripe(source, "cost"), currency, &entries)
    }

    /// E1: the owner paid `held` for a milestone and `recovery` towards the processing cost.
    pub(crate) fn e1(charge: &str, milestone: Uuid, held: i64, recovery: i64, currency: Currency) -> Self {
        let entries = [
            (Account::StripePending, None, held + recovery),
            (Account::Held, Some(milestone), -held),
            (Account::FeeRecovery, None, -recovery),
        ];
        Self::new("E1", Source::stripe(charge, "charge"), currency, &entries)
    }

    /// E1b: the provider kept its fee.
    pub(crate) fn e1b(balance_transaction: &str, fee: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeFees, None, fee), (Account::StripePending, None, -fee)];
        Self::new("E1b", Source::stripe(balance_transaction, "fee"), currency, &entries)
    }

    /// E2: what was left became available.
    pub(crate) fn e2(balance_transaction: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::StripePending, None, -amount)];
        Self::new("E2", Source::stripe(balance_transaction, "available"), currency, &entries)
    }

    /// E3: a release is approved, its money reserved.
    pub(crate) fn e3(release: Uuid, milestone: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let entries = [
            (Account::Held, Some(milestone), net + fee),
            (Account::ReleasePayable, Some(release), -net),
            (Account::FeePending, Some(release), -fee),
        ];
        Self::new("E3", Source::own(release, "reserve"), currency, &entries)
    }

    /// E3v: the reservation is void: the exact opposite of E3.
    pub(crate) fn e3v(release: Uuid, milestone: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let mut void = Self::e3(release, milestone, net, fee, currency);
        void.kind = "E3v";
        void.source.kind = "void".into();
        for entry in &mut void.entries {
            entry.amount = -entry.amount;
        }
        void
    }

    /// E4: the transfer was made, the fee earned.
    pub(crate) fn e4(transfer: &str, release: Uuid, net: i64, fee: i64, currency: Currency) -> Self {
        let entries = [
            (Account::ReleasePayable, Some(release), net),
            (Account::StripeAvailable, None, -net),
            (Account::FeePending, Some(release), fee),
            (Account::FeeRevenue, None, -fee),
        ];
        Self::new("E4", Source::stripe(transfer, "transfer"), currency, &entries)
    }

    /// E5: `amount` of a transfer came back, `in_all` by now. Whose it is a person decides: until then it waits under the release.
    pub(crate) fn e5(transfer: &str, release: Uuid, amount: i64, in_all: i64, currency: Currency) -> Self {
        let entries = [(Account::StripeAvailable, None, amount), (Account::Suspense, Some(release), -amount)];
        Self::new("E5", Source::stripe(transfer, format!("reversed:{in_all}")), currency, &entries)
    }

    /// E5, decided: what came back is held for the milestone again, together with the fee that was taken of it.
    pub(crate) fn e5_held(release: Uuid, milestone: Uuid, amount: i64, fee: i64, in_all: i64, currency: Currency) -> Self {
        let entries = [
            (Account::Suspense, Some(release), amount),
            (Account::FeeRevenue, None, fee),
            (Account::Held, Some(milestone), -(amount + fee)),
        ];
        Self::new("E5", Source::own(release, format!("returned:{in_all}")), currency, &entries)
    }

    /// E5, decided: the payee was paid what came back with another transfer.
    pub(crate) fn e5_paid(transfer: &str, release: Uuid, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::Suspense, Some(release), amount), (Account::StripeAvailable, None, -amount)];
        Self::new("E5", Source::stripe(transfer, "transfer"), currency, &entries)
    }

    /// E13: money came that was not asked for like this; it waits for a named person.
    pub(crate) fn e13(charge: &str, amount: i64, currency: Currency) -> Self {
        let entries = [(Account::StripePending, None, amount), (Account::Suspense, None, -amount)];
        Self::new("E13", Source::stripe(charge, "charge"), currency, &entries)
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

    /// I7 as `app.coverage` adds it up, the float being one of the postings to 1010.
    fn surplus(balances: &BTreeMap<(i16, Option<Uuid>), i64>) -> i64 {
        balances.iter().filter(|((account, _), _)| matches!(account, 1000 | 1010 | 1020 | 2000..=2099)).map(|(_, b)| b).sum()
    }

    #[test]
    fn the_example_of_the_domain_page() {
        let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let story = [
            Posting::e1("ch_1", milestone, 1_000_000, 0, EUR),
            Posting::e1b("txn_1", 29_030, EUR),
            Posting::e2("txn_1", 970_970, EUR),
            Posting::e3(release, milestone, 975_000, 25_000, EUR),
            Posting::e4("tr_1", release, 975_000, 25_000, EUR),
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
                Posting::e0("tu", held, EUR),
                Posting::e11("po", held, EUR),
                Posting::e1("ch", milestone, held, recovery, EUR),
                Posting::e1b("txn", fee.max(1), EUR),
                Posting::e2("txn", held, EUR),
                Posting::e3(release, milestone, net, fee, EUR),
                Posting::e3v(release, milestone, net, fee, EUR),
                Posting::e4("tr", release, net, fee, EUR),
                Posting::e13("ch", held, EUR),
                Posting::e5("tr", release, net, net, EUR),
                Posting::e5_held(release, milestone, net, fee, net, EUR),
                Posting::e5_paid("tr_2", release, net, EUR),
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
                Posting::e1("ch", milestone, amount, charged - amount, EUR),
                Posting::e1b("txn", stripe_fee, EUR),
                Posting::e2("txn", charged - stripe_fee, EUR),
                Posting::e3(release, milestone, split.net, split.fee, EUR),
                Posting::e4("tr", release, split.net, split.fee, EUR),
            ];
            for until in 1..=story.len() {
                let balances = balances(&story[..until]);
                let surplus = surplus(&balances);
                prop_assert!(surplus >= 0, "I7 after {until} postings: {surplus}");
                prop_assert!(balances.iter().all(|((account, _), b)| !(2000..2100).contains(account) || *b <= 0), "I3");
            }
        }

        #[test]
        fn a_milestone_whose_cost_the_platform_bears_lacks_the_providers_fee_and_a_float_of_it_covers(amount in 100_i64..1_000_000_000) {
            let (milestone, release) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let stripe_fee = crate::model::money::share(amount, 290) + 30;
            let split = crate::model::money::Split::of(amount, 250).expect("something is left");
            let story = [
                Posting::e1("ch", milestone, amount, 0, EUR),
                Posting::e1b("txn", stripe_fee, EUR),
                Posting::e2("txn", amount - stripe_fee, EUR),
                Posting::e3(release, milestone, split.net, split.fee, EUR),
                Posting::e4("tr", release, split.net, split.fee, EUR),
            ];
            let expected = [0, -stripe_fee, -stripe_fee, -stripe_fee, split.fee - stripe_fee];
            for float in [0, stripe_fee - 1, stripe_fee] {
                let mut postings = if float == 0 { Vec::new() } else { vec![Posting::e0("tu", float, EUR)] };
                for (posting, lacking) in story.iter().zip(expected) {
                    postings.push(posting.clone());
                    prop_assert_eq!(surplus(&balances(&postings)), float + lacking);
                }
            }
        }
    }
}
