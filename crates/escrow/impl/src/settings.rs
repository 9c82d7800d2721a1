//! Terms of new contracts, webhook secrets, intervals.

use std::collections::BTreeMap;
use std::time::Duration;

use escrow_api::{CostBearer, Terms};
use kernel::Currency;
use secrecy::SecretString;

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The platform's fee of new contracts, in hundredths of a per cent.
    pub fee_bps: u32,
    /// Who bears the processing cost of new contracts.
    pub bearer: CostBearer,
    /// What the provider is expected to take, per currency. New contracts are written with it; in a currency that is not here there are none.
    pub processing: BTreeMap<Currency, Processing>,
    /// Whether the provider moves real money: a payment of the other mode is never ours.
    pub livemode: bool,
    /// Secrets of the webhook endpoints: the platform's, the connected accounts', and old ones while they rotate.
    pub webhook_secrets: Vec<SecretString>,
    /// Where the provider sends the payee after onboarding.
    pub onboarding_return_url: String,
    /// Where the provider sends the payee when a link has expired.
    pub onboarding_refresh_url: String,
    /// How long the owner may be silent about submitted work before it escalates (M8).
    pub review_days: u16,
    /// How far ahead a milestone may fall due when it is funded (M2).
    pub funding_window_days: u16,
    /// How long after its last change what no webhook tells about is looked at again: payments, payee accounts being set up.
    pub first_looks: Vec<Duration>,
    /// After those it is looked at so often.
    pub payment_poll: Duration,
    /// Who reads a payment or a contract has it looked at, unless it was looked at within so long.
    pub read_debounce: Duration,
    /// The soonest that a payment is looked at again.
    pub payment_poll_soonest: Duration,
    /// The provider's lists of disputes, fraud warnings, refunds and reviews are read so often, should a webhook never come.
    pub charge_watch: Duration,
    /// A release or an event that is under way for longer is taken up again by the sweep.
    pub stuck_after: Duration,
}

/// What the provider is expected to take of a charge in one currency, and how far that may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Processing {
    /// Hundredths of a per cent.
    pub bps: u32,
    /// Minor units.
    pub fixed: i64,
    /// Minor units that the platform stands for when money and float lack what is owed: so much of its own cost stops nobody.
    pub reserve: i64,
}

impl Settings {
    /// The terms of a new contract in this currency.
    #[must_use]
    pub fn terms_in(&self, currency: Currency) -> Option<Terms> {
        let Processing { bps, fixed, .. } = *self.processing.get(&currency)?;
        Some(Terms { fee_bps: self.fee_bps, bearer: self.bearer, processing_bps: bps, processing_fixed: fixed })
    }
}

impl Default for Settings {
    /// 2.5 % fee, card processing of 2.9 % + 30 minor units in every currency borne by the owner, no reserve, test mode, no webhook secret
    /// (every event is refused).
    fn default() -> Self {
        Self {
            fee_bps: 250,
            bearer: CostBearer::Owner,
            processing: Currency::all().map(|currency| (currency, Processing { bps: 290, fixed: 30, reserve: 0 })).collect(),
            livemode: false,
            webhook_secrets: Vec::new(),
            onboarding_return_url: "http://127.0.0.1:8080/payee-account/done".to_owned(),
            onboarding_refresh_url: "http://127.0.0.1:8080/payee-account/again".to_owned(),
            review_days: 14,
            funding_window_days: 60,
            first_looks: [60, 300, 900].map(Duration::from_secs).to_vec(),
            payment_poll: Duration::from_secs(3_600),
            read_debounce: Duration::from_secs(10),
            payment_poll_soonest: Duration::from_secs(5),
            charge_watch: Duration::from_secs(300),
            stuck_after: Duration::from_secs(60),
        }
    }
}
