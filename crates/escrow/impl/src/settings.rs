//! Terms of new contracts, webhook secrets, intervals.

use std::time::Duration;

use escrow_api::{CostBearer, Terms};
use secrecy::SecretString;

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The money terms that new contracts are written with.
    pub terms: Terms,
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
    /// A payment that no webhook tells about is looked at so often.
    pub payment_poll: Duration,
    /// The soonest that a payment is looked at again.
    pub payment_poll_soonest: Duration,
    /// The provider's lists of disputes, fraud warnings, refunds and reviews are read so often, should a webhook never come.
    pub charge_watch: Duration,
    /// A release or an event that is under way for longer is taken up again by the sweep.
    pub stuck_after: Duration,
}

impl Default for Settings {
    /// 2.5 % fee, card processing of 2.9 % + 0.30 borne by the owner, test mode, no webhook secret (every event is refused).
    fn default() -> Self {
        Self {
            terms: Terms { fee_bps: 250, bearer: CostBearer::Owner, processing_bps: 290, processing_fixed: 30 },
            livemode: false,
            webhook_secrets: Vec::new(),
            onboarding_return_url: "http://127.0.0.1:8080/payee-account/done".to_owned(),
            onboarding_refresh_url: "http://127.0.0.1:8080/payee-account/again".to_owned(),
            review_days: 14,
            funding_window_days: 60,
            payment_poll: Duration::from_secs(3_600),
            payment_poll_soonest: Duration::from_secs(5),
            charge_watch: Duration::from_secs(300),
            stuck_after: Duration::from_secs(60),
        }
    }
}
