//! `[escrow]`: fees, currencies and their terms, intervals. What the deployment decides elsewhere (live mode, URLs) is added by the server.

use std::collections::BTreeMap;
use std::time::Duration;

use escrow_api::{CostBearer, Terms};
use kernel::Currency;
use module::Reader;

/// Everything of this domain that an operator sets.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The platform's fee of new contracts, in hundredths of a per cent.
    pub fee_bps: u32,
    /// In which currencies new projects are made.
    pub currencies: Vec<Currency>,
    /// Who bears the processing cost of new contracts.
    pub bearer: CostBearer,
    /// What the provider is expected to take, per currency. New contracts are written with it; in a currency that is not here there are none.
    pub processing: BTreeMap<Currency, Processing>,
    /// Whether the provider moves real money: a payment of the other mode is never ours.
    pub livemode: bool,
    /// Where the provider sends the payee after onboarding.
    pub onboarding_return_url: String,
    /// Where the provider sends the payee when a link has expired.
    pub onboarding_refresh_url: String,
    /// How long the owner may be silent about submitted work before it escalates.
    pub review_days: u16,
    /// How far ahead a milestone may fall due when it is funded.
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
    /// A release that is under way for longer is taken up again by the sweep.
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

/// The most that the table of contracts takes (`fee_bps`, `processing_bps`).
const MOST_BASIS_POINTS: u32 = 5000;

/// The most that stands in reserve for the provider's fees in a currency: more would let real losses pass for them.
const MOST_RESERVE_MINOR: i64 = 100_000_000;

/// The keys of a currency's terms.
fn terms_of(currency: Currency) -> [String; 3] {
    let code = currency.code().to_ascii_lowercase();
    ["processing_basis_points", "processing_fixed_minor", "reserve_minor"].map(|key| format!("escrow.terms.{code}.{key}"))
}

impl Settings {
    /// As configured.
    pub fn read(r: &mut Reader) -> Self {
        let name = r.text("escrow.processing_cost_bearer");
        let bearer = CostBearer::from_name(&name).unwrap_or_else(|| {
            r.fault("escrow.processing_cost_bearer", format!("{name:?} should be owner or platform"));
            CostBearer::Owner
        });
        let settings = Self {
            fee_bps: r.number("escrow.fee_basis_points", "250"),
            currencies: r.parsed_list("escrow.currencies"),
            bearer,
            processing: processing(r),
            first_looks: r.durations("escrow.look_again_after"),
            payment_poll: r.duration_within("escrow.look_again_every", "1m", "1day"),
            read_debounce: r.duration_within("escrow.look_when_read_after", "1s", "1h"),
            ..Self::default()
        };
        settings.check(r);
        settings
    }

    /// What a currency costs must be known before money is taken in it.
    fn check(&self, r: &mut Reader) {
        let too_much = format!("must be at most {MOST_BASIS_POINTS} (50 %)");
        if self.fee_bps > MOST_BASIS_POINTS {
            r.fault("escrow.fee_basis_points", &too_much);
        }
        for (currency, terms) in &self.processing {
            if terms.bps > MOST_BASIS_POINTS {
                r.fault(&terms_of(*currency)[0], &too_much);
            }
        }
        if self.currencies.is_empty() && r.list("escrow.currencies").is_empty() {
            r.fault("escrow.currencies", "at least one currency must be allowed, such as EUR");
        }
        for currency in &self.currencies {
            for key in terms_of(*currency).iter().filter(|_| !self.processing.contains_key(currency)) {
                if !r.given(key) {
                    r.fault(
                        key,
                        format!("must be given: escrow.currencies allows {currency}, and what a charge in it costs is not known"),
                    );
                }
            }
        }
        if self.first_looks.windows(2).any(|pair| pair[0] >= pair[1]) {
            r.fault("escrow.look_again_after", "each must be longer than the one before, like 1m, 5m, 15m");
        }
        let day = Duration::from_secs(86_400);
        if self.first_looks.last().is_some_and(|last| *last > day) {
            r.fault("escrow.look_again_after", "each must be a day at most: later it is asked for every escrow.look_again_every");
        }
        for (currency, terms) in &self.processing {
            if terms.reserve > MOST_RESERVE_MINOR {
                let most = kernel::Money::from_minor(MOST_RESERVE_MINOR, *currency);
                r.fault(&terms_of(*currency)[2], format!("must be at most {most}: what lacks up to this stops nobody"));
            }
        }
    }

    /// The terms of a new contract in this currency.
    #[must_use]
    pub(crate) fn terms_in(&self, currency: Currency) -> Option<Terms> {
        let Processing { bps, fixed, .. } = *self.processing.get(&currency)?;
        Some(Terms { fee_bps: self.fee_bps, bearer: self.bearer, processing_bps: bps, processing_fixed: fixed })
    }
}

/// `[escrow.terms.<currency>]` of every currency of which all is given.
fn processing(r: &mut Reader) -> BTreeMap<Currency, Processing> {
    let mut terms = BTreeMap::new();
    for currency in Currency::all() {
        let keys = terms_of(currency);
        if keys.iter().all(|key| r.given(key)) {
            let [bps, fixed, reserve] = &keys;
            let (fixed, reserve): (u32, u32) = (r.number(fixed, "30"), r.number(reserve, "100000"));
            terms.insert(currency, Processing { bps: r.number(bps, "290"), fixed: fixed.into(), reserve: reserve.into() });
        }
    }
    terms
}

impl Default for Settings {
    /// 2.5 % fee, card processing of 2.9 % + 30 minor units in every currency borne by the owner, no reserve, test mode.
    fn default() -> Self {
        Self {
            fee_bps: 250,
            currencies: Currency::all().collect(),
            bearer: CostBearer::Owner,
            processing: Currency::all().map(|currency| (currency, Processing { bps: 290, fixed: 30, reserve: 0 })).collect(),
            livemode: false,
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
